# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a run → what a task returns, and the report file.

A task's result is printed, stored by job runners and kept in memory, so it is bounded: runners drop results of more
than 700,000 characters. What does not fit is counted in a note; the report file has everything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..._oci.errors import ImageOpsError, InputError
from ..decisions import Action, ReturnImages, Status
from ..rules.rule_parser import as_item

if TYPE_CHECKING:
    from ..._oci.image.reference import Digest
    from .outcome import ImageResult, RunResult

_IMAGES_LIMIT = 350_000
_FAILED_LIMIT = 150_000
_DIFF_LIMIT = 60_000
_WORDS_LIMIT = 500
ACTION_NAMES = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.UNCHANGED: "unchanged",
    Action.SKIP: "skipped",
    Action.UNKNOWN: "unknown",
}
"""The words of summaries for what was done."""

Mask = Callable[[str], str]


def build(result: RunResult, *, return_images: ReturnImages, mask: Mask) -> dict[str, Any]:
    """Return what the task returns of a run, without message and diff.

    :param return_images: a run with failures gives the failed images, whatever this is
    :param mask: takes secrets out of what registries said
    """
    images = sorted(result.images, key=_by_destination)
    failed = [image for image in images if image.status == Status.FAILED]
    notes = list(result.not_taken)
    listed = _bounded(
        [_image(image, mask) for image in _returned(images, failed, return_images, result)],
        limit=_IMAGES_LIMIT,
        what="images",
        notes=notes,
    )
    again = _bounded([_rule(image) for image in failed], limit=_FAILED_LIMIT, what="failed_images", notes=notes)
    return {
        "changed": result.changed,
        "images": listed,
        "failed_images": again,
        "summary": _summary(result),
        "registries": _registries(result),
        "notes": notes,
    }


def diff(result: RunResult) -> dict[str, str]:
    """Return the digest of each tag before and after, for the images that change, sorted by destination."""
    moved = [image for image in sorted(result.images, key=_by_destination) if _changes(image)]
    return {
        "before_header": "destination tags before",
        "after_header": "destination tags after",
        "before": _digest_lines(
            (image, image.previous or ("(unknown)" if image.task.unseen else None)) for image in moved
        ),
        "after": _digest_lines((image, _digest(image)) for image in moved),
    }


def full(result: RunResult, *, check_mode: bool, mask: Mask) -> dict[str, Any]:
    """Return everything that is known of a run, for the report file."""
    images = sorted(result.images, key=_by_destination)
    return {
        "check_mode": check_mode,
        "changed": result.changed,
        "interrupted": result.interrupted,
        "overdue": result.overdue,
        "summary": _summary(result),
        "images": [_image(image, mask) for image in images],
        "failed_images": [_rule(image) for image in images if image.status == Status.FAILED],
        "registries": _registries(result),
        "read_again": [
            {"digest": str(again.digest), "bytes": again.bytes, "reason": mask(again.reason)}
            for again in result.rereads
        ],
        "notes": list(result.not_taken),
    }


def prepare(path: str) -> str:
    """Check before a long run that a report can be written at its end. Return the path with links resolved.

    :raises InputError: when the directory cannot be made or written to, or the path is a directory
    """
    real = os.path.realpath(path)
    directory = os.path.dirname(real)
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        cause = error.strerror or str(error)
    else:
        if os.path.isdir(real):
            cause = "it is a directory"
        elif not os.access(directory, os.W_OK | os.X_OK):
            cause = f"{directory} is not writable"
        else:
            return real
    raise InputError(action="write the report", subject=path, cause=cause, hint="change report_path")


def write(path: str, content: dict[str, Any]) -> None:
    """Write a report as JSON in one step: a reader sees the old file or the new one, never a part.

    A new file's mode is the umask's; that of an existing one is kept. Raises OSError, and then leaves nothing behind.
    """
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        if os.path.exists(path):
            os.chmod(temporary, os.stat(path).st_mode & 0o777)
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def error_entry(error: ImageOpsError, mask: Mask) -> dict[str, Any]:
    """Return an error as results carry it."""
    entry: dict[str, Any] = {"code": error.code, "message": one_line(mask(str(error)))}
    if error.hint:
        entry["hint"] = mask(error.hint)
    status = getattr(error, "status", None)
    if status is not None:
        entry["status"] = status
    words = getattr(error, "words", "")
    if words:
        entry["words"] = one_line(mask(words))
    return entry


