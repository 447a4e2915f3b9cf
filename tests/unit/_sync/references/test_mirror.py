# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What images are called in a mirror, alone, in manifests, and as rules that bring them there."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._modules.filters import image_mirror, image_references
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import (
    check_rules,
    destination_tag,
    parse_rules,
)
from hypothesis import given
from hypothesis import strategies as st

MIRROR = "mirror.example.com/cache"
ONE, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


@pytest.mark.parametrize(
    ("image", "destination", "expected"),
    [
        ("nginx", MIRROR, f"{MIRROR}/library/nginx"),
        ("nginx:1.27", MIRROR, f"{MIRROR}/library/nginx:1.27"),
        ("nginx:1.27", f"{MIRROR}/", f"{MIRROR}/library/nginx:1.27"),
        ("nginx:1.27", "mirror.example.com", "mirror.example.com/library/nginx:1.27"),
        ("quay.io/a/b/c:1", f"{MIRROR}/{{repository}}", f"{MIRROR}/a/b/c:1"),
        ("quay.io/a/b/c:1", f"{MIRROR}/{{path}}", f"{MIRROR}/b/c:1"),
        ("quay.io/a/b/c:1", f"{MIRROR}/{{name}}", f"{MIRROR}/c:1"),
        ("quay.io/a/b/c:1", f"{MIRROR}/{{namespace}}-x/{{name}}", f"{MIRROR}/a/b-x/c:1"),
        ("quay.io/a/b:1", f"{MIRROR}/{{name}}:{{tag}}-m", f"{MIRROR}/b:1-m"),
        (f"quay.io/a/b@{ONE}", f"{MIRROR}/{{name}}:{{tag}}-m", f"{MIRROR}/b@{ONE}"),
        (f"quay.io/a/b:1@{ONE}", MIRROR, f"{MIRROR}/a/b:1@{ONE}"),
        (" nginx:1\n", "acme/{name}", "docker.io/acme/nginx:1"),
        (f"{MIRROR}/library/nginx:1", MIRROR, f"{MIRROR}/library/nginx:1"),
        ("mirror.example.com/other/x:1", MIRROR, f"{MIRROR}/other/x:1"),
        ("mirror.example.com/cached/x:1", MIRROR, f"{MIRROR}/cached/x:1"),
        ("mirror.example.com/p-x:1", "mirror.example.com/p-{name}", "mirror.example.com/p-x:1"),
    ],
)
def test_names(image: str, destination: str, expected: str) -> None:
    assert image_mirror(image, destination) == expected
    assert image_mirror(expected, destination) == expected
    assert image_mirror([image, [image]], destination) == [expected, [expected]]


@pytest.mark.parametrize(
    "destination",
    [
        "",
        "{}",
        None,
        5,
        "Mirror.example.com/A",
        f"{MIRROR}/{{repo}}",
        f"{MIRROR}/{{name",
        "https://m.io/x",
        f"{MIRROR}:1",
    ],
)
def test_what_is_no_mirror(destination: Any) -> None:
    with pytest.raises(InputError):
        image_mirror([], destination)


MANIFEST = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "initContainers": [{"name": "i", "image": "busybox"}],
                "containers": [{"name": "c", "image": "quay.io/a/b:1", "args": ["x"]}, {"name": "injected"}],
                "volumes": [{"name": "v", "image": {"reference": "data:4", "pullPolicy": "Always"}}],
            }
        },
    },
}


def test_data_is_rewritten_and_what_was_given_is_left_alone() -> None:
    given_data = copy.deepcopy(MANIFEST)
    found = image_mirror([given_data], MIRROR)
    assert given_data == MANIFEST
    expected = copy.deepcopy(MANIFEST)
    spec: Any = expected["spec"]["template"]["spec"]  # type: ignore[index]
    spec["initContainers"][0]["image"] = f"{MIRROR}/library/busybox"
    spec["containers"][0]["image"] = f"{MIRROR}/a/b:1"
    spec["volumes"][0]["image"]["reference"] = f"{MIRROR}/library/data:4"
    assert found == [expected]
    assert image_mirror(found, MIRROR) == found


def test_compose_and_values_are_rewritten() -> None:
    compose = {"services": {"web": {"image": "nginx:$TAG"}, "own": {"build": ".", "image": "own"}}}
    assert image_mirror(compose, MIRROR, variables={"TAG": "1"}) == {
        "services": {"web": {"image": f"{MIRROR}/library/nginx:1"}, "own": {"build": ".", "image": "own"}}
    }
    values = {
        "image": {"repository": "grafana/grafana", "tag": "11", "pullPolicy": "Always"},
        "side": {"image": {"registry": "quay.io", "repository": "a/b", "tag": "1", "digest": ONE}},
        "plain": {"image": "x:1"},
    }
    assert image_mirror(values, MIRROR, paths=["**.image"]) == {
        "image": {"repository": f"{MIRROR}/grafana/grafana", "tag": "11", "pullPolicy": "Always"},
        "side": {"image": {"registry": "mirror.example.com", "repository": "cache/a/b", "tag": "1", "digest": ONE}},
        "plain": {"image": f"{MIRROR}/library/x:1"},
    }


