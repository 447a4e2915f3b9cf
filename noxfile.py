# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of the tests, and what else is made of a checkout. Each session sets up what it needs, below .cache."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import nox
from nox import Session

ROOT = Path(__file__).resolve().parent
CACHE, RESULTS, REQUIREMENTS = ROOT / ".cache", ROOT / ".cache/results", ROOT / "tests/requirements"
OLDEST_CORE, NEWEST_CORE = "2.16", "2.21"
# The Pythons that modules run on, and the ansible-core that is tested on each. Where none runs, modules get the newest
# one's module_utils, as from a newer controller.
CORES = {"3.9": "", "3.10": OLDEST_CORE, "3.11": "2.18", "3.12": "2.19", "3.13": NEWEST_CORE, "3.14": NEWEST_CORE}
# Set by what called us, and changing what a test sees.
UNWANTED = ("ANSIBLE_", "PYTHON", "PYTEST_", "GALAXY_", "HYPOTHESIS_", "MAKE", "MFLAGS", "VIRTUAL_ENV")

for name in [name for name in os.environ if name.startswith(UNWANTED)]:
    del os.environ[name]
# Pythons are looked for where they are commonly put. An environment's, and a shim, are no interpreters of their own.
places = [*map(Path, os.environ["PATH"].split(os.pathsep)), Path("/usr/local/bin"), *Path("/opt").glob("*/bin")]
places += [*sorted(Path.home().glob(".pyenv/versions/*/bin"), reverse=True), Path("/usr/sbin"), Path("/sbin")]
places = [place for place in places if place.name != "shims" and not (place.parent / "pyvenv.cfg").exists()]
os.environ.update(LC_ALL="C.UTF-8", PIP_NO_INPUT="1", NOX_ENABLE_STALENESS_CHECK="1")
os.environ.update(PATH=os.pathsep.join(map(str, dict.fromkeys(places))))
# Complete ones: Debian keeps what makes environments in packages of their own.
PYTHONS = [item for item in CORES if not os.system(f"python{item} -c 'import ctypes, ensurepip, ssl' 2>/dev/null")]


def first_of(*versions: str) -> str:
    """Return the first of these Pythons that is here; the first of all when none is, for a session to be skipped."""
    return next((version for version in versions if version in PYTHONS), versions[0])


NEWEST = first_of("3.14", "3.13", "3.12", "3.11")
# The Pythons that each core runs on, the preferred one first.
CONTROLLERS = {
    OLDEST_CORE: ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.12", "3.11", "3.13"),
    NEWEST_CORE: ("3.14", "3.13", "3.12"),
}
EVERY_CORE = [nox.param(first_of(*pythons), core, id=f"core-{core}") for core, pythons in CONTROLLERS.items()]
EACH_CORE = [EVERY_CORE[0], EVERY_CORE[-1]]
# urllib3 1.26.5 does not run on newer Pythons.
EACH_REQUESTS = [
    nox.param(NEWEST, [], id="newest-requests"),
    nox.param(first_of("3.9", "3.10", "3.11"), ["-c", f"{REQUIREMENTS}/oldest.txt"], id="oldest-requests"),
]
nox.options.allow_parallel = True
nox.options.default_venv_backend = "venv"
nox.options.download_python = "never"
nox.options.envdir = ".cache/nox"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["functional", "runbook", "sanity", "integration", "unit", "lint", "docs", "fuzz", "audit"]
# A session ends what it has started at SIGTERM as at Ctrl-C.
signal.signal(signal.SIGTERM, signal.default_int_handler)


@nox.session
@nox.parametrize("python,pins", EACH_REQUESTS)
def functional(session: Session, pins: list[str]) -> None:
    """Test the client and the engine against real servers, with the newest and the oldest requests."""
    install(session, "unit", "functional", *(pins or ["acr"]), core=CORES[str(session.python)])
    pytest(session, "tests/functional")


@nox.session
@nox.parametrize("python,core", EACH_CORE)
def runbook(session: Session, core: str) -> None:
    """Test the role and the playbooks, and with the oldest core how modules are stopped.

    Runs of whole playbooks take long: each core has a part of them. The newest one stops modules in functional tests.
    """
    is_oldest = core == OLDEST_CORE
    install(session, "unit", "demo", *(["functional"] if is_oldest else []), core=core)
    left_out = ["migration"] if is_oldest else ["logins", "other_registries", "long_run"]
    names = ("with_its_controller", "with_the_time_of_its_task") if is_oldest else ()
    stops = [f"tests/functional/test_watching.py::test_the_module_ends_{name}" for name in names]
    pytest(session, "tests/runbook", *stops, *(f"--ignore=tests/runbook/test_{name}.py" for name in left_out))


