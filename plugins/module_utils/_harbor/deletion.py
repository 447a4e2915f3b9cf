# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes single tags by Harbor's API; its registry API deletes whole artifacts alone."""

from __future__ import annotations

from urllib.parse import quote

from .._oci.client.call import Purpose
from .._oci.errors import RegistryError
from .._oci.registry.registry import Registry
from .catalog import BASE, HarborApi, artifacts_path

_LIMIT = 64 * 1024
_IMMUTABLE = 412


def delete_tag(registry: Registry, path: str, tag: str) -> bool:
    """Remove a tag alone; one that is not there is removed already. The artifact stays, until Harbor collects it.

    :param path: project and repository
    Return False where Harbor has no such API, or the registry has no user and password for it.
    :raises RegistryError: when Harbor refuses, as it does for a tag that its rules make immutable
    """
    login = registry.login(path)
    if login is None or not login.password:
        return False
    try:
        HarborApi(registry, login).check_login()
    except RegistryError as error:
        if error.code == "unsupported":
            return False
        raise
    project, _slash, repository = path.partition("/")
    name = quote(tag, safe="")
    purpose = Purpose("delete", f"{registry.host}/{path}:{tag}", registry.host, write=True, kind="tag")
    address = f"{BASE}/{artifacts_path(project, repository)}/{name}/tags/{name}"
    answer = registry.ask(address, purpose, login=login, limit=_LIMIT, method="DELETE")
    if answer.status == _IMMUTABLE:
        raise RegistryError(
            code="immutable_tag",
            action=purpose.action,
            subject=purpose.subject,
            cause="a rule of its project makes the tag immutable",
            hint="change the project's rules for immutable tags, or name the tag in keep",
            status=answer.status,
        )
    if answer.status not in (200, 404):
        raise registry.error(purpose, answer)
    return True
