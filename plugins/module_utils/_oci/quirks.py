# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one registry has shown that it cannot do. Learnt in a run and not asked again."""

from __future__ import annotations

CHUNK = 10_000_000
"""Bytes of the first chunks: within what ECR and every other registry takes."""
SMALLEST_CHUNK = 500_000


class Quirks:
    """The memory of one registry. Threads may learn the same thing twice; nothing is forgotten.

    :ivar takes_page_size: ``n=`` may be given with a list
    :ivar has_referrers: it has the referrers API
    :ivar largest_body: from what size on blobs go in chunks; None while no body was refused for its size
    """

    def __init__(self) -> None:
        self.takes_page_size = True
        self.has_referrers = True
        self.largest_body: int | None = None
        self._refused_mounts: set[tuple[str, str]] = set()

    def may_mount(self, source: str, path: str) -> bool:
        """Whether mounting a blob from one repository in another is worth asking for."""
        return _mount_kind(source, path) not in self._refused_mounts

    def mount_refused(self, source: str, path: str) -> None:
        """Mounting was answered with an error, although an upload is allowed."""
        self._refused_mounts.add(_mount_kind(source, path))

    def body_refused(self, size: int) -> bool:
        """A body of that size was too large; gives whether a smaller one is worth a try."""
        smaller = CHUNK if size > CHUNK else size // 4
        if self.largest_body is not None:
            smaller = min(smaller, self.largest_body)
        if smaller < SMALLEST_CHUNK:
            return False
        self.largest_body = smaller
        return True


def _mount_kind(source: str, path: str) -> tuple[str, str]:
    """Rights to mount differ between projects: the first part of a path."""
    if source == path:
        return "", ""
    return source.partition("/")[0], path.partition("/")[0]
