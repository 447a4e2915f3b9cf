# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of versions among tags, and the newest of them."""

from __future__ import annotations

import random

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.tags.versions import (
    in_version_order,
    newest,
    version_of,
)
from hypothesis import given
from hypothesis import strategies as st

ORDERS = {
    "numbers": "1.9 1.10 1.10.1 2 10",
    "v": "v1.9 1.10 V1.11 v2",
    "semver": (
        "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1-rc1"
    ),
    "attached": "3.0a1 3.0b1 3.0b2 3.0rc1 3.0rc10 3.0 3.0.1",
    "pre-releases": "2.0-dev 2.0-alpha1 2.0-beta1 2.0-m1 2.0-preview1 2.0-rc1 2.0-SNAPSHOT 2.0",
    "pre-release of a short version": "1.0.0-rc1 1.0 1.0.0 1.1.0-rc.1 1.1",
    "variants": "1.25.2 1.25.3-rc1-alpine 1.25.3-alpine 1.25.3 1.25.4-alpine3.9 1.25.4-alpine3.18",
    "packaged again": "1.2.3-debian-12 1.2.3-debian-12-r2 1.2.3-debian-12-r10 1.2.3 1.2.3-1 1.2.3-2 1.2.4",
    "revisions": "4.1 4.1-r1 4.1-r2 4.1.1 4.1.1.post1",
    "commits": "1.2.3-a1 1.2.3-rc1 1.2.3-a123456 1.2.3-alpine 1.2.3",
    "git describe": "1.2.3 1.2.3-5-g1a2b3c4 1.2.3-14-g0a2b3c4 1.2.4",
    "calendar": "2023.12.31 2024.01.02 2024.1.10",
    "calendar with dashes": "2023-12-31 2024-01-02 2024-01-10 2024-02-01-rc1 2024-02-01",
    "calendar in one": "20231231 20240102 20240110-1 20240111",
    "calendar with time": "RELEASE.2024-01-16T16-07-38Z RELEASE.2024-01-16T17-07-38Z RELEASE.2024-02-01T00-00-00Z",
    "java": "8u372-jdk 8u382-jdk 11.0.9_11-jdk 11.0.20_8-jdk 21-ea 21",
    "letters": "1.1.1a 1.1.1k 1.1.1w 1.1.2",
    "prefixes": "release-1.2 release-1.10 version-2.0",
}


@pytest.mark.parametrize("name", ORDERS)
def test_order(name: str) -> None:
    ordered = ORDERS[name].split()
    shuffled = ordered[:]
    random.Random(7).shuffle(shuffled)
    assert in_version_order(shuffled) == ordered
    assert in_version_order(reversed(ordered)) == ordered


@pytest.mark.parametrize(
    "tag",
    (
        "latest edge main stable alpine v vnext sha-abc123 1a2b3c4 deadbeef 3rd 7zip 4k x1.2 release-candidate"
        " 123e4567-e89b-12d3-a456-426614174000 sha256-0a.sig"
    ).split()
    + ["", "1.0²", "٣.1", "1 2", "1.0\n", "1" * 129],
)
def test_is_no_version(tag: str) -> None:
    assert version_of(tag) is None


def test_newest_leaves_alone_what_is_no_version() -> None:
    tags = ["latest", "1.9", "edge", "1.10", "1.10-rc1", "1.8", "1.10"]
    assert newest(tags, 1) == ["1.10", "latest", "edge"]
    assert newest(tags, 2) == ["1.10-rc1", "1.10", "latest", "edge"]
    assert newest(tags, 9) == ["1.8", "1.9", "1.10-rc1", "1.10", "latest", "edge"]
    assert newest(["latest"], 1) == ["latest"]
    assert newest([], 1) == []


_TAGS = st.lists(
    st.one_of(
        st.sampled_from(sorted({tag for line in ORDERS.values() for tag in line.split()} | {"latest", "1a2b3c4"})),
        st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,3}(-(rc|beta|alpine|r)?[0-9]{0,2})?", fullmatch=True),
        st.text(max_size=8),
    ),
    max_size=12,
)


@given(_TAGS, st.randoms(use_true_random=False))
def test_the_order_of_versions_does_not_depend_on_the_listing(tags: list[str], rng: random.Random) -> None:
    shuffled = tags[:]
    rng.shuffle(shuffled)
    first, second = in_version_order(tags), in_version_order(shuffled)
    assert sorted(first) == sorted(set(tags))
    versions = [tag for tag in first if version_of(tag)]
    assert versions == [tag for tag in second if version_of(tag)]
    assert first[: len(versions)] == versions


@given(_TAGS, st.integers(1, 5))
def test_newest_counts_versions_only_and_takes_the_last(tags: list[str], count: int) -> None:
    ordered = in_version_order(tags)
    versions = [tag for tag in ordered if version_of(tag)]
    chosen = newest(tags, count)
    assert [tag for tag in chosen if version_of(tag)] == versions[-count:]
    assert [tag for tag in chosen if not version_of(tag)] == ordered[len(versions) :]
    assert newest(chosen, count) == chosen
