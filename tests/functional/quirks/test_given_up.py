# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that has used up its retries: each image keeps the reason for which it failed last."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.scenes import images
from support.scenes.modules import module, registry_option
from support.scenes.runs import Run
from support.servers.scripted_registry import Reply, Request, refusal, scripted_registry

IMAGES = 30
"""More than a run has retries for, when each fails for a passing reason in every round."""


def fails(request: Request) -> Reply | None:
    if request.kind == "manifest" and request.method == "PUT":
        return refusal(500, "UNKNOWN", "the disk of the registry is full")
    return None


def test_the_last_real_failure_stays_the_reason() -> None:
    with scripted_registry() as source, scripted_registry(fails) as target:
        for number in range(IMAGES):
            source.push("app", images.image(str(number)), str(number))
        result = Run([source.endpoint, target.endpoint]).sync(
            {"source": f"{source.host}/app", "destination": f"{target.host}/app"}, retries=3
        )
    errors = [image.error for image in result.images if image.error is not None]
    assert len(errors) == IMAGES
    assert {error.code for error in errors} == {"server_error"}
    assert all("the disk of the registry is full" in error.cause for error in errors)
    given_up = [error for error in errors if error.given_up]
    assert given_up
    for error in given_up:
        assert "; given up after " in error.cause
        assert error.cause.endswith("of this run's retries")
        assert not error.transient


@pytest.mark.parametrize("number", [1, IMAGES])
def test_the_module_names_both_and_points_to_no_other_errors(tmp_path: Path, number: int) -> None:
    with scripted_registry() as source, scripted_registry(fails) as target:
        for tag in range(number):
            source.push("app", images.image(str(tag)), str(tag))
        options = {
            "images": [{"source": f"{source.host}/app", "destination": f"{target.host}/app"}],
            "registries": [registry_option(source.endpoint), registry_option(target.endpoint)],
            "retry_delay": 0,
        }
        with module("registry_image_sync", options, home=tmp_path) as running:
            result = running.end().result
    expected = ["server_error"] if number == 1 else ["retry_budget", "server_error"]
    assert result["error_codes"] == expected
    assert "the disk of the registry is full" in result["msg"]
    assert "other errors" not in result["msg"], "there are none"
    if number > 1:
        assert "of this run's retries" in result["msg"]


def test_other_errors_are_pointed_to_where_there_are_some() -> None:
    other = "the scanner is busy"

    def fails_in_two_ways(request: Request) -> Reply | None:
        if request.method == "PUT" and request.path.startswith("/v2/rate/"):
            return refusal(429, "TOOMANYREQUESTS", other)
        return fails(request)

    with scripted_registry() as source, scripted_registry(fails_in_two_ways) as target:
        for number in range(IMAGES):
            source.push("app", images.image(str(number)), str(number))
        result = Run([source.endpoint, target.endpoint]).sync(
            {"source": f"{source.host}/app", "destination": f"{target.host}/app"},
            {"source": f"{source.host}/app", "destination": f"{target.host}/rate/app"},
            {"source": f"{source.host}/app:missing", "destination": f"{target.host}/missing"},
            retries=1,
        )
    given_up = [image.error for image in result.images if image.error is not None and image.error.given_up]
    assert {error.code for error in given_up} == {"server_error", "rate_limited"}
    assert all(error.hint.count("see the other errors") == 1 for error in given_up)
    others = [image.error for image in result.images if image.error is not None and not image.error.given_up]
    assert not any("other errors" in error.hint for error in others)
