# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further situations that people report of logins, storages and connections, each with the thread that tells of it."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from support.clients.endpoint import Endpoint
from support.scenes import images
from support.scenes.runs import Run, only
from support.servers.http_server import Handler, Server, serving
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, refusal, scripted_registry
from support.servers.token_gate import PASSWORD, USER, basic, token_gate

APP = images.image("app", layers=[images.random_blob(number, 30_000) for number in range(3)])
NOW = 1_900_000_000.0


def dated(seconds: float) -> str:
    return formatdate(NOW + seconds, usegmt=True)


@pytest.mark.parametrize(("behind", "goes_on"), [(1, True), (3600, False)])
def test_a_clock_that_is_behind_that_of_the_token_server(behind: int, goes_on: bool) -> None:
    """docker/hub-feedback#647, goharbor/harbor#15911: a token is refused in the second before it was given."""
    with token_gate() as gate, scripted_registry() as target:
        gate.registry.push("app", APP, "1")
        refused: list[Request] = []

        def too_early(request: Request) -> Reply | None:
            if refused:
                return None
            refused.append(request)
            challenge = gate.challenge("app", "pull")
            return Reply(401, challenge.body, {**challenge.headers, "Date": dated(-behind)})

        def answer(request: Request) -> Reply | None:
            found = gate.answer(request)
            if found is not None and request.path.startswith("/token"):
                return Reply(found.status, found.body, {**found.headers, "Date": dated(0)})
            return found

        gate.deny, gate.registry.answer = too_early, answer
        run = Run([gate.endpoint, target.endpoint])
        found = only(run.sync({"source": f"{gate.registry.host}/app:1", "destination": f"{target.host}/app"}))
    assert found.status == ("done" if goes_on else "failed")
    assert len(gate.asked) == 1


def challenging_at_v2_alone(request: Request) -> Reply | None:
    """Anybody may read something, so that what only some may read is said not to be there."""
    if request.headers.get("Authorization") == basic(USER, PASSWORD):
        return None
    if request.path == "/v2/":
        return Reply(401, headers={"WWW-Authenticate": 'Basic realm="Sonatype Nexus Repository Manager"'})
    return refusal(404, "MANIFEST_UNKNOWN", "the manifest is not known to the registry")


def challenging_nowhere(request: Request) -> Reply | None:
    return None if request.headers.get("Authorization") else Reply(401, b"Unauthorized")


def negotiating(request: Request) -> Reply | None:
    return Reply(401, headers={"WWW-Authenticate": "Negotiate"})


def synced(source: ScriptedRegistry, *, login: bool = True) -> object:
    source.push("app", APP, "1")
    with scripted_registry() as target:
        endpoint = Endpoint(source.host, None, USER, PASSWORD) if login else source.endpoint
        return only(
            Run([endpoint, target.endpoint]).sync(
                {"source": f"{source.host}/app:1", "destination": f"{target.host}/app"}, retries=0
            )
        )


def test_a_registry_that_says_how_it_wants_a_login_at_v2_alone() -> None:
    """sonatype/nexus-public#217"""
    with scripted_registry(challenging_at_v2_alone) as source:
        assert synced(source).status == "done"
    assert sum(request.path == "/v2/" for request in source.requests) == 1


def test_without_a_login_it_is_not_asked_how_it_wants_one() -> None:
    """sonatype/nexus-public#217"""
    with scripted_registry(challenging_at_v2_alone) as source:
        found = synced(source, login=False)
    assert found.error.code == "tag_not_found"
    assert not any(request.path == "/v2/" for request in source.requests)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(challenging_nowhere, "and does not say how"), (negotiating, 'only in a way that is not supported: "Negotiate"')],
)
def test_a_login_that_cannot_be_given_is_said_to_be_so(answer: object, said: str) -> None:
    """moby/moby#18569"""
    with scripted_registry(answer) as source:  # type: ignore[arg-type]
        error = synced(source).error
    assert error.code == "pull_denied"
    assert said in error.cause


def test_reading_is_free_and_writing_wants_a_login() -> None:
    """moby/moby#18569"""

    def answer(request: Request) -> Reply | None:
        if request.method in ("GET", "HEAD") or request.headers.get("Authorization") == basic(USER, PASSWORD):
            return None
        return Reply(401, headers={"WWW-Authenticate": 'Basic realm="Restricted"'})

    with scripted_registry() as source, scripted_registry(answer) as target:
        source.push("app", APP, "1")
        run = Run([source.endpoint, Endpoint(target.host, None, USER, PASSWORD)])
        found = only(run.sync({"source": f"{source.host}/app:1", "destination": f"{target.host}/app"}))
    assert found.status == "done"


