# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, tags and digests of images: parsing and formatting, nothing else.

The grammar is that of the OCI distribution specification ("Pulling manifests": ``<name>`` and ``<reference>``) and of
the OCI image specification ("Digests"), with docker's rule for where the registry ends and the repository begins.
Every function here raises InputError and nothing else.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import json
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError
from .places import split_place
from .slots import slotted
from .transports import other_form

if TYPE_CHECKING:
    from hashlib import _Hash

DOCKER_HUB = "docker.io"
_DOCKER_HUB_ALIASES = frozenset(
    ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"]
)

_HEX_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_PATH_PART = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_IPV6_HOST = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(.*))?", re.DOTALL)
_USER_INFO = re.compile(r"://[^/@]*@")

_MAX_REPOSITORY = 255
_MAX_HOST = 253
_MAX_TEXT = 1024
_SHOWN = 200
_MAX_INT_BITS = 128
_KINDS = ((int, "a very long number"), (dict, "a mapping"), ((list, tuple), "a list"), (bytes, "binary data"))

_FORM = "write registry/repository, registry/repository:tag or registry/repository@sha256:..."
_DIGEST_FORM = "write sha256: and 64, or sha512: and 128, lower-case hexadecimal digits"
_TAG_FORM = "a tag is 1 to 128 letters, digits, '_', '.' or '-', and does not begin with '.' or '-'"
_REPOSITORY_FORM = (
    "a repository is path components of lower-case letters and digits, separated inside by '.', '_', '__' or '-'"
)
_REGISTRY_FORM = "write a host name or address, with a port if needed: harbor.example.com:8443 or [2001:db8::1]:5000"


def quoted(value: object) -> str:
    """Return a value as an error message shows it, in one short line of printable characters.

    Text is put in quotes and the user part of a URL in it is masked; of a list or a mapping only its kind is said,
    since secrets may be inside.
    """
    if isinstance(value, str):
        shown = json.dumps(_shortened(_USER_INFO.sub("://***@", value)), ensure_ascii=False).replace("\\\\", "\\")
        return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in shown)
    if value is None or isinstance(value, (bool, float)):
        return json.dumps(value)
    if isinstance(value, int) and value.bit_length() <= _MAX_INT_BITS:
        return str(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return next((name for kind, name in _KINDS if isinstance(value, kind)), f"a {type(value).__name__}")


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _text(value: object, *, what: str, form: str) -> str:
    """Return the value when it is text that can be looked at; the other two parameters say what it should be."""
    if not isinstance(value, str):
        raise InputError(subject=f"the {what} {quoted(value)}", cause="it is not a string", hint=form)
    if not value:
        raise InputError(subject=f"an empty {what}", cause="nothing is there", hint=form)
    if len(value) > _MAX_TEXT:
        raise InputError(subject=f"the {what} {quoted(value)}", cause=f"it is longer than {_MAX_TEXT}", hint=form)
    return value


@dataclass(frozen=True)
class Digest:
    """The name that content has by its own bytes (OCI image specification, "Digests").

    :param algorithm: ``sha256`` or ``sha512``
    :param value: the hash, as bytes: these take half the memory of its digits, and a run may hold hundreds of thousands
    """

    __slots__ = ("algorithm", "value")

    algorithm: str
    value: bytes

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Return the digest that ``sha256:...`` or ``sha512:...`` spells; anything else is an InputError."""
        algorithm, colon, encoded = _text(text, what="digest", form=_DIGEST_FORM).partition(":")
        length = _HEX_LENGTHS.get(algorithm)
        if not colon or length is None:
            cause = f"it does not begin with {' or '.join(f'{name}:' for name in _HEX_LENGTHS)}"
        elif len(encoded) != length:
            cause = f"{algorithm} has {length} digits, here are {len(encoded)}"
        elif not _HEX.fullmatch(encoded):
            cause = "it has other characters than 0-9 and a-f"
        else:
            return cls(sys.intern(algorithm), bytes.fromhex(encoded))
        raise InputError(subject=f"the digest {quoted(text)}", cause=cause, hint=_DIGEST_FORM)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Digest:
        """Return the digest of these bytes."""
        hasher = _new_hash(algorithm)
        hasher.update(data)
        return cls(algorithm, hasher.digest())

    @property
    def encoded(self) -> str:
        """Return the hash in lower-case hexadecimal digits."""
        return self.value.hex()

    def hasher(self) -> _Hash:
        """Return a new hash object of this digest's algorithm; its ``hexdigest()`` is to equal ``encoded``."""
        return _new_hash(self.algorithm)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"


def _new_hash(algorithm: str) -> _Hash:
    if algorithm == "sha256":
        return hashlib.sha256()
    if algorithm == "sha512":
        return hashlib.sha512()
    raise InputError(
        subject=f"the digest algorithm {quoted(algorithm)}", cause="it is not known", hint="sha256 and sha512 are"
    )


@slotted
@dataclass(frozen=True)
class Reference:
    """An image, or a repository when it has neither tag nor digest.

    The constructor trusts what it is given; ``parse`` checks it. With a tag and a digest, the digest is what is meant
    and the tag is expected to name it.

    :param registry: host and port as in ``harbor.example.com:8443``, in lower case; Docker Hub is ``docker.io``; or a
        place on disk, ``oci:/srv/bundle/``
    :param repository: the path in that registry, as in ``library/nginx``
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the reference that ``[registry/]repository[:tag][@digest]`` spells; anything else is an InputError."""
        checked = _text(text, what="image", form=_FORM)
        _refuse_what_is_no_name(checked)
        place, below = split_place(checked) or ("", checked)
        rest, at, digest = below.partition("@")
        name, colon, tag = rest.rpartition(":")
        if not colon or "/" in tag or tag.endswith("]"):
            name, colon, tag = rest, "", ""
        try:
            registry, repository = parse_repository(f"{place}/{name}" if place else name)
            return cls(
                registry,
                repository,
                check_tag(tag) if colon else None,
                Digest.parse(digest) if at else None,
            )
        except InputError as error:
            raise InputError(
                subject=f"the image {quoted(text)}", cause=f"{error.subject}: {error.cause}", hint=error.hint
            ) from None

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def with_tag(self, tag: str) -> Reference:
        """Return this repository with that tag and no digest."""
        return Reference(self.registry, self.repository, tag)

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.registry}/{self.repository}{tag}{digest}"


