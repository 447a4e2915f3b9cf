# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules: each form of image-syncer's grammar, each mistake with its words, and what a rule selects and renames."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Reference
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import (
    Rule,
    as_item,
    check_rules,
    destination_tag,
    parse_rules,
)
from hypothesis import given
from hypothesis import strategies as st

ONE = "sha256:" + "1" * 64
TWO = "sha256:" + "2" * 64
SRC = "quay.io/acme/app"
DST = "r.example.com:5000/mirror/app"


def parse(*items: Any, registry: str | None = None, namespace: str | None = None) -> list[Rule]:
    return parse_rules(list(items), default_registry=registry, default_namespace=namespace)


def refusal(*items: Any, registry: str | None = None, namespace: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        check_rules(parse(*items, registry=registry, namespace=namespace))
    assert caught.value.code == "invalid_input"
    assert caught.value.hint
    return str(caught.value)


def copies(rule: Rule, listed: list[str] | None = None) -> list[tuple[str | None, str, str | None]]:
    """What the rule copies: source tag, destination repository, destination tag."""
    tags: list[str | None] = [*rule.select(listed or [])]
    if rule.source.digest is not None and not tags:
        tags = [None]
    return [(tag, place.name, destination_tag(rule, place, tag)) for tag in tags for place in rule.destinations]


@pytest.mark.parametrize(
    ("source", "tags", "pattern", "digest"),
    [
        (SRC, None, None, None),
        (f"{SRC}:v1", ("v1",), None, None),
        (f"{SRC}:v1,v2", ("v1", "v2"), None, None),
        (f"{SRC}:v1, v2 ,v3", ("v1", "v2", "v3"), None, None),
        (f"{SRC}:v1,v1", ("v1",), None, None),
        (f"{SRC}:/^v1/", None, "^v1", None),
        (f"{SRC}://", None, None, None),
        (f"{SRC}:/^v1,2$/", None, "^v1,2$", None),
        (f"{SRC}:/[^/]+:/", None, "[^/]+:", None),
        (f"{SRC}:/a@{ONE}/", None, f"a@{ONE}", None),
        (f"{SRC}@{ONE}", None, None, ONE),
        (f"{SRC}:v1@{ONE}", ("v1",), None, ONE),
    ],
)
def test_source_forms(source: str, tags: tuple[str, ...] | None, pattern: str | None, digest: str | None) -> None:
    (rule,) = parse({"source": source, "destination": DST})
    found = rule.source
    assert (found.name, found.tags, found.text) == (SRC, tags, source)
    assert (found.pattern.pattern if found.pattern else None) == pattern
    assert (str(found.digest) if found.digest else None) == digest
    assert found.selects_by_listing == (tags is None and digest is None)
    assert rule.origin == "images[0]"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("nginx:1", "docker.io/library/nginx"),
        ("index.docker.io/acme/app:1", "docker.io/acme/app"),
        ("localhost:5000/app:1", "localhost:5000/app"),
        ("[::1]:5000/app:1,2", "[::1]:5000/app"),
        ("harbor:32080/library/nginx:/1/", "harbor:32080/library/nginx"),
        ("[2001:db8::1]/app:/1/", "[2001:db8::1]/app"),
    ],
)
def test_source_repositories(source: str, name: str) -> None:
    assert parse({"source": source, "destination": DST})[0].source.name == name


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        (f"{SRC}:v1", DST, [("v1", DST, "v1")]),
        (f"{SRC}:v1", f"{DST}:w1", [("v1", DST, "w1")]),
        (f"{SRC}:v1,v2", DST, [("v1", DST, "v1"), ("v2", DST, "v2")]),
        (f"{SRC}:v1,v2", f"{DST}:a, b", [("v1", DST, "a"), ("v2", DST, "b")]),
        (f"{SRC}:v1", [DST, "x.io/y:z"], [("v1", DST, "v1"), ("v1", "x.io/y", "z")]),
        (f"{SRC}:v1", [DST, DST], [("v1", DST, "v1")]),
        (SRC, DST, [("a", DST, "a"), ("b", DST, "b")]),
        (f"{SRC}://", f"{DST}://", [("a", DST, "a"), ("b", DST, "b")]),
        (SRC, f"{DST}:{{tag}}-mirror", [("a", DST, "a-mirror"), ("b", DST, "b-mirror")]),
        (f"{SRC}:v1,v2", f"{DST}:old-{{tag}}", [("v1", DST, "old-v1"), ("v2", DST, "old-v2")]),
        (f"{SRC}:v1", f"{DST}:{{tag}}_{{tag}}", [("v1", DST, "v1_v1")]),
        (f"{SRC}:v1@{ONE}", f"{DST}:x{{tag}}", [("v1", DST, "xv1")]),
        (f"{SRC}:v1", "x.io/y/{name}:{tag}.1", [("v1", "x.io/y/app", "v1.1")]),
        (f"{SRC}:/a/", DST, [("a", DST, "a")]),
        (f"{SRC}:/a/", f"{DST}:z", [("a", DST, "z")]),
        (f"{SRC}@{ONE}", DST, [(None, DST, None)]),
        (f"{SRC}@{ONE}", f"{DST}@{ONE}", [(None, DST, None)]),
        (f"{SRC}@{ONE}", f"{DST}:v1", [(None, DST, "v1")]),
        (f"{SRC}@{ONE}", f"{DST}:v1@{ONE}", [(None, DST, "v1")]),
        (f"{SRC}:v1@{ONE}", DST, [("v1", DST, "v1")]),
        (f"{SRC}:v1@{ONE}", f"{DST}:w1", [("v1", DST, "w1")]),
        (f"{SRC}:v1@{ONE}", f"{DST}@{ONE}", [("v1", DST, None)]),
    ],
)
def test_destination_forms(source: str, destination: object, expected: object) -> None:
    (rule,) = parse({"source": source, "destination": destination})
    assert copies(rule, ["a", "b"]) == expected


