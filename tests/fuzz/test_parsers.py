# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every parser gets many inputs that nobody would write, and raises nothing but what it says."""

from __future__ import annotations

import random

import pytest
from ansible_collections.imageops.registry.tests.fuzz.loop import corpus_of, fuzz, keep
from ansible_collections.imageops.registry.tests.fuzz.mutator import Mutator
from ansible_collections.imageops.registry.tests.fuzz.targets import TARGETS, Target


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", list(TARGETS))


def test_a_parser_raises_nothing_else(name: str, pytestconfig: pytest.Config) -> None:
    given = pytestconfig.getoption("--seed")
    seed = random.SystemRandom().randrange(2**32) if given is None else int(given)
    findings = fuzz(TARGETS[name], pytestconfig.getoption("--inputs"), seed)
    print(f"{name}: --seed={seed}, {findings.tried} inputs, {len(findings.new)} reached new lines")
    if pytestconfig.getoption("--keep"):
        keep(name, findings.new)
    assert not findings.wrong, [(text[:300], what) for text, what in findings.wrong[:5]]


def test_the_same_seed_gives_the_same_inputs() -> None:
    streams = [Mutator("seed", ("x",), halves=True) for _ in range(2)]
    corpus = ["one", "another"]
    assert [streams[0].next(corpus) for _ in range(50)] == [streams[1].next(corpus) for _ in range(50)]


def test_a_parser_that_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(text: str) -> object:
        return 1 // (len(text) % 7)

    wrong = fuzz(Target("reference", parse, (ValueError,), ()), 500, 1).wrong
    assert any("ZeroDivisionError" in what for _text, what in wrong)


@pytest.mark.parametrize("each", list(TARGETS))
def test_every_target_has_known_inputs_of_both_kinds(each: str) -> None:
    """Some that it takes, so that what it gives is looked at, too."""
    target = TARGETS[each]
    taken = refused = 0
    for text in corpus_of(each):
        try:
            taken += target.parse(text) is not None
        except target.raises:
            refused += 1
    assert taken
    assert refused or not target.raises
