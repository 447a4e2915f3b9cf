# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters that every phase of a run reports to. Any thread may read a snapshot of them at any time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ...decisions import Status

if TYPE_CHECKING:
    from ..outcome import ImageResult


@dataclass(frozen=True)
class Counts:
    """Where a run stands.

    :param phase: what is being done: ``plan``, ``copy``, ``retry`` or ``prune``; empty before the first
    :param images_total: images known so far; grows while repositories are listed
    :param images_done: images finished without an error, those that were already right included
    :param images_failed: images that failed and are not being tried again at the moment
    :param blobs: blobs that arrived
    :param bytes: bytes of blobs that were written so far, those of blobs under way included
    :param bytes_total: bytes of the blobs that are to be written or have been, of those images whose manifests have
        been read; what turns out to be at the destination already is taken off
    :param images_to_copy: images that something is to be written for, in all rounds together
    :param images_read: those of them whose manifests have been read, or could not be
    """

    phase: str = ""
    images_total: int = 0
    images_done: int = 0
    images_failed: int = 0
    blobs: int = 0
    bytes: int = 0
    bytes_total: int = 0
    images_to_copy: int = 0
    images_read: int = 0

    @property
    def images_processed(self) -> int:
        """Return how many images are finished, with or without an error."""
        return self.images_done + self.images_failed


ImageListener = Callable[["ImageResult", Counts], None]
"""Told of every finished image, with the counts right after it."""


@dataclass(frozen=True)
class Span:
    """A part of the run's time, in seconds since its beginning.

    :ivar phase: what was being done
    :ivar waiting_for: the registry that had asked for a wait; empty for the phase as a whole
    """

    phase: str
    waiting_for: str
    begin: float
    end: float


@dataclass
class _Moving:
    """A blob under way: its size in bytes, how much of it has been read, and how many transfers it has."""

    size: int
    done: int = 0
    transfers: int = 1


class Progress:
    """Thread-safe counters of one run.

    :param on_image: called for every finished image, one call at a time, in the thread that finished it; must not raise
    """

    def __init__(self, on_image: ImageListener | None = None) -> None:
        self._on_image = on_image
        self._phase = ""
        self._tally: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._order = threading.Lock()
        self._began = time.monotonic()
        self._phases: list[tuple[str, float]] = []
        self._waits: list[Span] = []
        self._last_wait: dict[str, int] = {}
        self._moving: dict[str, _Moving] = {}

    def enter(self, phase: str) -> None:
        """Note which phase begins."""
        with self._lock:
            self._phase = phase
            self._phases.append((phase, self._now()))

    def expect_images(self, count: int) -> None:
        """Note that so many more images are known."""
        self._add("images_total", count)

    def copy_images(self, count: int) -> None:
        """Note that so many images are to be copied now."""
        self._add("images_to_copy", count)

    def image_read(self) -> None:
        """Note that the sizes of an image that is to be copied are known, or will not be."""
        self._add("images_read", 1)

    def expect_bytes(self, count: int) -> None:
        """Note that so many more bytes are to be written; fewer when negative."""
        self._add("bytes_total", count)

    def retry_images(self, count: int) -> None:
        """Note that so many failed images are being tried again, and so no longer count as failed."""
        self._add("images_failed", -count)

    def image_finished(self, image: ImageResult) -> None:
        """Count an image whose status is ``done`` or ``failed``, and tell the listener.

        An image that is tried again is told of once an attempt.
        """
        with self._order:
            self._add("images_failed" if image.status == Status.FAILED else "images_done", 1)
            if self._on_image is not None:
                self._on_image(image, self.snapshot())

    def blob_finished(self) -> None:
        """Count a blob that arrived at one destination."""
        self._add("blobs", 1)

    def begin_blob(self, digest: str, size: int) -> None:
        """Note that the transfer of a blob begins."""
        with self._lock:
            known = self._moving.setdefault(digest, _Moving(size, transfers=0))
            known.transfers += 1

    def move(self, digest: str, count: int, *, written: int) -> None:
        """Count bytes of a blob under way.

        :param count: bytes that were read
        :param written: bytes that they become at all destinations together
        """
        with self._lock:
            self._tally["bytes"] += written
            moving = self._moving.get(digest)
            if moving is not None:
                moving.done += count

    def end_blob(self, digest: str) -> None:
        """Note that a transfer of a blob has ended."""
        with self._lock:
            moving = self._moving.get(digest)
            if moving is not None:
                moving.transfers -= 1
                if not moving.transfers:
                    del self._moving[digest]

    def asked_to_wait(self, host: str, seconds: float) -> None:
        """Note that a registry asks not to be asked for so many seconds. Waits that overlap are one."""
        with self._lock:
            begin = self._now()
            before = self._last_wait.get(host)
            if before is not None and begin <= self._waits[before].end:
                end = max(self._waits[before].end, begin + seconds)
                self._waits[before] = replace(self._waits[before], end=end)
                return
            self._last_wait[host] = len(self._waits)
            self._waits.append(Span(self._phase, host, begin, begin + seconds))

    def snapshot(self) -> Counts:
        """Return the counts now: one consistent set."""
        with self._lock:
            return self._counts()

    def timeline(self) -> list[Span]:
        """Return the phases so far and the waits that registries asked for, in the order of their beginnings."""
        with self._lock:
            now = self._now()
            ends = [begin for _phase, begin in self._phases[1:]] + [now]
            spans = [Span(phase, "", begin, end) for (phase, begin), end in zip(self._phases, ends)]
            spans += [replace(wait, end=min(wait.end, now)) for wait in self._waits]
        return sorted(spans, key=lambda span: span.begin)

    def view(self) -> dict[str, Any]:
        """Return where the run stands as JSON takes it: the counts, what is waited for, the largest blob under way."""
        with self._lock:
            now = self._now()
            counts = self._counts()
            waiting = dict.fromkeys(wait.waiting_for for wait in self._waits if wait.end > now)
            largest = max(self._moving.items(), key=lambda item: item[1].size, default=None)
            blob = largest and {"digest": largest[0], "size": largest[1].size, "done": largest[1].done}
        return {**asdict(counts), "waiting": [f"{host} (429)" for host in waiting], "blob": blob, "at": now}

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _counts(self) -> Counts:
        return Counts(self._phase, **self._tally)

    def _add(self, name: str, count: int) -> None:
        with self._lock:
            self._tally[name] += count
