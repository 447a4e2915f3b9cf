# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print how many files of the collection one image enters while ``registry_image_sync`` copies it.

    python tests/walk.py [--list]

Two docker-registries are started on loopback. One image is copied first, so that every module is loaded; then another
one is copied by the same module, and every file in which a function is called is counted. The number is a report, not a
limit. Needs what the functional tests need.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

TESTS = Path(__file__).resolve().parent
PLUGINS = TESTS.parent / "plugins"
sys.path[:0] = [str(TESTS), str(TESTS / "functional")]

import conftest  # noqa: E402, F401 - makes the collection importable
from ansible.module_utils.testing import patch_module_args  # noqa: E402
from ansible_collections.imageops.registry.plugins.modules import registry_image_sync  # noqa: E402
from support.clients.plain_client import PlainClient  # noqa: E402
from support.scenes import images  # noqa: E402
from support.servers.docker_registry import DockerRegistry, docker_registry  # noqa: E402


class Walk:
    """Counts the calls in each file of the collection, in all threads.

    :ivar calls: how many functions were called in each file, by its path below ``plugins``
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._names: dict[str, str] = {}

    def _note(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            name = self._name(frame.f_code.co_filename)
            if name:
                self.calls[name] += 1

    def _name(self, path: str) -> str:
        """Return the path below ``plugins``, an empty string for other files."""
        name = self._names.get(path)
        if name is None:
            file = Path(path).resolve()
            name = self._names[path] = str(file.relative_to(PLUGINS)) if file.is_relative_to(PLUGINS) else ""
        return name

    def __enter__(self) -> Walk:
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *fault: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)


def _copy(source: DockerRegistry, destination: DockerRegistry, tag: str) -> dict[str, Any]:
    """Run the module in this process. Return its result."""
    options = {
        "images": [{"source": f"{source.host}/app:{tag}", "destination": f"{destination.host}/app"}],
        "registries": [{"registry": place.host, "plain_http": True} for place in (source, destination)],
        "docker_config": "",
        "_ansible_remote_tmp": tempfile.gettempdir(),
        "_ansible_keep_remote_files": False,
    }
    printed = io.StringIO()
    with patch_module_args(options), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        registry_image_sync.main()
    result: dict[str, Any] = json.loads(printed.getvalue())
    return result


def walk() -> Counter[str]:
    """Copy one image from one registry to another. Return how many functions were called in each file."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source, destination = (
            stack.enter_context(docker_registry(directory / name)) for name in ("source", "destination")
        )
        client = stack.enter_context(PlainClient(source.endpoint))
        for number, tag in enumerate(("first", "second")):
            client.push("app", images.image(number), tag)
        _copy(source, destination, "first")
        with Walk() as found:
            result = _copy(source, destination, "second")
    if result.get("failed") or result["summary"]["created"] != 1:
        raise SystemExit(f"the image was not copied: {result['msg']}")
    return found.calls


def main() -> None:
    """Walk, and print the number of files, with ``--list`` each of them too."""
    parser = argparse.ArgumentParser(description="How many files of the collection one image enters.")
    parser.add_argument("--list", action="store_true", help="print each file and the number of calls in it")
    arguments = parser.parse_args()
    calls = walk()
    if arguments.list:
        for name, number in sorted(calls.items()):
            print(f"{number:6} {name}")
    print(f"one image enters {len(calls)} files of the collection")


if __name__ == "__main__":
    main()
