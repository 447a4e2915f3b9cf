#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets the fixed password of a login at the registry of an ACR Enterprise Edition instance."""

DOCUMENTATION = r"""
module: acr_login_password
short_description: Set the fixed login password at an Alibaba Cloud Container Registry (ACR) instance
version_added: 0.1.0
description:
  - Sets the password for C(docker login) of the identity whose access key signs. Nobody can set another's.
  - The vendor has no call to read or compare it. So the login is tried at the registry, and the password is set only
    when the registry's token service answers that it is wrong (401). A time-out, an allow list that does not let this
    machine in, or any other answer is an error.
  - Where a temporary login is enough, M(imageops.registry.acr_authorization_token) is the better choice.
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
    details:
      - Shows whether the password was and is accepted, and nothing of the password itself.
  idempotent:
    support: partial
    details:
      - With O(update_password=always) the password is set every time.
  platform:
    platforms: posix
options:
  password:
    description: The password. 8 to 32 characters, of at least two of the kinds letter, digit and symbol.
    type: str
    required: true
  username:
    description:
      - The login name of the identity whose access key signs. For the account itself the account's name, for a RAM user
        V(name@account).
      - Needed to try the login, so with O(update_password=on_refusal).
    type: str
  registry:
    description:
      - The host of the instance's registry, where the login is tried.
      - If it is not given, the API tells it. It is the public endpoint's, or that of the VPCs with O(network=vpc).
    type: str
  update_password:
    description:
      - V(on_refusal) sets the password when the registry refuses it.
      - V(always) sets it every time and tries nothing.
    type: str
    choices: [on_refusal, always]
    default: on_refusal
seealso:
  - module: imageops.registry.acr_authorization_token
"""

EXAMPLES = r"""
- name: The password of the RAM user that pushes
  imageops.registry.acr_login_password:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    access_key_id: "{{ pusher.access_key_id }}"
    access_key_secret: "{{ pusher.access_key_secret }}"
    username: pusher@acme
    password: "{{ registry_password }}"
"""

RETURN = r"""
registry:
  description: The host at which the login was tried. V(null) in check mode while the endpoint is off.
  returned: when O(update_password=on_refusal)
  type: str
  sample: acme-registry.cn-shanghai.cr.aliyuncs.com
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr import keep_password
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import login_password_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    keep_password(
        Task(
            AnsibleModule(
                argument_spec=login_password_spec(),
                supports_check_mode=True,
                required_if=[("update_password", "on_refusal", ("username",))],
            )
        )
    )


if __name__ == "__main__":
    main()
