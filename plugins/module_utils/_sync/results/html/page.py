# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one page of HTML that needs no network: a person reads it, and it can be the record of a migration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ..amounts import size
from .parts import LANGUAGES, SCRIPT, STYLE

_NAMED = 3
_BAR = 420
_ROW = 22
_LABEL = 320
_TIMELINE = 660
_STATES = ("failed", "pending", "create", "update", "delete", "unchanged", "skip", "unknown")
_COLUMNS = ("state", "source", "destination", "previous", "digest", "bytes", "seconds")
_MOST_BARS = 1000


def page(report: Mapping[str, Any], *, language: str = "en") -> str:
    """Return the page for a report.

    :param report: the content of the JSON report, with every secret already masked
    :param language: ``en`` or ``zh``
    """
    words, states = LANGUAGES[language]
    images = [_entry(image, words) for image in report["images"]]
    parts = [
        _head(report, words),
        _cards(images, report["summary"], words, states),
        _section(words["asked"], _list(report.get("rules", ())) + _inputs(report.get("inputs", ()))),
        _section(words["shards"], _list(_shards(report.get("shards", ()), words, states))),
        _section(words["registries"], _chart(report["registries"], words)),
        _section(words["timeline"], _timeline(report.get("timeline", ()), words)),
        _section(words["errors"], _causes(report["images"], words)),
        _section(words["not_taken"], _list(report["notes"])),
        _table(words, states),
    ]
    # Without the names of the keys ten thousand images are a third smaller, and sooner read.
    rows = [list(image.values()) for image in images]
    data = {"keys": [*_COLUMNS, "why"], "images": rows, "words": {**words, "states": states}}
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'\">"
        f"<title>{escape(words['title'])}</title><style>{STYLE}</style></head><body><main>{''.join(parts)}</main>"
        f'<script type="application/json" id="data">{_embedded(data)}</script><script>{SCRIPT}</script></body></html>\n'
    )


def _embedded(data: object) -> str:
    """Return JSON that cannot end the element it stands in."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _state(image: Mapping[str, Any]) -> str:
    return str(image["action"] if image["status"] == "done" else image["status"])


def _entry(image: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page's script needs of an image: the columns, and why it is as it is."""
    return {
        "state": _state(image),
        "source": image["source"],
        "destination": image["destination"],
        "previous": image["previous_digest"],
        "digest": image["digest"],
        "bytes": image["bytes"],
        "seconds": image["seconds"],
        "why": "; ".join(_remarks(image, words)),
    }


def _remarks(image: Mapping[str, Any], words: Mapping[str, str]) -> Iterable[str]:
    """Yield what is said of an image beside its columns: its error, or notes, and where it was kept before."""
    error = image.get("error")
    yield from [f"{error['code']}: {error['message']}"] if error else image.get("notes", ())
    if image.get("backup"):
        yield f"{words['backup']}: {image['backup']}"
    if image.get("removed_backups"):
        yield f"{words['removed_backups']}: {', '.join(image['removed_backups'])}"


def _head(report: Mapping[str, Any], words: Mapping[str, str]) -> str:
    failed = report["summary"]["failed"] or any(shard["state"] == "unknown" for shard in report.get("shards", ()))
    states = {
        "failed": ("bad", failed),
        "overdue": ("open", report["overdue"]),
        "interrupted": ("open", report["interrupted"] and not report["overdue"]),
        "finished": ("good", not (failed or report["interrupted"])),
        "check": ("open", report["check_mode"]),
    }
    shown = " ".join(
        f'<span class="state {kind}">{escape(words[state])}</span>' for state, (kind, holds) in states.items() if holds
    )
    run = report.get("run", {})
    who = "@".join(run[name] for name in ("user", "host") if run.get(name))
    facts = {
        "when": " \u2013 ".join(run[name] for name in ("started", "ended") if run.get(name)),
        "took": str(report["summary"]["seconds"]),
        "who": ", ".join(name for name in (run.get("by"), who) if name),
        "play": run.get("play", ""),
        "job": run.get("job", ""),
    }
    rows = "".join(f"<dt>{escape(words[name])}</dt><dd>{escape(fact)}</dd>" for name, fact in facts.items() if fact)
    return f'<h1>{escape(words["title"])}</h1>{shown}<dl class="facts">{rows}</dl>'


