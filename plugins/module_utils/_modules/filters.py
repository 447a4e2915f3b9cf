# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters of the collection do, from what a template gives them to what it gets back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._oci.errors import ImageOpsError, InputError
from .._oci.image.reference import Reference, quoted
from .._sync.references.image_walk import Path, parse_path
from .._sync.references.mirror import Mirror
from .._sync.references.named_images import find_images
from .._sync.rules.narrowing import narrowed
from .._sync.rules.rule_parser import parse_rules

__all__ = ["ImageOpsError", "image_mirror", "image_references", "narrowed_images"]


def image_references(data: Any, destination: object = None, paths: object = None, variables: object = None) -> Any:
    """Return the result of ``image_references``: the images in text or data, as items of ``images`` with a destination.

    :raises ImageOpsError: for what cannot be meant
    """
    found = find_images(data, paths=_paths(paths), variables=_variables(variables))
    if destination is None:
        return list(dict.fromkeys(str(named.image) for named in found))
    return _mirror(destination).rules(found)


def image_mirror(data: Any, destination: object, paths: object = None, variables: object = None) -> Any:
    """Return the result of ``image_mirror``: a reference, or data, with the mirror's names in place of all images.

    :raises ImageOpsError: for what cannot be meant
    """
    return _mirror(destination).rewrite(data, paths=_paths(paths), variables=_variables(variables))


def narrowed_images(
    rules: object, images: object, default_registry: str | None = None, default_namespace: str | None = None
) -> list[dict[str, Any]]:
    """Return the result of ``narrowed_images``: items of ``images`` that copy some images, as rules say.

    :raises ImageOpsError: for what cannot be meant
    """
    if not isinstance(images, (list, tuple)):
        raise InputError(subject=f"the images {quoted(images)}", cause="they are not a list", hint="write a list")
    parsed = parse_rules(rules, default_registry=default_registry, default_namespace=default_namespace)
    return narrowed(parsed, [Reference.parse(image) for image in images])


def _mirror(destination: object) -> Mirror:
    if not isinstance(destination, str) or not destination:
        raise InputError(
            subject=f"the destination {quoted(destination)}",
            cause="it is not a string",
            hint="write registry/namespace, or a template such as registry/namespace/{name}",
        )
    return Mirror(destination)


def _paths(written: object) -> list[Path]:
    if written is None:
        return []
    return [parse_path(path) for path in (written if isinstance(written, (list, tuple)) else [written])]


def _variables(given: object) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(
            subject=f"variables {quoted(given)}", cause="they are not a mapping", hint="write variables={'TAG': '1.27'}"
        )
    return {str(name): str(value) for name, value in given.items() if value is not None}
