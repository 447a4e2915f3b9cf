# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of all shards of a task → one report, and what a task returns of it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .amounts import one_line, size
from .report import ACTION_NAMES, bounded
from .rerun import merged_rules

UNKNOWN = "shard_unknown"
"""The code of a shard of which there is no report."""
_MOST_CAUSES = 6
_MOST_SHARDS = 5
_MOST_NAMED = 3
_MOST_RULES = 40
_IMAGES_LIMIT = 350_000


@dataclass(frozen=True)
class Share:
    """What is known of one shard after a run.

    :ivar host: the host that had it
    :ivar report: the content of its report file; None when it has none
    :ivar fault: what its host says of a run that ended badly; empty when it says nothing
    :ivar rules: what may be in it, as text
    """

    index: int
    host: str
    report: Mapping[str, Any] | None
    fault: str = ""
    rules: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Return its number and its host."""
        return f"{self.index} ({self.host})"

    @property
    def state(self) -> str:
        """Return ``unknown``, ``failed``, ``pending`` or ``done``."""
        if self.report is None:
            return "unknown"
        if self.report["summary"]["failed"]:
            return "failed"
        return "pending" if self.report["interrupted"] or self.report["summary"]["pending"] else "done"


def merge(shares: Sequence[Share]) -> dict[str, Any]:
    """Return one report of all shards, in the form of the report of a run, with ``shards`` besides.

    :param shares: one for each shard, in the order of their numbers
    """
    known = [(share, share.report) for share in shares if share.report is not None]
    reports = [report for _share, report in known]
    images = [image for report in reports for image in report["images"]]
    return {
        **_circumstances(reports),
        "shards": [_entry(share) for share in shares],
        "timeline": [
            {**span, "phase": f"{share.host}: {span['phase']}"}
            for share, report in known
            for span in report.get("timeline", ())
        ],
        "check_mode": any(report["check_mode"] for report in reports),
        "changed": any(report["changed"] for report in reports),
        "interrupted": any(report["interrupted"] for report in reports),
        "overdue": any(report["overdue"] for report in reports),
        "summary": _summary(reports),
        "images": sorted(images, key=lambda image: (image["destination"], image["source"])),
        "failed_images": merged_rules([rule for report in reports for rule in report["failed_images"]]),
        "registries": _registries(reports),
        "read_again": [again for report in reports for again in report["read_again"]],
        "notes": list(dict.fromkeys(note for report in reports for note in report["notes"])),
    }


def returned(merged: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a task returns of a merged report, bounded like the result of a run."""
    notes = list(merged["notes"])
    failed = [image for image in merged["images"] if image["status"] == "failed"]
    changes = failed or [image for image in merged["images"] if image["action"] != "unchanged"]
    result: dict[str, Any] = {
        "changed": merged["changed"],
        "images": bounded(changes, limit=_IMAGES_LIMIT, what="images", notes=notes),
        **{name: merged[name] for name in ("shards", "summary", "registries")},
        "notes": notes,
    }
    if failed:
        result["causes"] = _causes(failed)
    if len(merged["failed_images"]) <= _MOST_RULES:
        return {**result, "failed_images": merged["failed_images"]}
    return {**result, "failed_images_left_out": len(merged["failed_images"])}


def codes(merged: Mapping[str, Any]) -> list[str]:
    """Return the codes of all errors in a merged report; none for a run that went well."""
    found = {image["error"]["code"] for image in merged["images"] if image["status"] == "failed" and "error" in image}
    if any(shard["state"] == "unknown" for shard in merged["shards"]):
        found.add(UNKNOWN)
    if merged["interrupted"] and not merged["overdue"]:
        found.add("interrupted")
    return sorted(found)


def message(merged: Mapping[str, Any]) -> str:
    """Return the message of a merged report: one line, and of what went wrong at most 20 more."""
    summary, shards = merged["summary"], merged["shards"]
    counts = [f"{summary[name]} {name}" for name in (*ACTION_NAMES.values(), "failed", "pending") if summary[name]]
    amount = f"{size(summary['bytes'])} {'would be written' if merged['check_mode'] else 'written'}"
    lines = [f"{summary['images']} images in {len(shards)} shards: {', '.join(counts) or 'none done'}; {amount}"]
    unknown = [shard for shard in shards if shard["state"] == "unknown"]
    for shard in unknown[:_MOST_SHARDS]:
        why = shard.get("error") or "its host has no report"
        rules = "; ".join(shard["rules"][:_MOST_NAMED])
        lines.append(one_line(f"shard {shard['index']} of {shard['host']} is unknown: {why}"))
        lines.append("  " + one_line(f"not known: what has become of {rules or 'its rules'}"))
    if len(unknown) > _MOST_SHARDS:
        lines.append(f"and {len(unknown) - _MOST_SHARDS} more shards are unknown")
    for cause in _causes([image for image in merged["images"] if image["status"] == "failed"])[:_MOST_CAUSES]:
        lines.append(one_line(f"{cause['code']}, {cause['count']} images: {cause['message']}"))
    if unknown:
        lines.append("what to do: see why on these hosts, and run it again; what is there already is not copied again")
    return "\n".join(lines)


def _entry(share: Share) -> dict[str, Any]:
    """Return what the report says of a shard: of one that is unknown also what may be in it."""
    entry: dict[str, Any] = {"index": share.index, "host": share.host, "state": share.state}
    if share.report is not None:
        return {**entry, "summary": share.report["summary"], "run": share.report.get("run", {})}
    return {**entry, "rules": list(share.rules), **({"error": one_line(share.fault)} if share.fault else {})}


def _circumstances(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return who ran it, from the first beginning to the last end, and what was asked for."""
    runs = [report["run"] for report in reports if report.get("run")]
    if not runs:
        return {}
    times = {"started": min(run["started"] for run in runs), "ended": max(run["ended"] for run in runs)}
    inputs = {(given["name"], given["sha256"]): given for report in reports for given in report.get("inputs", ())}
    return {
        "run": {**runs[0], **times},
        "rules": list(reports[0].get("rules", ())),
        "inputs": list(inputs.values()),
    }


def _summary(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sum of every number; of the seconds the most, since hosts work at the same time."""
    names = [*dict.fromkeys(name for report in reports for name in report["summary"])] or [
        *("images", *ACTION_NAMES.values(), "failed", "pending", "bytes", "seconds")
    ]
    summary = {name: sum(report["summary"].get(name, 0) for report in reports) for name in names}
    summary["seconds"] = max((report["summary"]["seconds"] for report in reports), default=0.0)
    return summary


def _registries(reports: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for report in reports:
        for host, numbers in report["registries"].items():
            known = found.setdefault(host, dict.fromkeys(numbers, 0))
            for name, number in numbers.items():
                known[name] = known.get(name, 0) + number
    return dict(sorted(found.items()))


def _causes(failed: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each error code once: how many images have it, the first message, what to do, and the first images."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for image in failed:
        if image.get("error"):
            groups.setdefault(image["error"]["code"], []).append(image)
    causes = []
    for code, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        error = group[0]["error"]
        cause = {"code": code, "count": len(group), "message": error["message"]}
        hint = {"hint": error["hint"]} if error.get("hint") else {}
        causes.append({**cause, **hint, "images": [image["destination"] for image in group[:_MOST_NAMED]]})
    return causes
