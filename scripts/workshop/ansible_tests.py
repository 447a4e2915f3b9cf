# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers that ansible-test runs, on the installed collection: sanity and integration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from . import collection, cores, debian
from .counts import Counts, from_junit
from .interpreters import interpreters
from .jobs import Absent, Job
from .places import plain
from .shell import Argv, CommandFailed, Shell
from .venvs import Venv, locked

_TEST_FAILED = 1
# Where ansible-test looks for the script that puts pip into its environments, by the pip that each core wants. It gets
# it from a host of its own, which may be out of reach.
_GET_PIP = Path.home() / ".ansible" / "test" / "cache"
_GET_PIP_NAMES = ("get_pip_24_2.py", "get_pip_25_2.py")
_STAND_IN = Path(__file__).with_name("get_pip.py")


def sanity(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Run all sanity tests with the oldest and the newest core.

    The newest looks at every Python that it finds, the oldest at its own, or at every one where it is alone.
    """
    for core in (cores.OLDEST, cores.NEWEST):
        name = f"sanity/core-{core}"
        version = cores.controller(core)
        if version:
            alone = core == cores.NEWEST or not cores.controller(cores.NEWEST)
            which = [] if alone else ["--python", version]
            yield Job(name, partial(_sanity, name, core, version, [*which, *arguments]), about=80)
        else:
            yield Absent(name, f"no Python for ansible-core {core} is here")


def integration(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Run all targets with the oldest core, and with the newest where modules run on the oldest Python that is here."""
    for core in (cores.OLDEST, cores.NEWEST):
        version = cores.controller(core)
        if not version:
            yield Absent(f"integration/core-{core}", f"no Python for ansible-core {core} is here")
            continue
        target = version if core == cores.OLDEST else next(iter(interpreters()))
        name = f"integration/core-{core}-python-{target}"
        where = ["--controller", f"origin:python={version}", "--target", f"controller:python=venv/{target}"]
        yield Job(name, partial(_integration, name, core, version, [*where, *arguments]), about=50)


def _sanity(name: str, core: str, version: str, arguments: Sequence[str], shell: Shell) -> Counts:
    debian.need(shell, ["shellcheck"])
    run = _AnsibleTest(shell, core, version, name)
    code = run(["sanity", "--junit", *arguments])
    counts = from_junit((run.installed / "tests" / "output" / "junit").glob("*.xml"))
    if code and not counts.failed:
        raise CommandFailed("ansible-test failed without a failing test")
    return counts


def _integration(name: str, core: str, version: str, arguments: Sequence[str], shell: Shell) -> Counts:
    debian.need(shell, ["docker-registry", "openssl", "skopeo", "ssh-keygen"])
    run = _AnsibleTest(shell, core, version, name)
    names = run.output(["integration", "--list-targets", *arguments]).split()
    code = run(["integration", "--continue-on-error", *arguments])
    passed = run.passed_targets()
    if code and len(passed) == len(names):
        raise CommandFailed("ansible-test failed without a failing target")
    return Counts(passed=len(passed), failed=len(names) - len(passed))


class _AnsibleTest:
    """ansible-test of one core, on a fresh installation of the collection."""

    def __init__(self, shell: Shell, core: str, version: str, name: str) -> None:
        self._shell = shell
        made = cores.core_venv(shell, core, version)
        self._venv = Venv(plain(made.directory))
        self.installed = plain(collection.install(shell, made, name.replace("/", "-")))
        # Told where the content is, ansible-test does not look for a git checkout around it.
        self._env = self._venv.environment(ANSIBLE_TEST_CONTENT_ROOT=str(self.installed))
        _provide_get_pip()

    def __call__(self, arguments: Sequence[str]) -> int:
        command: Argv = [self._venv.python, self._venv.tool("ansible-test"), *arguments, "--color", "no"]
        return self._shell.run(command, env=self._env, cwd=self.installed, accept=(0, _TEST_FAILED))

    def output(self, arguments: Sequence[str]) -> str:
        command: Argv = [self._venv.python, self._venv.tool("ansible-test"), *arguments, "--color", "no"]
        return self._shell.output(command, env=self._env, cwd=self.installed)

    def passed_targets(self) -> set[str]:
        """Give the integration targets that ran to their end, which is what ansible-test records."""
        records = (self.installed / "tests" / "output" / "data").glob("integration-*.json")
        return {name for record in records for name in json.loads(record.read_text(encoding="utf-8"))["targets"]}


def _provide_get_pip() -> None:
    with locked("get-pip"):
        _GET_PIP.mkdir(parents=True, exist_ok=True)
        for name in _GET_PIP_NAMES:
            if not (_GET_PIP / name).exists():
                (_GET_PIP / name).write_bytes(_STAND_IN.read_bytes())
