# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules are narrowed to images that are named, and nothing comes that no rule covers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._modules.filters import ImageOpsError, narrowed_images

RULES: list[dict[str, Any]] = [
    {"source": "a.test/library/*", "destination": ["b.test/x/{name}", "c.test/{repository}"], "overwrite": "skip"},
    {"source": "a.test/app:/^1\\./", "destination": "b.test/app"},
    {"source": "a.test/one:1.0,2.0", "destination": "b.test/one:a,b"},
]


@pytest.mark.parametrize(
    ("image", "destinations"),
    [
        ("a.test/library/nginx:1.27", ["b.test/x/nginx:1.27", "c.test/library/nginx:1.27"]),
        ("a.test/library/deep/er:1", []),
        ("a.test/app:1.2", ["b.test/app:1.2"]),
        ("a.test/app:2.0", []),
        ("a.test/one:2.0", ["b.test/one:b"]),
        ("a.test/one:3.0", []),
        ("z.test/library/nginx:1.27", []),
        ("a.test/other:1", []),
    ],
)
def test_an_image_goes_where_the_rules_put_it_and_nowhere_else(image: str, destinations: list[str]) -> None:
    items = narrowed_images(RULES, [image])
    assert [item["destination"] for item in items] == destinations
    assert {item["source"] for item in items} <= {image}


def test_what_a_rule_says_comes_along_and_an_image_named_twice_is_copied_once() -> None:
    items = narrowed_images(RULES[:1], ["a.test/library/nginx:1"] * 2)
    assert [item["overwrite"] for item in items] == ["skip", "skip"]
    assert len({item["destination"] for item in items}) == 2


@pytest.mark.parametrize("image", ["a.test/library/*", "a.test/library/{{ x }}:1", "a.test/app:/^1/", 7])
def test_what_is_no_reference_is_refused(image: object) -> None:
    with pytest.raises(ImageOpsError):
        narrowed_images(RULES, [image])
