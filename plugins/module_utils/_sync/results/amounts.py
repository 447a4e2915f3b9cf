# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and texts as people read them."""

from __future__ import annotations

_SIZES = ("bytes", "kB", "MB", "GB", "TB")
_THOUSAND = 1000
_WORDS_LIMIT = 500


def size(amount: float) -> str:
    """Return a number of bytes for people, in powers of 1000."""
    for unit in _SIZES:
        if amount < _THOUSAND or unit == _SIZES[-1]:
            break
        amount /= _THOUSAND
    return f"{amount:.0f} {unit}" if unit == _SIZES[0] else f"{amount:.1f} {unit}"


def images(count: int) -> str:
    """Return a number of images with the word."""
    return "1 image" if count == 1 else f"{count} images"


def one_line(text: str, limit: int = _WORDS_LIMIT) -> str:
    """Return the text on one line of at most so many characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 3]}..."
