# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tags a rule takes, in which order its filters work, and what is said of the tags that it leaves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.re2.syntax import TagPattern
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.tags.tag_options import parse_tags
from hypothesis import given
from hypothesis import strategies as st

NGINX = [
    "latest",
    "1.27.3",
    "1.27.3-alpine",
    "1.27.2",
    "1.27",
    "1.26.3",
    "v1.25.0",
    "1.28.0-rc.1",
    "1.28.0-rc.1-alpine",
    "1.27.3-alpine3.20",
    "stable-alpine",
    "2024.01.15",
]


def taken(tags: dict[str, Any], listed: list[str] = NGINX) -> list[str]:
    return parse_tags(tags, "images[0]").choose(listed).taken


@pytest.mark.parametrize(
    ("semver", "expected"),
    [
        ("1.27.x", ["1.27", "1.27.2", "1.27.3"]),
        ("~1.27.3", ["1.27.3"]),
        ("1.27.0", ["1.27"]),
        (["1.26.x", "^1.25"], ["v1.25.0", "1.26.3", "1.27", "1.27.2", "1.27.3"]),
        ("1.25.0 || >=1.27.3", ["v1.25.0", "1.27.3"]),
        (">=1.28.0-0", ["1.28.0-rc.1", "1.28.0-rc.1-alpine"]),
        ({"range": "1.27.x"}, ["1.27", "1.27.2", "1.27.3"]),
        ({"range": "1.27.x", "suffix": None}, ["1.27", "1.27.2", "1.27.3"]),
        ({"range": "1.27.x", "suffix": "alpine"}, ["1.27.3-alpine"]),
        ({"range": "1.27.x", "suffix": "-alpine"}, ["1.27.3-alpine"]),
        ({"range": "^1.20", "suffix": "alpine3.20"}, ["1.27.3-alpine3.20"]),
        ({"range": ">=1.28.0-0", "suffix": "alpine"}, ["1.28.0-rc.1-alpine"]),
        (
            {"range": "1.x", "suffix": "any"},
            ["v1.25.0", "1.26.3", "1.27", "1.27.2", "1.27.3-alpine", "1.27.3-alpine3.20", "1.27.3"],
        ),
        ([{"range": "1.27.x", "suffix": "alpine"}, "1.26"], ["1.26.3", "1.27.3-alpine"]),
        ("*", ["v1.25.0", "1.26.3", "1.27", "1.27.2", "1.27.3"]),
        ("3.x", []),
    ],
)
def test_semver(semver: object, expected: list[str]) -> None:
    assert taken({"semver": semver}) == expected


@pytest.mark.parametrize(
    ("per", "expected"),
    [
        (None, ["1.28.0-rc.1-alpine", "2024.01.15"]),
        (
            "minor",
            ["v1.25.0", "1.26.3", "1.27.3-alpine3.20", "1.27.3", "1.28.0-rc.1", "1.28.0-rc.1-alpine", "2024.01.15"],
        ),
        ("major", ["1.28.0-rc.1", "1.28.0-rc.1-alpine", "2024.01.15"]),
    ],
)
def test_newest_of_each_series(per: str | None, expected: list[str]) -> None:
    assert taken({"newest": 2, "per": per}) == [*expected, "latest", "stable-alpine"]


def test_a_minor_version_that_is_zero_is_a_series() -> None:
    assert taken({"newest": 1, "per": "minor"}, ["1.0.0", "1.0.1", "1", "1.1.0"]) == ["1.0.1", "1.1.0"]


def test_the_filters_work_one_after_another() -> None:
    tags = {
        "include": r"v?1\..*",
        "exclude": r".*\.3",
        "semver": [">=1.25", {"range": "*", "suffix": "alpine"}],
        "newest": 2,
    }
    assert taken(tags) == ["1.27.2", "1.27.3-alpine"]
    assert taken({**tags, "newest": 3}) == ["1.27", "1.27.2", "1.27.3-alpine"]


def test_every_tag_that_is_left_has_the_first_reason_against_it() -> None:
    tags = parse_tags({"include": "[v0-9].*", "exclude": ".*rc.*", "semver": "1.x", "newest": 1, "per": "minor"}, "t")
    choice = tags.choose([*NGINX, "1.27.3"], pattern=TagPattern.parse("[.1]"))
    assert choice.taken == ["v1.25.0", "1.26.3", "1.27.3"]
    assert choice.left == {
        "latest": "the source's regular expression is not found in it",
        "stable-alpine": "the source's regular expression is not found in it",
        "1.28.0-rc.1": "exclude .*rc.* matches it",
        "1.28.0-rc.1-alpine": "exclude .*rc.* matches it",
        "1.27.3-alpine": "it is in no range of semver",
        "1.27.3-alpine3.20": "it is in no range of semver",
        "2024.01.15": "it is no version that semver means",
        "1.27.2": "it is not one of the newest 1 of 1.27",
        "1.27": "it is not one of the newest 1 of 1.27",
    }
    assert parse_tags({"include": "1.*"}, "t").choose(["edge"]).left == {"edge": "no include matches it"}
    assert parse_tags({"newest": 1}, "t").choose(["1", "2"]).left == {"1": "it is not one of the newest 1"}


