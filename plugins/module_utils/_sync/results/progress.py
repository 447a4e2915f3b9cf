# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters that every phase of a run reports to, and a snapshot of them that anyone may read at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..decisions import Status

if TYPE_CHECKING:
    from .outcome import ImageResult


@dataclass(frozen=True)
class Counts:
    """Where a run stands.

    :param phase: what is being done: ``plan``, ``copy`` or ``retry``; empty before the first
    :param images_total: images known so far; grows while repositories are listed
    :param images_done: images finished without an error, those that were already right included
    :param images_failed: images that failed and are not being tried again at the moment
    :param blobs: blobs that arrived
    :param bytes: bytes of blobs and manifests that were written
    """

    phase: str = ""
    images_total: int = 0
    images_done: int = 0
    images_failed: int = 0
    blobs: int = 0
    bytes: int = 0

    @property
    def images_processed(self) -> int:
        """Images that are finished, well or badly."""
        return self.images_done + self.images_failed


ImageListener = Callable[["ImageResult", Counts], None]
"""Told of every finished image, with the counts right after it."""


class Progress:
    """Thread-safe counters of one run.

    :param on_image: called for every finished image, one call at a time, in the thread that finished it; must not raise
    """

    def __init__(self, on_image: ImageListener | None = None) -> None:
        self._on_image = on_image
        self._counts = Counts()
        self._lock = threading.Lock()
        self._order = threading.Lock()

    def enter(self, phase: str) -> None:
        """Say which phase begins."""
        with self._lock:
            self._counts = replace(self._counts, phase=phase)

    def expect_images(self, count: int) -> None:
        """Say that so many more images are known."""
        with self._lock:
            self._counts = replace(self._counts, images_total=self._counts.images_total + count)

    def retry_images(self, count: int) -> None:
        """Say that so many failed images are being tried again, and so no longer count as failed."""
        with self._lock:
            self._counts = replace(self._counts, images_failed=self._counts.images_failed - count)

    def image_finished(self, image: ImageResult) -> None:
        """Count an image whose status is ``done`` or ``failed``, and tell the listener.

        An image that is tried again is told of once an attempt.
        """
        with self._order:
            with self._lock:
                if image.status == Status.FAILED:
                    self._counts = replace(self._counts, images_failed=self._counts.images_failed + 1)
                else:
                    self._counts = replace(self._counts, images_done=self._counts.images_done + 1)
                counts = self._counts
            if self._on_image is not None:
                self._on_image(image, counts)

    def blob_finished(self) -> None:
        """Count a blob that arrived at one destination."""
        with self._lock:
            self._counts = replace(self._counts, blobs=self._counts.blobs + 1)

    def add_bytes(self, count: int) -> None:
        """Count bytes that were written to a destination."""
        with self._lock:
            self._counts = replace(self._counts, bytes=self._counts.bytes + count)

    def snapshot(self) -> Counts:
        """The counts now; one consistent set."""
        with self._lock:
            return self._counts
