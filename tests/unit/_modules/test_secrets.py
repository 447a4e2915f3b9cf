# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are masked in text, the longest first."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Secrets
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import quoted
from hypothesis import given
from hypothesis import strategies as st


def secrets(*values: str) -> Secrets:
    found = Secrets()
    for value in values:
        found.add(value)
    return found


def test_masks_the_longest_first() -> None:
    assert secrets("pass", "password").mask("my password, my pass") == "my ********, my ********"


def test_very_short_ones_and_none_are_left() -> None:
    assert secrets("", "a", "ab").mask("a cab") == "a cab"
    assert secrets("", "a", "ab").maskable() == []


def test_finds_secrets_inside_names() -> None:
    assert secrets("library").occur_in(["quay.io/library/nginx"])
    assert not secrets("library", "ng").occur_in(["quay.io/lib", "rary/nginx"])


@pytest.mark.parametrize("value", ["plain", 'a"b', "a\\b", "a\"'\\ b/π", "a\nb"])
def test_a_secret_in_quotes_is_found(value: str) -> None:
    assert secrets(value).mask(quoted(f"<{value}>")) == '"<********>"'


@given(st.lists(st.text(alphabet="xyz", min_size=3, max_size=8), min_size=1), st.text(alphabet="xyz* "))
def test_no_secret_is_left(values: list[str], text: str) -> None:
    masked = secrets(*values).mask(text)
    assert not any(value in masked for value in values)
