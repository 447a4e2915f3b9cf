# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message that `registry_image_info` ends with, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .amounts import images, one_line

_FAULTS = 18
_NAMED = 3


def found_message(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return one line: how many of the images or repositories that were looked at are there, and which are not.

    :param entries: those of ``registry_image_info``'s result
    """
    missing = [entry["image"] for entry in entries if not entry["exists"]]
    manifests = sum(len(entry["manifests"]) for entry in entries)
    counted = "1 manifest" if manifests == 1 else f"{manifests} manifests"
    text = f"{len(entries) - len(missing)} of {images(len(entries))} found, with {counted}{_verified(entries)}"
    if not missing:
        return text
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return f"{text}; not there: {', '.join(missing[:_NAMED])}{more}"


def _verified(entries: Sequence[Mapping[str, Any]]) -> str:
    verified = [entry["verified"] for entry in entries if "verified" in entry]
    if not verified:
        return ""
    manifests, blobs, size = (sum(one[key] for one in verified) for key in ("manifests", "blobs", "bytes"))
    return f"; nothing is missing or damaged among {manifests} manifests and {blobs} blobs ({size} bytes)"


def faults_message(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return at most 20 lines: how many manifests and blobs are missing or damaged, and why.

    :param entries: those of ``registry_image_info``'s result, which have been verified
    """
    faults = [fault for entry in entries for fault in entry["verified"]["faults"]]
    damaged = {fault["image"] for fault in faults}
    lines = [f"{images(len(damaged))} missing or damaged, with {len(faults)} faults"]
    lines += [one_line(f"{fault['image']}: {fault['code']}: {fault['reason']}") for fault in faults[:_FAULTS]]
    return "\n".join(lines + ([f"and {len(faults) - _FAULTS} more"] if len(faults) > _FAULTS else []))
