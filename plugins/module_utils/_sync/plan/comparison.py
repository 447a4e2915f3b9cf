# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of a source and a destination, and what both have → tasks, each with an action and the reason for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from ..._oci.client.run import Run
from ..._oci.errors import ContentError, ImageOpsError
from ..._oci.image.manifest import Descriptor, Platform
from ..._oci.image.media_types import INDEXES
from ..._oci.image.reference import Reference
from ..._oci.late_imports import IMPORTING
from ..decisions import Action, Bulk, Overwrite, UnsupportedArtifacts
from ..rules.referrer_choice import ALL, ReferrerChoice
from ..rules.rule import Rule
from ..work.manifest_cache import ManifestCache
from ..work.stores import Stores
from ..work.workers import ask_all
from .earlier_stages import EarlierStages
from .image_task import LEFT, WAITS, ImageTask, Pair, Predecessor, differs, in_parts, new_task
from .immutable_tags import split_immutable
from .listed_digests import ListedDigests, source_key
from .sides.source_images import SourceImage, SourceImages
from .sides.state import DestinationState, SourceKey, Survey

_STRIPPED = "the destination has it without the artifacts that it does not take"


class CompareOptions(NamedTuple):
    """How both sides are compared.

    :ivar overwrite: for rules that do not say
    :ivar rewrite: put manifests again even where both sides are equal
    :ivar check_mode: compare tags that never move like others, and say of what is not seen that it is unknown
    :ivar compare_all: ask about each image by itself, also where it never moves or a list has its digest
    :ivar referrers: which of what refers to images comes with them, for rules that do not say
    :ivar unsupported_artifacts: for rules that do not say; where it is to strip, what lacks only artifacts that the
        destination did not take is equal
    :ivar bulk: whether lists of digests may show that both sides are equal; never where more depends on the answer than
        whether an image is copied
    """

    overwrite: Overwrite
    rewrite: bool
    check_mode: bool
    unsupported_artifacts: UnsupportedArtifacts
    referrers: ReferrerChoice = ALL
    bulk: Bulk = Bulk.AUTO
    compare_all: bool = False


