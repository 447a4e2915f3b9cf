#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a policy with a RAM user."""

DOCUMENTATION = r"""
module: ram_user_policy
short_description: Give a policy to a user of Alibaba Cloud's Resource Access Management (RAM), or take it away
version_added: 0.1.0
description:
  - Attaches a policy to a user, or detaches it. The user's other policies stay as they are.
  - In check mode a user that is not there counts as one without policies.
author:
  - The imageops.registry authors (@imageops)
extends_documentation_fragment:
  - imageops.registry.attributes
  - imageops.registry.acr
  - imageops.registry.acr.actiongroup_acr
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
  user:
    description: The user's name.
    type: str
    required: true
  policy:
    description: The policy's name.
    type: str
    required: true
  policy_type:
    description: Whether it is a policy of the account or one of the vendor's.
    type: str
    choices: [Custom, System]
    default: Custom
  state:
    description: Whether the user is to have it.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: imageops.registry.ram_user
  - module: imageops.registry.ram_policy
"""

EXAMPLES = r"""
- name: Let the user push
  imageops.registry.ram_user_policy:
    user: image-pusher
    policy: push-image-syncer
"""

RETURN = r"""
attachment:
  description: The policy that the user has now, or would have in check mode. V(null) when the user does not have it.
  returned: success
  type: dict
  contains:
    user:
      description: The user's name.
      type: str
      sample: image-pusher
    policy:
      description: The policy's name.
      type: str
      sample: push-image-syncer
    policy_type:
      description: Whose policy it is.
      type: str
      sample: Custom
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import ram_user_policy_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.ram import keep_attachment
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    keep_attachment(Task(AnsibleModule(argument_spec=ram_user_policy_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()
