# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens and logins that have ended, where a registry says so by a 400 or 403 in place of a 401."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import Access
from ansible_collections.imageops.registry.plugins.module_utils._oci.registry.registry import Registry
from support.clients.collection_client import QUICK, Opener, blob_descriptor
from support.scenes import images
from support.servers.scripted_registry import Reply, Request, ScriptedRegistry, refusal, scripted_registry
from support.servers.token_gate import PASSWORD, USER, TokenGate, basic, token_gate

SAID = {
    "403": refusal(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again."),
    "400": refusal(400, "UNKNOWN", "token is expired by 5m0s"),
    "code": refusal(403, "TOKEN_EXPIRED", "no"),
    "plain": Reply(403, b"jwt expired"),
    "oauth": Reply(403, b"", {"WWW-Authenticate": 'Bearer error="invalid_token"'}),
}
OTHERS = {
    "403": refusal(403, "DENIED", "requested access to the resource is denied"),
    "400": refusal(400, "MANIFEST_INVALID", "the signature's certificate expired"),
}


class Helper:
    """A program that gives the passwords in turn; the last one stays."""

    def __init__(self, *passwords: str) -> None:
        self.passwords = list(passwords)
        self.refusals: list[str] = []

    def get(self, registry: str, repository: str) -> Credential:
        return Credential(USER, self.passwords[0])

    def refused(self, registry: str, credential: Credential) -> None:
        self.refusals.append(credential.password)
        if len(self.passwords) > 1 and credential.password == self.passwords[0]:
            del self.passwords[0]


def connect(host: str, helper: Helper) -> Registry:
    return Registry(host, access=Access(host, plain_http=True), credentials=helper, run=Run(settings=QUICK))


@pytest.fixture
def gate() -> Iterator[TokenGate]:
    with token_gate() as made:
        made.registry.push("app", images.image("app"), "1")
        yield made


@pytest.mark.parametrize("said", SAID)
def test_a_token_that_has_ended_is_renewed_once(gate: TokenGate, said: str) -> None:
    with connect(gate.registry.host, Helper(PASSWORD)) as registry:
        repository = registry.repository("app")
        manifest = repository.manifest("1")
        gate.deny = lambda request: SAID[said] if request.headers["Authorization"].endswith("token0") else None
        assert repository.manifest("1").digest == manifest.digest
    assert len(gate.asked) == 2


def test_an_upload_whose_token_has_ended_begins_anew(gate: TokenGate) -> None:
    blob = images.random_blob("ended", 1000)
    with connect(gate.registry.host, Helper(PASSWORD)) as registry:
        repository = registry.repository("app")
        upload = repository.mount_blob(blob_descriptor(blob))
        gate.deny = lambda request: SAID["403"] if request.headers["Authorization"].endswith("token0") else None
        repository.put_blob(blob_descriptor(blob), Opener(blob.data), upload)
    assert blob.digest in gate.registry.repository("app").blobs


@pytest.mark.parametrize("said", SAID)
def test_a_login_that_has_ended_is_said_to_have(gate: TokenGate, said: str) -> None:
    helper = Helper(PASSWORD)
    with connect(gate.registry.host, helper) as registry:
        gate.deny = lambda request: SAID[said]
        for _image in range(3):
            with pytest.raises(RegistryError) as caught:
                registry.repository("app").manifest("1")
            assert (caught.value.code, caught.value.transient) == ("bad_credentials", False)
            assert "has ended" in caught.value.cause
    assert len(gate.asked) == 1
    assert helper.refusals


def test_a_helper_is_asked_again(gate: TokenGate) -> None:
    helper = Helper("the first one", PASSWORD)
    gate.login = None
    gate.deny = lambda request: SAID["403"] if gate.asked[-1].authorization == basic(USER, "the first one") else None
    with connect(gate.registry.host, helper) as registry:
        assert registry.repository("app").manifest("1")
    assert helper.refusals == ["the first one"]


PASSWORDS = [f"password number {number}" for number in range(10)]


def test_a_login_that_replaced_one_is_not_replaced_itself(gate: TokenGate) -> None:
    helper = Helper(*PASSWORDS)
    gate.login = None
    gate.deny = lambda request: SAID["403"]
    with connect(gate.registry.host, helper) as registry:
        for _image in range(3):
            with pytest.raises(RegistryError, match="has ended") as caught:
                registry.repository("app").manifest("1")
            assert caught.value.code == "bad_credentials"
    assert helper.refusals == PASSWORDS[:1]
    assert len(gate.asked) == 2


@pytest.mark.parametrize("said", OTHERS)
def test_other_refusals_are_what_they_were(gate: TokenGate, said: str) -> None:
    with connect(gate.registry.host, Helper(PASSWORD)) as registry:
        gate.deny = lambda request: OTHERS[said]
        with pytest.raises(RegistryError) as caught:
            registry.repository("app").manifest("1")
    assert caught.value.code != "bad_credentials"
    assert len(gate.asked) == 1


# Basic authentication: ECR's passwords last for twelve hours


class BasicGate:
    """Wants a login of every request, and says 403 of one that has ended.

    :ivar good: the password that is taken
    """

    def __init__(self, registry: ScriptedRegistry, said: Reply) -> None:
        self.good = PASSWORD
        self.said = said
        self.registry = registry

    def answer(self, request: Request) -> Reply | None:
        header = request.headers.get("Authorization")
        if header is None:
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="ecr"'})
        return None if header == basic(USER, self.good) else self.said


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("renewed", [True, False])
def test_a_basic_login_that_has_ended(said: str, renewed: bool) -> None:
    helper = Helper(PASSWORD, *(["another one"] if renewed else []))
    with scripted_registry() as made, connect(made.host, helper) as registry:
        gate = BasicGate(made, SAID[said])
        made.answer = gate.answer
        made.push("app", images.image("app"), "1")
        assert registry.repository("app").manifest("1")
        gate.good = "another one"
        if renewed:
            assert registry.repository("app").manifest("1")
        else:
            with pytest.raises(RegistryError, match="has ended") as caught:
                registry.repository("app").manifest("1")
            assert caught.value.code == "bad_credentials"
            refused = [request for request in made.requests if request.status in (400, 403)]
            assert len(refused) == 1


def test_a_basic_login_that_replaced_one_is_not_replaced_itself() -> None:
    helper = Helper(*PASSWORDS)
    with scripted_registry() as made, connect(made.host, helper) as registry:
        made.answer = BasicGate(made, SAID["403"]).answer
        for _image in range(3):
            with pytest.raises(RegistryError, match="has ended"):
                registry.repository("app").manifest("1")
        assert helper.refusals == PASSWORDS[:1]
        assert len([request for request in made.requests if request.status == 403]) == 2
