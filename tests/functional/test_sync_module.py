# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_sync as a whole: options in, result, message, report and log out."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.modules import Ended, module, registry_option
from support.servers.shared import PASSWORD, USER, Servers

Sync = Callable[..., Ended]


@pytest.fixture
def sync(servers: Servers, tmp_path: Path) -> Sync:
    """Runs the module; the open registry and the one with logins are described unless ``registries`` is given."""

    def run(check_mode: bool = False, **options: Any) -> Ended:
        described = [registry_option(servers.htpasswd.endpoint), registry_option(servers.open.endpoint)]
        given = {"registries": described, "retry_delay": 0.01, **options}
        with module("registry_image_sync", given, home=tmp_path, check_mode=check_mode) as running:
            return running.end()

    return run


@pytest.fixture
def source(servers: Servers, plain: Callable[[Endpoint], PlainClient], repository: str) -> str:
    """A repository with two tags, behind a login."""
    client = plain(servers.htpasswd.endpoint)
    for tag in ("1.0", "2.0"):
        client.push(repository, images.image(f"{repository} {tag}"), tag)
    return f"{servers.htpasswd.host}/{repository}"


@pytest.fixture
def target(servers: Servers, repository: str) -> str:
    """Where they shall go."""
    return f"{servers.open.host}/copies/{repository}"


def test_first_run_second_run_check_mode(sync: Sync, source: str, target: str) -> None:
    rule = {"images": [{"source": source, "destination": target}]}
    planned = sync(check_mode=True, **rule).result
    first, second = sync(**rule).result, sync(**rule).result
    assert (planned["changed"], first["changed"], second["changed"]) == (True, True, False)
    assert planned["summary"]["bytes"] == first["summary"]["bytes"] > 0
    assert (
        [image["action"] for image in planned["images"]]
        == ["create", "create"]
        == [image["action"] for image in first["images"]]
    )
    assert (second["images"], second["summary"]["unchanged"]) == ([], 2)
    assert second["msg"].startswith("2 images: 2 unchanged; 0 bytes written")


def test_a_failure_leaves_the_rest_done_and_can_be_tried_again(
    sync: Sync, source: str, target: str, tmp_path: Path
) -> None:
    rules = [{"source": f"{source}:1.0,2.0", "destination": target}, {"source": f"{source}:3.0", "destination": target}]
    ended = sync(images=rules, report_path="reports/sync.json", log_path="logs/sync.log")
    failed = ended.result
    assert (ended.code, failed["changed"], failed["error_codes"]) == (1, True, ["tag_not_found"])
    assert [image["source"] for image in failed["images"]] == [f"{source}:3.0"]
    assert failed["failed_images"] == [{"source": f"{source}:3.0", "destination": f"{target}:3.0"}]
    assert failed["msg"].startswith("1 of 3 images failed (2 created)\ntag_not_found, 1 image: ")
    report = json.loads((tmp_path / "reports" / "sync.json").read_text(encoding="utf-8"))
    assert [image["status"] for image in report["images"]] == ["done", "done", "failed"]
    log = (tmp_path / "logs" / "sync.log").read_text(encoding="utf-8").splitlines()
    assert sum("; now " in line for line in log) == 3
    assert "1 of 3 images failed, cost " in log[-1]
    assert "totals: 3 images: 2 created; " in log[-2]
    assert log[0].endswith(" synchronization begins, 2 rules")
    assert sync(images=failed["failed_images"]).result["error_codes"] == ["tag_not_found"]


def test_what_failed_is_in_a_file_that_another_task_takes(
    sync: Sync, plain: Callable[[Endpoint], PlainClient], servers: Servers, source: str, target: str, tmp_path: Path
) -> None:
    tags = [f"{number:0120d}" for number in range(100)]
    rules = [{"source": f"{source}:1.0", "destination": target}]
    rules += [{"source": f"{source}:{tag}", "destination": f"{target}:{tag}", "overwrite": "fail"} for tag in tags]
    failed = sync(images=rules, rerun_path="again/failed.json").result
    assert ("failed_images" in failed, failed["failed_images_left_out"] > 10) == (False, True)
    assert failed["rerun_path"] == str(tmp_path / "again" / "failed.json")
    repository = source.partition("/")[2]
    for tag in tags:
        plain(servers.htpasswd.endpoint).push(repository, images.image("late"), tag)
    looked = sync(check_mode=True, images_file=failed["rerun_path"], rerun_path=failed["rerun_path"]).result
    assert "rerun_path" not in looked
    mended = sync(images_file=failed["rerun_path"], rerun_path=failed["rerun_path"]).result
    assert sorted(image["destination"] for image in mended["images"]) == [f"{target}:{tag}" for tag in tags]
    assert "rerun_path" not in mended
    assert sync(images_file=failed["rerun_path"]).result["msg"] == "no images to copy"


