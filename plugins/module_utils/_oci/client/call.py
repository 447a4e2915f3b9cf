# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is meant by one request, before it becomes bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..http.transport import ERROR_LIMIT

Scopes = tuple[str, ...]
"""What a token has to allow, such as ``repository:library/nginx:pull`` (Token Scope Documentation)."""

TRIES_BEFORE_ANOTHER = 2
"""Failures of a call after which what it has ``instead`` is sent."""


class SizedBlocks(Protocol):
    """A body that is read while it is sent, so that it cannot be sent twice."""

    def __len__(self) -> int:
        """Return its size in bytes."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield its blocks, of at most 128 KiB."""


@dataclass(frozen=True)
class Purpose:
    """What a request is for, as its error will say it.

    :param action: a verb phrase: ``read the manifest``
    :param subject: a reference: ``registry.example.com/library/nginx:1.25``
    :param registry: its host
    :param write: whether it changes something
    :param kind: what a 404 is about: repository, tag, blob or manifest
    """

    action: str
    subject: str
    registry: str
    write: bool = False
    kind: str = "repository"


@dataclass(frozen=True)
class Call:
    """One request to a registry or to its token server.

    :param path: after the registry's base, or an absolute URL that the registry gave
    :param scopes: what its token has to allow
    :param repository: the repository whose credentials are used
    :param headers: besides the usual ones
    :param authorization: an Authorization header of the caller's own, for what is beside the distribution API
    :param limit: bytes to read of a good answer; None to stream it
    :param wait: seconds to wait for the answer once the body is sent; None for the time-out
    :param follow: whether redirects of GET and HEAD are followed
    :param once: whether the caller tries again and counts that
    :param optional: whether the run goes on without the answer: no request waits for what its refusal asks to wait
    :param instead: what is sent in its place once it has failed twice; None for the same again
    """

    method: str
    path: str
    purpose: Purpose
    scopes: Scopes = ()
    repository: str = ""
    headers: Mapping[str, str] | None = None
    authorization: str | None = field(default=None, repr=False)
    body: bytes | SizedBlocks | None = field(default=None, repr=False)
    limit: int | None = ERROR_LIMIT
    wait: float | None = None
    follow: bool = True
    once: bool = False
    optional: bool = False
    instead: Call | None = None

    def after(self, failures: int) -> Call:
        """Return what is sent after so many failed tries."""
        return self.instead if self.instead is not None and failures >= TRIES_BEFORE_ANOTHER else self