def test_text_of_several_lines_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="from_yaml_all"):
        image_mirror("apiVersion: v1\nkind: Pod\n", MIRROR)


def rules(*images: str, destination: str = MIRROR) -> list[dict[str, str]]:
    return list(image_references(list(images), destination))


def test_rules_that_bring_images_into_the_mirror() -> None:
    assert rules("nginx", f"quay.io/a/b@{ONE}", f"quay.io/c/d:1@{ONE}", f"{MIRROR}/x/y:1", "nginx:latest") == [
        {"source": "docker.io/library/nginx:latest", "destination": f"{MIRROR}/library/nginx:latest"},
        {"source": f"quay.io/a/b@{ONE}", "destination": f"{MIRROR}/a/b"},
        {"source": f"quay.io/c/d@{ONE}", "destination": f"{MIRROR}/c/d:1"},
    ]


def test_one_tag_for_different_content_is_no_conflict() -> None:
    found = rules("a/b:1", f"a/b:1@{ONE}", f"a/b:1@{OTHER}", f"a/c:1@{ONE}")
    assert [item["destination"] for item in found] == [f"{MIRROR}/a/b:1", *[f"{MIRROR}/a/b"] * 2, f"{MIRROR}/a/c:1"]
    assert len(check_rules(parse_rules(found, default_registry=None, default_namespace=None))) == 4


def test_platforms_that_a_list_asks_for() -> None:
    text = f"--platform=linux/arm64,linux/amd64 a/b:1\n--platform linux/arm64 a/c:1@{ONE}\na/d:1\na/d:1\n"
    assert image_references(text, MIRROR) == [
        {"source": "docker.io/a/b:1", "destination": f"{MIRROR}/a/b:1", "platforms": ["linux/arm64", "linux/amd64"]},
        {"source": f"docker.io/a/c@{ONE}", "destination": f"{MIRROR}/a/c:1", "platforms": ["linux/arm64"]},
        {"source": "docker.io/a/d:1", "destination": f"{MIRROR}/a/d:1"},
    ]
    assert image_references("--platform=linux/arm64 a/b:1\na/b:1\n") == ["docker.io/a/b:1"], "names have no platform"
    with pytest.raises(InputError, match="line 2 of the list"):
        image_references("a/b:1\n--platfrom=linux/arm64 a/c:1\n", MIRROR)


@pytest.mark.parametrize(
    ("text", "platforms"),
    [
        ("--platform=linux/arm64 a/b:1\n--platform=linux/amd64,linux/arm64 a/b:1", ["linux/arm64", "linux/amd64"]),
        ("--platform=linux/arm64 a/b:1\na/b:1", None),
        ("a/b:1\n--platform=linux/arm64 a/b:1", None),
    ],
)
def test_an_image_that_is_listed_twice_has_all_of_its_platforms(text: str, platforms: list[str] | None) -> None:
    (item,) = image_references(text, MIRROR)
    assert item.get("platforms") == platforms


def test_compose_of_the_first_version_is_rewritten() -> None:
    compose = {"web": {"image": "nginx:$TAG", "ports": ["80:80"]}, "own": {"build": ".", "image": "own"}}
    assert image_mirror(compose, MIRROR, variables={"TAG": "1"}) == {
        "web": {"image": f"{MIRROR}/library/nginx:1", "ports": ["80:80"]},
        "own": {"build": ".", "image": "own"},
    }


_PARTS = st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)
_IMAGES = st.builds(
    lambda host, path, tag, digest: f"{host}{'/'.join(path)}{tag}{digest}",
    st.sampled_from(["", "quay.io/", "localhost:5000/"]),
    st.lists(_PARTS, min_size=1, max_size=4),
    st.sampled_from(["", ":1", ":v1.2.3-rc.1"]),
    st.sampled_from(["", f"@{ONE}", f"@{OTHER}"]),
)


@given(st.lists(_IMAGES, max_size=5), st.sampled_from([MIRROR, f"{MIRROR}/{{name}}", "m.io/{namespace}/x-{name}"]))
def test_every_rule_puts_an_image_where_the_mirror_has_it(images: list[str], destination: str) -> None:
    items = rules(*images, destination=destination)
    for rule in parse_rules(items, default_registry=None, default_namespace=None):
        (place,) = rule.destinations
        (tag,) = rule.source.tags or (None,)
        assert rule.source.digest is not None or destination_tag(rule, place, tag) == tag
        name = rule.source.name if rule.source.digest is None else f"{rule.source.name}@{rule.source.digest}"
        assert image_mirror(name, destination).partition("@")[0] == place.name
