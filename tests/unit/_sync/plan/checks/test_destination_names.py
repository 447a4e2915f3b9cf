# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a destination's registry does not take, found before anything is contacted."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.decisions import Refusal
from ansible_collections.imageops.registry.plugins.module_utils._sync.plan.checks.destination_names import find_misnamed
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import parse_rules
from ansible_collections.imageops.registry.plugins.module_utils._sync.vendors import Vendors
from ansible_collections.imageops.registry.plugins.module_utils._sync.work.stores import Stores

ACR = "acme-registry.cn-shanghai.cr.aliyuncs.com"
LONG = "a" * 70


def misnamed(*pairs: tuple[str, str]) -> list[tuple[str, str]]:
    items = [{"source": source, "destination": destination} for source, destination in pairs]
    rules = parse_rules(items, default_registry=None, default_namespace=None)
    refused = list(find_misnamed(rules, Vendors(Stores(pytest.fail), {})))
    assert {task.refusal for task in refused} <= {Refusal.NAME}
    return [(task.destination.name, task.error.hint) for task in refused if task.error]


@pytest.mark.parametrize(
    "path", ["image-syncer/nginx", "ns/a/b/c", "a1/b2", "n-s.x_y/a__b", f"ns/{LONG}", "ns/a", f"{'n' * 120}/app"]
)
def test_names_that_acr_takes(path: str) -> None:
    assert misnamed((f"quay.io/acme/app:{1}", f"{ACR}/{path}")) == []


@pytest.mark.parametrize(
    ("source", "path", "better"),
    [
        ("quay.io/acme/app", "app", "mirror/{name}"),
        ("quay.io/acme/app", "n/app", "mirror/{name}"),
        ("quay.io/acme/app", f"{'n' * 121}/app", "mirror/{name}"),
    ],
)
def test_names_that_acr_does_not_take_get_a_template(source: str, path: str, better: str) -> None:
    ((name, hint),) = misnamed((source, f"{ACR}/{path}"))
    assert name == f"{ACR}/{path}"
    assert better in hint


def test_other_registries_have_other_rules() -> None:
    assert misnamed(("quay.io/library/a", "dr.example.com/a")) == []