@pytest.mark.parametrize(
    ("source", "namespace", "destination"),
    [
        ("harbor:32080/library/nginx", "N", None),
        ("harbor:32080/library/nginx", "ns", "reg.io/ns/nginx"),
        ("gcr.io/ns/a/b:v1", "ns", "reg.io/ns/a/b"),
        ("gcr.io/app", "ns/deep", "reg.io/ns/deep/app"),
        ("nginx", "ns", "reg.io/ns/nginx"),
    ],
)
@pytest.mark.parametrize("empty", ["", None, [], [""]])
def test_empty_destination(source: str, namespace: str, destination: str | None, empty: object) -> None:
    item = {"source": source, "destination": empty}
    if destination is None:
        assert "the option default_namespace" in refusal(item, registry="reg.io", namespace=namespace)
        return
    (rule,) = parse(item, registry="Reg.io", namespace=namespace)
    assert [place.name for place in rule.destinations] == [destination]
    assert parse({"source": source}, registry="reg.io", namespace=namespace) == [rule]


def test_an_empty_destination_in_a_list_is_the_default_one() -> None:
    (rule,) = parse({"source": SRC, "destination": ["", DST]}, registry="reg.io", namespace="ns")
    assert [place.name for place in rule.destinations] == ["reg.io/ns/app", DST]


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"source": f"https://{SRC}"}, ["source", f'"https://{SRC}"', "scheme"]),
        ({"source": f"docker://u:secret@{SRC}:/a/"}, ["scheme", "://***@"]),
        ({"source": "quay.io/Acme/app"}, ['"quay.io/Acme/app"', "upper-case"]),
        ({"source": f"{SRC}/"}, ["ends with '/'"]),
        ({"source": f"{SRC}:"}, ["empty tag"]),
        ({"source": "quay.io"}, ["without a repository"]),
        ({"source": "quay.io/a*b"}, ["'*' has no meaning"]),
        ({"source": "ocidir:///srv/images:v1"}, ["as regclient writes it", "oci:/path//repository:tag"]),
        ({"source": SRC, "destination": "ocidir:///srv/images"}, ["as regclient writes it"]),
        ({"source": f"{SRC}:/v1"}, ["no '/' at the end", "repository:/regex/"]),
        ({"source": f"{SRC}:/v1/i"}, ["no '/' at the end"]),
        ({"source": f"{SRC}:/v1/,/v2/"}, ["stands alone"]),
        ({"source": f"{SRC}:/v1/,v2"}, ["stands alone"]),
        ({"source": f"{SRC}:/(?=v1)/"}, ["lookahead", "RE2"]),
        ({"source": f"{SRC}:/(/"}, ['"("', "not closed"]),
        ({"source": f"{SRC}:v1,,v2"}, ["one of the tags is empty"]),
        ({"source": f"{SRC}:v1,"}, ["one of the tags is empty"]),
        ({"source": f"{SRC}:,v1"}, ["empty tag"]),
        ({"source": f"{SRC},v1"}, ["the first item has no tag"]),
        ({"source": f"{SRC}@{ONE},v1"}, ["a digest stands alone"]),
        ({"source": f"{SRC}:v1@{ONE},{TWO}"}, ["a digest stands alone"]),
        ({"source": f"{SRC}:v1,v 2"}, ['the tag "v 2"']),
        ({"source": f"{SRC}:v1,/v2/"}, ['the tag "/v2/"']),
        ({"source": f"{SRC}@sha256:12"}, ["64 digits, here are 2"]),
        ({"source": None}, ["has no source"]),
        ({"source": ""}, ["has no source"]),
        ({"destination": DST}, ["has no source"]),
        ({"source": 1.1}, ["the source 1.1", 'write "1.10" in quotes']),
        ({"source": [SRC]}, ["the source a list", "not a string"]),
        ({"source": SRC, "destination": {"a": "b"}}, ["the destination a mapping", "not a string"]),
        ({"source": SRC, "destination": ["x.io/y", 7]}, ["the destination 7", "in quotes"]),
        ({"source": SRC, "destination": "X/y"}, ['the destination "X/y"', "upper-case"]),
        ({"source": SRC, "destination": f"http://{DST}"}, ["scheme"]),
        ({"source": SRC, "destination": f"{DST}:/v1/"}, ["a regular expression has no meaning there"]),
        ({"source": SRC, "destination": "x.io/*"}, ["'*' has no meaning"]),
        ({"source": SRC, "destination": ""}, ["it is empty", "default_registry and default_namespace"]),
        ({"source": SRC, "destination": None}, ["it is empty"]),
        ({"source": f"{SRC}:v1,v2", "destination": f"{DST}:a"}, ["one tag and the source 2 tags", "as many"]),
        ({"source": f"{SRC}:v1", "destination": f"{DST}:a,b"}, ["2 tags and the source one tag"]),
        ({"source": f"{SRC}@{ONE}", "destination": f"{DST}:a,b"}, ["2 tags and the source one"]),
        ({"source": f"{SRC}@{ONE}", "destination": f"{DST}:{{tag}}"}, ["the source has none"]),
        ({"source": SRC, "destination": f"{DST}:{{tag}},b"}, ["{tag} is understood in its one tag alone"]),
        ({"source": SRC, "destination": "x.io/{tag}"}, ["{tag} is understood in its one tag alone"]),
        ({"source": SRC, "destination": f"{DST}:-{{tag}}"}, ['the tag "-x"', "it is not a tag"]),
        ({"source": SRC, "destination": f"{DST}:{{tga}}"}, ["{tga}", "it is not known"]),
        ({"source": "docker://quay.io/a/b:1"}, ["docker://", "as skopeo writes it", "write quay.io/a/b:1"]),
        ({"source": "dir:/srv/images/"}, ["it is a path", "write registry/repository"]),
        ({"source": "dir:images"}, ["it is a path", "write registry/repository"]),
        ({"source": "./images"}, ["it is a path"]),
        ({"source": "/srv/images:/v1/"}, ["it is a path"]),
        ({"source": "file:///srv/images"}, ["it is a path"]),
        ({"source": "containers-storage:localhost/app:1"}, ["podman's own images", "podman push"]),
        ({"source": "docker-daemon:app:1"}, ["Docker's own images", "docker push"]),
        ({"source": "oci:/srv/layout:v1"}, ["as skopeo writes it", "write oci:/srv/layout//layout:v1"]),
        ({"source": "oci-archive:app.tar"}, ["does not begin with '/'", "oci-archive:/path"]),
        ({"source": SRC, "destination": "docker-archive:/app.tar"}, ["read and not written", "oci-archive:/app.tar"]),
        ({"source": "oci:/srv/b:library/a:1"}, ["write oci:/srv/b//library/a:1"]),
        ({"source": "oci:/srv/b:/^1/"}, ["write oci:/srv/b//**:/^1/"]),
        ({"source": "oci://srv/b"}, ["its path is empty or has '//'"]),
        ({"source": "oci:/"}, ["the root of all files"]),
        ({"source": "oci:/srv/*"}, ["its path has '*'"]),
        ({"source": SRC, "destination": "oci:/srv/{name}"}, ["its path has '{'"]),
        ({"source": SRC, "destination": "oci:/srv/b//x:/^1/"}, ["a regular expression has no meaning there"]),
        ({"source": "oci-archive:/srv/b.tar.gz"}, ["a compressed file"]),
        ({"source": SRC, "destination": "dir:/srv/images"}, ["it is a path"]),
        ({"source": SRC, "destination": "docker://x.io/y"}, ["write x.io/y"]),
        ({"source": SRC, "destination": "$REGISTRY/a/b"}, ["variable REGISTRY is not replaced", "write ${REGISTRY}"]),
        ({"source": SRC, "destination": "x.io/${NS}/b:v1"}, ["variable NS is not replaced", "write ${NS}"]),
        ({"source": "$REGISTRY/a/b:/v$/"}, ["variable REGISTRY is not replaced"]),
        ({"source": SRC, "destination": f"{DST}:a,b"}, ["2 tags and the source means all tags"]),
        ({"source": f"{SRC}:/v/", "destination": f"{DST}:a,b"}, ["2 tags", "all tags that match"]),
        ({"source": SRC, "destination": f"{DST}:a,b", "tags": {"newest": 2}}, ["means all tags"]),
        ({"source": f"{SRC}@{ONE}", "destination": f"{DST}@{TWO}"}, ["not that of the source"]),
        ({"source": f"{SRC}:v1", "destination": f"{DST}@{ONE}"}, ["the source has none"]),
        ({"source": SRC, "destination": f"{DST}@{ONE}"}, ["the source has none"]),
        ({"source": SRC, "destinations": DST}, ['the key "destinations"', "did you mean destination?"]),
        ({"source": SRC, "Tags": {}}, ['the key "Tags"', "did you mean tags?"]),
        ({"source": SRC, "xyz": 1}, ['the key "xyz"', "source, destination, tags, platforms, overwrite"]),
        ({"source": f"{SRC}:/^1", "2/": None}, ['the key "2/"', "quote the source"]),
        ({"source": f"{SRC}:1", 2: None}, ["the key 2", "quote the source"]),
        ({SRC: None}, [f'the key "{SRC}"', "quote the source"]),
        ({"source": SRC, "tags": ["v1"]}, ["the tags a list", "include: ..."]),
        ({"source": SRC, "tags": {"newst": 1}}, ['the key "newst"', "did you mean newest?"]),
        ({"source": SRC, "tags": {"include": 1.1}}, ["tags.include 1.1", 'write "1.10" in quotes']),
        ({"source": SRC, "tags": {"exclude": ["a", True]}}, ["tags.exclude true", "in quotes"]),
        (
            {"source": SRC, "tags": {"include": datetime.date(2024, 1, 2)}},
            ["a date", 'write "2024-01-02" in quotes'],
        ),
        ({"source": SRC, "tags": {"include": {"a": 1}}}, ["tags.include a mapping", "regular expression"]),
        ({"source": SRC, "tags": {"include": ["a", "("]}}, ['tags.include "("', "not closed"]),
        ({"source": SRC, "tags": {"include": "*"}}, ["nothing to repeat", ".*"]),
        ({"source": SRC, "tags": {"exclude": ""}}, ["it is empty"]),
        ({"source": SRC, "tags": {"exclude": "/v1/"}}, ["without slashes"]),
        ({"source": SRC, "tags": {"newest": 0}}, ["tags.newest 0", "at least 1"]),
        ({"source": SRC, "tags": {"newest": -1}}, ["tags.newest -1"]),
        ({"source": SRC, "tags": {"newest": True}}, ["tags.newest true"]),
        ({"source": SRC, "tags": {"newest": 1.5}}, ["tags.newest 1.5"]),
        ({"source": SRC, "tags": {"newest": "many"}}, ['tags.newest "many"']),
        ({"source": f"{SRC}:v1", "tags": {"newest": 1}}, ["says by itself", "leave tags out"]),
        ({"source": f"{SRC}@{ONE}", "tags": {"include": "a"}}, ["says by itself"]),
        ({"source": SRC, "platforms": ["linux"]}, ['the platform "linux"', "os/architecture"]),
        ({"source": SRC, "platforms": "linux/amd64,linux/arm64"}, ["the platform"]),
        ({"source": SRC, "platforms": [386]}, ["the platform 386", "in quotes"]),
        ({"source": SRC, "overwrite": "alway"}, ['the overwrite "alway"', "did you mean always?"]),
        ({"source": SRC, "overwrite": True}, ["the overwrite true", "always, skip, fail"]),
        (SRC, ["images[0]", "destination", "it is empty", "default_registry and default_namespace"]),
        ("", ["images[0]", "it has no source"]),
        (5, ["images[0]", "not a mapping", "source: registry/repository"]),
        (None, ["images[0]", "not a mapping"]),
    ],
)
def test_mistakes_are_named(item: Any, says: list[str]) -> None:
    if isinstance(item, dict) and "source" in item and "destination" not in item:
        item = {**item, "destination": DST}
    message = refusal(item)
    for words in [*says, "images[0]"]:
        assert words in message
    assert "secret" not in message


