# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ``registry_report_merge``: the report files of all shards → one result and one report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from .._oci.errors import ImageOpsError, InputError
from .._sync.results import merged_report, report_files
from .._sync.results.merged_report import Share
from .._sync.rules.rule import Rule
from .._sync.rules.rule_parser import parse_rules
from .._sync.rules.shard import Shard

if TYPE_CHECKING:
    from .task import Task

_FLAGS = ("check_mode", "changed", "interrupted", "overdue")
_PARTS = ("summary", "images", "failed_images", "registries", "read_again", "notes")


def merge_spec() -> dict[str, Any]:
    """Return the options of the module."""
    shard = {
        "index": {"type": "int", "required": True},
        "host": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "fault": {"type": "str", "default": ""},
    }
    return {
        "shards": {"type": "list", "elements": "dict", "required": True, "options": shard},
        "images": {"type": "raw"},
        "default_registry": {"type": "str"},
        "default_namespace": {"type": "str"},
        "by": {"type": "str", "choices": ["repository", "tag"], "default": "repository"},
        "with_destinations": {"type": "bool", "default": False},
        "report_path": {"type": "raw"},
        "report_language": {"type": "str", "choices": ["en", "zh"], "default": "en"},
        "rerun_path": {"type": "path"},
    }


def merge_reports(task: Task) -> NoReturn:
    """Run the module ``registry_report_merge`` and end it with its result."""
    params = task.params
    try:
        paths = report_files.prepare(params["report_path"])
        rerun_paths = report_files.prepare(params["rerun_path"], "rerun_path")
        merged = merged_report.merge(_shares(params))
    except ImageOpsError as error:
        task.refuse(error)
    try:
        report_files.write(paths, merged, language=params["report_language"])
        if rerun_paths and not merged["check_mode"]:
            report_files.write_rules(rerun_paths[0], merged["failed_images"])
    except OSError as error:
        task.warn(f"cannot write {error.filename}: {error.strerror or error}")
    result, message, codes = merged_report.returned(merged), merged_report.message(merged), merged_report.codes(merged)
    if codes:
        task.fail(message, codes=codes, result=result)
    task.succeed({"msg": message, **result})


def _shares(params: Mapping[str, Any]) -> list[Share]:
    """Return what is known of each shard.

    :raises InputError: when the numbers are not those of all shards
    """
    given = sorted(params["shards"], key=lambda shard: shard["index"])
    if not given or [shard["index"] for shard in given] != list(range(len(given))):
        raise InputError(
            subject="shards",
            cause=f"the numbers of {len(given)} shards are 0 to {len(given) - 1}, each of them once",
            hint="give each shard once",
        )
    reports = [_report(shard["path"]) for shard in given]
    rules = _rules(params)
    told: Sequence[str] = next((found["rules"] for found in reports if found and found.get("rules")), ())
    return [
        Share(shard["index"], shard["host"], found, shard["fault"], _of_shard(rules, params, shard["index"]) or told)
        for shard, found in zip(given, reports)
    ]


def _report(path: str) -> Mapping[str, Any] | None:
    """Return the content of a report file; None when there is none, or a part of one."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return None
    complete = isinstance(content, dict) and all(key in content for key in (*_FLAGS, *_PARTS))
    return content if complete else None


def _rules(params: Mapping[str, Any]) -> list[Rule]:
    """Return the rules of the task; none where these are in files of its hosts, or are what it has failed of."""
    try:
        return parse_rules(
            params["images"],
            default_registry=params["default_registry"],
            default_namespace=params["default_namespace"],
        )
    except ImageOpsError:
        return []


def _of_shard(rules: Sequence[Rule], params: Mapping[str, Any], index: int) -> list[str]:
    """Return the rules of which something may be in a shard: a rule about many repositories may be in each."""
    shard = Shard(
        index,
        len(params["shards"]),
        by_tag=params["by"] == "tag",
        with_destinations=params["with_destinations"],
    )
    listed = [rule for rule in rules if rule.source.wildcard is not None]
    found = {rule.origin: rule for rule in (*listed, *shard.narrow(rule for rule in rules if rule not in listed))}
    return [
        f"{each.source.text} to {', '.join(destination.text for destination in each.destinations)}"
        for each in (found[rule.origin] for rule in rules if rule.origin in found)
    ]
