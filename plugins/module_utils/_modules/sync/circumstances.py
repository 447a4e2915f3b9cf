# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The circumstances of a run, as a report keeps them: the user, the time, and what was asked for."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..._sync.rules.rule import Rule

_MOST_RULES = 200


class Circumstances:
    """What is known of a run when it begins.

    :param params: the task's options, with what the action plugin says of the controller
    """

    def __init__(self, params: Mapping[str, Any], rules: Sequence[Rule]) -> None:
        self._params = params
        self._shown = [
            f"{rule.source.text} to {', '.join(destination.text for destination in rule.destinations)}"
            for rule in rules[:_MOST_RULES]
        ]
        self._rules = [
            {
                "source": rule.source.text,
                "destination": [destination.text for destination in rule.destinations],
                "tags": rule.tags.as_option(),
                "platforms": [str(platform) for platform in rule.platforms],
                "overwrite": rule.overwrite.value if rule.overwrite else None,
                "referrers": rule.referrers.as_option() if rule.referrers else None,
                "require_signature": rule.required_signature.as_option() if rule.required_signature else None,
            }
            for rule in rules
        ]
        self._began = time.time()

    def told(self, mask: Callable[[str], str]) -> dict[str, Any]:
        """Return the keys of a report: ``run``, ``rules``, and ``inputs`` with the digest of the rules.

        There are no credentials in what the digest is of, so that it is the same for every account.
        """
        asked = json.dumps(self._rules, sort_keys=True).encode()
        controller = self._params["controller"] or {}
        more = len(self._rules) - len(self._shown)
        files = [self._params[name] for name in ("config", "images_file") if self._params[name]]
        return {
            "run": {
                **{name: mask(str(value)) for name, value in (controller.get("started_by") or {}).items()},
                **({"by": mask(self._params["report_by"])} if self._params["report_by"] else {}),
                "started": _time(self._began),
                "ended": _time(time.time()),
            },
            "rules": [mask(text) for text in self._shown] + ([f"and {more} more"] if more > 0 else []),
            "inputs": [
                {"name": ", ".join(["rules", *map(str, files)]), "sha256": hashlib.sha256(asked).hexdigest()},
            ],
        }


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
