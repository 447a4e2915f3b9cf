# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sync on all hosts of a group: each image once, one report, and what becomes of a host that is not there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.clients.plain_client import PlainClient
from support.scenes.host_groups import HostGroup, named
from support.scenes.images import image, random_blob
from support.scenes.network import network, why_not
from support.scenes.playbooks import CAN_PLAY
from support.servers.docker_registry import DockerRegistry, docker_registry
from support.servers.processes import wait_until

pytestmark = pytest.mark.skipif(not CAN_PLAY, reason="this Python is one of managed hosts only")

HOSTS = ("m0", "m1", "m2")
PATHS = [f"team/app{number}" for number in range(12)]


@dataclass
class Pair:
    """A registry to copy from and one to copy to."""

    source: DockerRegistry
    destination: DockerRegistry

    def variables(self, namespace: str, **more: Any) -> dict[str, Any]:
        """What the playbook is given."""
        return {
            "registry_sync_images": [
                {"source": f"{self.source.host}/team/*", "destination": f"{self.destination.host}/{namespace}/{{name}}"}
            ],
            "registry_sync_registries": [
                {"registry": end.host, "plain_http": True} for end in (self.source, self.destination)
            ],
            **more,
        }

    def written(self) -> Counter[str]:
        """How often each tag was put since the mark, by the destination's log."""
        return Counter(
            f"{request.repository}:{request.reference}"
            for request in self.destination.requests()
            if (request.method, request.kind) == ("PUT", "manifest") and request.status == 201
        )


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    directory = tmp_path_factory.mktemp("pair")
    with docker_registry(directory / "source") as source, docker_registry(directory / "destination") as destination:
        with PlainClient(source.endpoint) as client:
            for path in PATHS:
                client.push(path, image(path), "1.0")
        yield Pair(source, destination)


def test_each_image_is_copied_once_and_one_report_has_them_all(pair: Pair, tmp_path: Path) -> None:
    group = HostGroup(tmp_path, named(HOSTS))
    pair.destination.mark()
    first = group.run(pair.variables("all"))
    assert first.code == 0, first.text
    assert pair.written() == Counter(f"all/app{number}:1.0" for number in range(len(PATHS)))
    assert first.states() == dict.fromkeys(HOSTS, "done")
    assert "12 images in 3 shards: 12 created" in first.text
    assert [one["destination"] for one in first.report["images"]] == sorted(
        f"{pair.destination.host}/all/app{number}:1.0" for number in range(len(PATHS))
    )
    assert sum(shard["summary"]["images"] for shard in first.report["shards"]) == len(PATHS)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(f"({host})" in page for host in HOSTS) and "all/app11" in page

    pair.destination.mark()
    second = group.run(pair.variables("all"), "--forks", "2")
    assert (second.code, second.report["changed"], pair.written()) == (0, False, Counter()), second.text


def test_a_host_that_is_not_reached_is_an_unknown_shard_and_the_next_run_brings_what_lacks(
    pair: Pair, tmp_path: Path
) -> None:
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    broken = HostGroup(tmp_path, {**named(HOSTS), "m2": away}).run(pair.variables("away"))
    assert broken.code != 0
    assert broken.states() == {"m0": "done", "m1": "done", "m2": "unknown"}, broken.text
    (shard,) = (one for one in broken.report["shards"] if one["state"] == "unknown")
    assert shard["rules"] == [f"{pair.source.host}/team/* to {pair.destination.host}/away/{{name}}"]
    assert "shard 2 of m2 is unknown: " in broken.text and "ssh" in shard["error"]
    assert "failed" in (tmp_path / "report.html").read_text(encoding="utf-8")

    copied = {one["destination"] for one in broken.report["images"]}
    healed = HostGroup(tmp_path, named(HOSTS)).run(pair.variables("away"))
    assert healed.code == 0, healed.text
    lacked = {one["destination"] for one in healed.report["images"] if one["action"] == "create"}
    assert lacked and not lacked & copied and len(lacked) + len(copied) == len(PATHS)


