# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options ``lock_path``, ``lock`` and ``lock_missing``, and the file that they name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..._oci.errors import InputError
from ..._sync.decisions import LockMissing, LockMode
from ..._sync.results import report_files
from ..._sync.results.arrivals import arrived
from ..._sync.results.atomic_file import replace_file
from ..._sync.rules.lock import Lock, LockUse, parse_lock

if TYPE_CHECKING:
    from ..._sync.results.outcome import RunResult

_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class LockFile:
    """The lock of a task.

    :ivar before: what it has when the task begins
    :ivar missing: what is done with a tag that it does not have, when it is used
    """

    path: str
    mode: LockMode
    before: Lock
    missing: LockMissing

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> LockFile | None:
        """Return the lock that the options name; None when they name none.

        :raises InputError: when it cannot be read, or not be written at the end
        """
        if not params["lock_path"] and not params["lock"]:
            return None
        if not params["lock_path"] or not params["lock"]:
            raise InputError(
                subject="the options lock_path and lock", cause="one of them is empty", hint="give both or none"
            )
        mode = LockMode(params["lock"])
        shard = params["shard"]
        if mode == LockMode.UPDATE and shard and shard["by"] == "tag":
            raise InputError(
                subject="lock: update",
                cause="the tags of one repository are divided, and no shard knows all of them",
                hint="update the lock in a task without shard, and copy with lock: use in the shards",
            )
        (path,) = report_files.prepare(params["lock_path"], "lock_path")
        if shard:
            own = _of_shard(path, shard)
            path = own if mode == LockMode.UPDATE or os.path.exists(own) else path
        return cls(path, mode, _read(path, mode), LockMissing(params["lock_missing"]))

    @property
    def use(self) -> LockUse | None:
        """Return what is copied whatever the tags name; None when the tags decide."""
        return LockUse(self.before, self.missing) if self.mode == LockMode.USE else None

    def after(self, result: RunResult) -> Lock:
        """Return what the lock has after a run; in check mode, what it would have."""
        return self.before if self.mode == LockMode.USE else self.before.having(arrived(result.images))

    def write(self, result: RunResult) -> None:
        """Write what has changed; nothing, when nothing has. Raises OSError."""
        after = self.after(result)
        if after != self.before:
            replace_file(self.path, after.render())

    def told(self, result: RunResult) -> dict[str, Any]:
        """Return what the task's result says of the lock."""
        after = self.after(result)
        changed = sum(1 for line in after.changes(self.before) if line.startswith("+"))
        return {"path": self.path, "images": len(after.digests), "changed": changed}

    def diff(self, result: RunResult) -> Sequence[str]:
        """Return the lines of a diff of the lock."""
        return list(self.after(result).changes(self.before))


def _of_shard(path: str, shard: Mapping[str, Any]) -> str:
    """Return the path of a shard's own lock: ``mirror.lock.json`` becomes ``mirror.lock-0-of-4.json``."""
    root, suffix = os.path.splitext(path)
    return f"{root}-{shard['index']}-of-{shard['count']}{suffix}"


def _read(path: str, mode: LockMode) -> Lock:
    try:
        with open(path, "rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        if mode == LockMode.UPDATE:
            return Lock()
        raise InputError(
            action="read the lock", subject=path, cause="it is not there", hint="make it with lock: update"
        ) from None
    except OSError as error:
        raise InputError(
            action="read the lock", subject=path, cause=error.strerror or str(error), hint="change lock_path"
        ) from None
    if len(raw) > _MAX_BYTES:
        raise InputError(
            action="read the lock", subject=path, cause="it is larger than 64 MiB", hint="change lock_path"
        )
    return parse_lock(raw, path)
