# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries many inputs of one target. What leads somewhere new is worth changing further.

New is an outcome that no input had before, and (from Python 3.12 on) a line of the collection that none had reached.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from .mutator import Mutator
from .targets import Target

CORPUS = Path(__file__).with_name("corpus")
SLOW = 2.0
"""Seconds of CPU that no input may take."""
_MOST_KEPT = 3000
_BATCH = 1000
_TOOL = 4
_WORDS = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9]+")


@dataclass
class Findings:
    """What came of it.

    :ivar tried: how many inputs
    :ivar wrong: inputs that raised what they must not, or took too long, with what was wrong
    :ivar new: inputs that reached lines that none had reached
    """

    tried: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


class Lines:
    """The lines of the collection that were reached; costs next to nothing, since each is told of once."""

    def __init__(self) -> None:
        self.seen = 0
        self._monitoring: Any = getattr(sys, "monitoring", None)

    def _reached(self, code: CodeType, line: int) -> Any:
        if "module_utils" in code.co_filename:
            self.seen += 1
        return self._monitoring.DISABLE

    def __enter__(self) -> Lines:
        if self._monitoring is not None:
            with suppress(ValueError):  # somebody else is using it
                self._monitoring.use_tool_id(_TOOL, "fuzz")
                self._monitoring.register_callback(_TOOL, self._monitoring.events.LINE, self._reached)
                self._monitoring.set_events(_TOOL, self._monitoring.events.LINE)
                self._monitoring.restart_events()
        return self

    def __exit__(self, *error: object) -> None:
        if self._monitoring is not None and self._monitoring.get_tool(_TOOL) == "fuzz":
            self._monitoring.set_events(_TOOL, 0)
            self._monitoring.register_callback(_TOOL, self._monitoring.events.LINE, None)
            self._monitoring.free_tool_id(_TOOL)


def corpus_of(name: str) -> list[str]:
    """The known inputs of a target, those that a human wrote first."""
    files = sorted(
        (CORPUS / name).iterdir(), key=lambda path: (path.stem.isalnum() and len(path.stem) == 16, path.name)
    )
    return [path.read_bytes().decode("utf-8", "surrogatepass") for path in files]


def keep(name: str, inputs: Sequence[str]) -> int:
    """Add inputs to the corpus; gives how many were not there."""
    added = 0
    for text in inputs:
        raw = text.encode("utf-8", "surrogatepass")
        path = CORPUS / name / hashlib.sha256(raw).hexdigest()[:16]
        if not path.exists():
            path.write_bytes(raw)
            added += 1
    return added


def fuzz(target: Target, number: int, seed: int) -> Findings:
    """Try the corpus, then so many new inputs."""
    findings = Findings()
    corpus = corpus_of(target.name)
    known: set[str] = set()
    with Lines() as lines:
        for text in corpus:
            _try(target, text, findings, known)
        batch = 0
        most = findings.tried + number
        while findings.tried < most and len(findings.wrong) < 20:
            mutator = Mutator(f"{seed} {target.name} {batch}", target.words, halves=target.halves)
            for _ in range(min(_BATCH, most - findings.tried)):
                text = mutator.next(corpus)
                before = lines.seen
                is_new = _try(target, text, findings, known)
                if lines.seen > before:
                    findings.new.append(text)
                if (is_new or lines.seen > before) and len(corpus) < _MOST_KEPT:
                    corpus.append(text)
            batch += 1
    return findings


def _try(target: Target, text: str, findings: Findings, known: set[str]) -> bool:
    """Whether this input had an outcome that none had before."""
    findings.tried += 1
    begun = time.thread_time()
    try:
        outcome = repr(target.parse(text))
    except target.raises as error:
        outcome = repr((type(error).__name__, _WORDS.sub("", str(getattr(error, "cause", ""))).split()[:3]))
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        findings.wrong.append((text, f"{type(error).__name__}: {error}"))
        return False
    if time.thread_time() - begun > SLOW:
        findings.wrong.append((text, f"it took {time.thread_time() - begun:.1f} s"))
    if outcome in known:
        return False
    known.add(outcome)
    return True
