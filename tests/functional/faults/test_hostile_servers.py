# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that mean ill: each attack ends in an error of ours, in limited time and memory, and the others go on."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.images import OCI_MANIFEST
from support.scenes.modules import Ended, module, registry_option
from support.scenes.runs import Run, only
from support.servers.hostile import (
    ABSENT,
    Pages,
    Repository,
    Said,
    a_gibibyte,
    blob,
    cycle,
    digest,
    endless,
    gzipped_bomb,
    hostile_server,
    index,
    listing_v1,
    manifest,
    nested,
    only_list,
    with_manifest,
)
from support.servers.shared import Servers
from support.servers.synthetic import MIB

MEMORY = 640 * MIB
SECONDS = 120
DEEP = b"[" * 1_000_000
HEADERS = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": "sha256:" + "0" * 64}
BLOB = b"x" * 1000
CONFIG = b'{"os":"linux","architecture":"amd64"}'


def descriptor(body: bytes, number: int = 1) -> dict[str, Any]:
    return {**blob(number), "digest": digest(body), "size": len(body)}


def drip(body: bytes) -> Iterator[bytes]:
    for byte in itertools.cycle(body):
        time.sleep(0.05)
        yield bytes([byte])


def of(**changes: Any) -> Repository:
    return with_manifest(manifest(**changes))


def layer(**changes: Any) -> Repository:
    return of(layers=[blob(1, **changes)])


def reading(said: Callable[[], Said]) -> Repository:
    """An image whose layer is answered so."""
    whole = with_manifest(
        manifest(config=descriptor(CONFIG, 0), layers=[descriptor(BLOB)]), blobs={digest(CONFIG): CONFIG}
    )
    return lambda path: said() if digest(BLOB) in path and path.startswith("blobs/") else whole(path)


