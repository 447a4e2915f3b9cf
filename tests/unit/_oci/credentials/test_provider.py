# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credentials are for which repository."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import (
    Chain,
    Credential,
    Given,
    without_credentials,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from helpers.oci_documents import words_of_refusal
from hypothesis import given
from hypothesis import strategies as st

KEY = json.dumps({"type": "service_account", "private_key": "-----BEGIN KEY-----\nabc\n", "client_email": "a@b"})
KEY64 = base64.b64encode(KEY.encode()).decode()


def user(name: str) -> Credential:
    return Credential(username=name, password=f"password of {name}")


def given_for(*keys: str) -> Given:
    """Credentials whose user is the key that they are under."""
    return Given([(key, user(key)) for key in keys])


def found(provider: Given | Chain, registry: str, repository: str) -> str | None:
    credential = provider.get(registry, repository)
    return None if credential is None else credential.username


class TestMatching:
    @pytest.mark.parametrize(
        ("keys", "registry", "repository", "expected"),
        [
            (["quay.io"], "quay.io", "coreos/etcd", "quay.io"),
            (["quay.io/coreos"], "quay.io", "coreos/etcd", "quay.io/coreos"),
            (["quay.io/coreos/etcd"], "quay.io", "coreos/etcd", "quay.io/coreos/etcd"),
            (["quay.io", "quay.io/coreos", "quay.io/coreos/etcd"], "quay.io", "coreos/etcd", "quay.io/coreos/etcd"),
            (["quay.io/coreos/etcd", "quay.io/coreos", "quay.io"], "quay.io", "coreos/x", "quay.io/coreos"),
            (["quay.io/cor", "quay.io"], "quay.io", "coreos/x", "quay.io"),
            (["quay.io/coreos/etcd"], "quay.io", "coreos", None),
            (["quay.io"], "quay.io:443", "a", None),
            (["quay.io:443"], "quay.io", "a", None),
            (["ay.io"], "quay.io", "a", None),
            (["QUAY.io"], "quay.io", "a", "QUAY.io"),
            (["docker.io"], "docker.io", "library/nginx", "docker.io"),
            (["index.docker.io"], "docker.io", "library/nginx", "index.docker.io"),
            (["registry-1.docker.io/acme"], "docker.io", "acme/app", "registry-1.docker.io/acme"),
            (["docker.io/acme"], "docker.io", "library/nginx", None),
            (["[::1]:5000"], "[::1]:5000", "a", "[::1]:5000"),
            ([], "quay.io", "a", None),
        ],
    )
    def test_longest_prefix_on_whole_components(
        self, keys: list[str], registry: str, repository: str, expected: str | None
    ) -> None:
        assert found(given_for(*keys), registry, repository) == expected

    def test_first_provider_with_any_match_decides(self) -> None:
        chain = Chain([given_for("quay.io"), given_for("quay.io/coreos", "gcr.io")])
        assert found(chain, "quay.io", "coreos/etcd") == "quay.io"
        assert found(chain, "gcr.io", "a") == "gcr.io"
        assert found(chain, "ghcr.io", "a") is None

    def test_what_matches_nothing_is_told(self) -> None:
        provider = given_for("quay.io", "quay.io/other", "gcr.io", "index.docker.io/acme")
        names = [("quay.io", "coreos/etcd"), ("docker.io", "acme/app"), ("ghcr.io", "a"), ("ghcr.io", "b")]
        assert provider.unused(names) == ["gcr.io", "quay.io/other"]
        assert without_credentials(provider, names) == ["ghcr.io"]
        assert provider.unused([]) == ["gcr.io", "index.docker.io/acme", "quay.io", "quay.io/other"]

    @given(
        st.lists(st.lists(st.sampled_from(["a", "b", "ab"]), max_size=3), max_size=6),
        st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4),
    )
    def test_like_the_definition(self, paths: list[list[str]], name: list[str]) -> None:
        keys = ["/".join(["quay.io", *path]) for path in paths]
        prefixes = [key for key, path in zip(keys, paths) if name[: len(path)] == path]
        assert found(given_for(*keys), "quay.io", "/".join(name)) == max(prefixes, key=len, default=None)


