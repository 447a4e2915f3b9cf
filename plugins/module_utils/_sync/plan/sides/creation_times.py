# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When images were built, as their configurations say (OCI image specification, "Image Configuration", ``created``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone

from ...._oci.client.run import Run
from ...._oci.errors import ContentError, ImageOpsError, RegistryError
from ...._oci.image.manifest import Manifest
from ...._oci.image.reference import Reference
from ...._oci.image.strict_json import JsonFault, loads
from ...._oci.store.blob_source import read_config
from ...._oci.store.store import Repository
from ...work.manifest_cache import ManifestCache
from ...work.stores import Stores
from ...work.workers import ask_all

_ANNOTATION = "org.opencontainers.image.created"

_MAX_DEPTH = 4
_RFC3339 = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?P<fraction>\.[0-9]+)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2}):(?P<minutes>[0-9]{2}))"
)
_NEVER = 1
"""The year of the time that Go programs write where they know none."""


class CreationTimes:
    """Reads when images were built; each is read once, what failed is read again.

    A tag costs its manifest and its configuration; that of a multi-architecture image the manifest of its first
    platform, too.
    """

    def __init__(self, stores: Stores, manifests: ManifestCache, run: Run) -> None:
        self._stores = stores
        self._manifests = manifests
        self._run = run
        self._known: dict[Reference, datetime | None] = {}

    def read(self, images: Iterable[Reference]) -> Mapping[Reference, datetime | ImageOpsError | None]:
        """Return when each image was built: None where nothing says so, an error where that could not be read."""
        asked = list(images)
        found = ask_all(
            ((self._stores.queue(ref.registry), ref) for ref in asked if ref not in self._known),
            self._read,
            action="plan",
            log=self._run.log,
        )
        self._known.update((ref, time) for ref, time in found.items() if not isinstance(time, ImageOpsError))
        return {ref: found.get(ref, self._known.get(ref)) for ref in asked}

    def _read(self, ref: Reference) -> datetime | None:
        repository = self._stores.repository(ref)
        try:
            return self._of(repository, repository.manifest(ref.tag or str(ref.digest)), 0)
        except RegistryError as error:
            if error.status == 404:
                return None  # deleted since it was listed: copying it says so
            raise
        except ContentError as error:
            if error.code == "unsupported_manifest":
                return None
            raise

    def _of(self, repository: Repository, manifest: Manifest, depth: int) -> datetime | None:
        if manifest.is_index:
            said = self._of_index(repository, manifest, depth)
        else:
            said = _created(read_config(manifest, repository, self._run))
        return said or parse_time(dict(manifest.annotations).get(_ANNOTATION))

    def _of_index(self, repository: Repository, index: Manifest, depth: int) -> datetime | None:
        """Return when the first platform that the registry has was built."""
        for child in index.children if depth < _MAX_DEPTH else ():
            if child.platform is not None and child.platform.is_unknown:
                continue
            try:
                return self._of(repository, self._manifests.get(repository, child.digest), depth + 1)
            except RegistryError as error:
                if error.status != 404:
                    raise
        return None


def _created(raw: bytes | None) -> datetime | None:
    try:
        config = None if raw is None else loads(raw)
    except JsonFault:
        return None
    return parse_time(config.get("created")) if isinstance(config, dict) else None


def parse_time(text: object) -> datetime | None:
    """Return a time as RFC 3339 writes it, in UTC and to the microsecond; None for anything else."""
    found = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    offset = timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0))
    try:
        time = datetime.fromisoformat(f"{found['date']}T{found['time']}").replace(tzinfo=timezone.utc)
        time += timedelta(seconds=float(found["fraction"] or 0))
        time += offset if found["sign"] == "-" else -offset
    except (ValueError, OverflowError):
        return None
    return None if time.year == _NEVER else time
