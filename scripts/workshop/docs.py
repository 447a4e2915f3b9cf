# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layer that builds the documentation's site: the guides, and the reference made from the modules."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from . import collection
from .counts import Counts
from .interpreters import interpreters
from .jobs import Absent, Job
from .places import BUILD, CACHE, REQUIREMENTS, ROOT
from .shell import Argv, Shell
from .venvs import venv

_SITE = BUILD / "docs"


def docs(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Build the site into build/docs; a broken link in it is an error."""
    yield Job("docs/site", lambda shell: _site(shell, arguments), about=30)


def _site(shell: Shell, arguments: Sequence[str]) -> Counts:
    made = venv(shell, "docs", list(interpreters().values())[-1], [REQUIREMENTS / "docs.txt"])
    installed = collection.install(shell, made, "docs")
    source = CACHE / "docs"
    shutil.rmtree(source, ignore_errors=True)
    shutil.rmtree(_SITE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source)
    reference = source / "reference"
    reference.mkdir()
    env = made.environment(ANSIBLE_COLLECTIONS_PATH=str(installed.parents[2]))
    generate: Argv = [
        made.tool("antsibull-docs"),
        "collection",
        "--use-current",
        "--squash-hierarchy",
        "--fail-on-error",
    ]
    shell.run([*generate, "--dest-dir", reference, "imageops.registry"], env=env)
    build: Argv = [made.python, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html", *arguments]
    shell.run([*build, source, _SITE], env=env)
    shell.say(f"the site is {_SITE / 'index.html'}")
    return Counts(passed=1)