def one_line(text: str, limit: int = _WORDS_LIMIT) -> str:
    """Return the text on one line of at most so many characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 3]}..."


def _by_destination(image: ImageResult) -> tuple[str, str]:
    return str(image.destination), str(image.source)


def _changes(image: ImageResult) -> bool:
    return image.task.to_copy and image.status == Status.DONE


def _previous(image: ImageResult) -> object:
    return image.previous or ("(unknown)" if image.task.unseen else None)


def _digest(image: ImageResult) -> Digest | None:
    """Return what the destination has afterwards; for an image that is not there yet, what it is to have."""
    return image.previous if image.action == Action.SKIP else image.digest or image.task.digest


def _returned(
    images: Sequence[ImageResult], failed: Sequence[ImageResult], return_images: ReturnImages, result: RunResult
) -> Sequence[ImageResult]:
    if return_images == ReturnImages.NONE:
        return []
    if failed or (result.interrupted and not result.overdue):
        return failed
    if return_images == ReturnImages.ALL:
        return images
    return [image for image in images if image.action != Action.UNCHANGED]


def _image(image: ImageResult, mask: Mask) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "source": str(image.source),
        "destination": str(image.destination),
        "action": image.action.value,
        "status": image.status.value,
        "reason": image.reason,
        "digest": _text(_digest(image)),
        "previous_digest": _text(image.previous),
        "bytes": image.bytes,
        "blobs_copied": image.blobs_copied,
        "blobs_mounted": image.blobs_mounted,
        "blobs_present": image.blobs_present,
        "attempts": image.attempts,
        "seconds": round(image.seconds, 3),
    }
    if image.notes:
        entry["notes"] = list(image.notes)
    if image.error is not None:
        entry["error"] = error_entry(image.error, mask)
    return entry


def _text(digest: Digest | None) -> str | None:
    return str(digest) if digest else None


def _rule(image: ImageResult) -> dict[str, Any]:
    """Return the item of ``images`` that copies this image again, and nothing else.

    Where a repository's tags could not be listed no image is known yet, and the whole rule comes back.
    """
    rule = image.rule
    item = as_item(rule, image.source, image.destination)
    if rule.source.selects_by_listing and image.source.tag is None:
        if rule.source.pattern is not None:
            item["source"] = f"{rule.source.name}:/{rule.source.pattern.pattern}/"
        written = next((each for each in rule.destinations if each.name == image.destination.name), None)
        named = written and (written.tag_template or ",".join(written.tags or ()))
        if named:
            item["destination"] = f"{image.destination.name}:{named}"
        tags = rule.tags.as_option()
        if tags:
            item["tags"] = tags
    return item


def _summary(result: RunResult) -> dict[str, Any]:
    images = result.images
    summary: dict[str, Any] = {"images": len(images)}
    for action, name in ACTION_NAMES.items():
        summary[name] = sum(image.action == action and image.status == Status.DONE for image in images)
    for status in (Status.FAILED, Status.PENDING):
        summary[status.value] = sum(image.status == status for image in images)
    for number in ("bytes", "blobs_copied", "blobs_mounted", "blobs_present"):
        summary[number] = sum(getattr(image, number) for image in images)
    summary["blobs_read_again"] = len(result.rereads)
    summary["seconds"] = round(result.seconds, 3)
    return summary


def _registries(result: RunResult) -> dict[str, Any]:
    return {
        host: {"requests": stats.requests, "bytes_read": stats.bytes_read, "bytes_written": stats.bytes_written}
        for host, stats in sorted(result.registries.items())
    }


def _bounded(entries: Sequence[dict[str, Any]], *, limit: int, what: str, notes: list[str]) -> list[dict[str, Any]]:
    """Return the entries that fit into so many characters. A note says when some did not."""
    size = 0
    for position, entry in enumerate(entries):
        size += len(json.dumps(entry))
        if size > limit:
            notes.append(
                f"{what} lists the first {position} of {len(entries)}, more would be dropped by job runners; "
                "set report_path to have all of them in a file"
            )
            return list(entries[:position])
    return list(entries)


def _digest_lines(pairs: Iterable[tuple[ImageResult, object]]) -> str:
    lines = [f"{image.destination} {digest or '(absent)'}\n" for image, digest in pairs]
    size = 0
    for position, line in enumerate(lines):
        size += len(line)
        if size > _DIFF_LIMIT:
            return "".join(lines[:position]) + f"and {len(lines) - position} more\n"
    return "".join(lines)
