# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What refers to a manifest, by the API for that (distribution-spec 1.1, Listing Referrers)."""

from __future__ import annotations

from dataclasses import replace

from ..client.call import Call
from ..client.client import Client
from ..errors import ContentError
from ..image.manifest import Descriptor, parse_manifest
from ..image.media_types import OCI_INDEX
from .listing import next_page

_MOST_PAGES = 1000
_NO_API = (400, 401, 403, 404, 405, 501)
"""What registries without the API answer to it."""


def listed_referrers(client: Client, call: Call) -> list[Descriptor] | None:
    """Return the manifests of all pages of a list; None where the registry has no such API, which is learnt.

    :param call: a GET of the first page
    """
    found: list[Descriptor] = []
    following = call.path
    for _page in range(_MOST_PAGES):
        answer = client.call(replace(call, path=following))
        if answer.status in _NO_API and not found:
            _note_no_api(client, answer.status)
            return None
        if answer.status != 200:
            raise client.error(call, answer)
        try:
            found += parse_manifest(answer.plain(), OCI_INDEX).children
        except ContentError:
            if found:
                raise
            _note_no_api(client, answer.status)  # it was a page for people, say
            return None
        following = next_page(client, answer, call.purpose, call.path) or ""
        if not following:
            return found
    raise ContentError(
        code="too_large",
        action=call.purpose.action,
        subject=call.purpose.subject,
        cause=f"the list has more than {_MOST_PAGES} pages",
    )


def _note_no_api(client: Client, status: int) -> None:
    """Note that the registry has no list of referrers, and say so where it has refused it."""
    client.quirks.has_referrers = False
    if status in (401, 403):
        client.run.warn(
            f"{client.host} refuses to list referrers (HTTP {status}); only those that have a tag are found"
        )
