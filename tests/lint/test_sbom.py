# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of materials is CycloneDX, and says what is in the archive."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("archive")
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    command = [galaxy, "collection", "build", f"--output-path={directory}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = directory.glob("*.tar.gz")
    return built


def written(archive: Path) -> str:
    command = [sys.executable, str(ROOT / "scripts" / "sbom.py"), str(archive)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_it_is_cyclonedx(archive: Path) -> None:
    pytest.importorskip("cyclonedx", reason="cyclonedx-python-lib is not installed")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion.V1_6)
    text = written(archive)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"CycloneDX"', '"another"')) is not None


def test_it_names_every_file_with_its_digest_and_what_is_needed(archive: Path) -> None:
    bill = json.loads(written(archive))
    files = {each["name"]: each["hashes"][0]["content"] for each in bill["components"] if each["type"] == "file"}
    with tarfile.open(archive) as packed:
        members = [each for each in packed if each.isfile() and each.name not in ("MANIFEST.json", "FILES.json")]
        there = {each.name: hashlib.sha256(packed.extractfile(each).read()).hexdigest() for each in members}
    assert files == there
    libraries = [each for each in bill["components"] if each["type"] == "library"]
    assert [(each["name"], each["scope"]) for each in libraries] == [
        ("requests", "required"),
        ("pyyaml", "required"),
        ("cryptography", "optional"),
    ]
    assert bill["metadata"]["component"]["hashes"][0]["content"] == hashlib.sha256(archive.read_bytes()).hexdigest()


def test_the_same_archive_gives_the_same_bytes(archive: Path) -> None:
    assert written(archive) == written(archive)
