# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated account holds, and how slowly things become true.

Slowness is counted in looks, not in seconds: what is "being made" is made once it has been asked after so many times,
so that a test takes no longer than its requests and never depends on a clock.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

DEFAULT_ENTRY = "127.0.0.1/32"


@dataclass
class Looks:
    """How many looks each slow thing takes; 0 is at once."""

    endpoint_on: int = 3
    endpoint_off: int = 2
    entry_shows: int = 2
    entry_goes: int = 2
    namespace_shows: int = 1
    namespace_goes: int = 2
    repository_goes: int = 1
    user_shows: int = 1
    password_works: int = 1


class Countdown:
    """Counts looks: done once it has been looked at so many times."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    def look(self) -> bool:
        """Look once; True when the time had already come."""
        if self.left <= 0:
            return True
        self.left -= 1
        return False


@dataclass
class AclEntry:
    entry: str
    comment: str
    shows: Countdown = field(default_factory=lambda: Countdown(0))
    goes: Countdown | None = None


@dataclass
class PublicEndpoint:
    enable: bool = False
    status: str = ""
    settles: Countdown = field(default_factory=lambda: Countdown(0))
    entries: list[AclEntry] = field(default_factory=list)
    domains: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Tag:
    tag: str
    digest: str
    size: int


@dataclass
class Repository:
    repo_id: str
    name: str
    repo_type: str
    summary: str
    detail: str = ""
    tag_immutability: bool = False
    build_type: str = "MANUAL"
    tags: list[Tag] = field(default_factory=list)
    goes: Countdown | None = None


@dataclass
class Namespace:
    namespace_id: str
    name: str
    auto_create_repo: bool
    default_repo_type: str
    tag_immutability: bool | None = None
    shows: Countdown = field(default_factory=lambda: Countdown(0))
    goes: Countdown | None = None
    repositories: dict[str, Repository] = field(default_factory=dict)


@dataclass
class TemporaryLogin:
    identity: str
    password: str
    expires_at: float


@dataclass
class Instance:
    instance_id: str
    name: str
    region: str
    status: str = "RUNNING"
    specification: str = "Enterprise_Advanced"
    namespace_quota: int = 25
    repository_quota: int = 5000
    name_lengths: range = range(1, 256)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    endpoints: dict[str, PublicEndpoint] = field(default_factory=dict)
    vpc_domains: list[str] = field(default_factory=list)
    linked_vpcs: list[dict[str, str]] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    new_passwords: dict[str, tuple[str, Countdown]] = field(default_factory=dict)
    temporary: list[TemporaryLogin] = field(default_factory=list)
    on_tag_deleted: Callable[[str, str], None] | None = None


@dataclass
class Key:
    key_id: str
    secret: str
    user: str
    status: str = "Active"
    security_token: str = ""
    created: int = 0
    expires_at: float | None = None


@dataclass
class Role:
    """A role that may be assumed.

    :param trusted: the users whom its trust policy names
    :param oidc: the token that each provider has given out
    :param acts_as: whose rights its keys have
    """

    arn: str
    trusted: list[str] = field(default_factory=list)
    external_id: str = ""
    oidc: dict[str, str] = field(default_factory=dict)
    acts_as: str = "root"


@dataclass
class Policy:
    name: str
    description: str
    versions: dict[str, str] = field(default_factory=dict)
    default: str = "v1"
    next_version: int = 2


@dataclass
class User:
    name: str
    user_id: str
    display_name: str = ""
    comments: str = ""
    attached: list[tuple[str, str]] = field(default_factory=list)
    shows: Countdown = field(default_factory=lambda: Countdown(0))


class World:
    """One account with its instances, users and policies.

    :ivar lock: held while a request is served
    :ivar exposed: moments at which an endpoint that was on had an empty white list, which is open to the world
    :ivar client_address: the address that the registry takes every client to have
    :ivar sessions: the role and the session's name of each key that STS gave
    :ivar role_seconds: how long a key of a role is good; None for as long as is asked for
    :ivar token_seconds: how long a token of a registry is good
    :ivar default_entry_stays: whether the API refuses to delete the vendor's own entry of an allow list
    :ivar login_seconds: how long a temporary login is good, for each hour that it is asked for
    """

    ROOT = "root"

    def __init__(self, *, region: str = "cn-shanghai", looks: Looks | None = None) -> None:
        self.lock = threading.RLock()
        self.region = region
        self.looks = looks or Looks()
        self.account = "acme"
        self.account_id = "1234567890123456"
        self.instances: dict[str, Instance] = {}
        self.users: dict[str, User] = {}
        self.policies: dict[str, Policy] = {}
        self.keys: dict[str, Key] = {}
        self.roles: dict[str, Role] = {}
        self.sessions: list[tuple[str, str]] = []
        self.role_seconds: float | None = None
        self.exposed: list[str] = []
        self.client_address = "203.0.113.7"
        self.token_seconds = 300
        self.login_seconds = 3600.0
        self.default_entry_stays = False
        self._skew = 0.0

    def now(self) -> float:
        """The simulated time of day, in seconds."""
        return time.time() + self._skew

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._skew += seconds

    def add_key(self, user: str = ROOT, *, security_token: str = "") -> Key:
        """A new access key of a user, or of the account itself."""
        key = Key(f"LTAI{secrets.token_hex(8)}", secrets.token_hex(15), user, security_token=security_token)
        key.created = len(self.keys)
        self.keys[key.key_id] = key
        return key

    def add_role(self, name: str, **fields: Any) -> Role:
        """A new role."""
        role = Role(f"acs:ram::{self.account_id}:role/{name}", **fields)
        self.roles[role.arn] = role
        return role

    def add_instance(self, name: str = "acme", *, instance_id: str = "cri-acme0123456789", **fields: Any) -> Instance:
        """A new instance whose endpoints are off."""
        fields.setdefault("region", self.region)
        instance = Instance(instance_id, name, **fields)
        host = f"{instance.region}.cr.aliyuncs.com"
        for module in ("Registry", "Chart"):
            word = "registry" if module == "Registry" else "chart"
            instance.endpoints[module] = PublicEndpoint(domains=[(f"{name}-{word}.{host}", "SYSTEM")])
        instance.vpc_domains = [f"{name}-registry-vpc.{host}"]
        self.instances[instance_id] = instance
        return instance

    def note_exposure(self) -> None:
        """Remember any endpoint that lets everybody in just now."""
        for instance in self.instances.values():
            for module, endpoint in instance.endpoints.items():
                if endpoint.enable and not any(entry.shows.left == 0 for entry in endpoint.entries):
                    self.exposed.append(f"{instance.instance_id} {module}")

    def login_name(self, user: str) -> str:
        """The name that a fixed password goes with."""
        return self.account if user == self.ROOT else f"{user}@{self.account}"
