# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tags of a repository in Harbor name, by its API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._oci.errors import InputError, RegistryError
from .._oci.image.manifest import Descriptor
from .._oci.image.reference import Digest
from .._oci.registry.registry import Registry
from .catalog import HarborApi


def tagged_artifacts(registry: Registry, path: str) -> dict[str, Descriptor] | None:
    """Return what every tag of a repository names; nothing when the repository does not exist.

    None when Harbor does not say it to the login that the registry has for the repository.
    """
    login = registry.login(path)
    if login is None or not login.password:
        return None
    api = HarborApi(registry, login)
    project, _slash, repository = path.partition("/")
    try:
        api.check_login()
        return dict(tag for row in api.artifacts(project, repository) for tag in _tags(row))
    except RegistryError as error:
        if error.status == 404 and error.code != "unsupported":
            return {}
        if error.status in (401, 403) or error.code == "unsupported":
            return None
        raise


def listed_digests(registry: Registry, path: str, *, patience: float) -> dict[str, Descriptor]:
    """Return what the tags of a repository name, as far as a list says that is asked for once.

    Harbor takes a request with a wrong password for an anonymous one: the list may be of a public project alone.

    :param patience: seconds to wait for each page
    :raises RegistryError: when Harbor does not list them to the login that the registry has for the repository
    """
    project, _slash, repository = path.partition("/")
    api = HarborApi(registry, registry.login(path), patience=patience)
    return dict(tag for row in api.tagged(project, repository) for tag in _tags(row))


def _tags(row: Mapping[str, Any]) -> Iterator[tuple[str, Descriptor]]:
    """Yield the tags of one artifact, each with what it names. The size of its manifest is not told."""
    try:
        digest = Digest.parse(row["digest"])
        names = [str(tag["name"]) for tag in row.get("tags") or ()]
    except (KeyError, TypeError, InputError):
        return
    for name in names:
        yield name, Descriptor(media_type=str(row.get("manifest_media_type") or ""), digest=digest, size=0)
