# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks as files."""

from __future__ import annotations

import json

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest, Reference
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.lock import Lock, parse_lock

ONE, TWO = Digest.of(b"one"), Digest.of(b"two")
NGINX, REDIS = Reference.parse("a.test/library/nginx:1.27"), Reference.parse("a.test:5000/redis:7")
LOCK = Lock({REDIS: TWO, NGINX: ONE})


def entry(name: str) -> str:
    """A lock with one entry."""
    return json.dumps({"version": 1, "images": {name: str(ONE)}})


def test_what_is_written_is_read_again() -> None:
    assert parse_lock(LOCK.render().encode(), "lock") == LOCK


def test_there_is_one_line_a_tag_in_the_order_of_names() -> None:
    lines = LOCK.render().splitlines()
    assert lines[3:5] == [f'    "a.test/library/nginx:1.27": "{ONE}",', f'    "a.test:5000/redis:7": "{TWO}"']
    assert LOCK.render() == Lock({NGINX: ONE, REDIS: TWO}).render()


def test_the_tags_of_a_repository() -> None:
    assert LOCK.tags("a.test/library/nginx") == ["1.27"]
    assert LOCK.tags("a.test/library") == []


def test_other_entries_stay() -> None:
    after = LOCK.having({NGINX: TWO})
    assert after.digests == {NGINX: TWO, REDIS: TWO}
    assert list(after.changes(LOCK)) == [f"-{NGINX} {ONE}", f"+{NGINX} {TWO}"]
    assert list(LOCK.changes(Lock())) == [f"+{NGINX} {ONE}", f"+{REDIS} {TWO}"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "it is not JSON"),
        ("[]", "it is no lock of version 1"),
        ("{}", "it is no lock of version 1"),
        ('{"version": 2, "images": {}}', "it is no lock of version 1"),
        ('{"version": true, "images": {}}', "it is no lock of version 1"),
        ('{"version": 1}', "exactly the keys"),
        ('{"version": 1, "images": {}, "more": 1}', "exactly the keys"),
        ('{"version": 1, "images": []}', "exactly the keys"),
        (entry("a.test/x"), "does not name a tag"),
        (entry(f"a.test/x:1@{ONE}"), "does not name a tag"),
        ('{"version": 1, "images": {"a.test/x:1": "1"}}', "the digest"),
        ('{"version": 1, "images": {"a.test/x:1": 1}}', "the digest"),
        (entry("a.test/X y:1"), "the image"),
    ],
)
def test_what_is_no_lock_is_refused(text: str, cause: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_lock(text.encode(), "/etc/mirror.lock")
    assert refused.value.subject == "/etc/mirror.lock"
    assert cause in refused.value.cause
    assert "lock: update" in refused.value.hint


def test_a_tag_that_is_there_twice_is_refused() -> None:
    line = f'"{NGINX}": "{ONE}"'
    for text in (
        f'{{"version": 1, "images": {{{line}}}, "images": {{{line}}}}}',
        f'{{"version": 1, "images": {{{line}, {line}}}}}',
    ):
        with pytest.raises(InputError):
            parse_lock(text.encode(), "lock")
