# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WWW-Authenticate header."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.authorization.tokens import (
    Challenge,
    parse_challenges,
)
from hypothesis import given
from hypothesis import strategies as st

TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.", min_size=1, max_size=12)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, []),
        ("", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="Registry Realm"', [("basic", {"realm": "Registry Realm"})]),
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        ('bearer Realm = "r" , SERVICE=s', [("bearer", {"realm": "r", "service": "s"})]),
        ('Bearer realm="r",scope="read"', [("bearer", {"realm": "r", "scope": "read"})]),
        (
            'Bearer realm="r",scope="repository:a:pull",scope="repository:b:pull"',
            [("bearer", {"realm": "r", "scope": "repository:a:pull repository:b:pull"})],
        ),
        ('Basic realm="b", Bearer realm="r"', [("basic", {"realm": "b"}), ("bearer", {"realm": "r"})]),
        ('Bearer realm="r", Basic realm="b"', [("bearer", {"realm": "r"}), ("basic", {"realm": "b"})]),
        ('Negotiate, Bearer realm="r"', [("negotiate", {}), ("bearer", {"realm": "r"})]),
        (r'Bearer realm="a \"quoted\" \\ word"', [("bearer", {"realm": r'a "quoted" \ word'})]),
        ('Bearer realm="a, b, Basic realm=c"', [("bearer", {"realm": "a, b, Basic realm=c"})]),
        ('Bearer realm="r",error="insufficient_scope",', [("bearer", {"realm": "r", "error": "insufficient_scope"})]),
        (",, ,", []),
    ],
)
def test_challenges(header: str | None, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert parse_challenges(header) == [Challenge(*each) for each in expected]


@pytest.mark.parametrize("header", ['Bearer realm="unclosed', 'realm="no scheme"', "Bearer =", '"', "Bearer realm"])
def test_nonsense_is_read_without_a_fuss(header: str) -> None:
    assert all(isinstance(challenge, Challenge) for challenge in parse_challenges(header))


def test_a_long_header_is_not_read() -> None:
    assert parse_challenges("Bearer realm=" + "x" * 100_000) == []


@given(
    st.lists(
        st.tuples(
            TOKEN,
            st.dictionaries(TOKEN.map(str.lower).filter(lambda name: name != "scope"), VALUE, min_size=1, max_size=4),
        ),
        max_size=3,
    )
)
def test_what_is_written_by_the_rules_is_read_back(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = ", ".join(
        f"{scheme} " + ", ".join(f"{name}={quoted(value)}" for name, value in parameters.items())
        for scheme, parameters in challenges
    )
    assert parse_challenges(header) == [Challenge(scheme.lower(), values) for scheme, values in challenges]


@given(st.text(st.sampled_from('aB9 ,="\\;\t:/\x00é'), max_size=60))
def test_nothing_is_raised(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower()
