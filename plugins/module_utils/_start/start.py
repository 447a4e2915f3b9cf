# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module whose code Ansible has not packed: an action plugin says where it is, or sends it.

Ansible packs what it sees imported, file by file. So nothing of the other layers is imported here by its name, and what
these need of Ansible is imported here for them. Old Pythons read this file, too: they get a sentence from that code.
"""

import base64
import importlib
import json
import os
import sys
import zlib
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from typing import Any, Optional, Tuple  # noqa: UP035

from ansible.module_utils import basic
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .sources import Sources, found_in, read

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22
    register_secret = None

__all__ = ["ArgumentSpecValidator", "InstalledCode", "SentCode", "register_secret", "start"]

UTILS = __name__.rpartition("._start.")[0]


class SentCode(MetaPathFinder, ExecutionLoader):
    """Imports modules out of their sources."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        """Return the spec of a module that is among the sources, or None."""
        return spec_from_loader(fullname, self) if fullname in self._sources else None

    def is_package(self, fullname: str) -> bool:
        """Return whether a module is a package."""
        return self._sources[fullname] is None

    def get_source(self, fullname: str) -> str:
        """Return the source of a module."""
        return self._sources[fullname] or ""

    def get_filename(self, fullname: str) -> str:
        """Return what tracebacks call the file of a module."""
        return fullname.replace(".", "/") + ("/__init__.py" if self.is_package(fullname) else ".py")


class InstalledCode(SentCode):
    """Leaves modules to Python's own import from their files, which keeps what it compiles.

    What has been replaced or removed since the start is imported as it was then: a run may take hours, and loads some
    modules late.

    :param directory: where the modules are
    """

    def __init__(self, directory: str) -> None:
        self._paths = dict(found_in(directory, UTILS))
        self._states = {name: _state(path) for name, path in self._paths.items()}
        super().__init__({name: read(path) for name, path in self._paths.items()})

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        """Return the spec of a module whose file is not what it was, or None."""
        if fullname not in self._paths or _state(self._paths[fullname]) == self._states[fullname]:
            return None
        return super().find_spec(fullname, path, target)


def start(name: str) -> None:
    """Make the code importable that the option ``code`` brings, and call ``main`` in it with the other options.

    :param name: of the module in it, below module_utils
    """
    code = _taken_from_options()
    if code is None:
        spec = {"code": {"type": "dict", "required": True}}
        basic.AnsibleModule(spec).fail_json(msg="only action plugins run this module")
    path, sources = code.get("path"), code.get("sources")
    if sources:
        sys.meta_path.insert(0, SentCode(json.loads(zlib.decompress(base64.b64decode(sources)).decode())))
    elif path and os.path.isdir(os.path.join(path, "_modules")):
        sys.meta_path.insert(0, InstalledCode(path))
        sys.modules[UTILS].__path__.append(path)
    else:
        # As with an interpreter that is a program in a container, or of another user.
        sys.stdout.write(json.dumps({"changed": False, "code_is_needed": True}))
        raise SystemExit(0)
    importlib.import_module(f"{UTILS}.{name}").main()


def _taken_from_options() -> Any:
    """Return the option ``code``, which AnsibleModule and thus logs and results do not see then; None without it."""
    if not hasattr(basic, "_ANSIBLE_ARGS"):
        return {}  # a newer Ansible keeps the options elsewhere
    if basic._ANSIBLE_ARGS is None:
        return None  # nothing is run: documentation is checked
    options = json.loads(basic._ANSIBLE_ARGS.decode())
    code = options["ANSIBLE_MODULE_ARGS"].get("code")
    if not isinstance(code, dict) or not code:
        return None
    del options["ANSIBLE_MODULE_ARGS"]["code"]
    basic._ANSIBLE_ARGS = json.dumps(options).encode()
    return code


def _state(path: str) -> Optional[Tuple[int, ...]]:  # noqa: UP006
    """Return what changes with a file; of a folder, whether it is there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return () if os.path.isdir(path) else (found.st_mtime_ns, found.st_size, found.st_ino)
