# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What images are called in a mirror, and what brings them there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from ..._oci.errors import InputError
from ..._oci.image.reference import Reference
from ..rules.grammar import Source, parse_destination
from ..rules.repository_patterns import is_template
from ..rules.rule import Rule, destination_tag
from ..rules.user_input import Field
from .image_walk import ImageWalk, Path
from .named_images import NamedImage, parse_image


class Mirror:
    """A mirror: where images are, by a template of a destination.

    :param destination: as a rule's destination has it; without a placeholder the beginning of the paths there
    :raises InputError: when it is none
    """

    def __init__(self, destination: str) -> None:
        self._field = Field("destination", "the mirror")
        self._template = destination if is_template(destination) else f"{destination.rstrip('/')}/{{repository}}"
        samples = (self._name(Reference("a.invalid", path, "a")).name for path in ("a/a", "b/b"))
        self._beginning = "".join(one for one, _other in takewhile(lambda pair: pair[0] == pair[1], zip(*samples)))

    def has(self, image: Reference) -> bool:
        """Return whether an image is in the mirror already, by its name."""
        return image.name.startswith(self._beginning)

    def name(self, image: Reference) -> Reference:
        """Return what an image is called in the mirror; one that is there already keeps its name."""
        return image if self.has(image) else self._name(image)

    def _name(self, image: Reference) -> Reference:
        tags = None if image.tag is None else (image.tag,)
        source = Source(image.registry, image.repository, tags)
        destination = parse_destination(self._template, self._field, source=source)
        tag = destination_tag(Rule("the mirror", source, (destination,)), destination, image.tag)
        return Reference(destination.registry, destination.repository, tag, image.digest)

    def rewrite(self, data: Any, *, paths: Sequence[Path] = (), variables: Mapping[str, str] | None = None) -> Any:
        """Return a reference, or data, with the mirror's names in place of all images.

        :raises InputError: for what is no image, and for text that is more than a reference
        """
        if isinstance(data, str):
            return self._rename(data, "")
        if isinstance(data, (list, tuple)):
            return [self.rewrite(item, paths=paths, variables=variables) for item in data]
        return ImageWalk(self._rename, paths, variables or {}).document(data)

    def _rename(self, image: str, where: str) -> str:
        if "\n" in image.strip():
            raise InputError(
                subject="a text of several lines",
                cause="references are rewritten, and data, but not text",
                hint="parse it with from_yaml_all before, and write it with to_nice_yaml after",
            )
        return str(self.name(parse_image(image.strip(), where)))

    def rules(self, images: Sequence[NamedImage]) -> list[dict[str, Any]]:
        """Return items of the option ``images`` that bring these images into the mirror, without those that are there.

        Of a tag with a digest, the digest is copied, since the tag may have moved, and gets the tag in the mirror.
        Where the same tag is wanted for other content, too, it is put there by digest alone. An image that is named
        more than once gets all the platforms that are asked for.
        """
        wanted = [named for named in images if not self.has(named.image)]
        variants = Counter((image.name, image.tag) for image in {named.image for named in wanted})
        items: dict[tuple[str, str], tuple[str, ...]] = {}
        for named in wanted:
            image = named.image
            by_digest = image.digest is not None
            source = replace(image, tag=None) if by_digest else image
            destination = replace(self.name(image), digest=None)
            if by_digest and variants[image.name, image.tag] > 1:
                destination = replace(destination, tag=None)
            item = str(source), str(destination)
            known = items.get(item, named.platforms)
            # None are all.
            items[item] = tuple(dict.fromkeys((*known, *named.platforms))) if known and named.platforms else ()
        return [
            {"source": source, "destination": destination, **({"platforms": list(platforms)} if platforms else {})}
            for (source, destination), platforms in items.items()
        ]
