# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a key: private from its first moment, whole or not there, and errors in plain words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.ram.access_key import SecretFile, StoredKey
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError

KEY = StoredKey("LTAI1", "s3cret", "pusher")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key.json"


def write(path: Path, key: StoredKey = KEY) -> None:
    with SecretFile(str(path)).replacing() as write_key:
        write_key(key)


def test_round_trip(path: Path) -> None:
    assert SecretFile(str(path)).read() is None
    write(path)
    assert SecretFile(str(path)).read() == KEY
    assert json.loads(path.read_text()) == {"access_key_id": "LTAI1", "access_key_secret": "s3cret", "user": "pusher"}
    assert list(path.parent.iterdir()) == [path]


def test_it_is_private_whatever_the_umask(path: Path) -> None:
    old = os.umask(0)
    try:
        with SecretFile(str(path)).replacing() as write_key:
            assert [each.stat().st_mode & 0o777 for each in path.parent.iterdir()] == [0o600]
            write_key(KEY)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SecretFile(str(path)).is_private()


def test_an_open_one_is_closed(path: Path) -> None:
    write(path)
    path.chmod(0o644)
    file = SecretFile(str(path))
    assert not file.is_private()
    file.make_private()
    assert file.is_private()


def test_a_link_in_its_place_is_replaced_and_not_followed(path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    path.symlink_to(elsewhere)
    write(path)
    assert elsewhere.read_text() == "mine"
    assert not path.is_symlink()


def test_nothing_is_left_when_nothing_is_written(path: Path) -> None:
    write(path)
    with pytest.raises(RuntimeError), SecretFile(str(path)).replacing():
        raise RuntimeError
    assert list(path.parent.iterdir()) == [path]
    assert SecretFile(str(path)).read() == KEY


@pytest.mark.parametrize("content", ["", "{}", "[]", "7", '{"access_key_id": "a"}', "\x00", "null"])
def test_what_is_no_such_file(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(ImageOpsError) as caught:
        SecretFile(str(path)).read()
    assert caught.value.code == "acr_secret_file"


def test_no_directory(tmp_path: Path) -> None:
    file = SecretFile(str(tmp_path / "none" / "key.json"))
    assert file.read() is None
    with pytest.raises(ImageOpsError, match="no such file or directory") as caught, file.replacing():
        pass
    assert caught.value.code == "acr_secret_file"


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    file = SecretFile(str(tmp_path))
    with pytest.raises(ImageOpsError, match="is a directory"):
        file.read()
    with pytest.raises(ImageOpsError) as caught, file.replacing() as write_key:
        write_key(KEY)
    assert caught.value.code == "acr_secret_file"


def test_deletion(path: Path) -> None:
    write(path)
    SecretFile(str(path)).delete()
    assert not path.exists()
    SecretFile(str(path)).delete()


def test_the_secret_is_in_no_representation() -> None:
    assert "s3cret" not in repr(KEY)