@nox.session
@nox.parametrize("python,core", EACH_CORE)
def sanity(session: Session, core: str) -> None:
    """Run ansible-test sanity: the newest core looks at every Python, the oldest at its own unless it is alone."""
    which = [f"--python={session.python}"] if core == OLDEST_CORE and NEWEST != "3.11" else []
    which += ["--skip-test=pylint"] if which else []  # it finds style, which the newest has looked at
    installed, succeeded = ansible_test(session, core, "sanity", "--junit", *which)
    counts = of_reports((installed / "tests/output/junit").glob("*.xml"))
    finish(session, counts if succeeded or counts["failed"] else counts + Counter(failed=1))


@nox.session
@nox.parametrize("python,core", EVERY_CORE)
def integration(session: Session, core: str) -> None:
    """Run ansible-test integration; but with the oldest core, modules run on the oldest Python that is here."""
    target = session.python if core == OLDEST_CORE else PYTHONS[0]
    where = [f"--controller=origin:python={session.python}", f"--target=controller:python=venv/{target}"]
    installed, succeeded = ansible_test(session, core, "integration", "--continue-on-error", *where)
    # What ansible-test records is which targets ran to their end.
    records = (installed / "tests/output/data").glob("integration-*.json")
    passed = {name for record in records for name in json.loads(record.read_text(encoding="utf-8"))["targets"]}
    finish(session, Counter(passed=len(passed), failed=int(not succeeded)))


@nox.session(python=list(CORES))
def unit(session: Session) -> None:
    """Test the pure parts: on the newest Python with all examples of each property, on others with some."""
    newest = session.python == NEWEST
    install(session, "unit", *(["nox"] if newest else []), core=CORES[str(session.python)])
    # What is read in sources and guides is the same on every Python.
    some = ["--hypothesis-profile=brief", "--ignore-glob=*/unit/test_*.py"]
    pytest(session, "tests/unit", *(["tests/scripts"] if newest else some))


@nox.session(python=NEWEST)
def lint(session: Session) -> None:
    """Look at style, types, documentation and packaging. Arguments name single checks, or what the tools make."""
    install(session, "lint")
    session.run("python", "tests/conftest.py", silent=True)  # links the tree that mypy looks at
    env = {"TREE": f"{install_collection(session).parents[2]}", "TOOL": sys.executable}
    # What ansible-lint downloads goes to the user's home otherwise.
    env |= {"ANSIBLE_HOME": f"{CACHE}/ansible-home", "ANSIBLE_COLLECTIONS_PATH": env["TREE"]}
    env |= {"GALAXY_IMPORTER_CONFIG": f"{ROOT}/tests/lint/galaxy-importer.cfg"}
    tool = nox.project.load_toml("pyproject.toml")["tool"]
    checks, commands = tool["checks"], tool["checks"] | tool["tasks"]
    wanted = session.posargs or list(checks)
    failed = [name for name in wanted if not succeeds(session, "bash", "-c", commands[name], env=env)]
    session.log(f"failed checks: {', '.join(failed) or 'none'}")
    finish(session, Counter(passed=len(wanted) - len(failed), failed=len(failed)))


@nox.session(python=NEWEST)
def audit(session: Session) -> None:
    """Ask for known vulnerabilities in what the collection needs; skipped where that cannot be asked."""
    report = RESULTS / "audit.json"
    needed = f"--requirement={ROOT}/meta/ee-requirements.txt"
    try:
        install(session, "pip-audit")
        session.run("pip-audit", "--progress-spinner=off", "--format=json", f"--output={report}", needed)
    except nox.command.CommandFailed:
        # It writes no report when it gets no answer, and one when it has found something.
        if report.exists():
            raise
        session.skip("there is no pip-audit, or it gets no answer")


@nox.session(python=NEWEST)
def docs(session: Session) -> None:
    """Build the site into build/docs: the guides, and the reference made from the modules."""
    install(session, "docs")
    env = {"ANSIBLE_COLLECTIONS_PATH": f"{install_collection(session).parents[2]}"}
    source, site = CACHE / "docs", ROOT / "build/docs"
    for old in (source, site):
        shutil.rmtree(old, ignore_errors=True)
    # What is in docsite comes with the reference.
    shutil.copytree(ROOT / "docs", source, ignore=shutil.ignore_patterns("docsite"))
    (source / "reference").mkdir()
    reference = ["--use-current", "--squash-hierarchy", "--fail-on-error", f"--dest-dir={source}/reference"]
    session.run("antsibull-docs", "collection", *reference, "imageops.registry", env=env)
    session.run("python", "-m", "sphinx", "-q", "-W", "--keep-going", "-n", *session.posargs, source, site)


