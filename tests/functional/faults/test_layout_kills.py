# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at moments spread over what a run does to the disk: a whole layout is left, and the next run completes it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from support.scenes import images, layouts
from support.scenes.runs import Run

KILLS = 50
CALLS = frozenset(("open", "mkdir", "write", "pwrite", "posix_fallocate", "ftruncate", "fsync", "rename", "unlink"))
OLD, NEW, LIST = images.image("old"), images.image("new"), images.multi_arch("list")


def sync(place: str) -> list[str]:
    """The statuses of a copy out of the layout beside it."""
    source = f"oci:{Path(place.partition(':')[2]).parent}/source"
    return [image.status.value for image in Run([]).sync({"source": source, "destination": place}).images]


def run_until(place: str, number: int, told: Any) -> None:
    """Export, be killed before the so manieth call that changes what is on disk, or tell how many there were."""
    seen = 0

    def look(frame: object, event: str, called: Any) -> None:
        nonlocal seen
        if event == "c_call" and called.__name__ in CALLS and called.__module__ == "posix":
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(look)
    sys.setprofile(look)
    sync(place)
    sys.setprofile(None)
    told.put(seen)


def killed_at(number: int, place: str) -> int:
    """Run in another process. Gives how much was done in all, 0 when it was killed."""
    context = multiprocessing.get_context("fork")
    told = context.SimpleQueue()
    process = context.Process(target=run_until, args=(place, number, told))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return told.get() if process.exitcode == 0 else 0


def begin(root: Path) -> Path:
    """A directory with a layout in which a tag is older."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    tags = [
        (LIST, "nginx:1"),
        (LIST, "nginx:2"),
        (NEW, "redis:7"),
        *((images.image(each), f"more:{each}") for each in "123"),
    ]
    layouts.write(root / "source", [(image, {layouts.REF: f"library/{name}"}) for image, name in tags])
    layouts.write(root / "bundle", [(OLD, {layouts.REF: "library/redis:7"})])
    layouts.pack(root / "bundle", root / "bundle.tar")
    return root


def there(root: Path, transport: str) -> Path:
    """The layout as a directory."""
    if transport == "oci":
        return root / "bundle"
    shutil.rmtree(root / "unpacked", ignore_errors=True)
    (root / "unpacked").mkdir()
    layouts.unpack(root / "bundle.tar", root / "unpacked")
    return root / "unpacked"


@pytest.mark.parametrize("transport", ["oci", "oci-archive"])
def test_killed_at_any_moment(tmp_path: Path, transport: str) -> None:
    name = "bundle" if transport == "oci" else "bundle.tar"
    root = begin(tmp_path / "root")
    place = f"{transport}:{root / name}"
    moments = killed_at(0, place)
    whole = layouts.named(there(root, transport))
    assert moments > KILLS
    killed = 0
    for number in range(KILLS):
        begin(root)
        killed += not killed_at(1 + number * moments // KILLS, place)
        assert layouts.faults(there(root, transport)) == [], number
        named = layouts.named(there(root, transport))
        assert named.pop("library/redis:7") in (OLD.digest, NEW.digest)
        assert named.items() <= whole.items()
        assert set(sync(place)) == {"done"}
        assert layouts.named(there(root, transport)) == whole
        assert layouts.faults(there(root, transport)) == []
        assert list(root.rglob(".imageops-registry/tmp/*")) == list(root.glob(".*.new")) == []
    assert killed >= 0.9 * KILLS  # threads do not always do the same