def test_the_rule_that_is_wrong_is_named() -> None:
    good = {"source": SRC, "destination": DST}
    assert "images[2]" in refusal(good, good, {"source": "A/b", "destination": DST})
    with pytest.raises(InputError, match=r"the source \"A/b\" of sync\[0\]"):
        parse_rules([{"source": "A/b"}], default_registry=None, default_namespace=None, origin="sync")


@pytest.mark.parametrize("images", [{"source": SRC, "destination": DST}, 5, b"x", True])
def test_images_is_a_list(images: object) -> None:
    with pytest.raises(InputError, match=r"the option images: it is .*not a list"):
        parse_rules(images, default_registry=None, default_namespace=None)


@pytest.mark.parametrize("images", [f"{SRC}:v1", [f"{SRC}:v1"], {f"{SRC}:v1": ""}, {f"{SRC}:v1": None}])
def test_a_source_alone_goes_to_the_default_destination(images: object) -> None:
    (rule,) = parse_rules(images, default_registry="reg.io", default_namespace="ns")
    assert copies(rule) == [("v1", "reg.io/ns/app", "v1")]


def test_a_mapping_is_the_form_of_image_syncer() -> None:
    images = {f"{SRC}:v1": DST, SRC: [f"{DST}-all", "x.io/y"]}
    first, second = parse_rules(images, default_registry=None, default_namespace=None)
    assert (first.origin, [place.name for place in first.destinations]) == (f'images: "{SRC}:v1"', [DST])
    assert [place.name for place in second.destinations] == [f"{DST}-all", "x.io/y"]
    with pytest.raises(InputError, match=r"the destination 5 of images: \"a/b\""):
        parse_rules({"a/b": 5}, default_registry=None, default_namespace=None)


