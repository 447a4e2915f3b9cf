# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of decisions are the same as text, in formats and in JSON, on every version of Python."""

from __future__ import annotations

import json

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import (
    Action,
    OnError,
    Overwrite,
    Refusal,
    ReturnImages,
    Status,
    UnsupportedArtifacts,
)

WORDS = [
    word for kind in (Action, OnError, Overwrite, Refusal, ReturnImages, Status, UnsupportedArtifacts) for word in kind
]


@pytest.mark.parametrize("word", WORDS, ids=repr)
def test_a_word_is_its_value_wherever_it_is_written(word: Action) -> None:
    assert (str(word), f"{word}", f"{word:s}", "{}".format(word), "%s" % word) == (word.value,) * 5  # noqa: UP031, UP032
    assert json.dumps(word) == json.dumps(word.value)
