# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization for many threads: learnt once, renewed in time, a refused login not tried again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.authorization.authenticator import (
    Authenticator,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.authorization.logins import Login
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.authorization.token_cache import (
    Authorization,
    Need,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.call import Call
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run, unmasked
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.transport import Answer, Stats

REGISTRY = "registry.example.com"
BEARER = 'Bearer realm="https://auth.example.com/token",service="registry"'
PULL = ("repository:a:pull",)
PUSH = ("repository:a:pull,push",)


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    raw: Any = SimpleNamespace(status=status, headers=dict(headers or {}), length=None, close=lambda: None)
    made = Answer(raw, url="", foreign=False, stats=Stats())
    made.body = body
    return made


def challenge(header: str = BEARER) -> Answer:
    return answer(401, headers={"WWW-Authenticate": header})


class Provider:
    """Gives the credentials in turn; the last one stays."""

    def __init__(self, *credentials: Credential | None) -> None:
        self.credentials = list(credentials)
        self.asked: list[str] = []
        self.refusals: list[Credential] = []

    def get(self, registry: str, repository: str) -> Credential | None:
        assert registry == REGISTRY
        self.asked.append(repository)
        return self.credentials.pop(0) if len(self.credentials) > 1 else self.credentials[0]

    def refused(self, registry: str, credential: Credential) -> None:
        self.refusals.append(credential)


class TokenServer:
    """Hands out numbered tokens to whom ``good`` names, and remembers who asked."""

    def __init__(self, good: Callable[[Call], bool] = lambda request: True, life: int = 300) -> None:
        self.good = good
        self.life = life
        self.requests: list[Call] = []
        self.refusal = 401
        self._lock = threading.Lock()

    def __call__(self, request: Call) -> Answer:
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        if not self.good(request):
            return answer(self.refusal, b'{"details":"incorrect username or password"}')
        return answer(200, json.dumps({"token": f"t{number}", "expires_in": self.life}).encode())


def authenticator(
    server: TokenServer,
    *credentials: Credential | None,
    base: str = f"https://{REGISTRY}",
    secrets: list[str] | None = None,
) -> Authenticator:
    return Authenticator(
        REGISTRY,
        Run(on_secret=(secrets if secrets is not None else []).append),
        base=lambda: base,
        credentials=Provider(*(credentials or (Credential("user", "password"),))),
        ask=server,
    )


def send(
    auth: Authenticator,
    registry: Callable[[str | None], Answer],
    scopes: tuple[str, ...] = PULL,
    repository: str = "a",
    **options: bool,
) -> list[str | None]:
    """Send a request the way the client does; gives the Authorization headers that it took."""
    headers: list[str | None] = []

    def exchange(header: str | None) -> Answer:
        headers.append(header)
        return registry(header)

    auth.send(Need(scopes, repository, **options), exchange)
    return headers


def accepts(*tokens: str) -> Callable[[str | None], Answer]:
    return lambda header: answer(200) if header in [f"Bearer {token}" for token in tokens] else challenge()


def anything(header: str | None) -> Answer:
    return answer(200) if header else challenge()


def test_a_registry_without_a_login_is_asked_for_none() -> None:
    server = TokenServer()
    auth = authenticator(server)
    assert send(auth, lambda header: answer(200)) == [None]
    assert send(auth, lambda header: answer(404)) == [None]
    assert not server.requests


def test_after_the_first_challenge_tokens_are_fetched_before_they_are_needed() -> None:
    server = TokenServer()
    auth = authenticator(server)
    assert send(auth, anything) == [None, "Bearer t1"]
    assert send(auth, anything) == ["Bearer t1"]
    assert send(auth, anything, ("repository:b:pull",), "b") == ["Bearer t2"]
    assert [request.authorization for request in server.requests] == ["Basic dXNlcjpwYXNzd29yZA=="] * 2


def test_a_token_to_push_serves_to_pull_but_not_the_other_way() -> None:
    server = TokenServer()
    auth = authenticator(server)
    assert send(auth, anything, PUSH) == [None, "Bearer t1"]
    assert send(auth, anything, PULL) == ["Bearer t1"]
    assert send(auth, anything, ("repository:c:pull",), "c") == ["Bearer t2"]
    assert send(auth, anything, ("repository:c:pull,push",), "c") == ["Bearer t3"]


def test_a_token_to_push_does_not_mount_from_elsewhere() -> None:
    server = TokenServer()
    auth = authenticator(server)
    both = (*PUSH, "repository:b:pull")
    assert send(auth, anything, PUSH) == [None, "Bearer t1"]
    assert send(auth, anything, both) == ["Bearer t2"]
    assert send(auth, anything, both) == ["Bearer t2"]
    assert server.requests[1].path.endswith("scope=repository:a:pull,push&scope=repository:b:pull")


def test_one_request_finds_out_while_the_others_wait() -> None:
    server = TokenServer()
    auth = authenticator(server)
    seen: list[str | None] = []
    first_in, let_go = threading.Event(), threading.Event()

    def registry(header: str | None) -> Answer:
        seen.append(header)
        if header is None:
            first_in.set()
            let_go.wait(10)
        return anything(header)

    with ThreadPoolExecutor(8) as threads:
        work = [threads.submit(send, auth, registry) for _ in range(8)]
        assert first_in.wait(10)
        let_go.set()
        for each in work:
            each.result(10)
    assert seen == [None, *["Bearer t1"] * 8]
    assert len(server.requests) == 1


def test_a_first_request_that_fails_does_not_hold_up_the_others() -> None:
    auth = authenticator(TokenServer())

    def broken(header: str | None) -> Answer:
        raise OSError

    with pytest.raises(OSError):
        send(auth, broken)
    entered = threading.Barrier(2, timeout=10)

    def registry(header: str | None) -> Answer:
        entered.wait()
        return answer(200)

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(send, auth, registry) for _ in range(2)]:
            assert each.result(10) == [None]