@pytest.mark.parametrize("tag", ["v2", 2])
def test_a_source_that_yaml_has_cut_in_a_mapping_is_refused(tag: object) -> None:
    with pytest.raises(InputError, match=r"YAML has cut at a comma .*quote the source"):
        parse_rules({f"{SRC}:v1": None, tag: DST}, default_registry="reg.io", default_namespace="ns")
    rules = parse_rules({f"{SRC}:v1": None, "nginx": None}, default_registry="reg.io", default_namespace="ns")
    assert [rule.destinations[0].name for rule in rules] == ["reg.io/ns/app", "reg.io/ns/nginx"]


def test_platforms_of_the_task_are_those_of_rules_that_do_not_say_theirs() -> None:
    items = [
        {"source": SRC, "destination": DST, **more}
        for more in ({}, {"platforms": "linux/arm64"}, {"platforms": []}, {"platforms": None})
    ]
    rules = parse_rules(items, default_registry=None, default_namespace=None, platforms=["linux/amd64", "*/s390x"])
    assert [[str(platform) for platform in rule.platforms] for rule in rules] == [
        ["linux/amd64", "*/s390x"],
        ["linux/arm64"],
        [],
        ["linux/amd64", "*/s390x"],
    ]
    with pytest.raises(InputError, match='the platform "x" of the option platforms'):
        parse_rules([], default_registry=None, default_namespace=None, platforms=["x"])