class TestRefusals:
    @pytest.mark.parametrize(
        "key", ["", "https://quay.io", "quay.io//", "quay.io/Upper", "quay.io/*", "a b", "quay.io//a"]
    )
    def test_key(self, key: str) -> None:
        with pytest.raises(InputError):
            given_for(key)

    @pytest.mark.parametrize(
        ("credential", "said"),
        [
            (Credential(username="me"), "without a password"),
            (Credential(password="hidden-word"), "without a username"),
        ],
    )
    def test_half_of_a_pair(self, credential: Credential, said: str) -> None:
        with pytest.raises(InputError, match=said) as caught:
            Given([("quay.io", credential)])
        assert '"quay.io"' in str(caught.value)
        assert "hidden-word" not in str(caught.value)

    def test_one_key_with_two_credentials(self) -> None:
        assert found(Given([("quay.io", user("a")), ("quay.io", user("a"))]), "quay.io", "x") == "a"
        with pytest.raises(InputError, match="differ"):
            Given([("quay.io", user("a")), ("quay.io", user("b"))])
        with pytest.raises(InputError, match=r"index\.docker\.io"):
            Given([("docker.io", user("a")), ("index.docker.io", user("b"))])

    def test_empty_entries_are_none(self) -> None:
        provider = Given([("quay.io", Credential())])
        assert provider.get("quay.io", "a") is None
        assert provider.unused([]) == []

    @given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=10))
    def test_any_text(self, key: str, username: str, password: str) -> None:
        told: list[str] = []
        entries = [(key, Credential(username, password)), ("gcr.io", Credential("_oauth2_", password))]
        if not words_of_refusal(lambda: Given(entries, on_secret=told.append)):
            assert not password or password in told


class TestSecrets:
    def test_every_form_is_told(self) -> None:
        told: list[str] = []
        Given([("quay.io", Credential("me", "p/ss w\u00f6rd"))], on_secret=told.append)
        assert "p/ss w\u00f6rd" in told
        assert "p%2Fss%20w%C3%B6rd" in told
        assert "p%2Fss+w%C3%B6rd" in told
        assert base64.b64encode("me:p/ss w\u00f6rd".encode()).decode() in told
        assert "me" not in told
        assert "" not in told

    def test_tokens_are_told(self) -> None:
        told: list[str] = []
        Given(
            [("a.io", Credential(identity_token="id1")), ("b.io", Credential(registry_token="rt1"))],
            on_secret=told.append,
        )
        assert set(told) == {"id1", "rt1"}

    def test_repr_shows_none(self) -> None:
        credential = Credential("me", "secret1", "secret2", "secret3")
        assert "me" in repr(credential)
        assert "secret" not in repr(credential)

    def test_token_user_has_an_identity_token(self) -> None:
        credential = Given([("quay.io", Credential("<token>", "xyz"))]).get("quay.io", "a")
        assert credential == Credential(identity_token="xyz")


class TestGoogle:
    @pytest.mark.parametrize("registry", ["gcr.io", "eu.gcr.io", "europe-docker.pkg.dev"])
    @pytest.mark.parametrize(
        ("username", "password"),
        [
            ("_oauth2_", KEY64),
            ("_oauth2_", f"{KEY64[:20]}\n{KEY64[20:]}\n"),
            ("_oauth2_", KEY),
            ("_json_key", KEY),
            ("_json_key", KEY64),
            ("_json_key_base64", KEY64),
        ],
    )
    def test_service_account_key(self, registry: str, username: str, password: str) -> None:
        told: list[str] = []
        provider = Given([(f"{registry}/project", Credential(username, password))], on_secret=told.append)
        assert provider.get(registry, "project/image") == Credential("_json_key", KEY)
        assert {password, KEY, base64.b64encode(f"_json_key:{KEY}".encode()).decode()} <= set(told)

    @pytest.mark.parametrize(
        "password", ["not base64!", "YWJj", base64.b64encode(b"{}").decode(), "{", "[]", '{"a": 1}', "\ud800"]
    )
    def test_what_is_no_key(self, password: str) -> None:
        with pytest.raises(InputError) as caught:
            Given([("gcr.io", Credential("_oauth2_", password))])
        assert "_oauth2_" in str(caught.value)
        assert password not in str(caught.value)

    @pytest.mark.parametrize(
        ("registry", "username", "password"),
        [("gcr.io", "oauth2accesstoken", "ya29"), ("notgcr.io", "_oauth2_", "x"), ("quay.io", "_json_key", KEY64)],
    )
    def test_others_stay_as_they_are(self, registry: str, username: str, password: str) -> None:
        assert Given([(registry, Credential(username, password))]).get(registry, "a") == Credential(username, password)
