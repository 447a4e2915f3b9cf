# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images in manifests, compose files and lists: all of them, each once, and nothing that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.imageops.registry.plugins.module_utils._modules.filters import image_references
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

DIGEST = f"sha256:{'a' * 64}"


def pod(*images: str, **more: Any) -> dict[str, Any]:
    return {"containers": [{"name": f"c{number}", "image": image} for number, image in enumerate(images)], **more}


def wrapped(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """An object of a kind with a Pod's spec where that kind has it."""
    template = {"metadata": {"labels": {"app": "x"}}, "spec": spec}
    inside: dict[str, Any] = {"template": template}
    if kind == "Pod":
        inside = spec
    elif kind == "CronJob":
        inside = {"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}}
    head = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}}
    return {**head, "template": template} if kind == "PodTemplate" else {**head, "spec": inside}


KINDS = ["Pod", "PodTemplate", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job"]


@pytest.mark.parametrize("kind", [*KINDS, "CronJob", "Rollout", "DeploymentConfig"])
def test_every_kind_with_a_pod(kind: str) -> None:
    spec = pod(
        "app:1",
        "quay.io/side/car@" + DIGEST,
        initContainers=[{"name": "i", "image": "init:2"}],
        ephemeralContainers=[{"name": "e", "image": "debug:3"}],
        volumes=[{"name": "v", "image": {"reference": "data:4"}}, {"name": "w", "emptyDir": {}}],
    )
    found = image_references(wrapped(kind, spec))
    assert found == [
        "docker.io/library/app:1",
        f"quay.io/side/car@{DIGEST}",
        "docker.io/library/init:2",
        "docker.io/library/debug:3",
        "docker.io/library/data:4",
    ]
    assert image_references(yaml.safe_dump(wrapped(kind, spec), sort_keys=False)) == found
    assert image_references(json.dumps(wrapped(kind, spec), indent="\t")) == found


def test_lists_and_several_documents() -> None:
    items = [wrapped(kind, pod(f"{kind.lower()}:1")) for kind in KINDS]
    expected = [f"docker.io/library/{kind.lower()}:1" for kind in KINDS]
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    for data in (items, listed, {**listed, "kind": "DeploymentList"}, [listed, *items], [[item] for item in items]):
        assert image_references(data) == expected
        assert image_references(yaml.safe_dump(data, sort_keys=False)) == expected
    assert image_references(yaml.safe_dump_all([None, *items, None], sort_keys=False)) == expected
    assert image_references([yaml.safe_dump(item) for item in items]) == expected, "the texts of several files"


def test_json_documents_that_follow_one_another() -> None:
    texts = [json.dumps(wrapped("Pod", pod(f"{name}:1")), indent=1) for name in "ab"]
    assert image_references("\n".join([*texts, ""])) == ["docker.io/library/a:1", "docker.io/library/b:1"]


@pytest.mark.parametrize(
    "text", ["nginx\n", "services: {a: {image: nginx}}\n", '{"services": {"a": {"image": "nginx"}}}']
)
def test_files_of_windows(text: str) -> None:
    assert image_references("\ufeff" + text.replace("\n", "\r\n")) == ["docker.io/library/nginx:latest"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("acme/web", "docker.io/acme/web:latest"),
        ("docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("index.docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("localhost/web", "localhost/web:latest"),
        ("registry:5000/web", "registry:5000/web:latest"),
        (f"10.0.0.1:5000/a/b/c@{DIGEST}", f"10.0.0.1:5000/a/b/c@{DIGEST}"),
        (f"registry.example.com:5000/web:1@{DIGEST}", f"registry.example.com:5000/web:1@{DIGEST}"),
    ],
)
def test_every_image_has_its_full_name(image: str, expected: str) -> None:
    assert image_references(wrapped("Pod", pod(image))) == image_references(image) == [expected]


RENDERED = """
---
# Source: kube/templates/crd.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  versions:
  - schema:
      openAPIV3Schema:
        properties:
          matchType: {enum: [=, "!="]}
          containers:
            type: array
            items: {properties: {image: {type: string}}}
---
# Source: kube/templates/empty.yaml
---
# Source: kube/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: c, annotations: {day: 2026-99-99, summary: "{{ $labels.instance }} of {{ .Release.Name }}"}}
data:
  pod.yaml: |
    # {{- if .Values.left }}
    containers:
    - image: not-an-image-of-this-cluster:1
  image: nor-this:1
---
# Source: kube/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  creationTimestamp: null
spec:
  template:
    spec:
      containers:
        - name: web
          image: "quay.io/prometheus/prometheus:v2.53.0"
          args: ["--version", !unknown 'x']
        - name: same
          image: quay.io/prometheus/prometheus:v2.53.0
        - name: injected
status:
  containerStatuses:
  - image: running:0
---
# Source: kube/templates/tests/test.yaml
apiVersion: v1
kind: Pod
metadata:
  name: test
  annotations: {"helm.sh/hook": test}
spec: {containers: [{name: wget, image: busybox}], initContainers: null}
"""


def test_what_helm_renders() -> None:
    assert image_references(RENDERED) == ["quay.io/prometheus/prometheus:v2.53.0", "docker.io/library/busybox:latest"]


def test_what_helm_says_of_a_release() -> None:
    hook = "---\n# Source: shop/templates/hook.yaml\n" + yaml.safe_dump(wrapped("Job", pod("hook:1")))
    text = (
        "NAME: shop\nLAST DEPLOYED: Mon Jan  5 10:00:00 2026\nSTATUS: pending-install\nUSER-SUPPLIED VALUES:\nnull\n\n"
        f"HOOKS:\n{hook}MANIFEST:\n{RENDERED.lstrip()}\n"
        "NOTES:\n1. Get the URL: {{ nothing }}\n  export POD=$(kubectl get pods -o 'jsonpath={.items[0]}')\n"
    )
    assert image_references(text) == ["docker.io/library/hook:1", *image_references(RENDERED)]
    assert image_references(text.partition("NOTES:")[0]) == image_references(text)


COMPOSE = """
name: shop
x-common: &common
  restart: always
services:
  web:
    <<: *common
    image: nginx:${NGINX_TAG:-1.27}
    volumes:
      - ./data:/data
      - {type: image, source: "ghcr.io/acme/assets:5", target: /assets}
  db:
    image: "${REGISTRY}/postgres:$PG"
  built:
    build: .
    image: acme/built:dev
  none: {}
"""


def test_compose() -> None:
    found = image_references(COMPOSE, variables={"REGISTRY": "mirror.example.com", "PG": 16})
    assert found == ["docker.io/library/nginx:1.27", "ghcr.io/acme/assets:5", "mirror.example.com/postgres:16"]
    assert image_references(yaml.safe_load(COMPOSE), variables={"REGISTRY": "r.io", "PG": "1", "NGINX_TAG": "2"})[
        0
    ] == ("docker.io/library/nginx:2")


COMPOSE_1 = """
web:
  image: nginx:${NGINX_TAG:-1.27}
  links: [db]
db:
  image: quay.io/acme/postgres:16
built:
  build: .
  image: acme/built:dev
"""


def test_compose_of_the_first_version() -> None:
    expected = ["docker.io/library/nginx:1.27", "quay.io/acme/postgres:16"]
    assert image_references(COMPOSE_1) == expected
    assert image_references(yaml.safe_load(COMPOSE_1)) == expected
    with pytest.raises(InputError, match="the variable TAG is not given"):
        image_references({"web": {"image": "nginx:$TAG"}})


@pytest.mark.parametrize(
    "other",
    [
        {"version": "1"},
        {"db": {"port": 5432}},
        {"db": {"image": {"tag": "1"}}},
        {"db": {"image": "acme/db", "tag": "1"}},
        {"test": {"image": "$CI_IMAGE:1", "script": ["make test"]}},
    ],
)
def test_what_may_be_something_else_is_no_compose_file(other: dict[str, Any]) -> None:
    assert image_references({"web": {"image": "nginx:1"}, **other}) == []
    assert image_references({"a": {"web": {"image": "nginx:1"}}, **other}) == []


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("a:${A}", "a:1"),
        ("a:$A", "a:1"),
        ("a:${A-2}${E-2}", "a:1"),
        ("a:${E:-2}", "a:2"),
        ("a:${U:-${V-3}}", "a:3"),
        ("a:1${U+x}${A:+2}", "a:12"),
        ("a:${A?no}${A:?no}", "a:11"),
    ],
)
def test_variables_of_compose(image: str, expected: str) -> None:
    found = image_references({"services": {"x": {"image": image}}}, variables={"A": "1", "E": "", "N": None})
    assert found == [f"docker.io/library/{expected}"]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("a:${U}", ["the variable U is not given", "give U in variables"]),
        ("a:$U", ["the variable U is not given"]),
        ("a:${U:?pick one}", ["U is not given: pick one"]),
        ("a:${U", ["not closed"]),
        ("a:${U!}", ["not understood"]),
        ("a:$-", ["followed by no name"]),
        ("a:$$x", ["service x"]),
        (1.5, ["service x", "not a string"]),
        ("a b", ["service x"]),
    ],
)
def test_compose_images_that_cannot_be_meant(image: object, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        image_references({"services": {"x": {"image": image}}})
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    "data",
    [
        "nginx:1.27\n\n# the second\nquay.io/a/b:2   # why\nnginx:1.27\n",
        "- nginx:1.27\n- quay.io/a/b:2\n",
        '["nginx:1.27", "quay.io/a/b:2"]',
        ["nginx:1.27", "quay.io/a/b:2"],
        ["nginx:1.27", ["quay.io/a/b:2", None]],
        ("nginx:1.27\n", "- quay.io/a/b:2"),
    ],
)
def test_plain_lists(data: Any) -> None:
    assert image_references(data) == ["docker.io/library/nginx:1.27", "quay.io/a/b:2"]


