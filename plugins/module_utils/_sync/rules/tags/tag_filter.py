# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tags of a list are taken, and why the others are not. No I/O.

The filters work one after another: the regular expression of the source, include, exclude, semver, newest. Each sees
only what the one before has let through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...._oci.image.referrers import is_referrer_tag
from ...decisions import NewestBy, Per
from .versions import in_version_order, newest, version_of

if TYPE_CHECKING:
    from ..re2.syntax import TagPattern
    from .tag_range import TagRange


@dataclass(frozen=True)
class Newest:
    """The newest tags, so many of them.

    :ivar count: how many are taken at most, of each series when there is ``per``
    :ivar by: what makes a tag newer; a tag of which that is not known is neither counted nor left
    """

    count: int
    by: NewestBy = NewestBy.VERSION
    per: Per | None = None

    def taken(self, tags: Sequence[str], created: Mapping[str, datetime | None]) -> set[str]:
        """Return those of the tags that are taken.

        :param created: when the image of each tag was built, where that is known
        """
        taken: set[str] = set()
        for series, members in self._by_series(tags).items():
            if self.by == NewestBy.VERSION or series is None:
                taken.update(newest(members, self.count))
            else:
                taken.update(_latest(members, self.count, created))
        return taken

    def series(self, tag: str) -> str | None:
        """Return the minor or major version that a tag belongs to, such as ``1.27``; None when it has no version."""
        version = version_of(tag)
        if self.per is None or version is None:
            return None if self.per else ""
        numbers = (*version.numbers, 0)[: 2 if self.per == Per.MINOR else 1]
        return ".".join(map(str, numbers))

    def _by_series(self, tags: Iterable[str]) -> dict[str | None, list[str]]:
        found: dict[str | None, list[str]] = {}
        for tag in tags:
            found.setdefault(self.series(tag), []).append(tag)
        return found


def _latest(tags: Sequence[str], count: int, created: Mapping[str, datetime | None]) -> Iterable[str]:
    """Return the tags that were built last, so many of them, and those of which that is not known."""
    times = {tag: time for tag, time in ((tag, created.get(tag)) for tag in in_version_order(tags)) if time is not None}
    earlier = set(sorted(times, key=lambda tag: times[tag])[:-count])
    return (tag for tag in tags if tag not in earlier)


@dataclass(frozen=True)
class Choice:
    """What became of the tags of a list.

    :ivar taken: each once, in the order of their versions
    :ivar left: why each of the others is not taken
    """

    taken: list[str]
    left: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TagFilter:
    """The option ``tags`` of a rule.

    :ivar include: tags are taken when one of these matches the whole tag; all, when there are none
    :ivar exclude: tags are left when one of these matches the whole tag
    :ivar semver: tags are taken when they are a version in one of these; all, when there are none
    :ivar newest: which of those that are left over are taken; None takes all
    :ivar immutable: tags that never move, when one of these matches the whole tag; they are chosen like others
    """

    include: tuple[TagPattern, ...] = ()
    exclude: tuple[TagPattern, ...] = ()
    semver: tuple[TagRange, ...] = ()
    newest: Newest | None = None
    immutable: tuple[TagPattern, ...] = ()

    @property
    def selects(self) -> bool:
        """Whether any tag may be left because of it."""
        return bool(self.include or self.exclude or self.semver or self.newest)

    @property
    def needs_created(self) -> bool:
        """Whether it has to be known when the images were built."""
        return self.newest is not None and self.newest.by == NewestBy.CREATED

    def choose(
        self,
        listed: Iterable[str],
        *,
        pattern: TagPattern | None = None,
        created: Mapping[str, datetime | None] | None = None,
    ) -> Choice:
        """Return what is taken of a list, and why the rest is not.

        :param pattern: the regular expression of the source, which is looked for anywhere in a tag
        :param created: when images were built; None takes all that ``newest`` would choose from
        """
        left: dict[str, str] = {}
        passed: list[str] = []
        for tag in dict.fromkeys(listed):
            reason = self._reason(tag, pattern)
            if reason:
                left[tag] = reason
            else:
                passed.append(tag)
        if self.newest is not None and (created is not None or not self.needs_created):
            taken = self.newest.taken(passed, created or {})
            left.update((tag, self._outnumbered(tag)) for tag in passed if tag not in taken)
            passed = [tag for tag in passed if tag in taken]
        return Choice(in_version_order(passed), left)

    def is_immutable(self, tag: str) -> bool:
        """Return whether a tag never moves."""
        return any(pattern.fullmatch(tag) for pattern in self.immutable)

    def _reason(self, tag: str, pattern: TagPattern | None) -> str:
        """Return why a tag is not taken, whatever the others are; an empty string when it may be."""
        if is_referrer_tag(tag):
            return "it belongs to a digest, and comes with the image that has it"
        return self._misfit(tag, pattern)

    def could_take(self, tag: str, pattern: TagPattern | None) -> bool:
        """Return whether a tag is taken when ``newest`` does not leave it."""
        return not self._reason(tag, pattern)

    def takes_alone(self, tag: str, pattern: TagPattern | None) -> bool:
        """Return whether a tag that belongs to a digest is taken although no image with that digest is."""
        return not (self.newest or self.semver or self._misfit(tag, pattern))

    def _misfit(self, tag: str, pattern: TagPattern | None) -> str:
        if pattern is not None and not pattern.search(tag):
            return "the source's regular expression is not found in it"
        if self.include and not any(include.fullmatch(tag) for include in self.include):
            return "no include matches it"
        excluding = next((exclude for exclude in self.exclude if exclude.fullmatch(tag)), None)
        if excluding is not None:
            return f"exclude {excluding.pattern} matches it"
        if self.semver and not any(found.takes(tag) for found in self.semver):
            is_version = any(found.version_of(tag) for found in self.semver)
            return "it is in no range of semver" if is_version else "it is no version that semver means"
        return ""

    def _outnumbered(self, tag: str) -> str:
        series = self.newest.series(tag) if self.newest else ""
        count = self.newest.count if self.newest else 0
        return f"it is not one of the newest {count}{f' of {series}' if series else ''}"

    def as_option(self) -> dict[str, Any]:
        """Return it as it is written in a rule."""
        option: dict[str, Any] = {}
        for name, patterns in (("include", self.include), ("exclude", self.exclude), ("immutable", self.immutable)):
            if patterns:
                option[name] = [pattern.pattern for pattern in patterns]
        if self.semver:
            option["semver"] = [found.as_option() for found in self.semver]
        if self.newest is not None:
            option["newest"] = self.newest.count
            if self.newest.by != NewestBy.VERSION:
                option["by"] = self.newest.by.value
            if self.newest.per is not None:
                option["per"] = self.newest.per.value
        return option
