# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other tools as contenders, each told to do the whole job as its manual advises, with ten jobs where it has jobs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from support.clients.endpoint import Endpoint

from .contender import Contender
from .job import Job
from .launch import Command, Step

JOBS = 10
_MANY = 50
"""Tags above which a tool that starts anew for each tag is left out."""


def installed() -> list[Contender]:
    """The tools that are on PATH."""
    known: list[Contender] = [Skopeo(), Crane(), Regsync(), ImageSyncer(), Oras()]
    return [tool for tool in known if shutil.which(tool.name)]


class Skopeo:
    """``skopeo sync``: one process a destination."""

    name = "skopeo"

    def command(self, job: Job, directory: Path) -> Command | None:
        path = directory / "skopeo.yml"
        path.write_text(json.dumps({job.source.host: self._source(job, directory)}), encoding="utf-8")
        return Command(
            [
                Step([*self._common(place, directory), str(path), f"{place.host}/{job.prefix}"])
                for place in job.destinations
            ]
        )

    def _common(self, place: Endpoint, directory: Path) -> list[str]:
        argv = [self.name, "--insecure-policy", "sync", "--all", "--src", "yaml", "--dest", "docker"]
        if place.username:
            argv += ["--dest-creds", f"{place.username}:{place.password}"]
        if place.ca_path:
            return [*argv, "--dest-cert-dir", str(_certificates(place, directory))]
        return [*argv, "--dest-tls-verify=false"]

    def _source(self, job: Job, directory: Path) -> dict[str, Any]:
        source: dict[str, Any] = {"tls-verify": job.source.ca_path is not None}
        if job.source.username:
            source["credentials"] = {"username": job.source.username, "password": job.source.password}
        if job.source.ca_path:
            source["cert-dir"] = str(_certificates(job.source, directory))
        return {**source, "images": {repository: [] for repository, _path in job.pairs()}}


class Crane:
    """``crane copy --all-tags``: one process a repository and destination."""

    name = "crane"

    def command(self, job: Job, directory: Path) -> Command | None:
        argv = [self.name, "copy", "--all-tags", "--jobs", str(JOBS)]
        if job.source.ca_path is None:
            argv.append("--insecure")
        return Command(
            [Step([*argv, source, destination]) for source, destination in _references(job)],
            _docker_environment(job, directory),
        )


class Regsync:
    """``regsync once``: one process."""

    name = "regsync"

    def command(self, job: Job, directory: Path) -> Command | None:
        settings = {
            "version": 1,
            "creds": [self._credential(place) for place in _places(job)],
            "defaults": {"parallel": JOBS},
            "sync": [
                {"source": source, "target": destination, "type": "repository"}
                for source, destination in _references(job)
            ],
        }
        path = directory / "regsync.yml"
        path.write_text(json.dumps(settings), encoding="utf-8")
        return Command([Step([self.name, "once", "--config", str(path)])])

    def _credential(self, place: Endpoint) -> dict[str, Any]:
        credential: dict[str, Any] = {"registry": place.host, "tls": "enabled" if place.ca_path else "disabled"}
        if place.ca_path:
            credential["regcert"] = place.ca_path.read_text(encoding="utf-8")
        if place.username:
            credential.update(user=place.username, **{"pass": place.password})
        return credential


class ImageSyncer:
    """``image-syncer``: one process."""

    name = "image-syncer"

    def command(self, job: Job, directory: Path) -> Command | None:
        auth = {
            place.host: {"username": place.username, "password": place.password, "insecure": True}
            for place in _places(job)
        }
        images: dict[str, list[str]] = {}
        for source, destination in _references(job):
            images.setdefault(source, []).append(destination)
        argv = [self.name, "--proc", str(JOBS)]
        for name, content in (("auth", auth), ("images", images)):
            path = directory / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            argv += [f"--{name}", str(path)]
        return Command([Step(argv)])


class Oras:
    """``oras cp --recursive``: one process a tag and destination."""

    name = "oras"

    def command(self, job: Job, directory: Path) -> Command | None:
        if sum(map(len, job.stock.values())) > _MANY:
            return None
        argv = [self.name, "cp", "--recursive", "--concurrency", str(JOBS)]
        if job.source.ca_path is None:
            argv += ["--from-plain-http", "--to-plain-http"]
        steps = [
            Step([*argv, f"{job.source.host}/{repository}:{tag.name}", f"{place.host}/{path}:{tag.name}"])
            for repository, path in job.pairs()
            for tag in job.stock[repository]
            for place in job.destinations
        ]
        return Command(steps, _docker_environment(job, directory))


def _references(job: Job) -> Iterator[tuple[str, str]]:
    """Each repository and where it is to go, with their registries."""
    for repository, path in job.pairs():
        for place in job.destinations:
            yield f"{job.source.host}/{repository}", f"{place.host}/{path}"


def _places(job: Job) -> Sequence[Endpoint]:
    return list(dict.fromkeys((job.source, *job.destinations)))


def _docker_environment(job: Job, directory: Path) -> dict[str, str]:
    """Logins and trust for tools that go by docker's configuration and by the system's certificates."""
    logins = {
        place.host: {"username": place.username, "password": place.password} for place in _places(job) if place.username
    }
    (directory / "config.json").write_text(json.dumps({"auths": logins}), encoding="utf-8")
    environment = {"DOCKER_CONFIG": str(directory)}
    if job.source.ca_path:
        environment["SSL_CERT_FILE"] = str(job.source.ca_path)
    return environment


def _certificates(place: Endpoint, directory: Path) -> Path:
    """A directory as skopeo wants it: every .crt in it is trusted."""
    found = directory / "certificates"
    found.mkdir(exist_ok=True)
    if place.ca_path:
        (found / "ca.crt").write_bytes(place.ca_path.read_bytes())
    return found
