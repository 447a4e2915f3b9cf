# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images a text or data names, in full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._oci.errors import InputError
from ..._oci.image.reference import Reference, quoted
from ..rules.files.reference_list import ListEntry, is_reference_list, parse_reference_list
from .image_walk import ImageWalk, Path
from .yaml_text import parse_documents

_DEFAULT_TAG = "latest"
_LIST = "the list"
_DOCUMENT_START = re.compile(r"^---(?:\s|$)", re.MULTILINE)


@dataclass(frozen=True)
class NamedImage:
    """An image that something names, and the platforms that are wanted of it; all without any."""

    image: Reference
    platforms: tuple[str, ...] = ()


def find_images(
    data: Any, *, paths: Sequence[Path] = (), variables: Mapping[str, str] | None = None
) -> list[NamedImage]:
    """Return the images that a text or data names, each once, in the order in which they stand there.

    An image without tag and digest has the tag ``latest``, as container engines have it.

    :param data: manifests, compose files or references: text, data, or a list of these
    :param paths: further places of images
    :param variables: what compose files may name
    :raises InputError: for what is no image where one has to be, and for text that cannot be read
    """
    found: dict[NamedImage, None] = {}

    def note(image: str, where: str, platforms: tuple[str, ...] = ()) -> str:
        found[NamedImage(_with_tag(parse_image(image, where)), platforms)] = None
        return image

    walk = ImageWalk(note, paths, variables or {})
    for part in _parts(data):
        if isinstance(part, ListEntry):
            note(part.source, "", part.platforms)
        elif isinstance(part, str):
            note(part, "")
        else:
            walk.document(part)
    return list(found)


def _parts(data: Any) -> Iterator[Any]:
    """Yield documents, entries of plain lists, and references as text."""
    if isinstance(data, str):
        data = data.lstrip("\ufeff")
        if is_reference_list(data) and not _DOCUMENT_START.search(data):
            yield from parse_reference_list(data, _LIST)
        elif data.strip():
            yield from _documents(parse_documents(data))
    elif isinstance(data, (list, tuple)):
        for item in data:
            yield from _parts(item)
    else:
        yield from _documents(data)


def _documents(data: Any) -> Iterator[Any]:
    if isinstance(data, (list, tuple)):
        for item in data:
            yield from _documents(item)
    elif isinstance(data, (str, Mapping)):
        yield data
    elif data is not None:
        raise InputError(
            subject=quoted(data),
            cause="it is neither text nor a manifest",
            hint="give manifests, a compose file, or references",
        )


def parse_image(image: str, where: str) -> Reference:
    """Return an image by its name.

    :param where: where it stands, for messages
    :raises InputError: when it is no name of an image
    """
    try:
        return Reference.parse(image)
    except InputError as fault:
        subject = f"{fault.subject} ({where})" if where else fault.subject
        raise InputError(subject=subject, cause=fault.cause, hint=fault.hint) from None


def _with_tag(image: Reference) -> Reference:
    return image if image.tag or image.digest else image.with_tag(_DEFAULT_TAG)
