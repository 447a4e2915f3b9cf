# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks skopeo, which shares no code with the collection, what both registries have, and compares.

Every tag of every repository is listed and its manifest hashed at both sides. The two sides must be equal, but for the
tags named by ``--ahead``: those were moved at the source since, and the destination must have them as the run named by
``--like`` left them. The run's own report must name the same tags and digests. Where a registry has no referrers API, a
tag lists the artifacts about an image; it must name exactly those that are there. What was found is kept for the next
call and for the table, in NAME.found.json. Ends with 1 and a line for each deviation.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEMO = Path(__file__).resolve().parent
REPOSITORIES = {"base/busybox": "mirror/busybox", "apps/hello": "mirror/hello"}
LIST_TAG = re.compile(r".+:sha256-([0-9a-f]{64})")  # distribution-spec 1.1, "Referrers Tag Schema"

Json = dict[str, Any]
# by "repository:tag", with the destination's name of the repository at both sides
Found = dict[str, Json]


@dataclass(frozen=True)
class Registry:
    """One registry as skopeo sees it."""

    scratch: Path
    host: str
    options: tuple[str, ...]

    def skopeo(self, command: str, image: str, *arguments: str) -> bytes:
        argv = [str(DEMO / "skopeo"), str(self.scratch), command, *self.options, *arguments]
        return subprocess.run([*argv, f"docker://{self.host}/{image}"], check=True, stdout=subprocess.PIPE).stdout

    def find(self, repository: str, name: str) -> Found:
        tags = json.loads(self.skopeo("list-tags", repository))["Tags"]
        return {f"{name}:{tag}": seen(self.skopeo("inspect", f"{repository}:{tag}", "--raw")) for tag in tags}


def seen(raw: bytes) -> Json:
    """Give a manifest's digest, what it names, what it is about, and, for people, what it is."""
    manifest = json.loads(raw)
    children = manifest.get("manifests", [])
    platforms = [child["platform"]["architecture"] for child in children if "platform" in child]
    artifact_type = manifest.get("artifactType", "").rpartition("/")[2]
    return {
        "digest": f"sha256:{hashlib.sha256(raw).hexdigest()}",
        "names": [child["digest"] for child in children],
        "about": manifest.get("subject", {}).get("digest"),
        "kind": ", ".join(platforms) or (f"artifact, {artifact_type}" if artifact_type else "list"),
    }


def find_both(scratch: Path) -> tuple[Found, Found]:
    """Give what the source and what the destination has."""
    given: Json = json.loads((scratch / "vars.json").read_text())
    source = Registry(scratch, given["source"], ("--tls-verify=false",))
    destination = Registry(scratch, given["destination"], ("--cert-dir", str(scratch / "ca")))
    wanted: Found = {}
    found: Found = {}
    for here, there in REPOSITORIES.items():
        wanted.update(source.find(here, there))
        found.update(destination.find(there, there))
    return wanted, found


def take_lists(found: Found) -> list[str]:
    """Take the lists of artifacts out of what was found, and give a line for each that does not name what is there."""
    deviations = []
    for tag in [tag for tag in found if LIST_TAG.fullmatch(tag)]:
        repository, subject = tag.replace(":sha256-", " sha256:").split()
        there = [
            image["digest"]
            for name, image in found.items()
            if name.startswith(f"{repository}:") and image["about"] == subject
        ]
        listed = found.pop(tag)["names"]
        if sorted(listed) != sorted(there):
            deviations.append(f"{tag}: it lists {', '.join(listed)}, it should list {', '.join(there)}")
    return deviations


def compare(wanted: Found, found: Found, before: Found, ahead: set[str]) -> list[str]:
    """Give a line for each tag that is not as it must be."""
    deviations = []
    for tag in sorted({*wanted, *found, *ahead}):
        there = found.get(tag)
        expected = before.get(tag) if tag in ahead else wanted.get(tag)
        if there != expected:
            deviations.append(f"{tag}: the destination has {shown(there)}, it should have {shown(expected)}")
        if tag in ahead and wanted.get(tag) == there:
            deviations.append(f"{tag}: the source was to be ahead, but both sides have {shown(there)}")
    return deviations


def shown(image: Json | None) -> str:
    return str(image["digest"]) if image else "no such tag"


def compare_report(report: Json, wanted: Found) -> list[str]:
    """Give a line for each tag about which the collection and skopeo do not agree."""
    said = {image["destination"].partition("/")[2]: image["digest"] for image in report["images"]}
    return [
        f"{tag}: the report says {said.get(tag)}, skopeo says {wanted.get(tag)}"
        for tag in sorted({*said, *wanted})
        if tag not in wanted or said.get(tag) != wanted[tag]["digest"]
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scratch", type=Path, help="the demo's scratch directory")
    parser.add_argument("name", help="the run that has just ended; its report is NAME.report.json")
    parser.add_argument("--like", help="the run that the destination should still be like, for the tags in --ahead")
    parser.add_argument("--ahead", nargs="*", default=[], help="destination tags whose source was moved since")
    options = parser.parse_args()
    scratch: Path = options.scratch

    wanted, found = find_both(scratch)
    deviations = take_lists(found)
    before: Found = json.loads((scratch / f"{options.like}.found.json").read_text()) if options.like else {}
    report: Json = json.loads((scratch / f"{options.name}.report.json").read_text())
    (scratch / f"{options.name}.found.json").write_text(json.dumps(found))

    deviations += compare(wanted, found, before, set(options.ahead)) + compare_report(report, wanted)
    for deviation in deviations:
        print(f"deviation: {deviation}", file=sys.stderr)
    if deviations:
        return 1
    same = len(found) - len(set(options.ahead) & set(found))
    print(f"skopeo: {same} tags have the same digest at both sides", end="")
    print(f", {', '.join(options.ahead)} as before" if options.ahead else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
