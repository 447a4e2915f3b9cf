# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ``registry_image_tag`` does, from its options to its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from .._oci.errors import ImageOpsError, InputError
from .._oci.image.reference import Digest, Reference, check_tag, quoted
from .connections import connections

if TYPE_CHECKING:
    from .._sync.tagging import TagChange
    from .task import Task


def tag_image(task: Task) -> NoReturn:
    """Run the module ``registry_image_tag`` and end it with its result."""
    task.need_libraries()
    try:
        target, digest = _target(task.params), _digest(task.params)
        change = _change(task, target, digest)
    except ImageOpsError as error:
        task.refuse(error)
    before, after = _text(change.before), _text(change.after)
    result: dict[str, Any] = {
        "changed": change.before != change.after,
        "image": str(target),
        "previous_digest": before,
        "digest": after,
        "notes": change.notes,
        "msg": _message(target, change, check_mode=task.check_mode),
    }
    if task.diff_mode:
        result["diff"] = {"before": _line(target, before), "after": _line(target, after)}
    task.succeed(result)


def _change(task: Task, target: Reference, digest: Digest | None) -> TagChange:
    from .._sync.tagging import remove_tag, set_tag
    from .._sync.vendors import Vendors
    from .._sync.work.stores import Stores

    registries = connections(task)
    stores = Stores(registries.connect)
    vendors = Vendors(stores, registries.managed)
    try:
        if task.params["state"] == "absent":
            change = remove_tag(stores, vendors, target, digest, registries.run, check_mode=task.check_mode)
        else:
            wanted = str(digest) if digest is not None else task.params["from_tag"]
            change = set_tag(stores, target, wanted, check_mode=task.check_mode)
        if change.before != change.after and not task.check_mode:
            stores.store(target.registry).finish()
    except ImageOpsError as error:
        vendors.advise(error)
        raise
    finally:
        stores.close()
        vendors.close()
    return change


def _target(params: dict[str, Any]) -> Reference:
    """Return the tag that the task is about.

    :raises InputError: when the options name none, or more than one image for it
    """
    target = Reference.parse(params["image"])
    subject = f"image {quoted(params['image'])}"
    if target.tag is None or target.digest is not None:
        raise InputError(subject=subject, cause="it is not one tag", hint="write registry/repository:tag")
    if params["state"] == "absent" and params["from_tag"] is not None:
        raise InputError(
            subject=f"from_tag {quoted(params['from_tag'])}",
            cause="a tag that goes is made of none",
            hint="leave it out",
        )
    if params["state"] == "present" and (params["digest"] is None) == (params["from_tag"] is None):
        raise InputError(
            subject=subject,
            cause="digest and from_tag say which image it is to name",
            hint="give one of the two",
        )
    if params["from_tag"] is not None:
        check_tag(params["from_tag"])
    return target


def _digest(params: dict[str, Any]) -> Digest | None:
    return None if params["digest"] is None else Digest.parse(params["digest"])


def _message(target: Reference, change: TagChange, *, check_mode: bool) -> str:
    would = "would be " if check_mode else ""
    if change.before == change.after:
        return f"{target} is as it is to be"
    if change.after is None:
        return f"{target} {would}removed; it named {change.before}"
    return f"{target} {would}set to {change.after}"


def _text(digest: Digest | None) -> str | None:
    return None if digest is None else str(digest)


def _line(target: Reference, digest: str | None) -> str:
    return f"{target} {digest}\n" if digest else ""
