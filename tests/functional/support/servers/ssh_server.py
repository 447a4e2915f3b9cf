# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSSH's server on loopback, for the user that runs the tests: another machine, as far as Ansible can tell."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.servers.processes import ServerProcess

PROGRAM = Path("/usr/sbin/sshd")
_PRIVILEGE_SEPARATION = Path("/run/sshd")


class SshServer:
    """A server that is running.

    :ivar variables: how Ansible reaches it, as variables of a host
    """

    def __init__(self, process: ServerProcess, port: int, key: Path) -> None:
        self._process = process
        self.variables: dict[str, Any] = {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(key),
            "ansible_ssh_common_args": "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
            "ansible_python_interpreter": sys.executable,
        }

    def commands(self) -> int:
        """How many commands it has been given so far."""
        return self._process.err.read_text(encoding="utf-8").count("Starting session: command")


@contextmanager
def ssh_server(directory: Path) -> Iterator[SshServer]:
    """Start a server with keys of its own."""
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    if os.geteuid() == 0:
        _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)  # the system makes it where the service has been started
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": directory / "host",
        "AuthorizedKeysFile": directory / "user.pub",
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
        "LogLevel": "VERBOSE",
        "Subsystem": "sftp internal-sftp",
    }
    (directory / "sshd_config").write_text(
        "".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8"
    )
    argv = [str(PROGRAM), "-D", "-e", "-f", str(directory / "sshd_config")]
    with ServerProcess("sshd", argv, directory) as process:
        process.wait_for(rf"Server listening on 127\.0\.0\.1 port {port}")
        yield SshServer(process, port, directory / "user")
