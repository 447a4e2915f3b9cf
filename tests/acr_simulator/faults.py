# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .replies import ApiFault


class Kind(Enum):
    """A fault; the words say what the client sees."""

    THROTTLED = "HTTP 400 Throttling.User, with x-acs-retry-after"
    REJECTED = "HTTP 200 that says Rejected.Throttling"
    UNAVAILABLE = "HTTP 503 ServiceUnavailable"
    SYSTEM_ERROR = "HTTP 500 SystemError"
    SLB_BUSY = "HTTP 400 SLB_SERVICE_ERROR"
    HTML = "HTTP 502 with a page"
    CUT_BEFORE = "the connection ends, nothing was done"
    CUT_AFTER = "the connection ends, the call was carried out"
    STALL = "no answer until the client gives up"


_ANSWERS = {
    Kind.THROTTLED: (400, "Throttling.User", False, {"x-acs-retry-after": "20"}),
    Kind.REJECTED: (200, "Rejected.Throttling", True, {}),
    Kind.UNAVAILABLE: (503, "ServiceUnavailable", False, {}),
    Kind.SYSTEM_ERROR: (500, "SystemError", False, {}),
    Kind.SLB_BUSY: (400, "SLB_SERVICE_ERROR", False, {}),
}


@dataclass
class Fault:
    """So many calls of one action go wrong; ``*`` is any action."""

    action: str
    kind: Kind
    times: int = 1


class Faults:
    """The faults still to come, in order."""

    def __init__(self) -> None:
        self._coming: list[Fault] = []

    def add(self, action: str, kind: Kind, times: int = 1) -> None:
        self._coming.append(Fault(action, kind, times))

    def take(self, action: str) -> Kind | None:
        """The fault that this call meets."""
        for fault in self._coming:
            if fault.action in (action, "*") and fault.times > 0:
                fault.times -= 1
                return fault.kind
        return None


def answered(kind: Kind | None) -> ApiFault | None:
    """The refusal that a fault is; None when it is no proper answer."""
    if kind is None or kind not in _ANSWERS:
        return None
    status, code, in_body, headers = _ANSWERS[kind]
    return ApiFault(status, code, kind.value, in_body=in_body, headers=dict(headers))
