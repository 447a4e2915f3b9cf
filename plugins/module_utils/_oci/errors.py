# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one hierarchy of errors that library code raises.

Each error says what was being done (action), to what (object), why it failed (cause) and what to do (hint), and carries
a code. Codes are part of the public interface: docs/troubleshooting.md has a section for each.
"""

from __future__ import annotations

from typing import Literal, get_args

Code = Literal[
    # before anything is contacted
    "invalid_input",
    # logins and rights
    "no_credentials",
    "bad_credentials",
    "pull_denied",
    "push_denied",
    # what is not there
    "repository_not_found",
    "tag_not_found",
    "destination_missing",
    "source_incomplete",
    # the connection
    "tls_untrusted",
    "plain_http",
    "connection_failed",
    "timeout",
    "registry_down",
    "server_error",
    "rate_limited",
    "retry_budget",
    "protocol_error",
    # the content of images
    "unsupported_manifest",
    "digest_mismatch",
    "size_mismatch",
    "too_large",
    # places on disk
    "layout_invalid",
    "bundle_missing",
    "storage_failed",
    # the signatures of images
    "signature_missing",
    "signature_invalid",
    # what a destination refuses
    "conflict",
    "immutable_tag",
    "source_policy",
    "unsupported",
    "quota_exceeded",
    # the plan
    "plan_refused",
    "plan_changed",
    # the lock
    "lock_missing",
    "source_gone",
    # the way back
    "backup_failed",
    # deletions
    "prune_limit",
    "delete_unsupported",
    # the APIs of Alibaba Cloud
    "acr_not_found",
    "acr_forbidden",
    "acr_state",
    "acr_exists",
    "acr_clock",
    "acr_wait_timeout",
    "acr_secret_file",
    "acr_refused",
    # the run
    "interrupted",
    "shard_unknown",
    "unexpected",
]
"""Every code of an error. It is stable: results carry it, reports group by it."""

CODES: tuple[Code, ...] = get_args(Code)

OUT_OF_REACH = "check that it runs and can be reached from here"
"""The hint where no connection to a registry can be made."""


class ImageOpsError(Exception):
    """The base of every error that library code raises on purpose.

    :param code: a stable name for this kind of failure, such as ``push_denied``
    :param action: what was being done, as a verb phrase: ``read the manifest``
    :param subject: the object it was done to: a reference, a file, an option
    :param cause: why it failed, in plain words
    :param hint: what the user can do about it; empty when there is nothing to say
    :param transient: whether trying again later may help
    :ivar given_up: whether it is not tried again only because the run has used up its retries
    """

    def __init__(
        self,
        *,
        code: Code,
        action: str,
        subject: str,
        cause: str,
        hint: str = "",
        transient: bool = False,
    ) -> None:
        super().__init__(code, action, subject, cause, hint)
        self.code = code
        self.action = action
        self.subject = subject
        self.cause = cause
        self.hint = hint
        self.transient = transient
        self.given_up = False

    def give_up(self, retries: int) -> None:
        """Note that it is not tried again because the run has used up its retries; twice is harmless.

        :param retries: how many the run has made
        """
        if not self.given_up:
            self.given_up, self.transient = True, False
            self.cause = f"{self.cause}; given up after {retries} of this run's retries"

    @property
    def codes(self) -> tuple[str, ...]:
        """Its code, and ``retry_budget`` too where that is why it was not tried again."""
        return (self.code, "retry_budget") if self.given_up else (self.code,)

    def __str__(self) -> str:
        text = f"cannot {self.action} {self.subject}: {self.cause}"
        return f"{text} ({self.hint})" if self.hint else text


class InputError(ImageOpsError):
    """What the user wrote cannot be meant. Raised before anything is contacted."""

    def __init__(self, *, action: str = "accept", subject: str, cause: str, hint: str = "") -> None:
        super().__init__(code="invalid_input", action=action, subject=subject, cause=cause, hint=hint)


class RegistryError(ImageOpsError):
    """A registry (or its token server, or the network in between) did not do what was asked.

    :param status: the HTTP status of the answer, or None when there was none
    :param words: what the registry said, shortened, without secrets
    :param retry_after: seconds that the registry asked to wait, or None
    :param registry: its host, where it is the registry itself that failed or refused; else empty
    :param connecting: no connection could be made
    :param unresolved: nor the host's name be resolved
    """

    def __init__(
        self,
        *,
        code: Code,
        action: str,
        subject: str,
        cause: str,
        hint: str = "",
        transient: bool = False,
        status: int | None = None,
        words: str = "",
        retry_after: float | None = None,
        registry: str = "",
        connecting: bool = False,
        unresolved: bool = False,
    ) -> None:
        super().__init__(code=code, action=action, subject=subject, cause=cause, hint=hint, transient=transient)
        self.status = status
        self.words = words
        self.retry_after = retry_after
        self.registry = registry
        self.connecting = connecting
        self.unresolved = unresolved

    @property
    def is_denial(self) -> bool:
        """Whether a right is missing for what was asked for, while the login itself may be good."""
        denied = self.code in ("pull_denied", "push_denied")
        return denied or (self.status in (401, 403) and self.code != "bad_credentials")


class ContentError(ImageOpsError):
    """Bytes that are not what their digest, size or media type promises."""
