# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes imports in functions safe that may run in several threads at once."""

from __future__ import annotations

import threading

IMPORTING = threading.RLock()
"""Held by every such import, since an import is a matter of the whole process.

Ansible sends modules as a zip. Out of one, Python 3.9 lets other threads see what is not loaded whole yet: its loader
has no ``exec_module``, and only with that does the import system mark a module that is being loaded
(importlib.abc.Loader).
"""
