# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions and ranges, held against a table that npm's package semver made, and against each other."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.tags.semver import (
    Range,
    SemanticVersion,
    parse_tag,
)
from hypothesis import given
from hypothesis import strategies as st

TABLE = json.loads((Path(__file__).parents[3] / "helpers" / "npm_semver" / "table.json").read_text())


def version(text: str) -> SemanticVersion:
    found = parse_tag(text)
    assert found is not None
    return found


def test_every_range_means_what_npm_says() -> None:
    versions = {text: version(text) for text in TABLE["versions"]}
    wrong = []
    for text, marks in TABLE["ranges"]:
        try:
            found = Range.parse(text)
        except InputError:
            ours = None
        else:
            ours = "".join("x" if found.admits(known) else "." for known in versions.values())
        if ours != marks:
            wrong.append((text, marks, ours))
    assert not wrong
    assert len(TABLE["ranges"]) > 500
    assert sum(marks is None for _text, marks in TABLE["ranges"]) > 20


def test_versions_are_in_npms_order() -> None:
    ordered = TABLE["ordered"]
    assert sorted(random.Random(1).sample(ordered, len(ordered)), key=version) == ordered


@pytest.mark.parametrize(
    ("tag", "full"),
    [
        ("1.27", "1.27.0"),
        ("1", "1.0.0"),
        ("v1.27", "1.27.0"),
        ("v2.0.1", "2.0.1"),
        ("1.27-rc.1", "1.27.0-rc.1"),
        ("1.2.3_build.5", "1.2.3"),
    ],
)
def test_a_tag_may_leave_numbers_out(tag: str, full: str) -> None:
    assert version(tag) == version(full)


@pytest.mark.parametrize(
    "tag", ["latest", "", "1.2.3.4", "01.2.3", "2024.01.15", "V1.2.3", "=1.2.3", " 1.2.3", "1.2.", "9" * 20, "1.2.3\n"]
)
def test_what_is_no_version(tag: str) -> None:
    assert parse_tag(tag) is None


@pytest.mark.parametrize(
    "text", ["latest", "1.2.3.4", ">=1.2 &&<2", "1.2.3 -", "9" * 20, "^1" + " " * 5000, "9" * 4096, "1.2.3*", "*1.2.3"]
)
def test_what_is_no_range_is_refused_with_a_range_that_is_right(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Range.parse(text)
    assert "^1.2" in caught.value.hint


_NUMBERS = st.integers(0, 30)
_RELEASES = st.tuples(_NUMBERS, _NUMBERS, _NUMBERS)
_PRE_RELEASES = st.sampled_from(["", "-0", "-alpha", "-alpha.1", "-beta.11", "-rc.1"])
_VERSIONS = st.tuples(_RELEASES, _PRE_RELEASES).map(lambda made: ".".join(map(str, made[0])) + made[1])
_TERMS = st.tuples(
    st.sampled_from(["", ">", ">=", "<", "<=", "=", "^", "~"]),
    _VERSIONS | _NUMBERS.map(str) | st.tuples(_NUMBERS, _NUMBERS).map(lambda two: f"{two[0]}.{two[1]}"),
).map("".join)


@given(_VERSIONS, _VERSIONS)
def test_the_order_is_total(one: str, other: str) -> None:
    first, second = version(one), version(other)
    assert (first < second) + (first == second) + (first > second) == 1
    assert (first == second) == (one == other)


@given(_TERMS, _TERMS, _VERSIONS)
def test_alternatives_are_a_union_and_terms_of_a_set_an_intersection(one: str, other: str, text: str) -> None:
    known = version(text)
    first, second = Range.parse(one).admits(known), Range.parse(other).admits(known)
    if known.is_release or ">=0.0.0" not in (one, other):  # which stands for all releases, as "*" does
        assert Range.parse(f"{one} || {other}").admits(known) == (first or second)
    if known.is_release:
        assert Range.parse(f"{one} {other}").admits(known) == (first and second)


@given(_RELEASES, _VERSIONS)
def test_operators_are_what_they_look_like(release: tuple[int, int, int], text: str) -> None:
    named, known = ".".join(map(str, release)), version(text)
    if known.is_release:
        assert Range.parse(f">={named}").admits(known) == (known >= version(named))
        assert Range.parse(f"<{named}").admits(known) == (known < version(named))
        assert Range.parse(named).admits(known) == (known == version(named))
        major, minor, _patch = release
        assert Range.parse(f"~{named}").admits(known) == (
            known >= version(named) and known.numbers[:2] == (major, minor)
        )
        if major:
            assert Range.parse(f"^{named}").admits(known) == (known >= version(named) and known.numbers[0] == major)


@given(_VERSIONS, _VERSIONS, _VERSIONS)
def test_releases_between_two_that_are_in_a_span_are_in_it(low: str, high: str, text: str) -> None:
    span, known = Range.parse(f"{low} - {high}"), version(text)
    if known.is_release:
        assert span.admits(known) == (version(low) <= known <= version(high))


@given(st.text(alphabet="0123x.*v=<>~^| -+ab", max_size=20))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    try:
        Range.parse(text).admits(version("1.2.3"))
    except InputError as error:
        assert str(error).isprintable()
