# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signature equals the one of the vendor's SDK on random requests."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.signature import (
    ALGORITHM,
    authorization,
    content_hash,
)

TEXTS = [
    "a",
    "Z",
    "9",
    " ",
    "/",
    "~",
    "*",
    "+",
    "%",
    "&",
    "=",
    "é",
    "名",
    "\u0000",
    "\U0001f40b",
    "-",
    "_",
    ".",
    "'",
    "(",
    ")",
]


def text(rng: random.Random, most: int) -> str:
    return "".join(rng.choice(TEXTS) for _ in range(rng.randrange(most)))


def random_request(rng: random.Random) -> dict:
    headers = {f"x-acs-{rng.choice('abcdef')}{n}": text(rng, 12).strip() for n in range(rng.randrange(6))}
    headers.update({"host": "cr.cn-shanghai.aliyuncs.com", "X-Acs-Action": "GetNamespace"})
    if rng.random() < 0.5:
        headers["content-type"] = "application/x-www-form-urlencoded"
    if rng.random() < 0.5:
        headers["x-acs-security-token"] = text(rng, 40)
    return {
        "method": rng.choice(["GET", "POST", "PUT"]),
        "path": rng.choice(["/", "/a/b"]),
        "query": {f"{rng.choice('ABCabc')}Name{n}": text(rng, 20) for n in range(rng.randrange(8))},
        "headers": headers,
        "body_hash": content_hash(text(rng, 60).encode()),
        "access_key_id": f"LTAI{rng.randrange(10**9)}",
        "access_key_secret": text(rng, 30),
    }


@pytest.mark.parametrize("oracle", ["alibabacloud_openapi_util.client", "alibabacloud_tea_openapi.utils"])
def test_equals_the_sdk_on_a_thousand_random_requests(oracle: str) -> None:
    module = pytest.importorskip(oracle)
    sdk = module.Client if hasattr(module, "Client") else module.Utils
    rng = random.Random(20181201)
    for _ in range(1000):
        asked = random_request(rng)
        request = SimpleNamespace(
            method=asked["method"], pathname=asked["path"], query=asked["query"], headers=asked["headers"]
        )
        expected = sdk.get_authorization(
            request, ALGORITHM, asked["body_hash"], asked["access_key_id"], asked["access_key_secret"]
        )
        assert authorization(**asked) == expected
