# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in which other tools name images, and what is written here instead.

skopeo and podman put a transport before the name (containers-transports(5)), regclient a scheme. Those of
:mod:`places` are understood here, too. No I/O.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .places import place_fault


class OtherForm(NamedTuple):
    """What is wrong with a name that another tool understands, and what to write."""

    cause: str
    hint: str


_FORM = "write registry/repository, registry/repository:tag or registry/repository@sha256:..."
_DOCKER = re.compile(r"docker://(?P<name>[^/@]+(?:/.+)?)")
_TRANSPORT = re.compile(
    r"(?P<name>dir|containers-storage|docker-daemon|ostree|sif|tarball):|(?P<scheme>ocidir|ocifile|file)://"
)
_PATH = re.compile(r"/|\.\.?(?:/|$)|~|[A-Za-z]:\\|[^/:]+\.(?:tar|tar\.gz|tgz)$")

_ENGINES = {
    "containers-storage": ("podman's own images", "podman push"),
    "docker-daemon": ("Docker's own images", "docker push"),
}


def other_form(text: str) -> OtherForm | None:
    """Recognise a name in the form of another tool; None when it is none.

    ``docker:24`` is no transport but an image of Docker Hub: only ``docker://`` is one.
    """
    place = place_fault(text)
    if place is not None:
        return OtherForm(*place)
    docker = _DOCKER.fullmatch(text)
    if docker:
        return OtherForm("it has a scheme, docker://, as skopeo writes it", f"write {docker.group('name')}")
    found = _TRANSPORT.match(text)
    name = found.group("name") or found.group("scheme") if found else ""
    if found and name == "ocidir":
        return OtherForm("it has a scheme, ocidir://, as regclient writes it", "write oci:/path//repository:tag")
    if name in _ENGINES:
        images, push = _ENGINES[name]
        return OtherForm(f"{name} means {images}, which cannot be read here", f"use {push} first")
    if name or _PATH.match(text):
        return OtherForm(
            "it is a path", f"write oci:/path for an OCI image layout, oci-archive:/path.tar for one in a tar; {_FORM}"
        )
    return None
