# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a contender: its module run directly, once or once a destination."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import Any

from support.clients.endpoint import Endpoint

from .job import Job
from .launch import Command, Step

PROGRAM = Path(__file__).with_name("module_program.py")
ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / ".cache" / "tree"
"""The directory that has this checkout as ansible_collections/imageops/registry."""


def link_tree() -> None:
    """Make the tree."""
    link = TREE / "ansible_collections" / "imageops" / "registry"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT)


def export(revision: str, directory: Path) -> Path:
    """Make a tree of another revision of this repository."""
    target = directory / "ansible_collections" / "imageops" / "registry"
    target.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", revision, "plugins"], stdout=PIPE, check=True)
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive.stdout, check=True)
    return directory


def options(job: Job) -> dict[str, Any]:
    """What the module is told."""
    images = [
        {
            "source": f"{job.source.host}/{repository}",
            "destination": [f"{place.host}/{path}" for place in job.destinations],
        }
        for repository, path in job.pairs()
    ]
    places = {place.host: place for place in (job.source, *job.destinations)}
    return {"images": images, "registries": [_registry(place) for place in places.values()]}


def _registry(place: Endpoint) -> dict[str, Any]:
    item: dict[str, Any] = {"registry": place.host, "plain_http": place.ca_path is None}
    if place.ca_path is not None:
        item["ca_path"] = str(place.ca_path)
    if place.username:
        item.update(username=place.username, password=place.password)
    return item


class Module:
    """One run for all destinations.

    :param tree: the directory that has the collection
    """

    def __init__(self, name: str = "module", tree: Path = TREE) -> None:
        self.name = name
        self._tree = tree

    def command(self, job: Job, directory: Path) -> Command:
        return Command([_step(job, directory / "options.json", self._tree)])


class OneByOne:
    """One run for each destination."""

    name = "one by one"

    def command(self, job: Job, directory: Path) -> Command | None:
        if len(job.destinations) == 1:
            return None
        return Command(
            [
                _step(replace(job, destinations=(place,)), directory / f"options-{number}.json")
                for number, place in enumerate(job.destinations)
            ]
        )


def _step(job: Job, path: Path, tree: Path = TREE) -> Step:
    return step(options(job), path, tree)


def step(told: Mapping[str, Any], path: Path, tree: Path = TREE) -> Step:
    """The module with these options.

    :param path: where they are written
    """
    path.write_text(json.dumps(told), encoding="utf-8")
    return Step([sys.executable, str(PROGRAM), str(tree), "registry_image_sync"], path)
