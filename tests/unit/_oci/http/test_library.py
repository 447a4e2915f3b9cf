# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A missing or old requests is named, with the interpreter that lacks it."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.library import check_library


@pytest.mark.parametrize("version", ["1.26.5", "1.27", "2.0.0a1", "2.8.0"])
def test_what_works(version: str) -> None:
    check_library(version)


@pytest.mark.parametrize("version", ["1.26.4", "1.9", "unknown"])
def test_what_is_too_old(version: str) -> None:
    with pytest.raises(InputError, match="oldest that works"):
        check_library(version)


def test_what_is_missing() -> None:
    with pytest.raises(InputError, match="requests is not installed") as caught:
        check_library(None)
    assert sys.executable in str(caught.value)
