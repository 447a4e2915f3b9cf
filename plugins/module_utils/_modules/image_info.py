# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module `registry_image_info` does, from its options to its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from .._oci.errors import ImageOpsError
from .._oci.image.places import place_fault, split_place
from .._oci.image.reference import Reference
from .._sync.decisions import Verify
from .._sync.results.found_message import faults_message, found_message
from .._sync.rules.tags.tag_options import parse_tags
from .connections import Connections, connections

if TYPE_CHECKING:
    from .._sync.rules.tags.tag_filter import TagFilter
    from .._sync.work.stores import Stores
    from .task import Task


def describe_images(task: Task) -> NoReturn:
    """Run the module ``registry_image_info`` and end it with its result."""
    task.need_libraries()
    try:
        images = [_image_or_place(text) for text in task.params["images"]]
        tags = None if task.params["tags"] is None else parse_tags(task.params["tags"], "this task")
        wish = task.params["verify"]
        found = _describe(
            images,
            connections(task),
            details=task.params["details"],
            tags=tags,
            referrers=task.params["referrers"],
            verify=Verify(wish) if wish else None,
        )
    except ImageOpsError as error:
        task.refuse(error)
    codes = sorted({fault["code"] for entry in found for fault in entry.get("verified", {}).get("faults", ())})
    result = {"changed": False, "images": found}
    if codes:
        task.fail(task.secrets.mask(faults_message(found)), codes=codes, result=result)
    task.succeed({"msg": found_message(found), **result})


def _image_or_place(text: str) -> Reference:
    """Return a reference; one without a repository for a place on disk as a whole."""
    place, below = split_place(text) or ("", "")
    if place and not below and place_fault(text) is None:
        return Reference(place, "")
    return Reference.parse(text)


def _repositories(image: Reference, stores: Stores) -> list[Reference]:
    """Return a reference itself; for a place as a whole each repository that is there."""
    if image.repository:
        return [image]
    return [Reference(image.registry, path) for path in stores.store(image.registry).catalog("")]


def _describe(
    images: Sequence[Reference],
    registries: Connections,
    *,
    details: bool,
    tags: TagFilter | None,
    referrers: bool,
    verify: Verify | None,
) -> list[dict[str, Any]]:
    from .._sync.info import Describer
    from .._sync.integrity import Verifier, nothing_there
    from .._sync.vendors import Vendors
    from .._sync.work.stores import Stores

    stores = Stores(registries.connect)
    try:
        named = [one for image in images for one in _repositories(image, stores)]
        run = registries.run
        verified = []
        if verify is not None:
            if images and not named:
                raise nothing_there(", ".join(map(str, images)))
            taken = Describer(stores, run, details=False, tags=tags).taken(named)
            verified = Verifier(stores, run, verify, referrers=referrers).verify(taken)
        # What is damaged cannot be described in detail.
        whole = not any(each["faults"] for each in verified)
        describer = Describer(stores, run, details=details and whole, tags=tags, referrers=referrers and whole)
        found = describer.describe(named)
        return [{**entry, "verified": each} for entry, each in zip(found, verified)] if verified else found
    except ImageOpsError as error:
        Vendors(stores, registries.managed).advise(error)
        raise
    finally:
        stores.close()
