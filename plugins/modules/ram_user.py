#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a RAM user."""

DOCUMENTATION = r"""
module: ram_user
short_description: Keep a user of Alibaba Cloud's Resource Access Management (RAM)
version_added: 0.1.0
description:
  - Makes, changes and deletes users, such as the one that pushes images.
  - A user can be deleted once it has no access keys and no policies.
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
  name:
    description: The user's name. 1 to 64 letters, digits, V(.), V(_) and V(-).
    type: str
    required: true
  state:
    description: Whether the user is to be there.
    type: str
    choices: [present, absent]
    default: present
  display_name:
    description: The name to show. If it is not given, it stays as it is. A new user has its name there.
    type: str
  comments:
    description: What the user is for. If it is not given, it stays as it is.
    type: str
seealso:
  - module: imageops.registry.ram_user_policy
  - module: imageops.registry.ram_access_key
"""

EXAMPLES = r"""
- name: A user that only pushes images
  imageops.registry.ram_user:
    name: image-pusher
    comments: pushes images into image-syncer
"""

RETURN = r"""
user:
  description: The user as it is now, or would be in check mode. V(null) when it is not there.
  returned: success
  type: dict
  contains:
    name:
      description: The user's name.
      type: str
      sample: image-pusher
    user_id:
      description: The vendor's id of it. Empty in check mode when it would be made.
      type: str
      sample: "20234567890123456"
    display_name:
      description: The name to show.
      type: str
      sample: image-pusher
    comments:
      description: What the user is for.
      type: str
      sample: pushes images into image-syncer
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import ram_user_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.ram import keep_user
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    keep_user(Task(AnsibleModule(argument_spec=ram_user_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()