@nox.session(python=NEWEST)
def fuzz(session: Session) -> None:
    """Give many inputs to every parser, once: what chance has found it may not find again."""
    install(session, "unit", core=CORES[NEWEST])
    pytest(session, "tests/fuzz", "--dist=worksteal", "-rP", few=0)


@nox.session(python=NEWEST)
def soak(session: Session) -> None:
    """Run the whole of those tests of faults that take long, once."""
    install(session, "unit", "functional", "acr", core=CORES[NEWEST])
    paths = [f"tests/functional/faults/test_{name}.py" for name in ("kills", "soak", "load", "bounds")]
    pytest(session, *paths, "--whole", "--timeout=1800", "-rP", few=0)


@nox.session(python=False)
def bare(session: Session) -> None:
    """Run the quick layers as a new user does: a clone, an empty home, the PATH of a fresh login."""
    clone, home = CACHE / "bare/a clone", CACHE / "bare/home"
    shutil.rmtree(home.parent, ignore_errors=True)
    home.mkdir(parents=True)
    session.run("git", "clone", "-q", ROOT, clone, external=True)
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    command = ["env", "-i", f"HOME={home}", path, "make", "--no-print-directory", f"--directory={clone}", "quick"]
    session.run(*command, external=True, success_codes=[0, 2])
    total = clone / RESULTS.relative_to(ROOT) / "total.json"
    finish(session, Counter(json.loads(total.read_text(encoding="utf-8"))))


@nox.session(python=NEWEST)
def bench(session: Session) -> None:
    """Measure speed beside other tools."""
    install(session, "unit", "functional", "acr", core=CORES[NEWEST])
    session.run("python", "-m", "bench", *session.posargs, env={"PYTHONPATH": "tests:tests/functional"})


@nox.session(python=NEWEST)
def demo(session: Session) -> None:
    """Set up what the demos run with."""
    install(session, "demo", core=CORES[NEWEST])


def install(session: Session, *files: str, core: str = "") -> None:
    """Install what files of requirements name, with options of pip among them, and a core."""
    named = {name: REQUIREMENTS / f"{name}.txt" for name in files}
    options = [item for name, path in named.items() for item in (["-r", f"{path}"] if path.exists() else [name])]
    options += [f"ansible-core~={core}.0", "requests", "pyyaml"] if core else []
    session.install("--no-compile", *options)
    if "unit" in files and not core:
        session.install("--no-deps", "--ignore-requires-python", f"ansible-core~={NEWEST_CORE}.0")


def install_collection(session: Session) -> Path:
    """Build the collection and install it afresh, as its users do; return its directory."""
    tree = CACHE / "installed" / session.env_dir.name
    shutil.rmtree(tree, ignore_errors=True)
    galaxy, env = ("ansible-galaxy", "collection"), {"ANSIBLE_COLLECTIONS_PATH": f"{tree}"}
    session.run(*galaxy, "build", f"--output-path={tree}", env=env, silent=True)
    session.run(*galaxy, "install", "--offline", "-p", tree, *tree.glob("*.tar.gz"), env=env, silent=True)
    return tree / "ansible_collections/imageops/registry"


def pytest(session: Session, *arguments: str, few: int = 20) -> None:
    """Run pytest, and once more what failed if that is few, by itself: what then passes is unsteady, but passed."""
    name = session.env_dir.name
    first, again, scratch = RESULTS / f"{name}.xml", RESULTS / f"{name}-again.xml", CACHE / "pytest" / name
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    options = ["-q", "--tb=short", "--hypothesis-profile=ci", "--timeout=600", "-n2", "--dist=loadfile"]
    options += [f"--basetemp={scratch}/tmp", "-o", f"cache_dir={scratch}", "-o", "tmp_path_retention_policy=failed"]
    command = ["python", "-m", "pytest", *options, *arguments, *session.posargs]
    session.run(*command, f"--junitxml={first}", success_codes=[0, 1])
    counts = of_reports([first])
    if 0 < counts["failed"] <= few:
        session.run(*command, "-n0", "--last-failed", f"--junitxml={again}", success_codes=[0, 1, 2])
        left = of_reports([again])
        unsteady = counts["failed"] - left["failed"] if left["passed"] else 0
        session.warn(f"unsteady: {unsteady} of the failures above passed when run by themselves")
        counts.update(passed=unsteady, failed=-unsteady)
    finish(session, counts)


