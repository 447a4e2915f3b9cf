# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The context that all parts of one run share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import ImageOpsError, RegistryError
from .retry import RetryBudget, RetryPolicy

Mask = Callable[[str], str]
"""Take the secrets out of a text."""


def unmasked(text: str) -> str:
    """Return the text as it is: the mask where no secrets are known."""
    return text


def discard(text: str) -> None:
    """Drop a text."""


def untimed(host: str, seconds: float) -> None:
    """Drop the news of a wait."""


@dataclass(frozen=True)
class Ranges:
    """How large blobs are read: in ranges that follow each other, several of which are under way at once.

    :param connections: that one blob is read over, at most; 1 for one stream
    :param above: size in bytes of the largest blob that is still read as one stream
    :param ahead: bytes of all ranges of one blob that are under way; so many are kept at most
    """

    connections: int = 1
    above: int = 256_000_000
    ahead: int = 8 * 1024 * 1024

    @property
    def length(self) -> int:
        """Return the bytes of one range."""
        return self.ahead // self.connections

    def of(self, size: int) -> int:
        """Return over how many connections a blob of so many bytes is read."""
        return self.connections if size > self.above else 1


@dataclass(frozen=True)
class Settings:
    """How long to wait and how much to do at once.

    :param timeout: seconds without progress after which an exchange fails
    :param first_contact: seconds without an answer, of a registry that has not answered yet, before it is asked whether
        it is there at all; only where that is less than the time-out
    :param concurrency: blobs, and small requests, under way at one registry at most
    :param retry: when failed requests are sent again
    :param ranges: how large blobs are read
    """

    timeout: float = 60.0
    first_contact: float = 5.0
    concurrency: int = 10
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    ranges: Ranges = field(default_factory=Ranges)


@dataclass(frozen=True, eq=False)
class Run:
    """The context of one run, handed down to everything that takes part in it.

    :param stop: set when the run is to end; every wait ends with it
    :param budget: what all retries of the run have together
    :param on_secret: take each secret before it is used: passwords, tokens, encoded forms of both
    :param mask: take the known secrets out of what servers say
    :param warn: take what the user should know, each thing once
    :param log: take what the user may want to read afterwards: each retry, the traceback of an unexpected fault
    :param on_wait: take the host of a registry that asks for a wait, and its seconds
    """

    settings: Settings = field(default_factory=Settings)
    stop: threading.Event = field(default_factory=threading.Event)
    budget: RetryBudget = field(default_factory=RetryBudget)
    on_secret: Callable[[str], None] = discard
    mask: Mask = unmasked
    warn: Callable[[str], None] = discard
    log: Callable[[str], None] = discard
    on_wait: Callable[[str, float], None] = untimed

    def check(self, *, action: str, subject: str) -> None:
        """Raise ``interrupted`` when the run is to end."""
        if self.stop.is_set():
            raise interrupted(action=action, subject=subject)

    def wait(self, seconds: float, *, action: str, subject: str) -> None:
        """Wait for so many seconds.

        :raises RegistryError: ``interrupted``, as soon as the run is to end
        """
        if seconds > 0 and self.stop.wait(seconds):
            raise interrupted(action=action, subject=subject)

    def back_off(self, tries: int, *, action: str, subject: str) -> None:
        """Wait after the last of so many failed tries.

        :raises RegistryError: ``interrupted``, as soon as the run is to end
        """
        self.wait(self.settings.retry.pause(tries), action=action, subject=subject)

    def try_again(self, error: ImageOpsError, failures: int, *, requests: int = 1, stale: bool = False) -> None:
        """Return when something that failed is to be tried again, after a pause of the policy.

        What a server asks to wait is not waited for here: its pace does that, for all its requests.

        :param failures: how often it has failed so far
        :param requests: what another try costs
        :param stale: an idle connection had been closed before: nothing was lost, and there is no reason to wait
        :raises ImageOpsError: the error where another try makes no sense or the budget is used up; interrupted
        """
        policy = self.settings.retry
        attempts = max(policy.attempts, 2 if stale else 1)
        if not error.transient or error.code == "registry_down" or failures >= attempts:
            raise error
        self.budget.spend(error, requests)
        if stale:
            return
        self.log(f"again ({failures}/{policy.attempts - 1}): {error}")
        if not getattr(error, "retry_after", None):
            self.wait(policy.pause(failures), action=error.action, subject=error.subject)


def interrupted(*, action: str, subject: str) -> RegistryError:
    """Return the error of whatever was under way when the run was told to end."""
    return RegistryError(code="interrupted", action=action, subject=subject, cause="the run was interrupted")
