# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AnsibleModule, which every module imports from here first, so that a Python that is too old gets a sentence.

This file and the modules have no ``from __future__ import annotations``, which Python 3.6 cannot read.
"""

import sys

from ansible.module_utils.basic import AnsibleModule

__all__ = ["AnsibleModule"]

OLDEST = (3, 9)

if sys.version_info[:2] < OLDEST:
    raise ImportError(
        f"imageops.registry needs Python {OLDEST[0]}.{OLDEST[1]} or newer where the task runs, and {sys.executable} is "
        f"Python {sys.version_info[0]}.{sys.version_info[1]}: set ansible_python_interpreter to another one"
    )
