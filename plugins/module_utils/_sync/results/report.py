# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a run → what a task returns, and the report file.

A task's result is printed, stored by job runners and kept in memory, so it is bounded: runners drop results of more
than 700,000 characters. What does not fit is counted in a note; the report file has everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..._oci.errors import ImageOpsError
from ..decisions import Action, ReferrerState, ReturnImages, Status
from ..rules.rule_parser import as_item
from .amounts import one_line, size
from .rerun import merged_rules

if TYPE_CHECKING:
    from ..._oci.image.reference import Digest
    from ..plan.referrers import Referrer
    from .outcome import ImageResult, RunResult
    from .progress.counters import Span

_IMAGES_LIMIT = 350_000
_FAILED_LIMIT = 10_000
_MOST_RULES = 40
_MOST_FAILED = 3
_MOST_NAMED = 3
_DIFF_LINES = 200
ACTION_NAMES = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.UNCHANGED: "unchanged",
    Action.SKIP: "skipped",
    Action.UNKNOWN: "unknown",
    Action.DELETE: "deleted",
}
"""The words of summaries for what was done."""

Mask = Callable[[str], str]


def build(result: RunResult, *, return_images: ReturnImages, mask: Mask, check_mode: bool = False) -> dict[str, Any]:
    """Return what the task returns of a run, without message and diff.

    :param return_images: a run with failures gives the failed images, whatever this is
    :param mask: takes secrets out of what registries said
    """
    images = result.images
    failed = [image for image in images if image.status == Status.FAILED]
    notes = list(result.not_taken)
    returned = _returned(images, failed, return_images, result)
    listed = bounded([_image(image, mask) for image in returned], limit=_IMAGES_LIMIT, what="images", notes=notes)
    built: dict[str, Any] = {"changed": result.changed, "images": listed}
    if failed:
        built["causes"] = _causes(failed, mask)
    again = failed_rules(result)
    # In check mode they tell what cannot be written yet, which a playbook has to see whole.
    if check_mode or (len(again) <= _MOST_RULES and len(json.dumps(again)) <= _FAILED_LIMIT):
        built["failed_images"] = again
    else:
        built["failed_images_left_out"] = len(again)
    return {
        **built,
        "summary": _summary(result),
        "registries": _registries(result),
        "notes": notes,
    }


def failed_rules(result: RunResult) -> list[dict[str, Any]]:
    """Return the failed images as items of the option ``images``; the tags of one pair of repositories are one item.

    What could not be deleted is not among them: only the whole rule says what goes.
    """
    copies = (image for image in result.images if image.status == Status.FAILED)
    failed = [image for image in copies if image.action != Action.DELETE]
    return merged_rules([_rule(image) for image in failed])


def _causes(failed: Sequence[ImageResult], mask: Mask) -> list[dict[str, Any]]:
    """Return each error code once: how many images have it, the first message, what to do, and the first images."""
    causes = []
    for group in _by_code(failed):
        first = group[0][1]
        what = f"cannot {first.action} {first.subject}: {first.cause}"
        cause: dict[str, Any] = {"code": first.code, "count": len(group), "message": one_line(mask(what))}
        if first.hint:
            cause["hint"] = mask(first.hint)
        causes.append({**cause, "images": [str(image.destination) for image, _error in group[:_MOST_NAMED]]})
    return causes


def _by_code(failed: Sequence[ImageResult]) -> list[list[tuple[ImageResult, ImageOpsError]]]:
    """Return failed images with their errors in a group for each error code, the largest group first."""
    groups: dict[str, list[tuple[ImageResult, ImageOpsError]]] = {}
    for image in failed:
        if image.error is not None:
            groups.setdefault(image.error.code, []).append((image, image.error))
    return sorted(groups.values(), key=lambda group: (-len(group), group[0][1].code))


def _examples(failed: Sequence[ImageResult]) -> list[ImageResult]:
    """Return few of the failed images, of as many error codes as can be."""
    groups = _by_code(failed)
    turns = (group[turn][0] for turn in range(_MOST_FAILED) for group in groups if turn < len(group))
    return sorted(islice(turns, _MOST_FAILED), key=_by_destination)


def diff(result: RunResult, lock: Sequence[str] = ()) -> dict[str, str]:
    """Return what changes, for people: each tag's digest before and after next to each other, new ones alone.

    What refers to an image follows it.

    :param lock: the lines of what changes in the lock, which come last
    """
    moved = [image for image in result.images if _changes(image)]
    amount = size(sum(image.bytes for image in moved))
    lines = [
        *_part("destination tags", f", {amount}", [line for image in moved for line in _diff_lines(image)]),
        *_part("lock", "", lock),
    ]
    return {"prepared": "".join(f"{line}\n" for line in lines)}


