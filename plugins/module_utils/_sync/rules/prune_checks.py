# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where ``prune`` is refused before anything is contacted: for a rule alone, and for the rules of a task. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..._oci.errors import InputError
from ..._oci.image.reference import quoted
from ..decisions import Overwrite
from .grammar import Destination, Source
from .prune import Prune, leads_back
from .rule import Rule


def check_alone(prune: Prune, origin: str, source: Source, destinations: Sequence[Destination]) -> None:
    """Refuse to delete where a tag of a destination does not lead back to exactly one tag of a list.

    :raises InputError: for such a rule
    """
    if not source.selects_by_listing:
        raise _refusal(
            origin, f"its source {quoted(source.text)} names what is taken", "leave tags and digest out of it"
        )
    for destination in destinations:
        if destination.tags is not None:
            cause = f"in {quoted(destination.text)} one tag stands for any of the source's"
            raise _refusal(origin, cause, "leave the tag out, or make it of the source's with {tag}")
        if destination.name == source.name:
            raise _refusal(origin, f"{destination.name} is its source as well", "copy to another repository")
    if prune.repositories:
        _check_repositories(origin, source, destinations)


def _check_repositories(origin: str, source: Source, destinations: Sequence[Destination]) -> None:
    if source.wildcard is None or not source.wildcard.prefix:
        cause = "repositories is for all repositories of one project"
        raise _refusal(origin, cause, "write registry/project/* or /** as the source, or leave repositories out")
    for destination in destinations:
        if not leads_back(destination, source.wildcard):
            cause = f"a repository of {quoted(destination.text)} does not lead back to one of the source"
            raise _refusal(origin, cause, "write registry/project, or registry/project/{name} for /*")


def check_prune(rules: Iterable[Rule], overwrite: Overwrite, *, in_shards: bool = False) -> None:
    """Refuse rules that delete where they do not overwrite, or where rules have other sources for one repository.

    :param overwrite: for rules that do not say
    :param in_shards: whether the run has but a share of the images, and cannot know how it goes with the others
    :raises InputError: for such a rule
    """
    every = list(rules)
    for rule in every:
        if rule.prune is None:
            continue
        if in_shards:
            cause = "a shard does not know whether the others go right"
            raise _refusal(rule.origin, cause, "give prune a task of its own, after all shards")
        chosen = rule.overwrite or overwrite
        if chosen != Overwrite.ALWAYS:
            cause = f"overwrite is {chosen}, so that its destination is no mirror of its source"
            raise _refusal(rule.origin, cause, "leave prune out, or set overwrite to always")
        mine = {destination.name for destination in rule.destinations}
        for other in every:
            if not other.source.selects_by_listing:
                continue  # the tags that it names are never deleted
            shared = mine.intersection(destination.name for destination in other.destinations)
            if shared and other.source.name != rule.source.name and rule.source.wildcard is None:
                cause = f"{other.origin} writes {quoted(other.source.text)} to {min(shared)}, too"
                raise _refusal(rule.origin, cause, "give each of them a repository that nobody else writes to")


def _refusal(origin: str, cause: str, hint: str) -> InputError:
    return InputError(subject=f"the prune of {origin}", cause=cause, hint=hint)
