# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is watched and stopped: lines of progress, and modules that end with the play that waits for them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes.playbooks import CAN_PLAY, environment_of
from support.scenes.playing import LOCAL, Playing, copying, plays
from support.servers.processes import wait_until
from support.servers.shared import Servers

pytestmark = pytest.mark.skipif(not CAN_PLAY, reason="this Python is one of managed hosts only")

LINE = r"^\[localhost\] copying \d+/1 images, "
SLOW = {"bandwidth_limit": 16384}


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Playing]]:
    """Start plays."""
    with plays(tmp_path) as start:
        yield start


@pytest.fixture
def task(servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str) -> Callable[..., dict[str, Any]]:
    """Make a task that copies one image, of 20 MB where no size is said."""

    def make(size: int = 20_000_000, **options: Any) -> dict[str, Any]:
        return copying(servers, plain, repository, size=size, **options)

    return make


@pytest.fixture
def playing(play: Callable[..., Playing], task: Callable[..., dict[str, Any]]) -> Callable[..., Playing]:
    """Start a play that copies one large image at 16 KiB a second."""
    return lambda **keywords: play([{**task(**SLOW), **keywords}])


def test_progress_is_shown_on_standard_error_alone(playing: Callable[..., Playing]) -> None:
    under_way = playing()
    under_way.shows(r"^\[localhost\] to copy: 1 of 1 images, 20\.0 MB$")
    under_way.shows(LINE + r".* of 20\.0 MB.*; sha256:[0-9a-f]{12} of 20\.0 MB: \d+ %")
    assert not any("localhost] " in line and "copy" in line for line in under_way.out)
    assert under_way.modules()


def test_with_no_log_nothing_is_named(playing: Callable[..., Playing]) -> None:
    under_way = playing(no_log=True)
    under_way.shows(LINE)
    assert "sha256:" not in "".join(under_way.error)
    assert "tests/" not in "".join(under_way.out + under_way.error)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["INT", "TERM", "KILL"])
def test_the_module_ends_with_its_controller(playing: Callable[..., Playing], number: signal.Signals) -> None:
    under_way = playing()
    under_way.shows(LINE)
    under_way.process.send_signal(number)
    under_way.process.wait()
    under_way.wait_for_modules()


def test_the_module_ends_with_the_time_of_its_task(playing: Callable[..., Playing]) -> None:
    under_way = playing(timeout=60)
    under_way.shows(LINE)
    assert under_way.end() == 2
    under_way.wait_for_modules()
    said = "".join(under_way.out + under_way.error)
    assert "imed out" in said or "in the expected time frame (60)" in said  # before ansible-core 2.19


def test_what_is_stopped_writes_its_log_and_its_report_and_they_agree(
    play: Callable[..., Playing], task: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    log, report = tmp_path / "sync.log", tmp_path / "report.json"
    under_way = play([task(**SLOW, log_path=str(log), report_path=str(report))])
    under_way.shows(LINE)
    under_way.process.kill()
    under_way.process.wait()
    under_way.wait_for_modules()
    told = json.loads(report.read_text(encoding="utf-8"))
    assert (told["interrupted"], told["summary"]["pending"]) == (True, 1)
    written = [line.partition(" ")[2] for line in log.read_text(encoding="utf-8").splitlines()]
    assert written[0] == "synchronization begins, 1 rule"
    assert written[1] == "to copy: 1 of 1 images, 20.0 MB"
    assert written[2].startswith("copying 0/1 images, ")
    assert written[-2].startswith("totals: 1 image: 1 not ")
    assert written[-1].startswith("synchronization interrupted, 0 of 1 images failed, cost ")


def test_with_async_there_is_no_line_and_the_log_has_them(
    play: Callable[..., Playing], task: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    log = tmp_path / "sync.log"
    under_way = play([{**task(size=100_000, **SLOW, log_path=str(log)), "async": 300, "poll": 1}])
    assert under_way.end() == 0, under_way.out
    assert not any("copying" in line for line in under_way.error)
    assert " copying 0/1 images, " in log.read_text(encoding="utf-8")


def test_in_check_mode_nothing_is_said_to_be_copied(
    play: Callable[..., Playing], task: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    log = tmp_path / "sync.log"
    under_way = play([task(size=1000, progress=0.01, log_path=str(log))], arguments=["--check"])
    assert under_way.end() == 0, under_way.out
    assert under_way.error[-1] == "1 image: 1 to create; 1.4 kB would be written\n"
    assert not any("copying" in line for line in [*under_way.error, log.read_text(encoding="utf-8")])


AS_JSON = """
import json
from ansible.plugins.callback import CallbackBase
DOCUMENTATION = "name: as_json\\ntype: stdout\\nshort_description: The results as JSON\\ndescription: [Nothing else.]"
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "stdout", "as_json"
    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self._results = []
    def v2_runner_on_ok(self, result):
        self._results.append(result._result)
    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps(self._results, default=str))
"""


def test_the_output_of_a_callback_that_writes_json_is_json(
    play: Callable[..., Playing], task: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "as_json.py").write_text(AS_JSON, encoding="utf-8")
    plugins = f"{tmp_path}:{environment_of(tmp_path)['ANSIBLE_CALLBACK_PLUGINS']}"
    environ = {"ANSIBLE_STDOUT_CALLBACK": "as_json", "ANSIBLE_CALLBACK_PLUGINS": plugins}
    under_way = play([task(size=100_000, **SLOW)], environ=environ)
    assert under_way.end() == 0, under_way.out
    under_way.shows(LINE)
    (result,) = json.loads("".join(under_way.out))
    assert result["summary"]["created"] == 1
    assert not any(line.startswith("1 image: ") for line in under_way.error)


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_lines_of_several_hosts_say_which_host_they_are_of(
    play: Callable[..., Playing], task: Callable[..., dict[str, Any]], strategy: str
) -> None:
    hosts = {"one": LOCAL, "two": LOCAL}
    under_way = play([task(**SLOW)], hosts=hosts, play={"strategy": strategy})
    for name in hosts:
        under_way.shows(rf"^\[{name}\] copying \d+/1 images, ")


def test_each_item_of_a_loop_has_lines_and_a_last_word(
    play: Callable[..., Playing], task: Callable[..., dict[str, Any]]
) -> None:
    under_way = play([{**task(size=100_000, **SLOW, rewrite="{{ item }}"), "loop": [False, True]}])
    assert under_way.end() == 0, under_way.out
    assert sum(line.startswith("1 image: ") for line in under_way.error) == 2
    under_way.shows(LINE)


def test_without_the_plugin_all_else_works(
    play: Callable[..., Playing], task: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """The module is run by another plugin, which knows nothing of leases."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "other.py").write_text(
        "from ansible.plugins.action import ActionBase\n\n\n"
        "class ActionModule(ActionBase):\n"
        "    def run(self, tmp=None, task_vars=None):\n"
        "        name = 'imageops.registry.registry_image_sync'\n"
        "        return self._execute_module(module_name=name, task_vars=task_vars)\n",
        encoding="utf-8",
    )
    made = task(size=1000)
    other = {"name": "Copy", "other": made["imageops.registry.registry_image_sync"]}
    under_way = play([other], environ={"ANSIBLE_ACTION_PLUGINS": str(plugins)})
    assert under_way.end() == 0, under_way.out
    assert "changed=1" in "".join(under_way.out)
    wait_until(lambda: not under_way.modules(), "end of the module")
