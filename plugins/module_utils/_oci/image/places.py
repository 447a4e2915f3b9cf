# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places on disk that hold images, as references name them: ``oci:PATH//repository:tag``. No I/O.

What stands where other references have their registry is the place with a ``/`` at its end, ``oci:/srv/bundle/``, so
that the place, a ``/`` and the repository are the reference, as with a registry.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

LAYOUT, LAYOUT_ARCHIVE, DOCKER_ARCHIVE = "oci", "oci-archive", "docker-archive"

_PLACE = re.compile(rf"({LAYOUT}|{LAYOUT_ARCHIVE}|{DOCKER_ARCHIVE}):")
_NOT_IN_PATHS = re.compile(r"[*{},\x00-\x1f]")
_COMPRESSED = re.compile(r"\.(?:tgz|tar\.(?:gz|zst|xz|bz2))$")
_SEPARATORS = re.compile(r"[^a-z0-9]+")


class Place(NamedTuple):
    """A place on disk.

    :ivar transport: what lies there: ``oci``, a directory; ``oci-archive`` or ``docker-archive``, a tar file
    :ivar path: of the host where the task runs
    """

    transport: str
    path: str

    @property
    def own_name(self) -> str:
        """The repository of the images whose names there are without one: the last part of the path."""
        return own_name(self.path)


class PlaceFault(NamedTuple):
    """What is wrong with the name of a place, and what to write."""

    cause: str
    hint: str


def own_name(path: str) -> str:
    """Return the last part of a path as a repository's name, without ``.tar``."""
    last = posixpath.basename(posixpath.normpath(path)).lower()
    return _SEPARATORS.sub("-", last[:-4] if last.endswith(".tar") else last).strip("-") or "images"


def split_place(text: str) -> tuple[str, str] | None:
    """Part a reference into its place, as a store's host, and what follows the first ``//``; None when it names none.

    >>> split_place("oci:/srv/bundle//library/nginx:1.27")
    ('oci:/srv/bundle/', 'library/nginx:1.27')
    """
    found = _PLACE.match(text)
    if found is None:
        return None
    path, _marks, below = text[found.end() :].partition("//")
    return f"{found.group(1)}:{posixpath.normpath(path).rstrip('/')}/", below


def place_of(host: str) -> Place | None:
    """Return the place that a store's host names; None for a registry's."""
    found = _PLACE.match(host)
    return Place(found.group(1), host[found.end() : -1]) if found else None


def place_fault(text: str) -> PlaceFault | None:
    """Return what is wrong with the place that a reference begins with; None when nothing is, or it names none."""
    found = _PLACE.match(text)
    if found is None:
        return None
    transport = found.group(1)
    path, marks, _below = text[found.end() :].partition("//")
    form = f"write {transport}:/path//repository:tag, or {transport}:/path for all that is there"
    if ":" in path:
        return _skopeos(transport, *path.split(":", 1))
    if not path.startswith("/"):
        cause = "its path is empty or has '//'" if marks and not path else "its path does not begin with '/'"
        return PlaceFault(cause, form)
    if posixpath.normpath(path) == "/":
        return PlaceFault("its path is the root of all files", form)
    wrong = _NOT_IN_PATHS.search(path)
    if wrong:
        return PlaceFault(
            f"its path has {wrong.group()!r}", "a path has none of * { } , in it; a pattern stands behind //"
        )
    if _COMPRESSED.search(path) and transport == LAYOUT_ARCHIVE:
        return PlaceFault("it names a compressed file, and parts of one cannot be read", "unpack it first, to .tar")
    return None


def _skopeos(transport: str, path: str, ref: str) -> PlaceFault:
    """Return what to write in place of ``oci:PATH:REF``."""
    if ref.startswith("/"):
        return PlaceFault("its path has a colon", f"write {transport}:{path}//**:{ref}")
    below = ref if "/" in ref or ":" in ref else f"{own_name(path)}:{ref}"
    return PlaceFault("it has a colon behind the path, as skopeo writes it", f"write {transport}:{path}//{below}")
