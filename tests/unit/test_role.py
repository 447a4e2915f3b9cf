# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's options and the modules' agree, and each is described."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.imageops.registry.plugins.module_utils._modules import specs
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba import acr_options

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "registry_sync"
PREFIX = "registry_sync_"
FACTS = {"registry_sync_destination", "registry_sync_result"}
COMPARED = ("type", "elements", "choices", "no_log")


def load(path: str) -> Any:
    return yaml.safe_load((ROLE / path).read_text(encoding="utf-8"))


SPECS = {name: point["options"] for name, point in load("meta/argument_specs.yml")["argument_specs"].items()}
MAIN = SPECS["main"]
DEFAULTS = load("defaults/main.yml")


def test_every_option_of_the_sync_is_one_of_the_role() -> None:
    for name, wanted in specs.sync_spec().items():
        same(name, MAIN[PREFIX + name], wanted)


def test_every_option_of_the_apis_is_one_of_the_role() -> None:
    theirs = acr_options.acr_spec()
    ours = {**MAIN["registry_sync_api"]["options"], **MAIN["registry_sync_admin"]["options"]}
    ours.update({name: MAIN[PREFIX + name] for name in ("region", "network")})
    assert set(ours) == set(theirs)
    for name, wanted in theirs.items():
        same(name, ours[name], wanted)


def same(name: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """See that an option is what the module's is, at any depth."""
    for key in COMPARED:
        assert (name, key, found.get(key)) == (name, key, wanted.get(key))
    for inner, option in wanted.get("options", {}).items():
        same(f"{name}.{inner}", found["options"][inner], option)
    assert set(found.get("options", {})) == set(wanted.get("options", {}))


def test_the_sync_is_given_every_option() -> None:
    assert set(load("tasks/sync.yml")[0]["imageops.registry.registry_image_sync"]) == set(specs.sync_spec())


@pytest.mark.parametrize("point", sorted(SPECS))
def test_defaults_are_what_the_specification_says(point: str) -> None:
    for name, option in SPECS[point].items():
        if "default" in option:
            assert (name, option["default"]) == (name, DEFAULTS[name])
    assert set(DEFAULTS) <= {name for spec in SPECS.values() for name in spec}


def test_every_variable_has_the_roles_prefix_and_is_described() -> None:
    described = {name for spec in SPECS.values() for name in spec} | FACTS
    assert all(name.startswith(PREFIX) for name in described)
    files = [*ROLE.rglob("*.yml"), *ROLE.glob("*.md"), *(ROOT / "playbooks").rglob("*.yml"), *ROOT.glob("docs/*.md")]
    for file in files:
        named = set(re.findall(r"\bregistry_sync_[a-z][a-z_]*[a-z]\b(?![_*])", file.read_text(encoding="utf-8")))
        assert named - described == set(), file


def test_what_is_secret_is_marked() -> None:
    secret = re.compile(r"password|secret(?!_file)|token|^proxy$")

    def look(options: dict[str, Any]) -> None:
        for name, option in options.items():
            look(option.get("options", {}))
            if secret.search(name) and option["type"] == "str":
                assert option.get("no_log") is True, name

    look({name.removeprefix(PREFIX): option for name, option in MAIN.items()})


GUIDES = [*ROOT.glob("docs/*.md"), ROLE / "README.md"]


def given(value: Any) -> Iterator[dict[str, Any]]:
    """What is given to the role, at any depth of an example."""
    if isinstance(value, dict):
        ours = {name: option for name, option in value.items() if str(name).startswith(PREFIX)}
        if ours:
            yield ours
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from given(inner)


def test_the_role_takes_what_the_guides_give_it() -> None:
    validator = ArgumentSpecValidator({name: {**option, "required": False} for name, option in MAIN.items()})
    examples = 0
    for guide in GUIDES:
        for text in re.findall(r"^```yaml\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.M | re.S):
            for options in given(yaml.safe_load(text)):
                assert validator.validate(options).error_messages == [], guide
                examples += 1
    assert examples > len(GUIDES) / 2


def test_the_playbooks_take_what_the_guides_give_them() -> None:
    known = set(re.findall(r"\bsync_[a-z]+\b", (ROOT / "playbooks/vars/command_line.yml").read_text())) | {"sync_hosts"}
    for file in [*GUIDES, *(ROOT / "playbooks").glob("*.yml")]:
        assert set(re.findall(r"(?<![\w.])sync_[a-z]+\b(?!\.)", file.read_text(encoding="utf-8"))) <= known, file
    assert known >= {f"sync_{name}" for name in ("config", "registry", "namespace", "proc", "retries", "log")}


def trusted(value: Any) -> Any:
    """Mark text as a template where ansible-core wants that: since 2.19."""
    try:
        from ansible.template import trust_as_template
    except ImportError:
        return value
    return trust_as_template(value) if isinstance(value, str) else value


LACKS = "the action for what has the digest, and lacks what refers to it"


def verdict(**actions: str) -> tuple[bool, str]:
    """Whether the comparison fails, and what it says of these destinations and what would be done to them."""
    if sys.version_info < (3, 11):
        pytest.skip("Ansible's own parts want a controller's Python")
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar

    names = {"create": "created", "update": "updated", "unknown": "unknown"}
    lacking = [name for name, action in actions.items() if action == LACKS]
    decided = {name: "update" if name in lacking else action for name, action in actions.items()}
    summary = {name: list(decided.values()).count(action) for action, name in names.items()}
    images = [
        {
            "destination": name,
            "action": action,
            "digest": "sha256:1",
            "previous_digest": "sha256:1" if name in lacking else "sha256:2",
            "referrers": [{"type": "signature", "state": "copied"}],
        }
        for name, action in decided.items()
    ]
    result = {"summary": {**summary, "images": len(images)}, "images": images}
    fail = load("tasks/compare.yml")[1]
    values = {name: trusted(value) for name, value in fail["vars"].items()}
    templar = Templar(loader=DataLoader(), variables={**values, "registry_sync_result": result})
    fails = templar.template(trusted("{{ " + fail["when"] + " }}"))
    return str(fails) == "True", str(templar.template(trusted(fail["ansible.builtin.fail"]["msg"])))


def test_the_comparison_never_calls_missing_what_it_could_not_look_at() -> None:
    assert verdict(a="unchanged") == (False, "0 of 1 tags are missing, 0 differ")
    assert verdict(a="create", b="update") == (True, "1 of 2 tags are missing, 1 differ\nmissing: a\ndiffers: b")
    fails, text = verdict(a=LACKS, b="update", c=LACKS)
    assert text == (
        "0 of 3 tags are missing, 1 differ, 2 lack what refers to them\n"
        "differs: b\nlacks what refers to it: a\nlacks what refers to it: c"
        "\nWhat a destination does not take is named in referrers.exclude; run the copying again for everything else."
    )
    fails, text = verdict(a="unknown", b="unchanged")
    assert fails
    assert text == "0 of 2 tags are missing, 0 differ, 1 could not be looked at\ncould not be looked at: a"
