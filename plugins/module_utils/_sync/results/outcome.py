# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a run: of every image, and of the run as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ..._oci.image.slots import slotted
from ..decisions import Action, Overwrite, ReferrerState, Status, UnsupportedArtifacts

if TYPE_CHECKING:
    from ..._oci.errors import ImageOpsError
    from ..._oci.image.reference import Digest, Reference
    from ..._oci.store.store import Counters
    from ..plan.image_task import ImageTask
    from ..plan.referrers import Referrer
    from ..rules.rule import Rule

_NO_REFERRERS: Mapping[Referrer, ReferrerState] = MappingProxyType({})
"""One for all images, of which there may be hundreds of thousands."""


class CopyOptions(NamedTuple):
    """The options that hold for every image of a run.

    :ivar overwrite: for rules that do not say
    :ivar foreign_layers: copy foreign layers, too, which are not meant to be distributed
    :ivar rewrite: put manifests again even where both sides are equal
    :ivar by_plan: an image fails where either side is not as it was planned when it is written
    :ivar referrers_required: an image fails where the destination does not take what refers to it
    """

    check_mode: bool
    overwrite: Overwrite
    foreign_layers: bool
    unsupported_artifacts: UnsupportedArtifacts = UnsupportedArtifacts.FAIL
    rewrite: bool = False
    referrers_required: bool = False
    by_plan: bool = False


class Reread(NamedTuple):
    """A blob that was read from its source again."""

    digest: Digest
    reason: str
    bytes: int


@slotted
@dataclass
class ImageResult:
    """One image's outcome, filled in as it goes.

    :ivar digest: what the destination has afterwards
    :ivar bytes: of blobs that were sent for it; in check mode those that would be
    :ivar blobs_copied: blobs that were sent; likewise mounted from another repository or linked from another layout,
        and present before
    :ivar attempts: rounds in which it was tried
    :ivar seconds: that its last attempt took
    :ivar wrote: whether anything was written for it
    :ivar referrers: what became of each manifest that refers to it
    :ivar backup: the tag under which is kept what it has overwritten; None when it has not been kept
    :ivar removed_backups: older backups of the destination's tag, removed or in check mode to be removed
    """

    task: ImageTask
    status: Status = Status.PENDING
    digest: Digest | None = None
    bytes: int = 0
    blobs_copied: int = 0
    blobs_mounted: int = 0
    blobs_present: int = 0
    attempts: int = 0
    seconds: float = 0.0
    error: ImageOpsError | None = None
    notes: tuple[str, ...] = ()
    wrote: bool = False
    referrers: Mapping[Referrer, ReferrerState] = field(default_factory=lambda: _NO_REFERRERS)
    backup: Reference | None = None
    removed_backups: tuple[Reference, ...] = ()

    @property
    def rule(self) -> Rule:
        """Return the rule that it belongs to."""
        return self.task.rule

    @property
    def source(self) -> Reference:
        """Return the reference that it is copied from."""
        return self.task.source

    @property
    def destination(self) -> Reference:
        """Return the reference that it is copied to."""
        return self.task.destination

    @property
    def action(self) -> Action:
        """Return what planning decided."""
        return self.task.action

    @property
    def reason(self) -> str:
        """Return why planning decided so."""
        return self.task.reason

    @property
    def previous(self) -> Digest | None:
        """Return what the destination had at planning."""
        return self.task.previous


def by_destination(images: Iterable[ImageResult]) -> list[ImageResult]:
    """Return images in the order of their destinations, and of their sources where several have one destination.

    Within a repository tags are compared as they are: to write down each reference for that takes more memory than all
    else that is known of an image.
    """
    groups: dict[str, list[ImageResult]] = {}
    for image in images:
        groups.setdefault(f"{image.destination.name}:", []).append(image)
    for group in groups.values():
        group.sort(key=lambda image: image.destination.tag or "")
        if any(one.destination.tag == other.destination.tag for one, other in zip(group, islice(group, 1, None))):
            group.sort(key=lambda image: (str(image.destination), str(image.source)))
    return [image for name in sorted(groups) for image in groups[name]]


@dataclass(frozen=True)
class RunResult:
    """The outcome of a run.

    :ivar images: every image, sorted by destination
    :ivar changed: whether anything was written; in check mode whether anything would be
    :ivar interrupted: whether the run was told to end before it was through
    :ivar overdue: whether it was told so because its time was up
    :ivar seconds: from start to end
    :ivar registries: what each registry cost, by host
    :ivar rereads: blobs that were read more than once, and why
    :ivar not_taken: sentences about what the rules leave behind
    :ivar needs: sentences about earlier bundles that what was written needs
    :ivar not_locked: images whose tag has no entry in the lock
    """

    images: list[ImageResult]
    changed: bool
    interrupted: bool
    seconds: float
    registries: dict[str, Counters]
    rereads: list[Reread]
    not_taken: list[str]
    overdue: bool = False
    not_locked: int = 0
    needs: tuple[str, ...] = ()


OTHERS = "see the other errors, which used up the retries of the run too"


def point_to_others(images: Iterable[ImageResult]) -> None:
    """Have errors that were given up for want of retries point to the other errors of a run, where there are some.

    Those are errors of another kind that were tried again, too. It is called once, at the end of a run.
    """
    errors = {id(image.error): image.error for image in images if image.error is not None}.values()
    retried = {error.code for error in errors if error.transient or error.given_up}
    for error in errors:
        if (error.given_up or error.code == "retry_budget") and retried - {error.code}:
            error.hint = f"{error.hint}; {OTHERS}" if error.hint else OTHERS
