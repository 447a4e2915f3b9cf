# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules and the state of both sides → a list of image tasks, each with an action and the reason for it.

Nothing is written here. Answers are kept: planning again asks only what failed the first time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..._oci.client.run import Run
from ..._oci.errors import ImageOpsError, InputError
from ..._oci.image.reference import Reference
from ..decisions import Bulk
from ..rules.lock import LockUse
from ..rules.rule_parser import Rule
from ..rules.shard import Shard
from ..rules.stages import in_stages
from ..vendors import Vendors
from ..work.manifest_cache import ManifestCache
from ..work.stores import Stores
from .attachments.search import ReferrerSearch
from .attachments.tasks import ReferrerTasks
from .backups import with_backups
from .checks.destination_names import find_misnamed
from .checks.left_out import LeftOutBlobs
from .checks.locked_pairs import split_locked
from .checks.new_repositories import NewRepositories
from .comparison import CompareOptions, Comparison
from .discover import Discovery
from .earlier_stages import EarlierStages
from .image_task import ImageTask, Pair, in_order, merged, new_task, unknown_task
from .listed_digests import ListedDigests
from .selection import Selection
from .sides.source_images import SourceImages
from .sides.state import Survey

if TYPE_CHECKING:
    from .attachments.signature_gate import SignatureGate
    from .pruning.deletions import Deletions
    from .sides.creation_times import CreationTimes

_UNLISTED = "the source's repositories are not known"
_NOT_TRIED = "not tried, since another destination is refused"


