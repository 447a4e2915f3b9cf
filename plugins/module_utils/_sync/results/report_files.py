# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a run writes at its end: its report, as JSON or as a page of HTML, and the images to try again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

from ..._oci.errors import InputError
from .atomic_file import replace_file


def prepare(value: object, option: str = "report_path") -> list[str]:
    """Return the paths that an option names, and see before a long run that they can be written at its end.

    :param value: a path or a list of paths; None for none
    :param option: the option's name, for errors
    :return: the paths with links resolved
    :raises InputError: when a directory cannot be made or written to, or a path is a directory
    """
    if value is None or value == "":
        return []
    texts: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value]
    for text in texts:
        if not isinstance(text, str) or not text:
            raise InputError(subject=option, cause=f"{text!r} is no path", hint="write a path, or a list of paths")
    return [_prepared(os.path.expanduser(os.path.expandvars(text)), option) for text in texts]


def _prepared(path: str, option: str) -> str:
    real = os.path.realpath(path)
    directory = os.path.dirname(real)
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        cause = error.strerror or str(error)
    else:
        if os.path.isdir(real):
            cause = "it is a directory"
        elif not os.access(directory, os.W_OK | os.X_OK):
            cause = f"{directory} is not writable"
        else:
            return real
    raise InputError(action="write", subject=path, cause=cause, hint=f"change {option}")


def write(paths: Sequence[str], content: dict[str, Any], *, language: str) -> str:
    """Write a report, each file in one step: a reader sees the old file or the new one, never a part.

    Only its owner may read a new file. The mode of an existing one is kept. Raises OSError, and then leaves nothing
    behind.

    :param language: of pages: ``en`` or ``zh``
    :return: the SHA-256 of a JSON file, in hexadecimal; empty when there is none
    """
    digest = ""
    for path in paths:
        if path.endswith((".html", ".htm")):
            from .html.page import page  # takes time to compile, and few runs need it

            replace_file(path, page(content, language=language))
        else:
            text = json.dumps(content, indent=2) + "\n"
            replace_file(path, text)
            digest = hashlib.sha256(text.encode()).hexdigest()
    return digest


def write_rules(path: str, rules: Sequence[dict[str, Any]]) -> None:
    """Write rules in the form that ``images_file`` takes, one a line, as :func:`write` does.

    :param rules: items of the option ``images``
    """
    lines = ",\n".join(json.dumps(rule, ensure_ascii=False) for rule in rules)
    replace_file(path, f"[\n{lines}\n]\n" if lines else "[]\n")
