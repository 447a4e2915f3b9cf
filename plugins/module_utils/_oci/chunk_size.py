# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a body a registry, or a proxy in front of it, takes."""

from __future__ import annotations

CHUNK = 10_000_000
SMALLEST_CHUNK = 500_000


class ChunkSize:
    """From what size on blobs go in chunks at one registry: learnt from its 413 answers, None while none was seen."""

    def __init__(self) -> None:
        self.limit: int | None = None

    def lower(self, refused: int) -> bool:
        """After a body of that size was refused; False when there is no use in going lower."""
        smaller = min(CHUNK, refused // 4) if self.limit is None or refused <= self.limit else self.limit
        if smaller < SMALLEST_CHUNK:
            return False
        self.limit = smaller
        return True
