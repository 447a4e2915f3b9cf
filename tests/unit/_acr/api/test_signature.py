# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signature: the vendor's published vector, and equality with the vendor's SDK on random requests."""

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


def test_published_vector() -> None:
    empty = content_hash(b"")
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": empty,
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    signed = authorization(
        method="POST",
        path="/",
        query={"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"},
        headers=headers,
        body_hash=empty,
        access_key_id="YourAccessKeyId",
        access_key_secret="YourAccessKeySecret",
    )
    assert signed == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


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
