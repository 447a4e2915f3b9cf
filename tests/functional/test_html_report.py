# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's page in a real browser: it is read, searched, sorted and filtered by keyboard, and runs nothing else."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.html.page import page
from playwright.sync_api import Page, expect, sync_playwright

HOSTILE = '"><img src=x onerror="window.hit=1"></script><script>window.hit=1</script>'
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


def digest(number: int) -> str:
    return "sha256:" + hashlib.sha256(str(number).encode()).hexdigest()


def image(number: int, action: str = "create", status: str = "done", **more: Any) -> dict[str, Any]:
    return {
        "source": f"harbor.example.com/library/app:{number}",
        "destination": f"dr.example.com/mirror/app:{number}",
        "action": action,
        "status": status,
        "digest": digest(number),
        "previous_digest": None if action == "create" else digest(-number),
        "bytes": number * 1000,
        "seconds": 0.5,
        **more,
    }


def report(images: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "check_mode": False,
        "interrupted": False,
        "overdue": False,
        "images": images,
        "summary": {
            "failed": sum(one["status"] == "failed" for one in images),
            "bytes": sum(one["bytes"] for one in images),
            "seconds": 12.5,
        },
        "registries": {
            "harbor.example.com": {"requests": 12, "bytes_read": 5_000_000, "bytes_written": 0, "seconds": 8.25}
        },
        "notes": [],
        **more,
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=switches)
        yield made
        made.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Open a report's page; whatever the page asks of a network, or complains of, fails the test."""
    context = browser.new_context(accept_downloads=False)
    asked: list[str] = []

    def opened(content: dict[str, Any], language: str = "en") -> Page:
        file = tmp_path / "report.html"
        file.write_text(page(content, language=language), encoding="utf-8")
        tab: Page = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: asked.append(str(error)))
        tab.goto(file.as_uri())
        return tab

    yield opened
    assert [url for url in asked if not url.startswith("file:")] == []
    context.close()


def rows(tab: Page) -> list[str]:
    return [row.inner_text() for row in tab.query_selector_all("#rows tr")]


def test_is_searched_filtered_and_sorted_by_keyboard(show: Any) -> None:
    error = {"code": "push_denied", "message": "cannot write", "hint": "check the rights"}
    images = [image(1), image(2, "update"), image(30, "unchanged"), image(4, status="failed", error=error)]
    tab = show(report(images))
    assert len(rows(tab)) == 4
    tab.keyboard.press("Tab")
    tab.keyboard.type("mirror/app:30")
    assert len(rows(tab)) == 1
    assert "app:30" in rows(tab)[0]
    for _letter in "mirror/app:30":
        tab.keyboard.press("Backspace")
    tab.keyboard.press("Tab")  # the first filter: failed
    tab.keyboard.press("Enter")
    assert len(rows(tab)) == 1
    assert "push_denied: cannot write" in rows(tab)[0]
    assert tab.get_attribute('[data-state="failed"]', "aria-pressed") == "true"
    tab.keyboard.press("Enter")
    tab.focus('[data-column="bytes"]')
    tab.keyboard.press("Enter")
    assert [row.split("\t")[1].rsplit(":", 1)[1] for row in rows(tab)] == ["1", "2", "4", "30"]
    tab.keyboard.press("Enter")
    assert [row.split("\t")[1].rsplit(":", 1)[1] for row in rows(tab)] == ["30", "4", "2", "1"]
    assert tab.get_attribute('th:has([data-column="bytes"])', "aria-sort") == "descending"


def test_copies_a_whole_digest(show: Any) -> None:
    tab = show(report([image(1, "update")]))
    tab.focus("#rows .digest")
    tab.keyboard.press("Enter")
    expect(tab.locator("#shown")).to_have_text(f"copied: {digest(-1)}")


def test_says_each_error_once_with_what_to_do(show: Any) -> None:
    error = {"code": "push_denied", "message": "cannot write", "hint": "check the rights"}
    tab = show(report([image(number, status="failed", error=error) for number in range(1, 8)]))
    causes = [cause.inner_text() for cause in tab.query_selector_all(".cause")]
    assert len(causes) == 1
    assert causes[0].startswith("push_denied (7)\ncannot write\nwhat to do: check the rights\n")
    assert causes[0].endswith("and 4 more")


