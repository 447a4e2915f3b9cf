# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each of many repositories goes: a template, or the beginning of a path. No I/O.

``{repository}`` is the source's whole path, ``{namespace}`` all of it but the last part, ``{name}`` the last part, and
``{path}`` all but the first part, which is what an empty destination has.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..._oci.errors import InputError
from ..._oci.image.places import split_place
from ..._oci.image.reference import DOCKER_HUB, check_tag, parse_registry, parse_repository, quoted
from .user_input import nearest

_STARS = re.compile(r"(?:^|/)(\*\*?)(?=$|[/:@,])")
_WILDCARD_FORM = (
    "write registry/project/* for what is directly in it, or registry/project/** for what is anywhere below it"
)


class Wildcard(NamedTuple):
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
        """Return whether a repository of the registry is meant."""
        below = self.below(repository)
        return repository.startswith(self.beginning) and bool(below) and (self.deep or "/" not in below)

    def below(self, repository: str) -> str:
        """Return what a repository is called below the prefix."""
        return repository[len(self.beginning) :]

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


def parse_wildcard(text: str) -> Wildcard | None:
    """Take a source, without its regular expression; None when it is no wildcard.

    :raises InputError: for a star where none is understood, a tag or a digest, and for Docker Hub
    """
    place, below = split_place(text) or ("", text)
    stars = None if "://" in text else _STARS.search(below)
    if stars is None:
        return None
    base, rest = below[: stars.start()], below[stars.end() :]
    if rest[:1] in (":", "@", ","):
        what = "a digest" if rest[0] == "@" else "tags"
        raise InputError(
            subject=f"the image {quoted(text)}",
            cause=f"it names {what} of many repositories",
            hint="say which tags of each are taken with tags: {include: ...}, or with :/regex/ behind the star",
        )
    if rest or "*" in base:
        raise InputError(
            subject=f"the image {quoted(text)}",
            cause="a star is understood as the whole last part alone",
            hint=_WILDCARD_FORM,
        )
    registry, prefix = _parse_base(text, base) if not place else _parse_place(place, base)
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


def _parse_place(place: str, base: str) -> tuple[str, str]:
    return parse_repository(f"{place}/{base}") if base else (place, "")


PLACEHOLDERS = ("repository", "namespace", "name", "path")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_TAG_TEMPLATE = re.compile(r":([^/:@,]*\{tag\}[^/:@,]*)$")
_FORM = "write registry/namespace, or a template such as registry/namespace/{name}"
_SAMPLE = "a/b"


class DestinationPath(NamedTuple):
    """A destination of many repositories.

    :ivar path: a template, or the beginning of their paths
    :ivar tags: what the one tag of each is called there; None keeps the source's
    """

    registry: str
    path: str
    tags: tuple[str, ...] | None


def is_template(text: str) -> bool:
    """Return whether there are placeholders in it, or what must be meant as one."""
    return "{" in text or "}" in text


def fill(template: str, repository: str) -> str:
    """Put a source repository's parts into a template. Of a path with one part only, the namespace is left out.

    :raises InputError: for a placeholder that is not known
    """
    _check(template)
    namespace, _slash, name = repository.rpartition("/")
    if not namespace:
        template = template.replace("{namespace}/", "")
    values = {
        "repository": repository,
        "namespace": namespace,
        "name": name,
        "path": repository.partition("/")[2] or repository,
    }
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], template)


def split_tag_template(text: str) -> tuple[str, str]:
    """Part a destination from its tag where that is made of the source's: ``{tag}-mirror``.

    Gives an empty template where the tag has no ``{tag}``, and leaves the text whole then.

    :raises InputError: for a template that can give no tag
    """
    found = _TAG_TEMPLATE.search(text)
    if found is None:
        return text, ""
    check_tag(fill_tag(found.group(1), "x"))
    return text[: found.start()], found.group(1)


