# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms in which the API refuses."""

from __future__ import annotations

from typing import Any


class ApiFault(Exception):
    """A call that is refused.

    :param in_body: answer HTTP 200 with ``IsSuccess: false`` instead of an HTTP error; None leaves it to the simulator
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str = "",
        *,
        in_body: bool | None = None,
        headers: dict[str, str] | None = None,
        denied: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.in_body = in_body
        self.headers = headers or {}
        self.denied = denied

    def http_form(self, request_id: str, host: str) -> dict[str, Any]:
        """The body of an HTTP error."""
        form: dict[str, Any] = {
            "RequestId": request_id,
            "HostId": host,
            "Code": self.code,
            "Message": self.message or self.code,
            "Recommend": f"https://api.aliyun.com/troubleshoot?q={self.code}",
        }
        if self.denied:
            form["AccessDeniedDetail"] = self.denied
        return form

    def body_form(self, request_id: str) -> dict[str, Any]:
        """The body of an HTTP 200 that refuses all the same."""
        return {"RequestId": request_id, "IsSuccess": False, "Code": self.code}