@pytest.mark.parametrize(
    ("hosts", "options", "message"),
    [
        (named(HOSTS), ["--limit", "m0,m1"], "1 of the 3 hosts of mirrors are not in this play"),
        (
            {host: {"registry_sync_shard": {"index": min(place, 1), "count": 3}} for place, host in enumerate(HOSTS)},
            [],
            "registry_sync_shard.index is given twice",
        ),
        (
            # What a job slice of AWX sees: an inventory with a part of the group.
            {host: {"registry_sync_shard": {"index": place, "count": 3}} for place, host in enumerate(HOSTS[:2])},
            [],
            "registry_sync_shard.count has to be 2",
        ),
        ({**named(HOSTS), "m2": {"registry_sync_shard": {"index": 2, "count": 3}}}, [], "given to 1 of the 3 hosts"),
        (named(HOSTS), ["-e", "registry_sync_spread_group=nobody"], "which is none"),
    ],
    ids=["limit", "twice", "slice", "some", "no group"],
)
def test_shares_that_are_not_the_whole_are_refused_at_once(
    pair: Pair, tmp_path: Path, hosts: dict[str, Any], options: list[str], message: str
) -> None:
    pair.source.mark()
    ended = HostGroup(tmp_path, hosts).run(pair.variables("part"), *options)
    assert ended.code != 0
    assert message in ended.text
    assert pair.source.requests() == []


def test_a_slice_copies_its_shards_by_the_variables_of_its_hosts(pair: Pair, tmp_path: Path) -> None:
    hosts = {host: {"registry_sync_shard": {"index": place, "count": 3}} for place, host in enumerate(HOSTS)}
    pair.destination.mark()
    for part in (HOSTS[:2], HOSTS[2:]):
        group = HostGroup(tmp_path, {host: hosts[host] for host in part})
        ended = group.run(pair.variables("sliced", registry_sync_spread=False, sync_report=""))
        assert ended.code == 0, ended.text
    assert pair.written() == Counter(f"sliced/app{number}:1.0" for number in range(len(PATHS)))


def test_limits_for_all_hosts_are_divided(pair: Pair, tmp_path: Path) -> None:
    variables = pair.variables("rates", registry_sync_rates="total", registry_sync_bandwidth_limit="1M", sync_proc=2)
    variables["registry_sync_registries"][0].update(concurrency=9, requests_per_second=400)
    ended = HostGroup(tmp_path, named(HOSTS[:2])).run(variables, "-vvv")
    assert ended.code == 0, ended.text
    calls = [text for text in ended.text.split('"module_args": ')[1:] if '"bandwidth_limit"' in text]
    assert len(calls) == 2
    given = json.JSONDecoder().raw_decode(calls[0])[0]
    assert (given["bandwidth_limit"], given["concurrency"]) == (512 * 1024, 1)
    assert [given["registries"][0][name] for name in ("concurrency", "requests_per_second")] == [4, 200.0]


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_host_that_is_killed_in_the_middle_is_unknown_and_the_next_run_brings_what_lacks(tmp_path: Path) -> None:
    """Hosts in namespaces, each behind a slow link."""
    blob = 400_000
    with (
        network(tmp_path, 3, rate="4mbit") as net,
        docker_registry(tmp_path / "source", address=net.address) as source,
        docker_registry(tmp_path / "destination", address=net.address) as destination,
    ):
        pair = Pair(source, destination)
        with PlainClient(source.endpoint) as client:
            for path in PATHS:
                client.push(path, image(path, layers=[random_blob(path, blob)]), "1.0")
        group = HostGroup(tmp_path, net.hosts)
        playing = group.start(pair.variables("cut"))
        wait_until(lambda: pair.written() or playing.poll() is not None, "first image")
        killed = net.kill("host2")
        broken = group.ended(playing)
        assert killed, broken.text
        assert broken.code != 0
        assert {host for host, state in broken.states().items() if state == "unknown"} == {"host2"}, broken.text
        assert "shard 2 of host2 is unknown" in broken.text

        healed = group.run(pair.variables("cut"))
        assert (healed.code, set(healed.states().values())) == (0, {"done"}), healed.text
        assert pair.written() == Counter(f"cut/app{number}:1.0" for number in range(len(PATHS)))
