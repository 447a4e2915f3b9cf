# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that were submitted together → what each gave, or the error that it ended with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TypeVar

from .._oci.errors import ImageOpsError
from .unexpected import unexpected

_K = TypeVar("_K")
_V = TypeVar("_V")


def outcomes(jobs: Mapping[_K, Future[_V]], *, action: str, log: Callable[[str], None]) -> dict[_K, _V | ImageOpsError]:
    """Wait for every job; what it gave, or the error that it ended with.

    :param jobs: by what they are about; of a tuple its first part
    :param action: what they do, for the message of a fault that nobody expected
    :param log: takes the traceback of such a fault
    """
    found: dict[_K, _V | ImageOpsError] = {}
    for key, job in jobs.items():
        try:
            found[key] = job.result()
        except ImageOpsError as fault:
            found[key] = fault
        except Exception as fault:  # noqa: BLE001 - it stops nothing but what needs this answer
            subject = str(key[0] if isinstance(key, tuple) else key)
            found[key] = unexpected(fault, action=action, subject=subject, log=log)
    return found
