# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key that ends, and is replaced while there is still time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..._oci.errors import ImageOpsError
from ..api.signature import AccessKey

_EARLY = 300.0
_SHARE = 4  # a short-lived key is replaced after three quarters of its life
_RETRY = 30.0
_LAST_MOMENT = 60.0


class RenewedKey:
    """A source of keys that fetches a fresh one in time. Threads may share it; of several that ask, one fetches.

    :param fetch: gives a key with an end
    :param now: the time of day, in seconds since the epoch
    """

    def __init__(self, fetch: Callable[[], AccessKey], *, now: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._key: AccessKey | None = None
        self._renew_at = 0.0

    def __call__(self) -> AccessKey:
        """Return the key to sign with now.

        :raises ImageOpsError: when there is no good key and none can be had
        """
        with self._lock:
            if self._key is None or self._now() >= self._renew_at:
                self._key = self._renewed(self._key)
            return self._key

    def _renewed(self, last: AccessKey | None) -> AccessKey:
        try:
            key = self._fetch()
        except ImageOpsError as error:
            # While the last key is good, a passing failure to replace it is no reason to stop.
            if last is None or not error.transient or self._left(last) <= _LAST_MOMENT:
                raise
            self._renew_at = self._now() + min(_RETRY, self._left(last) - _LAST_MOMENT)
            return last
        left = self._left(key)
        self._renew_at = self._now() + left - min(_EARLY, left / _SHARE)
        return key

    def _left(self, key: AccessKey) -> float:
        return max(0.0, (key.expires_at or 0.0) - self._now())
