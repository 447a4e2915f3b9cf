#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the module `registry_image_sync`."""

DOCUMENTATION = r"""
module: registry_image_sync_start
short_description: Start registry_image_sync, for its action plugin
version_added: 1.0.0
description:
  - Nothing for playbooks. Tasks have M(imageops.registry.registry_image_sync), whose action plugin runs this module on
    the target, with the same options, and with the code that does the work.
  - Ansible would read and pack each of the collection's files first, in each run of it, for longer than a task with
    nothing to do takes. Here the code is imported from where the collection is installed when that is the same machine,
    and otherwise sent as one compressed piece.
options:
  code:
    description: What the action plugin gives, with C(path), where the code is, or C(sources), the code itself.
    type: dict
    required: true
author:
  - The imageops.registry authors (@imageops)
"""

EXAMPLES = r"""
- name: Playbooks use the module that this one starts
  imageops.registry.registry_image_sync:
    images: []
"""

RETURN = r"""
error_codes:
  description: What M(imageops.registry.registry_image_sync) returns, and everything else that it returns.
  returned: failure
  type: list
  elements: str
  sample: [invalid_input]
"""

from ansible_collections.imageops.registry.plugins.module_utils._start.start import start


def main() -> None:
    """Run the module."""
    start("_modules.sync.module")


if __name__ == "__main__":
    main()
