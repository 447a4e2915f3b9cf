# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the entries of a layout's index are named, by whichever tool has written them.

``org.opencontainers.image.ref.name`` (OCI image-spec 1.1, annotations.md) holds ``library/nginx:1.27`` here. skopeo,
buildah, umoci, oras and regctl put the tag alone there, or what the user wrote; ``docker save`` and containerd put the
tag there and the whole reference into ``io.containerd.image.name``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import InputError
from ..image.reference import check_tag, parse_registry, parse_repository

REF_NAME = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"
_STAND_IN = "layout.invalid"


class Name(NamedTuple):
    """A repository of a layout and a tag in it."""

    repository: str
    tag: str


def entry_name(annotations: Mapping[str, str], own: str) -> Name | None:
    """Return what an entry is called here; None when it has no name, or one that cannot be.

    :param own: the repository of tags that stand alone
    """
    ref, full = annotations.get(REF_NAME, ""), annotations.get(FULL_NAME, "")
    if ":" in ref or "/" in ref:
        return _whole(ref) or _whole(full)
    return _whole(full) or _alone(ref, own)


def ref_name(name: Name) -> str:
    """Return the value of the annotation for a name."""
    return f"{name.repository}:{name.tag}"


def _whole(text: str) -> Name | None:
    """Return the repository and the tag of ``[registry/]repository:tag``."""
    repository, colon, tag = text.partition("@")[0].rpartition(":")
    if not colon or "/" in tag:
        return None
    first, slash, rest = repository.partition("/")
    try:
        if slash and ("." in first or ":" in first or first == "localhost"):
            parse_registry(first)
            repository = rest
        return Name(parse_repository(f"{_STAND_IN}/{repository}")[1], check_tag(tag))
    except InputError:
        return None


def _alone(text: str, own: str) -> Name | None:
    try:
        return Name(own, check_tag(text))
    except InputError:
        return None
