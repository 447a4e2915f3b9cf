# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers that pytest runs: unit on every Python, functional with the newest and the oldest requests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from . import cores, debian
from .counts import Counts, from_junit
from .interpreters import VERSIONS, interpreters
from .jobs import Absent, Job
from .places import CACHE, REQUIREMENTS
from .shell import Argv, CommandFailed, Shell
from .venvs import Venv, venv

# Each core once, on a Python that it is for; Pythons not named here get only what runs on managed hosts.
_CORE_FOR = {"3.11": cores.OLDEST, "3.12": cores.MIDDLE, "3.13": cores.NEWEST, "3.14": cores.NEWEST}
# urllib3 1.26.5 does not run on newer ones.
_FOR_OLDEST_REQUESTS = ("3.9", "3.10", "3.11")
_SERVERS = ("docker-registry", "skopeo", "openssl", "setpriv")
_PLAYBOOK_TESTS = tuple(f"tests/functional/acr/test_{name}.py" for name in ("failures", "playbooks", "sync"))
_FAULTS = "tests/functional/faults"
_NOT_OF_THE_LIBRARY = (
    *(
        f"tests/functional/acr/test_{name}.py"
        for name in ("endpoint", "login", "modules", "program", "ram", "registry", "resources", "sdk")
    ),
    *(
        f"tests/functional/test_{name}.py"
        for name in (
            "discover",
            "fault_proxy",
            "harbor_server",
            "interrupt",
            "limits",
            "memory",
            "servers",
            "sync_module",
            "synthetic",
        )
    ),
    *(
        f"{_FAULTS}/test_{name}.py"
        for name in (
            "bounds",
            "kills",
            "load",
            "moving_targets",
            "secrets_in_output",
            "secrets_of_acr",
            "several_destinations",
            "soak",
        )
    ),
)
# Runs of whole playbooks take long: each core has a part of them.
_RUNBOOK = {cores.OLDEST: ("logins", "other_registries", "long_run"), cores.NEWEST: ("migration",)}
_TEST_FAILED = 1
_FEW = 20
_TEST_SECONDS = 300


