# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that are many repositories, and where each of them goes: what is written, what is meant, and each mistake."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.repository_patterns import (
    Wildcard,
    fill,
    parse_wildcard,
    target,
)
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import (
    Rule,
    check_rules,
    parse_rules,
)
from hypothesis import given
from hypothesis import strategies as st

SRC = "harbor.example.com/library/*"
DST = "dr.example.com/mirror"
DIGEST = "sha256:" + "1" * 64

WORD = st.text("az09", min_size=1, max_size=5)
PART = st.tuples(WORD, st.sampled_from([".", "_", "__", "-", "---"]), WORD).map("".join) | WORD
PATH = st.lists(PART, min_size=1, max_size=4).map("/".join)


def parse(source: str = SRC, destination: object = DST, **more: Any) -> Rule:
    (rule,) = parse_rules(
        [{"source": source, "destination": destination, **more}],
        default_registry="default.example.com",
        default_namespace="base",
    )
    return rule


@pytest.mark.parametrize(
    ("source", "registry", "prefix", "deep", "pattern"),
    [
        ("harbor.example.com/library/*", "harbor.example.com", "library", False, None),
        ("harbor.example.com/library/**", "harbor.example.com", "library", True, None),
        ("harbor.example.com/a/b/*", "harbor.example.com", "a/b", False, None),
        ("harbor.example.com/*", "harbor.example.com", "", False, None),
        ("Harbor.example.com:8443/**", "harbor.example.com:8443", "", True, None),
        ("localhost/**", "localhost", "", True, None),
        ("[::1]:5000/a/*", "[::1]:5000", "a", False, None),
        ("harbor.example.com/library/*:/^v1/", "harbor.example.com", "library", False, "^v1"),
        ("harbor.example.com/library/**:/.*/", "harbor.example.com", "library", True, ".*"),
        ("harbor.example.com:80/*:/a*/", "harbor.example.com:80", "", False, "a*"),
    ],
)
def test_sources(source: str, registry: str, prefix: str, deep: bool, pattern: str | None) -> None:
    found = parse(source).source
    assert found.wildcard == Wildcard(registry, prefix, deep)
    assert (found.pattern.pattern if found.pattern else None) == pattern
    assert found.name == f"{registry}/{found.wildcard.path}"
    assert found.selects_by_listing


@pytest.mark.parametrize("source", ["harbor.example.com/library/app", "quay.io/a/b:/x*/", "quay.io/a:/^.*/", "nginx"])
def test_what_is_one_repository(source: str) -> None:
    assert parse(source).source.wildcard is None


@pytest.mark.parametrize(
    ("wildcard", "covered", "others"),
    [
        (Wildcard("r", "lib", False), ["lib/a"], ["lib", "lib/a/b", "libs/a", "a", "other/lib/a"]),
        (Wildcard("r", "lib", True), ["lib/a", "lib/a/b"], ["lib", "libs/a", "a"]),
        (Wildcard("r", "", False), ["a"], ["a/b"]),
        (Wildcard("r", "", True), ["a", "a/b", "a/b/c"], []),
    ],
)
def test_what_a_wildcard_covers(wildcard: Wildcard, covered: list[str], others: list[str]) -> None:
    assert all(wildcard.covers(path) for path in covered)
    assert not any(wildcard.covers(path) for path in others)


@given(registry=st.sampled_from(["r.example.com", "r.example.com:5000"]), prefix=st.just("") | PATH, deep=st.booleans())
def test_a_wildcard_is_read_as_it_is_written(registry: str, prefix: str, deep: bool) -> None:
    wildcard = Wildcard(registry, prefix, deep)
    assert parse_wildcard(str(wildcard)) == wildcard


@given(st.text(alphabet="ab.:/*@,{}", max_size=20))
def test_nothing_but_input_errors(text: str) -> None:
    for item in ({"source": text, "destination": DST}, {"source": SRC, "destination": text}):
        try:
            check_rules(parse_rules([item], default_registry="r.example.com", default_namespace="n"))
        except InputError as error:
            assert error.cause


@pytest.mark.parametrize(
    ("template", "repository", "filled"),
    [
        ("mirror/{repository}", "library/team/app", "mirror/library/team/app"),
        ("mirror/{namespace}/x-{name}", "library/team/app", "mirror/library/team/x-app"),
        ("mirror/{name}", "library/team/app", "mirror/app"),
        ("mirror/{path}", "library/team/app", "mirror/team/app"),
        ("mirror/{path}", "app", "mirror/app"),
        ("mirror/{namespace}/{name}", "app", "mirror/app"),
        ("{namespace}/{name}", "library/app", "library/app"),
        ("mirror/{name}-{name}", "library/app", "mirror/app-app"),
    ],
)
def test_templates(template: str, repository: str, filled: str) -> None:
    assert fill(template, repository) == filled


@given(PATH)
def test_a_template_of_the_parts_is_the_whole(repository: str) -> None:
    assert fill("{namespace}/{name}", repository) == fill("{repository}", repository) == repository


