# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that is to be there, or not: read, compare, write, wait until it shows. The rest is in the subclasses."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Callable, Generic, TypeVar

from ..api.errors import ApiError

T = TypeVar("T")


@dataclass(frozen=True)
class Change(Generic[T]):
    """What something was and what it is now; None is "not there". In check mode, what it would be."""

    before: T | None
    after: T | None

    @property
    def changed(self) -> bool:
        """Return whether anything was, or would be, written."""
        return self.before != self.after


@dataclass(frozen=True)
class Wait:
    """How changes that take their time are waited for.

    :param enabled: when False, a change is done once the API has accepted it
    :param timeout: seconds until waiting ends with ``acr_wait_timeout``
    :param interval: seconds between two looks
    """

    enabled: bool = True
    timeout: float = 600.0
    interval: float = 3.0
    pause: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def until(self, look: Callable[[], T | None], *, action: str, subject: str, lacking: str) -> T:
        """Look until there is something to see, and give that.

        :param lacking: what is not so yet, for the message
        :raises ApiError: ``acr_wait_timeout``
        """
        end = self.monotonic() + self.timeout
        while True:
            seen = look()
            if seen is not None:
                return seen
            if self.monotonic() >= end:
                raise ApiError(
                    code="acr_wait_timeout",
                    action=action,
                    subject=subject,
                    cause=f"after {self.timeout:g} seconds {lacking}",
                    hint="run it again, or raise wait_timeout",
                    transient=True,
                )
            self.pause(self.interval)


_PERHAPS_THERE = frozenset({"acr_exists", "acr_refused", "quota_exceeded"})
_LOOKS = 3


class Resource(ABC, Generic[T]):
    """One named thing at the vendor's.

    ``T`` compares equal when nothing has to be written; what the vendor alone decides (ids) takes no part in it.

    :param kind: what it is, for messages: ``namespace``
    :param subject: which one, for messages
    """

    def __init__(self, kind: str, subject: str, *, wait: Wait, check_mode: bool) -> None:
        self.kind = kind
        self.subject = subject
        self.wait = wait
        self.check_mode = check_mode

    @abstractmethod
    def read(self) -> T | None:
        """Return what there is now; None also for what is being deleted."""

    @abstractmethod
    def create(self, target: T) -> None:
        """Ask for it to be made."""

    @abstractmethod
    def update(self, found: T, target: T) -> None:
        """Ask for what was found to become the target."""

    @abstractmethod
    def delete(self, found: T) -> None:
        """Ask for it to be deleted."""

    def check_deletion(self, found: T) -> None:
        """Raise when more than the thing itself would be lost with it."""

    def is_leaving(self) -> bool:
        """Return whether one of that name is being deleted just now."""
        return False

    def present(self, target_on: Callable[[T | None], T]) -> Change[T]:
        """Make it, or change it, where that is needed.

        :param target_on: gives what it should be from what it is
        :raises ApiError: ``acr_state`` when one of that name is being deleted and must not be waited for
        """
        before = self.read()
        target = target_on(before)
        if self.check_mode or before == target:
            return Change(before, target)
        found = before
        if found is None:
            self._await_departure()
            found = self._create_or_find(target)
            if found is not None:
                target = target_on(found)
            else:
                found = self._see(target, lambda seen: True, f"create the {self.kind}", "it does not show")
        if found != target:
            self.update(found, target)
            found = self._see(target, lambda seen: seen == target, f"update the {self.kind}", "it is not as asked for")
        return Change(before, found)

    def absent(self) -> Change[T]:
        """Delete it, and wait until it is gone."""
        before = self.read()
        if before is not None:
            self.check_deletion(before)
        if self.check_mode:
            return Change(before, None)
        if before is not None:
            self._delete(before)
        if self.wait.enabled:
            self._await_departure()
        return Change(before, None)

    def _create_or_find(self, target: T) -> T | None:
        """Create it; when that is refused although it is there now, give what is there.

        Which code a duplicate gives is not documented, and an answer may have been lost on the way, so what counts is
        what is there afterwards, which may take a few looks to show.
        """
        try:
            self.create(target)
        except ApiError as error:
            found = self._turned_up() if error.code in _PERHAPS_THERE else None
            if found is None:
                raise
            return found
        return None

    def _turned_up(self) -> T | None:
        for _look in range(_LOOKS if self.wait.enabled else 1):
            found = self.read()
            if found is not None:
                return found
            self.wait.pause(self.wait.interval)
        return None

    def _delete(self, found: T) -> None:
        try:
            self.delete(found)
        except ApiError as error:
            if error.code != "acr_not_found":
                raise

    def _see(self, target: T, good: Callable[[T], bool], action: str, lacking: str) -> T:
        if not self.wait.enabled:
            return target

        def look() -> T | None:
            seen = self.read()
            return seen if seen is not None and good(seen) else None

        return self.wait.until(look, action=action, subject=self.subject, lacking=lacking)

    def _await_departure(self) -> None:
        if not self.is_leaving():
            return
        if not self.wait.enabled:
            raise ApiError(
                code="acr_state",
                action=f"create the {self.kind}",
                subject=self.subject,
                cause="one of that name is being deleted just now",
                hint="set wait: true, or run it again in a minute",
                transient=True,
            )
        self.wait.until(
            lambda: None if self.is_leaving() else True,
            action=f"wait for the end of the {self.kind}",
            subject=self.subject,
            lacking="it is still being deleted",
        )