@pytest.mark.parametrize(
    "data", ["", "\n", "---\n", None, [], {}, "# nothing\n", {"kind": "Secret", "apiVersion": "v1"}]
)
def test_nothing_has_no_images(data: Any) -> None:
    assert image_references(data) == []


PROMETHEUS = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "Prometheus",
    "metadata": {"name": "k8s", "annotations": {"sidecar.example.com/image": "sidecar:1"}},
    "spec": {
        "image": "quay.io/prometheus/prometheus:v3",
        "thanos": {"image": "thanos:1"},
        "extra": [{"image": "x:1"}, {"image": "y:1"}],
        "empty": {"image": ""},
    },
}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (None, []),
        ("spec.image", ["quay.io/prometheus/prometheus:v3"]),
        (["spec.*.image"], ["thanos:1", "x:1", "y:1"]),
        (["**.image"], ["quay.io/prometheus/prometheus:v3", "thanos:1", "x:1", "y:1"]),
        ([["metadata", "annotations", "sidecar.example.com/image"]], ["sidecar:1"]),
        (["spec.nothing", "kind.image"], []),
    ],
)
def test_more_paths(paths: Any, expected: list[str]) -> None:
    full = [image if "/" in image else f"docker.io/library/{image}" for image in expected]
    assert image_references(PROMETHEUS, paths=paths) == full
    assert image_references({"apiVersion": "v1", "kind": "List", "items": [PROMETHEUS]}, paths=paths) == full