@pytest.mark.parametrize("images", [None, [], ()])
def test_no_images_is_no_rules(images: object) -> None:
    assert parse_rules(images, default_registry=None, default_namespace=None) == []


@pytest.mark.parametrize(
    ("registry", "namespace", "says"),
    [
        ("reg.io", None, "default_namespace is not given"),
        (None, "ns", "default_registry is not given"),
        ("reg.io", "", "default_namespace is not given"),
        ("reg.io/ns", "ns", "the path belongs to default_namespace"),
        ("https://reg.io", "ns", 'default_registry "https://reg.io"'),
        ("reg.io", "/ns", 'default_namespace "/ns"'),
        ("reg.io", "n s", 'default_namespace "n s"'),
    ],
)
def test_defaults_are_checked_at_once(registry: str | None, namespace: str | None, says: str) -> None:
    assert says in refusal(registry=registry, namespace=namespace)


def test_options_that_are_null_are_not_given() -> None:
    nothing = {"include": None, "exclude": None, "newest": None}
    (rule,) = parse({"source": SRC, "destination": DST, "tags": nothing, "platforms": None, "overwrite": None})
    assert [rule] == parse({"source": SRC, "destination": DST})
    assert [rule] == parse({"source": SRC, "destination": DST, "tags": None, "platforms": []})


