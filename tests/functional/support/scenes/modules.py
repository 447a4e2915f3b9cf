# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module as a process: what it returns, how much memory it took, what becomes of it when it is told to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clients.endpoint import Endpoint

_PROGRAM = Path(__file__).with_name("module_program.py")
_ROOT = Path(__file__).resolve().parents[4]


@dataclass(frozen=True)
class Ended:
    """How a module ended.

    :ivar code: its exit status; negative for a signal
    :ivar result: what it returned; empty when it returned nothing
    :ivar memory: bytes of memory at the most; 0 when it was killed
    """

    code: int
    result: dict[str, Any]
    memory: int
    text: str


class RunningModule:
    """A module that has been started."""

    def __init__(self, process: subprocess.Popen[bytes], memory: int) -> None:
        self.process = process
        self._memory = memory

    def end(self) -> Ended:
        """Wait for its end."""
        process = self.process
        if process.stdout is None:
            raise ValueError("the module's output is not captured")
        text = process.stdout.read().decode("utf-8", "replace")
        process.wait()
        memory = int(os.read(self._memory, 32) or 0)
        last = text.strip().splitlines()[-1:] or [""]
        result = json.loads(last[0]) if last[0].startswith("{") else {}
        return Ended(process.returncode, result, memory, text)


@contextmanager
def module(
    name: str,
    options: Mapping[str, Any],
    *,
    home: Path,
    check_mode: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[RunningModule]:
    """Start a module; it is gone when the block is left.

    :param home: its home directory, so that nothing of the user's is read
    :param environment: further variables
    """
    variables = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **(environment or {})}
    memory, told = os.pipe()
    process = subprocess.Popen(
        [sys.executable, str(_PROGRAM), str(_ROOT / ".cache" / "tree"), name, str(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=variables,
        cwd=home,
        pass_fds=[told],
    )
    os.close(told)
    try:
        if process.stdin is None:
            raise ValueError("the module cannot be given its options")
        process.stdin.write(json.dumps({**options, "_ansible_check_mode": check_mode}).encode())
        process.stdin.close()
        yield RunningModule(process, memory)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        os.close(memory)


def registry_option(endpoint: Endpoint) -> dict[str, Any]:
    """An item of the option ``registries``."""
    item: dict[str, Any] = {"registry": endpoint.host, "plain_http": endpoint.ca_path is None}
    if endpoint.ca_path is not None:
        item["ca_path"] = str(endpoint.ca_path)
    if endpoint.username:
        item.update(username=endpoint.username, password=endpoint.password)
    return item