def _part(what: str, more: str, lines: Sequence[str]) -> Iterable[str]:
    if not lines:
        return []
    shown = lines
    if len(lines) > _DIFF_LINES:
        shown = [*lines[: _DIFF_LINES - 1], f"and {len(lines) - _DIFF_LINES + 1} more lines"]
    return [f"--- {what} before", f"+++ {what} after{more}", *shown]


def _diff_lines(image: ImageResult) -> Iterable[str]:
    if image.previous != _digest(image):
        if image.previous is not None or image.task.unseen:
            yield f"-{image.destination} {image.previous or '(unknown)'}"
        if image.action != Action.DELETE:
            yield f"+{image.destination} {_digest(image)}"
    if image.backup is not None:
        yield f"+{image.backup} {image.previous} (backup)"
    for backup in image.removed_backups:
        yield f"-{backup} (backup)"
    for referrer, state in image.referrers.items():
        if state == ReferrerState.COPIED:
            yield f"+{image.destination.name}@{referrer.subject} {referrer.type} {referrer.digest}"


def full(
    result: RunResult,
    *,
    check_mode: bool,
    mask: Mask,
    circumstances: Mapping[str, Any] | None = None,
    timeline: Sequence[Span] = (),
) -> dict[str, Any]:
    """Return everything that is known of a run, for the report file.

    :param circumstances: further keys: who ran it and when, and what was asked for
    :param timeline: what was done when, and which registries had asked for a wait
    """
    return {
        **(circumstances or {}),
        "timeline": [_span(span) for span in timeline],
        "check_mode": check_mode,
        "changed": result.changed,
        "interrupted": result.interrupted,
        "overdue": result.overdue,
        "summary": _summary(result),
        "images": [_image(image, mask) for image in result.images],
        "failed_images": failed_rules(result),
        "registries": _registries(result),
        "read_again": [
            {"digest": str(again.digest), "bytes": again.bytes, "reason": mask(again.reason)}
            for again in result.rereads
        ],
        "notes": list(result.not_taken),
    }


def _span(span: Span) -> dict[str, Any]:
    entry = {"phase": span.phase, "from": round(span.begin, 3), "to": round(span.end, 3)}
    return {**entry, "waiting_for": span.waiting_for} if span.waiting_for else entry


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


def _by_destination(image: ImageResult) -> tuple[str, str]:
    return str(image.destination), str(image.source)


def _changes(image: ImageResult) -> bool:
    return (image.task.to_copy or image.action == Action.DELETE) and image.status == Status.DONE


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
        return _examples(failed)
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
    if image.referrers:
        entry["referrers"] = [_referrer(one, state) for one, state in image.referrers.items()]
    if image.backup is not None:
        entry["backup"] = str(image.backup)
    if image.removed_backups:
        entry["removed_backups"] = [str(backup) for backup in image.removed_backups]
    if image.notes:
        entry["notes"] = list(image.notes)
    if image.error is not None:
        entry["error"] = error_entry(image.error, mask)
    return entry


def _referrer(referrer: Referrer, state: ReferrerState) -> dict[str, Any]:
    return {
        "type": referrer.type,
        "digest": str(referrer.digest),
        "subject": str(referrer.subject),
        "tag": referrer.tag,
        "state": state.value,
    }


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
    summary["not_locked"] = result.not_locked
    for status in (Status.FAILED, Status.PENDING):
        summary[status.value] = sum(image.status == status for image in images)
    for number in ("bytes", "blobs_copied", "blobs_mounted", "blobs_present"):
        summary[number] = sum(getattr(image, number) for image in images)
    for state in ReferrerState:
        summary[f"referrers_{state.value}"] = sum(list(image.referrers.values()).count(state) for image in images)
    summary["blobs_read_again"] = len(result.rereads)
    summary["seconds"] = round(result.seconds, 3)
    return summary


def _registries(result: RunResult) -> dict[str, Any]:
    return {
        host: {
            "requests": stats.requests,
            "ranges": stats.ranges,
            "bytes_read": stats.bytes_read,
            "bytes_written": stats.bytes_written,
            "seconds": round(stats.seconds, 3),
        }
        for host, stats in sorted(result.registries.items())
    }


def bounded(entries: Sequence[dict[str, Any]], *, limit: int, what: str, notes: list[str]) -> list[dict[str, Any]]:
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
