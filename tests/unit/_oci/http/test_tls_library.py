# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A missing requests is named, with the interpreter that lacks it."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.tls import check_library


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    check_library()
    monkeypatch.setitem(sys.modules, "requests", None)  # as if it were not there
    with pytest.raises(InputError, match="requests is not installed") as caught:
        check_library()
    assert sys.executable in str(caught.value)