LISTED = ["latest", "1.10", "1.9", "1.10-rc1", "v2.0", "1.9-alpine", "edge"]


@pytest.mark.parametrize(
    ("pattern", "tags", "selected"),
    [
        ("", {}, ["1.9-alpine", "1.9", "1.10-rc1", "1.10", "v2.0", "latest", "edge"]),
        (":/^1/", {}, ["1.9-alpine", "1.9", "1.10-rc1", "1.10"]),
        (":/9/", {}, ["1.9-alpine", "1.9"]),
        ("", {"include": r"1\.\d+"}, ["1.9", "1.10"]),
        ("", {"include": [r"1\.\d+", "latest"]}, ["1.9", "1.10", "latest"]),
        ("", {"include": "9"}, []),
        ("", {"exclude": ".*-.*"}, ["1.9", "1.10", "v2.0", "latest", "edge"]),
        ("", {"exclude": ["1", "e", ".*[a-z]"]}, ["1.9", "1.10-rc1", "1.10", "v2.0"]),
        ("", {"include": "1.*", "exclude": ".*rc.*"}, ["1.9-alpine", "1.9", "1.10"]),
        ("", {"newest": 2}, ["1.10", "v2.0", "latest", "edge"]),
        ("", {"newest": "2"}, ["1.10", "v2.0", "latest", "edge"]),
        ("", {"include": "1.*", "newest": 1}, ["1.10"]),
        (":/^1/", {"exclude": r"1\.10", "newest": 1}, ["1.10-rc1"]),
        (":/^3/", {}, []),
    ],
)
def test_selection(pattern: str, tags: dict[str, Any], selected: list[str]) -> None:
    (rule,) = parse({"source": f"{SRC}{pattern}", "destination": DST, "tags": tags})
    assert rule.select(LISTED) == selected
    assert rule.select([*LISTED, *reversed(LISTED)]) == selected


