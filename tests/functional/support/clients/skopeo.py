# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""skopeo as the independent witness of what a registry holds."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .endpoint import Endpoint


def independent_digest(endpoint: Endpoint, repository: str, reference: str) -> str:
    """The digest of a manifest's bytes as skopeo reads them.

    :param reference: a tag, or a digest
    """
    separator = "@" if ":" in reference else ":"
    with _reach(endpoint) as options:
        raw = _skopeo(["inspect", "--raw", *options, f"docker://{endpoint.host}/{repository}{separator}{reference}"])
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def copy_to_directory(endpoint: Endpoint, repository: str, reference: str, directory: Path) -> None:
    """Pull an image with all that it names; skopeo verifies every digest on the way."""
    with _reach(endpoint, "src-") as options:
        source = f"docker://{endpoint.host}/{repository}:{reference}"
        _skopeo(["--insecure-policy", "copy", "--all", *options, source, f"dir:{directory}"])


def push(source: Endpoint, repository: str, reference: str, destination: Endpoint, to: str) -> None:
    """Copy an image to another registry, the way every other client pushes one."""
    with _reach(source, "src-") as here, _reach(destination, "dest-") as there:
        names = [f"docker://{source.host}/{repository}:{reference}", f"docker://{destination.host}/{to}:{reference}"]
        _skopeo(["--insecure-policy", "copy", "--preserve-digests", *here, *there, *names])


def put_as_schema1(endpoint: Endpoint, repository: str, reference: str, tag: str) -> None:
    """Turn a Docker image into one of the signed manifests of old, under another tag of the same repository."""
    name = f"docker://{endpoint.host}/{repository}"
    with _reach(endpoint, "src-") as source, _reach(endpoint, "dest-") as destination:
        options = [*source, *destination, "--format", "v2s1"]
        _skopeo(["--insecure-policy", "copy", *options, f"{name}:{reference}", f"{name}:{tag}"])


def _skopeo(arguments: Sequence[str]) -> bytes:
    done = subprocess.run(["skopeo", *arguments], capture_output=True, check=False, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"skopeo {arguments[0]} failed: {done.stderr.decode('utf-8', 'replace')[-1000:]}")
    return done.stdout


@contextmanager
def _reach(endpoint: Endpoint, prefix: str = "") -> Iterator[list[str]]:
    options = []
    if endpoint.username:
        options += [f"--{prefix}creds", f"{endpoint.username}:{endpoint.password}"]
    else:
        options += [f"--{prefix}no-creds"]
    if endpoint.ca_path is None:
        yield [*options, f"--{prefix}tls-verify=false"]
        return
    with TemporaryDirectory() as directory:
        (Path(directory) / "ca.crt").write_bytes(endpoint.ca_path.read_bytes())
        yield [*options, f"--{prefix}cert-dir", directory]
