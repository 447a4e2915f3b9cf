#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a RAM policy."""

DOCUMENTATION = r"""
module: ram_policy
short_description: Keep a custom policy of Alibaba Cloud's Resource Access Management (RAM)
version_added: 0.1.0
description:
  - Makes, changes and deletes custom policies. The document is given in O(document), or written by O(acr) for
    somebody who pushes.
  - Two documents are the same when they mean the same. A single value equals a list of one, and no order matters.
  - A policy is changed by a new version that becomes the default. RAM keeps five, and the oldest that is not in use
    gives way.
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
    description: The policy's name. 1 to 128 letters, digits and V(-).
    type: str
    required: true
  state:
    description: Whether the policy is to be there. One that is attached to somebody is not deleted.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: What the policy is for. Counts only when it is made, for RAM does not change it later.
    type: str
  document:
    description: The policy document. At most 6144 characters.
    type: dict
  acr:
    description:
      - Writes the document for somebody who pushes images into namespaces of one Enterprise Edition instance.
      - It allows each of O(acr.actions) on the resource that the vendor authorises it on. Actions on repositories get
        V(acs:cr:*:*:repository/<instance id>/<namespace>/*), C(CreateRepository) the namespace's own resource as well,
        actions on the instance V(acs:cr:*:*:instance/<instance id>), and those that know no resource (which list
        instances or namespaces, or get a login) V(*).
    type: dict
    suboptions:
      instance_id:
        description: The id of the instance, which resources of Enterprise Edition are named by.
        type: str
        required: true
      namespaces:
        description: The namespaces that may be pushed to.
        type: list
        elements: str
        required: true
      actions:
        description:
          - What is allowed, as in V(PushRepository) or V(cr:PushRepository).
          - Add V(GetAuthorizationToken) for somebody who gets temporary logins, and V(ResetLoginPassword) for
            somebody who sets their fixed password.
        type: list
        elements: str
        default: [CreateRepository, UpdateRepository, PushRepository, PullRepository]
seealso:
  - module: imageops.registry.ram_user_policy
"""

EXAMPLES = r"""
- name: Who has this policy may push into one namespace, with temporary logins
  imageops.registry.ram_policy:
    name: push-image-syncer
    description: push into image-syncer
    acr:
      instance_id: cri-xxxxxxxxxxxxxxxx
      namespaces: [image-syncer]
      actions: [CreateRepository, UpdateRepository, PushRepository, PullRepository, GetAuthorizationToken]

- name: A document of one's own
  imageops.registry.ram_policy:
    name: read-registry
    document:
      Version: "1"
      Statement:
        - Effect: Allow
          Action: [cr:Get*, cr:List*, cr:PullRepository]
          Resource: "*"
"""

RETURN = r"""
policy:
  description: The policy as it is now, or would be in check mode. V(null) when it is not there.
  returned: success
  type: dict
  contains:
    name:
      description: The policy's name.
      type: str
      sample: push-image-syncer
    description:
      description: What it is for.
      type: str
      sample: push into image-syncer
    document:
      description: The document of its default version.
      type: dict
      sample:
        Version: "1"
        Statement:
          - Effect: Allow
            Action: [cr:PushRepository, cr:PullRepository]
            Resource: ["acs:cr:*:*:repository/cri-xxxxxxxxxxxxxxxx/image-syncer/*"]
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import ram_policy_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.ram import keep_policy
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    keep_policy(
        Task(
            AnsibleModule(
                argument_spec=ram_policy_spec(),
                supports_check_mode=True,
                mutually_exclusive=[("document", "acr")],
                required_if=[("state", "present", ("document", "acr"), True)],
            )
        )
    )


if __name__ == "__main__":
    main()
