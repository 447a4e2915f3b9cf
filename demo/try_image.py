# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacks an image that skopeo has copied to a ``dir:`` and runs its command inside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def blob(image: Path, descriptor: dict[str, Any]) -> Path:
    return image / str(descriptor["digest"]).partition(":")[2]


def main(image: Path, root: Path) -> int:
    manifest = json.loads((image / "manifest.json").read_text())
    config = json.loads(blob(image, manifest["config"]).read_text())["config"]
    root.mkdir()
    for layer in manifest["layers"]:
        subprocess.run(["tar", "-xzf", str(blob(image, layer)), "-C", str(root)], check=True)
    command = ["chroot", str(root), "/bin/env", "-i", *config["Env"], *config["Cmd"]]
    if os.geteuid() != 0:
        command = ["unshare", "--map-root-user", *command]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
