#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a namespace of an ACR Enterprise Edition instance."""

DOCUMENTATION = r"""
module: acr_namespace
short_description: Keep a namespace of an Alibaba Cloud Container Registry (ACR) instance
version_added: 0.1.0
description:
  - Makes, changes and deletes namespaces of Container Registry Enterprise Edition.
  - The vendor deletes namespaces in the background. This module waits for that, also before it makes one of the same
    name anew.
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
  name:
    description: >-
      The namespace's name. 2 to 120 lower-case letters, digits, V(.), V(_) and V(-), none of these three at either
      end.
    type: str
    required: true
  state:
    description: Whether the namespace is to be there.
    type: str
    choices: [present, absent]
    default: present
  auto_create_repo:
    description:
      - Whether a push makes the repository that it goes to.
      - If it is not given, it stays as it is. A new namespace has it on.
    type: bool
  default_repo_type:
    description:
      - Whether such a repository can be pulled by anybody (V(PUBLIC)) or not.
      - If it is not given, it stays as it is. A new namespace has V(PRIVATE).
    type: str
    choices: [PRIVATE, PUBLIC]
  tag_immutability:
    description:
      - Whether tags of such a repository can never be overwritten.
      - If it is not given, it stays as it is. A new namespace has it off.
    type: bool
  force:
    description:
      - With O(state=absent), whether to delete the namespace although repositories are in it. They are lost with all
        their images.
    type: bool
    default: false
seealso:
  - module: imageops.registry.acr_repository
  - module: imageops.registry.acr_instance_info
"""

EXAMPLES = r"""
- name: A namespace that makes private repositories by itself
  imageops.registry.acr_namespace:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    name: image-syncer
    auto_create_repo: true
    default_repo_type: PRIVATE

- name: No tag is overwritten after the cutover
  imageops.registry.acr_namespace:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    name: image-syncer
    tag_immutability: true

- name: Gone again, unless something is in it
  imageops.registry.acr_namespace:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    name: image-syncer
    state: absent
"""

RETURN = r"""
namespace:
  description: The namespace as it is now, or would be in check mode. V(null) when it is not there.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: image-syncer
    namespace_id:
      description: The vendor's id of it. Empty in check mode when it would be made.
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr import keep_namespace
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import namespace_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    keep_namespace(Task(AnsibleModule(argument_spec=namespace_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()
