# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A share of the images of a task: each image is in exactly one of them, whichever machine asks. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

from ..._oci.errors import InputError
from ..._oci.image.reference import Reference
from .rule import Rule

_MOST = 10_000


@dataclass(frozen=True)
class Shard:
    """One of several shares.

    :ivar index: which one, from 0
    :ivar count: how many there are
    :ivar by_tag: the tags of one repository are divided, too
    :ivar with_destinations: all destinations of a source are in one shard, so that it is read once
    """

    index: int
    count: int
    by_tag: bool = False
    with_destinations: bool = False

    def narrow(self, rules: Iterable[Rule]) -> list[Rule]:
        """Return the rules, each with those destinations of which something may belong to this shard.

        :param rules: of one repository each
        """
        if self.by_tag:
            return list(rules)
        narrowed = [
            (rule, tuple(each for each in rule.destinations if self._has(rule.source.name, each.name)))
            for rule in rules
        ]
        return [replace(rule, destinations=destinations) for rule, destinations in narrowed if destinations]

    def takes(self, source: Reference, destination: Reference) -> bool:
        """Return whether an image belongs to this shard; one without a tag belongs where its repository does."""
        if not self.by_tag:
            return self._has(source.name, destination.name)
        return self._has(*(f"{ref.name}:{ref.tag}" if ref.tag else ref.name for ref in (source, destination)))

    def _has(self, source: str, destination: str) -> bool:
        """Return whether this shard has what these names stand for, by the CRC-32 of one of them in UTF-8."""
        return crc32((source if self.with_destinations else destination).encode()) % self.count == self.index


def parse_shard(option: Mapping[str, Any] | None) -> Shard | None:
    """Return the shard that the option ``shard`` describes; None when there is none.

    :raises InputError: for numbers that cannot be meant
    """
    if option is None:
        return None
    index, count = option["index"], option["count"]
    if not 1 <= count <= _MOST:
        raise InputError(subject=f"shard.count {count}", cause="there is no such number", hint=f"write 1 to {_MOST}")
    if not 0 <= index < count:
        raise InputError(
            subject=f"shard.index {index}",
            cause=f"with {count} shards they are 0 to {count - 1}",
            hint="give each machine its place in the list of all machines, from 0",
        )
    return Shard(index, count, by_tag=option["by"] == "tag", with_destinations=option["with_destinations"])
