# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading all pages of a list call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .openapi import OpenApi, Parameter

PAGE_SIZE = 100


def rows(
    api: OpenApi, api_action: str, parameters: Mapping[str, Parameter], key: str, *, action: str, subject: str
) -> Iterator[Mapping[str, Any]]:
    """Every row of a list call by PageNo and PageSize, page after page.

    :param key: the field of the answer that holds the rows
    """
    seen = 0
    page = 1
    while True:
        asked = {**parameters, "PageNo": page, "PageSize": PAGE_SIZE}
        answer = api.call(api_action, asked, action=action, subject=subject)
        found = answer.get(key) or []
        yield from found
        seen += len(found)
        # Some lists say their count as a number, some as a text.
        if not found or seen >= int(answer.get("TotalCount") or 0):
            return
        page += 1


def count(api: OpenApi, api_action: str, parameters: Mapping[str, Parameter], *, action: str, subject: str) -> int:
    """How many rows a list call has, with one small request."""
    asked = {**parameters, "PageNo": 1, "PageSize": 1}
    return int(api.call(api_action, asked, action=action, subject=subject).get("TotalCount") or 0)
