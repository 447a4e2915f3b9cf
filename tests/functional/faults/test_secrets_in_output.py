# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unusual secrets in every place that takes one; then everything that was written is searched for them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable
from urllib.parse import quote

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.fault_proxy import Action, FaultProxy, Request, Response
from support.scenes import images
from support.scenes.modules import Ended, module
from support.scenes.planted import Planted
from support.scenes.playbooks import CAN_PLAY, PROGRAM
from support.servers.docker_registry import docker_registry
from support.servers.token_server import User, token_server

Plain = Callable[[Endpoint], PlainClient]
TREE = Path(__file__).resolve().parents[3] / ".cache" / "tree"
SPY = """#!{python}
import glob, json, sys
with open({seen!r}, "ab") as seen:
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            seen.write(open(path, "rb").read().replace(bytes(1), b" ") + b"\\n")
        except OSError:
            pass
sys.stdin.read()
print(json.dumps({{"Username": {user!r}, "Secret": {secret!r}}}))
"""


class Hear(Action):
    """Notes which secrets a server is told."""

    def __init__(self, planted: Planted) -> None:
        self.planted = planted

    def on_request(self, request: Request) -> None:
        self.planted.hear(*request.headers.values())


class Echo(Action):
    """Answers with an error that repeats what it was told, and of all that any server was told some, others each time.

    :param planted: the secrets; None where the client does not know them either, so that it cannot keep them back
    """

    def __init__(self, planted: Planted | None, status: int) -> None:
        self.planted = planted
        self.status = status

    def answer(self, request: Request) -> Response:
        body = b"".join(request.body).decode("utf-8", "replace")
        told = [value for name, value in request.headers.items() if "authorization" in name.lower()] + [body]
        message = " ".join((*told, *self.some()))
        words = json.dumps({"errors": [{"code": "DENIED", "message": message}]})
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(words)))]
        headers.append(("Warning", f'299 - "{quoted(self.some())}"'))
        return Response(self.status, headers, iter([words.encode()]))

    def some(self) -> list[str]:
        return self.planted.some(self.planted.heard) if self.planted else []


def quoted(words: list[str]) -> str:
    return " ".join(words).encode("ascii", "ignore").decode().replace("\n", " ").replace("\r", " ")[:4000]


@dataclass
class Stage:
    """Registries whose logins are all secret in another way, and the options that know them.

    :ivar planted: everything that must not be seen
    :ivar home: where the module runs, and what it writes
    :ivar given: the files in it that hold the secrets because they are told to
    """

    planted: Planted
    home: Path
    options: dict[str, Any]
    proxies: dict[str, FaultProxy]
    seen: Path
    given: list[Path] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def info(self) -> dict[str, Any]:
        """What registry_image_info takes besides, or instead."""
        names = [rule["source"] for rule in self.options["images"] if self.proxies["file"].host not in rule["source"]]
        return {"images": names}

    def run(self, name: str, **changes: Any) -> Ended:
        common = ("registries", "docker_config", "retry_delay")
        known = self.options if name.endswith("sync") else {key: self.options[key] for key in common}
        options = {**known, **changes, "_ansible_verbosity": 4, "_ansible_inject_invocation": True}
        self.planted.heard.clear()  # a run cannot keep back what only another was told
        with module(name, options, home=self.home, environment=self.environment) as running:
            return running.end()

    def assert_nothing_shows(self, *texts: str) -> None:
        found = self.planted.found_in([*texts, self.seen.read_text() if self.seen.exists() else ""])
        found += self.planted.found_below(self.home, but=self.given)
        assert not found, "\n".join(found)


class RememberTokens(Action):
    """Add every token that passes to what must not be seen."""

    def __init__(self, planted: Planted) -> None:
        self.planted = planted

    def on_response(self, request: Request, response: Response) -> None:
        body = b"".join(response.body)
        response.body = iter([body])
        if response.status == 200:
            answer = json.loads(body)
            self.planted.add("token", answer.get("token") or answer["access_token"])


WAYS = ("task", "file", "auths", "helper")