class Comparison:
    """Compares both sides. Answers are kept: comparing again asks only what failed the first time."""

    def __init__(
        self,
        stores: Stores,
        survey: Survey,
        listed: ListedDigests,
        source_images: SourceImages,
        manifests: ManifestCache,
        options: CompareOptions,
        run: Run,
    ) -> None:
        self._stores = stores
        self._survey = survey
        self._listed = listed
        self._source_images = source_images
        self._manifests = manifests
        self._options = options
        self._run = run
        self._unchanged: list[ImageTask] = []

    def tasks(self, pairs: Sequence[Pair], earlier: EarlierStages) -> list[ImageTask]:
        """Return a task for each pair.

        :param earlier: what is written before, and copied by some of these pairs
        """
        before = len(self._unchanged)
        tasks, pairs = self._settled(pairs)
        if not (self._options.check_mode or self._options.rewrite or self._options.compare_all):
            immutable, pairs = split_immutable(pairs, self._survey)
            tasks += immutable
        makers = {pair.source: maker for pair in pairs for maker in [earlier.maker(pair.source)] if maker is not None}
        waiting = {source for source, maker in makers.items() if not maker.to_copy}
        tasks += [_waiting(pair) for pair in pairs if pair.source in waiting]
        for part in in_parts([pair for pair in pairs if pair.source not in waiting]):
            tasks += self._compared(part, makers)
        for task in islice(self._unchanged, before, None):  # it is not asked about again
            self._source_images.forget(task.source, task.rule.platforms)
        return tasks

    def _compared(self, pairs: Sequence[Pair], makers: Mapping[Reference, ImageTask]) -> list[ImageTask]:
        """Ask about both sides of pairs. Return their tasks.

        :param makers: the tasks of earlier stages that write the sources of some
        """
        copied = [pair for pair in pairs if pair.source in makers]
        images, there = self._listed.images(
            [pair for pair in pairs if pair.source not in makers],
            (pair.destination for pair in copied),
            self._options.overwrite,
        )
        every = {**images, **self._narrowed({source_key(pair): makers[pair.source] for pair in copied})}
        tasks = [self._decide(_begin(pair, makers), every[source_key(pair)], there[pair.destination]) for pair in pairs]
        tasks = self._without_stripped(tasks, there)
        unchanged = [task for task in tasks if task.action == Action.UNCHANGED and task.previous == task.digest]
        for task in unchanged:
            self._survey.forget(task.destination)
        self._unchanged += unchanged
        return tasks

    def forget(self) -> None:
        """Forget which pairs were equal."""
        self._unchanged.clear()

    def _settled(self, pairs: Sequence[Pair]) -> tuple[list[ImageTask], Sequence[Pair]]:
        """Return the tasks of pairs that were equal before, and the other pairs."""
        if not (pairs and self._unchanged):
            return [], pairs
        known = {task.destination: task for task in self._unchanged}
        settled: list[ImageTask] = []
        others: list[Pair] = []
        for pair in pairs:
            task = known.get(pair.destination)
            if task is not None and (task.source, task.rule) == (pair.source, pair.rule):
                settled.append(task)
            else:
                others.append(pair)
        return settled, others

    def _narrowed(self, makers: Mapping[SourceKey, ImageTask]) -> Mapping[SourceKey, SourceImage | ImageOpsError]:
        """Return what is taken of images that earlier stages write."""
        return ask_all(
            ((self._stores.queue(maker.origin.registry), key) for key, maker in makers.items()),
            lambda key: self._narrow(makers[key], *key),
            action="plan",
            log=self._run.log,
        )

    def _narrow(self, maker: ImageTask, source: Reference, platforms: tuple[Platform, ...]) -> SourceImage:
        image = maker.source_image
        if image is None or (source.digest is not None and source.digest != image.digest):
            raise ContentError(
                code="digest_mismatch",
                action="copy",
                subject=str(source),
                cause=f"{maker.source} is to be copied there before, and is {maker.digest}",
                hint="correct the digest, or leave the tag or the digest out",
            )
        return self._source_images.narrow(image, maker.origin, platforms)

    def _decide(
        self, task: ImageTask, image: SourceImage | ImageOpsError, there: DestinationState | ImageOpsError
    ) -> ImageTask:
        if isinstance(image, ImageOpsError):
            return replace(task, reason="the source does not give it", error=image)
        if isinstance(there, ImageOpsError):
            return replace(task, reason="the destination could not be asked", error=there)
        action, reason = self._action(task.rule, image, there)
        previous = there.descriptor.digest if there.descriptor else None
        previous = image.digest if previous == image.digest else previous  # one object less for each that is equal
        unseen = bool(there.unseen) and image.digest is not None
        task = replace(
            task,
            action=action,
            reason=reason,
            digest=image.digest,
            previous=previous,
            source_image=image,
            unseen=unseen,
        )
        return replace(task, error=differs(task, previous)) if action == Action.CONFLICT else task

    def _action(self, rule: Rule, image: SourceImage, there: DestinationState) -> tuple[Action, str]:
        """Return what is to be done where both sides are known, and why."""
        if image.digest is None:
            return Action.SKIP, image.skip
        if there.unseen:
            return Action.UNKNOWN if self._options.check_mode else Action.CREATE, there.unseen
        if there.descriptor is None:
            return Action.CREATE, "the destination does not have it"
        if there.descriptor.digest == image.digest:
            if self._options.rewrite:
                return Action.UPDATE, "equal, and written again as asked"
            return Action.UNCHANGED, "both sides have the same digest"
        overwrite = rule.overwrite or self._options.overwrite
        if overwrite == Overwrite.ALWAYS:
            return Action.UPDATE, "the destination has another digest"
        return (Action.SKIP, LEFT) if overwrite == Overwrite.SKIP else (Action.CONFLICT, "overwrite is fail")

    def _without_stripped(
        self, tasks: list[ImageTask], there: Mapping[Reference, DestinationState | ImageOpsError]
    ) -> list[ImageTask]:
        """Leave what differs only by artifacts that the destination did not take."""
        if self._options.rewrite:
            return tasks
        option = self._options.unsupported_artifacts
        stripped = (task for task in tasks if (task.rule.unsupported_artifacts or option) == UnsupportedArtifacts.STRIP)
        differing = dict(_differing_indexes(stripped, there))
        same = ask_all(
            ((self._stores.queue(key[0].registry), key) for key in differing),
            lambda key: self._was_stripped(*differing[key]),
            action="plan",
            log=self._run.log,
        )
        return [
            replace(task, action=Action.UNCHANGED, reason=_STRIPPED, error=None)
            if same.get((task.destination, task.source)) is True
            else task
            for task in tasks
        ]

    def _was_stripped(self, task: ImageTask, there: Descriptor) -> bool:
        image = task.source_image
        if image is None or image.digest is None:
            return False
        with IMPORTING:
            from .artifacts import was_stripped  # few destinations refuse artifacts

        return was_stripped(
            self._stores.repository(task.origin),
            image.digest,
            image.rewritten,
            self._stores.repository(task.destination),
            there,
            self._manifests,
        )


def _waiting(pair: Pair) -> ImageTask:
    """Return a task for an image of which an earlier stage knows that it cannot be written."""
    return replace(new_task(pair.rule, pair.source, pair.destination), reason=WAITS)


def _begin(pair: Pair, makers: Mapping[Reference, ImageTask]) -> ImageTask:
    task = new_task(pair.rule, pair.source, pair.destination)
    maker = makers.get(pair.source)
    if maker is None or maker.digest is None:
        return task
    return replace(task, origin=maker.origin, predecessor=Predecessor(maker.destination, maker.digest))


def _differing_indexes(
    tasks: Iterable[ImageTask], there: Mapping[Reference, DestinationState | ImageOpsError]
) -> Iterable[tuple[tuple[Reference, Reference], tuple[ImageTask, Descriptor]]]:
    for task in tasks:
        found = there.get(task.destination)
        if task.previous is None or task.previous == task.digest or not isinstance(found, DestinationState):
            continue
        image, descriptor = task.source_image, found.descriptor
        if image and descriptor and {image.media_type, descriptor.media_type} <= INDEXES:
            yield (task.destination, task.source), (task, descriptor)
