#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps an access key of a RAM user in a file."""

DOCUMENTATION = r"""
module: ram_access_key
short_description: Keep an access key of a user of Alibaba Cloud's Resource Access Management (RAM) in a file
version_added: 0.1.0
description:
  - Makes an access key and writes it to a file that only its owner can read (mode V(0600)), before anything else can
    go wrong. The secret is shown by RAM only once, and is not among what this module returns.
  - The file is JSON with C(access_key_id), C(access_key_secret) and C(user).
  - A key that cannot be written down is deleted again.
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
  secret_file:
    description: The file that the key is kept in, where the task runs. Its directory has to be there.
    type: path
    required: true
  state:
    description:
      - With V(present), the file holds a key that RAM has.
      - With V(absent), the key that the file holds is deleted, and the file with it.
    type: str
    choices: [present, absent]
    default: present
  rotate:
    description:
      - Whether keys of this user that are not in O(secret_file) may be deleted when the file holds none that RAM has.
        With O(state=present) a new one is made in their place. Without this option the task fails then, for their
        secrets are lost or somewhere else.
      - With O(state=absent), all keys of the user are deleted.
      - A key that is in the file and that RAM has stays, so the task can be run again. Delete the file to get a new
        key.
    type: bool
    default: false
seealso:
  - module: imageops.registry.ram_user
"""

EXAMPLES = r"""
- name: The key of the user that pushes
  imageops.registry.ram_access_key:
    user: image-pusher
    secret_file: /etc/imageops/image-pusher.json

- name: Read it
  ansible.builtin.slurp:
    src: /etc/imageops/image-pusher.json
  register: key_file
  no_log: true

- name: Use it
  imageops.registry.acr_authorization_token:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    access_key_id: "{{ (key_file.content | b64decode | from_json).access_key_id }}"
    access_key_secret: "{{ (key_file.content | b64decode | from_json).access_key_secret }}"
  register: login
  no_log: true
"""

RETURN = r"""
access_key:
  description: The key as it is now, or would be in check mode. V(null) when there is none.
  returned: success
  type: dict
  contains:
    user:
      description: The user's name.
      type: str
      sample: image-pusher
    access_key_id:
      description: The key's id. Empty in check mode when it would be made.
      type: str
      sample: LTAI5txxxxxxxxxxxxxxxxxx
    secret_file:
      description: The file that holds it.
      type: str
      sample: /etc/imageops/image-pusher.json
    private:
      description: Whether nobody but the owner may read the file.
      type: bool
      sample: true
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import ram_access_key_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.ram import keep_access_key
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    keep_access_key(Task(AnsibleModule(argument_spec=ram_access_key_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()