@pytest.fixture
def stage(faulty: Callable[..., FaultProxy], plain: Plain, repository: str, tmp_path: Path) -> Iterator[Stage]:
    """A source for each way to know a login, and a destination that wants a token for an identity token."""
    planted, home = Planted(), tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    passwords = {way: planted.make(f"password in {way}", way) for way in WAYS}
    refresh, gate = planted.make("identity token"), planted.make("proxy's password", "me")
    users = {"robot": User(identity_token=refresh), "filler": User("filler")}
    with ExitStack() as stack:
        tokens = stack.enter_context(token_server(tmp_path, users))
        token_proxy = faulty(Endpoint(tokens.realm.split("/")[2]))
        token_proxy.add(RememberTokens(planted), times=None)
        tokens.realm = f"{token_proxy.endpoint.url}/token"
        source = stack.enter_context(docker_registry(tmp_path / "source", users=passwords))
        destination = stack.enter_context(docker_registry(tmp_path / "destination", tokens=tokens))
        image = images.image(repository)
        plain(source.endpoint).push(repository, image, "v1")
        sources = {way: faulty(source.endpoint) for way in WAYS}
        forward, target = faulty(source.endpoint), faulty(destination.endpoint)
        hosts = {way: proxy.host for way, proxy in sources.items()}
        seen = tmp_path / "seen"
        given = write_files(home, hosts, passwords, seen)
        registries: list[dict[str, Any]] = [{"registry": host, "plain_http": True} for host in hosts.values()]
        registries[0].update(
            username="task",
            password=passwords["task"],
            proxy=f"http://me:{quote(gate, safe='')}@{forward.host}",
        )
        registries.append({"registry": target.host, "plain_http": True, "username": "robot", "identity_token": refresh})
        options = {
            "images": [
                {"source": f"{host}/{repository}", "destination": f"{target.host}/{repository}/{way}"}
                for way, host in hosts.items()
            ],
            "registries": registries,
            "docker_config": str(home / "docker.json"),
            "auth_file": str(home / "auth.json"),
            "report_path": str(home / "report.json"),
            "log_path": str(home / "sync.log"),
            "return_images": "all",
            "retry_delay": 0.01,
            "retries": 1,
        }
        environment = {"PATH": f"{home / 'bin'}:{os.environ['PATH']}"}
        proxies = {**sources, "forward": forward, "destination": target, "tokens": token_proxy}
        for proxy in proxies.values():
            proxy.add(Hear(planted), times=None)
        yield Stage(planted, home, options, proxies, seen, given, environment)


def write_files(home: Path, hosts: Mapping[str, str], passwords: Mapping[str, str], seen: Path) -> list[Path]:
    """The files that hold secrets because that is what they are for."""
    auth, docker, helper = home / "auth.json", home / "docker.json", home / "bin" / "docker-credential-spy"
    auth.write_text(json.dumps({hosts["file"]: {"username": "file", "password": passwords["file"], "insecure": True}}))
    pair = base64.b64encode(f"auths:{passwords['auths']}".encode()).decode()
    docker.write_text(json.dumps({"auths": {hosts["auths"]: {"auth": pair}}, "credHelpers": {hosts["helper"]: "spy"}}))
    helper.write_text(
        SPY.format(python=sys.executable, seen=str(seen), user="helper", secret=passwords["helper"]), encoding="utf-8"
    )
    helper.chmod(0o755)
    return [auth, docker, helper]


def test_nothing_shows_when_all_goes_well(stage: Stage) -> None:
    ended = stage.run("registry_image_sync")

    assert ended.code == 0, ended.text
    assert ended.result["summary"]["created"] == len(WAYS)
    assert stage.seen.read_text()
    described = stage.run("registry_image_info", **stage.info)
    assert described.code == 0, described.text
    stage.assert_nothing_shows(ended.text, described.text)


@pytest.mark.parametrize(
    ("where", "status"), [("sources", 403), ("destination", 500), ("writes", 403), ("writes", 500), ("tokens", 400)]
)
def test_nothing_shows_when_servers_say_all_they_know(stage: Stage, where: str, status: int) -> None:
    spoil(stage, where, Echo(stage.planted, status))
    ended = stage.run("registry_image_sync")
    assert ended.code, ended.text
    assert ended.result["error_codes"]
    stage.assert_nothing_shows(ended.text)


@pytest.mark.parametrize("status", [0, 403])
def test_nothing_shows_of_a_tag_that_is_set(stage: Stage, status: int) -> None:
    assert stage.run("registry_image_sync").code == 0
    rule = stage.options["images"][0]
    if status:
        stage.proxies["destination"].add(Echo(stage.planted, status), method="PUT", times=None)
    ended = stage.run("registry_image_tag", image=f"{rule['destination']}:other", from_tag="v1")
    assert bool(ended.code) == bool(status), ended.text
    stage.assert_nothing_shows(ended.text)


def test_nothing_shows_of_what_one_was_told(stage: Stage) -> None:
    """Also by a module that was told less, and what it was not told cannot keep back."""
    spoil(stage, "sources", Echo(None, 401))
    described = stage.run("registry_image_info", **stage.info)
    assert described.code
    stage.assert_nothing_shows(described.text)


@pytest.mark.parametrize("where", ["nowhere", "sources", "destination"])
def test_nothing_shows_of_what_other_places_hold(stage: Stage, where: str) -> None:
    """image-syncer's combined file, an identity token of docker login, and a proxy of the environment."""
    use_other_places(stage)
    if where != "nowhere":
        spoil(stage, where, Echo(stage.planted, 403))

    ended = stage.run("registry_image_sync")
    described = stage.run("registry_image_info", **stage.info)

    assert bool(ended.code) == (where != "nowhere"), ended.text
    assert [record for record in stage.proxies["forward"].records() if "proxy-authorization" in record.headers]
    assert stage.proxies["tokens"].counts()["POST", "other"]
    stage.assert_nothing_shows(ended.text, described.text)


