# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a run: plan, copy, retry what failed for a passing reason, delete; the result tells of every image."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .._oci.client.run import Run
from .._oci.errors import ImageOpsError
from .._oci.image.reference import Reference
from .._oci.store.store import Store
from .decisions import Action, OnError, ReferrerState, Status
from .plan.comparison import CompareOptions
from .plan.image_task import ImageTask
from .plan.planner import Planner
from .plan.sides.source_images import SourceImages
from .results.outcome import CopyOptions, ImageResult, Reread, RunResult, by_destination, point_to_others
from .results.progress.counters import Progress
from .rules.backup_names import date_of
from .rules.rule_parser import Rule
from .run_options import Options
from .vendors import Vendors
from .work.manifest_cache import ManifestCache
from .work.stores import Stores
from .work.workers import unexpected

if TYPE_CHECKING:
    from .copy.copy_phase import CopyPhase
    from .vendors import ManagedRegistries


class Engine:
    """One run over a list of rules.

    :param connect: opens the store of a host; the engine closes it
    :param managed: registries whose instance can be asked, by host; the engine closes them
    :param run: the context that its clients have, too
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        connect: Callable[[str], Store],
        options: Options,
        run: Run,
        progress: Progress,
        managed: ManagedRegistries | None = None,
    ) -> None:
        self._rules = rules
        self._options = options
        self._run = run
        self._progress = progress
        self._stores = Stores(connect)
        self._vendors = Vendors(self._stores, managed or {})
        self._manifests = ManifestCache()
        locked = options.lock.lock.digests if options.lock else None
        self._source_images = SourceImages(self._stores, self._manifests, run, locked=locked)
        self._planner = Planner(
            self._stores,
            self._source_images,
            self._manifests,
            vendors=self._vendors,
            options=CompareOptions(
                options.overwrite,
                rewrite=options.rewrite,
                check_mode=options.check_mode,
                unsupported_artifacts=options.unsupported_artifacts,
                referrers=options.referrers,
                bulk=options.bulk,
                compare_all=options.compare_all or options.lock is not None or options.plan is not None,
            ),
            date=date_of(options.began),
            shard=options.shard,
            lock=options.lock,
            run=run,
        )
        self._results: list[ImageResult] = []
        self._rereads: list[Reread] = []
        self._kept: list[str] = []
        self._started = time.monotonic()

    def close(self) -> None:
        """Close every connection, those in use too."""
        self._stores.close()
        self._vendors.close()

    def run(self) -> RunResult:
        """Run all phases. The error of an image is in the result, and is not raised.

        :raises ImageOpsError: for what belongs to no single image: rules in a circle, or an unexpected fault
        """
        try:
            self._progress.enter("plan")
            tasks = self._tasks()
            if all(task.status == Status.DONE or task.to_copy for task in tasks):
                self._planner.forget()  # there is nothing that another plan could change
            self._take(tasks)
            del tasks
            if not self._refused() and not self._halted():
                self._rounds()
                self._remove_old_backups()
                self._finish_stores()
            self._delete()
            point_to_others(self._results)
        except ImageOpsError:
            raise
        except Exception as fault:  # noqa: BLE001 - what was reached is reported all the same
            self._break_off(fault)
        finally:
            self.close()
        return self.snapshot()

    def _tasks(self) -> list[ImageTask]:
        tasks = self._planner.plan(self._rules)
        if self._options.plan is None:
            return tasks
        from .plan.checks.held_to_plan import held_to_plan  # few runs have a plan

        return held_to_plan(tasks, self._options.plan)

    def _break_off(self, fault: Exception) -> None:
        """Let every unfinished image fail with an exception that belongs to no single one."""
        error = unexpected(fault, action="finish", subject="the run", log=self._run.log)
        pending = [image for image in self._results if image.status == Status.PENDING]
        if not pending:
            raise error
        for image in pending:
            image.status, image.error = Status.FAILED, error

    def snapshot(self) -> RunResult:
        """Return the result so far. What is not finished is pending."""
        needs = self._stores.notes()
        images = by_destination(self._results)
        return RunResult(
            images=images,
            changed=any(self._changed(image) for image in images),
            interrupted=self._run.stop.is_set(),
            seconds=time.monotonic() - self._started,
            registries={host: store.counters() for host, store in self._stores.opened()},
            rereads=list(self._rereads),
            not_taken=[*self._planner.notes, *self._kept, *needs],
            needs=tuple(needs),
            not_locked=self._planner.not_locked,
        )

    def _changed(self, image: ImageResult) -> bool:
        if self._options.check_mode:
            return (image.task.to_copy or image.action == Action.DELETE) and image.status == Status.DONE
        return image.wrote

    def _take(self, tasks: Sequence[ImageTask]) -> None:
        """Make a result of every task that has none yet. What needs nothing, or cannot be done, is finished at once."""
        new = {(task.source, task.destination): task for task in tasks}
        for image in self._results:
            new.pop((image.source, image.destination), None)
        found = list(new.values())
        del new  # of very many images the keys take as much memory as what follows
        self._progress.expect_images(len(found))
        for task in found:
            image = ImageResult(task, digest=task.digest)
            self._results.append(image)
            if task.referrers:
                image.referrers = {
                    referrer: ReferrerState.PRESENT if referrer.is_there else ReferrerState.PENDING
                    for referrer in task.referrers
                }
            if self._options.check_mode:
                image.backup = task.backup
            if task.source_image is not None and task.source_image.note:
                image.notes += (task.source_image.note,)
            image.status, image.error = task.status, task.error
            if image.status != Status.PENDING:
                self._finished(image)

    def _finished(self, image: ImageResult) -> None:
        if image.error is not None:
            self._vendors.advise(image.error)
        self._progress.image_finished(image)

    def _refused(self) -> bool:
        """Return whether an image is refused in a way that stops the run: then nothing at all is written."""
        refusals = (image.task.refusal for image in self._results)
        return any(refusal is not None and refusal.stops_run for refusal in refusals)

    def _halted(self) -> bool:
        """Return whether an image has failed already and none may be begun after that."""
        return self._options.on_error == OnError.STOP and any(image.status == Status.FAILED for image in self._results)

    def _rounds(self) -> None:
        phase: CopyPhase | None = None
        try:
            for number in range(self._options.retries + 1):
                if number and not self._again(number):
                    return
                for stage in sorted({image.task.stage for image in self._results}):
                    todo = self._ready(stage)
                    if todo and phase is None:
                        phase = self._begin_copying()
                    if todo and phase is not None:
                        phase.round(todo)
        finally:
            if phase is not None:
                self._rereads = phase.rereads
                phase.close()

    def _remove_old_backups(self) -> None:
        if any(image.rule.backup is not None for image in self._results) and not self._run.stop.is_set():
            from .copy.old_backups import OldBackups  # few runs need it

            old = OldBackups(self._stores, self._vendors, self._run, check_mode=self._options.check_mode)
            old.remove(self._results)

    def _finish_stores(self) -> None:
        """Make lasting what was written. Where that fails, so does every image that was written there."""
        if self._options.check_mode or self._run.stop.is_set():
            return
        for host, store in self._stores.opened():
            try:
                store.finish()
            except ImageOpsError as fault:
                for image in self._results:
                    if image.destination.registry == host and image.status == Status.DONE and image.wrote:
                        image.status, image.error = Status.FAILED, fault
                        self._finished(image)

    def _ready(self, stage: int) -> list[ImageResult]:
        """Return the images of a stage that can be copied now. What an image copies has been written before."""
        pending = [image for image in self._results if image.status == Status.PENDING and image.task.to_copy]
        written = {image.destination: image for image in self._results} if stage else {}
        return [image for image in pending if image.task.stage == stage and self._can_begin(image, written)]

    def _can_begin(self, image: ImageResult, written: Mapping[Reference, ImageResult]) -> bool:
        predecessor = image.task.predecessor
        if predecessor is None:
            return True
        before = written.get(predecessor.destination)
        if before is None or before.status != Status.DONE:
            return False
        if before.digest is None:
            image.task = replace(image.task, action=Action.SKIP, reason="what it copies was left out")
            image.status, image.digest = Status.DONE, image.task.previous
            self._finished(image)
            return False
        if before.digest != predecessor.digest:
            image.task = replace(image.task, source_image=None)  # the copy phase looks what is there now
        return True

    def _begin_copying(self) -> CopyPhase:
        # An event loop takes longer to import than a run that moves nothing takes.
        from .copy.blob_transfers import Bandwidth
        from .copy.copy_phase import CopyPhase

        self._progress.enter("copy")
        options = self._options
        return CopyPhase(
            self._stores,
            self._manifests,
            self._source_images,
            CopyOptions(
                options.check_mode,
                options.overwrite,
                options.foreign_layers,
                options.unsupported_artifacts,
                options.rewrite,
                options.referrers_required,
                by_plan=options.plan is not None,
            ),
            self._run,
            concurrency=options.concurrency,
            bandwidth=Bandwidth(options.bandwidth_limit, self._run.stop.wait) if options.bandwidth_limit else None,
            stop_on_error=options.on_error == OnError.STOP,
            on_finished=self._finished,
            progress=self._progress,
            is_planned=set(self._planned()).__contains__,
            date=date_of(self._options.began),
            holders=self._planner.holders,
        )

    def _planned(self) -> Iterator[Reference]:
        """Yield every reference that the run itself writes, tags of what refers to its images included."""
        for image in self._results:
            yield image.destination
            for referrer in image.task.referrers:
                if referrer.tag is not None and not (referrer.is_there or referrer.merges):
                    yield image.destination.with_tag(referrer.tag)

    def _delete(self) -> None:
        """Delete what the rules' sources do not have any more, when everything else of the run is right."""
        planned = self._planner.deletions
        if planned is None or self._run.stop.is_set() or not (planned.tasks or planned.obstacles):
            return
        from .deletion.deletion_phase import DeletionPhase  # for runs that delete

        self._progress.enter("prune")
        phase = DeletionPhase(
            self._stores, self._vendors, self._run, check_mode=self._options.check_mode, on_finished=self._finished
        )
        copied = list(self._results)
        self._take(planned.tasks)
        self._kept = phase.run(self._results[len(copied) :], copied, planned)
        self._finish_stores()

    def _again(self, number: int) -> bool:
        """Prepare another round over what failed for a passing reason. Return False when there is no such round."""
        failed = [image for image in self._results if image.status == Status.FAILED]
        if self._run.stop.is_set() or self._options.on_error == OnError.STOP:
            return False
        passing = [image for image in failed if image.error is not None and self._is_granted(image.error)]
        if not passing:
            return False
        self._progress.enter("retry")
        self._progress.retry_images(len(passing))
        self._wait(number, passing)
        for _host, store in self._stores.opened():
            store.begin_round()
        waiting = [image for image in self._results if image.status == Status.PENDING]
        unplanned = {id(image) for image in [*passing, *waiting] if not image.task.to_copy}
        self._results = [image for image in self._results if id(image) not in unplanned]
        self._progress.expect_images(-len(unplanned))
        for image in passing:
            image.status = Status.PENDING
        if unplanned:
            self._take(self._tasks())
        return not self._refused()

    def _is_granted(self, error: ImageOpsError) -> bool:
        """Return whether an image with this error is tried again: for passing reasons, within the budget of the run."""
        if error.transient and error.code != "registry_down" and self._run.budget.is_spent:
            self._run.log(f"not again, since the run has no retry left: {error}")
            error.give_up(self._run.budget.spent)
            return False
        return error.transient

    def _wait(self, number: int, failed: Sequence[ImageResult]) -> None:
        """Wait before another round; where a registry said how long, at least that long."""
        # Never more than the client of a registry waits: an answer that asks for more is no passing failure.
        asked = [getattr(image.error, "retry_after", None) or 0.0 for image in failed]
        ceiling = self._run.settings.retry.ceiling(number)
        seconds = max([*asked, random.uniform(ceiling / 2, ceiling)])
        self._run.stop.wait(seconds)
