# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes this checkout importable as ansible_collections.imageops.registry, whatever its directory is called.

Makes the helpers of functional tests importable everywhere too: of some no server is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _link_collection() -> Path:
    tree = ROOT / ".cache" / "tree"
    link = tree / "ansible_collections" / "imageops" / "registry"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        try:
            link.symlink_to(ROOT)
        except FileExistsError:
            pass
    return tree


sys.path[:0] = [str(_link_collection()), str(ROOT / "tests" / "functional")]
