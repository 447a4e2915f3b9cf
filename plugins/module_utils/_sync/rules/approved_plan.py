# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that somebody has looked at: the report of a run in check mode, and the rules that copy just its images.

No I/O. What is refused here is refused before anything is contacted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._oci.errors import ImageOpsError, InputError
from ..._oci.image.reference import Digest, Reference, quoted
from ..._oci.image.strict_json import JsonFault, loads
from ..decisions import Action, Status
from .grammar import Destination, Source
from .rule import Rule
from .tags.tag_filter import TagFilter

VERSION = 1
_AGAIN = "run the task in check mode again, and have the new plan approved"
_ACTIONS = (Action.CREATE, Action.UPDATE, Action.UNCHANGED, Action.SKIP)
_MOST_NAMED = 3


@dataclass(frozen=True)
class PlannedImage:
    """One image of a plan.

    :ivar rule: where its rule stands: ``images[0]``
    :ivar source_digest: what the source's reference named; None for what was skipped before it was asked about
    :ivar digest: what the destination is to have; None when nothing is copied
    :ivar previous: what the destination had
    :ivar referrers: the digests of what refers to it
    """

    rule: str
    source: Reference
    source_digest: Digest | None
    destination: Reference
    action: Action
    digest: Digest | None
    previous: Digest | None
    referrers: frozenset[Digest]


@dataclass(frozen=True)
class ApprovedPlan:
    """A plan.

    :ivar made: when it was made, in seconds since 1970
    :ivar asked: the digest of the rules and options that it was made with
    """

    made: float
    asked: str
    images: tuple[PlannedImage, ...]

    def rules(self, rules: Sequence[Rule]) -> list[Rule]:
        """Return rules that name each image of the plan, and no other; their options are those of the task's rules.

        :param rules: of the task
        :raises ImageOpsError: when an image belongs to none of them
        """
        by_origin = {rule.origin: rule for rule in rules}
        groups: dict[object, list[PlannedImage]] = {}
        names: Counter[object] = Counter()
        for number, image in enumerate(self.images):
            if image.rule not in by_origin:
                raise refused(f"{image.source} belongs to {image.rule}, which is no rule of this task")
            single = (
                number if image.source.digest or image.destination.tag is None or image.source.tag is None else None
            )
            place = (image.rule, image.source.name, image.destination.name, single)
            # A source's tag that has several names in one repository needs a rule for each of them.
            again = names[place, image.source]
            names[place, image.source] += 1
            groups.setdefault((*place, again), []).append(image)
        return [_narrowed(by_origin[images[0].rule], images) for images in groups.values()]


def _narrowed(rule: Rule, images: Sequence[PlannedImage]) -> Rule:
    source, destination = images[0].source, images[0].destination
    return replace(
        rule,
        source=Source(
            source.registry,
            source.repository,
            tuple(image.source.tag for image in images if image.source.tag is not None) or None,
            digest=source.digest,
            text=str(source),
        ),
        destinations=(
            Destination(
                destination.registry,
                destination.repository,
                tuple(image.destination.tag for image in images if image.destination.tag is not None) or None,
                destination.digest,
                str(destination),
            ),
        ),
        tags=TagFilter(),
        prune=None,
        brought_by=None,
    )


def parse_plan(raw: bytes) -> ApprovedPlan:
    """Take the content of a report of check mode.

    :raises ImageOpsError: when it is none, or of a run in which not every image was known and could be copied
    """
    try:
        document = loads(raw, once=True)
    except JsonFault as fault:
        raise refused(str(fault)) from None
    plan = document.get("plan") if isinstance(document, dict) else None
    if not isinstance(plan, dict) or document.get("check_mode") is not True:
        raise refused("it is no report of a task in check mode")
    if plan.get("version") != VERSION or isinstance(plan.get("version"), bool):
        raise refused(f"it is no plan of version {VERSION}, which this release of the collection applies")
    if document.get("interrupted") is not False or document.get("overdue") is not False:
        raise refused("the run that made it was ended before it was through")
    made, asked, images = plan.get("made"), plan.get("asked_sha256"), plan.get("images")
    if isinstance(made, bool) or not isinstance(made, (int, float)) or not isinstance(asked, str):
        raise refused("it does not say when it was made, or of what")
    if not isinstance(images, list) or not all(isinstance(entry, dict) for entry in images):
        raise refused("it has no list of images")
    _refuse_unfinished(images)
    try:
        return ApprovedPlan(float(made), asked, tuple(_image(entry) for entry in images))
    except (InputError, KeyError, TypeError, ValueError) as fault:
        raise refused(f"one of its images cannot be read: {quoted(str(fault))}") from None


def _refuse_unfinished(images: Iterable[Mapping[str, Any]]) -> None:
    actions = {action.value for action in _ACTIONS}
    odd = [entry for entry in images if entry.get("status") != Status.DONE.value or entry.get("action") not in actions]
    if any(entry.get("action") == Action.DELETE.value for entry in odd):
        raise refused("it deletes tags, which is not done by a plan", "leave prune to a task of its own")
    if odd:
        named = ", ".join(
            f"{entry.get('destination')} ({entry.get('status')}, {entry.get('action')})" for entry in odd[:_MOST_NAMED]
        )
        more = f" and {len(odd) - _MOST_NAMED} more" if len(odd) > _MOST_NAMED else ""
        raise refused(f"not all of its images could be planned: {named}{more}")


def _image(entry: Mapping[str, Any]) -> PlannedImage:
    return PlannedImage(
        rule=str(entry["rule"]),
        source=Reference.parse(entry["source"]),
        source_digest=_digest(entry["source_digest"]),
        destination=Reference.parse(entry["destination"]),
        action=Action(entry["action"]),
        digest=_digest(entry["digest"]),
        previous=_digest(entry["previous_digest"]),
        referrers=frozenset(Digest.parse(text) for text in entry["referrers"]),
    )


def _digest(text: str | None) -> Digest | None:
    return None if text is None else Digest.parse(text)


def refused(cause: str, hint: str = _AGAIN) -> ImageOpsError:
    """Return the error for a plan that is not applied."""
    return ImageOpsError(code="plan_refused", action="apply", subject="the plan", cause=cause, hint=hint)