def test_the_same_result_in_the_output_and_in_the_report(sync: Sync, source: str, target: str, tmp_path: Path) -> None:
    result = sync(images=[{"source": source, "destination": target}], report_path="report.json").result
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    for key in ("changed", "images", "failed_images", "registries", "notes", "summary"):
        assert report[key] == result[key]


def test_the_seeds_file(sync: Sync, servers: Servers, source: str, repository: str, tmp_path: Path) -> None:
    logins = {
        servers.htpasswd.host: {"username": USER, "password": PASSWORD, "insecure": True},
        "acr.example.com": {"username": "ruohehhy", "password": "xxxxxxxx"},
    }
    (tmp_path / "seed.json").write_text(json.dumps({"auth": logins, "images": {source: ""}}), encoding="utf-8")
    options = {"config": "seed.json", "registries": [], "default_namespace": "image-syncer"}

    servers.htpasswd.mark()
    refused = sync(default_registry="other.example.com", **options).result
    assert refused["error_codes"] == ["invalid_input"]
    assert "other.example.com" in refused["msg"] and "acr.example.com" in refused["msg"]
    assert not servers.htpasswd.requests()

    logins[servers.open.host] = {**logins.pop("acr.example.com"), "insecure": True}
    (tmp_path / "seed.json").write_text(json.dumps({"auth": logins, "images": {source: ""}}), encoding="utf-8")
    done = sync(default_registry=servers.open.host, **options).result
    assert done["changed"]
    expected = f"{servers.open.host}/image-syncer/{repository.partition('/')[2]}"
    assert {image["destination"].rpartition(":")[0] for image in done["images"]} == {expected}


def test_split_files_with_environment_variables(
    sync: Sync, servers: Servers, source: str, target: str, tmp_path: Path
) -> None:
    (tmp_path / "auth.yaml").write_text(
        f"{servers.htpasswd.host}: {{username: {USER}, password: $NOT_SET_ANYWHERE}}\n", encoding="utf-8"
    )
    (tmp_path / "images.yaml").write_text(f"{source}: [{target}]\n", encoding="utf-8")
    result = sync(auth_file="auth.yaml", images_file="images.yaml").result
    assert result["error_codes"] == ["invalid_input"] and "NOT_SET_ANYWHERE" in result["msg"]


def test_dockers_configuration_is_read_where_the_task_runs(
    sync: Sync, servers: Servers, source: str, target: str, tmp_path: Path
) -> None:
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / ".docker").mkdir()
    content = json.dumps({"auths": {servers.htpasswd.host: {"auth": login}}})
    (tmp_path / ".docker" / "config.json").write_text(content, encoding="utf-8")
    plain_http = [{"registry": host, "plain_http": True} for host in (servers.htpasswd.host, servers.open.host)]
    rule = {"images": [{"source": source, "destination": target}], "registries": plain_http}
    assert sync(**rule, docker_config="").result["error_codes"] == ["no_credentials"]
    ended = sync(**rule)
    assert ended.result["changed"]
    assert PASSWORD not in ended.text and login not in ended.text


