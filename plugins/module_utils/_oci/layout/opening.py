# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens places on disk as stores of images."""

from __future__ import annotations

from ..client.run import Run
from ..image.places import LAYOUT, LAYOUT_ARCHIVE, Place
from ..store.store import Store
from .archive import Archive
from .content import Content
from .directory import Directory
from .docker_archive import DockerArchive
from .inventory import Bases
from .layout import Layout


def open_layout(host: str, place: Place, run: Run, bases: Bases | None = None, part_size: int | None = None) -> Store:
    """Return the store of a place. Nothing is read or written yet.

    :param host: the place, as references begin with it
    :param bases: earlier bundles, whose blobs need not be written again
    :param part_size: how many bytes a part has at most, for an archive that is written in parts
    """
    return Layout(host, place, _content(place, run, part_size), run, bases or Bases())


def _content(place: Place, run: Run, part_size: int | None) -> Content:
    if place.transport == LAYOUT:
        return Directory(place.path)
    if place.transport == LAYOUT_ARCHIVE:
        return Archive(place.path, run, part_size)
    return DockerArchive(place.path, run.warn)
