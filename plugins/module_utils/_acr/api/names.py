# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the vendor takes as a name, an entry, a password. No I/O."""

from __future__ import annotations

import ipaddress
import re

from ..._oci.errors import InputError

_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]{0,118}[a-z0-9]")
_USUAL_LENGTHS = range(2, 65)
_REPOSITORY_PART = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*")
_POLICY = re.compile(r"[A-Za-z0-9-]{1,128}")
_INSTANCE = re.compile(r"cri-[A-Za-z0-9]+")
_REGION = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_USER = re.compile(r"[A-Za-z0-9._-]{1,64}")


def check_namespace(name: str) -> str:
    """Return the name again; 2 to 120 of a-z, 0-9, dot, underscore and hyphen, none of these three at either end.

    :raises InputError: when the vendor would not take it
    """
    if not _NAMESPACE.fullmatch(name):
        raise InputError(
            subject=f"namespace {name!r}",
            cause="it is not 2 to 120 lower-case letters, digits, '.', '_' and '-', beginning and ending with a letter "
            "or digit",
        )
    return name


def check_repository(name: str) -> str:
    """Return the name again; levels parted by slashes, each of the characters that a namespace has.

    :raises InputError: when the vendor would not take it
    """
    if not all(_REPOSITORY_PART.fullmatch(part) for part in name.split("/")):
        raise InputError(
            subject=f"repository {name!r}",
            cause="it is not lower-case letters, digits, '.', '_', '-' and '/', with a letter or digit at both ends of "
            "each level",
        )
    return name


def repository_doubt(name: str) -> str:
    """Return why the vendor may not take a repository's name, which its server decides; empty for no reason.

    The vendor's console asked for 2 to 64 characters, and its Terraform provider did until 2024.
    """
    if len(name) in _USUAL_LENGTHS:
        return ""
    characters = "1 character" if len(name) == 1 else f"{len(name)} characters"
    return f"it has {characters}, and 2 to 64 are usual"


def check_region(name: str) -> str:
    """Return the name again; it becomes a part of a host's.

    :raises InputError: when no region is called so
    """
    if not _REGION.fullmatch(name):
        raise InputError(
            subject=f"region {name!r}", cause="it is not lower-case letters, digits and '-'", hint="such as cn-shanghai"
        )
    return name


def is_enterprise_registry(host: str) -> bool:
    """Return whether a host is surely the registry of an Enterprise Edition instance; one may have other names."""
    name = host.partition(":")[0]
    return name.endswith(".cr.aliyuncs.com") and not name.endswith(".personal.cr.aliyuncs.com")


def is_instance_id(text: str) -> bool:
    """Return whether a text has the form of an instance's id."""
    return _INSTANCE.fullmatch(text) is not None


def instance_of_service(service: str) -> tuple[str, str] | None:
    """Return region and instance id from the service that a registry's challenge names.

    The service has four parts in most regions (``registry.aliyuncs.com:cn-hangzhou:china:cri-xxxx``), five in some, in
    no order that is promised. The instance is the part that begins with ``cri-``; the region is the first other part
    behind the host that is called as regions are, with a hyphen.

    :return: None when the service names no instance of Enterprise Edition
    """
    parts = service.split(":")[1:]
    instance_id = next((part for part in parts if is_instance_id(part)), None)
    region = next((part for part in parts if "-" in part and _REGION.fullmatch(part) and part[:4] != "cri-"), None)
    return (region, instance_id) if region and instance_id else None


def is_enterprise_service(service: str) -> bool:
    """Return whether the service that a registry's challenge names is an Enterprise Edition instance."""
    return instance_of_service(service) is not None


def path_fault(path: str) -> str:
    """Return why an instance has no repository of a path, ``namespace/repository``; empty when it may have one."""
    namespace, slash, name = path.partition("/")
    if not slash:
        return "it has no namespace"
    try:
        check_namespace(namespace)
        check_repository(name)
    except InputError as error:
        return f"the {error.subject}: {error.cause}"
    return ""


def path_doubt(path: str) -> str:
    """Return why an instance may not take the repository of a path, ``namespace/repository``; empty for no reason."""
    return repository_doubt(path.partition("/")[2])


def check_policy(name: str) -> str:
    """Return the name again; 1 to 128 letters, digits and hyphens.

    :raises InputError: when RAM would not take it
    """
    if not _POLICY.fullmatch(name):
        raise InputError(subject=f"policy {name!r}", cause="it is not 1 to 128 letters, digits and '-'")
    return name


def check_user(name: str) -> str:
    """Return the name again; 1 to 64 letters, digits, dots, underscores and hyphens.

    :raises InputError: when RAM would not take it
    """
    if not _USER.fullmatch(name):
        raise InputError(subject=f"user {name!r}", cause="it is not 1 to 64 letters, digits, '.', '_' and '-'")
    return name


def check_password(password: str) -> str:
    """Return the password again; 8 to 32 characters, of at least two of the kinds letter, digit and symbol.

    :raises InputError: without the password in its words
    """
    kinds = [re.search(kind, password) for kind in (r"[A-Za-z]", r"[0-9]", r"[^A-Za-z0-9]")]
    if not 8 <= len(password) <= 32 or sum(kind is not None for kind in kinds) < 2:
        raise InputError(
            subject="the password",
            cause="it is not 8 to 32 characters with two of the kinds letter, digit and symbol",
        )
    return password


def network(text: str) -> str:
    """Return an allow list's entry in its one form: ``192.0.2.7`` is ``192.0.2.7/32``.

    :raises InputError: for what is no network, has bits set behind its prefix, or is the whole world
    """
    try:
        found = ipaddress.ip_network(text.strip(), strict=True)
    except ValueError as error:
        raise InputError(
            subject=f"allow-list entry {text!r}",
            cause=str(error),
            hint="write an address or a network such as 192.0.2.0/24",
        ) from error
    if found.prefixlen == 0:
        raise InputError(
            subject=f"allow-list entry {text!r}",
            cause="the allow list does not take the whole world",
            hint="an empty list is open to the world: entries: [], purge: true, allow_unrestricted: true",
        )
    return str(found)
