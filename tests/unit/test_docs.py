# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides and the code agree."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.imageops.registry.plugins.module_utils._modules import specs
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import CODES
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import parse_rules

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
SPECS = {
    "registry_image_sync": specs.sync_spec(),
    "registry_image_info": specs.info_spec(),
    "registry_destination_info": specs.destination_info_spec(),
    "registry_image_tag": specs.tag_spec(),
}
PREFIX = "imageops.registry."


def examples(guide: Path) -> list[Any]:
    """The YAML in a guide."""
    text = guide.read_text(encoding="utf-8")
    return [yaml.safe_load(example) for example in re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)]


def module_examples(name: str) -> list[Any]:
    """The tasks and plays in a module's EXAMPLES."""
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8"))
    texts = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and [target.id for target in node.targets if isinstance(target, ast.Name)] == ["EXAMPLES"]
    ]
    return list(yaml.safe_load(texts[0]))


def options(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is given to each of these modules, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str) and key.removeprefix(PREFIX) in SPECS and key.startswith(PREFIX):
                yield key.removeprefix(PREFIX), inner
            elif key == f"group/{PREFIX}registry":
                yield "registry_image_sync", inner
            yield from options(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from options(inner)


def check(module: str, given: dict[str, Any]) -> None:
    """See that the module takes these options; what is templated is taken on trust."""
    spec = SPECS[module]
    assert set(given) <= set(spec)
    registries = given.get("registries", [])
    for entry in [] if isinstance(registries, str) else registries:
        assert set(entry) <= set(spec["registries"]["options"])
    if module == "registry_image_sync" and isinstance(given.get("images"), list):
        defaults = {name: given.get(name) for name in ("default_registry", "default_namespace")}
        assert parse_rules([without_templated_keys(item) for item in given["images"]], **defaults)


def without_templated_keys(item: Any) -> Any:
    """An item without the option whose keys are read from files."""
    if not isinstance(item, dict) or "{{" not in str(item.get("require_signature")):
        return item
    assert set(item["require_signature"]) <= {"keys", "certificates", "on_missing"}
    return {name: value for name, value in item.items() if name != "require_signature"}


def code_names(file: Path) -> Iterator[str]:
    """Every literal that a call passes as ``code``."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                chosen = keyword.value
                values = [chosen.body, chosen.orelse] if isinstance(chosen, ast.IfExp) else [chosen]
                if keyword.arg == "code":
                    yield from (value.value for value in values if isinstance(value, ast.Constant))


def test_every_error_code_has_a_section_and_every_section_is_of_a_code() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^### (\w+)$", text, re.M)) == sorted(CODES)


def test_every_code_in_the_plugins_is_in_the_list_and_every_code_in_the_list_is_used() -> None:
    files = [file for file in (ROOT / "plugins").rglob("*.py") if file.parts[-2:] != ("_oci", "errors.py")]
    assert {code for file in files for code in code_names(file)} <= set(CODES)
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [code for code in CODES if f'"{code}"' not in text and code != "invalid_input"] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_example_is_yaml_and_every_link_leads_somewhere(guide: Path) -> None:
    assert all(examples(guide))
    text = guide.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert target.startswith("https://") or (guide.parent / target).exists(), target


# Galaxy and Automation Hub show the README by itself: its links have the address that galaxy.yml names.
REPOSITORY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["repository"]
# What the certification of content asks for.
SECTIONS = (
    "Requirements",
    "Installation",
    "Use cases",
    "Testing",
    "Support",
    "Release notes",
    "Roadmap",
    "Contributing",
    "Licence",
)


def test_the_readme_is_whole_where_it_is_shown_by_itself() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = [name for name in re.findall(r"^## (.+)$", text, re.M) if name in SECTIONS]
    assert found == list(SECTIONS)
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert [target for target in targets if not target.startswith("https://")] == []
    assert "<img" not in text and not re.search(r"^\[[^]]+\]: ", text, re.M)
    for target in targets:
        if target.startswith(REPOSITORY) and target.removeprefix(REPOSITORY) != "/issues":
            place = re.fullmatch(r"/(?:blob|raw)/main/([^#]+)(?:#.*)?", target.removeprefix(REPOSITORY))
            assert place and (ROOT / place[1]).exists(), target


def test_the_index_names_every_guide() -> None:
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\(([\w.-]+\.md)\)", text)
    assert sorted([*named, "index.md"]) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("guide", ["reliability.md", "threat-model.md"])
def test_every_test_that_a_promise_names_is_there(guide: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / guide).read_text(encoding="utf-8")))
    files = list((ROOT / "tests").rglob("test_*.py"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    known = {name for text in texts for name in re.findall(r"^ *def (test_\w+)\(", text, re.M)}
    assert named
    assert sorted(named - known - {path.stem for path in files}) == []


def test_what_is_written_for_the_site_alone_is_not_in_the_guides() -> None:
    assert [guide.name for guide in GUIDES if "{toctree}" in guide.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_the_modules_take_what_the_guides_give_them(guide: Path) -> None:
    for module, given in options(examples(guide)):
        check(module, given)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_module_takes_what_its_examples_give_it(name: str) -> None:
    found = list(options(module_examples(name)))
    assert found
    for module, given in found:
        check(module, given)


def registered(value: Any) -> Iterator[str]:
    """Every name that a result is kept under, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("register"), str):
            yield value["register"]
        for inner in value.values():
            yield from registered(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from registered(inner)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Ansible's own parts want a controller's Python")
def test_no_example_registers_a_name_that_ansible_has_for_itself() -> None:
    from ansible.vars.reserved import get_reserved_names

    modules = [path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py")]
    texts = [example for guide in [*GUIDES, *ROOT.glob("roles/*/README.md")] for example in examples(guide)]
    names = set(registered(texts + [module_examples(name) for name in modules]))
    assert len(names) > len(modules) / 2
    assert names & get_reserved_names() == set()


def test_the_chinese_guide_has_chinese_punctuation() -> None:
    text = (ROOT / "docs" / "harbor-to-acr.zh.md").read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$|`[^`]*`|\]\([^)]*\)", "", text, flags=re.M | re.S)
    comments = [line.partition("#")[2] for line in re.findall(r"^[^\n`]*# .*[\u4e00-\u9fff].*$", text, re.M)]
    found = [line for line in [*prose.splitlines(), *comments] if re.search(r"[,;:()]", line.partition("](")[0])]
    assert found == []
    assert "签署" not in text


def test_the_readme_of_the_tests_names_every_folder_and_every_helper() -> None:
    tests = ROOT / "tests"
    text = (tests / "README.md").read_text(encoding="utf-8")
    folders = [f"{path.name}/" for path in tests.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))]
    helpers = [path.name for path in [*tests.glob("functional/support/*/*.py"), *tests.glob("unit/helpers/*.py")]]
    written = set(re.findall(r"`([^`]+)`", text))
    assert [name for name in [*folders, *helpers] if name not in written and name != "output/"] == []
