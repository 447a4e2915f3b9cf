# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures one host and four hosts, each behind a link of its own: from the first request to the last, by the logs.

    python tests/bench/many_hosts.py DIRECTORY [--megabytes 600] [--images 240] [--rate 20mbit]

Needs root, for namespaces of the network, and what the functional tests need.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "functional"))

from support.clients.plain_client import PlainClient
from support.scenes.host_groups import HostGroup
from support.scenes.images import image, random_blob
from support.scenes.network import network, why_not
from support.servers.docker_registry import DockerRegistry, docker_registry


def span(*registries: DockerRegistry) -> float:
    """Seconds from the first answer to the last of all registries, by their logs."""
    times = []
    for registry in registries:
        registry.requests()
        entries = map(json.loads, registry.process.err.read_text(encoding="utf-8").splitlines())
        answers = (entry for entry in entries if entry.get("msg") == "response completed")
        times += [_seconds(entry["time"]) for entry in answers if "/_mark/" not in entry["http.request.uri"]]
    return max(times) - min(times)


def _seconds(text: str) -> float:
    whole, _, part = text.rstrip("Z").partition(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{part or 0}")


def measure(directory: Path, count: int, options: argparse.Namespace) -> dict[str, Any]:
    """Sync to an empty registry from so many hosts."""
    directory.mkdir(parents=True)
    with (
        network(directory, count, rate=options.rate) as net,
        docker_registry(directory / "source", root=options.directory / "images", address=net.address) as source,
        docker_registry(directory / "destination", address=net.address) as destination,
    ):
        registries = [{"registry": end.host, "plain_http": True} for end in (source, destination)]
        rule = {"source": f"{source.host}/team/*", "destination": f"{destination.host}/mirror/{{name}}"}
        began = time.monotonic()
        ended = HostGroup(directory, net.hosts).run(
            {"registry_sync_images": [rule], "registry_sync_registries": registries}
        )
        whole = time.monotonic() - began
        assert ended.code == 0, ended.text
        summary = ended.report["summary"]
        shares = [shard["summary"]["bytes"] for shard in ended.report["shards"]]
        return {
            "hosts": count,
            "images": summary["created"],
            "bytes": summary["bytes"],
            "largest share": round(max(shares) / sum(shares), 3),
            "first request to last, s": round(span(source, destination), 1),
            "playbook, s": round(whole, 1),
        }


def main() -> None:
    """Print a line of JSON for one host, for four, and the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--megabytes", type=int, default=600)
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--rate", default="20mbit")
    options = parser.parse_args()
    if why_not():
        sys.exit(why_not())
    size = options.megabytes * 1_000_000 // options.images
    with (
        docker_registry(options.directory / "filling", root=options.directory / "images") as registry,
        PlainClient(registry.endpoint) as client,
    ):
        for number in range(options.images):
            client.push(f"team/app{number}", image(number, layers=[random_blob(number, size)]), "1.0")
    found = [measure(options.directory / f"with-{count}", count, options) for count in (1, 4)]
    for one in found:
        print(json.dumps(one), flush=True)
    one, four = (figures["first request to last, s"] for figures in found)
    print(json.dumps({"ratio": round(four / one, 3)}))


if __name__ == "__main__":
    main()
