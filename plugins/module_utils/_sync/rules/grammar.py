# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sides of a rule as they are written: image-syncer's grammar of sources and destinations, and whole projects.

In this order: a digest (``repository@sha256:...``, also with a tag), one tag, neither (all tags),
``repository:/regex/``, where an empty expression means all tags, a list of tags (``repository:tag1,tag2``). A source
may also be every repository directly in a path (``registry/project/*``) or anywhere below it (``/**``), all their tags
or those that match (``:/regex/``); its destination then says by a template, or as the beginning of a path, where each
of them goes. A destination's tag may be made of the source's: ``repository:{tag}-mirror``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..._oci.errors import InputError
from ..._oci.image.places import DOCKER_ARCHIVE, place_of, split_place
from ..._oci.image.reference import Digest, Reference, check_tag, quoted
from ..._oci.image.transports import other_form
from .repository_patterns import Wildcard, fill, is_template, parse_destination_path, parse_wildcard, split_tag_template
from .user_input import Field

if TYPE_CHECKING:
    from .re2.syntax import TagPattern

_SOURCE_FORM = "write registry/repository, and behind it nothing, :tag, :tag1,tag2, :/regex/ or @sha256:..."
_DESTINATION_FORM = "write registry/repository, and behind it nothing, :tag, :tag1,tag2 or @sha256:..."
_REGEX_FORM = "write repository:/regex/"
_COUNT_FORM = "give as many tags as the source has, or none to keep the source's"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_ALL_TAGS = "://"


@dataclass(frozen=True)
class Source:
    """Images of one repository: one digest, or some tags, or those that match, or all; or of many repositories.

    :ivar repository: the repository's path; of many, as they were written: ``library/*``
    :ivar tags: the tags that are named, each once; with a digest, the one tag that must name it
    :ivar pattern: what a tag must match somewhere
    :ivar text: as it was written
    :ivar wildcard: which repositories, when it is not one
    """

    registry: str
    repository: str
    tags: tuple[str, ...] | None = None
    pattern: TagPattern | None = None
    digest: Digest | None = None
    text: str = ""
    wildcard: Wildcard | None = None

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def selects_by_listing(self) -> bool:
        """Whether the repository's tags have to be listed to know what is meant."""
        return self.tags is None and self.digest is None


@dataclass(frozen=True)
class Destination:
    """A repository that images go to.

    :ivar repository: its path; where many go, a template of theirs or the beginning of their paths
    :ivar tags: what the source's tags are called there, from left to right; None keeps their names
    :ivar digest: the source's digest, when it is written here too
    :ivar text: as it was written
    :ivar tag_template: what every tag is called there, with ``{tag}`` for the source's; empty where ``tags`` says it
    """

    registry: str
    repository: str
    tags: tuple[str, ...] | None = None
    digest: Digest | None = None
    text: str = ""
    tag_template: str = ""

    @property
    def renames(self) -> bool:
        """Whether it says what tags are called there."""
        return bool(self.tags or self.tag_template)

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"


def parse_source(text: str, field: Field) -> Source:
    """Take a source as it is written; an InputError names its field."""
    _refuse_other_forms(text, field)
    place, below = split_place(text) or ("", text)
    whole = f"{place}/{below or '**'}" if place else text
    try:
        name, marked, rest = ("", "", "") if _SCHEME.match(text) else (below or "**").partition(":/")
        name = f"{place}/{name}" if place else name
        wildcard = parse_wildcard(name or text)
        if wildcard is not None:
            pattern = _parse_regex(text, rest) if marked else None
            return Source(wildcard.registry, wildcard.path, pattern=pattern, text=text, wildcard=wildcard)
        if marked:
            reference, tags, pattern = Reference.parse(name), None, _parse_regex(text, rest)
        else:
            reference, named = _parse_list(whole, _SOURCE_FORM)
            tags, pattern = None if named is None else tuple(dict.fromkeys(named)), None
    except InputError as fault:
        raise field.wrapped(text, fault) from None
    return Source(reference.registry, reference.repository, tags, pattern, reference.digest, text)


def parse_destination(text: str, field: Field, *, source: Source) -> Destination:
    """Take a destination as it is written and hold it against the source; an InputError names its field."""
    _refuse_other_forms(text, field)
    place, below = split_place(text) or ("", text)
    _refuse_as_destination(place, text, field)
    if ":/" in below.removesuffix(_ALL_TAGS) and not _SCHEME.match(text):
        raise field.refusal(text, "a regular expression has no meaning there", _DESTINATION_FORM)
    whole = f"{place}/{below or '{repository}'}" if place else text
    try:
        repository, template = split_tag_template(whole.removesuffix(_ALL_TAGS))
        found = replace(_parse_destination(repository, source), text=text, tag_template=template)
    except InputError as fault:
        raise field.wrapped(text, fault) from None
    if found.digest is not None and found.digest != source.digest:
        raise field.refusal(
            text,
            "its digest is not that of the source" if source.digest else "it has a digest and the source has none",
            "leave the digest out: what arrives always has the source's",
        )
    if found.tags is not None:
        _check_count(found.tags, text, field, source)
    if template and source.digest is not None and source.tags is None:
        raise field.refusal(text, "{tag} stands for the source's tag and the source has none", "write the tag itself")
    return found


def _parse_destination(text: str, source: Source) -> Destination:
    if source.wildcard is not None:
        path = parse_destination_path(text, whole_registry=not source.wildcard.prefix)
        return Destination(path.registry, path.path, path.tags)
    filled = fill(text, source.repository) if is_template(text) else text
    reference, tags = _parse_list(filled, _DESTINATION_FORM)
    return Destination(reference.registry, reference.repository, tags, reference.digest)


def _refuse_as_destination(place: str, text: str, field: Field) -> None:
    known = place_of(place)
    if known is not None and known.transport == DOCKER_ARCHIVE:
        cause = "archives of docker save are read and not written"
        raise field.refusal(text, cause, f"write oci-archive:{known.path}, which docker load reads, too")


def _refuse_other_forms(text: str, field: Field) -> None:
    """Refuse names in the forms of other tools, and variables that nothing replaces."""
    other = other_form(text)
    if other is not None:
        raise field.refusal(text, other.cause, other.hint)
    variable = _VARIABLE.search(text.partition(":/")[0])
    if variable is not None:
        name = variable.group(1)
        raise field.refusal(
            text,
            f"the environment variable {name} is not replaced there",
            f"write ${{{name}}} in a destination of an images_file, or anywhere else its value",
        )


def _parse_regex(text: str, rest: str) -> TagPattern | None:
    """Take what follows ``:/``; None means all tags, as an empty expression does."""
    from .re2.syntax import TagPattern  # few rules have expressions

    body, closed = rest[:-1], rest.endswith("/")
    if closed and "/," not in body:
        return TagPattern.parse(body) if body else None
    cause = "a regular expression stands alone" if "/," in rest else "its regular expression has no '/' at the end"
    raise InputError(subject=quoted(text), cause=cause, hint=_REGEX_FORM)


def _parse_list(text: str, form: str) -> tuple[Reference, tuple[str, ...] | None]:
    """Take a reference with any number of tags; gives it, and the tags as they are named."""
    first, comma, rest = text.partition(",")
    if not comma:
        reference = Reference.parse(first)
        return reference, None if reference.tag is None else (reference.tag,)
    others = [tag.strip() for tag in rest.split(",")]
    if not all(others):
        raise InputError(subject="its list of tags", cause="one of the tags is empty", hint=form)
    reference = Reference.parse(first.strip())
    if reference.tag is None or reference.digest is not None:
        cause = "a digest stands alone" if reference.digest else "the first item has no tag"
        raise InputError(subject="its list of tags", cause=cause, hint=form)
    return reference, (reference.tag, *(check_tag(tag) for tag in others))


def _check_count(tags: Sequence[str], text: str, field: Field, source: Source) -> None:
    """Compare the numbers of tags. How many a listing gives is known later: one name may be right for it."""
    if source.selects_by_listing:
        if len(tags) > 1:
            meant = "all tags" if source.pattern is None else "all tags that match"
            raise field.refusal(
                text,
                f"it names {_counted(tags)} and the source means {meant}",
                "leave the destination's tags out, or name the source's",
            )
        return
    named = source.tags or (str(source.digest),)
    if len(tags) != len(named):
        raise field.refusal(text, f"it names {_counted(tags)} and the source {_counted(named)}", _COUNT_FORM)


def _counted(tags: Sequence[str]) -> str:
    return "one tag" if len(tags) == 1 else f"{len(tags)} tags"
