# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task loads and what Ansible sends for it: files are gathered for each play and compiled anew in each task.

Bounds are what is needed today, and a little: a file that a plain task needs is worth raising one.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TREE = ROOT / ".cache" / "tree"
PLUGINS = "ansible_collections.imageops.registry.plugins"
UTILS = f"{PLUGINS}.module_utils"

PROGRAM = f"""
import json, os, runpy, socket, sys, threading
sys.path.insert(0, sys.argv[1])
from ansible.module_utils import basic
before = set(sys.modules)

def tell():
    loaded = sorted(set(sys.modules) - before)
    files = [sys.modules[name].__file__ for name in loaded if name.startswith("{UTILS}.")]
    sizes = [os.path.getsize(path) for path in files if path]
    os.write(int(sys.argv[3]), json.dumps([loaded, len(sizes), sum(sizes)]).encode())
    os._exit(0)

def wait():
    server.accept()
    tell()

server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=wait, daemon=True).start()
host = f"127.0.0.1:{{server.getsockname()[1]}}"
options = json.loads(sys.argv[2].replace("HOST", host))
basic._ANSIBLE_ARGS = json.dumps({{"ANSIBLE_MODULE_ARGS": options}}).encode()
basic._ANSIBLE_PROFILE = "legacy"
try:
    runpy.run_module("{PLUGINS}.modules.registry_image_sync", run_name="__main__")
finally:
    tell()
"""
NOTHING = {"images": []}
ONE_IMAGE = {
    "images": [{"source": "HOST/apps/web:1", "destination": "HOST/mirror/web:1"}],
    "registries": [{"registry": "HOST", "plain_http": True}],
}


@dataclass(frozen=True)
class Loaded:
    """What was loaded beside what every module of Ansible loads.

    :ivar files: how many files of the collection
    :ivar size: bytes of source in these
    """

    names: frozenset[str]
    files: int
    size: int


def _loaded(options: object, directory: Path) -> Loaded:
    """Run a sync to its first connection, or to its end where it makes none."""
    told = directory / "told.json"
    with told.open("wb") as file:
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(TREE), json.dumps(options), str(file.fileno())],
            stdout=subprocess.DEVNULL,
            pass_fds=[file.fileno()],
            env={"HOME": str(directory)},
            timeout=120,
            check=True,
        )
    names, files, size = json.loads(told.read_text(encoding="utf-8"))
    return Loaded(frozenset(names), files, size)


@pytest.fixture(scope="module")
def one_image(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """What is loaded when the first request of a plain run goes out."""
    return _loaded(ONE_IMAGE, tmp_path_factory.mktemp("one_image"))


@pytest.mark.parametrize(
    "name",
    [
        "asyncio",
        "requests",
        "email.utils",
        f"{UTILS}._acr.api.client",
        f"{UTILS}._acr.api.signature",
        f"{UTILS}._harbor",
        f"{UTILS}._hosted.tag_lists",
        f"{UTILS}._modules.sync.approval",
        f"{UTILS}._modules.sync.locking",
        f"{UTILS}._oci.image.index_filter",
        f"{UTILS}._oci.layout",
        f"{UTILS}._oci.registry.blob_download",
        f"{UTILS}._oci.registry.blob_upload",
        f"{UTILS}._oci.signatures",
        f"{UTILS}._oci.store.blob_source",
        f"{UTILS}._sync.copy",
        f"{UTILS}._sync.deletion",
        f"{UTILS}._sync.plan.pruning",
        f"{UTILS}._sync.plan.sides.creation_times",
        f"{UTILS}._sync.results.html",
        f"{UTILS}._sync.results.log_file",
        f"{UTILS}._sync.rules.approved_plan",
        f"{UTILS}._sync.rules.files.image_syncer",
        f"{UTILS}._sync.rules.re2",
        f"{UTILS}._sync.rules.tags.semver",
    ],
)
def test_what_few_tasks_need_is_not_loaded(one_image: Loaded, name: str) -> None:
    assert f"{UTILS}._sync.engine" in one_image.names
    assert name not in one_image.names


def test_a_run_loads_no_more_before_its_first_request(one_image: Loaded) -> None:
    assert one_image.files <= 120
    assert one_image.size <= 752_000


def test_a_task_with_nothing_to_do_loads_neither_the_engine_nor_the_client(tmp_path: Path) -> None:
    loaded = _loaded(NOTHING, tmp_path)
    assert not {f"{UTILS}._sync.engine", f"{UTILS}._oci.http.transport", "ssl"} & loaded.names
    assert loaded.files <= 59
    assert loaded.size <= 331_000


@pytest.mark.parametrize(
    ("module", "most"),
    [
        ("acr_repository", 52),
        ("ram_user", 48),
        ("registry_destination_info", 148),
        ("registry_image_info", 133),
        ("registry_image_sync", 219),
        ("registry_image_sync_start", 3),
        ("registry_image_tag", 121),
        ("registry_report_merge", 58),
    ],
)
def test_ansible_sends_no_more_files_than_a_module_can_need(module: str, most: int) -> None:
    assert len(_sent(ROOT / "plugins" / "modules" / f"{module}.py")) <= most


def test_what_threads_may_import_they_import_one_at_a_time() -> None:
    utils = ROOT / "plugins" / "module_utils"
    layers = ("_oci", "_acr", "_harbor", "_hosted")
    paths = [path for layer in layers for path in (utils / layer).rglob("*.py")]
    paths += [utils / "_sync/vendors.py", utils / "_modules/connections.py"]
    paths += [utils / "_sync/plan/comparison.py", utils / "_sync/plan/sides/source_images.py"]
    late = {f"{path.name}: {ast.unparse(each)}" for path in paths for each in _late_imports(path, unlocked=False)}
    assert "repository.py: from .blob_push import BlobWriter" in late
    assert not [ast.unparse(each) for path in paths for each in _late_imports(path, unlocked=True)]


def _late_imports(path: Path, *, unlocked: bool) -> Iterator[ast.ImportFrom]:
    """Yield what functions import of the collection: all of it, or what they import without IMPORTING."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    locked = {
        id(each)
        for block in ast.walk(tree)
        if isinstance(block, ast.With) and ast.unparse(block.items[0].context_expr) == "IMPORTING"
        for each in block.body
    }
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for each in ast.walk(function):
                if isinstance(each, ast.ImportFrom) and each.level and not (unlocked and id(each) in locked):
                    yield each


def _sent(module: Path) -> set[Path]:
    """Return the files that Ansible sends: it follows every import, those in functions and for types, too."""
    sent: set[Path] = set()
    ahead = [module]
    while ahead:
        path = ahead.pop()
        if path not in sent:
            sent.add(path)
            ahead += _imported(path)
    return sent


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        parts = (node.module or "").split(".") if node.module else []
        if node.level:
            base = path.parents[node.level - 1]
        elif ".".join(parts).startswith(UTILS):
            base, parts = ROOT / "plugins", parts[4:]
        else:
            continue
        for alias in node.names:
            for target in (base.joinpath(*parts, f"{alias.name}.py"), base.joinpath(*parts).with_suffix(".py")):
                if target.is_file():
                    yield target
