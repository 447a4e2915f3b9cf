# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths for programs that cannot take every one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from workshop import places


@pytest.fixture
def checkout(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with this name and one file in it."""
    root = tmp_path / request.param
    root.mkdir()
    (root / "file").write_text("content", encoding="utf-8")
    monkeypatch.setattr(places, "ROOT", root)
    places._link.cache_clear()
    yield root
    places._link.cache_clear()


@pytest.mark.parametrize("checkout", ["a directory", "it's"], indirect=True)
def test_a_path_without_blanks_leads_to_the_same_place(checkout: Path) -> None:
    path = places.plain(checkout / "file")
    assert " " not in str(path) and "'" not in str(path)
    assert path.read_text(encoding="utf-8") == "content"


@pytest.mark.parametrize("checkout", ["imageops.registry-0.1.0"], indirect=True)
def test_a_path_that_all_can_take_stays(checkout: Path) -> None:
    assert places.plain(checkout / "file") == checkout / "file"
