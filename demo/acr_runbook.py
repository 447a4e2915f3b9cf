# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runbook against a simulated account, from nothing to done, verified and taken down. Ends with 1 when a run does
other than it must.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / ".cache" / "tree"


def find_test_servers() -> None:
    """Make importable what the tests of the runbook are made of, and this checkout as the collection that it is."""
    link = TREE / "ansible_collections" / "imageops" / "registry"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT)
    sys.path[:0] = [str(ROOT / "tests" / part) for part in ("runbook", "functional")] + [str(TREE)]


def main() -> int:
    begun = time.monotonic()
    find_test_servers()
    from acr_runs import Unexpected, show

    cache = ROOT / ".cache" / "demo"
    cache.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="acr.", dir=cache))
    try:
        show(directory)
    except Unexpected as error:
        print(f"{error}\nThe demo failed.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was stopped.", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"\nAll as it must be, in {time.monotonic() - begun:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
