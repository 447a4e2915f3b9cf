# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""image-syncer's files: both forms, JSON and YAML, environment variables, and each mistake with its words."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential, Given
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.files.documents import parse_document
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.files.image_syncer import (
    AuthEntry,
    load_auth,
    load_combined,
    load_images,
)
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import (
    check_rules,
    parse_entries,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SEED = """{
    "auth": {
        "harbor.myk8s.paas.com:32080": {
            "username": "admin",
            "password": "xxxxxxxxx",
            "insecure": true
        },
        "ruohe-test-registry.cn-shanghai.cr.aliyuncs.com": {
            "username": "ruohehhy",
            "password": "yyyyyyyy"
        }
    },
    "images": {
        "harbor.myk8s.paas.com:32080/library/nginx": ""
    }
}"""


def no_warning(text: str) -> None:
    raise AssertionError(text)


class Files:
    """Writes files and reads them back by the loaders."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, text: str | bytes, name: str) -> str:
        path = self._directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def combined(self, text: str | bytes, name: str = "c.yaml") -> tuple[list[AuthEntry], list[tuple[str, Any]]]:
        return load_combined(self.write(text, name), warn=no_warning)

    def auth(self, text: str | bytes, name: str = "auth.yaml", **env: str) -> list[AuthEntry]:
        return load_auth(self.write(text, name), env=env, warn=no_warning)

    def images(self, text: str | bytes, name: str = "images.yaml", **env: str) -> list[tuple[str, Any]]:
        return load_images(self.write(text, name), env=env)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def refusal(read: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(*args, **kwargs)
    return str(caught.value)


def test_the_seed_document(files: Files) -> None:
    auth, entries = files.combined(SEED, "harbor-to-acr.json")
    assert auth == [
        AuthEntry("harbor.myk8s.paas.com:32080", "admin", "xxxxxxxxx", insecure=True),
        AuthEntry("ruohe-test-registry.cn-shanghai.cr.aliyuncs.com", "ruohehhy", "yyyyyyyy"),
    ]
    (rule,) = parse_entries(
        entries, default_registry="registry.cn-beijing.aliyuncs.com", default_namespace="image-syncer"
    )
    assert rule.origin == 'harbor-to-acr.json: "harbor.myk8s.paas.com:32080/library/nginx"'
    assert rule.source.name == "harbor.myk8s.paas.com:32080/library/nginx"
    assert rule.source.selects_by_listing
    assert [place.name for place in rule.destinations] == ["registry.cn-beijing.aliyuncs.com/image-syncer/nginx"]
    assert "xxxxxxxxx" not in repr(auth)


def test_the_same_in_yaml_and_split(files: Files) -> None:
    document = json.loads(SEED)
    expected = files.combined(SEED, "x.json")
    assert files.combined(SEED, "x.yaml")[0] == expected[0]
    assert files.auth(json.dumps(document["auth"]), "auth.json") == expected[0]
    assert files.images(json.dumps(document["images"]), "x.json") == expected[1]
    block = 'harbor.myk8s.paas.com:32080/library/nginx: ""\n'
    assert files.images(block, "x.yml") == [(origin.replace("x.json", "x.yml"), item) for origin, item in expected[1]]


def test_a_name_without_a_known_ending_is_read_as_what_it_is(files: Files) -> None:
    assert files.images('\n {"a.io/b": "c.io/d"}', "images") == files.images("a.io/b: c.io/d\n", "images")
    assert "is not JSON" in refusal(files.images, "{a.io/b: c.io/d}", "images")
    assert "is not JSON" in refusal(files.images, "a.io/b: c.io/d", "images.json")


def test_a_byte_order_mark_is_no_fault(files: Files) -> None:
    assert files.images(b'\xef\xbb\xbf{"a.io/b": "c.io/d"}', "images.json")


def test_destinations_may_be_lists(files: Files) -> None:
    (entry,) = files.images("a.io/b:v1: [c.io/d, 'e.io/f:v2']\n")
    assert entry == ('images.yaml: "a.io/b:v1"', {"source": "a.io/b:v1", "destination": ["c.io/d", "e.io/f:v2"]})


def test_either_mapping_may_be_missing_in_a_combined_file(files: Files) -> None:
    assert files.combined("auth: {}\n") == ([], [])
    assert files.combined("images:\nauth:\n") == ([], [])
    auth, entries = files.combined("images: {a.io/b: c.io/d}\n")
    assert (auth, len(entries)) == ([], 1)


def test_keys_of_credentials(files: Files) -> None:
    text = "quay.io/coreos: {username: a, password: b}\nIndex.docker.io: {insecure: on}\nx.io:443/a/b/: {}\n"
    assert files.auth(text) == [
        AuthEntry("quay.io/coreos", "a", "b"),
        AuthEntry("docker.io", insecure=True),
        AuthEntry("x.io:443/a/b"),
    ]


def test_merged_mappings_and_aliases(files: Files) -> None:
    text = (
        "a.io: &a {username: u, password: p}\nb.io: *a\n"
        "c.io:\n  <<: *a\n  password: q\nd.io:\n  <<: [{insecure: yes}, *a]\n"
    )
    assert files.auth(text) == [
        AuthEntry("a.io", "u", "p"),
        AuthEntry("b.io", "u", "p"),
        AuthEntry("c.io", "u", "q"),
        AuthEntry("d.io", "u", "p", insecure=True),
    ]


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("$NAME", "value"),
        ("${NAME}", "value"),
        ("a${NAME}b${NAME}", "avaluebvalue"),
        ("$$NAME", "$NAME"),
        ("$${NAME}", "${NAME}"),
        ("$$a${NAME}", "$avalue"),
        ("robot$sync", "robot$sync"),
        ("Pa$$w0rd", "Pa$$w0rd"),
        ("$NAME-x", "$NAME-x"),
        ("x$NAME", "x$NAME"),
        ("$", "$"),
        ("${}", "${}"),
        ("${A-B}", "${A-B}"),
        ("$1", "$1"),
        ("${DOLLARS}", "$NAME${NAME}"),
        ("$EMPTY", ""),
    ],
)
def test_environment_variables_in_split_files(files: Files, written: str, expanded: str) -> None:
    env = {"NAME": "value", "DOLLARS": "$NAME${NAME}", "EMPTY": ""}
    quoted = json.dumps(written)
    if expanded:
        assert files.auth(f"a.io: {{username: {quoted}, password: {quoted}}}", **env) == [
            AuthEntry("a.io", expanded, expanded)
        ]
    ((_, item),) = files.images(f"a.io/b: [x, {quoted}]", **env)
    assert item == {"source": "a.io/b", "destination": ["x", expanded]}
    auth, ((_, item),) = files.combined(
        f"{{auth: {{a.io: {{username: u, password: {quoted}}}}}, images: {{a.io/b: {quoted}}}}}"
    )
    assert (auth[0].password, item["destination"]) == (written, [written])


@pytest.mark.parametrize("written", ["$NAME", "${NAME}", "a${NAME}"])
def test_a_variable_that_is_not_set_is_named(files: Files, written: str) -> None:
    for key in ("username", "password"):
        other = {"username": "password", "password": "username"}[key]
        auth = files.auth(f"a.io: {{{key}: '{written}', {other}: x}}\nb.io: {{username: u, password: p}}", NAMES="x")
        assert auth == [AuthEntry("a.io"), AuthEntry("b.io", "u", "p")]
        assert auth[1].fault is None
        message = str(auth[0].fault)
        assert f'the {key} of auth.yaml: "a.io"' in message
        assert "environment variable NAME is not set" in message
    message = refusal(files.images, f"a.io/b: '{written}'")
    assert 'of images.yaml: "a.io/b"' in message
    assert "environment variable NAME is not set" in message


def test_a_variable_that_is_empty_makes_a_login_that_cannot_be_used(files: Files) -> None:
    (entry,) = files.auth("a.io: {username: u, password: $NAME}", NAME="")
    assert "a username and no password" in str(entry.fault)
    assert "a username and no password" in refusal(files.auth, "a.io: {username: u$NAME, password: ''}", NAME="x")


@pytest.mark.parametrize(
    "written",
    ["12345678", "0071234", "0123", "010", "1e5", "0x1f", "1_000", "1.10", "+1", "-0", "190:20:30", ".5", ".inf"]
    + ["2024-01-02", "yes", "No", "on", "OFF", "true", "False", "=", "9" * 5000],
)
def test_a_user_and_a_password_are_their_own_text(files: Files, written: str) -> None:
    assert files.auth(f"a.io: {{username: {written}, password: {written}}}") == [AuthEntry("a.io", written, written)]
    combined = f"auth:\n  a.io:\n    username: {written}\n    password: {written} # theirs\n"
    assert files.combined(combined)[0] == [AuthEntry("a.io", written, written)]


@pytest.mark.parametrize("written", ["12345678", "1e5", "-0", "1.10", "true", "false", "9" * 5000])
def test_so_they_are_in_json(files: Files, written: str) -> None:
    text = f'{{"a.io": {{"username": {written}, "password": {written}}}}}'
    assert files.auth(text, "auth.json") == [AuthEntry("a.io", written, written)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.io/b:v1:\n", "images.yaml"),
        ("a.io/b:v1: ~\n", "images.yaml"),
        ("a.io/b:v1:\n  -\n", "images.yaml"),
        ("{a.io/b:v1: }", "images.yaml"),
        ('{"a.io/b:v1": null}', "images.json"),
        ('{"a.io/b:v1": [null]}', "images.json"),
        ("a.io/b:v1\n", "images.txt"),
        ("- a.io/b:v1\n", "images.yaml"),
        ('["a.io/b:v1"]', "images.json"),
    ],
)
def test_nothing_behind_a_source_is_the_empty_destination(files: Files, text: str, name: str) -> None:
    entries = files.images(text, name)
    (rule,) = parse_entries(entries, default_registry="reg.io", default_namespace="ns")
    assert [(place.name, place.tags) for place in rule.destinations] == [("reg.io/ns/b", None)]
    message = refusal(parse_entries, entries, default_registry=None, default_namespace=None)
    assert "default_registry and default_namespace" in message
    assert name in message


LIST = """\
# what mirrors are filled from
nginx:1.25
   --platform=linux/arm64 redis:7\r
--platform linux/amd64,linux/arm64   quay.example/a/b:1

quay.example/coreos/etcd:v3.5   # with a comment: this one
docker.io/acme/app@sha256:DIGEST#not-a-comment
"""


@pytest.mark.parametrize("name", ["images.txt", "images", "images.list", "images.yaml"])
def test_a_plain_list_of_references(files: Files, name: str) -> None:
    digest = "1" * 64
    entries = files.images(LIST.replace("DIGEST#not-a-comment", digest), name)
    assert [(item["source"], item.get("platforms")) for _origin, item in entries] == [
        ("nginx:1.25", None),
        ("redis:7", ["linux/arm64"]),
        ("quay.example/a/b:1", ["linux/amd64", "linux/arm64"]),
        ("quay.example/coreos/etcd:v3.5", None),
        (f"docker.io/acme/app@sha256:{digest}", None),
    ]
    assert entries[0][0] == f"line 2 of {name}"
    rules = parse_entries(entries, default_registry="reg.io", default_namespace="ns")
    assert [rule.destinations[0].name for rule in rules][:2] == ["reg.io/ns/nginx", "reg.io/ns/redis"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a.io/b:1 c.io/d", ["there is more than one reference", "line 2 of list.txt", "one reference a line"]),
        ("--pull=always a.io/b:1", ["--pull=always", "it is not known", "--platform="]),
        ("--platform=linux/arm64", ["it is not known"]),
    ],
)
def test_mistakes_in_lists_are_named(files: Files, line: str, says: list[str]) -> None:
    message = refusal(files.images, f"nginx:1.25\n{line}\n", "list.txt")
    assert all(words in message for words in says)


def test_a_source_is_never_expanded(files: Files) -> None:
    ((origin, item),) = files.images("'a.io/${NAME}': c.io/d", NAME="b")
    assert item["source"] == "a.io/${NAME}"
    assert origin == 'images.yaml: "a.io/${NAME}"'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.io: {username: u}", ['"a.io"', "a username and no password"]),
        ("a.io: {username: u, password: ''}", ["a username and no password"]),
        ("a.io: {username: u, password: }", ["a username and no password"]),
        ("a.io: {password: SECRET}", ["a password and no username"]),
        ("a.io: {username: u, password: [SECRET]}", ["the password of", "not a string"]),
        ("a.io: {username: [12345678], password: SECRET}", ["the username of", "not a string"]),
        ("a.io: {username: 12345678}", ["a username and no password"]),
        ("a.io: {insecure: ture}", ["insecure", '"ture"', "write true or false"]),
        ("a.io: {insecure: 'true'}", ['"true"', "write true or false"]),
        ("a.io: {insecure: 1}", ["insecure", '"1"', "write true or false"]),
        ("a.io:", ['"a.io"', "not a mapping"]),
        ("a.io: SECRET", ['"a.io"', "not a mapping"]),
        ("https://a.io: {}", ['the key "https://a.io" of auth.yaml: it has a scheme']),
        ("a.io//: {}", ['the key "a.io//"']),
        ("a.io/B: {}", ["upper-case"]),
        ("[a.io]", ["not a mapping", "auth.yaml"]),
        ("text", ["not a mapping"]),
        ("auth: {a.io: {username: u, password: SECRET}}", ["as in a combined file", "auth_file", "give it as config"]),
    ],
)
def test_mistakes_in_credentials_are_named_and_not_shown(files: Files, text: str, says: list[str]) -> None:
    message = refusal(files.auth, text)
    for words in says:
        assert words in message
    for secret in ("SECRET", "12345678", "2024-01-02"):
        assert secret not in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{a.io/b:v1,v2: c.io/d}", ['"a.io/b:v1"', "line 1", "quote the source"]),
        ("? a.io/b", ['"a.io/b"', "there is no ':' behind"]),
        ("a.io/b: 1.10", ['the destination "1.10"', 'write "1.10" in quotes']),
        ("a.io/b: [c.io/d, 010]", ['the destination "010"', 'write "010" in quotes']),
        ("a.io/b: 2024-01-02", ["a date", 'write "2024-01-02" in quotes']),
        ("a.io/b: yes", ["true or false", "in quotes"]),
        ("a.io/b: {c: d}", ["a mapping", "not a string", "a list of destinations"]),
        (
            "a.io/b: c.io/d\na.io/b: e.io/f",
            ['the key "a.io/b" is there twice', "line 2", "images.yaml", "with a list of destinations"],
        ),
        ('{"a.io/b": "", "a.io/b": ""}', ['the key "a.io/b" is there twice', "with a list of destinations"]),
        ("1.10: c.io/d", ["a key is not a string in line 1", 'write "1.10" in quotes']),
        ("? [a]\n: b", ["a key is not a string in line 1"]),
        ("- a.io/b: c.io/d", ["the source a mapping of images.yaml[0]", "source: destination"]),
        ("- 1.10", ['write "1.10" in quotes']),
        ("5: c.io/d", ["a key is not a string"]),
        ("images: {a.io/b: c.io/d}", ["as in a combined file", "images_file", "give it as config"]),
        ("a: b: c", ["not YAML", "line 1, column 5"]),
        ("a: [b", ["not YAML"]),
        ("a: !vault |\n  x", ['the tag "!vault"', "line 1"]),
        ("a: !!python/object/apply:os.system [ls]", ["the tag", "python/object"]),
        ("a: !!bool maybe", ["the tag"]),
        ("a: !!set {b}", ["the tag"]),
        ("a: *b", ["not YAML", "line 1"]),
        ("a: &b [*b]", ["nested too deeply"]),
        ("a: b\n---\nc: d", ["not YAML"]),
        ("a: \x07", ["not YAML"]),
        ("<<: 5", ["what << merges is not a mapping"]),
        ("a: " + "[" * 50 + "]" * 50, ["nested too deeply"]),
        ("a: " + "[" * 100_000, ["nested too deeply"]),
        ("", ["it is empty"]),
        (" \n", ["it is empty"]),
        ("# nothing\n", ["not a mapping"]),
        ("$ANSIBLE_VAULT;1.1;AES256\n616263", ["encrypted by ansible-vault", "decrypt"]),
    ],
)
def test_mistakes_in_images_are_named(files: Files, text: str, says: list[str]) -> None:
    message = refusal(files.images, text)
    for words in says:
        assert words in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"auth": {"a.io": {"username": "u", "password": "SECRET", "insecure": ture}}}', ["line 1, column 71"]),
        ('{"images": {"a.io/b": "", "a.io/b": "x.io/y"}}', ['the key "a.io/b" is there twice']),
        ('{"auth": {"a.io": {"username": "u", "username": "v"}}}', ['the key "username" is there twice']),
        ('{"auth": {"a.io": {"username": "u", "password": {"a": 12345678}}}}', ["the password of", "not a string"]),
        ('{"images": {"a.io/b": "", // theirs\n "c.io/d": ""}}', ["line 1", "JSON has no comments", ".yaml"]),
        ('{"images": {"a.io/b": "" /* theirs */}}', ["line 1, column 26", "JSON has no comments"]),
        ('{"images": {\n# theirs\n"a.io/b": ""}}', ["JSON has no comments"]),
        ('{"images": {"a.io/b": [// theirs\n "c.io/d"]}}', ["JSON has no comments"]),
        ('// theirs\n{"images": {}}', ["line 1, column 1", "JSON has no comments"]),
        ('{"images": {}} // theirs', ["JSON has no comments"]),
        ('{"images": {"a.io/b": "",}}', ["a comma behind the last item"]),
        ('{"images": {"a.io/b": ["c.io/d", ]}}', ["a comma behind the last item"]),
        ('{"images": {"a.io/b": 1.10}}', ['write "1.10" in quotes']),
        ('{"images": {"a.io/b": NaN}}', ['"NaN"', "in quotes"]),
        ('{"images": {"a.io/b": ' + "9" * 5000 + "}}", ["a number"]),
        ('{"images": ["a.io/b"]}', ["the images of c.json", "not a mapping"]),
        (
            '{"auth": {"a.io": {"username": "\\ud800", "password": "SECRET"}}}',
            ["the username of", "half of a character"],
        ),
        ('{"a.io/b": "c.io/d"}', ["neither auth nor images", "auth_file or images_file"]),
        ("[]", ["not a mapping", "{auth: {...}, images: {...}}"]),
        ("[" * 100_000, ["nested too deeply"]),
        ("{} {}", ["is not JSON"]),
    ],
)
def test_mistakes_in_json_are_named(files: Files, text: str, says: list[str]) -> None:
    message = refusal(files.combined, text, "c.json")
    for words in [*says, "c.json"]:
        assert words in message
    for secret in ("SECRET", "12345678"):
        assert secret not in message


@pytest.mark.parametrize("text", ["// theirs\n{}", "/* theirs */ {}", '{"a.io/b": ""} # theirs'])
def test_comments_in_json_of_another_name_are_said_as_such(files: Files, text: str) -> None:
    assert "JSON has no comments" in refusal(files.images, text, "images.conf")


@pytest.mark.parametrize("key", ["registry.hub.docker.com", "hub.docker.com", "index.docker.io/", "docker.io"])
def test_every_name_of_docker_hub_is_its_own(files: Files, key: str) -> None:
    document = {"auth": {key: {"username": "someone", "password": "x"}}, "images": {"quay.io/a/b:1": "someone/b"}}
    auth, entries = files.combined(json.dumps(document), "c.json")
    (rule,) = parse_entries(entries, default_registry=None, default_namespace=None)
    logins = Given([(entry.key, Credential(entry.username, entry.password)) for entry in auth])
    assert logins.get(rule.destinations[0].registry, rule.destinations[0].repository) == Credential("someone", "x")


def test_aliases_that_stand_for_too_much(files: Files) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "aliases stand for too much" in refusal(files.images, "\n".join(lines))
    lines = ["a0: &a0 {x: y}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)]
    assert "aliases stand for too much" in refusal(files.images, "\n".join(lines))


def test_keys_without_meaning_are_warned_of(files: Files) -> None:
    warnings: list[str] = []
    path = files.write("auth: {a.io: {username: u, password: p, insecur: true}}\nimage: {}\nx: y\n", "c.yaml")
    auth, entries = load_combined(path, warn=warnings.append)
    assert (auth, entries) == ([AuthEntry("a.io", "u", "p")], [])
    assert warnings == [
        'The key "image" of c.yaml has no meaning and is ignored; did you mean images?',
        'The key "x" of c.yaml has no meaning and is ignored; it may have auth, images',
        'The key "insecur" of c.yaml: "a.io" has no meaning and is ignored; did you mean insecure?',
    ]


def test_files_that_cannot_be_read(files: Files, tmp_path: Path) -> None:
    assert f'the file "{tmp_path}/none.yaml": no such file' in refusal(load_images, f"{tmp_path}/none.yaml", env={})
    assert "it is not a file" in refusal(load_images, str(tmp_path), env={})
    assert "not the name of a file" in refusal(load_images, "a\0b", env={})
    assert "not UTF-8 text (byte 3)" in refusal(files.images, b"a: \xff")
    assert "larger than 8 MiB" in refusal(files.images, b"#" * (8 * 1024 * 1024 + 1))
    os.mkfifo(tmp_path / "fifo.yaml")
    assert "it is not a file" in refusal(load_images, str(tmp_path / "fifo.yaml"), env={})


def test_without_pyyaml(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert files.images('{"a.io/b": ""}', "images.json")
    message = refusal(files.images, "a.io/b: c.io/d")
    assert sys.executable in message
    assert "PyYAML" in message


def test_a_list_may_have_items_as_the_option_images_has_them(files: Files) -> None:
    items = [{"source": "a.io/b", "destination": "c.io/d", "tags": {"newest": 3}, "referrers": False}, "a.io/e"]
    expected = [dict(items[0], tags={"newest": "3"}), {"source": "a.io/e", "destination": ""}]
    assert [item for _origin, item in files.images(json.dumps(items), "again.json")] == expected
    written = "- {source: a.io/b, destination: c.io/d, tags: {newest: 3}, referrers: no}\n- a.io/e\n"
    assert [item for _origin, item in files.images(written)] == expected
    entries = files.images("- {source: a.io/b, destination: c.io/d, tag: x}\n")
    message = refusal(parse_entries, entries, default_registry=None, default_namespace=None)
    assert 'the key "tag" of images.yaml[0]: it is not known (did you mean tags?)' in message
    entries = files.images("- {source: a.io/b, destination: c.io/d, tags: {semver: 1.10}}\n")
    assert 'write "1.10" in quotes' in refusal(parse_entries, entries, default_registry=None, default_namespace=None)


def test_the_rules_of_a_file_name_it(files: Files) -> None:
    entries = files.images("a.io/b:v1: c.io/d\n'a.io/b:v2': 'c.io/d:v1'\n")
    rules = parse_entries(entries, default_registry=None, default_namespace=None)
    message = refusal(check_rules, rules)
    assert 'the rule images.yaml: "a.io/b:v2"' in message
    assert 'where images.yaml: "a.io/b:v1" writes' in message
    entries = files.images("a.io/B: c.io/d\n")
    message = refusal(parse_entries, entries, default_registry=None, default_namespace=None)
    assert 'the source "a.io/B" of images.yaml: "a.io/B"' in message
    entries = files.images('"": c.io/d\n')
    assert "has no source" in refusal(parse_entries, entries, default_registry=None, default_namespace=None)


_SCRAPS = st.sampled_from(
    [*"{}[]:,\"'\n&*!-?|>#%@ <", ": ", "<<: ", "&a ", "*a", "!!", "!!int ", "null", "1.10", "  "]
    + ["a.io", "a.io/b", "$X", "username", "password", "auth", "images", "\ud800", "\x00", "é"]
)


@given(st.text(max_size=20) | st.lists(_SCRAPS, max_size=14).map("".join), st.sampled_from(["a.yaml", "a.json", "a"]))
def test_any_text_is_a_document_or_refused(text: str, name: str) -> None:
    try:
        parse_document(text, name)
    except InputError as error:
        assert str(error).isprintable()


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["$X", "a.io/b:v1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["auth", "images", "username", "password", "insecure", "a.io", "a.io/b"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_JSON)
def test_any_json_is_read_or_refused(files: Files, document: object) -> None:
    path = files.write(json.dumps(document), "any.json")
    seen: list[str] = []
    for read in (
        lambda: load_combined(path, warn=seen.append),
        lambda: load_auth(path, env={}, warn=seen.append),
        lambda: parse_entries(load_images(path, env={"X": "y"}), default_registry=None, default_namespace=None),
    ):
        try:
            read()
        except InputError as error:
            assert str(error).isprintable()
