# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One wish: images of one repository, and where they are to be. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..._oci.errors import InputError
from ..._oci.image.platform import Platform
from ..._oci.image.reference import Reference, check_tag, quoted
from ..decisions import Overwrite, UnsupportedArtifacts
from .backup_names import BackupTemplate
from .grammar import Destination, Source
from .prune import Prune
from .referrer_choice import ReferrerChoice
from .repository_patterns import Wildcard, fill_tag
from .required_signature import RequiredSignature
from .tags.tag_filter import Choice, TagFilter
from .user_input import Field


@dataclass(frozen=True)
class Rule:
    """One wish: images of one repository, and where they are to be.

    :ivar origin: where it stands, as messages say it: ``images[0]``
    :ivar tags: which of the source's tags are taken, and which never move
    :ivar platforms: what is taken of an index; all, when there are none
    :ivar overwrite: what is done where a destination tag differs; None leaves it to the task
    :ivar referrers: which of what refers to its images comes with them; None leaves it to the task
    :ivar unsupported_artifacts: what is done with artifacts that a destination refuses; None leaves it to the task
    :ivar required_signature: what its images must be signed by; None for nothing
    :ivar backup: under which tag a destination's image is kept that is to be overwritten; None when it is not kept
    :ivar prune: what is deleted at its destinations; None for nothing
    :ivar brought_by: the wildcard that found its repository, when the user did not name it
    """

    origin: str
    source: Source
    destinations: tuple[Destination, ...]
    tags: TagFilter = field(default_factory=TagFilter)
    platforms: tuple[Platform, ...] = ()
    overwrite: Overwrite | None = None
    referrers: ReferrerChoice | None = None
    unsupported_artifacts: UnsupportedArtifacts | None = None
    required_signature: RequiredSignature | None = None
    backup: BackupTemplate | None = None
    prune: Prune | None = None
    brought_by: Wildcard | None = None

    def choose(self, listed: Iterable[str], created: Mapping[str, datetime | None] | None = None) -> Choice:
        """Return which tags of a listing this rule takes, and why not the others.

        :param created: when images were built; None takes all that ``newest`` would choose from by that
        """
        if self.backup is None:
            return self.tags.choose(listed, pattern=self.source.pattern, created=created)
        names = list(listed)
        backups = {tag: "it is a backup" for tag in names if self.is_backup(tag)}
        others = (tag for tag in names if tag not in backups)
        choice = self.tags.choose(others, pattern=self.source.pattern, created=created)
        return Choice(choice.taken, {**backups, **choice.left})

    def is_backup(self, tag: str) -> bool:
        """Return whether a tag has the form of a backup: such a tag is never taken, written or removed by a rule."""
        return self.backup is not None and self.backup.matches(tag)

    def could_take(self, tag: str) -> bool:
        """Return whether this rule takes a tag of its source's list when nothing but ``newest`` speaks against it."""
        return self.tags.could_take(tag, self.source.pattern)

    def select(self, listed: Sequence[str], created: Mapping[str, datetime | None] | None = None) -> list[str]:
        """Return the source tags that this rule takes out of a listing, each once, in the order of their versions.

        A source that names its tags gives those. More tags than a destination names are an InputError.
        """
        if not self.source.selects_by_listing:
            return list(self.source.tags or ())
        selected = self.choose(listed, created or {}).taken
        if len(selected) > 1:
            self._refuse_named_destinations(selected)
        return selected

    def _refuse_named_destinations(self, selected: Sequence[str]) -> None:
        for destination in self.destinations:
            if destination.tags is not None:
                shown = ", ".join(selected[:3]) + (", ..." if len(selected) > 3 else "")
                raise Field("destination", self.origin).refusal(
                    destination.text,
                    f"it names one tag and the source has {len(selected)}: {shown}",
                    "leave the destination's tag out to keep the source's, or select one tag",
                )


def destination_tag(rule: Rule, destination: Destination, source_tag: str | None) -> str | None:
    """Return the tag that an image gets in one of its rule's destinations; None when it is put there by digest alone.

    :param source_tag: one of ``rule.select``, or None for a source that is named by digest alone
    :raises InputError: when a template makes of the source's tag what is none, or what is a name for backups
    """
    tag = _destination_tag(rule, destination, source_tag)
    if tag is not None and rule.is_backup(tag):
        raise Field("destination", rule.origin).refusal(
            destination.text,
            f"{quoted(tag)} is a name for backups",
            "write another tag, or another template for backup",
        )
    return tag


def _destination_tag(rule: Rule, destination: Destination, source_tag: str | None) -> str | None:
    if destination.tag_template and source_tag is not None:
        try:
            return check_tag(fill_tag(destination.tag_template, source_tag))
        except InputError as fault:
            raise Field("destination", rule.origin).wrapped(destination.text, fault) from None
    if destination.tags is None:
        return None if destination.digest is not None else source_tag
    named = rule.source.tags
    return destination.tags[named.index(source_tag) if named is not None and source_tag is not None else 0]


def as_item(rule: Rule, source: Reference, destination: Reference) -> dict[str, Any]:
    """Return this rule, narrowed to one image, in the form that the option ``images`` takes.

    One image is no list to compare with, so it deletes nothing.
    """
    item: dict[str, Any] = {"source": str(source), "destination": str(destination)}
    if rule.platforms:
        item["platforms"] = [str(platform) for platform in rule.platforms]
    if rule.overwrite is not None:
        item["overwrite"] = rule.overwrite.value
    if rule.referrers is not None:
        item["referrers"] = rule.referrers.as_option()
    if rule.unsupported_artifacts is not None:
        item["unsupported_artifacts"] = rule.unsupported_artifacts.value
    if rule.required_signature is not None:
        item["require_signature"] = rule.required_signature.as_option()
    return item