ATTACKS: dict[str, tuple[Repository, str]] = {
    # Lists
    "endless-pages": (Pages(10_000), "too_large"),
    "endless-pages-of-long-tags": (Pages(5_000, length=128), "too_large"),
    "endless-pages-of-the-same": (Pages(10, fresh=False), "tag_not_found"),
    "a-list-that-names-itself-next": (
        only_list(lambda: Said(200, b'{"tags":["v1"]}', {"Link": '<?n=1>; rel="next"'})),
        "tag_not_found",
    ),
    "an-endless-list": (only_list(lambda: Said(200, endless())), "too_large"),
    "a-list-of-a-gibibyte": (
        only_list(lambda: Said(200, a_gibibyte(), {"Content-Length": str(2**30)})),
        "too_large",
    ),
    "a-deep-list": (only_list(lambda: Said(200, DEEP)), "protocol_error"),
    "a-list-deep-in-a-key": (only_list(lambda: Said(200, b'{"tags":' + DEEP)), "protocol_error"),
    "a-list-of-numbers": (only_list(lambda: Said(200, b'{"tags":[1,null,{"a":2}]}')), "repository_not_found"),
    "a-list-that-is-none": (only_list(lambda: Said(200, b'{"tags":"v1"}')), "protocol_error"),
    "a-list-in-bad-utf-8": (only_list(lambda: Said(200, b'{"tags":["\xff\xfe"]}')), "protocol_error"),
    "a-list-of-tricks": (
        only_list(
            lambda: Said(
                200,
                json.dumps(
                    {
                        "tags": [
                            "../../etc",
                            "a b",
                            "v1\r\nX-Evil: 1",
                            "v1?x",
                            "v1#x",
                            "%2e%2e",
                            "-v",
                            "ü",
                            "",
                            "a" * 129,
                        ]
                    }
                ).encode(),
            )
        ),
        "repository_not_found",
    ),
    "a-bomb": (only_list(lambda: Said(200, gzipped_bomb(), {"Content-Encoding": "gzip"})), "protocol_error"),
    "redirects-in-a-circle": (
        only_list(lambda: Said(302, b"", {"Location": "/v2/redirects-in-a-circle/tags/list"})),
        "protocol_error",
    ),
    "a-redirect-to-a-file": (only_list(lambda: Said(302, b"", {"Location": "file:///etc/passwd"})), "protocol_error"),
    "a-redirect-to-nowhere": (only_list(lambda: Said(302)), "protocol_error"),
    "an-endless-error": (only_list(lambda: Said(403, endless())), "pull_denied"),
    "a-deep-error": (only_list(lambda: Said(403, DEEP)), "pull_denied"),
    "an-error-of-questions": (  # in which a regular expression could drown
        only_list(
            lambda: Said(
                403,
                json.dumps({"errors": [{"code": "DENIED", "message": "a?" * 30_000}]}).encode(),
                {"Warning": '299 - "' + "a?" * 30_000 + '"'},
            )
        ),
        "pull_denied",
    ),
    "an-error-of-many": (
        only_list(lambda: Said(403, json.dumps({"errors": [{"code": "A" * 1000}] * 60}).encode())),
        "pull_denied",
    ),
    "a-header-without-end": (only_list(lambda: Said(200, b"{}", {"X-Long": "a" * 200_000})), "connection_failed"),
    "headers-without-end": (
        only_list(lambda: Said(200, b"{}", {f"X-{number}": "a" for number in range(1000)})),
        "connection_failed",
    ),
    "a-length-that-is-none": (
        only_list(lambda: Said(200, b"{}", {"Content-Length": "-5", "Connection": "close"})),
        "*",
    ),
    "a-huge-length": (only_list(lambda: Said(200, b"{}", {"Content-Length": "9" * 30, "Connection": "close"})), "*"),
    # Manifests
    "an-endless-manifest": (listing_v1(lambda: Said(200, endless(), HEADERS)), "too_large"),
    "a-manifest-of-a-gibibyte": (
        listing_v1(lambda: Said(200, a_gibibyte(), {**HEADERS, "Content-Length": str(2**30)})),
        "too_large",
    ),
    "a-deep-manifest": (with_manifest(DEEP), "protocol_error"),
    "a-manifest-deep-in-a-key": (with_manifest(manifest().replace(b"1000", b"[" * 500_000)), "protocol_error"),
    "a-manifest-in-bad-utf-8": (with_manifest(manifest().replace(b"sha256", b"sha\xff56")), "protocol_error"),
    "a-manifest-that-is-none": (with_manifest(b"null"), "*"),
    "a-manifest-of-a-list": (with_manifest(b"[]"), "*"),
    "a-negative-size": (layer(size=-1), "protocol_error"),
    "a-huge-size": (layer(size=2**64), "protocol_error"),
    "a-size-without-end": (with_manifest(manifest().replace(b"1001", b"9" * 100_000)), "protocol_error"),
    "a-broken-size": (layer(size=1.5), "protocol_error"),
    "a-size-in-words": (layer(size="1000"), "protocol_error"),
    "a-true-size": (layer(size=True), "protocol_error"),
    "a-size-that-fits": (layer(size=2**62), "source_incomplete"),
    "no-digest": (layer(digest=""), "protocol_error"),
    "an-unknown-algorithm": (layer(digest="md5:d41d8cd98f00b204e9800998ecf8427e"), "*"),
    "a-digest-with-tricks": (layer(digest="sha256:../../../../etc/passwd"), "protocol_error"),
    "a-digest-with-a-header": (layer(digest="sha256:" + "0" * 64 + "\r\nX-Evil: 1"), "protocol_error"),
    "a-media-type-with-a-header": (layer(mediaType="a/b\r\nX-Evil: 1"), "protocol_error"),
    "a-manifest-type-with-a-header": (
        with_manifest(manifest(mediaType=OCI_MANIFEST + "\r\nX-Evil: 1"), media_type=OCI_MANIFEST),
        "*",
    ),
    "many-layers": (of(layers=[blob(number) for number in range(1, 11_000)]), "too_large"),
    "a-million-layers": (of(layers=[{}] * 1_000_000), "too_large"),
    "many-layers-that-are-not-there": (of(layers=[blob(number) for number in range(1, 1_000)]), "source_incomplete"),
    "many-children": (with_manifest(index([manifest()] * 11_000)), "too_large"),
    "many-children-that-are-not-there": (
        with_manifest(index([manifest(annotations={"n": str(number)}) for number in range(500)])),
        "source_incomplete",
    ),
    "nested-deeply": (with_manifest(*nested(12)), "unsupported_manifest"),
    "nested-very-deeply": (with_manifest(*nested(200)), "unsupported_manifest"),
    "indexes-that-name-each-other": (cycle(), "digest_mismatch"),
    "an-explosion": (
        with_manifest(index([index([manifest()] * 3_000)] * 3_000), index([manifest()] * 3_000), manifest()),
        "unsupported_manifest",
    ),
    # Blobs
    "an-endless-blob": (reading(lambda: Said(200, endless())), "size_mismatch"),
    "a-blob-of-another-length": (reading(lambda: Said(200, b"x", {"Content-Length": "1"})), "size_mismatch"),
    "a-blob-in-a-bomb": (reading(lambda: Said(200, gzipped_bomb(), {"Content-Encoding": "gzip"})), "size_mismatch"),
    "a-blob-in-circles": (reading(lambda: Said(307, b"", {"Location": "?again"})), "protocol_error"),
    "other-bytes": (reading(lambda: Said(200, b"y" * 1000)), "digest_mismatch"),
}


