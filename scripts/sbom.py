# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what an archive of the collection has in it and needs, in CycloneDX 1.6: scripts/sbom.py ARCHIVE > FILE

The same archive gives the same bytes: there is no date and no random number in it.
"""

import hashlib
import json
import sys
import tarfile
from pathlib import Path


def library(line, scope):
    """Return the component for a line of requirements, such as ``requests >= 2.25.1``."""
    name, _space, versions = line.strip().partition(" ")
    said = {"properties": [{"name": "imageops.registry:versions", "value": versions}]} if versions else {}
    reference = f"pkg:pypi/{name.lower()}"
    return {"type": "library", "bom-ref": reference, "name": name, "purl": reference, "scope": scope, **said}


def hashed(digest):
    """Return what says that a component has this SHA-256."""
    return {"hashes": [{"alg": "SHA-256", "content": digest}]}


path = Path(sys.argv[1])
with tarfile.open(path) as archive:
    names = ("MANIFEST.json", "FILES.json", "meta/ee-requirements.txt")
    manifest, listed, lines = (archive.extractfile(name).read().decode() for name in names)
about = json.loads(manifest)["collection_info"]
libraries = [library(line, "required") for line in lines.splitlines() if line.strip() and line[0] != "#"]
libraries.append(library("cryptography", "optional"))  # for one option alone, so it is not in that file
files = sorted((each["name"], each["chksum_sha256"]) for each in json.loads(listed)["files"] if each["ftype"] == "file")
itself = f"pkg:generic/{about['namespace']}.{about['name']}@{about['version']}"
links = {"vcs": "repository", "issue-tracker": "issues", "documentation": "documentation"}
component = {
    "type": "library",
    "bom-ref": itself,
    "purl": itself,
    "group": about["namespace"],
    **{key: about[key] for key in ("name", "version", "description")},
    **hashed(hashlib.sha256(path.read_bytes()).hexdigest()),
    "licenses": [{"license": {"id": name}} for name in about["license"]],
    "externalReferences": [{"type": kind, "url": about[key]} for kind, key in links.items()],
}
bill = {
    "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "metadata": {"component": component},
    "components": libraries + [{"type": "file", "bom-ref": f"file:{a}", "name": a, **hashed(b)} for a, b in files],
    "dependencies": [{"ref": itself, "dependsOn": [each["bom-ref"] for each in libraries]}],
}
print(json.dumps(bill, indent=1))
