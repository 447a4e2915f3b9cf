# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each of many repositories goes: a template, or the beginning of a path. No I/O.

``{repository}`` is the source's whole path, ``{namespace}`` all of it but the last part, ``{name}`` the last part, and
``{path}`` all but the first part, which is what an empty destination has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._oci.errors import InputError
from .._oci.reference import DOCKER_HUB, check_tag, parse_registry, parse_repository, quoted
from .inputs import nearest
from .wildcards import Wildcard

PLACEHOLDERS = ("repository", "namespace", "name", "path")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_FORM = "write registry/namespace, or a template such as registry/namespace/{name}"
_SAMPLE = "a/b"


@dataclass(frozen=True)
class DestinationPath:
    """A destination of many repositories.

    :ivar path: a template, or the beginning of their paths
    :ivar tags: what the one tag of each is called there; None keeps the source's
    """

    registry: str
    path: str
    tags: tuple[str, ...] | None


def is_template(text: str) -> bool:
    """Whether there are placeholders in it, or what must be meant as one."""
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


def target(path: str, wildcard: Wildcard, repository: str) -> str:
    """The path that one of many repositories gets.

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
