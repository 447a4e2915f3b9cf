# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where images stand in Kubernetes manifests and in compose files, and at paths that the user names.

One walk serves to find images and to replace them: it gives the data back with what a function made of each image.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._oci.errors import InputError
from ..._oci.image.reference import quoted
from .interpolation import interpolate

Change = Callable[[str, str], str]
"""A function of an image and of the words that say where it stands; it returns what replaces the image."""

Path = tuple[str, ...]
"""Keys from an object to an image. ``*`` is any one key, ``**`` any number of them; lists have no key."""

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_PARTS = ("registry", "repository", "tag", "digest")
_SERVICE_KEYS = frozenset(
    "auto_up build cap_add cap_drop cgroup_parent command container_name cpu_quota cpu_shares cpuset devices dns"
    " dns_search dockerfile domainname entrypoint env_file environment expose extends external_links extra_hosts"
    " hostname image ipc labels links log_driver log_opt mac_address mem_limit mem_swappiness memswap_limit net pid"
    " ports privileged read_only restart security_opt shm_size stdin_open stop_signal tty ulimits user volume_driver"
    " volumes volumes_from working_dir".split()
)
"""What a service of a compose file of the first version may have; Compose refuses other keys."""
_INDEX = re.compile(r"[][]")
_MAX_DEPTH = 200
_MAX_VALUES = 2_000_000


def parse_path(written: object) -> Path:
    """Return the keys of a path: text with dots between its keys, or a list of keys, which may have dots in them.

    :raises InputError: for what is no path
    """
    keys = written.split(".") if isinstance(written, str) and not _INDEX.search(written) else written
    if not isinstance(keys, (list, tuple)) or not keys or not all(isinstance(key, str) and key for key in keys):
        raise InputError(
            subject=f"the path {quoted(written)}",
            cause="it is neither keys with dots between them nor a list of keys",
            hint="write spec.image, or [spec, image]; lists have no key",
        )
    return tuple(str(key) for key in keys)


def _are_services(value: Mapping[Any, Any]) -> bool:
    """Return whether a document is a compose file of the first version, which has its services and nothing else.

    A chart's values, which may look alike, have the tag beside the image.
    """
    return bool(value) and all(
        isinstance(service, Mapping)
        and (isinstance(service.get("image"), str) or service.get("build"))
        and _SERVICE_KEYS.issuperset(service)
        for service in value.values()
    )


def _matches(pattern: Path, path: Path) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return _matches(pattern[1:], path) or (bool(path) and _matches(pattern, path[1:]))
    return bool(path) and pattern[0] in ("*", path[0]) and _matches(pattern[1:], path[1:])