def test_the_values_of_a_chart() -> None:
    values = {
        "image": {"repository": "grafana/grafana", "tag": "11.0.0", "pullPolicy": "Always"},
        "sidecar": {"image": {"registry": "quay.io", "repository": "kiwi/sidecar", "tag": "1.2", "digest": DIGEST}},
        "images": ["a:1", "b:1"],
    }
    assert image_references(values, paths=["**.image", "images"]) == [
        "docker.io/grafana/grafana:11.0.0",
        f"quay.io/kiwi/sidecar:1.2@{DIGEST}",
        "docker.io/library/a:1",
        "docker.io/library/b:1",
    ]
    services = {"services": {"web": {"image": {"repository": "acme/web", "tag": "2"}}}}
    assert image_references(services, paths="**.image") == ["docker.io/acme/web:2"]
    with pytest.raises(InputError, match="neither tag nor digest"):
        image_references({"image": {"repository": "grafana/grafana", "tag": ""}}, paths="image")
    with pytest.raises(InputError, match="tag of image"):
        image_references({"image": {"repository": "grafana/grafana", "tag": 1.1}}, paths="image")


@pytest.mark.parametrize("paths", ["", [""], ["a..b"], [".a"], ["a[*].b"], [3], [[]], [["a", 1]]])
def test_what_is_no_path(paths: Any) -> None:
    with pytest.raises(InputError, match="the path"):
        image_references({}, paths=paths)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (wrapped("Deployment", pod("{{ .Values.image }}")), ["container c0 of Deployment x"]),
        (wrapped("Pod", {"containers": [{"name": "n", "image": 1.27}]}), ["container n of Pod x", "in quotes"]),
        ("a: [", ["not YAML", "line 1"]),
        ("a: &a [*b]", ["not YAML"]),
        ("image: {{ .Values.image }}\n", ["not YAML", "line 1", "what helm template prints"]),
        ("{{- if .Values.on }}\nkind: Pod\n{{- end }}\n", ["not YAML", "what helm template prints"]),
        ("[" * 100_000, ["nested too deeply"]),
        ("- [" + "[" * 5000, ["not YAML"]),
        (5, ["neither text nor a manifest"]),
        ("nginx latest", ["more than one reference"]),
        ("docker://nginx", ["nginx"]),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(data: Any, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        image_references(data)
    assert [word for word in words if word not in str(caught.value)] == []


def test_aliases_that_stand_for_very_much_are_walked_once() -> None:
    data: Any = pod("x:1")
    for _ in range(150):
        data = {"a": data, "b": data}
    assert image_references(data) == ["docker.io/library/x:1"]
    with pytest.raises(InputError, match="too deeply"):
        for _ in range(100):
            data = {"a": data}
        image_references(data)


_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["nginx", "a:1", "x y", "", "Pod", "v1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "apiVersion", "containers", "image", "volumes", "services", "reference", "build"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_DATA)
def test_any_data_has_images_or_is_refused(data: Any) -> None:
    try:
        found = image_references(data, paths=["**.image"])
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert len(found) == len(set(found))
        assert image_references(found) == found


@given(st.text(alphabet="ab:/-\n #{}[]&*!=@.1", max_size=30))
def test_any_text_has_images_or_is_refused(text: str) -> None:
    try:
        image_references(text)
    except InputError as error:
        assert str(error)
