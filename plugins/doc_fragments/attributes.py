# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for modules as such: check mode, diff mode, action groups."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that every module states, and the fragments of their common values."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description: >-
      Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that what the module controls has not changed in a relevant way in between.
  platform:
    description: Where the module runs.
    support: full
    platforms: posix
"""

    ACTIONGROUP_REGISTRY = r"""
options: {}
attributes:
  action_group:
    description: >-
      Use C(group/imageops.registry.registry) in C(module_defaults) to set defaults for this module.
      The options that all modules of the group have are O(registries), O(docker_config), O(timeout) and O(retry_delay).
    support: full
    membership:
      - imageops.registry.registry
"""

    INFO_MODULE = r"""
options: {}
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
    support: full
    details:
      - This module does not modify state.
"""