@pytest.mark.parametrize("refused", ["push", "pull"])
def test_an_access_token_that_may_do_less_is_no_wrong_password(refused: str) -> None:
    """spinalcordtoolbox/spinalcordtoolbox#5286: Docker Hub says 401 to the scope, and the login is good."""
    said = Reply(401, b'{"details":"access token has insufficient scopes"}', {"Content-Type": "application/json"})
    with scripted_registry() as source, token_gate() as gate:
        source.push("app", APP, "1")
        gate.refuse = lambda path, scope: said if refused in scope else None
        run = Run([source.endpoint, gate.endpoint])
        found = only(run.sync({"source": f"{source.host}/app:1", "destination": f"{gate.registry.host}/app"}))
    assert found.error is not None
    assert found.error.code == "push_denied"
    assert "insufficient scopes" in str(found.error)


def test_a_storage_is_shown_no_token_and_its_query_arrives_as_it_is() -> None:
    """containerd/containerd#10374"""
    query = "X-Amz-Credential=A%2F2026%2fs3&X-Amz-Signature=a+b%2Bc%20d&k=~'()*!&e="

    with token_gate() as gate, scripted_registry() as target:
        gate.registry.push("app", APP, "1")
        blobs = gate.registry.repository("app").blobs

        class Storage(Handler):
            def do_GET(self) -> None:
                path, _mark, asked = self.path.partition("?")
                if "Authorization" in self.headers or asked != query:
                    self.send(400, b"<Error><Code>InvalidArgument</Code></Error>")
                else:
                    self.send(200, blobs["sha256:" + path.rpartition("/")[2]])

        with serving(Server(Storage)) as storage:

            def answer(request: Request) -> Reply | None:
                found = gate.answer(request)
                if found is None and request.kind == "blob":
                    encoded = request.path.rpartition(":")[2]
                    return Reply(307, headers={"Location": f"http://{storage.host}/bucket/{encoded}?{query}"})
                return found

            gate.registry.answer = answer
            run = Run([gate.endpoint, target.endpoint])
            found = only(run.sync({"source": f"{gate.registry.host}/app:1", "destination": f"{target.host}/app"}))
    assert found.status == "done"


def test_a_mount_that_wants_a_login_of_its_own_is_an_upload() -> None:
    """google/go-containerregistry#1393: Harbor says 401 of a project that is not there."""
    with scripted_registry() as registry:
        registry.push("other/app", APP, "1")
        registry.answer = lambda request: (
            refusal(401, "UNAUTHORIZED", "project other not found")
            if request.query.get("from", "").startswith("other/")
            else None
        )
        found = only(
            Run([registry.endpoint]).sync(
                {"source": f"{registry.host}/other/app:1", "destination": f"{registry.host}/m/app"}
            )
        )
    assert found.status == "done"
    assert found.blobs_copied == len(APP.blobs)


def test_a_body_after_a_head_does_not_spoil_the_next_answer() -> None:
    """GoogleContainerTools/kaniko#1413"""
    kept = {"1": APP.manifest, APP.digest: APP.manifest, **{blob.digest: blob.data for blob in APP.blobs}}

    class Talkative(Handler):
        def do_GET(self) -> None:
            data = kept.get(self.path.rpartition("/")[2])
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            if data and "/manifests/" in self.path:
                self.send_header("Docker-Content-Digest", APP.digest)
                self.send_header("Content-Type", APP.media_type)
            self.end_headers()
            self.wfile.write(data or b"")
            self.wfile.flush()

        do_HEAD = do_GET  # with its body

    with serving(Server(Talkative)) as source, scripted_registry() as target:
        run = Run([Endpoint(source.host), target.endpoint])
        found = only(run.sync({"source": f"{source.host}/app:1", "destination": f"{target.host}/app"}))
    assert found.status == "done"


def test_a_page_of_a_login_names_the_host_that_sent_it() -> None:
    """containers/podman.io_old#135: what stands before a registry leads to where people log in."""
    page = Reply(200, b"<!DOCTYPE html><title>Log in</title>", {"Content-Type": "text/html"})
    with scripted_registry(lambda request: page) as login:
        led = Reply(302, headers={"Location": f"{login.endpoint.url}/login?next=x"})
        with scripted_registry(lambda request: led) as source:
            error = synced(source).error
    assert error.code == "protocol_error"
    assert f"{login.host} sent a web page in its place: Log in" in error.cause
