# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories that a push would have to create: what products' APIs say of them before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...._oci.client.run import Run
from ...._oci.errors import ImageOpsError
from ...._oci.image.reference import Reference
from ...decisions import Action
from ...vendors import Vendors
from ...work.stores import Stores
from ...work.workers import ask_all
from ..image_task import ImageTask
from ..sides.state import Survey

_MOST_NAMED = 5
_NOT_CREATED = "its repository cannot be created"
_NO_REPOSITORY = "the destination does not have its repository"


class NewRepositories:
    """Asks APIs about repositories, and warns of names; each repository is looked at once."""

    def __init__(self, stores: Stores, survey: Survey, vendors: Vendors, run: Run) -> None:
        self._stores = stores
        self._survey = survey
        self._vendors = vendors
        self._run = run
        self._faults: dict[Reference, ImageOpsError | None] = {}
        self._absent: set[Reference] = set()
        self._looked_at: set[Reference] = set()

    def check(self, tasks: Sequence[ImageTask], notes: list[str]) -> list[ImageTask]:
        """Return the tasks; those whose repository cannot be created have become conflicts.

        :param notes: takes sentences about what could not be asked
        """
        new = {_repository(task) for task in tasks if self._may_be_new(task)}
        self._warn_of_names(new)
        self._ask({each for each in new if self._vendors.known(each.registry).has_api} - self._faults.keys(), notes)
        return [self._judged(task) for task in tasks] if self._faults else list(tasks)

    def _may_be_new(self, task: ImageTask) -> bool:
        if not (task.action == Action.CREATE or task.unseen):
            return False
        return not self._survey.tags(task.destination.name)

    def _warn_of_names(self, repositories: Iterable[Reference]) -> None:
        """Warn, once in a run, of each name that its registry may refuse, which the registry decides."""
        new = set(repositories) - self._looked_at
        self._looked_at |= new
        doubts = {each: self._vendors.known(each.registry).path_doubt(each.repository) for each in sorted(new, key=str)}
        said = [f"{repository}: {doubt}" for repository, doubt in doubts.items() if doubt]
        if said:
            more = f"; and {len(said) - _MOST_NAMED} more" if said[_MOST_NAMED:] else ""
            self._run.warn(
                f"names that may not be taken, which the registry decides: {'; '.join(said[:_MOST_NAMED])}{more}"
            )

    def _ask(self, repositories: Iterable[Reference], notes: list[str]) -> None:
        by_host: dict[str, list[Reference]] = {}
        for repository in sorted(repositories, key=str):
            by_host.setdefault(repository.registry, []).append(repository)
        answers = ask_all(
            ((self._stores.queue(host), host) for host in by_host),
            lambda host: self._vendors.known(host).obstacles([each.repository for each in by_host[host]]),
            action="plan",
            log=self._run.log,
        )
        for host, answer in answers.items():
            if isinstance(answer, ImageOpsError):
                notes.append(f"{host} was not checked for what stands in the way of new repositories: {answer}")
                continue
            notes += answer.notes
            self._faults.update((each, answer.faults.get(each.repository)) for each in by_host[host])
            self._absent.update(each for each in by_host[host] if each.repository in answer.absent)

    def _judged(self, task: ImageTask) -> ImageTask:
        repository = _repository(task)
        fault = self._faults.get(repository)
        if fault is not None and task.to_copy:
            return replace(task, action=Action.CONFLICT, reason=_NOT_CREATED, error=fault, unseen=False)
        if task.unseen and repository in self._absent:
            return replace(task, action=Action.CREATE, reason=_NO_REPOSITORY, unseen=False)
        return task


def _repository(task: ImageTask) -> Reference:
    return Reference(task.destination.registry, task.destination.repository)
