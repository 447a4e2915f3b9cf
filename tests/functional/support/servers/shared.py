# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registries that the tests share: each is started when it is first asked for, and all end together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..clients.endpoint import Endpoint
from .certificates import Certificate, CertificateAuthority
from .docker_registry import DockerRegistry, docker_registry
from .token_server import Right, TokenServer, User, token_server
from .zuul import ZuulRegistry, zuul_registry

USER, PASSWORD = "alice", "alice's pass:word/ü"
READER = "reader"
IDENTITY = "robot"
IDENTITY_TOKEN = "robot-identity-token"
HTPASSWD = {USER: PASSWORD, "bob": "bob's password"}
TOKEN_USERS = {
    USER: User(PASSWORD),
    READER: User(PASSWORD, rights=(Right(actions=("pull",)),)),
    "limited": User(PASSWORD, rights=(Right("limited/*", ("pull", "push")),)),
    IDENTITY: User(identity_token=IDENTITY_TOKEN),
}

KINDS = ("open", "htpasswd", "tls", "token", "relative", "zuul")


@dataclass(frozen=True)
class Kind:
    """One kind of registry, and what it can do.

    :param mounts: answers ``POST ?mount=`` with 201 for what is there
    :param deletes: takes DELETE of a manifest by digest
    :param ranges: heeds Range on blobs
    :param scoped_blobs: a blob is visible only in the repositories that it was put into
    :param checks_blobs: refuses a manifest that names what is not there
    :param untyped: keeps manifests without a ``mediaType`` of their own
    """

    name: str
    endpoint: Endpoint
    mounts: bool = True
    deletes: bool = True
    ranges: bool = True
    scoped_blobs: bool = True
    checks_blobs: bool = True
    untyped: bool = True


class Servers:
    """Every server of a test run. Shared: tests use repositories of their own, and leave the servers as they are."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack

    def _make_directory(self, name: str) -> Path:
        path = self._directory / name
        path.mkdir()
        return path

    @cached_property
    def authority(self) -> CertificateAuthority:
        return CertificateAuthority(self._make_directory("ca"))

    @cached_property
    def certificate(self) -> Certificate:
        """For any server on a loopback address."""
        return self.authority.issue("loopback")

    @cached_property
    def open(self) -> DockerRegistry:
        """Plain HTTP, no login."""
        return self._stack.enter_context(docker_registry(self._make_directory("open")))

    @cached_property
    def htpasswd(self) -> DockerRegistry:
        """Plain HTTP, Basic authentication for everything."""
        return self._stack.enter_context(docker_registry(self._make_directory("htpasswd"), users=HTPASSWD))

    @cached_property
    def tls(self) -> DockerRegistry:
        """TLS from the private CA, no login."""
        return self._stack.enter_context(docker_registry(self._make_directory("tls"), certificate=self.certificate))

    @cached_property
    def relative(self) -> DockerRegistry:
        """Plain HTTP, no login, Locations without scheme and host."""
        return self._stack.enter_context(docker_registry(self._make_directory("relative"), relative_urls=True))

    @cached_property
    def tokens(self) -> TokenServer:
        """The token server of :attr:`token`."""
        return self._stack.enter_context(token_server(self._make_directory("tokens"), TOKEN_USERS))

    @cached_property
    def token(self) -> DockerRegistry:
        """Plain HTTP, Bearer tokens."""
        return self._stack.enter_context(docker_registry(self._make_directory("token"), tokens=self.tokens))

    @cached_property
    def zuul(self) -> ZuulRegistry:
        """The second implementation; even reading wants a login."""
        return self._stack.enter_context(zuul_registry(self._make_directory("zuul")))

    def kind(self, name: str) -> Kind:
        """One of :data:`KINDS`."""
        if name == "zuul":
            return Kind(
                name,
                self.zuul.endpoint,
                mounts=False,
                deletes=False,
                ranges=False,
                scoped_blobs=False,
                checks_blobs=False,
                untyped=False,
            )
        registry: DockerRegistry = getattr(self, name)
        return Kind(name, registry.endpoint)


@contextmanager
def all_servers(directory: Path) -> Iterator[Servers]:
    """Whatever is asked for, until the block is left."""
    with ExitStack() as stack:
        yield Servers(directory, stack)
