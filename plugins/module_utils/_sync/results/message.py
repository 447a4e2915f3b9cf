# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one message that a run ends with, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..decisions import Action, Status
from .amounts import images, one_line, size
from .report import ACTION_NAMES

if TYPE_CHECKING:
    from ..._oci.errors import ImageOpsError
    from .outcome import ImageResult, RunResult

_GROUPS = 6
_NAMED = 3
_CORRECTED = 40  # every name that has to be corrected
_INVALID = "invalid_input"
_DETAIL = 490
_NAMES_LIMIT = 470
_UNKNOWN = "; unknown: the destination does not show this login what it has"

_Failure = tuple["ImageResult", "ImageOpsError"]


def success_message(result: RunResult, *, check_mode: bool) -> str:
    """Return one line: how many images there are, what was or would be done, and how many bytes that is."""
    if not result.images:
        return "the images are not known yet" if result.overdue else "no images to copy"
    text = f"{images(len(result.images))}: {_counts(result, check_mode=check_mode)}"
    amount = size(sum(image.bytes for image in result.images))
    if check_mode:
        return f"{text}; {amount} would be written{_UNKNOWN if _any_unknown(result) else ''}"
    return "; ".join([text, f"{amount} written in {result.seconds:.1f} s", *result.needs])


def overdue_message(result: RunResult) -> str:
    """Return the warning that the time of a run was not enough."""
    pending = sum(image.status == Status.PENDING for image in result.images)
    what = f"pending: {pending} of {images(len(result.images))}" if result.images else "its images are not known yet"
    return (
        f"max_runtime ended the run after {result.seconds:.1f} s; {what}. No destination tag points to anything "
        "incomplete; run it again to go on"
    )


def failure_message(result: RunResult, *, check_mode: bool, signal: str = "") -> str:
    """Return at most 20 lines: how many images failed, grouped by error code, each group with why and what to do.

    :param signal: the name of the signal that interrupted the run, if one did
    """
    failures = [
        (image, image.error) for image in result.images if image.error is not None and image.status == Status.FAILED
    ]
    lines = [_headline(result, len(failures), signal, check_mode)]
    groups = _grouped(failures)
    for code, group in groups[:_GROUPS]:
        lines.extend(_group_lines(code, group))
    rest = groups[_GROUPS:]
    if rest:
        codes = ", ".join(f"{code} ({len(group)})" for code, group in rest)
        lines.append(one_line(f"and {images(sum(len(group) for _code, group in rest))} more: {codes}"))
    return "\n".join(lines)


def _headline(result: RunResult, failed: int, signal: str, check_mode: bool) -> str:
    text = f"{failed} of {images(len(result.images))} failed ({_counts(result, check_mode=check_mode)})"
    if signal or (result.interrupted and not result.overdue):
        by = f" by {signal}" if signal else ""
        return f"interrupted{by}; no destination tag points to anything incomplete, run it again to go on. {text}"
    return text


def _counts(result: RunResult, *, check_mode: bool) -> str:
    """Return ``3 created, 8 unchanged``: what is done, or in check mode would be, and what is not finished."""
    names = dict(ACTION_NAMES)
    if check_mode:
        names.update({Action.CREATE: "to create", Action.UPDATE: "to update", Action.DELETE: "to delete"})
    counts = {
        name: sum(image.action == action and image.status == Status.DONE for image in result.images)
        for action, name in names.items()
    }
    pending = [image for image in result.images if image.status == Status.PENDING]
    counts["not tried"] = sum(not image.attempts for image in pending)
    counts["not finished"] = sum(bool(image.attempts) for image in pending)
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none done"


def _any_unknown(result: RunResult) -> bool:
    return any(image.action == Action.UNKNOWN for image in result.images)


def _grouped(failures: Iterable[_Failure]) -> list[tuple[str, list[_Failure]]]:
    """Return the failures by error code, the largest group first."""
    groups: dict[str, list[_Failure]] = {}
    for image, error in failures:
        groups.setdefault(error.code, []).append((image, error))
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))


def _group_lines(code: str, group: Sequence[_Failure]) -> Iterable[str]:
    first = group[0][1]
    why = f"cannot {first.action} {first.subject}: {first.cause}"
    words = getattr(first, "words", "")
    if words and words not in why:
        why = f"{why}; it said: {words}"
    yield one_line(f"{code}, {images(len(group))}: {why}")
    what = "deleted" if all(image.action == Action.DELETE for image, _error in group) else "written"
    yield "  " + one_line(f"not {what}: {_some(group, _CORRECTED if code == _INVALID else _NAMED)}", _DETAIL)
    if first.hint:
        yield "  " + one_line(f"what to do: {first.hint}", _DETAIL)


def _some(group: Sequence[_Failure], most: int) -> str:
    """Return the first destinations, as many as fit into the limit, and how many more there are."""
    names = [str(image.destination) for image, _error in group[:most]]
    while True:
        more = len(group) - len(names)
        text = ", ".join(names) + (f" and {more} more" if more else "")
        if len(text) <= _NAMES_LIMIT or len(names) <= 1:
            return text
        names.pop()
