# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the engine on stores in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run, Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.places import place_of
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.inventory import Bases
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.opening import open_layout
from ansible_collections.imageops.registry.plugins.module_utils._oci.store.store import Store
from ansible_collections.imageops.registry.plugins.module_utils._sync.engine import Engine
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult, RunResult
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.progress.counters import Progress
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.backup_names import BackupTemplate
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.prune_checks import check_prune
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import check_rules, parse_rules
from ansible_collections.imageops.registry.plugins.module_utils._sync.run_options import Options

from .memory_store import MemoryStore, Request

QUICK = RetryPolicy(backoff=0.0, backoff_cap=0.0)
Around = Callable[[Request], AbstractContextManager[object]]


class MemoryRun:
    """Runs of the engine on these stores, and on places on disk.

    :ivar log: what the engine logged
    :ivar stop: ends a run when it is set
    :ivar bases: earlier bundles, whose blobs layouts need not have
    :ivar managed: what stands for the APIs of instances of ACR, by host
    :ivar progress: of the last run
    """

    def __init__(self, *stores: MemoryStore) -> None:
        self._stores = {store.host: store for store in stores}
        self.log: list[str] = []
        self.stop = threading.Event()
        self.managed: dict[str, Any] = {}
        self.bases = Bases()
        self.progress = Progress()

    def sync(
        self,
        *items: Mapping[str, Any],
        attempts: int = QUICK.attempts,
        backup: BackupTemplate | None = None,
        **options: Any,
    ) -> RunResult:
        """Run to the end. No fault that was not expected is in what the engine logged."""
        self.progress = Progress()
        settings = Settings(retry=replace(QUICK, attempts=attempts))
        rules = check_rules(parse_rules(list(items), default_registry=None, default_namespace=None, backup=backup))
        chosen = Options(**options)
        check_prune(rules, chosen.overwrite, in_shards=chosen.shard is not None)
        run = Run(settings=settings, stop=self.stop, log=self.log.append)
        engine = Engine(
            rules if chosen.plan is None else chosen.plan.rules(rules),
            connect=lambda host: self._open(host, run),
            options=chosen,
            run=run,
            progress=self.progress,
            managed=self.managed,
        )
        result = engine.run()
        assert not [line for line in self.log if "Traceback" in line], self.log
        return result

    def _open(self, host: str, run: Run) -> Store:
        place = place_of(host)
        return self._stores[host] if place is None else open_layout(host, place, run, self.bases)


def item(source: str, *destinations: str, **more: Any) -> dict[str, Any]:
    """One item of ``images``."""
    return {"source": source, "destination": list(destinations), **more}


def fault(code: str, *, transient: bool = True, status: int | None = 503) -> RegistryError:
    """What a store raises that does not do what is asked."""
    return RegistryError(
        code=code, action="do", subject="it", cause="a test says so", transient=transient, status=status
    )


def failing(method: str, error: ImageOpsError, times: int, ref: str = "") -> Around:
    """Requests that fail so many times.

    :param ref: the beginning of the tag or digest; empty for any
    """
    left = [None] * times

    def around(request: Request) -> AbstractContextManager[object]:
        if request.method == method and request.ref.startswith(ref) and left:
            left.pop()
            raise error
        return nullcontext()

    return around


class Meter:
    """Counts the requests of one method that a store answers at the same time.

    :ivar most: the most so far
    """

    def __init__(self, method: str) -> None:
        self._method = method
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    @contextmanager
    def __call__(self, request: Request) -> Iterator[None]:
        mine = request.method == self._method
        with self._lock:
            self._now += mine
            self.most = max(self.most, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= mine


def errors(result: RunResult) -> list[str]:
    """The codes of the images' errors."""
    return [image.error.code for image in result.images if image.error is not None]


def only(result: RunResult) -> ImageResult:
    """The one image of a run."""
    (image,) = result.images
    return image
