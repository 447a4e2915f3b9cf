# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of modules in one piece, for a target where the collection is not installed.

Ansible packs a module by reading it, and then each file that it imports, for the names of further ones. With as many
files as there are here, that takes longer than most tasks. What is made here is for ``_start/start.py`` to import.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import zlib
from pathlib import Path

from ansible_collections.imageops.registry.plugins.module_utils._start.sources import found_in, read

UTILS = Path(__file__).resolve().parents[1] / "module_utils"
_PACKAGE = "ansible_collections.imageops.registry.plugins.module_utils"


def sent_code(cache: Path) -> str:
    """Return all code of modules, compressed, as text.

    :param cache: a directory of this run of Ansible; what is made is kept there for its other tasks and hosts
    """
    kept = cache / "imageops-registry-code"
    if not kept.exists():
        sources = {name: read(path) for name, path in found_in(str(UTILS), _PACKAGE)}
        descriptor, being_written = tempfile.mkstemp(dir=cache)
        with open(descriptor, "wb") as file:
            file.write(base64.b64encode(zlib.compress(json.dumps(sources).encode())))
        os.replace(being_written, kept)
    return kept.read_text(encoding="ascii")
