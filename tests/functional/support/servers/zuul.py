# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""zuul-registry as a second implementation: HS256 tokens, relative Locations, no Range, no mount, no deletion.

Its ways: a challenge says only ``scope="read"``; any query parameter it does not know makes a 404; blobs are shared by
all repositories; a manifest that was put by digest is listed among the tags.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..clients.endpoint import Endpoint
from .access_log import AccessLog, LoggedRequest, count
from .processes import ServerProcess

WRITER, READER = "writer", "reader"
PASSWORD = "zuul password"
_PROGRAM = Path(__file__).with_name("zuul_program.py")


class ZuulRegistry:
    """A running zuul-registry."""

    def __init__(self, process: ServerProcess, endpoint: Endpoint, log: Path) -> None:
        self.process = process
        self.endpoint = endpoint
        self._log = AccessLog(log)

    @property
    def host(self) -> str:
        return self.endpoint.host

    def requests(self) -> list[LoggedRequest]:
        """Every request since the mark, as far as the server has logged them by now."""
        return self._log.requests()

    def counts(self) -> Counter[tuple[str, str]]:
        """How many requests of each method and kind since the mark."""
        return count(self.requests())

    def mark(self) -> None:
        """Count from here on."""
        self._log.mark()


@contextmanager
def zuul_registry(directory: Path, *, anonymous_read: bool = False) -> Iterator[ZuulRegistry]:
    """Run a zuul-registry; the endpoint's user may write.

    :param anonymous_read: whether everyone may read, or only those who log in
    """
    directory.mkdir(parents=True, exist_ok=True)
    users = [{"name": WRITER, "pass": PASSWORD, "access": "write"}]
    if not anonymous_read:
        users.append({"name": READER, "pass": PASSWORD, "access": "read"})
    settings = {
        "address": "127.0.0.1",
        "port": 0,
        "public-url": "http://127.0.0.1",
        "secret": "for tests",
        "users": users,
        "storage": {"driver": "filesystem", "root": str(directory / "storage")},
    }
    configuration = directory / "registry.yaml"
    configuration.write_text(json.dumps({"registry": settings}), encoding="utf-8")
    log = directory / "access.log"
    process = ServerProcess("zuul-registry", [sys.executable, str(_PROGRAM), str(configuration), str(log)], directory)
    with process:
        port = process.wait_for(r"listening on (\d+)").group(1)
        yield ZuulRegistry(process, Endpoint(f"127.0.0.1:{port}", username=WRITER, password=PASSWORD), log)
