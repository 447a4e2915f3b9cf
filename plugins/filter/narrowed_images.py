# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter: rules about many images, narrowed to some."""

from __future__ import annotations

DOCUMENTATION = r"""
name: narrowed_images
short_description: Rules about many images, narrowed to some
version_added: 0.3.0
description:
  - Gives those items of O(imageops.registry.registry_image_sync#module:images) that copy some images and nothing else,
    as the rules say. An image that no rule takes is left out, so nothing is copied that no rule covers.
  - The images are parsed as references, and never as patterns or templates.
author:
  - The imageops.registry authors (@imageops)
positional: images
options:
  _input:
    description: The rules, in any form of O(imageops.registry.registry_image_sync#module:images).
    type: raw
    required: true
  images:
    description: The images, each with its tag.
    type: list
    elements: str
    required: true
  default_registry:
    description: As O(imageops.registry.registry_image_sync#module:default_registry).
    type: str
  default_namespace:
    description: As O(imageops.registry.registry_image_sync#module:default_namespace).
    type: str
notes:
  - V(newest) in the tags of a rule needs the list of all tags, and is not asked here.
"""

EXAMPLES = r"""
- name: Copy what was pushed, where the rules want it
  imageops.registry.registry_image_sync:
    images: "{{ rules | imageops.registry.narrowed_images(['harbor.example.com/library/nginx:1.27']) }}"
  vars:
    rules:
      - source: harbor.example.com/library/*
        destination: dr.example.com/mirror/{name}
"""

RETURN = r"""
_value:
  description: Items of O(imageops.registry.registry_image_sync#module:images).
  type: list
  elements: dict
  sample: [{source: harbor.example.com/library/nginx:1.27, destination: dr.example.com/mirror/nginx:1.27}]
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.imageops.registry.plugins.module_utils._modules import filters


def narrowed_images(rules: Any, images: Any, **options: Any) -> Any:
    """Call the filter."""
    try:
        return filters.narrowed_images(rules, images, **options)
    except filters.ImageOpsError as error:
        raise AnsibleFilterError(f"narrowed_images: {error}") from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by its name."""
        return {"narrowed_images": narrowed_images}
