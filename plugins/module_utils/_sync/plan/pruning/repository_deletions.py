# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole repositories that a project of the source does not have any more, where both sides' lists are surely whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ...._oci.errors import ImageOpsError
from ...._oci.image.reference import Digest, Reference
from ...._oci.image.referrers import is_referrer_tag
from ...decisions import Action
from ...rules.grammar import Destination
from ...rules.prune import Prune, source_repository, source_tag
from ...rules.repository_patterns import Wildcard
from ...rules.rule_parser import Rule
from ...vendors import Vendors
from ...work.stores import Stores
from ..image_task import ImageTask, new_task

_GONE = "the source has no such repository any more"


@dataclass
class RepositoryDeletions:
    """What whole repositories are to go.

    :ivar tasks: one for each, with a destination without a tag
    :ivar tags: what each of their tags names
    :ivar obstacles: sentences about why nothing at all may be deleted in this run
    :ivar notes: sentences about repositories that stay
    """

    tasks: list[ImageTask] = field(default_factory=list)
    tags: dict[Reference, dict[str, Digest]] = field(default_factory=dict)
    obstacles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class RepositoryDeletionPlan:
    """Finds repositories that are to be deleted."""

    def __init__(self, stores: Stores, vendors: Vendors) -> None:
        self._stores = stores
        self._vendors = vendors

    def plan(self, rules: Iterable[Rule], known: Sequence[Rule]) -> RepositoryDeletions:
        """Return what is to be deleted.

        :param rules: as they were written
        :param known: of one repository each, which they stand for
        """
        found = RepositoryDeletions()
        used = {each.name for rule in known for each in rule.destinations} | {rule.source.name for rule in known}
        for rule in rules:
            if rule.prune is not None and rule.prune.repositories and rule.source.wildcard is not None:
                for destination in rule.destinations:
                    try:
                        self._find(rule, rule.source.wildcard, destination, used, found)
                    except ImageOpsError as error:
                        found.obstacles.append(str(error))
        return found

    def _find(
        self,
        rule: Rule,
        wildcard: Wildcard,
        destination: Destination,
        used: Collection[str],
        found: RepositoryDeletions,
    ) -> None:
        project = wildcard.prefix.partition("/")[0]
        source = set(self._vendors.ask(wildcard.registry).complete_repositories(project))
        namespace = destination.repository.partition("/")[0]
        there = self._vendors.ask(destination.registry).complete_repositories(namespace)
        if not any(map(wildcard.covers, source)):
            found.obstacles.append(f"the list of the repositories of {wildcard} is empty")
            return
        prune, gone = rule.prune or Prune(), []
        for path in there:
            before = source_repository(destination, wildcard, path)
            place = Reference(destination.registry, path)
            if before is None or before in source or place.name in used:
                continue
            tags = self._tags(rule, prune, destination, place, found.notes)
            if tags is not None:
                found.tags[place] = tags
                task = new_task(rule, Reference(wildcard.registry, before), place)
                gone.append(replace(task, action=Action.DELETE, reason=_GONE))
        if len(gone) >= len(there):
            error = _too_many(gone, f"no repository would be left in {destination.registry}/{namespace}")
            gone = [replace(task, error=error) for task in gone]
        found.tasks += gone

    def _tags(
        self, rule: Rule, prune: Prune, destination: Destination, place: Reference, notes: list[str]
    ) -> dict[str, Digest] | None:
        """Return what the tags of a repository name; None, with a note, when one of them stays."""
        repository = self._stores.repository(place)
        tags: dict[str, Digest] = {}
        for tag in repository.tags():
            before = source_tag(destination, tag)
            goes = is_referrer_tag(tag) or (before is not None and rule.could_take(before))
            if not goes or prune.keeps(tag) or rule.is_backup(tag):
                notes.append(f"{place.name} is not deleted, since its tag {tag} stays")
                return None
            there = repository.resolve(tag)
            if there is not None:
                tags[tag] = there.digest
        return tags if repository.tags_are_whole else None


def check_number(tasks: Sequence[ImageTask]) -> ImageOpsError | None:
    """Return the error for repositories that are more than the rules allow; None for as many as may go."""
    allowed = min((task.rule.prune.max_repositories for task in tasks if task.rule.prune), default=0)
    if len(tasks) <= allowed:
        return None
    return _too_many(tasks, f"{len(tasks)} repositories are to go and max_repositories is {allowed}")


def _too_many(tasks: Sequence[ImageTask], cause: str) -> ImageOpsError:
    return ImageOpsError(
        code="prune_limit",
        action="delete",
        subject=", ".join(str(task.destination) for task in tasks[:3]),
        cause=f"{cause}, so nothing is deleted in this run",
        hint="see that the source is whole and that each may really go, then raise prune: {max_repositories: ...}",
    )
