#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches the public endpoint of an ACR Enterprise Edition instance."""

DOCUMENTATION = r"""
module: acr_endpoint
short_description: Switch the public endpoint of an Alibaba Cloud Container Registry (ACR) instance
version_added: 0.1.0
description:
  - Turns the access from the public network on or off, for images or for charts. A new instance has it off.
  - Turning it on takes the vendor one to five minutes, which this module waits for.
  - Turning it on lets nobody in yet. The vendor puts V(127.0.0.1/32) on the allow list, and
    M(imageops.registry.acr_endpoint_acl) adds who is to get in.
author:
  - The imageops.registry authors (@imageops)
extends_documentation_fragment:
  - imageops.registry.attributes
  - imageops.registry.acr
  - imageops.registry.acr.actiongroup_acr
  - imageops.registry.acr.instance
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
options:
  component:
    description: Whether it is the endpoint of images or of Helm charts.
    type: str
    choices: [registry, chart]
    default: registry
  state:
    description: Whether the endpoint is to be on.
    type: str
    choices: [enabled, disabled]
    default: enabled
seealso:
  - module: imageops.registry.acr_endpoint_acl
"""

EXAMPLES = r"""
- name: Open the public endpoint
  imageops.registry.acr_endpoint:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
  register: public

- name: Let the migration host in
  imageops.registry.acr_endpoint_acl:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    entries:
      - entry: 203.0.113.7
        comment: migration host

- name: Close it after the migration
  imageops.registry.acr_endpoint:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    state: disabled
"""

RETURN = r"""
endpoint:
  description: The endpoint as it is now. In check mode only RV(endpoint.enabled) is predicted.
  returned: success
  type: dict
  contains:
    module:
      description: The vendor's name for what it is the endpoint of.
      type: str
      sample: Registry
    enabled:
      description: Whether it is on.
      type: bool
      sample: true
    status:
      description: The vendor's word for its state. Empty when it is off.
      type: str
      sample: RUNNING
    domains:
      description: The vendor's host names that it is reached by. There may be none while it is off.
      type: list
      elements: str
      sample: [acme-registry.cn-shanghai.cr.aliyuncs.com]
    custom_domains:
      description: The user's own host names that it is reached by.
      type: list
      elements: str
      sample: []
    entries:
      description: Its allow list. An empty one lets the whole world in.
      type: list
      elements: dict
      contains:
        entry:
          description: A network.
          type: str
          sample: 127.0.0.1/32
        comment:
          description: What it is.
          type: str
          sample: default
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr import switch_endpoint
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import endpoint_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    switch_endpoint(Task(AnsibleModule(argument_spec=endpoint_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()
