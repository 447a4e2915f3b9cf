# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are namespaces of this machine's network, each behind a link that carries only so much. Needs root."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BURST_BYTES = 32 * 1024
_LATENCY = "400ms"


@dataclass(frozen=True)
class Network:
    """Hosts that reach this machine at one address.

    :ivar address: where this machine's servers have to listen
    :ivar hosts: each host's variables for Ansible, by its name
    :ivar namespaces: the namespace of each host
    """

    address: str
    hosts: dict[str, dict[str, Any]]
    namespaces: dict[str, str]

    def kill(self, host: str) -> int:
        """End at once all that a host runs, and give the number of processes."""
        found = [int(text) for text in _run("ip", "netns", "pids", self.namespaces[host])]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)


def why_not() -> str:
    """Why there can be no namespaces here; empty when there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"imageops-{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "there is no ip, of iproute2"
    if made.returncode:
        return f"network namespaces cannot be made: {made.stderr.strip()}"
    _run("ip", "netns", "del", name)
    return ""


@contextmanager
def network(directory: Path, count: int, *, rate: str = "20mbit") -> Iterator[Network]:
    """Make hosts, and take them down at the end.

    :param directory: for the programs that start modules in a namespace
    :param rate: of each link, in each direction, as tc takes it
    """
    number = os.getpid() % 250
    bridge, names = f"iob{number}", [f"ioh{number}-{place}" for place in range(count)]
    subnet = f"10.213.{number}"
    try:
        _run("ip", "link", "add", bridge, "type", "bridge")
        _run("ip", "addr", "add", f"{subnet}.1/24", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        for place, name in enumerate(names):
            _join(name, f"iov{number}-{place}", bridge, f"{subnet}.{place + 10}/24", rate)
        hosts = {f"host{place}": name for place, name in enumerate(names)}
        yield Network(f"{subnet}.1", {host: _variables(directory, name) for host, name in hosts.items()}, hosts)
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", bridge], capture_output=True, check=False)


def _join(name: str, outer: str, bridge: str, address: str, rate: str) -> None:
    """Make a namespace with a link to the bridge; what it gets and what it sends has the rate."""
    inside = ["ip", "netns", "exec", name]
    _run("ip", "netns", "add", name)
    _run("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", name)
    _run("ip", "link", "set", outer, "master", bridge, "up")
    for command in (
        ["addr", "add", address, "dev", "eth0"],
        ["link", "set", "eth0", "up"],
        ["link", "set", "lo", "up"],
    ):
        _run(*inside, "ip", *command)
    shape = ["root", "tbf", "rate", rate, "burst", str(_BURST_BYTES), "latency", _LATENCY]
    _run("tc", "qdisc", "add", "dev", outer, *shape)
    _run(*inside, "tc", "qdisc", "add", "dev", "eth0", *shape)


def _variables(directory: Path, name: str) -> dict[str, Any]:
    """Variables of a host whose modules run in a namespace."""
    program = directory / f"python-{name}"
    program.write_text(f'#!/bin/sh\nexec ip netns exec {name} {sys.executable} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {"ansible_python_interpreter": str(program)}


def _run(*command: str) -> Sequence[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