@pytest.mark.parametrize(
    "item",
    [
        {"source": SRC, "destination": f"{DST}:stable"},
        {"source": f"{SRC}://", "destination": f"{DST}:stable"},
        {"source": f"{SRC}:/^1/", "destination": [DST, f"{DST}:stable"]},
        {"source": SRC, "destination": f"{DST}:stable", "tags": {"include": "1.*"}},
        {"source": SRC, "destination": f"{DST}:stable", "tags": {"newest": 1}},
    ],
)
def test_a_destination_with_a_tag_takes_one_image(item: dict[str, Any]) -> None:
    (rule,) = parse(item)
    assert rule.select(["1.0"]) == ["1.0"]
    assert destination_tag(rule, rule.destinations[-1], "1.0") == "stable"
    assert rule.select([]) == []
    with pytest.raises(InputError) as caught:
        rule.select(["1.0", "latest", "1.1"] if rule.tags.newest else ["1.0", "1.1"])
    assert all(words in str(caught.value) for words in [f'"{DST}:stable"', "images[0]", "names one tag", "has 2"])


def test_a_template_that_makes_no_tag_of_a_tag_is_refused() -> None:
    (rule,) = parse({"source": SRC, "destination": f"{DST}:{{tag}}-mirror"})
    assert destination_tag(rule, rule.destinations[0], "v" * 121) == "v" * 121 + "-mirror"
    with pytest.raises(InputError, match=r"of images\[0\].*is not a tag"):
        destination_tag(rule, rule.destinations[0], "v" * 122)


def test_platforms_and_overwrite() -> None:
    (rule,) = parse(
        {
            "source": SRC,
            "destination": DST,
            "platforms": ["linux/amd64", "linux/arm/v7", "windows/amd64:10.0.1", "linux/amd64"],
            "overwrite": "skip",
        }
    )
    assert [str(platform) for platform in rule.platforms] == ["linux/amd64", "linux/arm/v7", "windows/amd64:10.0.1"]
    assert rule.overwrite == "skip"
    (rule,) = parse({"source": SRC, "destination": DST, "platforms": "linux/amd64"})
    assert [str(platform) for platform in rule.platforms] == ["linux/amd64"]


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({"source": f"{SRC}:a", "destination": DST}, {"source": f"{SRC}:b", "destination": f"{DST}:a"}, "images[0]"),
        ({"source": f"{SRC}:a", "destination": DST}, {"source": "x.io/y:a", "destination": DST}, "x.io/y:a"),
        (
            {"source": f"{SRC}@{ONE}", "destination": f"{DST}:a"},
            {"source": f"{SRC}@{TWO}", "destination": f"{DST}:a"},
            f"{DST}:a",
        ),
        (
            {"source": f"{SRC}:a", "destination": DST},
            {"source": f"{SRC}:a", "destination": DST, "platforms": "linux/arm64"},
            "with other platforms",
        ),
        ({"source": f"{SRC}:a,b", "destination": f"{DST}:x,x"}, {"source": SRC, "destination": DST}, "two tags"),
        (
            {"source": f"{SRC}:a", "destination": ["x.io/y", DST]},
            {"source": f"{SRC}:b", "destination": ["x.io/z", f"{DST}:a"]},
            f"{DST}:a",
        ),
    ],
)
def test_two_images_for_one_tag_are_refused(first: Any, second: Any, says: str) -> None:
    assert says in refusal(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"source": f"{SRC}:a", "destination": DST}, {"source": f"{SRC}:a", "destination": f"{DST}:a"}),
        ({"source": f"{SRC}:a", "destination": DST}, {"source": f"{SRC}:a,b", "destination": DST}),
        ({"source": f"{SRC}:a", "destination": DST}, {"source": f"{SRC}:a@{ONE}", "destination": DST}),
        (
            {"source": f"{SRC}@{ONE}", "destination": f"{DST}:a"},
            {"source": f"x.io/y@{ONE}", "destination": f"{DST}:a"},
        ),
        ({"source": f"{SRC}@{ONE}", "destination": DST}, {"source": f"{SRC}@{TWO}", "destination": DST}),
        ({"source": SRC, "destination": DST}, {"source": "x.io/y", "destination": DST}),
        ({"source": f"{SRC}:a", "destination": DST}, {"source": f"{SRC}:b", "destination": DST}),
    ],
)
def test_what_may_be_one_image_is_left_to_the_plan(first: Any, second: Any) -> None:
    rules = parse(first, second)
    assert check_rules(rules) == rules