class Planner:
    """Plans; can be asked again, and then repeats only the questions that had no answer.

    :param shard: the share of the images that is planned; None for all
    :param date: of the run, as the names of backups have it
    :param lock: whose digests are copied, whatever the tags name; None when the tags decide
    :ivar notes: sentences about what the rules leave behind
    :ivar deletions: what the last plan has deleted after all else; None where no rule prunes
    :ivar holders: where a destination has what a bundle leaves out, by the repository that lacks it
    :ivar not_locked: how many images have no entry in the lock
    """

    def __init__(
        self,
        stores: Stores,
        source_images: SourceImages,
        manifests: ManifestCache,
        *,
        vendors: Vendors,
        options: CompareOptions,
        date: str,
        lock: LockUse | None,
        shard: Shard | None = None,
        run: Run,
    ) -> None:
        survey = self._survey = Survey(stores, source_images, vendors, run.log)
        self._vendors = vendors
        self._discovery = Discovery(stores, vendors, log=run.log)
        self._selection = Selection(survey, self._read_created, lock.lock if lock else None)
        self._lock = lock
        bulk = Bulk.FALSE if options.rewrite or options.compare_all else options.bulk
        listed = ListedDigests(stores, survey, vendors, bulk, run)
        self._comparison = Comparison(stores, survey, listed, source_images, manifests, options, run)
        self._search = ReferrerSearch(stores, survey, manifests, run)
        self._referrers = ReferrerTasks(self._search, options.referrers, options.overwrite)
        self._stores = stores
        self._manifests = manifests
        self._run = run
        self._date = date
        self._shard = shard
        self._gate: SignatureGate | None = None
        self._created: CreationTimes | None = None
        self._new_repositories = NewRepositories(stores, survey, vendors, run)
        self._left_out = LeftOutBlobs(stores, manifests, run)
        self.holders = self._left_out.holders
        self.notes: list[str] = []
        self.deletions: Deletions | None = None
        self.not_locked = 0

    def plan(self, rules: Sequence[Rule]) -> list[ImageTask]:
        """Return every image of the rules, those of one source digest side by side, else in the order of the rules.

        Rules that copy what other rules write are planned after those, on what they are to leave. Where a destination
        is refused in a way that stops the run, nothing more is asked, and the other images are not tried.

        :raises InputError: when rules copy in a circle
        """
        self.not_locked = 0
        found = self._discovery.expand(rules)
        self.notes = [*_left_behind(rules), *found.notes]
        self.deletions = None
        tasks = [*found.refusals, *find_misnamed(found.rules, self._vendors)]
        stages = in_stages(_without(found.rules, tasks))
        if self._shard is not None:
            tasks = [task for task in tasks if self._shard.takes(task.source, task.destination)]
            stages = [self._shard.narrow(stage) for stage in _single(stages)]
        for rule, fault in found.failures:
            tasks += [unknown_task(rule, destination, _UNLISTED, fault) for destination in rule.destinations]
        if _stops_run(tasks):
            return tasks + list(_not_tried([], stages))
        earlier = EarlierStages(rule for rule, _fault in found.failures)
        for number, stage in enumerate(stages):
            selected = self._selection.select(stage, earlier)
            self.notes += selected.notes
            tasks += selected.tasks
            pairs, known = self._own(selected.pairs), selected.tasks
            if _stops_run(known):
                return tasks + list(_not_tried(pairs, stages[number + 1 :]))
            planned = self._signed(self._compared(pairs, earlier))
            del selected, pairs  # of very many images they take a tenth of the memory
            planned = self._new_repositories.check(self._with_referrers(planned, stage, earlier), self.notes)
            planned = [replace(task, stage=number) for task in planned] if number else planned
            earlier.add(known)
            earlier.add(planned)
            tasks += planned
        if any(rule.prune is not None for rule in rules):
            self.deletions = self._deletions(rules, found.rules, tasks, earlier)
        return in_order(self._left_out.check(with_backups(list(merged(tasks)), self._date)))

    def forget(self) -> None:
        """Forget the answers that are kept for the next plan, when there is to be none."""
        self._survey.forget_all()
        self._comparison.forget()

    def _deletions(
        self, rules: Sequence[Rule], known: Sequence[Rule], tasks: Sequence[ImageTask], earlier: EarlierStages
    ) -> Deletions:
        """Return what is deleted after all else.

        :param known: rules of one repository each, which the rules stand for
        :param tasks: what is copied
        """
        from .pruning.deletions import DeletionPlan  # only runs that prune pay for it
        from .pruning.repository_deletions import RepositoryDeletionPlan

        whole = RepositoryDeletionPlan(self._stores, self._vendors).plan(rules, known)
        self.notes += whole.notes
        plan = DeletionPlan(self._stores, self._survey)
        return plan.plan(known, tasks, lambda name: self._selection.tags(name, earlier), whole)

    def _read_created(self, images: Iterable[Reference]) -> Mapping[Reference, datetime | ImageOpsError | None]:
        """Return when each image was built, for rules that choose by that."""
        if self._created is None:
            from .sides.creation_times import CreationTimes  # few rules do

            self._created = CreationTimes(self._stores, self._manifests, self._run)
        return self._created.read(images)

    def _signed(self, tasks: list[ImageTask]) -> list[ImageTask]:
        """Return the tasks; what is not signed as its rule requires is refused."""
        if not any(task.rule.required_signature is not None for task in tasks):
            return tasks
        if self._gate is None:
            from .attachments.signature_gate import SignatureGate  # only runs that check signatures pay for it

            self._gate = SignatureGate(self._search, self._stores, self._manifests, self._run)
        return self._gate.check(tasks)

    def _with_referrers(
        self, tasks: Sequence[ImageTask], rules: Sequence[Rule], earlier: EarlierStages
    ) -> list[ImageTask]:
        """Add what refers to the images; tags that belong to a digest and to no image are images of their own."""
        found = self._referrers.add(tasks)
        pairs, notes = self._referrers.unclaimed(rules)
        self.notes += [*self._referrers.left_behind(found), *notes]
        return found + self._compared(self._own(pairs), earlier)

    def _own(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        """Return the images that belong to the shard that is planned."""
        if self._shard is None:
            return pairs
        return [pair for pair in pairs if self._shard.takes(pair.source, pair.destination)]

    def _compared(self, pairs: Sequence[Pair], earlier: EarlierStages) -> list[ImageTask]:
        """Return a task for each pair; what is not in the lock is not asked about."""
        locked, missing = split_locked(pairs, self._lock, earlier)
        self.not_locked += len(missing)
        return [*self._comparison.tasks(locked, earlier), *missing]


def _single(stages: Sequence[list[Rule]]) -> Sequence[list[Rule]]:
    """Return the one stage that shards can have: what a rule copies may be written by another shard, at any time.

    :raises InputError: when there are several
    """
    if len(stages) > 1:
        raise InputError(
            subject="shard",
            cause=f"{stages[1][0].origin} copies what another rule writes, and shards do not wait for each other",
            hint="give the later rules a task of their own, after all shards of the first",
        )
    return stages


def _without(rules: Iterable[Rule], refused: Iterable[ImageTask]) -> list[Rule]:
    """Return rules without the destinations that are refused, and none that has no other."""
    names = {task.destination.name for task in refused}
    if not names:
        return list(rules)
    kept = [(rule, tuple(each for each in rule.destinations if each.name not in names)) for rule in rules]
    return [replace(rule, destinations=destinations) for rule, destinations in kept if destinations]


def _stops_run(tasks: Iterable[ImageTask]) -> bool:
    return any(task.refusal is not None and task.refusal.stops_run for task in tasks)


def _not_tried(pairs: Iterable[Pair], stages: Iterable[Iterable[Rule]]) -> Iterable[ImageTask]:
    """Yield what is left when the run is refused: the images that are known, and the rules whose images are not."""
    for pair in pairs:
        yield replace(new_task(pair.rule, pair.source, pair.destination), reason=_NOT_TRIED)
    for stage in stages:
        for rule in stage:
            for destination in rule.destinations:
                yield unknown_task(rule, destination, _NOT_TRIED, None)


def _left_behind(rules: Sequence[Rule]) -> list[str]:
    if not any(rule.source.selects_by_listing for rule in rules):
        return []
    return ["tags were listed and taken; what has none and refers to no image was not"]
