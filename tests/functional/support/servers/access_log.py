# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access logs in the combined format, read as requests that can be counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

_LINE = re.compile(
    r'^(?P<client>\S+) \S+ \S+ \[(?P<time>[^]]*)\] "(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[\d.]+" '
    r'(?P<status>\d+) (?P<size>\S+) "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"$'
)
_PATHS = (
    ("upload", re.compile(r"^/v2/(?P<repository>.+)/blobs/uploads/(?P<reference>[^/]+)$")),
    ("uploads", re.compile(r"^/v2/(?P<repository>.+)/blobs/uploads/?$")),
    ("blob", re.compile(r"^/v2/(?P<repository>.+)/blobs/(?P<reference>[^/]+)$")),
    ("manifest", re.compile(r"^/v2/(?P<repository>.+)/manifests/(?P<reference>[^/]+)$")),
    ("tags", re.compile(r"^/v2/(?P<repository>.+)/tags/list$")),
    ("referrers", re.compile(r"^/v2/(?P<repository>.+)/referrers/(?P<reference>[^/]+)$")),
    ("catalog", re.compile(r"^/v2/_catalog$")),
    ("base", re.compile(r"^/v2/?$")),
)


@dataclass(frozen=True)
class LoggedRequest:
    """One request as a server saw it.

    :param kind: ``base``, ``tags``, ``manifest``, ``blob``, ``uploads`` (a session is asked for), ``mount`` (the same
        with ``mount=``), ``upload`` (an open session), ``referrers``, ``catalog``, ``other``
    :param reference: the tag, the digest or the session's name; of a mount the digest; empty where there is none
    :param source: of a mount, the repository that is named by ``from=``
    """

    method: str
    kind: str
    repository: str
    reference: str
    status: int
    agent: str
    target: str
    source: str = ""

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")


def classify(method: str, target: str, status: int = 0, agent: str = "") -> LoggedRequest:
    """What a request line asks for."""
    parts = urlsplit(target)
    query = parse_qs(parts.query)
    path = unquote(parts.path)
    for kind, pattern in _PATHS:
        match = pattern.match(path)
        if match is None:
            continue
        groups = match.groupdict()
        reference, source = groups.get("reference", ""), ""
        if kind == "uploads" and "mount" in query:
            kind, reference, source = "mount", query["mount"][0], query.get("from", [""])[0]
        return LoggedRequest(method, kind, groups.get("repository", ""), reference, status, agent, target, source)
    return LoggedRequest(method, "other", "", "", status, agent, target)


def count(requests: Iterable[LoggedRequest]) -> Counter[tuple[str, str]]:
    """How many requests there were of each method and kind."""
    return Counter((request.method, request.kind) for request in requests)


class AccessLog:
    """A growing access log with a mark: requests before it are history."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mark = 0

    def mark(self) -> None:
        """Count from here on."""
        self._mark = self.path.stat().st_size if self.path.exists() else 0

    def requests(self) -> list[LoggedRequest]:
        """What came after the mark, in the order in which it was answered."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_bytes()[self._mark :].decode("utf-8", "replace").splitlines():
            match = _LINE.match(line)
            if match:
                found.append(classify(match["method"], match["target"], int(match["status"]), match["agent"]))
        return found
