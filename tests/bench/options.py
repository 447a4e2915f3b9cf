# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import ceiling, lists, many_tags
from .scenarios import MEGABYTE, SCENARIOS, Size
from .worlds import FAR, PLAIN, SECURE, WORLDS

_IN_WORLD = {
    PLAIN: (1, 2, 3, 4, 5, 6, 7, 9, many_tags.NUMBER),
    SECURE: (2, 3, 4),
    FAR: (1, 2, 4, lists.NUMBER, ceiling.NUMBER),
}
_SPECIAL = (lists.NUMBER, many_tags.NUMBER, ceiling.NUMBER)
"""The scenarios of a whole run."""
_QUICK = {PLAIN: (1, 2, 3, 4, 6, 7), SECURE: (2,), FAR: (4,)}
_QUICK_ROUNDS = 3
_FAR_TAGS_OF_PEERS = 100


@dataclass(frozen=True)
class Options:
    """What to measure.

    :ivar scenarios: numbers, by world
    :ivar rounds: how often each contender runs
    :ivar contenders: their names; empty for all
    :ivar playbook: also as tasks of a playbook
    :ivar before: a revision of this repository to run beside the present one
    :ivar sweep: also how cost grows with tags and bytes
    :ivar many_tags: tags of scenario 10
    :ivar ceiling_layer: bytes of the layer of scenario 11
    :ivar peer_tags: tags of scenario 4 for others in the far world
    :ivar memory: keep the registries' storage in memory
    """

    scenarios: dict[str, tuple[int, ...]]
    rounds: int
    contenders: tuple[str, ...]
    playbook: bool
    before: str | None
    sweep: bool
    size: Size
    many_tags: int
    ceiling_layer: int
    peer_tags: int
    memory: bool
    output: Path


def parse(argv: Sequence[str]) -> Options:
    """Read the command line; ends the program when it cannot be meant."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer scenarios and rounds: at most ten minutes")
    parser.add_argument("--rounds", type=int, help="how often each contender runs (9; quick: 3)")
    parser.add_argument("--scenarios", help="their numbers, as in 1,2,4")
    parser.add_argument("--worlds", help=f"some of {', '.join(WORLDS)}")
    parser.add_argument("--contenders", default="", help="their names, as in module,replay,skopeo; all by default")
    parser.add_argument("--playbook", action=argparse.BooleanOptionalAction, help="also as tasks of a playbook")
    parser.add_argument("--before", metavar="REVISION", help="run another revision of the collection beside this one")
    parser.add_argument("--sweep", action=argparse.BooleanOptionalAction, help="also how cost grows with size")
    parser.add_argument("--megabytes", type=int, default=512, help="the large layer")
    parser.add_argument("--tags", type=int, default=1000, help="tags of the large repository")
    parser.add_argument("--images", type=int, default=10_000, help="images of scenario 9")
    parser.add_argument("--many-tags", type=int, default=100_000, help="tags of scenario 10")
    parser.add_argument("--ceiling-megabytes", type=int, default=2000, help="the layer of scenario 11")
    parser.add_argument("--storage", choices=["memory", "disk"], default="memory", help="where registries keep things")
    parser.add_argument("--output", type=Path, default=Path("build/bench"), help="where results are written")
    given = parser.parse_args(argv)
    try:
        scenarios = _chosen(given.quick, given.worlds, given.scenarios)
    except (KeyError, ValueError):
        numbers = ", ".join(map(str, sorted((*SCENARIOS, *_SPECIAL))))
        parser.error(f"scenarios are {numbers}, worlds are {', '.join(WORLDS)}")
    return Options(
        scenarios=scenarios,
        rounds=given.rounds or (_QUICK_ROUNDS if given.quick else 9),
        contenders=tuple(name.strip() for name in given.contenders.split(",") if name.strip()),
        playbook=not given.quick if given.playbook is None else given.playbook,
        before=given.before,
        sweep=not given.quick if given.sweep is None else given.sweep,
        size=Size(given.megabytes * MEGABYTE, given.tags, given.images),
        many_tags=given.many_tags,
        ceiling_layer=given.ceiling_megabytes * MEGABYTE,
        peer_tags=min(given.tags, _FAR_TAGS_OF_PEERS),
        memory=given.storage == "memory",
        output=given.output,
    )


def _chosen(quick: bool, worlds: str | None, numbers: str | None) -> dict[str, tuple[int, ...]]:
    chosen = dict(_QUICK if quick else _IN_WORLD)
    if worlds is not None:
        chosen = {name: chosen[name] for name in worlds.split(",")}
    elif numbers is not None:
        chosen = {PLAIN: chosen[PLAIN]}
    if numbers is not None:
        wanted = tuple(int(number) for number in numbers.split(","))
        if not set(wanted) <= {*SCENARIOS, *_SPECIAL}:
            raise ValueError(numbers)
        chosen = dict.fromkeys(chosen, wanted)
    return chosen
