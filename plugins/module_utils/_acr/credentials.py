# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary logins for a long run: fetched when they are first needed, and again before they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .._oci.credentials import Credential, announce
from .._oci.errors import ImageOpsError
from .login import TemporaryLogin, temporary_login
from .openapi import OpenApi

_EARLY = 600.0
_SHARE = 4
_LAST_MOMENT = 60.0
_RETRY = 30.0


class TemporaryLogins:
    """Gives the credentials of one instance's registry, a fresh one while the last still has time.

    A credential provider of :mod:`.._oci.credentials`. Threads may share it; of many that ask at once, one fetches.

    :param api: signed by the identity that pushes
    :param registry: the registry's host; for every other host there is nothing
    :param on_secret: told every password before it is used
    :param now: the time of day, in seconds since the epoch
    """

    def __init__(
        self,
        api: OpenApi,
        instance_id: str,
        registry: str,
        *,
        on_secret: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._instance_id = instance_id
        self._registry = registry
        self._on_secret = on_secret
        self._now = now
        self._lock = threading.Lock()
        self._login: TemporaryLogin | None = None
        self._credential = Credential()
        self._failure: ImageOpsError | None = None
        self._fetched_at = 0.0

    def get(self, registry: str, repository: str) -> Credential | None:
        """The credential for a repository; None for another registry.

        ``expires_at`` is when to ask again, which is before the login really ends.

        :raises ImageOpsError: when there is no good login and none can be had
        """
        if registry != self._registry:
            return None
        with self._lock:
            if self._failure is not None:
                raise self._failure  # asked once, and not again for every repository
            if self._login is None or self._now() >= (self._credential.expires_at or 0.0):
                self._renew(self._login)
            return self._credential

    def refused(self, registry: str, credential: Credential) -> None:
        """Have the next one fetched, unless the one that was refused is new: then its age is not the reason.

        This machine's clock may be behind, so that the end comes earlier than it seems.
        """
        with self._lock:
            is_new = self._now() < self._fetched_at + _RETRY
            if registry == self._registry and credential == self._credential and not is_new:
                self._login = None

    def _renew(self, last: TemporaryLogin | None) -> None:
        try:
            login = temporary_login(self._api, self._instance_id)
            self._fetched_at = self._now()
            life = max(0.0, login.expires_at - self._now())
            renew_at = login.expires_at - min(_EARLY, life / _SHARE)
        except ImageOpsError as error:
            # While the last login is good, a passing failure to renew it is no reason to stop.
            if not error.transient:
                self._failure = error
            if last is None or not error.transient or last.expires_at - self._now() <= _LAST_MOMENT:
                raise
            login = last
            renew_at = min(self._now() + _RETRY, last.expires_at - _LAST_MOMENT)
        self._login = login
        self._credential = Credential(login.username, login.password, expires_at=renew_at)
        announce(self._credential, self._on_secret)
