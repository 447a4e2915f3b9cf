# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run goes about its images, as the task says it. No I/O."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .decisions import Bulk, OnError, Overwrite, UnsupportedArtifacts
from .rules.referrer_choice import ALL, ReferrerChoice

if TYPE_CHECKING:
    from .rules.approved_plan import ApprovedPlan
    from .rules.lock import LockUse
    from .rules.shard import Shard


@dataclass(frozen=True)
class Options:
    """The options of a run.

    :ivar concurrency: blobs that are transferred at once in the whole run
    :ivar bandwidth_limit: bytes a second that may be written to all destinations together; None for no limit
    :ivar overwrite: for rules that do not say
    :ivar rewrite: put manifests again even where both sides are equal
    :ivar retries: rounds over failed images after the first
    :ivar shard: the share of the images that this run has; None for all
    :ivar began: when the run began, in seconds since 1970, which the names of backups have
    :ivar bulk: whether lists of digests may show that an image need not be copied
    :ivar lock: whose digests are copied, whatever the tags name; None when the tags decide
    :ivar compare_all: ask about each image by itself, also where it never moves or a list has its digest
    :ivar plan: what must be found as it was planned; None when there is no plan
    """

    concurrency: int = 10
    bandwidth_limit: int | None = None
    on_error: OnError = OnError.CONTINUE
    overwrite: Overwrite = Overwrite.ALWAYS
    rewrite: bool = False
    retries: int = 3
    check_mode: bool = False
    foreign_layers: bool = False
    unsupported_artifacts: UnsupportedArtifacts = UnsupportedArtifacts.FAIL
    referrers: ReferrerChoice = ALL
    referrers_required: bool = False
    shard: Shard | None = None
    began: float = field(default_factory=time.time)
    bulk: Bulk = Bulk.AUTO
    lock: LockUse | None = None
    compare_all: bool = False
    plan: ApprovedPlan | None = None
