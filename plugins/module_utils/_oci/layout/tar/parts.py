# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives in parts, which are carried separately and read as one: ``PATH.tar.<set>.part001`` and so on.

The inventory beside them lists each with its length and digest. What stands for the set in their names is made of these
digests, so that a new set does not replace files of an older one: the new inventory, in one step, says which counts.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NoReturn

from ...client.run import Run
from ...errors import Code, ContentError, ImageOpsError
from ...image.reference import Digest
from ..content import Part, failed
from .headers import Span
from .reader import open_regular

MAX_PARTS = 400
_PIECE = 1024 * 1024
_NAME = r"\.[0-9a-f]{8}\.part[0-9]{3}"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


def part_paths(path: str, parts: Sequence[Part]) -> list[str]:
    """Return where the parts of an archive lie.

    :param path: of the archive
    """
    together = hashlib.sha256("".join(str(part.digest) for part in parts).encode()).hexdigest()[:8]
    return [f"{path}.{together}.part{number:03}" for number in range(1, len(parts) + 1)]


def spans_of_parts(starts: Sequence[int], end: int, size: int) -> list[Span]:
    """Return where an archive is cut: between members where one fits in a part, else within it.

    :param starts: of its members, in ascending order, the first at 0
    :param end: of the archive
    :param size: which no part exceeds
    """
    spans, begin = [], 0
    for start, following in zip(starts, [*starts[1:], end]):
        if following - begin > size >= following - start:
            spans.append(Span(begin, start - begin))
            begin = start
        while following - begin > size:
            spans.append(Span(begin, size))
            begin += size
    return [*spans, Span(begin, end - begin)]


def cut(fd: int, path: str, spans: Sequence[Span], run: Run) -> list[Part]:
    """Cut a file into parts, from its end on, and shorten it by each, so that there is room needed for one alone.

    :param fd: of the file, which is empty afterwards
    :param path: of the archive that the parts are of
    :raises ImageOpsError: storage_failed; the parts are removed then
    """
    parts: list[Part] = []
    written: list[str] = []
    try:
        for number, span in reversed(list(enumerate(spans, 1))):
            written.append(_temporary(path, number))
            parts.insert(0, _written(fd, span, written[-1], run))
            os.ftruncate(fd, span.start)
        for number, final in enumerate(part_paths(path, parts), 1):
            os.replace(_temporary(path, number), final)
    except OSError as fault:
        raise failed("write", fault.filename or path, fault) from fault
    finally:
        for each in written:
            with suppress(OSError):
                os.unlink(each)
    return parts


def _temporary(path: str, number: int) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.part{number:03}.new")


def _written(source: int, span: Span, path: str, run: Run) -> Part:
    hasher = hashlib.sha256()
    fd = os.open(path, _NEW, 0o666)
    with open(fd, "wb") as file:
        os.posix_fallocate(fd, 0, span.length)
        for block in _blocks(source, span):
            run.check(action="write", subject=path)
            hasher.update(block)
            file.write(block)
        file.flush()
        os.fsync(fd)
    return Part(span.length, Digest("sha256", hasher.digest()))


def _blocks(fd: int, span: Span) -> Iterator[bytes]:
    for position in range(span.start, span.start + span.length, _PIECE):
        yield os.pread(fd, min(_PIECE, span.start + span.length - position), position)


def open_parts(path: str, parts: Sequence[Part], run: Run, *, hashed: bool) -> list[int]:
    """Open all parts of an archive, each of the length, and the digest where that is wanted, which the inventory says.

    :param path: of the archive
    :raises ContentError: bundle_missing, layout_invalid, with the parts concerned
    """
    paths = part_paths(path, parts)
    fds: list[int] = []
    try:
        missing = []
        for each in paths:
            fd = open_regular(each)
            if fd < 0:
                missing.append(os.path.basename(each))
            else:
                fds.append(fd)
        if missing:
            _fail("bundle_missing", path, f"of its {len(paths)} parts {_listed(missing)} missing", _COPY)
        wrong = [
            os.path.basename(each)
            for each, fd, part in zip(paths, fds, parts)
            if os.fstat(fd).st_size != part.size or (hashed and _digest(fd, part.size, each, run) != part.digest)
        ]
        if wrong:
            cause = f"of its {len(paths)} parts {_listed(wrong)} damaged: not of the length and digest in its inventory"
            _fail("layout_invalid", path, cause, "copy them again")
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise
    return fds


_COPY = "copy all parts that its inventory lists into one folder, with the inventory"


def _digest(fd: int, size: int, path: str, run: Run) -> Digest:
    hasher = hashlib.sha256()
    try:
        for block in _blocks(fd, Span(0, size)):
            run.check(action="read", subject=path)
            hasher.update(block)
    except OSError as fault:
        raise failed("read", path, fault) from fault
    return Digest("sha256", hasher.digest())


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'}"


def _fail(code: Code, path: str, cause: str, hint: str) -> NoReturn:
    raise ContentError(code=code, action="read", subject=path, cause=cause, hint=hint)


def check_number(path: str, spans: Sequence[Span]) -> None:
    """Raise where an archive would have more parts than are handled.

    :raises ImageOpsError: storage_failed
    """
    if len(spans) > MAX_PARTS:
        raise ImageOpsError(
            code="storage_failed",
            action="write",
            subject=path,
            cause=f"it would have {len(spans)} parts, more than {MAX_PARTS}",
            hint="give a larger archive_size; what was there is as it was",
        )


def parts_in_folder(path: str) -> list[str]:
    """Return all files that are named as parts of an archive, of whichever set, and those of a killed run."""
    folder, name = os.path.split(path)
    own = re.compile(rf"{re.escape(name)}{_NAME}|\.{re.escape(name)}\.part[0-9]{{3}}\.new")
    try:
        return sorted(os.path.join(folder, each) for each in os.listdir(folder) if own.fullmatch(each))
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise failed("read", folder, fault) from fault


def remove_others(path: str, parts: Sequence[Part]) -> None:
    """Remove parts that are not of this set."""
    for each in sorted(set(parts_in_folder(path)).difference(part_paths(path, parts))):
        try:
            os.unlink(each)
        except OSError as fault:
            raise failed("write", each, fault) from fault
