# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in which other tools name images, and what is written here instead.

skopeo and podman put a transport before the name (containers-transports(5)), regclient a scheme. No I/O.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class OtherForm(NamedTuple):
    """What is wrong with a name that another tool understands, and what to write."""

    cause: str
    hint: str


_FORM = "write registry/repository, registry/repository:tag or registry/repository@sha256:..."
_DOCKER = re.compile(r"docker://(?P<name>[^/@]+(?:/.+)?)")
_TRANSPORT = re.compile(
    r"(?P<name>dir|oci|oci-archive|docker-archive|containers-storage|docker-daemon|ostree|sif|tarball):"
    r"|(?P<scheme>ocidir|ocifile|file)://"
)
_PATH = re.compile(r"/|\.\.?(?:/|$)|~|[A-Za-z]:\\|[^/:]+\.(?:tar|tar\.gz|tgz)$")

_NOT_YET = frozenset(("oci", "oci-archive", "docker-archive", "ocidir"))
_ENGINES = {
    "containers-storage": ("podman's own images", "podman push"),
    "docker-daemon": ("Docker's own images", "docker push"),
}


def other_form(text: str) -> OtherForm | None:
    """Recognise a name in the form of another tool; None when it is none.

    ``docker:24`` is no transport but an image of Docker Hub: only ``docker://`` is one.
    """
    docker = _DOCKER.fullmatch(text)
    if docker:
        return OtherForm("it has a scheme, docker://, as skopeo writes it", f"write {docker.group('name')}")
    found = _TRANSPORT.match(text)
    name = found.group("name") or found.group("scheme") if found else ""
    if name in _NOT_YET:
        cause = f"{name} names images on disk, which are not yet supported"
    elif name in _ENGINES:
        images, push = _ENGINES[name]
        return OtherForm(f"{name} means {images}, and images are copied between registries", f"use {push} first")
    elif name or _PATH.match(text):
        cause = "it is a path, and images are copied between registries"
    else:
        return None
    return OtherForm(cause, f"{_FORM}; skopeo copy brings images from disk into a registry")
