# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules are planned after which: those that copy what others write."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import (
    Rule,
    check_rules,
    parse_rules,
)
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.stages import in_stages

DIGEST = "sha256:" + "1" * 64


def rules(*pairs: tuple[str, str]) -> list[Rule]:
    items = [{"source": source, "destination": destination} for source, destination in pairs]
    return parse_rules(items, default_registry=None, default_namespace=None)


def stages(*pairs: tuple[str, str]) -> list[list[int]]:
    """The rules' numbers, by stage."""
    return [[int(rule.origin[7:-1]) for rule in stage] for stage in in_stages(rules(*pairs))]


def test_rules_that_have_nothing_to_do_with_each_other_are_one_stage_in_their_order() -> None:
    assert stages(("a.test/x", "b.test/x"), ("a.test/y", "b.test/y"), ("c.test/x", "d.test/x")) == [[0, 1, 2]]
    assert in_stages([]) == []


def test_a_chain_is_as_many_stages_whatever_the_order() -> None:
    assert stages(("c.test/x", "d.test/x"), ("b.test/x", "c.test/x"), ("a.test/x", "b.test/x")) == [[2], [1], [0]]


@pytest.mark.parametrize(
    ("writes", "copies"),
    [
        (("a.test/x", "b.test/x"), "b.test/x"),
        (("a.test/x", "b.test/x"), "b.test/x:1"),
        (("a.test/x", "b.test/x"), f"b.test/x@{DIGEST}"),
        (("a.test/x:/^v1/", "b.test/x"), "b.test/x:v1.2"),
        (("a.test/x:1", "b.test/x"), "b.test/x"),
        (("a.test/x:1,2", "b.test/x:3,4"), "b.test/x:4"),
        (("a.test/x:1", "b.test/x:v1"), "b.test/x:/^v/"),
        (("a.test/x:1", "b.test/x:{tag}-b"), "b.test/x:1-b"),
        (("a.test/x", "b.test/x:{tag}-b"), "b.test/x:1-b"),
        ((f"a.test/x@{DIGEST}", "b.test/x"), f"b.test/x@{DIGEST}"),
    ],
)
def test_a_rule_that_may_copy_what_another_writes_comes_later(writes: tuple[str, str], copies: str) -> None:
    assert stages((copies, "c.test/x"), writes) == [[1], [0]]


@pytest.mark.parametrize(
    ("writes", "copies"),
    [
        (("a.test/x:1", "b.test/x"), "b.test/x:2"),
        (("a.test/x:1,2", "b.test/x:3,4"), "b.test/x:1"),
        (("a.test/x:1", "b.test/x"), "b.test/x:/^v/"),
        (("a.test/x:/^v1/", "b.test/x"), "b.test/x:v2"),
        (("a.test/x:1", "b.test/x"), "b.test/y"),
        ((f"a.test/x@{DIGEST}", "b.test/x"), "b.test/x@sha256:" + "2" * 64),
    ],
)
def test_a_rule_that_copies_other_tags_does_not_wait(writes: tuple[str, str], copies: str) -> None:
    assert stages((copies, "c.test/x"), writes) == [[0, 1]]


def test_rules_that_copy_in_a_circle_are_named() -> None:
    with pytest.raises(InputError) as caught:
        stages(("a.test/z", "a.test/x"), ("a.test/x", "b.test/x"), ("b.test/x", "c.test/x"), ("c.test/x", "a.test/x"))
    assert "images[1], images[2], images[3]" in str(caught.value)
    assert "images[0]" not in str(caught.value)


def test_a_circle_is_refused_before_anything_is_contacted() -> None:
    with pytest.raises(InputError, match="in a circle"):
        check_rules(rules(("a.test/x", "b.test/x"), ("b.test/x", "a.test/x")))


@pytest.mark.parametrize("destination", ["a.test/x", "a.test/x:1", "a.test/x:3"])
def test_tags_that_are_named_may_be_copied_within_a_repository(destination: str) -> None:
    assert stages(("a.test/x:1", destination)) == [[0]]


def test_a_repository_may_be_its_own_destination() -> None:
    assert stages(("a.test/x", "a.test/x")) == [[0]]


def test_a_rule_that_would_copy_its_own_copies_is_refused() -> None:
    with pytest.raises(InputError, match="what it has written in the last one"):
        stages(("a.test/x", "a.test/x:{tag}-copy"))
