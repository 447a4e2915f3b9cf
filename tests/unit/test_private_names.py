# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of libraries only what is public is used: no private module, no private name of theirs is read, set or overridden."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
LIBRARIES = ("urllib3", "requests", "http", "socks", "socket", "ssl", "urllib")
ANSIBLES = frozenset(
    (
        "_ANSIBLE_ARGS",
        "_connection",
        "_diff",
        "_execute_module",
        "_flatten",
        "_loader",
        "_low_level_execute_command",
        "_play_context",
        "_shared_loader_obj",
        "_task",
        "_templar",
        "_update_module_args",
    )
)
"""Names that Ansible gives to modules and action plugins: what plugins of its own use, and what it runs modules with.

Without the one in capitals, and the last, a sync still runs: Ansible packs it then, and messages have another name.
"""


def is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def of_library(module: str | None) -> bool:
    return module is not None and module.split(".")[0] in LIBRARIES


def defined(tree: ast.AST) -> set[str]:
    """Every private name that a file itself defines: functions, classes, fields, slots and what it sets on self."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
            names.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)  # in __slots__
    return names


def is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def faults(text: str, inherited: set[str]) -> Iterator[str]:
    """Yield every use of what is private to a library.

    :param inherited: names that the collection's own classes define, wherever they are
    """
    tree = ast.parse(text)
    own = defined(tree)
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if of_library(alias.name) and any(map(is_private, alias.name.split("."))):
                    yield f"line {node.lineno}: import {alias.name}"
        elif isinstance(node, ast.ImportFrom) and of_library(node.module) and not node.level:
            imported |= {alias.asname or alias.name for alias in node.names}
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            if any(map(is_private, parts)):
                yield f"line {node.lineno}: from {node.module} import {', '.join(alias.name for alias in node.names)}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in ANSIBLES:
            known = own | inherited if is_own(node.value) else own
            if node.attr not in known:
                yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.ClassDef) and any(root(base) in imported | set(LIBRARIES) for base in node.bases):
            yield from (f"class {node.name}: {name}" for name in sorted(defined(node)) if is_private(name))


def root(base: ast.expr) -> str:
    while isinstance(base, ast.Attribute):
        base = base.value
    return base.id if isinstance(base, ast.Name) else ""


def test_only_public_names_of_libraries_are_used() -> None:
    files = sorted(PLUGINS.rglob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    inherited = {name for text in texts.values() for name in defined(ast.parse(text)) if is_private(name)}
    found = [
        f"{path.relative_to(PLUGINS)} {fault}" for path, text in texts.items() for fault in faults(text, inherited)
    ]
    assert len(files) > 100
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "import urllib3._collections",
        "from urllib3.util import _wait",
        "from urllib3._request_methods import RequestMethods",
        "import http.client as c\nc._MAXLINE = 5",
        "def use(pool):\n    return pool._get_conn()",
        "def use(pool, connection):\n    pool._put_conn(connection)",
        "def use(pool):\n    def inner():\n        pool._prepare_proxy(1)\n    return inner",
        "from urllib3.connection import HTTPConnection\nclass A(HTTPConnection):\n    def _new_conn(self): pass",
        "import http.client\nclass A(http.client.HTTPConnection):\n    def open(self):\n        self._tunnel_host = ''",
        "from urllib3.connection import HTTPConnection\nclass A(HTTPConnection):\n"
        "    def open(self):\n        return self._dns_host",
        "import ssl\nssl._create_unverified_context()",
    ],
)
def test_what_is_private_is_found(text: str) -> None:
    assert list(faults(text, set()))


@pytest.mark.parametrize(
    "text",
    [
        "from urllib3.util import wait_for_read",
        "class A:\n    def __init__(self, other):\n        self._sock = other._sock",
        "class A(Own):\n    def use(self):\n        return self._task",
        "import ssl\nssl.create_default_context().__class__",
    ],
)
def test_what_is_public_or_our_own_is_not(text: str) -> None:
    assert not list(faults(text, set()))