def test_dockers_credential_helpers_are_run(
    sync: Sync, servers: Servers, source: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "docker-credential-test"
    answer = json.dumps({"ServerURL": servers.htpasswd.host, "Username": USER, "Secret": PASSWORD})
    helper.write_text(f'#!/bin/sh\n[ "$1 $(cat)" = "get {servers.htpasswd.host}" ] && cat <<"E"\n{answer}\nE\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {servers.htpasswd.host: "test"}}))
    plain_http = [{"registry": host, "plain_http": True} for host in (servers.htpasswd.host, servers.open.host)]
    rule = {"images": [{"source": source, "destination": target}], "registries": plain_http}
    ended = sync(**rule, docker_config="config.json")
    assert ended.result["changed"]
    assert PASSWORD not in ended.text


def test_no_secret_anywhere(sync: Sync, servers: Servers, source: str, target: str, tmp_path: Path) -> None:
    wrong = [
        {"registry": servers.htpasswd.host, "username": USER, "password": "hunter2!", "plain_http": True},
        {"registry": servers.open.host, "plain_http": True, "proxy": "http://me:swordfish@127.0.0.1:1"},
    ]
    rule = {"images": [{"source": source, "destination": target}], "registries": wrong, "retries": 0}
    ended = sync(**rule, report_path="report.json", log_path="sync.log", _ansible_inject_invocation=True)
    encoded = base64.b64encode(f"{USER}:hunter2!".encode()).decode()
    texts = [ended.text, *((tmp_path / name).read_text(encoding="utf-8") for name in ("report.json", "sync.log"))]
    for secret in ("hunter2", "swordfish", encoded):
        assert all(secret not in text for text in texts), secret
    assert "bad_credentials" in ended.result["error_codes"]


def test_a_secret_in_a_name_is_warned_of_and_stands_in_the_reports_names_alone(
    sync: Sync, servers: Servers, source: str, target: str, tmp_path: Path
) -> None:
    password = target.split("/")[-2]
    wrong = [
        {"registry": servers.htpasswd.host, "username": USER, "password": password, "plain_http": True},
        registry_option(servers.open.endpoint),
    ]
    rule = {"images": [{"source": source, "destination": target}], "registries": wrong}
    ended = sync(**rule, report_path="report.json", log_path="sync.log")
    assert "a secret is a part of an image's name" in json.dumps(ended.result["warnings"])
    images = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["images"]
    assert any(password in image["destination"] for image in images)
    assert password not in json.dumps([image["error"] for image in images])
    assert password not in (tmp_path / "sync.log").read_text(encoding="utf-8")
    assert password not in ended.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": [{"source": "a.example.com/b", "destination": "c.example.com/d", "e": None}]}, "quote the source"),
        ({"images": [{"source": "a.example.com/b", "destination": 1.1}]}, r'"1.10" in quotes'),
        ({"images": [], "concurrency": 0}, "concurrency 0"),
        ({"images": [], "bandwidth_limit": "1K"}, "bandwidth_limit 1024"),
        ({"images": [], "max_runtime": 0}, "max_runtime 0"),
        ({"config": "nowhere.json"}, "nowhere.json"),
        ({"images": [], "docker_config": "nowhere.json"}, "nowhere.json"),
        ({"images": [], "log_path": "."}, "log_path"),
        ({"images": [], "report_path": "."}, "report_path"),
        ({"images": [], "rerun_path": "."}, "rerun_path"),
        ({"images": [], "registries": [{"registry": "a.example.com", "username": "bob"}]}, "without a password"),
    ],
)
def test_bad_input_is_refused(sync: Sync, options: dict[str, Any], message: str) -> None:
    ended = sync(**options)
    assert ended.result["error_codes"] == ["invalid_input"]
    assert message in ended.result["msg"]


def test_bad_input_leaves_nothing_behind(sync: Sync, tmp_path: Path) -> None:
    ended = sync(images=[], timeout=0, log_path="logs/sync.log", report_path="reports/sync.json")
    assert ended.result["error_codes"] == ["invalid_input"]
    assert list(tmp_path.iterdir()) == []


def test_no_images_is_no_work(sync: Sync) -> None:
    result = sync(images=[]).result
    assert (result["changed"], result["msg"], result["registries"]) == (False, "no images to copy", {})


def tags_of(servers: Servers, plain: Callable[[Endpoint], PlainClient], target: str) -> list[str]:
    return sorted(plain(servers.open.endpoint).tags(target.partition("/")[2]))


def test_an_empty_expression_means_all_tags(
    sync: Sync, servers: Servers, plain: Callable[[Endpoint], PlainClient], source: str, target: str
) -> None:
    assert sync(images=[{"source": f"{source}://", "destination": target}]).code == 0
    assert tags_of(servers, plain, target) == ["1.0", "2.0"]


def test_tags_are_counted_when_they_have_been_listed(
    sync: Sync, servers: Servers, plain: Callable[[Endpoint], PlainClient], source: str, target: str
) -> None:
    rule = {"source": source, "destination": f"{target}:stable"}
    refused = sync(images=[rule])
    assert refused.code == 1
    assert "it names one tag and the source has 2: 1.0, 2.0" in refused.result["msg"]

    single = f"{source}-single"
    plain(servers.htpasswd.endpoint).push(single.partition("/")[2], images.image("the only one"), "7")
    assert sync(images=[{**rule, "source": single}]).code == 0
    assert tags_of(servers, plain, target) == ["stable"]
    assert sync(images=[{**rule, "source": single}]).result["changed"] is False


def test_tags_get_a_prefix_and_a_suffix(
    sync: Sync, servers: Servers, plain: Callable[[Endpoint], PlainClient], source: str, target: str
) -> None:
    rule = {"images": [{"source": source, "destination": f"{target}:v{{tag}}-mirror"}]}
    first, second = sync(**rule), sync(**rule)
    assert (first.code, first.result["changed"], second.result["changed"]) == (0, True, False)
    assert tags_of(servers, plain, target) == ["v1.0-mirror", "v2.0-mirror"]
    missing = {"source": f"{source}-missing", "destination": f"{target}:v{{tag}}-mirror"}
    assert sync(images=[missing]).result["failed_images"] == [missing]