@dataclass
class ImageWalk:
    """Walks through documents and replaces their images. What documents share by YAML's aliases is walked once.

    :ivar change: gives what stands in the place of an image
    :ivar paths: further places of images, from each Kubernetes object or document on
    :ivar variables: what compose files may name
    """

    change: Change
    paths: Sequence[Path] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._done: dict[tuple[int, Path, str], Any] = {}
        self._walked: list[Any] = []

    def document(self, document: Any) -> Any:
        """Return a document with its images replaced.

        :raises InputError: for what is no image where one has to be
        """
        return self._value(document, (), "", 0)

    def _value(self, value: Any, path: Path, where: str, depth: int) -> Any:
        if not isinstance(value, (Mapping, list, tuple)):
            return value
        if depth > _MAX_DEPTH or len(self._walked) > _MAX_VALUES:
            cause = "it is nested too deeply" if depth > _MAX_DEPTH else "its aliases stand for too much"
            raise InputError(action="read", subject="the data with images", cause=cause)
        key = (id(value), path if self.paths else (), where)
        if key not in self._done:
            self._walked.append(value)  # so that no other value gets its id
            if isinstance(value, Mapping):
                self._done[key] = self._mapping(value, path, where, depth)
            else:
                self._done[key] = [self._value(item, path, where, depth + 1) for item in value]
        return self._done[key]

    def _mapping(self, value: Mapping[Any, Any], path: Path, where: str, depth: int) -> dict[Any, Any]:
        kind = value.get("kind")
        if isinstance(kind, str) and "apiVersion" in value:
            metadata = value.get("metadata")
            name = metadata.get("name") if isinstance(metadata, Mapping) else None
            path, where = (), f"{kind} {name}" if name else kind
        elif not where and not path and isinstance(value.get("services"), Mapping):
            value = {**value, "services": self._services(value["services"])}
        elif not where and not path and _are_services(value):
            value = self._services(value)
        return {key: self._member(str(key), item, (*path, str(key)), where, depth + 1) for key, item in value.items()}

    def _member(self, key: str, item: Any, path: Path, where: str, depth: int) -> Any:
        if any(_matches(pattern, path) for pattern in self.paths):
            return self._named(item, f"{'.'.join(path)} of {where}" if where else ".".join(path))
        if key in _CONTAINERS and isinstance(item, (list, tuple)):
            item = [self._container(each, where) for each in item]
        elif key == "volumes" and isinstance(item, (list, tuple)):
            item = [self._volume(each, where) for each in item]
        return self._value(item, path, where, depth)

    def _container(self, container: Any, where: str) -> Any:
        """Replace the image of a container; one without is given its image by something else."""
        if not isinstance(container, Mapping) or not container.get("image"):
            return container
        name = f"container {container.get('name', '')}".strip()
        return {**container, "image": self._text(container["image"], f"{name} of {where}" if where else name)}

    def _volume(self, volume: Any, where: str) -> Any:
        """Replace the image of a Kubernetes volume that is an image."""
        image = volume.get("image") if isinstance(volume, Mapping) else None
        if not isinstance(image, Mapping) or not image.get("reference"):
            return volume
        name = f"volume {volume.get('name', '')}".strip()
        changed = self._text(image["reference"], f"{name} of {where}" if where else name)
        return {**volume, "image": {**image, "reference": changed}}

    def _services(self, services: Mapping[Any, Any]) -> dict[Any, Any]:
        """Replace the images of compose's services; what a service builds itself is no image to take from anywhere.

        An image in parts belongs to a chart's values, which have services, too.
        """
        return {name: self._service(service, f"service {name}") for name, service in services.items()}

    def _service(self, service: Any, where: str) -> Any:
        if not isinstance(service, Mapping):
            return service
        changed = dict(service)
        image = service.get("image")
        if image and not service.get("build") and not isinstance(image, Mapping):
            changed["image"] = self._composed(image, where)
        volumes = service.get("volumes")
        if isinstance(volumes, (list, tuple)):
            changed["volumes"] = [
                {**volume, "source": self._composed(volume["source"], where)}
                if isinstance(volume, Mapping) and volume.get("type") == "image" and volume.get("source")
                else volume
                for volume in volumes
            ]
        return changed

    def _composed(self, image: Any, where: str) -> str:
        if not isinstance(image, str):
            raise _no_text(image, where)
        return self._text(interpolate(image, self.variables), where)

    def _named(self, item: Any, where: str) -> Any:
        """Replace what stands at a path: an image, a list of them, or one in parts as Helm's values have it."""
        if isinstance(item, (list, tuple)):
            return [self._named(each, where) for each in item]
        if isinstance(item, Mapping) and item.get("repository"):
            return self._in_parts(item, where)
        return item if item is None or item == "" else self._text(item, where)

    def _in_parts(self, parts: Mapping[Any, Any], where: str) -> dict[Any, Any]:
        given = {name: parts.get(name) or "" for name in _PARTS}
        for name, part in given.items():
            if not isinstance(part, str):
                raise _no_text(part, f"{name} of {where}")
        registry = f"{given['registry']}/" if given["registry"] else ""
        tag = f":{given['tag']}" if given["tag"] else ""
        digest = f"@{given['digest']}" if given["digest"] else ""
        if not tag and not digest:
            raise InputError(
                subject=f"the image {quoted(given['repository'])} ({where})",
                cause="it has neither tag nor digest",
                hint="give the path in rendered manifests instead, where Helm has put the tag in",
            )
        changed = self._text(f"{registry}{given['repository']}{tag}{digest}", where)
        name = changed.partition("@")[0]
        name = name[: len(name) - len(tag)] if tag and name.endswith(tag) else name
        if not registry:
            return {**parts, "repository": name}
        host, _slash, repository = name.partition("/")
        return {**parts, "registry": host, "repository": repository}

    def _text(self, image: Any, where: str) -> str:
        if not isinstance(image, str):
            raise _no_text(image, where)
        return self.change(image.strip(), where)


def _no_text(value: object, where: str) -> InputError:
    return InputError(
        subject=f"the image {quoted(value)} ({where})", cause="it is not a string", hint="write it in quotes"
    )