@pytest.mark.parametrize(
    ("source", "destination", "repository", "arrives"),
    [
        (SRC, DST, "library/app", "dr.example.com/mirror/app"),
        ("harbor.example.com/library/**", DST, "library/a/b", "dr.example.com/mirror/a/b"),
        ("harbor.example.com/library/a/**", DST, "library/a/b", "dr.example.com/mirror/b"),
        ("harbor.example.com/**", DST, "library/a/b", "dr.example.com/mirror/library/a/b"),
        ("harbor.example.com/**", "dr.example.com", "library/a/b", "dr.example.com/library/a/b"),
        ("harbor.example.com/library/**", "dr.example.com/{repository}", "library/a", "dr.example.com/library/a"),
        ("harbor.example.com/library/**", "dr.example.com/x/{name}", "library/a/b", "dr.example.com/x/b"),
        (SRC, "", "library/app", "default.example.com/base/app"),
        ("harbor.example.com/**", None, "library/a/b", "default.example.com/base/a/b"),
        ("harbor.example.com/*", "", "app", "default.example.com/base/app"),
        (SRC, "acme/mirror", "library/app", "docker.io/acme/mirror/app"),
        (SRC, "acme", "library/app", "docker.io/acme/app"),
    ],
)
def test_destinations(source: str, destination: object, repository: str, arrives: str) -> None:
    rule = parse(source, destination)
    assert rule.source.wildcard is not None
    (place,) = rule.destinations
    assert f"{place.registry}/{target(place.repository, rule.source.wildcard, repository)}" == arrives


def test_a_template_serves_a_single_repository_too() -> None:
    rule = parse("harbor.example.com/library/team/app:1.0", "dr.example.com/x/{path}:stable")
    (place,) = rule.destinations
    assert (place.name, place.tags) == ("dr.example.com/x/team/app", ("stable",))


@pytest.mark.parametrize("tags", [{"newest": 1}, {"include": "latest"}, None])
def test_a_tag_may_stand_behind_a_template(tags: Any) -> None:
    assert parse(SRC, "dr.example.com/x/{name}:stable", tags=tags).destinations[0].tags == ("stable",)


@pytest.mark.parametrize("path", ["dr.example.com/x", "dr.example.com/x/{name}"])
def test_the_tags_of_many_repositories_are_renamed_by_a_template(path: str) -> None:
    (place,) = parse(SRC, f"{path}:{{tag}}-mirror").destinations
    assert (f"{place.registry}/{place.repository}", place.tags, place.tag_template) == (path, None, "{tag}-mirror")


@pytest.mark.parametrize(
    ("source", "destination", "says"),
    [
        (f"{SRC}:v1", DST, "tags of many repositories"),
        (f"{SRC}:v1,v2", DST, "tags of many repositories"),
        (f"{SRC},v2", DST, "tags of many repositories"),
        (f"{SRC}@{DIGEST}", DST, "a digest of many repositories"),
        ("harbor.example.com/*/app", DST, "the whole last part alone"),
        ("harbor.example.com/*/*", DST, "the whole last part alone"),
        (f"{SRC}/", DST, "the whole last part alone"),
        ("harbor.example.com/lib*", DST, "'*' has no meaning in a name"),
        ("harbor.example.com/***", DST, "'*' has no meaning in a name"),
        (f"https://{SRC}", DST, "scheme"),
        ("harbor.example.com/Library/*", DST, "upper-case"),
        ("library/*", DST, "Docker Hub does not list"),
        ("docker.io/library/*", DST, "Docker Hub does not list"),
        ("index.docker.io/**", DST, "Docker Hub does not list"),
        ("*", DST, "Docker Hub does not list"),
        (f"{SRC}:/(/", DST, "images[0]"),
        (SRC, "dr.example.com", "a registry alone"),
        (SRC, "dr.example.com/{nam}", "did you mean name?"),
        (SRC, "dr.example.com/{}", "not known"),
        (SRC, "dr.example.com/{name", "a brace"),
        (SRC, "dr.example.com/x/{name}:{name}", "a brace"),
        (SRC, "{namespace}/{name}", "does not begin with a registry"),
        (SRC, "{name}.example.com/x", "does not begin with a registry"),
        (SRC, "mirror/{name}", "does not begin with a registry"),
        (SRC, "dr.example.com/mirror/*", "a star has no meaning"),
        (SRC, "dr.example.com/mirror/", "ends with '/'"),
        (SRC, "https://dr.example.com/mirror", "scheme"),
        (SRC, "dr.example.com/Mirror/{name}", "upper-case"),
        (SRC, "dr.example.com/mirror:v1", "{name} before the tag"),
        (SRC, f"dr.example.com/mirror/{{name}}@{DIGEST}", "a digest"),
        (SRC, "dr.example.com/x/{name}:/v1/", "a regular expression has no meaning"),
        ("harbor.example.com/library/app", "dr.example.com/{nmae}", "did you mean name?"),
    ],
)
def test_mistakes_are_named(source: str, destination: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(source, destination)
    assert says in str(caught.value)
    assert "images[0]" in str(caught.value)
    assert caught.value.hint
