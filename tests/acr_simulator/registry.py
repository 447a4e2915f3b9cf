# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance's registry as a client sees it before any image: the challenge, and the token service behind it."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from . import resources_of_calls, rights
from .cr_repositories import is_name, make_repository
from .identity import Identity
from .world import Instance, Namespace, World


class Blocked(Exception):
    """The white list lets this client not in: it gets no answer at all."""


class Refused(Exception):
    """401 with the registry's words."""


class RegistryFace:
    """The token service of one instance.

    :ivar enforce: whether the endpoint's switch and white list decide who gets an answer
    :ivar leeway: for how many seconds the registry behind takes a token that has ended, which are taken off its life
    :ivar logins: how many logins with a name and a password were tried
    :ivar push_from: when pushes are granted from, for rights that reach the service late; None for always
    :ivar service: the name by which tokens are for this instance
    :ivar token_status: what the token service answers, without a token, in place of what it should
    """

    def __init__(self, world: World, instance: Instance, identity: Identity) -> None:
        self._world = world
        self._instance = instance
        self._identity = identity
        self.enforce = False
        self.leeway = 0
        self.logins = 0
        self.service = f"registry.aliyuncs.com:{instance.region}:china:{instance.instance_id}"
        self.token_status: int | None = None
        self.push_from: float | None = None
        self._tokens: set[str] = set()

    def admit(self) -> None:
        """:raises Blocked: when the endpoint is off or the client is not on its white list"""
        if not self.enforce:
            return
        endpoint = self._instance.endpoints["Registry"]
        listed = [entry.entry for entry in endpoint.entries if entry.shows.left == 0]
        if not endpoint.enable or (
            listed and not any(_contains(entry, self._world.client_address) for entry in listed)
        ):
            raise Blocked

    def knows(self, authorization: str) -> bool:
        """Whether it is a bearer token that this service gave."""
        return authorization.removeprefix("Bearer ") in self._tokens

    def grant(self, query: str, authorization: str) -> dict[str, Any]:
        """The answer of the token service.

        :raises Refused: when the name or the password is wrong
        """
        asked = parse_qs(query)
        if asked.get("service") != [self.service]:
            raise Refused("the service is not this instance")
        user = self._login(authorization)
        scopes = [scope for text in asked.get("scope", []) for scope in text.split(" ")]
        access = [granted for scope in scopes if (granted := self._grant_scope(user, scope))]
        now = int(self._world.now())
        claims = {
            "iss": "dockerauth.aliyuncs.com",
            "sub": user or "",
            "aud": self.service,
            "iat": now,
            "nbf": now - 10,
            "exp": now + self._world.token_seconds - self.leeway,
            "jti": secrets.token_hex(8),
            "access": access,
        }
        token = self._identity.token(claims)
        self._tokens.add(token)
        return {"token": token, "access_token": token, "expires_in": self._world.token_seconds}

    def _login(self, authorization: str) -> str | None:
        """Which identity logs in; None is nobody."""
        if not authorization:
            return None
        self.logins += 1
        try:
            name, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":", 1)
        except (binascii.Error, ValueError):
            raise Refused("malformed") from None
        for login in self._instance.temporary:
            if name == "cr_temp_user" and password == login.password and self._world.now() < login.expires_at:
                return login.identity
        pending = self._instance.new_passwords.get(name)
        if pending and pending[1].look():
            self._instance.passwords[name] = pending[0]
            del self._instance.new_passwords[name]
        if self._instance.passwords.get(name) == password:
            users = [self._world.ROOT, *self._world.users]
            return next(user for user in users if self._world.login_name(user) == name)
        raise Refused("invalid username or password")

    def _grant_scope(self, user: str | None, scope: str) -> dict[str, Any] | None:
        kind, _, rest = scope.partition(":")
        path, _, wanted = rest.rpartition(":")
        namespace_name, _, name = path.partition("/")
        namespace = self._instance.namespaces.get(namespace_name)
        if kind != "repository" or namespace is None or namespace.goes is not None:
            return None
        asked = wanted.split(",")
        if "push" in asked and name not in namespace.repositories and self._may(user, namespace, name, "push"):
            make_repository(namespace, name, build_type="AUTO")
        actions = [action for action in asked if self._may(user, namespace, name, action)]
        return {"type": "repository", "name": path, "actions": actions}

    def _may(self, user: str | None, namespace: Namespace, name: str, action: str) -> bool:
        repository = namespace.repositories.get(name)
        if user is None:
            return action == "pull" and repository is not None and repository.repo_type == "PUBLIC"
        if action not in ("pull", "push"):
            return False
        if action == "push" and self.push_from is not None and self._world.now() < self.push_from:
            return False
        needed = [action]
        if repository is None:
            if action != "push" or not namespace.auto_create_repo or not is_name(self._instance, name):
                return False
            needed = [action, "create"]
        names = {"InstanceId": self._instance.instance_id, "NamespaceName": namespace.name, "RepoName": name}
        asked = [
            resources_of_calls.of_registry(each, self._world.region, self._world.account_id, names) for each in needed
        ]
        return all(rights.allowed(self._world, user, *each) for each in asked)


def challenge(realm: str, service: str) -> Mapping[str, str]:
    """The headers of the registry's 401."""
    return {"WWW-Authenticate": f'Bearer realm="{realm}",service="{service}"'}


def _contains(network: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)