def _refuse_what_is_no_name(text: str) -> None:
    """Refuse frequent mistakes with an error of their own, before the grammar refuses them in general words."""
    other = other_form(text)
    if other is not None:
        cause, hint = other
    elif "://" in text:
        cause, hint = "it has a scheme", f"leave the scheme out: {_FORM}"
    elif text.endswith("/"):
        cause, hint = "it ends with '/'", _FORM
    elif "*" in text:
        cause, hint = "'*' has no meaning in a name", "write the repository's name; no tag means all its tags"
    else:
        return
    raise InputError(subject=f"the image {quoted(text)}", cause=cause, hint=hint)


def check_tag(text: str) -> str:
    """Return the tag, or raise InputError when it is none."""
    if not _TAG.fullmatch(_text(text, what="tag", form=_TAG_FORM)):
        raise InputError(subject=f"the tag {quoted(text)}", cause="it is not a tag", hint=_TAG_FORM)
    return text


def parse_registry(text: str) -> str:
    """Return ``host`` or ``host:port`` in lower case, Docker Hub as ``docker.io``; IPv6 addresses are in brackets."""
    checked = _text(text, what="registry", form=_REGISTRY_FORM)
    cause = _registry_fault(checked)
    if cause:
        raise InputError(subject=f"the registry {quoted(text)}", cause=cause, hint=_REGISTRY_FORM)
    lowered = checked.lower()
    return DOCKER_HUB if lowered in _DOCKER_HUB_ALIASES else lowered


def _registry_fault(text: str) -> str:
    """Return why this is no ``host[:port]``; empty when it is one."""
    address = _IPV6_HOST.fullmatch(text)
    if address:
        try:
            ipaddress.IPv6Address(address.group(1))
        except ValueError:
            return "what is in brackets is not an IPv6 address"
        port = address.group(2)
    else:
        host, colon, rest = text.partition(":")
        port = rest if colon else None
        if len(host) > _MAX_HOST or not all(_HOST_LABEL.fullmatch(label) for label in host.split(".")):
            return "it is not a host name"
    if port is not None and not (_PORT.fullmatch(port) and int(port) < 65536):
        return f"{quoted(port)} is not a port"
    return ""


def parse_prefix(text: str) -> tuple[str, str]:
    """Return the registry and the path of a prefix that credentials are given for.

    The path is empty for the whole registry, else it is the beginning of repositories' paths; a '/' at the end says
    nothing. No ``library/`` is added: ``docker.io/acme`` is that user's namespace.
    """
    checked = _text(text, what="registry", form=_REGISTRY_FORM)
    if "://" in checked:
        raise InputError(
            subject=f"the registry {quoted(text)}", cause="it has a scheme", hint=f"leave it out: {_REGISTRY_FORM}"
        )
    host, slash, path = (checked[:-1] if checked.endswith("/") else checked).partition("/")
    registry = parse_registry(host)
    if slash:
        _check_path(path)
    return registry, path


def parse_repository(text: str) -> tuple[str, str]:
    """Return both parts of ``[registry/]repository``.

    The first path component is the registry when it has a '.' or ':' or is ``localhost``; else it is Docker Hub's,
    where a name of one component is in ``library``. A place on disk stands for the registry where there is one.
    """
    checked = _text(text, what="repository", form=_FORM)
    place = split_place(checked)
    if place is not None:
        _check_place(*place)
        return place
    first, slash, rest = checked.partition("/")
    if first == "localhost" or "." in first or ":" in first:
        registry, path = parse_registry(first), rest
        if not slash:
            raise InputError(
                subject=f"the repository {quoted(text)}",
                cause="it reads as a registry without a repository",
                hint=f"write {registry}/repository, or {DOCKER_HUB}/library/name for one on Docker Hub",
            )
    else:
        registry, path = DOCKER_HUB, checked
    _check_path(path)
    if registry == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    if len(path) > _MAX_REPOSITORY:
        raise _path_error(path, f"it is longer than {_MAX_REPOSITORY} characters")
    return registry, path


def _check_place(place: str, path: str) -> None:
    if not path:
        raise InputError(
            subject=f"the place {quoted(place[:-1])}",
            cause="it stands for all that is there, and one repository is wanted",
            hint=f"write {place}/repository, or {place}/repository:tag",
        )
    _check_path(path)
    if len(path) > _MAX_REPOSITORY:
        raise _path_error(path, f"it is longer than {_MAX_REPOSITORY} characters")


def _check_path(path: str) -> None:
    if path.lower() != path:
        raise _path_error(path, "it has upper-case letters")
    for part in path.split("/"):
        if not _PATH_PART.fullmatch(part):
            raise _path_error(path, f"{quoted(part)} is not a path component" if part else "it has an empty component")


def _path_error(path: str, cause: str) -> InputError:
    return InputError(subject=f"the repository {quoted(path)}", cause=cause, hint=_REPOSITORY_FORM)
