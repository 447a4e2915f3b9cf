#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a repository of an ACR Enterprise Edition instance."""

DOCUMENTATION = r"""
module: acr_repository
short_description: Keep a repository of an Alibaba Cloud Container Registry (ACR) instance
version_added: 0.1.0
description:
  - Makes, changes and deletes repositories of Container Registry Enterprise Edition.
  - Needed where the namespace does not make repositories by itself, and to give one repository settings of its own.
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
  namespace:
    description: The namespace that it is in, which has to be there. Needs O(name).
    type: str
  name:
    description: The repository's name inside the namespace, such as V(nginx) or V(web/nginx). Needs O(namespace).
    type: str
  repositories:
    description:
      - Several repositories at once, each as V(namespace/name), which all get the same settings.
      - Takes the place of O(namespace) and O(name).
    type: list
    elements: str
  create:
    description: With O(state=present), whether to make a repository that is not there. If not, it is passed over.
    type: bool
    default: true
  state:
    description: Whether the repository is to be there.
    type: str
    choices: [present, absent]
    default: present
  repo_type:
    description:
      - Whether it can be pulled by anybody (V(PUBLIC)) or not.
      - If it is not given, it stays as it is. A new repository has V(PRIVATE).
    type: str
    choices: [PRIVATE, PUBLIC]
  summary:
    description:
      - What it is, in a few words.
      - If it is not given, it stays as it is. A new repository has its name there, for the vendor wants something.
    type: str
  tag_immutability:
    description:
      - Whether its tags can never be overwritten.
      - If it is not given, it stays as it is. A new repository has it off.
    type: bool
  force:
    description: With O(state=absent), whether to delete the repository although it has tags. Their images are lost.
    type: bool
    default: false
seealso:
  - module: imageops.registry.acr_namespace
"""

EXAMPLES = r"""
- name: A place for one image, in a namespace without auto_create_repo
  imageops.registry.acr_repository:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    namespace: image-syncer
    name: nginx
    summary: nginx for the shop

- name: Let no tag of these be overwritten any more
  imageops.registry.acr_repository:
    region: cn-shanghai
    instance_id: cri-xxxxxxxxxxxxxxxx
    repositories: [image-syncer/nginx, image-syncer/web/shop]
    create: false
    tag_immutability: true
"""

RETURN = r"""
repositories:
  description: Those of O(repositories) that are there now, or would be in check mode, each as RV(repository).
  returned: success, when O(repositories) is given
  type: list
  elements: dict
repository:
  description: The repository as it is now, or would be in check mode. V(null) when it is not there.
  returned: success, when O(name) is given
  type: dict
  contains:
    namespace:
      description: The namespace that it is in.
      type: str
      sample: image-syncer
    name:
      description: Its name in there.
      type: str
      sample: nginx
    repo_id:
      description: The vendor's id of it. Empty in check mode when it would be made.
      type: str
      sample: crr-xxxxxxxxxxxxxxxx
    repo_type:
      description: Who can pull it.
      type: str
      sample: PRIVATE
    summary:
      description: What it is, in a few words.
      type: str
      sample: nginx for the shop
    detail:
      description: The long description. This module leaves it as it is.
      type: str
      sample: ""
    tag_immutability:
      description: Whether its tags can never be overwritten.
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
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr import keep_repository
from ansible_collections.imageops.registry.plugins.module_utils._modules.alibaba.acr_options import repository_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    keep_repository(
        Task(
            AnsibleModule(
                argument_spec=repository_spec(),
                supports_check_mode=True,
                required_together=[("namespace", "name")],
                mutually_exclusive=[("repositories", "name")],
                required_one_of=[("repositories", "name")],
            )
        )
    )


if __name__ == "__main__":
    main()
