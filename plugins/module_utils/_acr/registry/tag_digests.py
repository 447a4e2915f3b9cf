# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tags of a repository name, as an instance's API lists them."""

from __future__ import annotations

from collections.abc import Mapping

from ..._oci.errors import InputError
from ..._oci.image.manifest import Descriptor
from ..._oci.image.reference import Digest
from ..api.client import OpenApi, rows

_ACTION = "list the tags and digests of"


def listed_digests(api: OpenApi, instance_id: str, path: str, *, patience: float) -> Mapping[str, Descriptor]:
    """Return what the tags of a repository name, without media types; tags in an unusual state are left out.

    The API's reference does not say whether the digest of an index is its own or that of an image in it.

    :param api: signed by an identity with ``cr:GetRepository`` and ``cr:ListRepositoryTag``
    :param path: namespace and repository
    :param patience: seconds to wait for each answer; each is asked for once
    :raises ApiError: when the identity may not list them, or the answer does not come
    """
    namespace, _slash, name = path.partition("/")
    named = {"InstanceId": instance_id, "RepoNamespaceName": namespace, "RepoName": name}
    repository = api.call("GetRepository", named, action=_ACTION, subject=path, patience=patience)
    asked = {"InstanceId": instance_id, "RepoId": str(repository.get("RepoId", ""))}
    found: dict[str, Descriptor] = {}
    for row in rows(api, "ListRepoTag", asked, "Images", action=_ACTION, subject=path, patience=patience):
        digest = _digest(str(row.get("Digest") or ""))
        if digest is not None and row.get("Status", "NORMAL") == "NORMAL":
            found[str(row.get("Tag"))] = Descriptor(media_type="", digest=digest, size=0)
    return found


def _digest(text: str) -> Digest | None:
    """Return the digest that is written with or without its algorithm; None for what is none."""
    try:
        return Digest.parse(text if ":" in text else f"sha256:{text}")
    except InputError:
        return None
