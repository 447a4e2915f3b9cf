#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells which namespaces images would be copied to."""

DOCUMENTATION = r"""
module: registry_destination_info
short_description: Tell which namespaces images would be copied to
version_added: 0.1.0
description:
  - Returns the namespaces of the destinations that M(imageops.registry.registry_image_sync) would copy to with the same
    options, for a playbook that makes them before. A source that is a whole project or a whole registry is listed for
    that.
  - Asks the sources only. Neither a destination nor a tag is looked at.
author:
  - The imageops.registry authors (@imageops)
extends_documentation_fragment:
  - imageops.registry.attributes
  - imageops.registry.attributes.actiongroup_registry
  - imageops.registry.attributes.info_module
  - imageops.registry.registry
options:
  images:
    description: What would be copied, as O(imageops.registry.registry_image_sync#module:images).
    type: raw
  config:
    description: As O(imageops.registry.registry_image_sync#module:config).
    type: path
  auth_file:
    description: As O(imageops.registry.registry_image_sync#module:auth_file).
    type: path
  images_file:
    description: As O(imageops.registry.registry_image_sync#module:images_file).
    type: path
  default_registry:
    description: As O(imageops.registry.registry_image_sync#module:default_registry).
    type: str
  default_namespace:
    description: As O(imageops.registry.registry_image_sync#module:default_namespace).
    type: str
  platforms:
    description: As O(imageops.registry.registry_image_sync#module:platforms). It changes nothing here.
    type: list
    elements: str
seealso:
  - module: imageops.registry.registry_image_sync
  - module: imageops.registry.acr_namespace
"""

EXAMPLES = r"""
- name: Which namespaces does a whole Harbor need
  imageops.registry.registry_destination_info:
    images:
      - source: harbor.example.com/**
        destination: acme-registry.cn-shanghai.cr.aliyuncs.com/{repository}
    registries:
      - {registry: harbor.example.com, username: robot$sync, password: "{{ harbor_password }}"}
  register: destinations

- name: Make them
  imageops.registry.acr_namespace:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    name: "{{ item }}"
  loop: "{{ destinations.namespaces | map(attribute='name') }}"
"""

RETURN = r"""
namespaces:
  description: The namespaces, sorted by registry and name.
  returned: success
  type: list
  elements: dict
  contains:
    registry:
      description: The registry that it is in.
      type: str
      sample: acme-registry.cn-shanghai.cr.aliyuncs.com
    name:
      description: The first component of the destinations' paths.
      type: str
      sample: library
    sources:
      description: The registries and namespaces that its images come from.
      type: list
      elements: str
      sample: [harbor.example.com/library]
    public_sources:
      description: Those of them that are surely public, which is known of Harbor's projects alone.
      type: list
      elements: str
      sample: [harbor.example.com/library]
error_codes:
  description: The code of the error.
  returned: failure
  type: list
  elements: str
  sample: [pull_denied]
"""

from ansible_collections.imageops.registry.plugins.module_utils._modules.ansible_module import AnsibleModule
from ansible_collections.imageops.registry.plugins.module_utils._modules.destinations import describe_destinations
from ansible_collections.imageops.registry.plugins.module_utils._modules.specs import (
    destination_info_spec,
    rules_constraints,
)
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    describe_destinations(
        Task(AnsibleModule(argument_spec=destination_info_spec(), supports_check_mode=True, **rules_constraints()))
    )


if __name__ == "__main__":
    main()
