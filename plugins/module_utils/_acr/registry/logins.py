# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary logins for a long run: fetched when they are first needed, and again before they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..._oci.credentials.provider import Credential, announce
from ..._oci.errors import ImageOpsError, InputError
from ..api.client import OpenApi
from ..api.errors import ApiError
from ..api.names import check_password
from ..resources.resource import Wait
from .registry_probe import RegistryProbe

_LONGEST_HOURS = 24


@dataclass(frozen=True)
class TemporaryLogin:
    """A login that ends by itself.

    :param expires_at: when, in seconds since the epoch
    """

    username: str
    password: str = field(repr=False)
    expires_at: float = 0.0


def temporary_login(api: OpenApi, instance_id: str, *, hours: int | None = None) -> TemporaryLogin:
    """Get a login that is good for an hour, or for so many hours.

    :param hours: 1 to 24; not every region takes it, so it is sent only when asked for
    :raises InputError: for other hours
    """
    if hours is not None and not 1 <= hours <= _LONGEST_HOURS:
        raise InputError(subject=f"expires_in_hours {hours}", cause=f"it is 1 to {_LONGEST_HOURS}")
    asked = {"InstanceId": instance_id, "ExpiresInHours": hours}
    action = "get a temporary login for"
    answer = api.call("GetAuthorizationToken", asked, action=action, subject=instance_id)
    username, password = str(answer.get("TempUsername") or ""), str(answer.get("AuthorizationToken") or "")
    expires = answer.get("ExpireTime")
    if not username or not password or not isinstance(expires, int):
        raise ApiError(
            code="protocol_error", action=action, subject=instance_id, cause="the API's answer holds no whole login"
        )
    return TemporaryLogin(username, password, expires / 1000.0)


class LoginPassword:
    """The fixed password of the identity that signs. There is no call that reads it, so the registry is asked.

    :param probe: the instance's registry
    """

    def __init__(self, api: OpenApi, instance_id: str, probe: RegistryProbe, *, wait: Wait, check_mode: bool) -> None:
        self._api = api
        self._instance_id = instance_id
        self._probe = probe
        self._wait = wait
        self._check_mode = check_mode

    def ensure(self, username: str, password: str) -> bool:
        """Set the password when the token service answers 401 to it; whether it was (or would be) set.

        Whatever keeps the token service from answering is an error and never a reason to set it.

        :param username: the login name of the identity that signs: the account's, or ``name@account`` of a RAM user
        :raises ImageOpsError: ``acr_refused`` when the registry is another instance's
        """
        check_password(password)
        found = self._probe.identify()
        if found.instance_id != self._instance_id:
            raise ImageOpsError(
                code="acr_refused",
                action="try the password at",
                subject=self._probe.host,
                cause=f"it is the registry of {found.instance_id}, not of {self._instance_id}",
            )
        if self._probe.accepts(username, password):
            return False
        if not self._check_mode:
            self._set(password)
            self._see_it_work(username, password)
        return True

    def _set(self, password: str) -> None:
        set_password(self._api, self._instance_id, password)

    def _see_it_work(self, username: str, password: str) -> None:
        if not self._wait.enabled:
            return
        try:
            self._wait.until(
                lambda: True if self._probe.accepts(username, password) else None,
                action="set the login password of",
                subject=f"{username} at {self._probe.host}",
                lacking="it is refused although it was set",
            )
        except ApiError as error:
            if error.code == "acr_wait_timeout":
                error.hint = f"it was set for the identity whose access key signs; is {username} its login name?"
            raise


def set_password(api: OpenApi, instance_id: str, password: str) -> None:
    """Set the fixed password of the identity that signs.

    :raises InputError: for a password that the vendor would not take
    """
    asked = {"InstanceId": instance_id, "Password": check_password(password)}
    api.call("ResetLoginPassword", asked, action="set the login password for", subject=instance_id)


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
        """Return the credential for a repository; None for another registry.

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
