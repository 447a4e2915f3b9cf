#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the allow list of a public endpoint of an ACR Enterprise Edition instance."""

DOCUMENTATION = r"""
module: acr_endpoint_acl
short_description: Keep the allow list of an Alibaba Cloud Container Registry (ACR) instance's public endpoint
version_added: 0.1.0
description:
  - Adds and removes entries of the allow list that says who gets in from the public network.
  - Waits until the endpoint runs before it writes anything, because the vendor drops in silence what is written
    earlier.
  - Adds before it removes, and waits for every entry that it adds to show, whatever O(wait) says.
  - Fails when the endpoint is off, unless nothing has to be done then.
  - An empty allow list lets the whole world in. So this module never leaves it empty unless O(allow_unrestricted=true),
    and leaves the vendor's own entry V(127.0.0.1/32) where it is unless that is listed or the list is to be emptied.
  - The vendor has no call to change an entry. One whose comment is to change is deleted and added again, which shuts
    that network out for a moment.
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
  entries:
    description: The networks that are to be on the allow list, or not with O(state=absent).
    type: list
    elements: dict
    required: true
    suboptions:
      entry:
        description:
          - An address or a network, such as V(203.0.113.7) or V(192.0.2.0/24).
          - The vendor does not take V(0.0.0.0/0).
        type: str
        required: true
      comment:
        description: What it is. If it is not given, an entry that is there keeps its comment.
        type: str
  state:
    description: Whether these entries are to be there.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description: With O(state=present), whether to remove all other entries. The vendor's entry V(127.0.0.1/32) stays.
    type: bool
    default: false
  allow_unrestricted:
    description:
      - Whether the list may become empty, or may hold networks that together are all addresses, such as V(0.0.0.0/1)
        and V(128.0.0.0/1). Both let the whole world in.
      - With O(entries=[]) and O(purge=true) the vendor's entry V(127.0.0.1/32) goes, too.
    type: bool
    default: false
seealso:
  - module: imageops.registry.acr_endpoint
"""

EXAMPLES = r"""
- name: Only the migration host and the office
  imageops.registry.acr_endpoint_acl:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    entries:
      - entry: 203.0.113.7
        comment: migration host
      - entry: 192.0.2.0/24
        comment: office
    purge: true

- name: The migration is over
  imageops.registry.acr_endpoint_acl:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    entries:
      - entry: 203.0.113.7
    state: absent
"""

RETURN = r"""
entries:
  description: The allow list as it is now, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    entry:
      description: A network.
      type: str
      sample: 203.0.113.7/32
    comment:
      description: What it is.
      type: str
      sample: migration host
unrestricted:
  description: >-
    Whether the endpoint is on and the list is empty, or its networks together are all addresses, so that the whole
    world gets in.
  returned: success
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr import keep_allow_list
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import endpoint_acl_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    keep_allow_list(Task(AnsibleModule(argument_spec=endpoint_acl_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()
