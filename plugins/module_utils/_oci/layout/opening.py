# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens places on disk as stores of images."""

from __future__ import annotations

from ..client.run import Run
from ..errors import InputError
from ..image.places import LAYOUT, Place
from ..store.store import Store
from .directory import Directory
from .layout import Layout


def open_layout(host: str, place: Place, run: Run) -> Store:
    """Return the store of a place. Nothing is read or written yet.

    :param host: the place, as references begin with it
    """
    if place.transport == LAYOUT:
        return Layout(host, place, Directory(place.path), run)
    raise InputError(
        subject=f"{place.transport}:{place.path}",
        cause="archives are not yet supported",
        hint="unpack it with tar into a directory, and write oci: before the path of that",
    )
