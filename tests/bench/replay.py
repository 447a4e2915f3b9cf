# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor: the same writes, from memory, by our transport."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from support.clients.endpoint import Endpoint

from .job import Job, Part, Tag
from .launch import Command, Step
from .ours import TREE

_PROGRAM = Path(__file__).with_name("replay_program.py")


class Replay:
    """Writes everything that a job has to bring, and reads nothing."""

    name = "replay"

    def command(self, job: Job, directory: Path) -> Command | None:
        plan = [self._place(job, place) for place in job.destinations]
        path = directory / "replay.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        return Command([Step([sys.executable, str(_PROGRAM), str(TREE)], path)])

    def _place(self, job: Job, place: Endpoint) -> dict[str, Any]:
        return {
            "host": place.host,
            "ca_path": str(place.ca_path) if place.ca_path else None,
            "username": place.username,
            "password": place.password,
            "repositories": [
                {
                    "path": path,
                    "mount_from": repository if place == job.source else None,
                    **_parts(job.stock[repository]),
                }
                for repository, path in job.pairs()
            ],
        }


def _parts(tags: tuple[Tag, ...]) -> dict[str, Any]:
    blobs = {blob.digest: _plain(blob) for tag in tags for blob in tag.blobs}
    children = {part.digest: {**_plain(part), "tag": None} for tag in tags for part in tag.manifests[:-1]}
    tagged = [{**_plain(tag.manifests[-1]), "tag": tag.name} for tag in tags]
    return {"blobs": list(blobs.values()), "children": list(children.values()), "tags": tagged}


def _plain(part: Part) -> dict[str, Any]:
    return {"digest": part.digest, "media_type": part.media_type, "size": part.size, "path": str(part.path)}
