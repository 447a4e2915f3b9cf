# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's configuration: the file's forms, the programs it names, and what happens when either is not right."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.docker_config import parse_docker_file
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.docker_credentials import DockerConfig
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, InputError
from helpers.oci_documents import words_of_refusal
from hypothesis import given
from hypothesis import strategies as st

HUB = "https://index.docker.io/v1/"
NOT_FOUND = (1, "credentials not found in native keychain\n", "")


def basic(username: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def gives(username: str, secret: str) -> tuple[int, str, str]:
    return 0, json.dumps({"ServerURL": "x", "Username": username, "Secret": secret}), ""


class Desk:
    """Where a configuration is read: its file, the programs, the clock, and all that was said."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "config.json"
        self.answers: dict[tuple[str, str], tuple[int, str, str] | OSError] = {}
        self.asked: list[tuple[str, str]] = []
        self.secrets: list[str] = []
        self.warnings: list[str] = []
        self.now = 1000.0

    def run(self, argv: list[str], stdin: str) -> tuple[int, str, str]:
        program, verb = argv
        assert verb == "get"
        self.asked.append((program, stdin))
        answer = self.answers.get((program, stdin), NOT_FOUND)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def write(self, document: Any) -> None:
        self.path.write_text(json.dumps(document), encoding="utf-8")

    def open(self, *, by_default: bool = False) -> DockerConfig:
        return DockerConfig(
            None if by_default else str(self.path),
            run=self.run,
            on_secret=self.secrets.append,
            warn=self.warnings.append,
            environ={"DOCKER_CONFIG": str(self.path.parent)},
            clock=lambda: self.now,
        )

    def get(self, document: Any, registry: str, repository: str = "a") -> Credential | None:
        self.write(document)
        return self.open().get(registry, repository)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class TestAuths:
    @pytest.mark.parametrize(
        ("key", "registry"),
        [
            ("quay.io", "quay.io"),
            ("https://quay.io", "quay.io"),
            ("http://quay.io/", "quay.io"),
            ("https://quay.io/v2/", "quay.io"),
            ("https://quay.io/v1", "quay.io"),
            ("quay.io/v2", "quay.io"),
            ("QUAY.io:5000", "quay.io:5000"),
            (HUB, "docker.io"),
            ("index.docker.io", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("docker.io", "docker.io"),
        ],
    )
    def test_forms_of_a_key(self, desk: Desk, key: str, registry: str) -> None:
        assert desk.get({"auths": {key: basic("me", "pw")}}, registry) == Credential("me", "pw")
        assert desk.get({"auths": {key: basic("me", "pw")}}, "other.io") is None

    @pytest.mark.parametrize(
        ("entry", "credential"),
        [
            (basic("me", "p:w"), Credential("me", "p:w")),
            ({"auth": base64.b64encode(b"me:pw\x00\x00").decode()}, Credential("me", "pw")),
            ({"username": "me", "password": "pw"}, Credential("me", "pw")),
            ({"auth": basic("a", "b")["auth"], "username": "me", "password": "pw"}, Credential("a", "b")),
            ({**basic("me", ""), "identitytoken": "it"}, Credential("me", "", "it")),
            (basic("<token>", "it"), Credential(identity_token="it")),
            ({"registrytoken": "rt"}, Credential(registry_token="rt")),
            ({"email": "me@example.com", "auth": "", "username": None}, None),
            ({}, None),
            (None, None),
        ],
    )
    def test_forms_of_an_entry(self, desk: Desk, entry: Any, credential: Credential | None) -> None:
        assert desk.get({"auths": {"quay.io": entry}}, "quay.io") == credential

    def test_longest_prefix(self, desk: Desk) -> None:
        document = {"auths": {"quay.io": basic("a", "1"), "https://quay.io/coreos": basic("b", "2")}}
        assert desk.get(document, "quay.io", "coreos/etcd") == Credential("b", "2")
        assert desk.get(document, "quay.io", "coreosx/etcd") == Credential("a", "1")

    def test_keys_that_are_no_registry_are_left_out(self, desk: Desk) -> None:
        document = {"auths": {"*.io": basic("a", "1"), "": basic("a", "1"), "a b": {}}, "credHelpers": {"x/Y": "h"}}
        assert desk.get(document, "quay.io") is None

    def test_secrets_are_told(self, desk: Desk) -> None:
        desk.get({"auths": {"quay.io": basic("me", "pw1")}}, "quay.io")
        assert {"pw1", base64.b64encode(b"me:pw1").decode()} <= set(desk.secrets)


class TestPrograms:
    def test_helper_of_a_registry(self, desk: Desk) -> None:
        desk.answers["docker-credential-ecr", "1.ecr.aws"] = gives("AWS", "s3cr3t")
        document = {"credHelpers": {"1.ecr.aws": "ecr"}, "auths": {"1.ecr.aws": basic("old", "old")}}
        assert desk.get(document, "1.ecr.aws") == Credential("AWS", "s3cr3t", expires_at=1300.0)
        assert "s3cr3t" in desk.secrets

    def test_identity_token(self, desk: Desk) -> None:
        desk.answers["docker-credential-acr", "x.azurecr.io"] = gives("<token>", "it")
        credential = desk.get({"credHelpers": {"x.azurecr.io": "acr"}}, "x.azurecr.io")
        assert credential == Credential(identity_token="it", expires_at=1300.0)

    def test_store_is_asked_for_the_rest(self, desk: Desk) -> None:
        desk.answers["docker-credential-pass", "quay.io"] = gives("me", "pw")
        desk.answers["docker-credential-pass", HUB] = gives("hub", "pw")
        desk.answers["docker-credential-pass", "https://ghcr.io/v2/"] = gives("gh", "pw")
        auths = {"https://ghcr.io/v2/": {}, "inline.io": basic("in", "line")}
        desk.write({"credsStore": "pass", "auths": auths})
        config = desk.open()
        users = {
            registry: config.get(registry, "a") for registry in ("quay.io", "docker.io", "ghcr.io", "inline.io", "x.io")
        }
        assert [found and found.username for found in users.values()] == ["me", "hub", "gh", "in", None]
        assert ("docker-credential-pass", "inline.io") not in desk.asked

    def test_docker_hub_is_asked_for_by_its_old_name(self, desk: Desk) -> None:
        for key in ("docker.io", HUB):
            desk.get({"credHelpers": {key: "h"}}, "docker.io")
            assert desk.asked[-1] == ("docker-credential-h", HUB)

    def test_longer_key_comes_before_a_helper(self, desk: Desk) -> None:
        desk.answers["docker-credential-h", "quay.io"] = gives("h", "pw")
        document = {"credHelpers": {"quay.io": "h"}, "auths": {"quay.io/coreos": basic("in", "line")}}
        assert desk.get(document, "quay.io", "coreos/etcd") == Credential("in", "line")
        assert desk.get(document, "quay.io", "x") == Credential("h", "pw", expires_at=1300.0)

    def test_not_found_is_no_match(self, desk: Desk) -> None:
        document = {"credHelpers": {"quay.io": "h"}, "credsStore": "pass"}
        assert desk.get(document, "quay.io") is None
        assert desk.asked == [("docker-credential-h", "quay.io")]
        document["auths"] = {"quay.io": basic("in", "line")}
        assert desk.get(document, "quay.io") == Credential("in", "line")

    def test_answers_are_kept_and_renewed(self, desk: Desk) -> None:
        desk.answers["docker-credential-h", "quay.io"] = gives("me", "first")
        desk.write({"credHelpers": {"quay.io": "h"}})
        config = desk.open()
        first = config.get("quay.io", "a")
        desk.answers["docker-credential-h", "quay.io"] = gives("me", "second")
        desk.now += 200
        assert config.get("quay.io", "b") is first
        desk.now += 100
        assert config.get("quay.io", "a") == Credential("me", "second", expires_at=1600.0)
        assert len(desk.asked) == 2

    def test_what_a_registry_refuses_is_asked_for_again_and_the_same_once(self, desk: Desk) -> None:
        desk.answers["docker-credential-h", "quay.io"] = gives("me", "first")
        desk.write({"credHelpers": {"quay.io": "h"}})
        config = desk.open()
        first = config.get("quay.io", "a")
        assert first is not None
        config.refused("quay.io", first)
        assert config.get("quay.io", "a") is first  # it is as new as can be
        desk.now += 2
        config.refused("quay.io", Credential("me", "another"))
        assert config.get("quay.io", "a") is first
        for _time in range(3):
            config.refused("quay.io", first)
            assert config.get("quay.io", "a") == Credential("me", "first")
            desk.now += 2
        assert len(desk.asked) == 2
        desk.answers["docker-credential-h", "quay.io"] = gives("me", "second")
        desk.now += 300
        second = config.get("quay.io", "a")
        assert second == Credential("me", "second")
        desk.now += 2
        desk.answers["docker-credential-h", "quay.io"] = gives("me", "third")
        config.refused("quay.io", second)
        assert config.get("quay.io", "a") == Credential("me", "third")

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ((1, "pass is not initialized\nmore", ""), "status 1: pass is not initialized"),
            ((2, "", "gpg: no key\n"), "status 2: gpg: no key"),
            ((1, '{"Secret": "hidden-word"}', ""), "status 1"),
            ((1, "", ""), "status 1"),
            ((0, "hidden-word", ""), "not the JSON"),
            ((0, '["hidden-word"]', ""), "not the JSON"),
            ((0, '{"Username": "me", "Secret": {"x": "hidden-word"}}', ""), "not the JSON"),
            ((0, "\ud800", ""), "not the JSON"),
            (FileNotFoundError(2, "No such file or directory"), "No such file"),
        ],
    )
    def test_failure(self, desk: Desk, answer: tuple[int, str, str] | OSError, said: str) -> None:
        desk.answers["docker-credential-h", "quay.io"] = answer
        desk.write({"credHelpers": {"quay.io": "h"}})
        config = desk.open()
        for _time in range(2):
            with pytest.raises(ImageOpsError, match=said) as caught:
                config.get("quay.io", "a")
            assert caught.value.code == "no_credentials"
            assert "docker-credential-h" in str(caught.value)
            assert "hidden-word" not in str(caught.value)
        assert len(desk.asked) == 1

    def test_store_that_fails(self, desk: Desk) -> None:
        desk.answers["docker-credential-desktop", "quay.io"] = FileNotFoundError(2, "No such file or directory")
        desk.write({"credsStore": "desktop"})
        with pytest.raises(ImageOpsError, match="docker-credential-desktop"):
            desk.open().get("quay.io", "a")
        assert desk.warnings == []

    def test_store_of_the_default_file_that_fails_is_a_warning(self, desk: Desk) -> None:
        desk.answers["docker-credential-desktop", "quay.io"] = FileNotFoundError(2, "No such file or directory")
        desk.write({"credsStore": "desktop"})
        config = desk.open(by_default=True)
        assert config.get("quay.io", "a") is None
        assert config.get("quay.io", "b") is None
        assert len(desk.warnings) == 1
        assert "docker-credential-desktop" in desk.warnings[0]

    @pytest.mark.parametrize("name", ["../evil", "/bin/sh", "a b", ".", "-x", "a\n", 5, ["x"]])
    def test_names_that_are_no_names(self, desk: Desk, name: object) -> None:
        with pytest.raises(InputError):
            desk.get({"credHelpers": {"quay.io": name}}, "quay.io")
        with pytest.raises(InputError):
            desk.get({"credsStore": name}, "quay.io")
        document = {"credHelpers": {"quay.io": name}, "auths": {"ghcr.io": basic("me", "pw")}}
        assert desk.get(document, "ghcr.io") == Credential("me", "pw")
        assert desk.asked == []

    @pytest.mark.parametrize("name", ["", None])
    def test_an_empty_name_means_the_file_itself(self, desk: Desk, name: object) -> None:
        document = {"credHelpers": {"quay.io": name}, "credsStore": "pass"}
        assert desk.get(document, "quay.io") is None
        document["auths"] = {"quay.io": basic("in", "line")}
        assert desk.get(document, "quay.io") == Credential("in", "line")
        assert desk.asked == []


class TestFile:
    def test_missing(self, desk: Desk) -> None:
        assert desk.open(by_default=True).get("quay.io", "a") is None
        with pytest.raises(InputError, match=r"config\.json.*No such file"):
            desk.open()

    def test_default_place(self, desk: Desk) -> None:
        desk.path = desk.path.parent / ".docker" / "config.json"
        desk.path.parent.mkdir()
        desk.write({"auths": {"quay.io": basic("me", "pw")}})
        config = DockerConfig(
            None,
            run=desk.run,
            on_secret=desk.secrets.append,
            warn=desk.warnings.append,
            environ={"HOME": str(desk.path.parent.parent)},
        )
        assert config.get("quay.io", "a") == Credential("me", "pw")

    def test_unreadable(self, desk: Desk) -> None:
        desk.path.mkdir()
        for by_default in (True, False):
            with pytest.raises(InputError, match=r"config\.json"):
                desk.open(by_default=by_default)

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"[]",
            b"{",
            b"\xff\xfe",
            b'{"auths": []}',
            b'{"credHelpers": "x"}',
            b'{"auths": {"quay.io": "hidden-word"}}',
            b'{"auths": {"quay.io": {"auth": "hidden-word!"}}}',
            b'{"auths": {"quay.io": {"auth": "aGlkZGVuLXdvcmQ="}}}',
            b'{"auths": {"quay.io": {"auth": "/////w=="}}}',
            b'{"auths": {"quay.io": {"password": ["hidden-word"]}}}',
            b"[" * 200_000,
        ],
    )
    def test_malformed(self, desk: Desk, raw: bytes) -> None:
        desk.path.write_bytes(raw)
        with pytest.raises(InputError) as caught:
            desk.open().get("quay.io", "a")
        assert str(desk.path) in str(caught.value)
        assert "hidden-word" not in str(caught.value)
        assert "aGlk" not in str(caught.value)

    def test_an_odd_store_matters_only_where_it_would_be_asked(self, desk: Desk) -> None:
        document = {"credsStore": "../evil", "auths": {"quay.io": basic("me", "pw")}}
        assert desk.get(document, "quay.io") == Credential("me", "pw")
        with pytest.raises(InputError, match="credsStore"):
            desk.get(document, "ghcr.io")

    @pytest.mark.parametrize("entry", ["word", {"auth": "bm90LWEtbG9naW4="}, {"auth": "!"}, {"password": ["word"]}])
    def test_an_entry_that_is_wrong_does_its_neighbours_no_harm(self, desk: Desk, entry: object) -> None:
        document = {"auths": {"broken.io": entry, "quay.io": basic("me", "pw")}}
        assert desk.get(document, "quay.io") == Credential("me", "pw")
        assert desk.get(document, "ghcr.io") is None
        with pytest.raises(InputError, match=r"the entry for \"broken\.io\""):
            desk.get(document, "broken.io")
        document["auths"]["https://broken.io/v2/"] = basic("it", "works")
        assert desk.get(document, "broken.io") == Credential("it", "works")

    @pytest.mark.parametrize(
        "entry",
        [
            {"username": "me", "password": "pw", "email": "a@b", "auth": basic("me", "pw")["auth"]},
            {"auth": basic("me", "pw")["auth"], "email": ""},
            {"username": "me", "password": "pw"},
        ],
    )
    def test_the_old_form_without_auths(self, desk: Desk, entry: dict[str, str]) -> None:
        document = {"https://index.docker.io/v1/": entry, "registry.example.com": entry}
        for registry in ("docker.io", "registry.example.com"):
            assert desk.get(document, registry) == Credential("me", "pw")
        assert desk.warnings == []

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"auths": {}},
            {"auths": {"quay.io": {}}},
            {"auths": {"no registry": basic("me", "pw")}},
            {"auths": {"quay.io": {"auth": "!"}}},
            {"credHelpers": {"quay.io": ""}, "HttpHeaders": {"User-Agent": "x"}},
        ],
    )
    def test_a_named_file_that_has_nothing_to_log_in_with_is_warned_of(self, desk: Desk, document: Any) -> None:
        desk.write(document)
        desk.open()
        (warning,) = desk.warnings
        assert str(desk.path) in warning and "no credentials in it" in warning
        desk.warnings.clear()
        desk.open(by_default=True)
        assert desk.warnings == []

    @pytest.mark.parametrize(
        "document",
        [{"auths": {"quay.io": basic("me", "pw")}}, {"credHelpers": {"quay.io": "h"}}, {"credsStore": "pass"}],
    )
    def test_a_named_file_that_has_something_is_not(self, desk: Desk, document: Any) -> None:
        desk.write(document)
        desk.open()
        assert desk.warnings == []

    def test_what_is_not_about_credentials_is_not_looked_at(self, desk: Desk) -> None:
        document = {
            "HttpHeaders": 5,
            "proxies": [],
            "psFormat": "table",
            "auths": None,
            "credHelpers": None,
            "credsStore": "",
        }
        assert desk.get(document, "quay.io") is None
        assert len(desk.warnings) == 1


VALUES = st.none() | st.text(max_size=8) | st.integers() | st.lists(st.text(max_size=3), max_size=2)
ENTRIES = VALUES | st.dictionaries(
    st.sampled_from(["auth", "username", "password", "identitytoken", "registrytoken"]), VALUES, max_size=3
)
SECTIONS = VALUES | st.dictionaries(st.sampled_from(["quay.io", HUB, "x"]) | st.text(max_size=8), ENTRIES, max_size=3)


@given(
    st.binary(max_size=60)
    | st.builds(
        lambda document: json.dumps(document).encode(),
        st.dictionaries(st.sampled_from(["auths", "credHelpers", "credsStore"]), SECTIONS),
    )
)
def test_any_file(raw: bytes) -> None:
    assert words_of_refusal(lambda: parse_docker_file(raw, "config.json")).isprintable()
    try:
        file = parse_docker_file(raw, "config.json")
    except InputError:
        return
    file.inline.find("quay.io", "a")
    assert words_of_refusal(lambda: file.in_store("docker.io", "a")).isprintable()
