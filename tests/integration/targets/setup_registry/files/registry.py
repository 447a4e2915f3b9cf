# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and stops docker-registry for a test: on a free port, with its files in a directory of its own.

    registry.py start DIRECTORY [--login] [--tls]
    registry.py stop DIRECTORY...
    registry.py image DIRECTORY REPOSITORY:TAG [CONTENT]

``start`` and ``image`` print JSON. A registry that nobody stops ends by itself.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path

USERNAME, PASSWORD = "tester", "a password for tests"
# The only form that docker-registry reads: bcrypt, of the password above.
HTPASSWD = USERNAME + ":$2y$05$Jna.b3utrsGz8hNQERHTOOk1GUxNjy0uEpjG4NtrqsEJFhYXNuLti\n"
LONGEST_LIFE = "20m"
START_SECONDS = 30.0

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def start(directory: Path, *, login: bool, tls: bool) -> dict[str, str]:
    """Start a registry and tell how to reach it."""
    config: dict[str, object] = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(directory / "storage")}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0", "secret": "for tests"},
    }
    if login:
        (directory / "htpasswd").write_text(HTPASSWD, encoding="utf-8")
        config["auth"] = {"htpasswd": {"realm": "tests", "path": str(directory / "htpasswd")}}
    if tls:
        _certificate(directory)
        names = {"certificate": str(directory / "server.pem"), "key": str(directory / "server.key")}
        config["http"] = {"addr": "127.0.0.1:0", "secret": "for tests", "tls": names}
    (directory / "config.yml").write_text(json.dumps(config), encoding="utf-8")
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["timeout", LONGEST_LIFE, "docker-registry", "serve", str(directory / "config.yml")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (directory / "pid").write_text(str(process.pid), encoding="utf-8")
    facts = {
        "host": f"127.0.0.1:{_port(process, log)}",
        "username": USERNAME if login else "",
        "password": PASSWORD if login else "",
        "ca_path": str(directory / "ca.pem") if tls else "",
        "directory": str(directory),
    }
    (directory / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    return facts


def stop(directory: Path) -> None:
    """Stop a registry, if it still runs, and remove its files."""
    if (directory / "pid").exists():
        try:
            os.killpg(int((directory / "pid").read_text(encoding="utf-8")), signal.SIGTERM)
        except ProcessLookupError:
            pass
    shutil.rmtree(directory, ignore_errors=True)


def image(directory: Path, name: str, content: str) -> dict[str, str]:
    """Put an image of one layer with one file, and tell its digest; the same content gives the same."""
    facts = json.loads((directory / "facts.json").read_text(encoding="utf-8"))
    repository, _colon, tag = name.partition(":")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        member = tarfile.TarInfo("content")
        member.size = len(content.encode())
        archive.addfile(member, io.BytesIO(content.encode()))
    layer = gzip.compress(tar.getvalue(), mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": {"Labels": {"content": content}},
            "rootfs": {"type": "layers", "diff_ids": [_digest(tar.getvalue())]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": _digest(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": _digest(layer), "size": len(layer)}],
        }
    ).encode()
    client = Client(facts)
    for blob in (config, layer):
        client.put_blob(repository, blob)
    client.send("PUT", f"/v2/{repository}/manifests/{tag}", manifest, MANIFEST)
    return {"digest": _digest(manifest), "name": f"{facts['host']}/{name}"}


class Client:
    """Just enough of a registry client to put an image."""

    def __init__(self, facts: dict[str, str]) -> None:
        self._base = f"{'https' if facts['ca_path'] else 'http'}://{facts['host']}"
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if facts["ca_path"]:
            context = ssl.create_default_context(cafile=facts["ca_path"])
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)
        login = base64.b64encode(f"{facts['username']}:{facts['password']}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"} if facts["username"] else {}

    def send(self, method: str, url: str, body: bytes, content_type: str) -> str:
        """Send a request that must succeed; give the Location of the answer."""
        url = url if url.startswith("http") else self._base + url
        headers = {**self._headers, "Content-Type": content_type}
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        with self._opener.open(request, timeout=START_SECONDS) as answer:
            return str(answer.headers.get("Location", ""))

    def put_blob(self, repository: str, blob: bytes) -> None:
        """Upload a blob."""
        location = self.send("POST", f"/v2/{repository}/blobs/uploads/", b"", "application/octet-stream")
        joint = "&" if "?" in location else "?"
        self.send("PUT", f"{location}{joint}digest={_digest(blob)}", blob, "application/octet-stream")


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _certificate(directory: Path) -> None:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    _openssl(directory, *key, "-subj", "/CN=tests", "-keyout", "ca.key", "-out", "ca.pem")
    extensions = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    issuer = ["-CA", "ca.pem", "-CAkey", "ca.key"]
    _openssl(
        directory, *key, "-subj", "/CN=127.0.0.1", *extensions, *issuer, "-keyout", "server.key", "-out", "server.pem"
    )


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", "req", "-x509", *arguments], cwd=directory, check=True, capture_output=True)


def _port(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", text)
        if found:
            return found.group(1)
        if process.poll() is not None:
            sys.exit(f"docker-registry ended by itself: {text}")
        time.sleep(0.01)
    sys.exit("docker-registry did not start in time")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("start")
    starting.add_argument("directory", type=Path)
    starting.add_argument("--login", action="store_true")
    starting.add_argument("--tls", action="store_true")
    stopping = commands.add_parser("stop")
    stopping.add_argument("directories", type=Path, nargs="*")
    putting = commands.add_parser("image")
    putting.add_argument("directory", type=Path)
    putting.add_argument("name")
    putting.add_argument("content", nargs="?", default="")
    options = parser.parse_args()
    if options.command == "start":
        print(json.dumps(start(options.directory, login=options.login, tls=options.tls)))
    elif options.command == "image":
        print(json.dumps(image(options.directory, options.name, options.content or options.name)))
    else:
        for directory in options.directories:
            stop(directory)


if __name__ == "__main__":
    main()
