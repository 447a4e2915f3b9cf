# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that try failed images again: what they mean is what the single ones meant."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.rerun import merged_rules
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import (
    destination_tag,
    parse_rules,
)
from hypothesis import given
from hypothesis import strategies as st

TAGS = st.sampled_from(["1", "2", "latest", "x" * 100, "y" * 100, *(f"{number:0120d}" for number in range(12))])
REPOSITORIES = st.sampled_from(["a.test:5000/x", "a.test/y/z", "b.test/x"])
ITEMS = st.fixed_dictionaries(
    {
        "source": st.builds("{}:{}".format, REPOSITORIES, TAGS),
        "destination": st.builds("{}:{}".format, REPOSITORIES, TAGS),
    },
    optional={"platforms": st.just(["linux/amd64"]), "overwrite": st.sampled_from(["skip", "fail"])},
)


def meant(items: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    """What rules mean: every image with where it goes, and how."""
    found = set()
    for rule in parse_rules(items, default_registry=None, default_namespace=None):
        for tag in rule.source.tags or (None,):
            for place in rule.destinations:
                how = (*map(str, rule.platforms), str(rule.overwrite))
                found.add((f"{rule.source.name}:{tag}", f"{place.name}:{destination_tag(rule, place, tag)}", *how))
    return found


@given(st.lists(ITEMS, max_size=30, unique_by=lambda item: (item["source"], item["destination"])))
def test_joined_rules_mean_what_the_single_ones_do(items: list[dict[str, Any]]) -> None:
    assert meant(merged_rules(items)) == meant(items)


def test_tags_of_one_pair_of_repositories_are_one_rule() -> None:
    items = [{"source": f"a.test/x:{tag}", "destination": f"b.test/y:{tag}"} for tag in ("1", "2", "3")]
    assert merged_rules(items) == [{"source": "a.test/x:1,2,3", "destination": "b.test/y:1,2,3"}]


@pytest.mark.parametrize(
    "source",
    ["a.test/x", "a.test/x@sha256:" + "0" * 64, "a.test/x:/^v/", "a.test:5000/x"],
)
def test_what_names_no_single_tag_stays_as_it_is(source: str) -> None:
    items = [{"source": source, "destination": "b.test/y"}, {"source": source, "destination": "b.test/z"}]
    assert merged_rules(items) == items