def test_a_refused_token_is_renewed_once() -> None:
    server = TokenServer()
    auth = authenticator(server)
    assert send(auth, accepts("t1")) == [None, "Bearer t1"]
    assert send(auth, accepts("t2")) == ["Bearer t1", "Bearer t2"]
    assert send(auth, accepts("none")) == ["Bearer t2", "Bearer t3"]
    assert len(server.requests) == 3


def test_a_token_that_another_thread_renewed_is_used() -> None:
    server = TokenServer()
    auth = authenticator(server)
    send(auth, anything)
    quick: list[str | None] = []

    def slow(header: str | None) -> Answer:
        if header == "Bearer t1":  # while this one is on its way another is refused, and renews the token
            quick.extend(send(auth, accepts("t2")))
        return accepts("t2")(header)

    assert send(auth, slow) == ["Bearer t1", "Bearer t2"]
    assert quick == ["Bearer t1", "Bearer t2"]
    assert len(server.requests) == 2


def test_tokens_near_their_end_are_renewed_and_earlier_before_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    server = TokenServer(life=300)
    auth = authenticator(server)
    send(auth, anything, PUSH)
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 250)
    assert send(auth, anything, PUSH) == ["Bearer t1"]
    assert send(auth, anything, PUSH, long_body=True) == ["Bearer t2"]
    monkeypatch.setattr(time, "monotonic", lambda: began + 250 + 280)
    assert send(auth, anything, PUSH) == ["Bearer t3"]


def test_one_wrong_password_and_a_thousand_images_make_one_failed_login() -> None:
    server = TokenServer(good=lambda request: False)
    auth = authenticator(server)

    def one(number: int) -> str:
        with pytest.raises(RegistryError) as caught:
            send(auth, anything, (f"repository:r{number}:pull",), f"r{number}")
        return caught.value.code

    with ThreadPoolExecutor(20) as threads:
        codes = set(threads.map(one, range(1000)))
    assert codes == {"bad_credentials"}
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_says_what_the_server_said(status: int) -> None:
    server = TokenServer(good=lambda request: False)
    server.refusal = status
    with pytest.raises(RegistryError) as caught:
        send(authenticator(server), anything)
    assert (caught.value.code, caught.value.status, caught.value.transient) == ("bad_credentials", status, False)
    assert "incorrect username" in str(caught.value)
    assert "password" not in caught.value.subject


