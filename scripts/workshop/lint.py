# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layer that looks at the files: style, types, documentation, packaging."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from . import collection, debian
from .counts import Counts
from .interpreters import interpreters
from .jobs import Absent, Job
from .places import BUILD, CACHE, REQUIREMENTS, ROOT
from .shell import Argv, CommandFailed, Shell
from .venvs import Venv, venv

Check = Callable[[Shell, Venv], None]

_IMPORTER = """[galaxy-importer]
RUN_ANSIBLE_TEST = False
CHECK_REQUIRED_TAGS = True
CHECK_CHANGELOG = True
"""


def lint(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Run every check, or those that are named."""
    checks: dict[str, Check] = {
        "ruff": _ruff,
        "ruff-format": _ruff_format,
        "layers": _layers,
        "mypy": _mypy,
        "mypy-workshop": _mypy_workshop,
        "shellcheck": _shellcheck,
        "ansible-lint": _ansible_lint,
        "antsibull-docs": _antsibull_docs,
        "antsibull-changelog": _antsibull_changelog,
        "galaxy-importer": _galaxy_importer,
    }
    for name, check in checks.items():
        if not arguments or name in arguments:
            yield Job(f"lint/{name}", partial(_work, check))


def build(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Build the collection's archive: no test, but wanted by hand."""
    yield Job("build/archive", partial(_work, _build))


def layout(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Mend what ruff can mend, and lay out the Python files."""
    yield Job("format/ruff", partial(_work, _format))


def changelog(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Bring the fragments and new modules into the entry of the version that galaxy.yml names."""
    yield Job("changelog/release", partial(_work, _changelog))


def tools(shell: Shell) -> Venv:
    """Make the environment with all tools, on the newest Python."""
    return venv(shell, "lint", list(interpreters().values())[-1], [REQUIREMENTS / "lint.txt"])


def _work(check: Check, shell: Shell) -> Counts:
    check(shell, tools(shell))
    return Counts(passed=1)


def _ruff(shell: Shell, made: Venv) -> None:
    shell.run([made.tool("ruff"), "check", "--no-fix", ROOT], env=made.environment())


def _ruff_format(shell: Shell, made: Venv) -> None:
    shell.run([made.tool("ruff"), "format", "--check", "--diff", ROOT], env=made.environment())


def _format(shell: Shell, made: Venv) -> None:
    shell.run([made.tool("ruff"), "check", "--fix", ROOT], env=made.environment())
    shell.run([made.tool("ruff"), "format", ROOT], env=made.environment())


def _changelog(shell: Shell, made: Venv) -> None:
    command: Argv = [made.tool("antsibull-changelog"), "release", "--update-existing", "--reload-plugins"]
    shell.run(command, env=made.environment())


def _build(shell: Shell, made: Venv) -> None:
    collection.build(shell, made, BUILD)


def _layers(shell: Shell, made: Venv) -> None:
    shell.run([made.tool("pytest"), "-q", ROOT / "tests" / "lint"], env=made.environment())


def _mypy(shell: Shell, made: Venv) -> None:
    link = CACHE / "tree" / "ansible_collections" / "imageops" / "registry"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT)
    shell.run([made.tool("mypy"), "-p", "ansible_collections.imageops.registry.plugins"], env=made.environment())


def _mypy_workshop(shell: Shell, made: Venv) -> None:
    env = made.environment(MYPYPATH=str(ROOT / "scripts"))
    shell.run([made.tool("mypy"), "--python-version", "3.11", "-p", "workshop"], env=env)


def _shellcheck(shell: Shell, made: Venv) -> None:
    debian.need(shell, ["shellcheck"])
    listed = shell.output(["git", "ls-files", "--cached", "--others", "--exclude-standard"], env=made.environment())
    scripts = [path for path in map(ROOT.joinpath, listed.splitlines()) if path.is_file() and _is_shell(path)]
    shell.run(["shellcheck", *scripts], env=made.environment())


def _is_shell(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(100)
    return first.startswith(b"#!") and first.rstrip().endswith((b"sh", b"bash"))


def _ansible_lint(shell: Shell, made: Venv) -> None:
    # Playbooks name modules of the collection. What ansible-lint downloads goes to the user's home otherwise.
    tree = collection.install(shell, made, "lint-playbooks").parents[2]
    env = made.environment(ANSIBLE_HOME=str(CACHE / "ansible-home"), ANSIBLE_COLLECTIONS_PATH=str(tree))
    shell.run([made.tool("ansible-lint"), "--offline", "--nocolor", "--strict"], env=env)


def _antsibull_docs(shell: Shell, made: Venv) -> None:
    installed = collection.install(shell, made, "lint-docs")
    command = ["lint-collection-docs", "--plugin-docs", "--validate-collection-refs=self"]
    shell.run([made.tool("antsibull-docs"), *command, installed], env=made.environment(), cwd=installed)


def _antsibull_changelog(shell: Shell, made: Venv) -> None:
    for command in (["lint"], ["lint-changelog-yaml", "--no-semantic-versioning", "changelogs/changelog.yaml"]):
        shell.run([made.tool("antsibull-changelog"), *command], env=made.environment())


def _galaxy_importer(shell: Shell, made: Venv) -> None:
    """Import the built collection as Galaxy would; what it only warns of is an error here."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = collection.build(shell, made, Path(scratch))
        config = Path(scratch) / "importer.cfg"
        config.write_text(_IMPORTER, encoding="utf-8")
        env = made.environment(GALAXY_IMPORTER_CONFIG=str(config), ANSIBLE_HOME=scratch)
        said = shell.output([made.python, "-m", "galaxy_importer.main", archive], env=env, cwd=Path(scratch))
    shell.say(said)
    if any(line.startswith(("WARNING", "ERROR")) for line in said.splitlines()):
        raise CommandFailed("galaxy-importer has warnings")
