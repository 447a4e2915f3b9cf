# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup image_digest in playbooks: answers, credentials, Ansible's errors, and how often a registry is asked."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import registry_option
from support.scenes.playbooks import CAN_PLAY, Played, play
from support.servers.shared import PASSWORD, USER, Servers

pytestmark = [
    pytest.mark.skipif(not CAN_PLAY, reason="this Python is one of managed hosts only"),
    pytest.mark.timeout(1500),
]

LOOKUP = "'imageops.registry.image_digest'"
Debug = Callable[..., Played]
Push = Callable[..., str]


@pytest.fixture
def push(servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str) -> Push:
    """Puts an image into the registry with logins; gives its name."""

    def put(image: images.Image, tag: str) -> str:
        plain(servers.htpasswd.endpoint).push(repository, image, tag)
        return f"{servers.htpasswd.host}/{repository}:{tag}"

    return put


@pytest.fixture
def debug(servers: Servers, tmp_path: Path) -> Debug:
    """Runs tasks that show expressions, with ``registries`` as a variable."""

    def run(expressions: dict[str, str], facts: dict[str, str] | None = None, **variables: Any) -> Played:
        tasks: list[dict[str, Any]] = [
            {"name": name, "ansible.builtin.debug": {"msg": f"{{{{ {expression} }}}}"}, "ignore_errors": True}
            for name, expression in expressions.items()
        ]
        quick = [{**registry_option(servers.htpasswd.endpoint)}]
        plays = [{"hosts": "all", "gather_facts": False, "vars": facts or {}, "tasks": tasks}]
        return play(tmp_path, plays, {"registries": quick, **variables})

    return run


def test_digests_of_references_and_of_platforms(push: Push, debug: Debug, repository: str) -> None:
    single = images.image(repository)
    index = images.multi_arch(repository, ("linux/amd64", "linux/arm64/v8", "linux/arm/v6", "linux/arm/v7"))
    one, several = push(single, "1.0"), push(index, "latest")
    name = several.rpartition(":")[0]
    call = f"lookup({LOOKUP}, image, registries=registries"
    played = debug(
        {
            "tag": f"{call})",
            "digest": f"lookup({LOOKUP}, name ~ '@{single.digest}', registries=registries)",
            "no tag": f"lookup({LOOKUP}, name, registries=registries)",
            "several": f"query({LOOKUP}, image, [name, image], registries=registries)",
            "platform": f"lookup({LOOKUP}, name, registries=registries, platform='linux/arm64')",
            "variant": f"lookup({LOOKUP}, name, registries=registries, platform='linux/arm/v7')",
            "single": f"{call}, platform='linux/amd64')",
            "ambiguous": f"lookup({LOOKUP}, name, registries=registries, platform='linux/arm')",
            "none": f"{call}, platform='linux/s390x')",
        },
        image=one,
        name=name,
    )
    shown = {task: result.get("msg") for task, (_status, result) in played.tasks.items()}
    children = [child.digest for child in index.children]
    assert (shown["tag"], shown["digest"], shown["no tag"]) == (single.digest, single.digest, index.digest)
    assert shown["several"] == [single.digest, index.digest, single.digest]
    assert (shown["platform"], shown["variant"], shown["single"]) == (children[1], children[3], single.digest)
    assert played.tasks["ambiguous"][0] == played.tasks["none"][0] == "failed"
    assert "2 of its images are for this platform; it has linux/amd64, linux/arm64/v8" in shown["ambiguous"]
    assert "none of its images is for this platform; it has linux/amd64" in shown["none"]