def test_who_is_known_may_still_be_refused_one_repository() -> None:
    server = TokenServer(good=lambda request: "secret" not in request.path)
    auth = authenticator(server)
    send(auth, anything)
    for scope, code in (("repository:secret:pull", "pull_denied"), ("repository:secret:pull,push", "push_denied")):
        with pytest.raises(RegistryError) as caught:
            send(auth, anything, (scope,), "secret")
        assert caught.value.code == code
    # One more token was asked for, without any scope, to see that it is not the login itself that is refused.
    assert send(auth, anything, ("repository:b:pull",), "b") == ["Bearer t5"]
    assert sum("scope" not in request.path for request in server.requests) == 1


def test_a_login_that_ends_on_the_way_is_not_taken_for_a_missing_right() -> None:
    server = TokenServer()
    auth = authenticator(server)
    send(auth, anything)
    server.good = lambda request: False
    for number in range(3):
        with pytest.raises(RegistryError) as caught:
            send(auth, anything, (f"repository:b{number}:pull,push",), f"b{number}")
        assert (caught.value.code, caught.value.status) == ("bad_credentials", 401)
        assert "is not accepted any more" in caught.value.cause
    assert len(server.requests) == 3


def test_a_right_may_be_missing_for_who_waited_until_the_login_was_proven() -> None:
    login = Login(REGISTRY, proven=False)
    with login.lock:
        login.proven = True  # by the one before
        login.judge(answer(401), "a", unmasked, works=lambda: True)
        assert login.proven


def test_a_login_that_ends_on_the_way_is_renewed() -> None:
    server = TokenServer()
    provider = Provider(Credential("user", "old"), Credential("user", "new"))
    auth = Authenticator(REGISTRY, Run(), base=lambda: f"https://{REGISTRY}", credentials=provider, ask=server)
    send(auth, anything)
    server.good = lambda request: request.authorization == "Basic dXNlcjpuZXc="
    assert send(auth, anything, PUSH) == ["Bearer t4"]
    assert provider.refusals == [Credential("user", "old")]


def test_a_renewed_password_is_tried_once() -> None:
    server = TokenServer(good=lambda request: request.authorization == "Basic dXNlcjpuZXc=")
    auth = authenticator(server, Credential("user", "old"), Credential("user", "new"))
    assert send(auth, anything) == [None, "Bearer t2"]
    assert send(auth, anything, ("repository:b:pull",), "b") == ["Bearer t3"]


def test_a_credential_is_asked_for_again_before_it_ends() -> None:
    ending = Credential("user", "ending", expires_at=time.time() + 30)
    lasting = Credential("user", "lasting", expires_at=time.time() + 3000)
    provider = Provider(ending, lasting)
    server = TokenServer()
    auth = Authenticator(REGISTRY, Run(), base=lambda: "https://r", credentials=provider, ask=server)
    send(auth, anything, PULL)
    asked = len(provider.asked)
    send(auth, anything, PUSH)
    assert asked == 1
    assert len(provider.asked) == 2
    assert server.requests[0].authorization != server.requests[1].authorization
    send(auth, accepts("t3"), PUSH)
    assert len(provider.asked) == 2


def test_nobody_gets_an_anonymous_token() -> None:
    server = TokenServer()
    auth = authenticator(server, None)
    assert send(auth, anything) == [None, "Bearer t1"]
    assert server.requests[0].authorization is None
    assert auth.is_anonymous("a")


def test_nobody_refused_by_the_token_server_is_asked_for_credentials() -> None:
    server = TokenServer(good=lambda request: False)
    auth = authenticator(server, Credential())
    for _ in range(2):
        with pytest.raises(RegistryError) as caught:
            send(auth, anything)
        assert caught.value.code == "no_credentials"


def test_basic_is_sent_only_once_it_is_asked_for() -> None:
    secrets: list[str] = []
    auth = authenticator(TokenServer(), secrets=secrets)
    header = "Basic dXNlcjpwYXNzd29yZA=="
    registry = lambda sent: answer(200) if sent == header else challenge('Basic realm="r"')  # noqa: E731
    assert send(auth, registry) == [None, header]
    assert send(auth, registry, ("repository:b:pull",), "b") == [header]
    assert "dXNlcjpwYXNzd29yZA==" in secrets


