# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The headers of a tar file: where each of its files begins (POSIX.1-1988 ustar, pax, and what GNU tar adds).

Nothing is unpacked. What a header says is bounded before it is believed: the length of names and of further headers,
the number of members, and that every member ends within the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from ...errors import ContentError
from .file import TarFile

BLOCK = 512
_MAX_EXTENDED = 64 * 1024
_MAX_MEMBERS = 1_000_000
_FILES = frozenset((b"0", b"\0", b"7"))
_LINKS = frozenset((b"1", b"2"))
_EMPTY = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
_COMPRESSED = (
    (b"\x1f\x8b", "gzip", "gunzip --keep"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
    (b"\xfd7zXZ\0", "xz", "unxz --keep"),
    (b"BZh", "bzip2", "bunzip2 --keep"),
)


class Span(NamedTuple):
    """A part of the tar file, in bytes."""

    start: int
    length: int


class Members(NamedTuple):
    """What is in a tar file, by name, without ``./`` at the beginning; of two with one name the last.

    :ivar files: regular files
    :ivar links: where links lead, as they are written, those to files of the same tar by their names
    """

    files: dict[str, Span]
    links: dict[str, str]


class _Header(NamedTuple):
    kind: bytes
    name: str
    size: int
    target: str


def read_members(tar: TarFile, path: str) -> Members:
    """Read all headers of a tar.

    :param path: of the file, as messages show it
    :raises ContentError: layout_invalid for what is compressed, cut or no tar, and for names that lead out of it
    """
    members = Members({}, {})
    for count, (header, start, is_plain) in enumerate(_Tar(tar, path).headers()):
        if count >= _MAX_MEMBERS:
            _fail(path, f"it has more than {_MAX_MEMBERS} members")
        name = _inside(header.name, path)
        members.files.pop(name, None)
        members.links.pop(name, None)
        if header.kind in _FILES and is_plain:
            members.files[name] = Span(start, header.size)
        elif header.kind in _LINKS:
            members.links[name] = header.target
    return members


def _inside(name: str, path: str) -> str:
    """Return a name in one form; refuse one that leads out of the tar."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        _fail(path, f"it has a member that would lie outside, {name[:200]!r}")
    return "/".join(parts)


class _Tar:
    """Reads one header after the other."""

    def __init__(self, tar: TarFile, path: str) -> None:
        self._tar = tar
        self._path = path

    def headers(self) -> Iterator[tuple[_Header, int, bool]]:
        """Yield each member's header, where its bytes begin, and whether they are simply those of a file."""
        position, extended = 0, dict[str, str]()
        while True:
            block = self._tar.read(BLOCK, position)
            if block == bytes(BLOCK):
                return
            header = self._header(block, position)
            start = position + BLOCK
            if header.kind in b"xLKg" and header.kind:
                raw = self._extended(header, start)
                if header.kind != b"g":
                    extended.update(_extension(header.kind, raw, self._path))
                position = _next(start, header.size)
                continue
            header = _with(header, extended, self._path)
            if start + header.size > self._tar.size:
                _fail(self._path, f"it is cut: {header.name[:200]!r} is longer than the file", "copy the file again")
            yield header, start, not any(key.startswith("GNU.sparse") for key in extended) and header.kind != b"S"
            position, extended = _next(start, header.size), {}

    def _header(self, block: bytes, position: int) -> _Header:
        if len(block) < BLOCK and position:
            _fail(self._path, "it is cut: it ends before its last block", "copy the file again")
        if len(block) < BLOCK or not _is_right(block):
            self._refuse(block, position)
        prefix = block[345:500] if block[257:263] == b"ustar\0" else b""
        name = _text(prefix) + "/" + _text(block[:100]) if prefix.strip(b"\0") else _text(block[:100])
        kind = block[156:157]
        size = _number(block[124:136])
        if size is None:
            _fail(self._path, f"the header at byte {position} has no size")
        return _Header(kind, name, 0 if kind in _EMPTY else size, _text(block[157:257]))

    def _refuse(self, block: bytes, position: int) -> NoReturn:
        for magic, kind, command in _COMPRESSED:
            if position == 0 and block.startswith(magic):
                hint = f"unpack it first: {command} {self._path}"
                _fail(self._path, f"it is compressed with {kind}, and parts of such a file cannot be read", hint)
        _fail(self._path, f"it is no tar file: byte {position} begins no header")

    def _extended(self, header: _Header, start: int) -> bytes:
        if header.size > _MAX_EXTENDED:
            _fail(self._path, f"it has a header of {header.size} bytes, more than {_MAX_EXTENDED}")
        raw = self._tar.read(header.size, start)
        if len(raw) < header.size:
            _fail(self._path, "it is cut: it ends within a header", "copy the file again")
        return raw


def _with(header: _Header, extended: dict[str, str], path: str) -> _Header:
    size = extended.get("size")
    if size is not None and not (size.isascii() and size.isdigit() and len(size) < 20):
        _fail(path, f"a header has the size {size[:40]!r}")
    return _Header(
        header.kind,
        extended.get("path", header.name),
        header.size if size is None or header.kind in _EMPTY else int(size),
        extended.get("linkpath", header.target),
    )


def _extension(kind: bytes, raw: bytes, path: str) -> dict[str, str]:
    """Return what a further header says of the member after it."""
    if kind != b"x":
        return {"path" if kind == b"L" else "linkpath": _text(raw)}
    found: dict[str, str] = {}
    while raw.strip(b"\0"):
        length, space, _rest = raw.partition(b" ")
        if not space or not length.isdigit() or len(length) > 8 or not len(length) + 2 < int(length) <= len(raw):
            _fail(path, "it has a pax header that cannot be read")
        key, _equals, value = raw[len(length) + 1 : int(length) - 1].partition(b"=")
        found[_text(key)] = _text(value)
        raw = raw[int(length) :]
    return found


def _is_right(block: bytes) -> bool:
    """Return whether the checksum is that of the header; some old programs have added up signed bytes."""
    said = _number(block[148:156])
    rest = block[:148] + b" " * 8 + block[156:]
    return said is not None and said in (sum(rest), sum(byte - 256 if byte > 127 else byte for byte in rest))


def _number(field: bytes) -> int | None:
    """Return an octal number, or one in base 256 as GNU tar writes what is too large for that; None for no number."""
    if field[:1] == b"\x80":
        number = int.from_bytes(field[1:], "big")
        return number if number < 2**63 else None
    digits = field.strip(b" \0")
    if not digits:
        return 0
    return int(digits, 8) if all(48 <= digit < 56 for digit in digits) else None


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _next(start: int, size: int) -> int:
    return start + (size + BLOCK - 1) // BLOCK * BLOCK


def _fail(path: str, cause: str, hint: str = "") -> NoReturn:
    raise ContentError(code="layout_invalid", action="read", subject=path, cause=cause, hint=hint)
