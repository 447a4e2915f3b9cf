#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets or removes one tag of a repository."""

DOCUMENTATION = r"""
module: registry_image_tag
short_description: Set or remove one tag of a repository
version_added: 0.3.0
description:
  - Lets a tag name an image that its repository has already, for example to promote what was tested. Only the manifest
    is read and written again, byte for byte; no layer moves and the digest stays the same.
  - Or sees to it that a tag is not there. Everything else that the repository has stays.
author:
  - The imageops.registry authors (@imageops)
extends_documentation_fragment:
  - imageops.registry.attributes
  - imageops.registry.attributes.actiongroup_registry
  - imageops.registry.registry
attributes:
  check_mode:
    support: full
    details:
      - Whether the registry can remove a tag alone is known only by the attempt.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  image:
    description: The tag, as V(registry/repository:tag).
    type: str
    required: true
  state:
    description:
      - With V(present) the tag names the image that O(digest) or O(from_tag) says. A tag that names another image is
        moved.
      - With V(absent) the tag is not there. The last tag of a repository is never removed, and fails with the code
        C(prune_limit). What refers to the image, such as its signatures, goes with the last tag that names it.
      - A tag is removed by the API of Harbor or of ACR (with O(registries[].acr)), or alone by the registry. Where the
        registry can only delete whole images, every tag of the repository is asked and every index read first; when
        nothing that stays has the image it is deleted, and else the task fails with C(delete_unsupported).
    type: str
    choices: [present, absent]
    default: present
  digest:
    description:
      - With O(state=present), the digest of the image.
      - With O(state=absent), the digest that the tag must have to be removed. When it has another one the task fails
        with C(conflict), and nothing is removed.
    type: str
  from_tag:
    description: With O(state=present), another tag of the repository that names the image.
    type: str
seealso:
  - module: imageops.registry.registry_image_sync
  - module: imageops.registry.registry_image_info
"""

EXAMPLES = r"""
- name: Promote what was tested
  imageops.registry.registry_image_tag:
    image: registry.example.com/team/app:stable
    digest: sha256:6a92cd1fcdc8d8cdec60f33dda4db2cb1fcdcacf3410a8e05b3741f44a9b5998

- name: Let latest be the same as 2.4.0
  imageops.registry.registry_image_tag:
    image: registry.example.com/team/app:latest
    from_tag: 2.4.0

- name: Withdraw a release, unless somebody has replaced it meanwhile
  imageops.registry.registry_image_tag:
    image: registry.example.com/team/app:2.3.9
    digest: sha256:98e8f6c1b3d5a0f1e5c0c8f3a4a2d1b7b8a79f0d6a2f5f1b6a1e0f9d8c7b6a55
    state: absent
"""

RETURN = r"""
msg:
  description: What was done, in one line.
  returned: always
  type: str
  sample: registry.example.com/team/app:latest set to sha256:6a92cd1f...
image:
  description: The tag.
  returned: success
  type: str
  sample: registry.example.com/team/app:latest
previous_digest:
  description: What the tag named before. V(null) when it was not there.
  returned: success
  type: str
  sample: sha256:98e8f6c1b3d5a0f1e5c0c8f3a4a2d1b7b8a79f0d6a2f5f1b6a1e0f9d8c7b6a55
digest:
  description: What the tag names now, or in check mode would. V(null) when it is gone.
  returned: success
  type: str
  sample: sha256:6a92cd1fcdc8d8cdec60f33dda4db2cb1fcdcacf3410a8e05b3741f44a9b5998
notes:
  description: What else should be known, such as signatures that went with the tag.
  returned: success
  type: list
  elements: str
  sample: []
error_codes:
  description: The code of the error.
  returned: failure
  type: list
  elements: str
  sample: [delete_unsupported]
diff:
  description: The tag with its digest before and after.
  returned: in diff mode, when the task does not fail
  type: dict
  contains:
    before:
      description: The tag and its digest; empty when it was not there.
      type: str
      sample: "registry.example.com/team/app:latest sha256:98e8f6c1...\n"
    after:
      description: The same afterwards.
      type: str
      sample: "registry.example.com/team/app:latest sha256:6a92cd1f...\n"
"""

from ansible_collections.imageops.registry.plugins.module_utils._modules.ansible_module import AnsibleModule
from ansible_collections.imageops.registry.plugins.module_utils._modules.image_tags import tag_image
from ansible_collections.imageops.registry.plugins.module_utils._modules.specs import tag_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    tag_image(Task(AnsibleModule(argument_spec=tag_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()
