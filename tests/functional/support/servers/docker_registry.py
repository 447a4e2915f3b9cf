# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's docker-registry in all its modes, with its access log counted and its storage at hand."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, build_opener

import bcrypt

from ..clients.endpoint import Endpoint
from ..scenes.images import Image
from .access_log import AccessLog, LoggedRequest, count
from .certificates import Certificate
from .processes import ServerProcess, wait_until
from .token_server import TokenServer

_LISTENING = r'"msg":"listening on [\d.]+:(\d+)'
_CHEAPEST_BCRYPT = 4
# A heap as small as its is collected all the time: a quarter of its work.
_SELDOM = {"GOGC": "400"}


class DockerRegistry:
    """A running docker-registry.

    :ivar root: its storage, to look at and to spoil
    :ivar health_file: while this file exists every answer is 503
    """

    def __init__(self, process: ServerProcess, config: dict[str, Any], endpoint: Endpoint, root: Path) -> None:
        self.process = process
        self.endpoint = endpoint
        self.root = root
        self.health_file = process.directory / "unhealthy"
        self._config = config
        self._log = AccessLog(process.out)
        context = endpoint.ssl_context()
        self._opener: OpenerDirector = build_opener(
            ProxyHandler({}), *([HTTPSHandler(context=context)] if context else [])
        )

    @property
    def host(self) -> str:
        return self.endpoint.host

    def plant(self, repository: str, tags: Mapping[str, Image]) -> None:
        """Put images under tags straight into the storage, which takes a tenth of the time."""
        home = self.repository_path(repository)
        for tag, image in tags.items():
            blobs = {digest: blob.data for digest, blob in image.all_blobs().items()}
            manifests = {digest: each.manifest for digest, each in image.all_manifests().items()}
            for digest, data in {**blobs, **manifests}.items():
                path = self.blob_path(digest)
                if not path.exists():
                    path.parent.mkdir(parents=True)
                    path.write_bytes(data)
            named = home / "_manifests/tags" / tag
            for digest, folder in (
                *((digest, home / "_layers" / digest.replace(":", "/")) for digest in blobs),
                *((digest, home / "_manifests/revisions" / digest.replace(":", "/")) for digest in manifests),
                (image.digest, named / "index" / image.digest.replace(":", "/")),
                (image.digest, named / "current"),
            ):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "link").write_text(digest)

    def requests(self) -> list[LoggedRequest]:
        """Every request since the mark. The log is complete: two requests of our own are waited for, and left out."""
        self._settle()
        self._settle()
        return [request for request in self._log.requests() if not request.target.startswith("/v2/_mark/")]

    def counts(self) -> Counter[tuple[str, str]]:
        """How many requests of each method and kind since the mark, as ``("HEAD", "manifest")``."""
        return count(self.requests())

    def mark(self) -> None:
        """Count from here on."""
        self._settle()
        self._log.mark()

    def _settle(self) -> None:
        if not self.process.running():
            return
        name = f"/v2/_mark/{secrets.token_hex(8)}"
        with suppress(OSError):
            self._opener.open(self.endpoint.url + name, timeout=10).close()
        wait_until(lambda: name.encode() in self.process.out.read_bytes()[-65536:], f"{name} in the access log")

    def restart(self) -> None:
        """Come back on the same port with the same storage, after ``process.kill()`` or from a running state."""
        self.process.stop()
        self._config["http"]["addr"] = self.host
        _write(self._config, self.process)
        _start(self.process)

    def blob_path(self, digest: str) -> Path:
        """The file that holds a blob's or a manifest's bytes, shared by all repositories."""
        algorithm, _, encoded = digest.partition(":")
        return self.root / "docker/registry/v2/blobs" / algorithm / encoded[:2] / encoded / "data"

    def repository_path(self, repository: str) -> Path:
        """The directory with a repository's tags and links; gone means that the repository does not exist."""
        return self.root / "docker/registry/v2/repositories" / repository


@contextmanager
def docker_registry(
    directory: Path,
    *,
    users: Mapping[str, str] | None = None,
    certificate: Certificate | None = None,
    client: Certificate | None = None,
    tokens: TokenServer | None = None,
    relative_urls: bool = False,
    delete: bool = True,
    readonly: bool = False,
    schema1: bool = False,
    classes: Sequence[str] = (),
    root: Path | None = None,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    address: str = "127.0.0.1",
) -> Iterator[DockerRegistry]:
    """Run a docker-registry.

    :param directory: for its configuration and logs, and its storage unless ``root`` says otherwise
    :param users: Basic authentication; the first of them is the endpoint's user
    :param certificate: serve TLS
    :param client: want client certificates of the CA that issued this one
    :param tokens: Bearer authentication; its first user is the endpoint's user
    :param classes: allowed repository classes, such as ``image``, ``plugin``
    :param extra: more settings, merged by section
    :param address: where it listens
    """
    directory.mkdir(parents=True, exist_ok=True)
    root = root or directory / "storage"
    process = ServerProcess("docker-registry", ["docker-registry", "serve", "config.yml"], directory, _SELDOM)
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "info", "formatter": "json"},
        "storage": {
            "filesystem": {"rootdirectory": str(root)},
            "delete": {"enabled": delete},
            "maintenance": {"uploadpurging": {"enabled": False}, "readonly": {"enabled": readonly}},
        },
        "http": {"addr": f"{address}:0", "secret": "for tests", "relativeurls": relative_urls},
        "health": {"file": [{"file": str(directory / "unhealthy"), "interval": "50ms"}]},
        "validation": {"manifests": {"urls": {"allow": ["^https?://"]}}},
        "compatibility": {"schema1": {"enabled": schema1}},
    }
    if certificate:
        config["http"]["tls"] = {"certificate": str(certificate.certificate), "key": str(certificate.key)}
        if client:
            config["http"]["tls"]["clientcas"] = [str(client.ca_path)]
    config.update(_authentication(directory, users, tokens))
    if classes:
        config["policy"] = {"repository": {"classes": list(classes)}}
    for section, settings in (extra or {}).items():
        config.setdefault(section, {}).update(settings)
    _write(config, process)
    try:
        port = _start(process)
        endpoint = Endpoint(
            f"{address}:{port}", certificate.ca_path if certificate else None, *_first_user(users, tokens), client
        )
        yield DockerRegistry(process, config, endpoint, root)
    finally:
        process.stop()


def _authentication(directory: Path, users: Mapping[str, str] | None, tokens: TokenServer | None) -> dict[str, Any]:
    if users:
        lines = [
            f"{name}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(_CHEAPEST_BCRYPT)).decode()}"
            for name, password in users.items()
        ]
        path = directory / "htpasswd"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return {"auth": {"htpasswd": {"realm": "test registry", "path": str(path)}}}
    if tokens:
        settings = {
            "realm": tokens.realm,
            "service": tokens.service,
            "issuer": tokens.issuer,
            "rootcertbundle": str(tokens.bundle),
        }
        return {"auth": {"token": settings}}
    return {}


def _first_user(users: Mapping[str, str] | None, tokens: TokenServer | None) -> tuple[str, str]:
    if users:
        return next(iter(users.items()))
    if tokens:
        return next(((name, user.password or "") for name, user in tokens.users.items()), ("", ""))
    return ("", "")


def _write(config: Mapping[str, Any], process: ServerProcess) -> None:
    (process.directory / "config.yml").write_text(json.dumps(config, indent=1), encoding="utf-8")


def _start(process: ServerProcess) -> int:
    before = process.log_size()
    process.start()
    return int(process.wait_for(_LISTENING, start=before).group(1))