def test_failures_are_as_ansibles_errors_says(push: Push, debug: Debug, repository: str) -> None:
    missing = push(images.image(repository), "1.0").replace(":1.0", ":2.0")
    call = f"({LOOKUP}, image, registries=registries"
    played = debug(
        {
            "strict": f"lookup{call})",
            "ignored": f"query{call}, errors='ignore')",
            "warned": f"lookup{call}, errors='warn') | default('nothing', true)",
            "not a reference": f"lookup({LOOKUP}, 'a b')",
            "not an option": f"lookup({LOOKUP}, image, registries=[{{'registry': 'a', 'user': 'b'}}])",
            "not a platform": f"lookup{call}, platform='x86_64')",
        },
        image=missing,
    )
    assert [status for status, _result in played.tasks.values()] == ["failed", "ok", "ok", "failed", "failed", "failed"]
    messages = {task: result["msg"] for task, (_status, result) in played.tasks.items()}
    assert f"cannot find the digest of {missing}: the registry does not have it" in messages["strict"]
    assert (messages["ignored"], messages["warned"]) == ([], "nothing")
    assert "[WARNING]" in played.text
    assert '"a b"' in messages["not a reference"]
    assert "user" in messages["not an option"]
    assert "x86_64" in messages["not a platform"]


def test_credentials_come_from_the_same_options_and_are_never_shown(
    servers: Servers, push: Push, debug: Debug, repository: str, tmp_path: Path
) -> None:
    image = images.image(repository)
    name = push(image, "1.0")
    host = servers.htpasswd.host
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    docker = tmp_path / "auth.json"
    docker.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    anonymous = [{"registry": host, "plain_http": True}]
    wrong = [{"registry": host, "plain_http": True, "username": USER, "password": "wr0ng-s3cret"}]
    played = debug(
        {
            "docker": f"lookup({LOOKUP}, image, registries=anonymous, docker_config=docker)",
            "no login": f"lookup({LOOKUP}, image, registries=anonymous, docker_config='')",
            "wrong": f"lookup({LOOKUP}, image, registries=wrong)",
        },
        image=name,
        anonymous=anonymous,
        wrong=wrong,
        docker=str(docker),
    )
    assert played.result("docker")["msg"] == image.digest
    assert [played.tasks[task][0] for task in ("no login", "wrong")] == ["failed", "failed"]
    assert PASSWORD not in played.text
    assert "wr0ng-s3cret" not in played.text


def test_within_one_templating_a_reference_is_asked_for_once_and_by_each_task_anew(
    servers: Servers, push: Push, debug: Debug, repository: str
) -> None:
    image = images.image(repository)
    name = push(image, "1.0")
    servers.htpasswd.mark()
    played = debug(
        {"first": "digest ~ digest ~ digests[0]", "second": "digest"},
        {
            "digest": f"{{{{ lookup({LOOKUP}, image, registries=registries) }}}}",
            "digests": f"{{{{ query({LOOKUP}, image, image, registries=registries) }}}}",
        },
        image=name,
    )
    assert played.result("first")["msg"] == image.digest * 3
    assert played.result("second")["msg"] == image.digest
    heads = [request for request in servers.htpasswd.requests() if request.method == "HEAD" and request.status == 200]
    assert len(heads) == 2
    assert "DEPRECATION" not in played.text


def test_a_condition_that_waits_for_another_digest_asks_each_time(
    servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str, tmp_path: Path
) -> None:
    client, host = plain(servers.open.endpoint), servers.open.host
    client.push(repository, images.image(f"{repository} old"), "1.0")
    later = client.push(repository, images.image(f"{repository} new"), "later")
    copy = "skopeo copy --src-tls-verify=false --dest-tls-verify=false --preserve-digests"
    move = f"{copy} docker://{host}/{repository}:later docker://{host}/{repository}:1.0"
    task = {
        "name": "wait",
        "ansible.builtin.shell": f"if test -e tried; then {move}; else touch tried; fi",
        "args": {"chdir": str(tmp_path)},
        "register": "tried",
        "until": f"lookup({LOOKUP}, image, registries=registries) == '{later}'",
        "retries": 3,
        "delay": 1,
    }
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [task]}]
    variables = {"registries": [registry_option(servers.open.endpoint)], "image": f"{host}/{repository}:1.0"}
    played = play(tmp_path, plays, variables)
    assert played.result("wait")["attempts"] == 2
