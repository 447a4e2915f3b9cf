#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets a temporary login at the registry of an ACR Enterprise Edition instance."""

DOCUMENTATION = r"""
module: acr_authorization_token
short_description: Get a temporary login at an Alibaba Cloud Container Registry (ACR) instance
version_added: 0.1.0
description:
  - Returns a user name and a password for C(docker login) that have the rights of the identity whose access key
    signs, and end by themselves.
  - Nothing changes at the vendor's, so this module does the same in check mode.
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
    details:
      - This module does not modify state.
  diff_mode:
    support: N/A
    details:
      - This module does not modify state.
  idempotent:
    support: N/A
    details:
      - Every run returns another password.
  platform:
    platforms: posix
options:
  expires_in_hours:
    description:
      - For how many hours the login is to be good, 1 to 24.
      - If it is not given, the vendor decides. That is one hour.
    type: int
notes:
  - Put C(no_log=true) on the task. On ansible-core 2.22 and newer the password is masked wherever else it would show.
seealso:
  - module: imageops.registry.acr_login_password
"""

EXAMPLES = r"""
- name: A login for the next hour
  imageops.registry.acr_authorization_token:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
  register: login
  no_log: true

- name: Push with it
  imageops.registry.registry_image_sync:
    images:
      - source: harbor.example.com/library/nginx
        destination: acme-registry.cn-shanghai.cr.aliyuncs.com/image-syncer/nginx
    registries:
      - registry: acme-registry.cn-shanghai.cr.aliyuncs.com
        username: "{{ login.username }}"
        password: "{{ login.password }}"
"""

RETURN = r"""
username:
  description: The user name.
  returned: success
  type: str
  sample: cr_temp_user
password:
  description: The password.
  returned: success
  type: str
expires_at:
  description: When the login ends, in UTC.
  returned: success
  type: str
  sample: "2026-02-04T18:02:11Z"
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr import get_login
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import (
    authorization_token_spec,
)
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    get_login(Task(AnsibleModule(argument_spec=authorization_token_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()
