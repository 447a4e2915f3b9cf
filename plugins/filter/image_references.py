# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter: the images that manifests name."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_references
short_description: The images that Kubernetes manifests, compose files or lists name
version_added: 0.1.0
description:
  - Gives every image once, by its full name, in the order in which they stand there.
  - In Kubernetes manifests these are the images of all containers, init containers, ephemeral containers and image
    volumes, of every kind that has a Pod in it, in lists (C(kind=List)) and in several documents, as C(kubectl get -o
    yaml) and C(helm template) print them.
  - In compose files these are the images of all services but those that are built, and of volumes of type C(image). A
    file of the first version, without the key C(services), is known by its having services alone, each with C(image) or
    C(build) and with no key that such a service does not have.
  - In anything else, lists of references, one a line or as YAML. C(--platform=linux/arm64) before the reference of a
    line takes that platform of it, which O(destination) gives to its item; names alone have no platform. An image in
    several lines has the platforms of all of them.
  - An image without tag and digest has the tag V(latest), as container engines have it, and one without registry is
    Docker Hub's.
author:
  - The imageops.registry authors (@imageops)
positional: destination
options:
  _input:
    description: Text in YAML or JSON, references one a line, data, or a list of any of these.
    type: raw
    required: true
  destination:
    description:
      - Give items for O(imageops.registry.registry_image_sync#module:images) in place of names. This is the
        destination of each, with the placeholders V({repository}), V({namespace}), V({name}), V({path}) and V({tag}) as
        rules have them. Without a placeholder it is the beginning, and the whole path of each image is put behind it.
      - Of an image with tag and digest, the digest is copied and gets the tag. Images that are at the destination
        already are left out.
    type: str
  paths:
    description:
      - Where else images stand, as keys with dots between them, or a list of keys where these have dots, from each
        Kubernetes object or document on. V(*) is any key, V(**) any number of keys, and lists have no key.
      - There may be an image, a list of images, or a mapping with V(repository), V(tag) and perhaps V(registry) and
        V(digest), as in the values of Helm charts.
    type: list
    elements: raw
  variables:
    description: >-
      The variables that compose files may name. One that is not given and has no default in the file is an error.
    type: dict
seealso:
  - plugin: imageops.registry.image_mirror
    plugin_type: filter
  - module: imageops.registry.registry_image_sync
"""

EXAMPLES = r"""
- name: Mirror whatever the manifests name
  imageops.registry.registry_image_sync:
    images: "{{ lookup('ansible.builtin.file', 'app.yml')
                | imageops.registry.image_references('registry.example.com/mirror/{repository}') }}"

- name: Show the images of a chart
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.pipe', 'helm template ./chart') | imageops.registry.image_references }}"

- name: Show the images of custom resources, too
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'monitoring.yml')
             | imageops.registry.image_references(paths=['spec.image', 'spec.thanos.image']) }}"

- name: Show the images of a compose file
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'compose.yml')
             | imageops.registry.image_references(variables={'TAG': '1.27'}) }}"
"""

RETURN = r"""
_value:
  description: The images, or with O(destination) the items that copy them.
  type: list
  elements: raw
  sample: [docker.io/library/nginx:1.27, quay.io/prometheus/node-exporter:v1.8.2]
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.imageops.registry.plugins.module_utils._modules import filters


def image_references(data: Any, *arguments: Any, **options: Any) -> Any:
    """Call the filter."""
    try:
        return filters.image_references(data, *arguments, **options)
    except filters.ImageOpsError as error:
        raise AnsibleFilterError(f"image_references: {error}") from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by its name."""
        return {"image_references": image_references}
