# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a report: each replaced in one step, private when new, a page where the name says so."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.results import report_files
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.files.image_syncer import load_images
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import (
    parse_entries,
    parse_rules,
)

EMPTY: dict[str, Any] = {
    "images": [],
    "registries": {},
    "notes": [],
    "interrupted": False,
    "overdue": False,
    "check_mode": False,
    "summary": {"failed": 0, "bytes": 0, "seconds": 0.1},
}


def test_each_file_gets_the_form_that_its_name_says(tmp_path: Path) -> None:
    paths = report_files.prepare([str(tmp_path / "new" / name) for name in ("a,b.json", "page.html", "plain")])
    report_files.write(paths, EMPTY, language="zh")
    assert json.loads((tmp_path / "new" / "a,b.json").read_text(encoding="utf-8")) == EMPTY
    assert json.loads((tmp_path / "new" / "plain").read_text(encoding="utf-8")) == EMPTY
    assert '<html lang="zh">' in (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert len(os.listdir(tmp_path / "new")) == 3


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["backup: b.test/y:1.old", "older backups, removed: b.test/y:1.older", "not in the lock"]),
        ("zh", ["备份: b.test/y:1.old", "已删除的旧备份: b.test/y:1.older", "不在锁文件中"]),
    ],
)
def test_the_page_tells_of_backups_and_of_tags_that_a_lock_does_not_have(
    tmp_path: Path, language: str, words: list[str]
) -> None:
    kept = {"backup": "b.test/y:1.old", "removed_backups": ["b.test/y:1.older"]}
    image = {"source": "a.test/x:1", "destination": "b.test/y:1", "action": "update", "status": "done", "bytes": 1}
    image = {**image, "previous_digest": None, "digest": None, "seconds": 0.1, **kept}
    paths = report_files.prepare([str(tmp_path / "page.html")])
    summary = {**EMPTY["summary"], "not_locked": 3}
    report_files.write(paths, {**EMPTY, "images": [image], "summary": summary}, language=language)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert [word for word in words if word not in text] == []
    report_files.write(paths, EMPTY, language=language)
    assert f"<span>{words[2]}</span>" not in (tmp_path / "page.html").read_text(encoding="utf-8")


ITEMS: list[dict[str, Any]] = [
    {"source": "a.test/x:1,2", "destination": "b.test/y:1,2", "overwrite": "fail", "referrers": False},
    {
        "source": "a.test/x",
        "destination": "b.test/y",
        "tags": {"semver": ["1.x"], "newest": 3, "by": "created", "immutable": ["é.*"]},
        "platforms": ["linux/amd64"],
        "referrers": {"types": ["application/.*"], "unchanged": False},
        "unsupported_artifacts": "strip",
    },
]


@pytest.mark.parametrize("name", ["again.json", "again.yml", "again"])
@pytest.mark.parametrize("items", [ITEMS, []], ids=["some", "none"])
def test_images_to_try_again_are_read_as_what_they_were(tmp_path: Path, name: str, items: list[dict[str, Any]]) -> None:
    (path,) = report_files.prepare(str(tmp_path / name), "rerun_path")
    report_files.write_rules(path, items)
    none: dict[str, Any] = {"default_registry": None, "default_namespace": None}
    read = parse_entries(load_images(path, env={}), **none)
    assert [replace(rule, origin="") for rule in read] == [
        replace(rule, origin="") for rule in parse_rules(items, **none)
    ]
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_only_its_owner_reads_a_new_report(tmp_path: Path) -> None:
    report_files.write(report_files.prepare(str(tmp_path / "report.json")), EMPTY, language="en")
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o600


def test_a_report_replaces_the_old_one_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    before = path.stat().st_ino
    report_files.write(report_files.prepare(str(path)), EMPTY, language="en")
    assert json.loads(path.read_text(encoding="utf-8")) == EMPTY
    assert path.stat().st_ino != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.mkdir()
    with pytest.raises(InputError, match="it is a directory"):
        report_files.prepare(str(path))
    with pytest.raises(OSError):
        report_files.write([str(path)], EMPTY, language="en")
    assert os.listdir(tmp_path) == ["report.json"]
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="change rerun_path"):
        report_files.prepare(str(tmp_path / "file" / "again.json"), "rerun_path")
    with pytest.raises(InputError, match="report_path"):
        report_files.prepare(str(tmp_path / "file" / "report.json"))


@pytest.mark.parametrize("value", [5, [""], {"a": 1}, [None]])
def test_what_is_no_path_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="write a path"):
        report_files.prepare(value)


def test_no_report_is_wanted_by_default() -> None:
    assert report_files.prepare(None) == report_files.prepare("") == []
