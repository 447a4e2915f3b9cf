# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The synthetic source and sink themselves."""

from __future__ import annotations

import hashlib
import http.client
from pathlib import Path
from typing import Callable
from urllib.parse import quote

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient, Refused
from support.clients.skopeo import independent_digest
from support.scenes.images import OCI_MANIFEST, Blob
from support.servers.synthetic import (
    KNOWN_DIGESTS,
    MIB,
    RepeatedBlob,
    digest_of_repeated,
    synthetic_sink,
    synthetic_source,
)

Plain = Callable[[Endpoint], PlainClient]


def test_known_digests_are_right() -> None:
    for byte, size in [(3, 64 * MIB)]:
        hasher = hashlib.sha256()
        for _ in range(size // MIB):
            hasher.update(bytes([byte]) * MIB)
        assert KNOWN_DIGESTS[byte, size] == hasher.hexdigest()
    assert digest_of_repeated(7, MIB + 5) == "sha256:" + hashlib.sha256(b"\7" * (MIB + 5)).hexdigest()


def test_a_source_serves_what_it_describes(tmp_path: Path, plain: Plain) -> None:
    blob = RepeatedBlob(5, 3 * MIB + 11)
    with synthetic_source(tmp_path, {"one": [blob], "two": [blob, RepeatedBlob(6, 100)]}) as source:
        client = plain(source.endpoint)
        assert client.tags("any/repository") == ["one", "two"]
        manifest = client.manifest("any/repository", "two")
        assert independent_digest(source.endpoint, "any/repository", "two") == manifest.digest
        assert client.manifest("any/repository", manifest.digest).body == manifest.body
        config = manifest.json()["config"]
        assert len(client.blob("any/repository", config["digest"]).body) == config["size"]
        assert client.blob("any/repository", blob.digest).body == b"\5" * blob.size
        path = f"/v2/any/repository/blobs/{blob.digest}"
        part = client.request("GET", path, headers={"Range": f"bytes={blob.size - 7}-"})
        assert (part.status, part.body) == (206, b"\5" * 7)
        assert part.headers["content-range"] == f"bytes {blob.size - 7}-{blob.size - 1}/{blob.size}"
        assert client.request("HEAD", path).headers["content-length"] == str(blob.size)
        assert source.bytes_moved() == blob.size + 7
        assert client.manifest("any/repository", "three").status == 404


def test_a_sink_takes_everything_and_checks_sizes(tmp_path: Path, plain: Plain) -> None:
    blob = Blob(b"x" * 100_000, "application/octet-stream")
    with synthetic_sink(tmp_path) as sink:
        client = plain(sink.endpoint)
        client.push_blob("a/b", blob)
        assert client.has_blob("a/b", blob.digest)
        assert not client.has_blob("a/c", blob.digest)
        mount = f"/v2/a/b/blobs/uploads/?from=a/b&mount={quote(blob.digest, safe='')}"
        assert client.request("POST", mount).status == 201
        good, bad = (
            b'{"layers": [{"digest": "%s", "size": %d}]}' % (blob.digest.encode(), size) for size in (100_000, 99_999)
        )
        client.push_manifest("a/b", "tag", good, OCI_MANIFEST)
        assert client.manifest("a/b", "tag").body == good
        with pytest.raises(Refused, match="MANIFEST_BLOB_UNKNOWN"):
            client.push_manifest("a/b", "tag", bad, OCI_MANIFEST)
        assert sink.bytes_moved() == 100_000
        assert sink.requests()["PUT"] == 3


def test_a_sink_takes_chunks(tmp_path: Path, plain: Plain) -> None:
    with synthetic_sink(tmp_path) as sink:
        client = plain(sink.endpoint)
        location = client.request("POST", "/v2/a/blobs/uploads/").headers["location"]
        for expected in ("0-9", "0-19"):
            answer = client.request("PATCH", location, body=b"x" * 10)
            assert (answer.status, answer.headers["range"]) == (202, expected)
        digest = digest_of_repeated(ord("x"), 20)
        assert client.request("PUT", f"{location}?digest={digest}").status == 201
        assert client.request("HEAD", f"/v2/a/blobs/{digest}").headers["content-length"] == "20"


def test_gigabytes_flow_in_little_time_and_memory(tmp_path: Path) -> None:
    """256 MiB from the source into the sink by the plainest of clients: their own share of a measurement is small."""
    blob = RepeatedBlob(0, 256 * MIB)
    with synthetic_source(tmp_path, {"big": [blob]}) as source, synthetic_sink(tmp_path) as sink:
        reading = http.client.HTTPConnection(source.host, timeout=30)
        reading.request("GET", f"/v2/a/blobs/{blob.digest}")
        body = reading.getresponse()
        writing = http.client.HTTPConnection(sink.host, timeout=30)
        writing.request("POST", "/v2/a/blobs/uploads/", headers={"Content-Length": "0"})
        started = writing.getresponse()
        location = started.headers["Location"]
        started.read()
        writing.putrequest("PUT", f"{location}?digest={blob.digest}")
        writing.putheader("Content-Length", str(blob.size))
        writing.endheaders()
        view = memoryview(bytearray(MIB))
        while number := body.readinto(view):
            writing.send(view[:number])
        assert writing.getresponse().status == 201
        assert source.bytes_moved() == sink.bytes_moved() == blob.size
        for server in (source, sink):
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            assert peak < 64 * 1024
        reading.close()
        writing.close()
