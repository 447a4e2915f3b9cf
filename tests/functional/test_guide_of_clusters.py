# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the guide "Mirror what a cluster runs", run as it stands there, between two registries."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import registry_option
from support.scenes.playbooks import CAN_PLAY, Played, play
from support.servers.shared import Servers

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "mirror-a-cluster.md"
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)]
TAGS = {"web": ["1.27", "1.26", "2.0.0-rc.1", "latest"], "init": ["1"], "db": ["16"], "op": ["3"], "dash": ["11"]}
HOME = "guide/of-clusters"

pytestmark = [
    pytest.mark.skipif(not CAN_PLAY, reason="this Python is one of managed hosts only"),
    pytest.mark.timeout(1500),
]


class Cluster:
    """A run of the whole guide.

    :ivar digests: of every image at the source, by repository and tag
    """

    def __init__(self, servers: Servers, directory: Path) -> None:
        self.source, self.mirror = servers.open.endpoint, servers.htpasswd.endpoint
        self.directory = directory
        self.digests: dict[str, str] = {}
        with PlainClient(self.source) as client:
            for name, tags in TAGS.items():
                for tag in tags:
                    image = images.image(f"{HOME} {name} {tag}")
                    self.digests[f"{name}:{tag}"] = client.push(f"{HOME}/{name}", image, tag)
        self._write_files()
        self.played = self._play()

    def name(self, image: str) -> str:
        return f"{self.source.host}/{HOME}/{image}"

    def _write_files(self) -> None:
        containers = {
            "initContainers": [{"name": "init", "image": self.name("init:1")}],
            "containers": [
                {"name": "web", "image": self.name("web:1.27")},
                {"name": "pinned", "image": self.name(f"web:1.26@{self.digests['web:1.26']}")},
            ],
        }
        deployment = self._object("Deployment", {"template": {"spec": containers}})
        database = self._object("Pod", {"containers": [{"name": "db", "image": self.name("db:16")}]})
        documents = {
            "app.yml": yaml.safe_dump_all([deployment, self._object("Service", {"ports": []})]),
            "manifests/one.yml": yaml.safe_dump(deployment),
            "manifests/two.yml": yaml.safe_dump(database),
            "prometheus.yml": yaml.safe_dump(self._object("Prometheus", {"image": self.name("op:3")})),
            "values.yml": yaml.safe_dump({"image": {"repository": self.name("dash"), "tag": "11"}}),
            "images.txt": f"# what we want\n{self.name('web:latest')}\n{self.name('db:16')}   # the database\n",
            "compose.yml": yaml.safe_dump({"services": {"web": {"image": f"{self.name('web')}:$WEB_TAG"}}}),
            "cluster.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": [deployment, database]}),
            "chart.yml": f"---\n# Source: shop/templates/db.yml\n{yaml.safe_dump(database)}---\n",
        }
        for name, text in documents.items():
            path = self.directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for program, file in {"kubectl": "cluster.json", "helm": "chart.yml"}.items():
            path = self.directory / "bin" / program
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!/bin/sh\nexec cat {self.directory / file}\n", encoding="utf-8")
            path.chmod(0o755)

    @staticmethod
    def _object(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": kind.lower()}, "spec": spec}

    def _play(self) -> Played:
        (first,), *others = EXAMPLES
        plays = [{**first, "tasks": [*first["tasks"], *(task for tasks in others for task in tasks)]}]
        hosts = {
            "registry.example.com": self.mirror.host,
            "quay.io": self.source.host,
            "mirror/library": f"mirror/{HOME}",
        }
        text = json.dumps(plays)
        for written, meant in hosts.items():
            text = text.replace(written, meant)
        variables = {"registries": [registry_option(endpoint) for endpoint in (self.source, self.mirror)]}
        return play(self.directory, json.loads(text), variables, [self.directory / "bin"])

    def copied(self, task: str) -> set[str]:
        """The images that a task has seen to, without the mirror's name."""
        result = self.played.result(task)
        count = result["summary"]["created"] + result["summary"]["unchanged"]
        assert count == result["summary"]["images"]
        return {image["destination"].partition(f"{HOME}/")[2] for image in result["images"]}

    def mirrored(self, beginning: str = "mirror") -> dict[str, str]:
        """What the mirror has of each of the source's images."""
        found = {}
        with PlainClient(self.mirror) as client:
            for image in self.digests:
                name, _, tag = image.partition(":")
                answer = client.request("HEAD", f"/v2/{beginning}/{HOME}/{name}/manifests/{tag}", headers=ACCEPT)
                if answer.status == 200:
                    found[image] = answer.headers["docker-content-digest"]
        return found


ACCEPT = {"Accept": images.OCI_MANIFEST}


@pytest.fixture(scope="module")
def cluster(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return Cluster(servers, tmp_path_factory.mktemp("guide"))


def test_every_example_works(cluster: Cluster) -> None:
    assert cluster.played.code == 0, cluster.played.text
    names = {task["name"] for tasks in [EXAMPLES[0][0]["tasks"], *EXAMPLES[1:]] for task in tasks}
    assert names == set(cluster.played.tasks)
    assert {status for status, _result in cluster.played.tasks.values()} <= {"ok", "skipped"}


def test_the_manifests_images_are_mirrored_and_the_pinned_one_by_its_digest(cluster: Cluster) -> None:
    assert cluster.copied("Mirror whatever the manifests name") == {"init:1", "web:1.27", "web:1.26"}
    there = cluster.mirrored()
    assert {image: there[image] for image in ("init:1", "web:1.27", "web:1.26")} == {
        image: cluster.digests[image] for image in ("init:1", "web:1.27", "web:1.26")
    }


@pytest.mark.parametrize(
    ("task", "new"),
    [
        ("Mirror what the cluster runs", {"db:16"}),
        ("Mirror what the chart installs", set()),
        ("Mirror what all manifests name", set()),
        ("Mirror what the compose file names", set()),
        ("Mirror a list of images", {"web:latest"}),
        ("Mirror what custom resources and values name", {"op:3", "dash:11"}),
    ],
)
def test_each_source_of_names_brings_what_is_new_in_it(cluster: Cluster, task: str, new: set[str]) -> None:
    assert cluster.copied(task) == new
    assert cluster.played.result(task)["summary"]["images"] >= 1
    assert new <= set(cluster.mirrored())


def test_nothing_else_is_mirrored(cluster: Cluster) -> None:
    assert set(cluster.digests) - set(cluster.mirrored()) == {"web:2.0.0-rc.1"}


def test_the_images_of_one_registry_go_elsewhere(cluster: Cluster) -> None:
    assert set(cluster.mirrored("quay")) == {"init:1", "web:1.27", "web:1.26"}


def test_manifests_take_their_images_from_the_mirror(cluster: Cluster) -> None:
    written = list(yaml.safe_load_all((cluster.directory / "app-from-mirror.yml").read_text()))
    deployment, service = (document for document in written if document)
    spec = deployment["spec"]["template"]["spec"]
    mirror = f"{cluster.mirror.host}/mirror/{HOME}"
    assert [each["image"] for each in spec["initContainers"] + spec["containers"]] == [
        f"{mirror}/init:1",
        f"{mirror}/web:1.27",
        f"{mirror}/web:1.26@{cluster.digests['web:1.26']}",
    ]
    assert service["kind"] == "Service"
    named = cluster.played.result("Name one image in the mirror")["msg"]
    assert named == f"{cluster.mirror.host}/mirror/library/nginx:1.27"


def test_digests_are_kept(cluster: Cluster) -> None:
    mirror = f"{cluster.mirror.host}/mirror/{HOME}"
    assert cluster.played.result("Show them")["digests"] == {
        f"{mirror}/init:1": cluster.digests["init:1"],
        f"{mirror}/web:1.27": cluster.digests["web:1.27"],
        f"{mirror}/web:1.26@{cluster.digests['web:1.26']}": cluster.digests["web:1.26"],
    }
    assert cluster.played.tasks["See what is not in the mirror yet"][0] == "skipped"


def test_the_choice_of_tags_is_shown(cluster: Cluster) -> None:
    assert cluster.played.result("Show the choice")["msg"] == {
        "taken": ["1.26", "1.27"],
        "left": {"latest": "it is no version that semver means"},
    }
