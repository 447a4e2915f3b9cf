# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock: which digest each tag of a source had when it was last copied, as a file that is kept beside the rules.

The file is JSON with one line a tag, in the order of the names, so that a change of it can be read and reviewed. The
digest is what the source's tag named, before platforms are chosen. No I/O.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..._oci.errors import InputError
from ..._oci.image.reference import Digest, Reference, quoted
from ..._oci.image.strict_json import JsonFault, loads
from ..decisions import LockMissing

VERSION = 1
_FORM = "make a new one with lock: update"


@dataclass(frozen=True)
class Lock:
    """What the tags of sources named.

    :ivar digests: by the source's reference, with its tag and without a digest
    """

    digests: Mapping[Reference, Digest] = field(default_factory=dict)

    def tags(self, name: str) -> list[str]:
        """Return the tags of a repository that are locked."""
        return [ref.tag for ref in self.digests if ref.name == name and ref.tag is not None]

    def having(self, arrived: Mapping[Reference, Digest]) -> Lock:
        """Return the lock with these entries; the others stay as they are."""
        return Lock({**self.digests, **arrived})

    def render(self) -> str:
        """Return the text of the file."""
        images = {str(ref): str(digest) for ref, digest in self._sorted()}
        return json.dumps({"version": VERSION, "images": images}, indent=2, ensure_ascii=False) + "\n"

    def changes(self, before: Lock) -> Iterable[str]:
        """Yield the lines of a diff from another lock to this one."""
        for ref, digest in self._sorted():
            old = before.digests.get(ref)
            if old != digest:
                if old is not None:
                    yield f"-{ref} {old}"
                yield f"+{ref} {digest}"

    def _sorted(self) -> list[tuple[Reference, Digest]]:
        return sorted(self.digests.items(), key=lambda entry: str(entry[0]))


class LockUse(NamedTuple):
    """A lock whose digests are copied, whatever the tags name now.

    :ivar missing: what is done with a tag that has no entry
    """

    lock: Lock
    missing: LockMissing


def parse_lock(raw: bytes, path: str) -> Lock:
    """Take the content of a lock.

    :raises InputError: for anything but what :meth:`Lock.render` gives, naming the file
    """
    try:
        document = loads(raw, once=True)
    except JsonFault as fault:
        raise _refusal(path, str(fault)) from None
    version = document.get("version") if isinstance(document, dict) else None
    if version != VERSION or isinstance(version, bool):
        raise _refusal(path, f"it is no lock of version {VERSION}")
    images = document.get("images")
    if not isinstance(images, dict) or set(document) != {"version", "images"}:
        raise _refusal(path, "it has not exactly the keys version and images")
    digests: dict[Reference, Digest] = {}
    for text, digest in images.items():
        try:
            ref = Reference.parse(text)
            digests[ref] = Digest.parse(digest)
        except InputError as fault:
            raise _refusal(path, f"{fault.subject}: {fault.cause}") from None
        if ref.tag is None or ref.digest is not None:
            raise _refusal(path, f"{quoted(text)} does not name a tag")
    return Lock(digests)


def _refusal(path: str, cause: str) -> InputError:
    return InputError(action="read the lock", subject=path, cause=cause, hint=_FORM)