def test_draws_what_each_registry_cost_and_what_was_waited_for(show: Any) -> None:
    spans = [
        {"phase": "plan", "from": 0.0, "to": 2.5},
        {"phase": "copy", "from": 2.5, "to": 12.5},
        {"phase": "copy", "from": 4.0, "to": 9.0, "waiting_for": "harbor.example.com"},
        {"phase": "copy", "from": 10.0, "to": 12.5, "waiting_for": "harbor.example.com"},
    ]
    tab = show(report([image(1)], timeline=spans))
    registries, timeline = (
        [text.text_content() for text in svg.query_selector_all("text")] for svg in tab.query_selector_all("svg")
    )
    assert registries == ["harbor.example.com", "12 requests, 8.2 seconds", "5.0 MB read", "0 bytes written"]
    assert timeline == ["planning", "copying", "waiting for harbor.example.com", "0", "12.5 seconds"]
    widths = [float(bar.get_attribute("width")) for bar in tab.query_selector_all('svg[aria-label="Time"] rect')]
    assert [round(width / sum(widths[:2]), 2) for width in widths] == [0.2, 0.8, 0.4, 0.2]


def test_executes_nothing_of_what_names_labels_and_messages_say(show: Any) -> None:
    error = {"code": HOSTILE, "message": HOSTILE, "hint": HOSTILE}
    hostile = image(1, status="failed", error=error, source=HOSTILE, destination=HOSTILE, digest=HOSTILE)
    content = report(
        [hostile, image(2, notes=[HOSTILE])],
        notes=[HOSTILE],
        rules=[HOSTILE],
        inputs=[{"name": HOSTILE, "sha256": HOSTILE}],
        run={"user": HOSTILE, "host": HOSTILE, "play": HOSTILE, "job": HOSTILE, "by": HOSTILE},
        registries={HOSTILE: {"requests": 1, "bytes_read": 1, "bytes_written": 1, "seconds": 1.0}},
        timeline=[
            {"phase": HOSTILE, "from": 0.0, "to": 1.0},
            {"waiting_for": HOSTILE, "phase": "", "from": 0, "to": 1},
        ],
    )
    tab = show(content)
    assert tab.evaluate("window.hit") is None
    assert tab.query_selector("img") is None
    assert HOSTILE in tab.inner_text("#rows")


def test_ten_thousand_images_are_shown_a_page_at_a_time(show: Any) -> None:
    tab = show(report([image(number, "unchanged") for number in range(1, 10_001)]))
    assert len(rows(tab)) == 200
    assert tab.inner_text("#shown") == "10000 of 10000 images, page 1 of 50"
    tab.focus("#on")
    tab.keyboard.press("Enter")
    assert "app:201" in rows(tab)[0]
    tab.fill("#search", "app:10000")
    assert len(rows(tab)) == 1


def test_prints_every_image(show: Any) -> None:
    tab = show(report([image(number) for number in range(1, 301)]))
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert len(rows(tab)) == 300
    tab.emulate_media(media="print")
    whole = tab.evaluate("getComputedStyle(document.querySelector('#rows .digest'), '::after').content")
    assert whole == f'"{digest(1)}"'
    tab.set_viewport_size({"width": 1000, "height": 700})  # A4 across, less its margins
    assert tab.evaluate("document.documentElement.scrollWidth") == 1000


def test_speaks_chinese(show: Any) -> None:
    tab = show(report([image(1)]), "zh")
    assert tab.inner_text("h1") == "镜像同步报告"
    assert tab.get_attribute("html", "lang") == "zh"
    assert "已新建" in rows(tab)[0]
    assert tab.evaluate("getComputedStyle(document.querySelector('#rows td')).whiteSpace") == "nowrap"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_legible_by_day_and_by_night(show: Any, scheme: Any) -> None:
    tab = show(report([image(1)]))
    tab.emulate_media(color_scheme=scheme)
    paper, ink = (tab.evaluate(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color"))
    brightness = [sum(int(part) for part in color[4:-1].split(",")) for color in (paper, ink)]
    assert abs(brightness[0] - brightness[1]) > 450
    assert (brightness[0] > brightness[1]) == (scheme == "light")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_cut_off_on_a_narrow_screen(show: Any, language: str) -> None:
    content = report([image(1)], rules=["a" * 200], inputs=[{"name": "rules", "sha256": "0" * 64}])
    tab = show(content, language)
    tab.set_viewport_size({"width": 360, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize(
    ("given", "states"),
    [
        ({}, ["finished"]),
        ({"interrupted": True}, ["interrupted"]),
        ({"interrupted": True, "overdue": True}, ["out of time"]),
        ({"check_mode": True}, ["finished", "check mode: nothing was written"]),
        ({"interrupted": True, "summary": {"failed": 2, "bytes": 1, "seconds": 1}}, ["failed", "interrupted"]),
    ],
)
def test_says_how_the_run_ended(show: Any, given: dict[str, Any], states: list[str]) -> None:
    tab = show(report([image(1)], **given))
    assert [state.inner_text() for state in tab.query_selector_all("h1 ~ .state")] == states
