# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How backups are called, and that no rule has to do with such a name."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.backup_names import (
    BackupTemplate,
    date_of,
    parse_backup,
)
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import Rule, parse_rules

DIGEST = Digest.of(b"an image")
DATE = "20260117T120000Z"
DATED = "{tag}-backup-{date}"


def template(text: str, keep: int | None = None) -> BackupTemplate:
    found = parse_backup(text, keep)
    assert found is not None
    return found


def rules(backup: BackupTemplate, *items: Any) -> list[Rule]:
    return parse_rules(list(items), default_registry=None, default_namespace=None, backup=backup)


def test_a_date_is_in_utc_and_to_the_second() -> None:
    assert date_of(1_768_651_200.9) == DATE


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (DATED, f"1.27-backup-{DATE}"),
        ("{date}.{tag}", f"{DATE}.1.27"),
        ("old-{digest}", f"old-{DIGEST.encoded}"),
        ("{tag}_{digest}_{date}", f"1.27_{DIGEST.encoded}_{DATE}"),
        ("{digest}", DIGEST.encoded),
    ],
)
def test_a_name_is_made_and_known_again(text: str, name: str) -> None:
    made = template(text)
    assert made.name("1.27", DIGEST, DATE) == name
    assert made.matches(name)
    assert not made.matches(f"{name}+")


@pytest.mark.parametrize(
    "tag",
    ["1.27", "1.27-backup-", f"-backup-{DATE}", "1.27-backup-2026", f"1.27-backup-{DATE[:-1]}", f"1.27_backup-{DATE}"],
)
def test_other_tags_are_no_backups(tag: str) -> None:
    assert not template(DATED).matches(tag)


@pytest.mark.parametrize(
    ("text", "keep", "cause"),
    [
        ("{tag}-backup", None, "every backup would have the same name"),
        ("backup", None, "every backup would have the same name"),
        ("{tag}-{time}", None, "{time} is not known"),
        ("{date}-{date}", None, "one of its placeholders twice"),
        ("-{date}", None, "it does not make a tag"),
        ("{tag}/{date}", None, "it does not make a tag"),
        ("x" * 120 + "{date}", None, "it does not make a tag"),
        ("sha256-{digest}", None, "tags of signatures"),
        ("sha256-{digest}.{tag}", None, "tags of signatures"),
        ("{tag}-{digest}", 3, "it lacks {date}"),
        ("backup-{date}", 3, "it lacks {tag}"),
        (DATED, 0, "not even the last backup would stay"),
        (None, 3, "backup is not given"),
    ],
)
def test_what_would_not_tell_backups_apart_is_refused(text: str | None, keep: int | None, cause: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_backup(text, keep)
    assert cause in refused.value.cause
    assert refused.value.hint


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    assert parse_backup(None) is None


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match="of 144 characters"):
        template(DATED).name("x" * 120, DIGEST, DATE)
    with pytest.raises(InputError, match="write a shorter template for backup"):
        template("{digest}-old").name("1", Digest.of(b"", "sha512"), DATE)


def test_the_oldest_backups_of_one_tag_are_too_many() -> None:
    dates = [f"2026011{day}T120000Z" for day in range(5)]
    mine = [f"1.27-backup-{date}" for date in dates]
    others = ["1.27", "latest", f"1.2-backup-{DATE}", f"1.27-alpine-backup-{DATE}"]
    assert template(DATED, 2).old([*reversed(mine), *others], "1.27") == mine[:3]
    assert template(DATED, 5).old([*mine, *others], "1.27") == []
    assert template(DATED).old(mine, "1.27") == []


@pytest.mark.parametrize("tags", [{}, {"include": ".*"}, {"newest": 9}])
def test_no_rule_takes_a_backup(tags: dict[str, Any]) -> None:
    (rule,) = rules(template(DATED), {"source": "a.test/x", "destination": "b.test/y", "tags": tags})
    backup = f"1-backup-{DATE}"
    assert rule.select(["1", backup, "2"]) == ["1", "2"]
    assert rule.choose([backup]).left == {backup: "it is a backup"}
    assert rule.is_backup(backup) and not rule.is_backup("1")


@pytest.mark.parametrize(
    "item",
    [
        {"source": f"a.test/x:1-backup-{DATE}", "destination": "b.test/y:1"},
        {"source": f"a.test/x:1,1-backup-{DATE}", "destination": "b.test/y"},
        {"source": f"a.test/x:1-backup-{DATE}@{DIGEST}", "destination": "b.test/y:1"},
    ],
)
def test_a_rule_that_names_a_backup_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is a name for backups, which no rule takes"):
        rules(template(DATED), item)
