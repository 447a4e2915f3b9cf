# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter: what images are called in a mirror."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_mirror
short_description: What images are called in a mirror
version_added: 0.1.0
description:
  - Rewrites a reference, a list of references, or all images in data, such as manifests, to the names that they have in
    a mirror. Tags and digests stay.
  - An image that is in the mirror already keeps its name.
  - Text of several lines is not rewritten. Parse it with P(ansible.builtin.from_yaml_all#filter) before.
author:
  - The imageops.registry authors (@imageops)
positional: destination
options:
  _input:
    description: A reference, data such as parsed manifests, or a list of these.
    type: raw
    required: true
  destination:
    description:
      - Where the images are in the mirror, with the same placeholders as the destination of a rule of
        M(imageops.registry.registry_image_sync). V({repository}) is the whole path, V({namespace}) all of it but the
        last component, V({name}) the last component, V({path}) all but the first component. V({tag}) is the tag.
      - Without a placeholder it is the beginning, and the whole path of each image is put behind it.
    type: str
    required: true
  paths:
    description: Where else images stand in data, as for P(imageops.registry.image_references#filter).
    type: list
    elements: raw
  variables:
    description: The variables that compose files may name, as for P(imageops.registry.image_references#filter).
    type: dict
seealso:
  - plugin: imageops.registry.image_references
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Name an image in the mirror
  ansible.builtin.debug:
    msg: "{{ 'nginx:1.27' | imageops.registry.image_mirror('registry.example.com/mirror/{repository}') }}"
  # registry.example.com/mirror/library/nginx:1.27

- name: Write manifests that take their images from the mirror
  ansible.builtin.copy:
    dest: app-from-mirror.yml
    content: |
      {% for document in lookup('ansible.builtin.file', 'app.yml') | ansible.builtin.from_yaml_all %}
      ---
      {{ document | imageops.registry.image_mirror('registry.example.com/mirror') | ansible.builtin.to_nice_yaml }}
      {% endfor %}
    mode: "0644"
"""

RETURN = r"""
_value:
  description: What was given, with the mirror's names.
  type: raw
  sample: registry.example.com/mirror/library/nginx:1.27
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.imageops.registry.plugins.module_utils._modules import filters


def image_mirror(data: Any, destination: Any, **options: Any) -> Any:
    """Call the filter."""
    try:
        return filters.image_mirror(data, destination, **options)
    except filters.ImageOpsError as error:
        raise AnsibleFilterError(f"image_mirror: {error}") from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by its name."""
        return {"image_mirror": image_mirror}
