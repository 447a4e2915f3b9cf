# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether it is any use to keep connections."""

from __future__ import annotations

import time
from typing import Any

SOON = 1.0
"""Seconds of idleness after which a server may well have closed a connection."""
MOST = 10
"""Connections in a row that were closed sooner."""


class Reuse:
    """Notes what becomes of kept connections.

    Some servers close theirs right after an answer without having said so. A request that comes at that moment is lost
    and has to be repeated, so such servers get a connection for every request.

    :ivar pays: whether connections are used again
    """

    def __init__(self) -> None:
        self.pays = True
        self._closed = 0

    def keep(self, connection: Any) -> None:
        """Note that a connection is idle from now on."""
        connection.idle_since = time.monotonic()

    def worked(self) -> None:
        """A kept connection brought an answer."""
        self._closed = 0

    def failed(self, connection: Any) -> None:
        """A kept connection turned out to be closed."""
        if time.monotonic() - connection.idle_since < SOON:
            self._closed += 1
            self.pays = self.pays and self._closed < MOST
