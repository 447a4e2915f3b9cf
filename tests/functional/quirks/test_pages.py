# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists in pages: whatever the Link to the next page looks like, no tag is lost without an error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Callable

import pytest
from support.scenes import images
from support.scenes.runs import Run, actions, only
from support.servers.scripted_registry import Answer, Reply, Request, scripted_registry

PATH = "upstream/quay/app"
ALL = ["1", "2", "3", "4"]
Form = Callable[[str, str], str]
"""Makes a Link header of the host and the query of the next page."""


def in_pages(link: Form, pages: Sequence[Sequence[str] | None]) -> Answer:
    """A list in pages, whose numbers only the query has."""

    def answer(request: Request) -> Reply | None:
        if request.path != f"/v2/{PATH}/tags/list":
            return None
        number = int(request.query.get("page", "1"))
        body = json.dumps({"name": PATH, "tags": pages[number - 1]}).encode()
        header = {"Link": link(request.headers["Host"], f"n=2&page={number + 1}")} if number < len(pages) else {}
        return Reply(200, body, header)

    return answer


def run(answer: Answer) -> dict[str, tuple[str, str]]:
    """What a run makes of the tags of a list."""
    with scripted_registry(answer) as source, scripted_registry() as target:
        for tag in ALL:
            source.push(PATH, images.image(tag), tag)
        result = Run([source.endpoint, target.endpoint]).sync(
            {"source": f"{source.host}/{PATH}", "destination": f"{target.host}/app"}
        )
        if len(result.images) == 1:
            error = only(result).error
            assert error is not None
            raise error
        return actions(result)


LINKS: dict[str, Form] = {
    "relative": lambda host, query: f'</v2/{PATH}/tags/list?{query}>; rel="next"',
    "absolute": lambda host, query: f'<http://{host}/v2/{PATH}/tags/list?{query}>; rel="next"',
    "query alone": lambda host, query: f"<?{query}>; rel=next",
    "last segment": lambda host, query: f"<list?{query}>; rel=next",
    "another host": lambda host, query: (
        f'<http://registry.internal.example:5000/v2/{PATH}/tags/list?{query}>; rel="next"'
    ),
    "another scheme": lambda host, query: f'<https://{host}/v2/{PATH}/tags/list?{query}>; rel="next"',
    "without the prefix": lambda host, query: f'</v2/app/tags/list?{query}>; rel="next"',
    "another host without the prefix": lambda host, query: f"<https://quay.example/v2/app/tags/list?{query}>; rel=next",
    "without <>": lambda host, query: f'/v2/{PATH}/tags/list?{query}; rel="next"',
    "without rel": lambda host, query: f"</v2/{PATH}/tags/list?{query}>",
    "without both": lambda host, query: f"/v2/{PATH}/tags/list?{query}",
    "others beside it": lambda host, query: (
        f'<?x>; rel="first", </doc>; rel="help", <?{query}>; rel="x NEXT"; title="a, b"'
    ),
}


@pytest.mark.parametrize("form", LINKS)
def test_every_form_of_a_link_is_followed_at_the_registry_itself(form: str) -> None:
    assert list(run(in_pages(LINKS[form], (ALL[:2], ALL[2:])))) == ALL


@pytest.mark.parametrize("empty", [[], None])
@pytest.mark.parametrize("count", [1, 3])
def test_a_page_without_tags_that_has_a_next_one_is_not_the_last(empty: list[str] | None, count: int) -> None:
    pages = (ALL[:2], *[empty] * count, ALL[2:])
    assert list(run(in_pages(LINKS["relative"], pages))) == ALL
    assert list(run(in_pages(LINKS["relative"], (*[empty] * count, ALL)))) == ALL


def test_a_last_page_that_leads_to_itself_ends_the_list() -> None:
    def answer(request: Request) -> Reply | None:
        if request.kind != "tags":
            return None
        number = int(request.query.get("page", "1"))
        link = f"</v2/{PATH}/tags/list?page=2>; rel=next"
        return Reply(200, json.dumps({"tags": ALL[:2] if number == 1 else ALL[2:]}).encode(), {"Link": link})

    assert list(run(answer)) == ALL


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("<http://elsewhere.example/next/2?page=2>; rel=next", "leads to another host"),
        (f"<http://elsewhere.example/v2/{PATH}/tags/list>; rel=next", "leads to another host"),
        ("</next/2>; rel=next", "gives HTTP 404"),
        ("<?page=2; rel=next", "makes no sense"),
        ("<ftp://elsewhere.example/2>; rel=next", "leads nowhere"),
    ],
)
def test_what_cannot_be_followed_is_an_error_that_names_it(link: str, said: str) -> None:
    with pytest.raises(Exception, match=said) as caught:
        run(in_pages(lambda host, query: link, (ALL[:2], ALL[2:])))
    assert "next page" in str(caught.value)
    assert link.split(";")[0].split("?")[0].strip("<>") in str(caught.value)


def test_pages_without_tags_and_without_end_are_an_error() -> None:
    with pytest.raises(Exception, match="the list has no end"):
        run(in_pages(LINKS["relative"], [[]] * 1000))
