# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a registry's refusals of HEAD are believed: those that a GET has confirmed.

Some registries, and proxies before them, refuse HEAD, or redirect it to a URL that is signed for GET alone, and give
the same to a GET; and only a GET's body says why something is refused.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Callable

from ..http.transport import Answer

_OTHER_REASONS = frozenset((401, 407, 408, 429))
"""Refusals that have nothing to do with HEAD."""
_CHANCE = 2
"""GETs in a row that were answered where HEADs failed, which are no chance any more."""


def is_doubtful(status: int) -> bool:
    """Return whether a GET may be answered otherwise than a HEAD with this status."""
    return (400 <= status < 500 and status not in _OTHER_REASONS) or status == 501


class HeadTrust:
    """What GETs have shown of one registry's answers to HEAD. Nothing is forgotten in a run.

    A 404 is confirmed once for the registry, any other status once for each repository. As soon as a GET is answered
    otherwise, the registry is asked by GET from then on. The same goes where HEADs fail for reasons that might pass
    (5xx) and GETs do not, twice in a row: once may be chance.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._confirmed: dict[tuple[str, str, int], Answer] = {}
        self._distrusted: set[str] = set()
        self._contradictions: Counter[str] = Counter()

    def is_distrusted(self, kind: str) -> bool:
        """Return whether what a request is about, such as a manifest, is to be asked for by GET at once."""
        return kind in self._distrusted

    def answered(self, kind: str) -> None:
        """Note that a HEAD was answered."""
        if self._contradictions[kind]:
            self._contradictions[kind] = 0

    def contradicted(self, kind: str) -> None:
        """Note that a GET was answered where HEADs had failed."""
        self._contradictions[kind] += 1
        if self._contradictions[kind] >= _CHANCE:
            self._distrusted.add(kind)

    def settle(self, kind: str, repository: str, status: int, get: Callable[[], Answer]) -> Answer:
        """Return the answer that counts where a HEAD was refused: that of a GET, now or before.

        :param kind: what the request is about, such as a manifest
        :param status: of the answer to the HEAD
        :param get: sends the GET
        """
        key = (kind, "" if status == 404 else repository, status)
        confirmed = self._confirmed.get(key)
        if confirmed is not None:
            return confirmed
        with self._lock:  # one request shows what all that wait here need to know
            if not self.is_distrusted(kind):
                return self._confirmed.get(key) or self._learn(key, get())
        return get()

    def _learn(self, key: tuple[str, str, int], answer: Answer) -> Answer:
        kind, _repository, status = key
        if answer.status == status:
            self._confirmed[key] = answer
        else:
            self._distrusted.add(kind)
        return answer
