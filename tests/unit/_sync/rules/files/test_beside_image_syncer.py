# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as image-syncer 1.5.5 takes them and as the collection does: the same pairs, but for differences with a reason.

What image-syncer does is written down here from its source: ``GenerateRepoURLs`` of ``pkg/utils/url.go`` and ``Run`` of
``pkg/task/rule.go``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import (
    destination_tag,
    parse_rules,
)

DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
LISTS = (["1.0"], ["1.0", "latest"], ["1.0", "1.1", "latest"])
SOURCES = tuple(
    f"{repository}{rest}"
    for repository in ("a.example/team/app", "nginx", "a.example:5000/x/y/z", "localhost/app", "team/app")
    for rest in (
        ("", ":1.0", f"@{DIGEST}", f":1.0@{DIGEST}", "://", ":/./", ":/^1/", ":/^nothing/", ":/^1", ":/(/")
        + (":1.0,1.1", ":1.0,1.1,latest", ":1.0,", ":1.0, 1.1", ",1.0", ":", ":-", ":1.0,/^1/", ":1.0,-")
    )
)
DESTINATIONS = tuple(
    f"b.example/mirror/app{rest}"
    for rest in ("", ":2.0", ":2.0,2.1", ":2.0,2.1,2.2", f"@{DIGEST}", f"@{OTHER}", "://", ":/^1/", ":", ":2.0,")
)

Named = tuple[str, str]
"""A repository, and a tag or digest of it."""

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def whole(name: str) -> str:
    """The name with its registry, as a normalized reference has it."""
    first, slash, _rest = name.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return name
    return f"docker.io/{name if slash else f'library/{name}'}"


def urls(text: str, external: Callable[[], list[str]]) -> list[Named]:
    """What ``GenerateRepoURLs`` makes of a side of a rule; a ValueError where it fails or panics."""
    found = _REFERENCE.fullmatch(text)
    if found and found["digest"]:
        name, named = found["name"], [found["digest"]]
    elif found and found["tag"]:
        name, named = found["name"], [found["tag"]]
    elif found:
        name, named = found["name"], external()
    elif ":/" in text:
        name, _mark, rest = text.partition(":/")
        if not rest.endswith("/") or not _REFERENCE.fullmatch(name):
            raise ValueError(text)
        try:
            pattern = re.compile(rest[:-1])
        except re.error:
            raise ValueError(text) from None
        named = [tag for tag in external() if pattern.search(tag)]
    else:
        first, *others = text.split(",")
        found = _REFERENCE.fullmatch(first)
        if not found or not found["tag"]:
            raise ValueError(text)
        name, named = found["name"], [found["tag"], *others]
    for each in named:
        if not _REFERENCE.fullmatch(
            f"{name}@{each}" if each.startswith("sha256:") else f"{name}:{each}" if each else name
        ):
            raise ValueError(text)
    return [(whole(name), each) for each in named]


def theirs(source: str, destination: str, listed: list[str]) -> list[tuple[Named, Named]] | None:
    """The pairs that image-syncer makes of a rule; None where it refuses it."""
    try:
        sources = urls(source, lambda: listed)
        destinations = urls(destination, lambda: [named for _name, named in sources])
    except ValueError:
        return None
    if len(sources) != len(destinations):
        return None
    digests = {named for _name, named in (*sources, *destinations) if named.startswith("sha256:")}
    both = len(sources) == 1 and all(side[0][1].startswith("sha256:") for side in (sources, destinations))
    return None if both and len(digests) == 2 else list(zip(sources, destinations))


def ours(source: str, destination: str, listed: list[str]) -> list[tuple[Named, Named]] | None:
    """The pairs that the collection makes of a rule; None where it refuses it."""
    item = {"source": source, "destination": destination}
    try:
        [rule] = parse_rules([item], default_registry=None, default_namespace=None)
        tags: list[str | None] = [*rule.select(listed)] or [None]
        if rule.source.selects_by_listing and tags == [None]:
            return []
        [place] = rule.destinations
        digest = str(rule.source.digest or "")
        return [
            ((rule.source.name, tag or digest), (place.name, destination_tag(rule, place, tag) or digest))
            for tag in tags
        ]
    except InputError:
        return None


def reason(source: str, destination: str, listed: list[str]) -> str:
    """Why the two are to differ about a rule; empty where they are not. Each is in docs/from-image-syncer.md."""
    by_listing = ":/" in source or not re.search(r"(?::[^/]+|@.*)$", source)
    if re.search(r":[^/@]+@", source):
        return "theirs drops a tag beside a digest"
    if ":/" in destination.removesuffix("://"):
        return "theirs takes an expression as a destination, which selects once more among the source's tags"
    if re.search(r",(?: |$)", source) or re.search(r",(?: |$)", destination):
        return "theirs trims no tags and takes empty ones"
    if "," in destination and by_listing:
        return "theirs gives several tags to those of a list in whatever order it has"
    if "@" in destination and DIGEST not in source:
        return "theirs writes under a digest what may have another one"
    selected = theirs(source, "b.example/any", listed)
    if selected == [] and destination != "b.example/mirror/app":
        return "ours has nothing to do where an expression matches nothing"
    return ""


RULES = list(itertools.product(SOURCES, DESTINATIONS, LISTS))


def test_every_rule_means_the_same_but_where_there_is_a_reason() -> None:
    differ = [rule for rule in RULES if not reason(*rule) and theirs(*rule) != ours(*rule)]
    assert differ == []
    compared = [rule for rule in RULES if not reason(*rule)]
    assert len(compared) > 1000
    assert sum(theirs(*rule) is not None for rule in compared) > 300


def test_no_reason_stands_for_nothing() -> None:
    reasons = {reason(*rule) for rule in RULES}
    differing = {reason(*rule) for rule in RULES if theirs(*rule) != ours(*rule)}
    assert differing == reasons - {""}


@pytest.mark.parametrize("listed", LISTS)
def test_the_two_forms_that_were_once_refused(listed: list[str]) -> None:
    every = ours("nginx://", "b.example/mirror/app", listed)
    assert every is not None
    assert every == theirs("nginx://", "b.example/mirror/app", listed)
    pairs = ours("nginx", "b.example/mirror/app:2.0", listed)
    assert pairs == theirs("nginx", "b.example/mirror/app:2.0", listed)
    assert (pairs is not None) is (len(listed) == 1)
