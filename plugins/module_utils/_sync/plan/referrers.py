# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to images without being a part of them: signatures, SBOMs and attestations that refer to a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, Union

from ..._oci.client.run import Run
from ..._oci.errors import ImageOpsError
from ..._oci.image.manifest import Manifest
from ..._oci.image.reference import Digest, Reference
from ..decisions import Overwrite
from ..rules.referrer_choice import ReferrerChoice
from ..work.stores import Stores
from ..work.workers import ask_all

K = TypeVar("K", bound=tuple[Reference, Any])
V = TypeVar("V")


@dataclass(frozen=True)
class Referrer:
    """One manifest that refers to another.

    :ivar subject: the digest that it refers to
    :ivar tag: its name in the repository; None where it is known by its subject alone
    :ivar type: its artifact type
    :ivar is_there: whether the destination has it
    :ivar merges: whether its tag holds another list at the destination, which gets the entries of this one
    """

    __slots__ = ("digest", "is_there", "media_type", "merges", "size", "subject", "tag", "type")

    subject: Digest
    digest: Digest
    media_type: str
    size: int
    tag: str | None
    type: str
    is_there: bool
    merges: bool


@dataclass(frozen=True)
class Root:
    """An image whose referrers are looked for.

    :ivar source: the repository that it comes from, without tag and digest; likewise destination
    :ivar rewritten: manifests of it that are not at the source
    :ivar overwrite: what is done where a tag that belongs to it has another digest at the destination
    :ivar is_there: whether the destination has the image already
    """

    source: Reference
    destination: Reference
    digest: Digest
    media_type: str
    rewritten: Mapping[Digest, Manifest]
    choice: ReferrerChoice
    overwrite: Overwrite
    is_there: bool


Outcome = Union[Sequence[Referrer], ImageOpsError]
"""The referrers of an image, or why they are not known."""


def ask(stores: Stores, run: Run, keys: Iterable[K], answer: Callable[[K], V]) -> dict[K, V | ImageOpsError]:
    """Return the answers to questions whose first part is a repository, asked in its store's queue."""
    questions = ((stores.queue(key[0].registry), key) for key in keys)
    return ask_all(questions, answer, action="find the referrers of", log=run.log)
