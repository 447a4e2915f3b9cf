# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stages of a plan leave to the stages after them: a rule may copy what another rule of the run writes."""

from __future__ import annotations

from collections.abc import Iterable

from ..._oci.image.reference import Digest, Reference
from ..rules.rule import Rule
from .image_task import ImageTask


class EarlierStages:
    """The tasks of the stages that are planned already, by what they write.

    :param failed: rules about many repositories of which none is known
    """

    def __init__(self, failed: Iterable[Rule] = ()) -> None:
        self._by_reference: dict[Reference, ImageTask] = {}
        self._by_digest: dict[tuple[str, Digest], ImageTask] = {}
        self._tags: dict[str, dict[str, None]] = {}
        self._unknown: set[str] = set()
        self._unknown_beginnings = [beginning for rule in failed for beginning in _beginnings(rule)]

    def add(self, tasks: Iterable[ImageTask]) -> None:
        """Take in the tasks of one more stage."""
        for task in tasks:
            if not task.changes_destination:
                continue
            destination = task.destination
            if destination.tag is None and destination.digest is None:
                self._unknown.add(destination.name)
                continue
            self._by_reference.setdefault(destination, task)
            if task.digest is not None:
                self._by_digest.setdefault((destination.name, task.digest), task)
            if destination.tag is not None:
                self._tags.setdefault(destination.name, {})[destination.tag] = None

    def tags(self, name: str) -> Iterable[str]:
        """Return the tags that are written in a repository."""
        return self._tags.get(name, ())

    def is_unknown(self, rule: Rule) -> bool:
        """Return whether it is not known what will be in the source of a rule, since planning failed for that."""
        name = rule.source.name
        return name in self._unknown or any(map(name.startswith, self._unknown_beginnings))

    def maker(self, source: Reference) -> ImageTask | None:
        """Return the task that writes what a source names; None when it stays as it is."""
        if source.tag is None and source.digest is not None:
            return self._by_reference.get(source) or self._by_digest.get((source.name, source.digest))
        return self._by_reference.get(Reference(source.registry, source.repository, source.tag))


def _beginnings(rule: Rule) -> Iterable[str]:
    """Yield what the names of the repositories begin with that a rule would write."""
    for destination in rule.destinations:
        path, brace, _rest = destination.repository.partition("{")
        yield f"{destination.registry}/{path}{'' if brace else '/'}"