def test_one_wrong_basic_password_makes_one_failed_login() -> None:
    auth = authenticator(TokenServer())
    seen: list[str | None] = []

    def registry(header: str | None) -> Answer:
        seen.append(header)
        return challenge('Basic realm="r"')

    def one(number: int) -> str:
        with pytest.raises(RegistryError) as caught:
            send(auth, registry, (), f"r{number}")
        return caught.value.code

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(one, range(200))) == {"bad_credentials"}
    assert len([header for header in seen if header]) == 1


def test_a_good_basic_login_refused_one_repository_goes_on() -> None:
    auth = authenticator(TokenServer())
    registry = lambda header: answer(200) if header else challenge('Basic realm="r"')  # noqa: E731
    send(auth, registry)
    refused: list[str | None] = send(auth, lambda header: challenge('Basic realm="r"'), (), "b")
    assert len(refused) == 1
    assert send(auth, registry, (), "c")[0] is not None


def test_nobody_asked_for_a_password_is_not_asked_twice() -> None:
    auth = authenticator(TokenServer(), None)
    assert send(auth, lambda header: challenge('Basic realm="r"')) == [None]


def test_bearer_is_preferred() -> None:
    server = TokenServer()
    registry = lambda header: answer(200) if header else challenge(f'Basic realm="r", {BEARER}')  # noqa: E731
    assert send(authenticator(server), registry) == [None, "Bearer t1"]


def test_an_unknown_challenge_is_a_refusal() -> None:
    assert send(authenticator(TokenServer()), lambda header: challenge("Negotiate")) == [None]
    assert send(authenticator(TokenServer()), lambda header: answer(401)) == [None]


@pytest.mark.parametrize(
    ("header", "scope"),
    [
        (f'{BEARER},scope="repository:a:pull,push,delete"', ["repository:a:pull", "repository:a:pull,push,delete"]),
        (f'{BEARER},scope="repository:a:pull"', None),
        ('Bearer realm="https://auth.example.com/token",scope="read"', None),
    ],
)
def test_a_scope_that_the_registry_wants_besides_is_asked_for_once(header: str, scope: list[str] | None) -> None:
    server = TokenServer()
    auth = authenticator(server)
    sent = send(auth, lambda _header: challenge(header))
    assert len(sent) == (3 if scope else 2)
    if scope:
        assert server.requests[-1].path.split("scope=")[1:] == [
            f"{scope[0]}&",
            scope[1],
        ]


@pytest.mark.parametrize(
    "realm",
    ["http://auth.example.com/token", "https://169.254.169.254/token", "https://u:p@auth.example.com/", "token"],
)
def test_a_realm_that_must_not_see_a_password(realm: str) -> None:
    server = TokenServer()
    with pytest.raises(RegistryError) as caught:
        send(authenticator(server), lambda header: challenge(f'Bearer realm="{realm}",service="s"'))
    assert caught.value.code == "protocol_error"
    assert not server.requests


def test_an_http_realm_of_an_http_registry_is_its_own_affair() -> None:
    server = TokenServer()
    auth = authenticator(server, base=f"http://{REGISTRY}")
    assert (
        send(auth, lambda h: answer(200) if h else challenge('Bearer realm="http://auth.example.com/t"'))[-1]
        == "Bearer t1"
    )


def test_a_registry_token_is_sent_as_it_is() -> None:
    server = TokenServer()
    auth = authenticator(server, Credential(registry_token="given"))
    assert send(auth, accepts("given")) == [None, "Bearer given"]
    assert not server.requests


def test_an_answer_without_a_token_is_an_error() -> None:
    auth = Authenticator(
        REGISTRY,
        Run(),
        base=lambda: "https://r",
        credentials=Provider(None),
        ask=lambda request: answer(200, b"<html>"),
    )
    with pytest.raises(RegistryError, match="no token"):
        send(auth, anything)


def test_authorizations_show_no_secret() -> None:
    assert "s3cret" not in repr(Authorization("Bearer s3cret"))
