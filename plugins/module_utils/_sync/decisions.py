# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run may decide of an image, and what a task may ask of a run: every word that code compares."""

from __future__ import annotations

from enum import Enum


class _Word(str, Enum):
    """A word of options or results. As text it is its value, on every version of Python."""

    def __str__(self) -> str:
        return str(self.value)


class Action(_Word):
    """What planning decides of one image.

    :cvar CONFLICT: it must not be written
    :cvar UNKNOWN: it is not known what is to be done, or (in check mode) what the destination has
    """

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    SKIP = "skip"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    DELETE = "delete"


class Status(_Word):
    """How far an image is. One that needs nothing is done."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class Refusal(_Word):
    """Why a destination must not be written, found before anything is written. All but NAME and BACKUP stop the run.

    :cvar COLLISION: two rules name different images for one tag
    :cvar TEMPLATE: a template makes a destination that cannot be meant
    :cvar SHARED: several of the repositories that were found would go to one destination
    :cvar NAME: the registry does not take the name
    :cvar ONE_TAG: several images would get one tag
    :cvar PLAN: it is not as it was planned
    :cvar BACKUP: what is there cannot be kept first, as it is to be
    :cvar BUNDLE: an earlier bundle, whose blobs this one leaves out, has not been brought there
    """

    COLLISION = "collision"
    TEMPLATE = "template"
    SHARED = "shared"
    NAME = "name"
    ONE_TAG = "one_tag"
    PLAN = "plan"
    BACKUP = "backup"
    BUNDLE = "bundle"

    @property
    def stops_run(self) -> bool:
        """Return whether nothing at all may be written, or only nothing to this destination."""
        return self not in (Refusal.NAME, Refusal.BACKUP)


class ReferrerState(_Word):
    """What became of a manifest that refers to an image.

    :cvar COPIED: it was copied, or in check mode would be
    :cvar PRESENT: the destination had it
    :cvar REFUSED: the destination does not take its kind
    :cvar PENDING: it was not reached
    """

    COPIED = "copied"
    PRESENT = "present"
    REFUSED = "refused"
    FAILED = "failed"
    PENDING = "pending"


class Bulk(_Word):
    """Whether digests may come from lists in which a registry's product has them, in place of a HEAD for each tag.

    :cvar AUTO: from hosts that rules or entries name
    :cvar TRUE: from another host of the product, too
    """

    AUTO = "auto"
    TRUE = "true"
    FALSE = "false"


class Overwrite(_Word):
    """What is done where a destination tag has another digest."""

    ALWAYS = "always"
    SKIP = "skip"
    FAIL = "fail"


class LockMode(_Word):
    """What is done with a lock: its digests are copied, or what has arrived is written into it."""

    USE = "use"
    UPDATE = "update"


class LockMissing(_Word):
    """What is done with a tag that a lock does not have: leave it out, or fail it."""

    SKIP = "skip"
    FAIL = "fail"


class OnMissing(_Word):
    """What is done with an image that has no signature: fail it, or leave it out."""

    FAIL = "fail"
    SKIP = "skip"


class OnError(_Word):
    """What is done once an image has failed: go on with the others, or begin none of them."""

    CONTINUE = "continue"
    STOP = "stop"


class UnsupportedArtifacts(_Word):
    """What is done with artifacts that a destination does not take.

    :cvar SKIP: leave the image out
    :cvar STRIP: leave the artifacts out of the image's index, which changes its digest
    """

    FAIL = "fail"
    SKIP = "skip"
    STRIP = "strip"


class ReturnImages(_Word):
    """Which images a task returns when none has failed."""

    CHANGED = "changed"
    ALL = "all"
    NONE = "none"


class Verify(_Word):
    """How much of images is read to see whether they are whole.

    :cvar MANIFESTS: the manifests; the blobs are asked for
    :cvar BLOBS: everything
    """

    MANIFESTS = "manifests"
    BLOBS = "blobs"


class NewestBy(_Word):
    """What makes one tag newer than another: its version, or when its image was built."""

    VERSION = "version"
    CREATED = "created"


class Per(_Word):
    """Of which versions the newest are counted together: those with one minor, or with one major number."""

    MINOR = "minor"
    MAJOR = "major"
