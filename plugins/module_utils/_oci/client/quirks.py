# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one registry has shown in a run that it cannot do."""

from __future__ import annotations

from .head_trust import HeadTrust

CHUNK = 10_000_000
"""Bytes of the first chunks: no more than any registry takes, ECR included."""
_NEVER_RESUMED = frozenset(("ghcr.io",))
"""Registries that store an upload in several pieces wrongly, and do not say so."""
MOST_WRONG_RANGES = 2
"""Wrong answers to Range after which a registry is asked for whole blobs only."""
_DIGITS = 16
"""More than a size in bytes has that makes sense."""
SMALLEST_CHUNK = 500_000
"""Bytes of the smallest chunk that is tried: nginx takes a mebibyte unless it is configured otherwise."""


class Quirks:
    """The quirks of one registry. Threads may note the same thing twice; nothing is forgotten.

    :param host: of the registry
    :ivar resumes: an upload that broke may go on where it broke
    :ivar takes_page_size: ``n=`` may be given with a list
    :ivar has_referrers: it has the referrers API
    :ivar wrong_ranges: answers in a row that were another part of a blob than was asked for
    :ivar gives_ranges: blobs may be read in ranges, several at once
    :ivar heads: which of its refusals of HEAD are believed
    :ivar uploads_by_patch: it takes blobs by PATCH alone
    :ivar least_chunk: bytes that a chunk must have, unless it is the last
    :ivar largest_body: from what size on blobs go in chunks; None while no body was refused for its size
    """

    def __init__(self, host: str = "") -> None:
        self.resumes = host not in _NEVER_RESUMED
        self.takes_page_size = True
        self.has_referrers = True
        self.wrong_ranges = 0
        self.gives_ranges = True
        self.heads = HeadTrust()
        self.uploads_by_patch = False
        self.least_chunk = 0
        self.largest_body: int | None = None
        self._refused_mounts: set[tuple[str, str]] = set()

    def may_mount(self, source: str, path: str) -> bool:
        """Return whether a registry may mount a blob from one repository in another."""
        return _mount_kind(source, path) not in self._refused_mounts

    def mount_refused(self, source: str, path: str) -> None:
        """Note that a mount was answered with an error, although an upload is allowed."""
        self._refused_mounts.add(_mount_kind(source, path))

    @property
    def takes_ranges(self) -> bool:
        """Whether the registry may give the rest of a blob."""
        return self.wrong_ranges < MOST_WRONG_RANGES

    def note_least_chunk(self, said: str | None) -> None:
        """Note what a registry says of the size of chunks (distribution-spec 1.1, OCI-Chunk-Min-Length)."""
        if said and said.isascii() and said.isdigit() and len(said) < _DIGITS:
            self.least_chunk = int(said)

    def body_refused(self, size: int) -> bool:
        """Note that a body of so many bytes was too large. Return whether a smaller one may be taken."""
        least = max(SMALLEST_CHUNK, self.least_chunk)
        if size <= least:
            return False
        smaller = max(CHUNK if size > CHUNK else size // 4, least)
        self.largest_body = min(smaller, self.largest_body or smaller)
        return True


def _mount_kind(source: str, path: str) -> tuple[str, str]:
    """Return the projects of two repositories, the first parts of their paths: rights to mount differ by them."""
    if source == path:
        return "", ""
    return source.partition("/")[0], path.partition("/")[0]
