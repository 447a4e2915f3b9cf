# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is fuzzed of layouts on disk: their index, the names of its entries, the headers of a tar."""

from __future__ import annotations

import os
from contextlib import closing

from ansible_collections.imageops.registry.plugins.module_utils._oci.image.places import place_fault, split_place
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import parse_repository
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.index import LayoutIndex
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.names import (
    FULL_NAME,
    REF_NAME,
    entry_name,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.tar.file import TarFile
from ansible_collections.imageops.registry.plugins.module_utils._oci.layout.tar.headers import BLOCK, read_members

BLANK = "\0" * BLOCK


def layout_index(text: str) -> object:
    """What is read is read again as the same when it has been written, and each repository's tags are found."""
    index = LayoutIndex.parse(text.encode("utf-8", "replace") or b"{}", "a layout", "own")
    again = LayoutIndex.parse(index.raw(), "a layout", "own")
    assert [entry.descriptor for entry in again.entries] == [entry.descriptor for entry in index.entries]
    for repository in index.repositories():
        assert parse_repository(f"h.example/{repository}")[1] == repository
        assert index.tags(repository)
    return len(index.entries)


def layout_name(text: str) -> object:
    """A name is one that a reference can have, whichever annotation it stands in."""
    ref, _newline, full = text.partition("\n")
    found = entry_name({REF_NAME: ref, FULL_NAME: full}, "own")
    if found is not None:
        assert parse_repository(f"h.example/{found.repository}")[1] == found.repository
    return found


def tar_headers(text: str) -> object:
    """Every file lies within the tar, under a name that stays in it."""
    raw = _with_checksums(text.encode("latin-1", "replace"))
    fd = os.memfd_create("tar")
    os.write(fd, raw)
    with closing(TarFile([fd], "a tar")) as tar:
        members = read_members(tar, "a tar")
    for name, span in members.files.items():
        assert not name.startswith("/") and ".." not in name.split("/")
        assert span.start >= 0 and span.start + span.length <= len(raw)
    return len(members.files)


def _with_checksums(raw: bytes) -> bytes:
    """Make the checksum right of all that looks like a header, so that what is behind that is reached."""
    blocks = [raw[start : start + BLOCK] for start in range(0, len(raw), BLOCK)]
    for number, block in enumerate(blocks):
        if block[257:262] == b"ustar" and len(block) == BLOCK:
            rest = block[:148] + b" " * 8 + block[156:]
            blocks[number] = rest[:148] + b"%06o\0 " % sum(rest) + rest[156:]
    return b"".join(blocks)


def place(text: str) -> object:
    """What has no fault is a place whose path begins with '/', and reads as itself again."""
    if place_fault(text) is not None:
        return None
    found = split_place(text)
    if found is None:
        return ""
    host, below = found
    assert ":/" in host and host.endswith("/")
    assert split_place(f"{host}/{below}") == found
    return host
