# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a run: of every image, and of the run as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..._oci.errors import ImageOpsError
from ..._oci.image.reference import Digest, Reference
from ..._oci.store.store import Counters
from ..decisions import Action, Overwrite, ReferrerState, Status, UnsupportedArtifacts
from ..plan.image_task import ImageTask
from ..plan.referrers import Referrer
from ..rules.rule_parser import Rule


@dataclass(frozen=True)
class CopyOptions:
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


@dataclass(frozen=True)
class Reread:
    """A blob that was read from its source again."""

    digest: Digest
    reason: str
    bytes: int


@dataclass
class ImageResult:
    """One image's outcome, filled in as it goes.

    :ivar digest: what the destination has afterwards
    :ivar bytes: of blobs that were sent for it; in check mode those that would be
    :ivar blobs_copied: blobs that were sent; likewise mounted from another repository, and present before
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
    notes: list[str] = field(default_factory=list)
    wrote: bool = False
    referrers: dict[Referrer, ReferrerState] = field(default_factory=dict)
    backup: Reference | None = None
    removed_backups: list[Reference] = field(default_factory=list)

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
