# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions that nobody foresaw: they end one image, or the run, but never in silence."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from .._oci.errors import ImageOpsError


def unexpected(fault: BaseException, *, action: str, subject: str, log: Callable[[str], None]) -> ImageOpsError:
    """The error for an exception that is no ImageOpsError; its traceback goes to the log."""
    log("".join(traceback.format_exception(type(fault), fault, fault.__traceback__)))
    return ImageOpsError(
        code="unexpected",
        action=action,
        subject=subject,
        cause=f"{type(fault).__name__}: {fault}",
        hint="this is a fault of the collection: please report it with the traceback that log_path has",
    )
