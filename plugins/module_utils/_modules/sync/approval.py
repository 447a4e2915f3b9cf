# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options ``plan``, ``plan_sha256`` and ``plan_max_age``: the file, and whether it is applied at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..._oci.errors import InputError
from ..._oci.image.reference import quoted
from ..._sync.decisions import UnsupportedArtifacts
from ..._sync.rules.approved_plan import ApprovedPlan, parse_plan, refused

if TYPE_CHECKING:
    from ..._sync.rules.rule import Rule

_DECIDING = (
    "overwrite",
    "rewrite",
    "foreign_layers",
    "unsupported_artifacts",
    "referrers",
    "referrers_required",
    "backup",
    "backup_keep",
    "lock",
    "lock_missing",
    "shard",
)
"""The options that decide what is copied and what becomes of it; those about ways and pace may differ."""
_MAX_BYTES = 256 * 1024 * 1024
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_DAY = 86400.0
_AHEAD = 3600.0
"""Seconds by which the clock that a plan was made with may be ahead."""


def asked_sha256(params: Mapping[str, Any], rules: Sequence[Rule]) -> str:
    """Return the digest of what a task asks for: its rules, and the options that decide what becomes of them.

    There are no credentials in it, so that it is the same for every account.
    """
    asked = {
        "rules": [
            {
                "origin": rule.origin,
                "source": rule.source.text,
                "destination": [destination.text for destination in rule.destinations],
                "tags": rule.tags.as_option(),
                "platforms": [str(platform) for platform in rule.platforms],
                "overwrite": rule.overwrite,
                "referrers": rule.referrers.as_option() if rule.referrers else None,
                "unsupported_artifacts": rule.unsupported_artifacts,
                "require_signature": rule.required_signature.as_option() if rule.required_signature else None,
            }
            for rule in rules
        ],
        "options": {name: params[name] for name in _DECIDING},
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def read_plan(params: Mapping[str, Any], rules: Sequence[Rule]) -> ApprovedPlan | None:
    """Return the plan that a task is to apply; None when it has none.

    :raises ImageOpsError: plan_refused when it is not the one that was approved, of other rules, old or incomplete
    """
    pinned = _pinned(params)
    if not params["plan"]:
        if pinned:
            raise InputError(subject="plan_sha256", cause="plan is not given", hint="give both, or plan alone")
        return None
    days = params["plan_max_age"]
    if not days > 0:
        raise InputError(subject=f"plan_max_age {days}", cause="no plan is so young", hint="write days, such as 7")
    _check_options(params, rules)
    raw = _read(params["plan"])
    found = hashlib.sha256(raw).hexdigest()
    if pinned and pinned != found:
        raise refused(f"the file has the digest {found}, and plan_sha256 is {pinned}", "get the file that was approved")
    plan = parse_plan(raw)
    age = time.time() - plan.made
    if age > days * _DAY:
        raise refused(f"it is {age / _DAY:.1f} days old, and plan_max_age is {days:g}")
    if age < -_AHEAD:
        raise refused("it was made later than it is now", "see to the clocks of both machines")
    if plan.asked != asked_sha256(params, rules):
        raise refused("this task has other rules or options than the one that made it")
    return plan


def keep_plan(params: Mapping[str, Any], report_paths: Sequence[str]) -> None:
    """See that the report does not replace the plan, which is needed again when its run is broken off.

    :raises InputError: when it would
    """
    if params["plan"] and os.path.realpath(_expanded(params["plan"])) in report_paths:
        raise InputError(
            subject=f"report_path {quoted(params['plan'])}",
            cause="that file is the plan",
            hint="write the report to another file",
        )


def _expanded(path: str) -> str:
    return os.path.expanduser(os.path.expandvars(path))


def _pinned(params: Mapping[str, Any]) -> str:
    text = params["plan_sha256"]
    if not text:
        return ""
    written = _SHA256.fullmatch(text.strip().lower())
    if written is None:
        raise InputError(
            subject=f"plan_sha256 {quoted(text)}", cause="it is no SHA-256", hint="write 64 hexadecimal digits"
        )
    return written[1]


def _check_options(params: Mapping[str, Any], rules: Sequence[Rule]) -> None:
    """Refuse what a plan cannot say beforehand."""
    strip = UnsupportedArtifacts.STRIP
    if params["unsupported_artifacts"] == strip.value or any(rule.unsupported_artifacts == strip for rule in rules):
        raise InputError(
            subject="plan with unsupported_artifacts: strip",
            cause="only the run shows which digests the images get",
            hint="write fail or skip",
        )
    pruning = next((rule for rule in rules if rule.prune is not None), None)
    if pruning is not None:
        raise InputError(
            subject=f"plan with prune of {pruning.origin}",
            cause="a plan deletes nothing",
            hint="leave prune to a task of its own",
        )


def _read(path: str) -> bytes:
    try:
        with open(_expanded(path), "rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            action="read the plan", subject=path, cause=error.strerror or str(error), hint="change plan"
        ) from None
    if len(raw) > _MAX_BYTES:
        raise InputError(action="read the plan", subject=path, cause="it is larger than 256 MiB", hint="change plan")
    return raw
