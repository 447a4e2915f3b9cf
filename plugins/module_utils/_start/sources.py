# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of all modules below a directory, by the names under which they are imported.

Old Pythons read this file, too.
"""

import os
from typing import Dict, Iterator, Optional, Tuple  # noqa: UP035

Sources = Dict[str, Optional[str]]  # noqa: UP006
"""A module's source by its name; a package has None."""


def found_in(directory: str, package: str) -> Iterator[Tuple[str, str]]:  # noqa: UP006
    """Yield the name and the path of each module, and of each folder that may hold some.

    :param package: the name under which the directory is imported
    """
    for folder, folders, files in os.walk(directory, followlinks=True):
        folders[:] = sorted(name for name in folders if name.isidentifier() and name != "__pycache__")
        below = os.path.relpath(folder, directory)
        parts = [package] + ([] if below == "." else below.split(os.sep))
        for name in folders:
            yield ".".join(parts + [name]), os.path.join(folder, name)
        for name in sorted(files):
            stem, suffix = os.path.splitext(name)
            path = os.path.join(folder, name)
            # An editor's and an archiver's own files are none, and what cannot be read is left to who imports it.
            if suffix == ".py" and stem.isidentifier() and os.access(path, os.R_OK):
                yield ".".join(parts + [stem]), path


def read(path: str) -> Optional[str]:
    """Return the source that is in a file; None for a folder."""
    if os.path.isdir(path):
        return None
    with open(path, encoding="utf-8", errors="surrogateescape") as file:  # a stray file may be anything
        return file.read()
