# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins at an instance's registry: temporary ones, and the fixed password of the identity that signs."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._oci.errors import ImageOpsError, InputError
from .change import Wait
from .faults import ApiError
from .front import RegistryFront
from .names import check_password
from .openapi import OpenApi

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

    :param front: the instance's registry
    """

    def __init__(self, api: OpenApi, instance_id: str, front: RegistryFront, *, wait: Wait, check_mode: bool) -> None:
        self._api = api
        self._instance_id = instance_id
        self._front = front
        self._wait = wait
        self._check_mode = check_mode

    def ensure(self, username: str, password: str) -> bool:
        """Set the password when the token service answers 401 to it; whether it was (or would be) set.

        Whatever keeps the token service from answering is an error and never a reason to set it.

        :param username: the login name of the identity that signs: the account's, or ``name@account`` of a RAM user
        :raises ImageOpsError: ``acr_refused`` when the registry is another instance's
        """
        check_password(password)
        found = self._front.look()
        if found.instance_id != self._instance_id:
            raise ImageOpsError(
                code="acr_refused",
                action="try the password at",
                subject=self._front.host,
                cause=f"it is the registry of {found.instance_id}, not of {self._instance_id}",
            )
        if self._front.accepts(username, password):
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
                lambda: True if self._front.accepts(username, password) else None,
                action="set the login password of",
                subject=f"{username} at {self._front.host}",
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