def unit(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Run the unit tests on every Python, and the workshop's own on one.

    The newest gets all examples of each property that hypothesis makes; the others have only to agree with it.
    """
    for version in VERSIONS:
        name = f"unit/python-{version}"
        if version in interpreters():
            yield Job(name, partial(_unit, name, version, arguments), about=40)
        else:
            yield Absent(name, f"Python {version} is not here")


def functional(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Run the functional tests with the newest packages on the newest Python, and with the oldest on the oldest.

    Those that run whole playbooks and those of faults take their time: they are jobs of their own. With the oldest
    packages what takes long and in which the HTTP library has no part is left out.
    """
    newest = list(interpreters())[-1]
    without_playbooks = ["tests/functional", *(f"--ignore={path}" for path in _PLAYBOOK_TESTS)]
    for name, paths, about in (
        ("functional/newest-requests", [*without_playbooks, f"--ignore={_FAULTS}"], 180),
        ("functional/faults", [_FAULTS], 220),
        ("functional/playbooks", list(_PLAYBOOK_TESTS), 170),
    ):
        yield Job(name, partial(_functional, name, newest, None, [*paths, *arguments]), about=about, limit=1200)
    oldest = next((version for version in _FOR_OLDEST_REQUESTS if version in interpreters()), None)
    name = "functional/oldest-requests"
    if oldest:
        pins = REQUIREMENTS / "oldest.txt"
        without_long = [*without_playbooks, *(f"--ignore={path}" for path in _NOT_OF_THE_LIBRARY)]
        call = partial(_functional, name, oldest, pins, [*without_long, *arguments])
        yield Job(name, call, about=210, limit=1200)  # makes its environment beside that of the others
    else:
        yield Absent(name, f"none of the Pythons {', '.join(_FOR_OLDEST_REQUESTS)} is here")


def runbook(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Run the playbooks of the whole runbook, a part of the tests with the oldest core and the rest with the newest."""
    for core, parts in _RUNBOOK.items():
        name = f"runbook/core-{core}"
        if cores.controller(core):
            yield Job(name, partial(_runbook, name, core, parts, arguments), about=90, limit=1200)
        else:
            yield Absent(name, f"no Python for ansible-core {core} is here")


def fuzz(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Give parsers many inputs, a share of the parsers for each processor."""
    newest, parts = list(interpreters())[-1], os.cpu_count() or 1
    for part in range(1, parts + 1):
        name = f"fuzz/{part}-of-{parts}"
        call = partial(_fuzz, name, newest, [f"--part={part}/{parts}", *arguments])
        yield Job(name, call, about=40, limit=7200)


def soak(arguments: Sequence[str]) -> Iterator[Job | Absent]:
    """Run the tests of faults that take long: many kills, a bad day for many images, many images in one run."""
    newest = list(interpreters())[-1]
    paths = [f"{_FAULTS}/test_{name}.py" for name in ("kills", "soak", "load", "bounds")]
    call = partial(_soak, "soak/whole", newest, [*paths, "--whole", "--timeout=900", *arguments])
    yield Job("soak/whole", call, about=600, limit=1200)


def _unit(name: str, version: str, arguments: Sequence[str], shell: Shell) -> Counts:
    packages = [REQUIREMENTS / "unit.txt", REQUIREMENTS / "acr.txt"]
    made = _venv(shell, "unit", version, packages)
    paths = ["tests/unit"] + (["tests/scripts"] if version == cores.controller(cores.OLDEST) else [])
    examples = [] if version == list(interpreters())[-1] else ["--hypothesis-profile=brief"]
    return _pytest(shell, made, name, [*paths, *examples, *arguments])


def _functional(name: str, version: str, pins: Path | None, arguments: Sequence[str], shell: Shell) -> Counts:
    return _pytest(shell, functional_venv(shell, version, pins), name, arguments)


def _fuzz(name: str, version: str, arguments: Sequence[str], shell: Shell) -> Counts:
    made = _venv(shell, "unit", version, [REQUIREMENTS / "unit.txt", REQUIREMENTS / "acr.txt"])
    # Once only: what chance has found must not pass because chance does not find it again.
    return _once(shell, made, name.replace("/", "-"), ["tests/fuzz", *arguments])


def _soak(name: str, version: str, arguments: Sequence[str], shell: Shell) -> Counts:
    return _once(shell, functional_venv(shell, version), name.replace("/", "-"), arguments)


def _runbook(name: str, core: str, parts: Sequence[str], arguments: Sequence[str], shell: Shell) -> Counts:
    newest, controller = list(interpreters())[-1], cores.controller(core)
    assert controller, "a job is only made of a core that there is a Python for"
    made = functional_venv(shell, newest)
    programs = cores.core_venv(shell, core, controller).directory / "bin"
    paths = [f"tests/runbook/test_{part}.py" for part in parts]
    return _pytest(shell, made, name, [*paths, f"--ansible={programs}", *arguments])


def functional_venv(shell: Shell, version: str, pins: Path | None = None) -> Venv:
    """Make an environment for tests with servers, and see to it that the servers are there."""
    # zuul-registry brings an extension module as its source only.
    debian.need(shell, [*_SERVERS, *debian.compiler(interpreters()[version])])
    return _venv(
        shell, "functional", version, [REQUIREMENTS / f"{kind}.txt" for kind in ("unit", "functional", "acr")], pins
    )


def _venv(shell: Shell, layer: str, version: str, packages: Sequence[Path], pins: Path | None = None) -> Venv:
    """Make an environment with these packages, and with what modules meet of ansible-core on this Python."""
    python = interpreters()[version]
    if version in _CORE_FOR:
        return venv(shell, layer, python, [cores.requirement(_CORE_FOR[version]), *packages], pins)
    made = venv(shell, layer, python, packages, pins)
    packages_path = made.directory / "lib" / f"python{version}" / "site-packages"
    (packages_path / "managed.pth").write_text(f"{cores.module_utils(shell)}\n", encoding="utf-8")
    return made


def _pytest(shell: Shell, made: Venv, name: str, arguments: Sequence[str]) -> Counts:
    """Run pytest. A few failures are looked at once more, by themselves: a busy machine upsets tests with real servers.

    What then passes is counted as passed, and the log names it as unsteady.
    """
    flat = name.replace("/", "-")
    counts = _once(shell, made, flat, arguments)
    if not 0 < counts.failed <= _FEW:
        return counts
    again = _once(shell, made, f"{flat}-again", [*arguments, "--last-failed", "--last-failed-no-failures=none"], flat)
    if again.failed < counts.failed:
        shell.say(f"unsteady: {counts.failed - again.failed} of the failures above passed when run by themselves")
    return Counts(counts.passed + counts.failed - again.failed, again.failed, counts.skipped)


def _once(shell: Shell, made: Venv, flat: str, arguments: Sequence[str], cache: str = "") -> Counts:
    report = CACHE / "results" / f"{flat}.xml"
    report.unlink(missing_ok=True)
    # Directories of its own: pytest's usual ones are shared by all runs of a user.
    scratch = CACHE / "tmp" / flat
    scratch.parent.mkdir(parents=True, exist_ok=True)
    options = ["--hypothesis-profile=ci", f"--timeout={_TEST_SECONDS}", f"--junitxml={report}"]
    options += [f"--basetemp={scratch}", "-o", "tmp_path_retention_policy=failed"]
    options += ["-o", f"cache_dir={CACHE / 'pytest' / (cache or flat)}"]
    command: Argv = [made.python, "-m", "pytest", "-q", "--tb=short", *options, *arguments]
    code = shell.run(command, env=made.environment(), accept=(0, _TEST_FAILED))
    counts = from_junit([report])
    if code == _TEST_FAILED and not counts.failed:
        raise CommandFailed("pytest failed without a failing test")
    return counts
