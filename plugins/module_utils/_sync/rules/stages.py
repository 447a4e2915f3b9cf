# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that build on each other: a rule whose source another rule writes belongs to a later stage. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..._oci.errors import InputError
from .grammar import Destination
from .repository_patterns import fill_tag
from .rule import Rule

_MOST_NAMED = 5


def in_stages(rules: Iterable[Rule]) -> list[list[Rule]]:
    """Return rules in stages, each in the given order: what a rule copies is written by rules of earlier stages alone.

    :param rules: of one repository each
    :raises InputError: when rules copy in a circle what they write themselves
    """
    ordered = list(rules)
    before = _predecessors(ordered)
    stages: list[list[Rule]] = []
    left = list(range(len(ordered)))
    done: set[int] = set()
    while left:
        ready = [number for number in left if before.get(number, set()) <= done]
        if not ready:
            numbers = _circle(left[0], before, done)
            first = numbers.index(min(numbers))
            raise circle([ordered[number].origin for number in numbers[first:] + numbers[:first]])
        stages.append([ordered[number] for number in ready])
        done.update(ready)
        left = [number for number in left if number not in done]
    return stages


def circle(origins: Sequence[str]) -> InputError:
    """Return the error for rules of which each copies what the one before it writes, and the first what the last does.

    :param origins: where the rules stand: ``images[0]``
    """
    named = list(dict.fromkeys(origins))
    shown = ", ".join(named[:_MOST_NAMED]) + (f" and {len(named) - _MOST_NAMED} more" if named[_MOST_NAMED:] else "")
    if len(named) == 1:
        cause = "it would copy in each run what it has written in the last one"
        return InputError(subject=f"the rule {shown}", cause=cause, hint="select tags that it does not write")
    return InputError(
        subject=f"the rules {shown}",
        cause="they copy in a circle: each writes what the next one copies, and the last what the first one copies",
        hint="remove one of them, or select tags that the others do not write",
    )


def _predecessors(rules: Sequence[Rule]) -> Mapping[int, set[int]]:
    """Return for each rule, by number, the rules that write what it copies."""
    writers: dict[str, list[tuple[int, Destination]]] = {}
    for number, rule in enumerate(rules):
        for destination in rule.destinations:
            writers.setdefault(destination.name, []).append((number, destination))
    found: dict[int, set[int]] = {}
    for number, rule in enumerate(rules):
        for writer, destination in writers.get(rule.source.name, ()):
            if _feeds(rules[writer], destination, rule):
                found.setdefault(number, set()).add(writer)
    return found


def _feeds(writer: Rule, destination: Destination, reader: Rule) -> bool:
    """Return whether a rule may write in a destination what another rule copies from there."""
    if writer is reader and not (writer.source.selects_by_listing and destination.renames):
        return False  # a tag keeps its name and so its digest, or the tags that are named are those before the run
    written = _written(writer, destination)
    tags, digest = reader.source.tags, reader.source.digest
    if tags is not None:
        return any(tag in written for tag in tags) if written is not None else _any_kept(writer, destination, tags)
    if digest is not None:
        return writer.source.digest in (None, digest)
    return written is None or any(reader.choose([tag]).taken for tag in written)


def _written(rule: Rule, destination: Destination) -> Sequence[str] | None:
    """Return the tags that a rule writes in a destination; None when they depend on a list."""
    if destination.tags is not None:
        return destination.tags
    if rule.source.selects_by_listing:
        return None
    named = rule.source.tags or ()
    template = destination.tag_template
    return [fill_tag(template, tag) for tag in named] if template else named


def _any_kept(writer: Rule, destination: Destination, tags: Iterable[str]) -> bool:
    """Return whether a rule that selects tags by a list may write one of these."""
    return bool(destination.tag_template) or any(writer.choose([tag]).taken for tag in tags)


def _circle(start: int, before: Mapping[int, set[int]], done: set[int]) -> list[int]:
    """Return rules of which each is written by the next, and the last by the first."""
    path = [start]
    while True:
        following = min(before[path[-1]] - done)
        if following in path:
            return path[path.index(following) :][::-1]
        path.append(following)
