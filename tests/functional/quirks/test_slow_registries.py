# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that need longer for an answer than they are given."""

from __future__ import annotations

import threading

from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from support.scenes import images
from support.scenes.runs import Run, only
from support.servers.scripted_registry import Reply, Request, scripted_registry


def test_a_registry_that_does_not_answer_is_said_with_how_long_was_waited() -> None:
    over = threading.Event()

    def answer(request: Request) -> Reply | None:
        if request.kind == "manifest":
            over.wait(60)
        return None

    with scripted_registry(answer) as source, scripted_registry() as target:
        source.push("library/app", images.image("app"), "v1")
        run = Run([source.endpoint, target.endpoint], settings=Settings(timeout=0.4, retry=RetryPolicy(attempts=1)))
        result = only(
            run.sync({"source": f"{source.host}/library/app:v1", "destination": f"{target.host}/app"}, retries=0)
        )
        over.set()
    assert result.error is not None and result.error.code == "timeout"
    assert "no progress within the time-out of 0.4 s" in result.error.cause
