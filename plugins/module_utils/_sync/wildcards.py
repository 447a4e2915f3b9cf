# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that are many repositories: ``registry/project/*`` (one level) and ``registry/project/**`` (any depth)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._oci.errors import InputError
from .._oci.reference import DOCKER_HUB, parse_registry, parse_repository, quoted

_STARS = re.compile(r"(?:^|/)(\*\*?)(?=$|[/:@,])")
_FORM = "write registry/project/* for what is directly in it, or registry/project/** for what is anywhere below it"


@dataclass(frozen=True)
class Wildcard:
    """Every repository below a path of a registry.

    :ivar prefix: the path, as in ``library``; empty for the whole registry
    :ivar deep: at any depth, not only directly below it
    """

    registry: str
    prefix: str
    deep: bool

    @property
    def path(self) -> str:
        """As it is written, without the registry: ``library/*``."""
        stars = "**" if self.deep else "*"
        return f"{self.prefix}/{stars}" if self.prefix else stars

    @property
    def beginning(self) -> str:
        """What the path of every repository that is meant begins with: ``library/``, or nothing."""
        return f"{self.prefix}/" if self.prefix else ""

    def covers(self, repository: str) -> bool:
        """Whether a repository of the registry is meant."""
        below = self.below(repository)
        return repository.startswith(self.beginning) and bool(below) and (self.deep or "/" not in below)

    def below(self, repository: str) -> str:
        """What a repository is called below the prefix."""
        return repository[len(self.beginning) :]

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


def parse_wildcard(text: str) -> Wildcard | None:
    """Take a source, without its regular expression; None when it is no wildcard.

    :raises InputError: for a star where none is understood, a tag or a digest, and for Docker Hub
    """
    stars = None if "://" in text else _STARS.search(text)
    if stars is None:
        return None
    base, rest = text[: stars.start()], text[stars.end() :]
    if rest[:1] in (":", "@", ","):
        what = "a digest" if rest[0] == "@" else "tags"
        raise InputError(
            subject=f"the image {quoted(text)}",
            cause=f"it names {what} of many repositories",
            hint="say which tags of each are taken with tags: {include: ...}, or with :/regex/ behind the star",
        )
    if rest or "*" in base:
        raise InputError(
            subject=f"the image {quoted(text)}", cause="a star is understood as the whole last part alone", hint=_FORM
        )
    registry, prefix = _parse_base(text, base)
    return Wildcard(registry, prefix, deep=stars.group(1) == "**")


def _parse_base(text: str, base: str) -> tuple[str, str]:
    first, slash, _rest = base.partition("/")
    registry = DOCKER_HUB
    if first == "localhost" or "." in first or ":" in first:
        registry = parse_registry(first)
    if registry == DOCKER_HUB:
        raise InputError(
            subject=f"the image {quoted(text)}",
            cause="Docker Hub does not list its repositories, and names without a registry are Docker Hub's",
            hint="put the registry first, or write one rule a repository",
        )
    return parse_repository(base) if slash else (registry, "")