def test_rules_that_are_the_same_become_one() -> None:
    item = {"source": f"{SRC}:a", "destination": DST, "platforms": "linux/amd64"}
    listing = {"source": f"{SRC}:/a/", "destination": DST, "tags": {"exclude": "b"}}
    rules = parse(item, listing, dict(item), dict(listing))
    assert check_rules(rules) == rules[:2]


@pytest.mark.parametrize(
    ("source", "destination", "extra"),
    [
        (f"{SRC}:v1", f"{DST}:w1", {}),
        (f"{SRC}@{ONE}", f"{DST}:w1", {"overwrite": "skip"}),
        (f"{SRC}@{ONE}", f"{DST}@{ONE}", {"platforms": ["linux/arm/v7", "windows/amd64:10.0"]}),
        ("docker.io/library/nginx:1", "localhost:5000/nginx:1", {"overwrite": "fail", "platforms": ["linux/arm64"]}),
    ],
)
def test_an_image_becomes_an_item_that_means_it(source: str, destination: str, extra: dict[str, Any]) -> None:
    rule = parse({"source": SRC, "destination": DST, **extra})[0]
    item = as_item(rule, Reference.parse(source), Reference.parse(destination))
    assert json.loads(json.dumps(item)) == {"source": source, "destination": destination, **extra}
    (again,) = parse(item)
    assert as_item(again, Reference.parse(source), Reference.parse(destination)) == item
    assert (again.platforms, again.overwrite) == (rule.platforms, rule.overwrite)


_TEXTS = st.one_of(
    st.text(max_size=12),
    st.lists(
        st.sampled_from([SRC, DST, ":", ",", "/", "v1", "v2", "@", ONE, "*", "^", "(", " ", "://", ":/", "\n", "é"]),
        max_size=7,
    ).map("".join),
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.binary(max_size=3) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS | st.integers(), inner, max_size=3),
    max_leaves=5,
)
_ITEMS = st.fixed_dictionaries(
    {"source": st.sampled_from([SRC, f"{SRC}:v1", f"{SRC}:v1,v2", f"{SRC}:/v/", f"{SRC}@{ONE}"]) | _VALUES},
    optional={
        "destination": st.sampled_from([DST, f"{DST}:a", [DST, f"{DST}:a,b"]]) | _VALUES,
        "tags": st.fixed_dictionaries({}, optional={"include": _VALUES, "exclude": _VALUES, "newest": _VALUES})
        | _VALUES,
        "platforms": st.just("linux/amd64") | _VALUES,
        "overwrite": st.just("skip") | _VALUES,
    },
)


@given(
    images=st.lists(_ITEMS | _VALUES, max_size=3) | _VALUES,
    defaults=st.sampled_from([(None, None), ("reg.io", "ns")]),
    listed=st.lists(_TEXTS, max_size=4),
)
def test_any_object_is_rules_or_refused(
    images: object, defaults: tuple[str | None, str | None], listed: list[str]
) -> None:
    try:
        rules = check_rules(parse_rules(images, default_registry=defaults[0], default_namespace=defaults[1]))
        for rule in rules:
            copies(rule, listed)
    except InputError as error:
        assert str(error).isprintable()


@given(st.lists(st.from_regex(r"v?[0-9]{1,2}(\.[0-9]{1,2}){0,2}(-rc[0-9])?|[a-z]{1,5}", fullmatch=True), max_size=10))
def test_a_selection_is_part_of_the_listing_and_stable(listed: list[str]) -> None:
    for tags in ({}, {"newest": 2}, {"include": "[v0-9].*", "newest": 3}, {"exclude": ".*rc.*"}):
        (rule,) = parse({"source": SRC, "destination": DST, "tags": tags})
        selected = rule.select(listed)
        assert set(selected) <= set(listed)
        assert len(selected) == len(set(selected))
        assert rule.select(selected) == selected