def ansible_test(session: Session, core: str, *arguments: str) -> tuple[Path, bool]:
    """Run ansible-test on the installed collection; return its directory, and whether ansible-test succeeded."""
    install(session, core=core)
    # Here it looks for the script that puts pip into its environments, by the pip that each core wants; else it gets it
    # from a host of its own, which may be out of reach.
    cache = Path.home() / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("23_1_2", "24_2", "25_2"):
        script = cache / f"get_pip_{version}.py"
        if not script.exists():
            shutil.copyfile(ROOT / "scripts/get_pip.py", script)
    installed, bin = plain(install_collection(session)), plain(Path(session.bin))
    # Told where the content is, it does not look for a git checkout around it.
    env = {"ANSIBLE_TEST_CONTENT_ROOT": f"{installed}", "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}"}
    command = [f"{bin}/python", f"{bin}/ansible-test", *arguments, *session.posargs, "--color=no"]
    with session.chdir(installed):
        return installed, succeeds(session, *command, env=env)


def succeeds(session: Session, *command: str, env: dict[str, str]) -> bool:
    """Run a command, and return whether it succeeds."""
    try:
        return bool(session.run(*command, env=env, external=True))
    except nox.command.CommandFailed:
        return False


def plain(path: Path) -> Path:
    """Return a path to the same place without what ansible-test splits paths at, such as blanks."""
    if re.fullmatch(r"[\w./+-]+", str(ROOT)):
        return path
    directory = Path(tempfile.mkdtemp(prefix="imageops-registry-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    (directory / "checkout").symlink_to(ROOT)
    return directory / "checkout" / path.relative_to(ROOT)


def finish(session: Session, counts: Counter[str]) -> None:
    """Write down what was counted, and end the session as failed where something has, or nothing was tested."""
    session.log(line(counts))
    if not counts["passed"] and not counts["failed"]:
        session.error("nothing was tested")
    (RESULTS / f"counts-{session.name}.json").write_text(json.dumps(counts), encoding="utf-8")
    if counts["failed"]:
        session.error(line(counts))


def of_reports(reports: Iterable[Path]) -> Counter[str]:
    """Count the test cases of reports in JUnit's XML form."""
    counts: Counter[str] = Counter()
    for case in (case for report in reports for case in ElementTree.parse(report).iter("testcase")):
        skipped, failed = case.find("skipped"), case.find("failure") is not None or case.find("error") is not None
        # ansible-test also "skips" what there is no file for, such as tests of PowerShell.
        if skipped is None or skipped.text != "No tests applicable.":
            counts["failed" if failed else "passed" if skipped is None else "skipped"] += 1
    return counts


def line(counts: Mapping[str, int]) -> str:
    """Return the line that says how many tests passed, failed and were skipped."""
    return ", ".join(f"{counts[kind]} {kind}" for kind in ("passed", "failed", "skipped"))


def main(arguments: list[str]) -> int:
    """Run the sessions, or all tests when none is named; print the sum as the last line, and return the exit code."""
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    report = RESULTS / "nox.json"
    chosen = ["--session"] if arguments and not arguments[0].startswith("-") else []
    # Two at once, since each session of pytest has two processes.
    command = [sys.executable, "-m", "nox", f"--noxfile={__file__}", f"--report={report}", "--parallel=2"]
    with subprocess.Popen([*command, *chosen, *arguments]) as process:
        # nox ends its sessions by itself; Ctrl-C reaches it, too.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda _number, _frame: process.terminate())
        code = process.wait()
    total: Counter[str] = Counter()
    for session in json.loads(report.read_text(encoding="utf-8"))["sessions"] if report.exists() else []:
        # A session that counts nothing is one test; one whose Python is not here is skipped.
        counted = RESULTS / f"counts-{session['signatures'][0]}.json"
        itself = {{"success": "passed", "skipped": "skipped"}.get(session["result"], "failed"): 1}
        total.update(json.loads(counted.read_text(encoding="utf-8")) if counted.exists() else itself)
    (RESULTS / "total.json").write_text(json.dumps(total), encoding="utf-8")
    sys.stdout.write(f"{line(total)}\n")
    return 0 if code == 0 and total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
