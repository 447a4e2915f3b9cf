# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree is in order: headers, what ships, and facts that stand in more than one file."""

from __future__ import annotations

import fnmatch
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
# REUSE-IgnoreStart
SPDX = "SPDX-License-Identifier: GPL-3.0-or-later"
# REUSE-IgnoreEnd
# What has comments. Prose, data and what tools write have theirs in REUSE.toml.
WITH_HEADERS = (".cfg", ".js", ".py", ".rst", ".toml", ".yaml", ".yml")
# What of the tests ships: what ansible-test needs where the collection is installed.
SHIPPED_TESTS = {"tests/config.yml", "tests/integration", "tests/sanity"}


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def ships(name: str) -> bool:
    parts = name.split("/")
    paths = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return not any(fnmatch.fnmatch(path, ignored) for path in paths for ignored in GALAXY["build_ignore"])


def is_script(name: str) -> bool:
    with (ROOT / name).open("rb") as file:
        return file.read(2) == b"#!"


def modules() -> list[str]:
    return sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))


def test_every_file_of_ours_says_its_licence() -> None:
    heads = {
        name: (ROOT / name).read_text(encoding="utf-8").splitlines()[:4]
        for name in tracked()
        if name.endswith(WITH_HEADERS) or name in ("Makefile", ".github/CODEOWNERS") or is_script(name)
        if not name.startswith("changelogs/")
    }
    assert [name for name, head in heads.items() if not any(SPDX in line for line in head)] == []


def test_only_what_is_useful_there_ships() -> None:
    tests = {"/".join(name.split("/")[:2]) for name in tracked() if name.startswith("tests/") and ships(name)}
    assert tests <= SHIPPED_TESTS
    hidden = {name for name in tracked() if ships(name) and Path(name).parts[0].startswith(".")}
    assert not hidden


def test_files_of_tests_have_names_of_their_own() -> None:
    """pytest imports them by name alone."""
    for layer in ("tests/unit/", "tests/functional/"):
        names = [Path(name).name for name in tracked() if name.startswith(layer) and "/test_" in name]
        assert sorted(names) == sorted(set(names))


def test_every_module_is_in_an_action_group() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    grouped = sorted(name for group in groups.values() for name in group)
    # One takes no options of registries, and one those that the action plugin gives it.
    assert sorted([*grouped, "registry_report_merge", "registry_image_sync_start"]) == modules()


def test_every_module_is_in_the_changelog() -> None:
    releases = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))["releases"]
    assert GALAXY["version"] in releases
    known = sorted(module["name"] for release in releases.values() for module in release.get("modules", []))
    assert known == modules(), "make changelog brings new modules in"


def test_the_oldest_requests_is_said_alike_everywhere() -> None:
    pinned = re.search(
        r"^requests == (\S+)$", (ROOT / "tests/requirements/oldest.txt").read_text(encoding="utf-8"), re.M
    )
    assert pinned
    for name in ("meta/ee-requirements.txt", "tests/integration/requirements.txt"):
        assert f"requests >= {pinned[1]}\n" in (ROOT / name).read_text(encoding="utf-8")
    assert f"requests >= {pinned[1]}" in (ROOT / "plugins/doc_fragments/registry.py").read_text(encoding="utf-8")


def workflow() -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]
    return {name: job["strategy"]["matrix"] for name, job in jobs.items()}


def test_the_workflow_runs_every_layer_on_every_python() -> None:
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    (sessions,) = re.findall(r"^nox\.options\.sessions = (\[.*\])$", noxfile, re.M)
    (cores,) = re.findall(r"^CORES = \{(.*)\}$", noxfile, re.M)
    assert sorted([*workflow()["layer"]["layer"], "unit"]) == sorted(re.findall(r'"(\w+)"', sessions))
    assert workflow()["unit"]["python"] == re.findall(r'"([\d.]+)": ', cores)


def test_what_is_said_of_ansible_core_is_what_is_tested() -> None:
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    oldest, newest = re.findall(r'^OLDEST_CORE, NEWEST_CORE = "(.*)", "(.*)"$', noxfile, re.M)[0]
    (cores,) = re.findall(r"^CORES = \{(.*)\}$", noxfile, re.M)
    between = re.findall(r': "([\d.]+)"', cores)
    assert f"tested with {', '.join([oldest, *between])} and {newest} |" in (ROOT / "README.md").read_text(
        encoding="utf-8"
    )
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={oldest}.0"
    role = yaml.safe_load((ROOT / "roles/registry_sync/meta/main.yml").read_text(encoding="utf-8"))
    assert role["galaxy_info"]["min_ansible_version"] == oldest


def test_what_the_workflows_use_cannot_be_changed_by_others() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    used = [name for text in texts for name in re.findall(r"uses: (.*)", text)]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", name)] == []