def fill_tag(template: str, tag: str) -> str:
    """Put a source's tag into a template of a tag."""
    return template.replace("{tag}", tag)


def target(path: str, wildcard: Wildcard, repository: str) -> str:
    """Return the path that one of many repositories gets.

    :param path: a template, or the beginning that the path below the wildcard's is put behind
    """
    return fill(path, repository) if is_template(path) else f"{path}/{wildcard.below(repository)}"


def parse_destination_path(text: str, *, whole_registry: bool) -> DestinationPath:
    """Take a destination of many repositories as it is written.

    :param whole_registry: whether the source is one; then a registry alone keeps all paths
    :raises InputError: when it cannot be meant
    """
    _refuse_what_is_no_name(text)
    _check(text)
    first, slash, rest = text.partition("/")
    place = split_place(text)
    if place is not None:
        first, rest = place
    named = first == "localhost" or "." in first or ":" in first
    if is_template(text) and (is_template(first) or not named):
        raise InputError(subject=f"the template {quoted(text)}", cause="it does not begin with a registry", hint=_FORM)
    if not named:
        first, slash, rest = DOCKER_HUB, "/", text
    if not slash:
        return _registry_alone(text, whole_registry=whole_registry)
    path, tags = _split(text, rest)
    sample = fill(path, _SAMPLE) if is_template(path) else f"{path}/{_SAMPLE}"
    registry, _path = parse_repository(f"{first}/{sample}")
    return DestinationPath(registry, path, tags)


def _refuse_what_is_no_name(text: str) -> None:
    for mark, cause in (("://", "it has a scheme"), ("*", "a star has no meaning there")):
        if mark in text:
            raise InputError(subject=f"the destination {quoted(text)}", cause=cause, hint=_FORM)
    if text.endswith("/"):
        raise InputError(subject=f"the destination {quoted(text)}", cause="it ends with '/'", hint=_FORM)


def _registry_alone(text: str, *, whole_registry: bool) -> DestinationPath:
    registry = parse_registry(text)
    if not whole_registry:
        raise InputError(
            subject=f"the destination {quoted(text)}",
            cause="it is a registry alone, and the source is not a whole one",
            hint=f"write {registry}/namespace, or {registry}/{{repository}} to keep the whole path",
        )
    return DestinationPath(registry, "{repository}", None)


def _split(text: str, rest: str) -> tuple[str, tuple[str, ...] | None]:
    """Part a path from the tags behind it."""
    if "@" in rest:
        raise InputError(
            subject=f"the destination {quoted(text)}", cause="it has a digest and the source has none", hint=_FORM
        )
    path, colon, tags = rest.partition(":")
    if not colon:
        return path, None
    if not is_template(path):
        raise InputError(
            subject=f"the destination {quoted(text)}",
            cause="many repositories go there, and it names one with a tag",
            hint="write a template, with {name} before the tag",
        )
    return path, tuple(check_tag(tag.strip()) for tag in tags.split(","))


def _check(template: str) -> None:
    """Refuse braces that are no placeholders, and placeholders where only literal text may be."""
    for word in _PLACEHOLDER.findall(template):
        if word == "tag":
            raise InputError(
                subject=f"the template {quoted(template)}",
                cause="{tag} is understood in its one tag alone",
                hint="write registry/repository:{tag}, with more before or behind it",
            )
        if word not in PLACEHOLDERS:
            raise InputError(
                subject=f"the placeholder {quoted('{' + word + '}')}",
                cause="it is not known",
                hint=nearest(word, PLACEHOLDERS, "there are"),
            )
    if is_template(_PLACEHOLDER.sub("", template)) or is_template(template.rpartition("/")[2].partition(":")[2]):
        raise InputError(
            subject=f"the template {quoted(template)}",
            cause="it has a brace that belongs to no placeholder of its path",
            hint=f"the placeholders are {', '.join('{' + word + '}' for word in PLACEHOLDERS)}",
        )
