# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of the module `registry_image_sync`, whether Ansible has packed it or its action plugin brings the code.

There is no ``from __future__ import annotations``, since an old Python is to get as far as to AnsibleModule.
"""

import gc

from ..ansible_module import AnsibleModule
from ..specs import supervised_sync_spec, sync_constraints
from ..task import Task
from .images import sync_images


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=supervised_sync_spec(), supports_check_mode=True, **sync_constraints())
    try:
        sync_images(Task(module))
    finally:
        gc.freeze()  # Python ends now, and would look for garbage among all that is there