NOON = datetime(2026, 1, 1, 12)


def test_newest_by_creation_counts_what_has_a_time() -> None:
    times = {"c": NOON, "b": NOON + timedelta(hours=1), "a": NOON + timedelta(hours=2), "chart": None, "9.9": NOON}
    tags = parse_tags({"newest": 2, "by": "created"}, "t")
    assert tags.needs_created
    assert set(tags.choose(times, created=times).taken) == {"a", "b", "chart"}
    assert set(tags.choose(times).taken) == set(times), "until the times are known, all may be taken"
    assert set(tags.choose([*times, "gone"], created=times).taken) == {"a", "b", "chart", "gone"}


def test_of_images_built_at_one_time_the_higher_version_is_newer() -> None:
    times = dict.fromkeys(["1.9", "1.10", "1.8"], NOON)
    assert parse_tags({"newest": 1, "by": "created"}, "t").choose(times, created=times).taken == ["1.10"]


def test_newest_by_creation_of_each_series() -> None:
    times = {"1.1.0": NOON, "1.1.1": NOON - timedelta(days=1), "1.2.0": NOON - timedelta(days=9), "edge": NOON}
    tags = parse_tags({"newest": 1, "by": "created", "per": "minor"}, "t")
    assert tags.choose(times, created=times).taken == ["1.1.0", "1.2.0", "edge"]


def test_immutable_tags_are_chosen_like_others() -> None:
    tags = parse_tags({"immutable": r"v?\d+\.\d+\.\d+"}, "t")
    assert not tags.selects
    assert len(tags.choose(NGINX).taken) == len(NGINX)
    assert [tag for tag in NGINX if tags.is_immutable(tag)] == ["1.27.3", "1.27.2", "1.26.3", "v1.25.0", "2024.01.15"]


WHOLE = {
    "include": ["1.*"],
    "exclude": ["a", "b"],
    "semver": ["1.x", {"range": "^2", "suffix": "any"}],
    "newest": 3,
    "by": "created",
    "per": "major",
    "immutable": ["v.*"],
}


@pytest.mark.parametrize("keys", [list(WHOLE), ["include"], ["newest", "per"], ["semver"], []])
def test_a_filter_is_written_as_it_was_read(keys: list[str]) -> None:
    option = {key: WHOLE[key] for key in keys}
    assert parse_tags(option, "t").as_option() == option


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"semver": 1.27}, ["tags.semver 1.27", "in quotes"]),
        ({"semver": "latest"}, ['tags.semver "latest"', "images[0]", "1.27.x"]),
        ({"semver": ""}, ["it is empty", '"*"']),
        ({"semver": {"suffix": "alpine"}}, ["tags.semver", "not a string"]),
        ({"semver": {"range": "1.x", "sufix": "alpine"}}, ["did you mean suffix?"]),
        ({"semver": {"range": "1.x", "suffix": "a b"}}, ["tags.semver.suffix", "no tag ends so"]),
        ({"semver": {"range": "1.x", "suffix": True}}, ["tags.semver.suffix true"]),
        ({"newest": 1, "by": "date"}, ['tags.by "date"', "there are version, created"]),
        ({"newest": 1, "per": "minors"}, ["did you mean minor?"]),
        ({"newest": 1, "per": True}, ["tags.per true"]),
        ({"per": "minor"}, ['tags.per "minor"', "newest: a number"]),
        ({"by": "created"}, ['tags.by "created"', "newest: a number"]),
        ({"newest": {"count": 3}}, ["tags.newest a mapping", "whole number"]),
        ({"immutable": "("}, ["tags.immutable", "not closed"]),
        ({"semvers": "1.x"}, ["did you mean semver?"]),
    ],
)
def test_what_cannot_be_meant_is_refused(tags: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_tags(tags, "images[0]")
    assert [word for word in words if word not in str(caught.value)] == []


_TAGS = st.lists(
    st.from_regex(r"v?[0-9]{1,2}(\.[0-9]{1,2}){0,2}(-rc[0-9]|-alpine)?|[a-z]{1,5}", fullmatch=True), max_size=12
)
_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "include": st.sampled_from(["[v0-9].*", ".*[02468]", "x"]),
        "exclude": st.sampled_from([".*rc.*", "1.*"]),
        "semver": st.sampled_from(["1.x", ">=3", {"range": "*", "suffix": "any"}, {"range": "<9", "suffix": "alpine"}]),
        "newest": st.integers(1, 4),
    },
)


@given(_TAGS, _OPTIONS, st.sampled_from(["minor", "major", None]))
def test_every_tag_is_taken_or_has_a_reason(listed: list[str], option: dict[str, Any], per: str | None) -> None:
    tags = parse_tags({**option, "per": per} if "newest" in option else option, "t")
    choice = tags.choose(listed)
    assert set(choice.taken) | set(choice.left) == set(listed)
    assert not set(choice.taken) & set(choice.left)
    assert len(choice.taken) == len(set(choice.taken))
    assert all(choice.left.values())
    assert tags.choose(choice.taken).taken == choice.taken
    assert tags.choose(reversed(listed)).left.keys() == choice.left.keys()
