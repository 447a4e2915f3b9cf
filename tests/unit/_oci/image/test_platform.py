# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms: how they are written, and which match."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError, InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.platform import (
    Platform,
    platform_from_config,
)
from helpers.oci_documents import words_of_refusal
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
        ("windows/amd64:10.0.17763.1999", Platform("windows", "amd64", "", "10.0.17763.1999")),
        ("linux/arm64/v8:10.0", Platform("linux", "arm64", "v8", "10.0")),
        ("freebsd/riscv64", Platform("freebsd", "riscv64")),
    ],
)
def test_parse(text: str, platform: Platform) -> None:
    assert Platform.parse(text) == platform
    assert str(platform) == text


@pytest.mark.parametrize(
    "text",
    [
        *(None, 5, "", "linux", "linux/", "/amd64", "linux/arm/v7/x", "Linux/amd64", "linux/amd64:", "linux/amd64:1:2"),
        *(
            "lin*/amd64",
            "linux/*/*",
            "*/*",
            "linux /amd64",
            "linux/amd64\n",
            "linux/amd64:10.0\n",
            "a/b" * 10_000 + " ",
        ),
    ],
)
def test_wrong_form(text: Any) -> None:
    with pytest.raises(InputError) as caught:
        Platform.parse(text)
    assert "linux/arm/v7" in caught.value.hint
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("linux/x86_64", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/i386:5.0", "linux/386:5.0"),
    ],
)
def test_names_that_images_do_not_use(text: str, right: str) -> None:
    with pytest.raises(InputError, match=f"write {right}"):
        Platform.parse(text)


@pytest.mark.parametrize(
    ("wish", "actual", "matches"),
    [
        ("linux/amd64", Platform("linux", "amd64"), True),
        ("linux/amd64", Platform("windows", "amd64"), False),
        ("linux/amd64", Platform("linux", "arm64"), False),
        ("linux/amd64", Platform("linux", "x86_64"), True),
        ("linux/amd64", Platform("linux", "amd64", "v3"), True),
        ("linux/amd64/v1", Platform("linux", "amd64"), True),
        ("linux/amd64/v3", Platform("linux", "amd64"), False),
        ("linux/arm", Platform("linux", "arm"), True),
        ("linux/arm", Platform("linux", "arm", "v5"), True),
        ("linux/arm", Platform("linux", "arm", "v7"), True),
        ("linux/arm", Platform("linux", "arm64"), False),
        ("linux/arm/v7", Platform("linux", "arm", "v7"), True),
        ("linux/arm/v7", Platform("linux", "arm", "v6"), False),
        ("linux/arm/v7", Platform("linux", "arm"), False),
        ("linux/arm/v7", Platform("linux", "armhf"), True),
        ("linux/arm64", Platform("linux", "arm64", "v8"), True),
        ("linux/arm64/v8", Platform("linux", "arm64"), True),
        ("linux/arm64/v8", Platform("linux", "aarch64"), True),
        ("linux/arm64/v9", Platform("linux", "arm64"), False),
        ("windows/amd64", Platform("windows", "amd64", "", "10.0.1"), True),
        ("windows/amd64:10.0.17763", Platform("windows", "amd64", "", "10.0.17763"), True),
        ("windows/amd64:10.0.17763", Platform("windows", "amd64", "", "10.0.17763.5122"), True),
        ("windows/amd64:10.0.1776", Platform("windows", "amd64", "", "10.0.17763.5122"), False),
        ("windows/amd64:10.0.17763", Platform("windows", "amd64"), False),
        ("linux/amd64", Platform("unknown", "unknown"), False),
        ("*/amd64", Platform("windows", "amd64"), True),
        ("*/arm/v7", Platform("linux", "arm", "v7"), True),
        ("*/arm/v7", Platform("linux", "arm", "v6"), False),
        ("linux/*", Platform("linux", "s390x"), True),
        ("windows/*:10.0", Platform("windows", "amd64", "", "10.0.17763"), True),
        ("linux/*", Platform("windows", "amd64"), False),
        ("*/amd64", Platform("unknown", "unknown"), False),
        ("linux/*", Platform("unknown", "unknown"), False),
    ],
)
def test_matches(wish: str, actual: Platform, matches: bool) -> None:
    assert Platform.parse(wish).matches(actual) is matches


NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,8}", fullmatch=True)
WISHES = st.builds(
    Platform,
    NAMES,
    NAMES,
    st.just("") | NAMES,
    st.just("") | st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,5})*", fullmatch=True),
)
OTHER_NAMES = ("x86_64", "x86-64", "aarch64", "armhf", "armel", "i386", "i686")


@given(WISHES.filter(lambda platform: platform.architecture not in OTHER_NAMES))
def test_round_trip(platform: Platform) -> None:
    assert Platform.parse(str(platform)) == platform
    assert platform.matches(platform)


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9/:._-]{0,30}"))
def test_any_text(text: str) -> None:
    assert words_of_refusal(lambda: Platform.parse(text)).isprintable()
    try:
        platform = Platform.parse(text)
    except InputError:
        return
    assert str(platform) == text


class TestConfig:
    def test_platform(self) -> None:
        config = {"os": "windows", "architecture": "arm64", "variant": "v8", "os.version": "10.0", "rootfs": {}}
        assert platform_from_config(json.dumps(config).encode()) == Platform("windows", "arm64", "v8", "10.0")

    @pytest.mark.parametrize("raw", [b"{}", b'{"os": null, "architecture": ""}', b'{"name": "chart"}'])
    def test_none(self, raw: bytes) -> None:
        assert platform_from_config(raw) is None

    @pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b'{"os": 5}', b'{"os": "a\\nb"}', b'{"a":' * 500_000])
    def test_refused(self, raw: bytes) -> None:
        with pytest.raises(ContentError) as caught:
            platform_from_config(raw)
        assert caught.value.code == "protocol_error"

    @given(st.binary(max_size=100) | st.builds(lambda text: json.dumps({"os": text}).encode(), st.text()))
    def test_any_bytes(self, raw: bytes) -> None:
        assert words_of_refusal(lambda: platform_from_config(raw)).isprintable()