def use_other_places(stage: Stage) -> None:
    docker, config = stage.home / "docker.json", stage.home / "config.json"
    hosts = {name: proxy.host for name, proxy in stage.proxies.items()}
    known = json.loads(docker.read_text())
    token = stage.options["registries"][-1].pop("identity_token")
    stage.options["registries"][-1].pop("username")
    pair = base64.b64encode(b"robot:").decode()
    known["auths"][hosts["destination"]] = {"auth": pair, "identitytoken": token}
    docker.write_text(json.dumps(known))
    rule = next(rule for rule in stage.options["images"] if hosts["file"] in rule["source"])
    stage.options["images"].remove(rule)
    auth = json.loads(Path(stage.options.pop("auth_file")).read_text())
    config.write_text(json.dumps({"auth": auth, "images": {rule["source"]: rule["destination"]}}))
    stage.options["config"] = str(config)
    stage.given.append(config)
    gate = quote(stage.planted.make("environment's proxy", "me"), safe="")
    stage.options["registries"][0].pop("proxy")
    stage.environment["HTTP_PROXY"] = f"http://me:{gate}@{hosts['forward']}"
    stage.environment["NO_PROXY"] = f"{hosts['destination']},{hosts['tokens']}"


def spoil(stage: Stage, where: str, echo: Echo) -> None:
    if where == "sources":
        for name in (*WAYS, "forward"):
            stage.proxies[name].add(echo, method="GET", target="/manifests/|/blobs/|/tags/", skip=1, times=None)
    elif where == "tokens":
        stage.proxies["tokens"].add(echo, times=None)
    else:
        method, target = ("PUT", "") if where == "writes" else (".*", "/v2/.")
        stage.proxies["destination"].add(echo, method=method, target=target, skip=1, times=None)


def test_nothing_shows_when_logins_and_proxies_are_wrong(stage: Stage) -> None:
    wrong = stage.planted.make("wrong password", "task")
    for entry in stage.options["registries"]:
        if "password" in entry:
            entry["password"] = wrong
        if "identity_token" in entry:
            entry["identity_token"] = stage.planted.make("wrong identity token")
    ended = stage.run("registry_image_sync")
    assert "bad_credentials" in ended.result["error_codes"], ended.text

    stage.options["registries"][0]["proxy"] = (
        f"http://me:{quote(stage.planted.make('other proxy'), safe='')}@127.0.0.1:1"
    )
    gone = stage.run("registry_image_sync")
    assert gone.code
    malformed = stage.run("registry_image_sync", registries=[{"registry": "a b", "password": wrong, "username": "x"}])
    assert malformed.result["error_codes"] == ["invalid_input"]
    bad_proxy = {**stage.options["registries"][0], "proxy": f"ftp://me:{quote(wrong, safe='')}@127.0.0.1"}
    assert stage.run("registry_image_sync", registries=[bad_proxy]).result["error_codes"] == ["invalid_input"]
    stage.assert_nothing_shows(ended.text, gone.text, malformed.text)


def test_nothing_shows_in_what_ansible_says(stage: Stage, tmp_path: Path) -> None:
    """A playbook with -vvvv, and what Ansible keeps of the module while it runs."""
    if not CAN_PLAY:
        pytest.skip("this Python is one of managed hosts only")
    stage.proxies["destination"].add(Echo(stage.planted, 403), method="PUT", target="/auths/manifests/", times=None)
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {"imageops.registry.registry_image_sync": "{{ sync }}", "ignore_errors": True, "diff": True},
                {"imageops.registry.registry_image_info": "{{ info }}"},
            ],
        }
    ]
    info = {**{name: stage.options[name] for name in ("registries", "docker_config")}, **stage.info}
    (stage.home / "play.yml").write_text(json.dumps(play), encoding="utf-8")
    secrets = stage.home / "variables.json"
    secrets.write_text(json.dumps({"sync": stage.options, "info": info}), encoding="utf-8")
    stage.given.append(secrets)

    done = subprocess.run(
        [
            str(PROGRAM),
            "-vvvv",
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            f"@{secrets}",
            "-e",
            f"ansible_python_interpreter={sys.executable}",
            str(stage.home / "play.yml"),
        ],
        env={
            **os.environ,
            **stage.environment,
            "HOME": str(stage.home),
            "ANSIBLE_COLLECTIONS_PATH": str(TREE),
            "ANSIBLE_HOME": str(stage.home / ".ansible"),
            "ANSIBLE_LOG_PATH": str(stage.home / "ansible.log"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
        },
        cwd=stage.home,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "ok=2" in done.stdout and "ignored=1" in done.stdout, done.stdout + done.stderr
    assert "push_denied" in done.stdout
    stage.assert_nothing_shows(done.stdout, done.stderr)