def _cards(
    images: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    words: Mapping[str, str],
    states: Mapping[str, str],
) -> str:
    counts = {state: sum(image["state"] == state for image in images) for state in _STATES}
    cards = [(words["images"], str(len(images)), "")]
    cards += [(states[state], str(count), f"c-{state}") for state, count in counts.items() if count]
    if summary.get("not_locked"):
        cards.append((words["not_locked"], str(summary["not_locked"]), "c-skip"))
    cards.append((words["written"], size(summary["bytes"]), ""))
    return (
        '<div class="cards">'
        + "".join(
            f'<div class="card"><b class="{kind}">{escape(figure)}</b><span>{escape(label)}</span></div>'
            for label, figure, kind in cards
        )
        + "</div>"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _list(texts: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def _shards(shards: Iterable[Mapping[str, Any]], words: Mapping[str, str], states: Mapping[str, str]) -> Iterable[str]:
    """Return a line for each shard: its number, its host, and how it ended; of an unknown one what may be in it."""
    for shard in shards:
        text = f"{shard['index']} ({shard['host']}): {states.get(shard['state']) or words['finished']}"
        if shard["state"] == "unknown":
            text += "".join(f"; {more}" for more in (shard.get("error"), *shard["rules"]) if more)
        yield text


def _inputs(inputs: Iterable[Mapping[str, str]]) -> str:
    """Return the digests of what the run was given, without credentials."""
    return "".join(
        f'<p class="soft">{escape(given["name"])} <code>sha256:{escape(given["sha256"])}</code></p>' for given in inputs
    )


def _chart(registries: Mapping[str, Mapping[str, Any]], words: Mapping[str, str]) -> str:
    """Return bars of the bytes read from and written to each registry."""
    if not registries:
        return ""
    most = max(max(one["bytes_read"], one["bytes_written"]) for one in registries.values()) or 1
    rows, top = [], 0
    for host, one in registries.items():
        rows.append(f'<text x="0" y="{top + 16}">{escape(host)}</text>')
        requests = f"{one['requests']} {words['requests']}"
        if one.get("ranges"):
            requests += f" ({one['ranges']} {words['ranges']})"
        if one.get("seconds"):
            requests += f", {one['seconds']:.1f} {words['seconds']}"
        rows.append(f'<text class="soft" x="0" y="{top + 34}">{escape(requests)}</text>')
        for kind, color, at in (("read", "--unchanged", 4), ("written", "--accent", 22)):
            amount = one[f"bytes_{kind}"]
            width = round(_BAR * amount / most, 1)
            rows.append(
                f'<rect x="{_LABEL}" y="{top + at}" width="{width}" height="14" style="fill:var({color})"/>'
                f'<text x="{_LABEL + width + 6}" y="{top + at + 12}">{escape(f"{size(amount)} {words[kind]}")}</text>'
            )
        top += 2 * _ROW + 6
    return _svg(_LABEL + _BAR + 170, top, rows, words["registries"])


def _timeline(spans: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> str:
    """Return a row for each phase of the run and for each registry that was waited for, along one axis of seconds."""
    if not spans:
        return ""
    whole = max(span["to"] for span in spans) or 1
    kinds: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for span in spans:
        waits = span.get("waiting_for")
        label = f"{words['waiting']} {waits}" if waits else words.get(f"phase {span['phase']}", span["phase"])
        kinds.setdefault((label, "--pending" if waits else "--accent"), []).append(span)
    rows = []
    for position, ((label, color), group) in enumerate(kinds.items()):
        rows.append(f'<text x="0" y="{position * _ROW + 15}">{escape(label)}</text>')
        rows += [_bar(span, position * _ROW, whole, color) for span in group[:_MOST_BARS]]
    end = f"{whole:.1f} {words['seconds']}"
    bottom = len(kinds) * _ROW
    rows.append(f'<text class="soft" x="{_LABEL}" y="{bottom + 15}">0</text>')
    rows.append(f'<text class="soft" x="{_LABEL + _TIMELINE}" y="{bottom + 15}" text-anchor="end">{escape(end)}</text>')
    return _svg(_LABEL + _TIMELINE + 10, bottom + _ROW, rows, words["timeline"])


def _bar(span: Mapping[str, Any], top: int, whole: float, color: str) -> str:
    left = _LABEL + _TIMELINE * span["from"] / whole
    width = max(2.0, _TIMELINE * (span["to"] - span["from"]) / whole)
    return (
        f'<rect x="{left:.1f}" y="{top + 4}" width="{width:.1f}" height="14" style="fill:var({color})">'
        f"<title>{span['from']:.1f} \u2013 {span['to']:.1f}</title></rect>"
    )


def _svg(width: int, height: int, content: Iterable[str], title: str) -> str:
    return (
        f'<div class="scroll"><svg role="img" aria-label="{escape(title)}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join(content)}</svg></div>'
    )


def _causes(images: Iterable[Mapping[str, Any]], words: Mapping[str, str]) -> str:
    """Return each error code once: how often, the first message, the hint, and the first images."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for image in images:
        if image["status"] == "failed" and image.get("error"):
            groups.setdefault(image["error"]["code"], []).append(image)
    return "".join(
        _cause(code, group, words) for code, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    )


def _cause(code: str, group: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> str:
    error = group[0]["error"]
    named = ", ".join(image["destination"] for image in group[:_NAMED])
    more = f" {words['more'].format(len(group) - _NAMED)}" if len(group) > _NAMED else ""
    hint = f"<br>{escape(words['todo'])}: {escape(error['hint'])}" if error.get("hint") else ""
    return (
        f'<div class="cause"><b>{escape(code)}</b> ({len(group)})<br>{escape(error["message"])}{hint}'
        f'<br><span class="soft">{escape(named + more)}</span></div>'
    )


def _table(words: Mapping[str, str], states: Mapping[str, str]) -> str:
    """Return the frame of the table of images; the script fills it."""
    filters = "".join(
        f'<button type="button" data-state="{state}" aria-pressed="false">{escape(states[state])}</button>'
        for state in _STATES
    )
    heads = "".join(
        f'<th aria-sort="none"><button type="button" data-column="{name}">{escape(words[name])}</button></th>'
        for name in _COLUMNS
    )
    return (
        f'<section><h2>{escape(words["images"])}</h2><div class="tools"><input id="search" type="search" '
        f'aria-label="{escape(words["search"])}" placeholder="{escape(words["search"])}">{filters}</div>'
        f'<p class="soft" id="shown" role="status"></p><div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f'<tbody id="rows"></tbody></table></div><noscript>{escape(words["script"])}</noscript><div class="tools">'
        f'<button type="button" id="back">{escape(words["back"])}</button>'
        f'<button type="button" id="on">{escape(words["on"])}</button></div></section>'
    )
