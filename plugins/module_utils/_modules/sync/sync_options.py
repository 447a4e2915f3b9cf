# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a task that say how a run goes about its images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._oci.errors import InputError
from ..._sync.decisions import Bulk, OnError, Overwrite, UnsupportedArtifacts
from ..._sync.rules.referrer_choice import ALL, parse_referrers
from ..._sync.rules.shard import parse_shard
from ..._sync.run_options import Options
from ..options import at_least

_LEAST_BANDWIDTH = 16 * 1024


def sync_options(params: Mapping[str, Any], *, check_mode: bool) -> Options:
    """Return how the engine works. Raise InputError for numbers that cannot be meant."""
    return Options(
        concurrency=int(at_least("concurrency", params["concurrency"], 1)),
        bandwidth_limit=_bandwidth(params["bandwidth_limit"]),
        retries=int(at_least("retries", params["retries"], 0)),
        on_error=OnError(params["on_error"]),
        overwrite=Overwrite(params["overwrite"] or ("skip" if params["lock"] == "use" else "always")),
        rewrite=params["rewrite"],
        bulk=Bulk(params["bulk"]),
        foreign_layers=params["foreign_layers"],
        unsupported_artifacts=UnsupportedArtifacts(params["unsupported_artifacts"]),
        referrers=parse_referrers(params["referrers"], "the task") or ALL,
        referrers_required=params["referrers_required"],
        shard=parse_shard(params["shard"]),
        check_mode=check_mode,
    )


def check_progress(params: Mapping[str, Any]) -> None:
    """Check the options of the action plugin.

    :raises InputError: when one has no sense
    """
    at_least("progress", params["progress"], 0)
    at_least("lease", params["lease"], 1)


def max_runtime(params: Mapping[str, Any]) -> float | None:
    """Return the seconds after which a run ends, finished or not. Raise InputError for a time that is none."""
    seconds = params["max_runtime"]
    return None if seconds is None else at_least("max_runtime", seconds, 1)


def _bandwidth(limit: int | None) -> int | None:
    if limit is not None and limit < _LEAST_BANDWIDTH:
        raise InputError(
            subject=f"bandwidth_limit {limit}",
            cause="registries take so slow a transfer for dead",
            hint=f"write at least {_LEAST_BANDWIDTH} bytes a second",
        )
    return limit
