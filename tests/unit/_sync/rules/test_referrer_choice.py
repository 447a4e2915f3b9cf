# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option referrers, as it is written."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.referrer_choice import (
    ALL,
    NONE,
    ReferrerChoice,
    parse_referrers,
)

SPDX = "application/spdx+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def parsed(value: object) -> ReferrerChoice:
    found = parse_referrers(value, "images[0]")
    assert found is not None
    return found


def test_a_rule_that_says_nothing_leaves_it_to_the_task() -> None:
    assert parse_referrers(None, "images[0]") is None


@pytest.mark.parametrize(("value", "expected"), [(True, ALL), ("yes", ALL), (False, NONE), ("false", NONE), ({}, ALL)])
def test_all_or_none(value: object, expected: ReferrerChoice) -> None:
    assert parsed(value) == expected


@pytest.mark.parametrize(
    ("value", "bundle", "spdx"),
    [
        ({"unchanged": False}, True, True),
        ({"types": [r"application/vnd\.dev\..*"]}, True, False),
        ({"types": ["application/vnd"]}, False, False),
        ({"exclude": [r"application/spdx\+json"]}, True, False),
        ({"types": [".*"], "exclude": [".*bundle.*"], "unchanged": False}, False, True),
    ],
)
def test_types_match_as_a_whole_and_what_is_excluded_never_comes(value: object, bundle: bool, spdx: bool) -> None:
    choice = parsed(value)
    assert (choice.takes(BUNDLE), choice.takes(SPDX)) == (bundle, spdx)
    assert choice.unchanged is (not (isinstance(value, dict) and "unchanged" in value))
    assert parsed(choice.as_option()) == choice


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "neither true nor false"),
        ({"type": ["x"]}, 'key "type"'),
        ({"unchanged": "perhaps"}, "neither true nor false"),
        ({"types": ["("]}, "referrers.types"),
        ({"exclude": ["("]}, "referrers.exclude"),
        ({"exclude": [5]}, "referrers.exclude"),
    ],
)
def test_what_cannot_be_meant_is_refused(value: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_referrers(value, "images[0]")
    assert said in str(caught.value)
