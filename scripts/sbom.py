# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what an archive of the collection has in it and needs, in CycloneDX 1.6: scripts/sbom.py ARCHIVE > FILE

The same archive gives the same bytes: there is no date and no random number in it.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

# Not in meta/ee-requirements.txt, since one option alone needs it.
OPTIONAL = "cryptography"


def read(archive: tarfile.TarFile, name: str) -> bytes:
    """Return the bytes of a file in the archive."""
    file = archive.extractfile(name)
    assert file is not None, name
    return file.read()


def library(line: str, scope: str) -> dict[str, Any]:
    """Return the component for a line of requirements, such as ``requests >= 2.25.1``."""
    name, _space, versions = line.strip().partition(" ")
    said = {"properties": [{"name": "imageops.registry:versions", "value": versions}]} if versions else {}
    reference = f"pkg:pypi/{name.lower()}"
    return {"type": "library", "bom-ref": reference, "name": name, "purl": reference, "scope": scope, **said}


def bill(path: Path) -> dict[str, Any]:
    """Return the bill of materials of the archive at this path."""
    with tarfile.open(path) as archive:
        about = json.loads(read(archive, "MANIFEST.json"))["collection_info"]
        files = json.loads(read(archive, "FILES.json"))["files"]
        lines = read(archive, "meta/ee-requirements.txt").decode().splitlines()
    needed = [library(line, "required") for line in lines if line.strip() and not line.startswith("#")]
    libraries = [*needed, library(OPTIONAL, "optional")]
    itself = f"pkg:generic/{about['namespace']}.{about['name']}@{about['version']}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": itself,
                "group": about["namespace"],
                "name": about["name"],
                "version": about["version"],
                "description": about["description"],
                "purl": itself,
                "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
                "licenses": [{"license": {"id": name}} for name in about["license"]],
                "externalReferences": [
                    {"type": "vcs", "url": about["repository"]},
                    {"type": "issue-tracker", "url": about["issues"]},
                    {"type": "documentation", "url": about["documentation"]},
                ],
            }
        },
        "components": [
            *libraries,
            *(
                {
                    "type": "file",
                    "bom-ref": f"file:{file['name']}",
                    "name": file["name"],
                    "hashes": [{"alg": "SHA-256", "content": file["chksum_sha256"]}],
                }
                for file in sorted(files, key=lambda file: str(file["name"]))
                if file["ftype"] == "file"
            ),
        ],
        "dependencies": [{"ref": itself, "dependsOn": [each["bom-ref"] for each in libraries]}],
    }


if __name__ == "__main__":
    json.dump(bill(Path(sys.argv[1])), sys.stdout, indent=1)
    sys.stdout.write("\n")