@dataclass(frozen=True)
class Outcome:
    """What became of all attacks."""

    ended: Ended
    errors: Mapping[str, Mapping[str, Any] | None]
    seconds: float


@pytest.fixture(scope="module")
def outcome(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All attacks in one run, with an image among them that means no harm."""
    home = tmp_path_factory.mktemp("hostile")
    with hostile_server({name: attack for name, (attack, _code) in ATTACKS.items()}) as server:
        with PlainClient(servers.open.endpoint) as client:
            client.push("hostile/innocent", images.image("innocent"), "v1")
        target = servers.relative.endpoint
        rules = [
            {"source": f"{server.host}/{name}", "destination": f"{target.host}/hostile/{name}"} for name in ATTACKS
        ]
        rules.append(
            {"source": f"{servers.open.host}/hostile/innocent", "destination": f"{target.host}/hostile/innocent"}
        )
        options = {
            "images": rules,
            "registries": [registry_option(endpoint) for endpoint in (server, target, servers.open.endpoint)],
            "timeout": 10.0,
            "retry_delay": 0.01,
            "retries": 0,
            "return_images": "all",
            "report_path": str(home / "report.json"),
            "log_path": str(home / "sync.log"),
        }
        begun = time.monotonic()
        with module("registry_image_sync", options, home=home) as running:
            ended = running.end()
        seconds = time.monotonic() - begun
    assert ended.result, ended.text[-3000:]
    report = json.loads((home / "report.json").read_text(encoding="utf-8"))
    errors: dict[str, Mapping[str, Any] | None] = {}
    for image in report["images"]:
        name = image["destination"].partition("/hostile/")[2].partition(":")[0]
        errors[name] = errors.get(name) or image.get("error")
    return Outcome(ended, errors, seconds)


def test_the_innocent_image_arrived(outcome: Outcome) -> None:
    assert outcome.errors["innocent"] is None


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_ends_in_an_error_of_ours(outcome: Outcome, attack: str) -> None:
    error, code = outcome.errors[attack], ATTACKS[attack][1]
    assert error is not None
    assert error["code"] != "unexpected", error
    assert code in ("*", error["code"]), error
    assert len(error["message"]) < 2000
    assert error["message"].isprintable()


def test_it_took_neither_long_nor_much(outcome: Outcome) -> None:
    print(f"{len(ATTACKS)} attacks: {outcome.seconds:.0f} s, {outcome.ended.memory / MIB:.0f} MiB")
    assert outcome.ended.memory < MEMORY
    assert outcome.seconds < SECONDS
    assert "Traceback" not in outcome.ended.text


def test_nothing_of_it_arrived(outcome: Outcome, servers: Servers) -> None:
    assert outcome.errors
    with PlainClient(servers.relative.endpoint) as client:
        assert not [name for name in ATTACKS if client.tags(f"hostile/{name}")]


# What concerns all of a registry


TOKENS: dict[str, Callable[[], Said]] = {
    "endless": lambda: Said(200, endless()),
    "a gibibyte": lambda: Said(200, a_gibibyte(), {"Content-Length": str(2**30)}),
    "deep": lambda: Said(200, DEEP),
    "none": lambda: Said(200, b"{}"),
    "with a header": lambda: Said(200, b'{"token":"a\\r\\nX-Evil: 1"}'),
    "a number": lambda: Said(200, b'{"token":5}'),
    "for ever": lambda: Said(200, b'{"token":"abc","expires_in":1e999}'),
    "a bomb": lambda: Said(200, gzipped_bomb(), {"Content-Encoding": "gzip"}),
    "endless refusal": lambda: Said(403, endless()),
    "in circles": lambda: Said(302, b"", {"Location": "/token"}),
}


def outcomes(answers: Sequence[Callable[[str, Endpoint], Said]], home: Path) -> tuple[Ended, list[str]]:
    """Run against so many servers at once, each of which answers everything in one way; gives the codes, in order."""
    with ExitStack() as stack:
        servers: list[Endpoint] = []
        for number, answer in enumerate(answers):
            reply = lambda path, answer=answer, number=number: answer(path, servers[number])  # noqa: E731
            servers.append(stack.enter_context(hostile_server({}, reply)))
        options = {
            "images": [
                {"source": f"{each.host}/x:v1", "destination": f"{each.host}/y/{each.host[10:]}"} for each in servers
            ],
            "registries": [{**registry_option(each), "username": "me", "password": "mine"} for each in servers],
            "timeout": 10.0,
            "retry_delay": 0.01,
            "retries": 0,
            "report_path": str(home / "report.json"),
        }
        with module("registry_image_sync", options, home=home) as running:
            ended = running.end()
        assert ended.result, ended.text
        images = json.loads((home / "report.json").read_text(encoding="utf-8"))["images"]
        codes = {image["source"].partition("/")[0]: image["error"]["code"] for image in images}
        return ended, [codes[each.host] for each in servers]


def test_tokens_that_are_none(tmp_path: Path) -> None:
    def answering(token: Callable[[], Said]) -> Callable[[str, Endpoint], Said]:
        def answer(path: str, server: Endpoint) -> Said:
            if path.startswith("/token"):
                return token()
            return Said(401, b"", {"WWW-Authenticate": f'Bearer realm="{server.url}/token",service="s"'})

        return answer

    ended, codes = outcomes([answering(token) for token in TOKENS.values()], tmp_path)
    for name, code in zip(TOKENS, codes):
        assert code in ("protocol_error", "too_large", "pull_denied", "bad_credentials"), name
    assert ended.memory < 128 * MIB


CHALLENGES = [
    'Bearer realm="' + "a" * 60_000 + '"',
    'Bearer realm="http://[::1"',
    'Bearer realm="javascript:alert(1)"',
    "Bearer " + ",".join(f'k{number}="v"' for number in range(5000)),
    'Bearer realm="\\"\\"\\""',
    "=" * 10_000,
    'Bearer realm="http://user:password@127.0.0.1/token"',
    "Basic " * 5000,
    "\x7f\x80\xff",
]


def test_challenges_that_are_none(tmp_path: Path) -> None:
    answers = [lambda path, server, text=text: Said(401, b"", {"WWW-Authenticate": text}) for text in CHALLENGES]
    ended, codes = outcomes(answers, tmp_path)
    assert len(codes) == len(CHALLENGES)
    assert "unexpected" not in codes, ended.text


@pytest.mark.parametrize("where", ["list", "manifest", "blob"])
def test_what_only_drips(servers: Servers, repository: str, where: str) -> None:
    """It is given up by and by: a small answer as a whole, a blob when next to nothing of it comes."""
    slow = {
        "list": only_list(lambda: Said(200, drip(b" "))),
        "manifest": listing_v1(lambda: Said(200, drip(b" "), HEADERS)),
        "blob": reading(lambda: Said(200, drip(b"x"), {"Content-Length": "1000"})),
    }[where]
    with hostile_server({"x": slow}) as server:
        settings = Settings(timeout=0.3, retry=RetryPolicy(attempts=2, backoff=0.01))
        result = Run([server, servers.relative.endpoint], settings=settings).sync(
            {"source": f"{server.host}/x", "destination": f"{servers.relative.host}/{repository}"},
            retries=0,
        )
    error = only(result).error
    assert error is not None
    assert error.code == "timeout", str(error)


UPLOADS: dict[str, Said] = {
    "no Location": Said(202),
    "a Location that is none": Said(202, b"", {"Location": "http://[::1"}),
    "a Location with a port that is none": Said(202, b"", {"Location": "http://127.0.0.1:99999/x"}),
    "a Location in another scheme": Said(202, b"", {"Location": "gopher://127.0.0.1/x"}),
    "a long Location": Said(202, b"", {"Location": "/" + "a" * 60_000}),
    "a Location with a login": Said(202, b"", {"Location": "http://me:mine@127.0.0.1/x"}),
    "a Location at a metadata address": Said(202, b"", {"Location": "http://169.254.169.254/latest"}),
    "mounted, it says, as something else": Said(201, b"", {"Docker-Content-Digest": "sha256:" + "0" * 64}),
    "a redirect": Said(307, b"", {"Location": "http://169.254.169.254/latest"}),
    "another status": Said(299),
    "absent": ABSENT,
}


@pytest.mark.parametrize("answer", UPLOADS)
def test_destinations_that_mean_ill(servers: Servers, repository: str, answer: str) -> None:
    with PlainClient(servers.open.endpoint) as client:
        client.push(repository, images.image(repository), "v1")
    with hostile_server({}, lambda path: UPLOADS[answer] if "/uploads/" in path else ABSENT) as server:
        result = Run(
            [servers.open.endpoint, server], settings=Settings(timeout=1.0, retry=RetryPolicy(backoff=0.01))
        ).sync(
            {"source": f"{servers.open.host}/{repository}:v1", "destination": f"{server.host}/{repository}"}, retries=1
        )
    error = only(result).error
    assert error is not None
    assert error.code != "unexpected", str(error)
