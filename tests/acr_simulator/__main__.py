# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated account to try things with by hand, until it is interrupted: ``python -m …tests.acr_simulator``.

Says on its first line, as JSON, how to reach it: the options that the modules take, and the host of the registry.
"""

from __future__ import annotations

import argparse
import json
import signal
import tempfile
import threading
from pathlib import Path

from .server import Simulator


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="ACR and RAM on loopback")
    parser.add_argument("--name", default="acme", help="the instance's name")
    parser.add_argument("--slow", type=int, metavar="LOOKS", help="how many looks the public endpoint takes")
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with tempfile.TemporaryDirectory() as directory, Simulator(Path(directory)) as simulator:
        if options.slow is not None:
            simulator.world.looks.endpoint_on = options.slow
        instance = simulator.world.add_instance(options.name)
        key = simulator.world.add_key()
        simulator.front(instance.instance_id)
        told = {
            "endpoint": simulator.url,
            "ram_endpoint": simulator.url,
            "region": instance.region,
            "instance_id": instance.instance_id,
            "access_key_id": key.key_id,
            "access_key_secret": key.secret,
            "registry": instance.endpoints["Registry"].domains[0][0],
            "ca_path": str(simulator.identity.certificate_path),
        }
        print(json.dumps(told), flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
