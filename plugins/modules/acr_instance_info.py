#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells about instances of ACR Enterprise Edition."""

DOCUMENTATION = r"""
module: acr_instance_info
short_description: Tell about instances of Alibaba Cloud Container Registry (ACR)
version_added: 0.1.0
description:
  - Returns the state, quotas, endpoints and host names of instances of Container Registry Enterprise Edition.
  - An instance can be named by its id, by its name, or by the host of its registry. Without any of these, all
    instances of the region are returned.
  - The host alone tells the id and the region without an access key, if the registry lets this machine in.
author:
  - The imageops.registry authors (@imageops)
extends_documentation_fragment:
  - imageops.registry.attributes
  - imageops.registry.acr
  - imageops.registry.acr.actiongroup_acr
  - imageops.registry.attributes.info_module
attributes:
  platform:
    platforms: posix
options:
  instance_id:
    description: The id of the instance.
    type: str
  name:
    description: The name of the instance.
    type: str
  registry:
    description:
      - The host of the instance's registry, such as V(acme-registry.cn-shanghai.cr.aliyuncs.com).
      - The region is the one that the registry says, whatever O(region) says.
      - If there is no access key, or one that may not read the instance, only RV(instances[].instance_id) and
        RV(instances[].region) are known.
    type: str
  namespaces:
    description: Whether to return the namespaces, too.
    type: bool
    default: false
seealso:
  - module: imageops.registry.acr_namespace
  - module: imageops.registry.acr_endpoint
"""

EXAMPLES = r"""
- name: Which instance is behind this host
  imageops.registry.acr_instance_info:
    registry: acme-registry.cn-shanghai.cr.aliyuncs.com
  register: acme

- name: Use it
  imageops.registry.acr_namespace:
    region: "{{ acme.instances[0].region }}"
    instance_id: "{{ acme.instances[0].instance_id }}"
    name: image-syncer

- name: All instances of a region
  imageops.registry.acr_instance_info:
    region: cn-shanghai
"""

RETURN = r"""
instances:
  description: The instances. Exactly one when O(instance_id), O(name) or O(registry) is given, else the task fails.
  returned: success
  type: list
  elements: dict
  contains:
    instance_id:
      description: The instance's id.
      type: str
      sample: cri-xxxxxxxxxxxxxxxx
    region:
      description: The region that it is in.
      type: str
      sample: cn-shanghai
    name:
      description: The instance's name.
      type: str
      sample: acme
    status:
      description: The vendor's word for its state.
      type: str
      sample: RUNNING
    specification:
      description: The edition.
      type: str
      sample: Enterprise_Advanced
    usage:
      description: >-
        What it may hold and does hold. V(null) when the access key may not read it or the instance does not run, of
        which there is a warning.
      type: dict
      contains:
        namespaces:
          description: The namespaces.
          type: dict
          contains:
            limit:
              description: How many there may be.
              type: int
              sample: 25
            used:
              description: How many there are.
              type: int
              sample: 3
        repositories:
          description: The repositories.
          type: dict
          contains:
            limit:
              description: How many there may be.
              type: int
              sample: 5000
            used:
              description: How many there are.
              type: int
              sample: 120
    endpoints:
      description: >-
        How its registry is reached. V(null) when the access key may not read it or the instance does not run, of which
        there is a warning.
      type: list
      elements: dict
      contains:
        endpoint_type:
          description: V(internet) or V(vpc).
          type: str
          sample: internet
        enabled:
          description: Whether it is on.
          type: bool
          sample: true
        status:
          description: The vendor's word for its state.
          type: str
          sample: RUNNING
        domains:
          description: The vendor's host names.
          type: list
          elements: str
          sample: [acme-registry.cn-shanghai.cr.aliyuncs.com]
        custom_domains:
          description: The user's own host names.
          type: list
          elements: str
          sample: []
        vpcs:
          description: The ids of the VPCs that it is linked to.
          type: list
          elements: str
          sample: []
    public_domains:
      description: The vendor's host names of the public endpoint.
      type: list
      elements: str
      sample: [acme-registry.cn-shanghai.cr.aliyuncs.com]
    vpc_domains:
      description: The vendor's host names inside VPCs.
      type: list
      elements: str
      sample: [acme-registry-vpc.cn-shanghai.cr.aliyuncs.com]
    custom_domains:
      description: >-
        The user's own host names of all endpoints. They are never chosen by themselves; name one where it is wanted.
      type: list
      elements: str
      sample: []
    namespaces:
      description: The namespaces. V(null) unless O(namespaces=true).
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
          sample: image-syncer
        namespace_id:
          description: The vendor's id of it.
          type: str
          sample: crn-xxxxxxxxxxxxxxxx
        auto_create_repo:
          description: Whether a push makes the repository that it goes to.
          type: bool
          sample: true
        default_repo_type:
          description: What such a repository becomes.
          type: str
          sample: PRIVATE
        tag_immutability:
          description: Whether tags of such a repository can never be overwritten.
          type: bool
          sample: false
credentials:
  description: Where the access key came from that signed. Never a secret.
  returned: when a key was found
  type: dict
  contains:
    source:
      description: V(options), V(profile), V(environment), V(oidc) or V(ecs_ram_role).
      type: str
      sample: environment
    name:
      description: Which option, profile, variable, token file or role it is.
      type: str
      sample: ALIBABA_CLOUD_ACCESS_KEY_ID
    role_arn:
      description: The role that was assumed. Empty for none.
      type: str
      sample: ""
    temporary:
      description: Whether it is a temporary key of STS.
      type: bool
      sample: false
error_codes:
  description: The code of the error.
  returned: failure
  type: list
  elements: str
  sample: [acr_not_found]
error:
  description: What went wrong, for conditions.
  returned: failure
  type: dict
  contains:
    code:
      description: The collection's own code, stable across versions.
      type: str
      sample: acr_not_found
    hint:
      description: What can be done about it.
      type: str
      sample: make it with imageops.registry.acr_namespace
    api_code:
      description: The API's code.
      type: str
      returned: when an API answered
      sample: NAMESPACE_NOT_EXIST
    status:
      description: The HTTP status of the API's answer. V(200) is possible. V(null) when there was no answer.
      type: int
      returned: when an API was called
      sample: 404
    request_id:
      description: The API's id of the call, for the vendor's support.
      type: str
      returned: when an API answered
      sample: 64506D4A-8901-4C5F-AD21-6994DE8286B9
"""

from ansible_collections.imageops.registry.plugins.module_utils._modules.ansible_module import AnsibleModule
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr import list_instances
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import instance_info_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    list_instances(
        Task(
            AnsibleModule(
                argument_spec=instance_info_spec(),
                supports_check_mode=True,
                mutually_exclusive=[("instance_id", "name", "registry")],
            )
        )
    )


if __name__ == "__main__":
    main()
