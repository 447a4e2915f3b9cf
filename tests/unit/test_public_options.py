# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release has made public stays: every option, its type, its default, its choices, and that it may be left out.

``public_options.txt`` has a line for each of these, as of the last release.
``python tests/unit/test_public_options.py`` prints those of now.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDERS = ("modules", "lookup", "filter", "doc_fragments")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / "plugins" / folder).glob("*.py"))]
FILES.remove(ROOT / "plugins/modules/registry_image_sync_start.py")  # for the action plugin alone
ROLE = ROOT / "roles/registry_sync/meta/argument_specs.yml"


def documents_of(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what has options in a file: a plugin's documentation, or each of its doc fragments, with its name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
        ):
            name, text = node.targets[0].id, node.value.value
            if name.isupper() and name not in ("EXAMPLES", "RETURN") and isinstance(text, str):
                part = "" if name == "DOCUMENTATION" else f".{name.lower()}"
                yield f"{path.parent.name}/{path.stem}{part}", yaml.safe_load(text)


def lines(owner: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines of each option and of each option below it."""
    for name, said in options.items():
        option = f"{owner} {name}"
        yield " ".join(
            [f"{option}:", said.get("type", "str"), *([f"of {said['elements']}"] if "elements" in said else [])]
        )
        if not said.get("required"):
            yield f"{option} without: {said.get('default')!r}"
        yield from (f"{option} takes: {word}" for word in [*said.get("choices", []), *said.get("aliases", [])])
        yield from lines(option, said.get("suboptions") or said.get("options") or {})


def present() -> Iterator[str]:
    """Give the lines of now."""
    for owner, document in (found for path in FILES for found in documents_of(path)):
        ours = [name for name in document.get("extends_documentation_fragment", []) if "attributes" not in name]
        yield from (f"{owner} has the options of {name}" for name in ours)
        yield from lines(owner, document.get("options", {}))
    yield from lines(
        "roles/registry_sync", yaml.safe_load(ROLE.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    )


def test_every_option_of_the_last_release_is_there_as_it_was() -> None:
    released = (HERE / "public_options.txt").read_text(encoding="utf-8").splitlines()
    assert len(released) > 500
    assert sorted(set(released) - set(present())) == []


if __name__ == "__main__":
    print("\n".join(present()))
