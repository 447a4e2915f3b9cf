# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Alibaba Cloud API said against a call, as an error in plain words.

Codes that this layer adds to those of :mod:`.._oci.errors`:

``acr_not_found``
    the instance, namespace, repository, user, policy or key that was named is not there
``acr_forbidden``
    the access key is known and may not do this
``acr_state``
    the thing is in a state in which this cannot be done: being made, being deleted, switched off
``acr_exists``
    something of that name is there already, or something still hangs on what was to be deleted
``acr_clock``
    this machine's clock is off, so that signatures are refused
``acr_refused``
    the API refused for any other reason; its own code and words follow
``acr_wait_timeout``
    the change was accepted and did not show within ``wait_timeout``
``acr_secret_file``
    the file that an access key is kept in cannot be read or written

Shared ones keep their meaning: ``bad_credentials``, ``no_credentials``, ``rate_limited``, ``quota_exceeded``,
``server_error``, ``timeout``, ``connection_failed``, ``tls_untrusted``, ``protocol_error``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._oci.client.run import Mask, unmasked
from ..._oci.errors import Code, ImageOpsError
from ..._oci.http.faults import Fault

_WORDS_LIMIT = 500
_GIVE_THE_RIGHT = "give its user the right with imageops.registry.ram_policy and imageops.registry.ram_user_policy"
_UNREACHABLE = "check the network and the proxy; in a VPC without a way out set network: vpc"


class ApiError(ImageOpsError):
    """An Alibaba Cloud API did not do what was asked.

    :param status: the HTTP status of the answer, or None when there was none
    :param api_code: the API's own code, such as ``NAMESPACE_NOT_EXIST``; empty when there was none
    :param words: what the API said, shortened
    :param request_id: what the vendor's support asks for; empty when there was none
    :param retry_after: seconds that the API asked to wait, or None
    :param perhaps_done: whether the call may have been carried out all the same
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
        api_code: str = "",
        words: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        perhaps_done: bool = False,
    ) -> None:
        super().__init__(code=code, action=action, subject=subject, cause=cause, hint=hint, transient=transient)
        self.status = status
        self.api_code = api_code
        self.words = words
        self.request_id = request_id
        self.retry_after = retry_after
        self.perhaps_done = perhaps_done


@dataclass(frozen=True)
class _Meaning:
    """What a family of API codes means to the user."""

    pattern: str
    code: Code
    cause: str
    hint: str = ""
    transient: bool = False


_MEANINGS = (
    _Meaning(
        r"INSTANCE_NOT_EXIST",
        "acr_not_found",
        "there is no such instance in this region",
        "check instance_id and region: imageops.registry.acr_instance_info with registry tells both, and with "
        "region alone it lists the instances there",
    ),
    _Meaning(
        r"NAMESPACE_NOT_EXIST",
        "acr_not_found",
        "there is no such namespace",
        "make it with imageops.registry.acr_namespace",
    ),
    _Meaning(
        r"REPO_NOT_EXIST",
        "acr_not_found",
        "there is no such repository",
        "make it with imageops.registry.acr_repository, or let the namespace make it: auto_create_repo",
    ),
    _Meaning(
        r"INSTANCE_ACCESS_NOT_EXIST",
        "acr_state",
        "the instance has no such endpoint, or it is off",
        "switch it on with imageops.registry.acr_endpoint",
    ),
    _Meaning(
        r"INSTANCE_ACCESS_ACL_ENTRY_INVALID",
        "acr_refused",
        "the allow list does not take this entry",
        "0.0.0.0/0 is never taken, and no entry is while the endpoint is off",
    ),
    _Meaning(
        r"INSTANCE_STATUS_NOT_SUPPORT",
        "acr_state",
        "the instance is not in a state that allows this",
        "run it again once imageops.registry.acr_instance_info says RUNNING",
    ),
    _Meaning(
        r"STS_NOT_SUPPORT.*",
        "acr_refused",
        "the call does not take the key of a role (STS)",
        "a fixed password belongs to a user: sign with an access key of that user, or use temporary logins",
    ),
    _Meaning(r"SLB_SERVICE_ERROR", "server_error", "the load balancer behind the endpoint is busy", "", True),
    _Meaning(
        r"InvalidSecurityToken\.Expired.*",
        "bad_credentials",
        "the security token has ended",
        "get a new one of STS, or name the role (assume_role, ecs_ram_role), whose keys are renewed",
    ),
    _Meaning(
        r"InvalidAccessKeyId.*|SignatureDoesNotMatch|IncompleteSignature|InvalidSecurityToken.*|MissingSecurityToken"
        r"|Forbidden\.AccessKeyDisabled|InvalidAccessKeySecret",
        "bad_credentials",
        "the access key was not accepted",
        "check access_key_id, access_key_secret and security_token, or the environment that they come from",
    ),
    _Meaning(
        r"AuthenticationFail\..*",
        "bad_credentials",
        "the OIDC token was not accepted",
        "check the role's trust policy, the provider's ARN, and the token file",
    ),
    _Meaning(r"EntityNotExist\.Role", "acr_not_found", "there is no such role", "check the role's ARN and its account"),
    _Meaning(
        r"NoPrivilege|NoPermission|Forbidden\b.*|.*\.NoPermission|NotAuthorized.*",
        "acr_forbidden",
        "the access key may not do this",
        _GIVE_THE_RIGHT,
    ),
    _Meaning(
        r"InvalidTimeStamp.*",
        "acr_clock",
        "this machine's clock is not right, so the signature was refused",
        "set the clock, for example with chrony",
    ),
    _Meaning(
        r"(?:.*\.)?Throttling.*|.*\.FlowControl",
        "rate_limited",
        "the API takes no more calls for the moment",
        "run fewer tasks at once (throttle, forks), or run again later",
        True,
    ),
    _Meaning(
        r"EntityNotExist\.User", "acr_not_found", "there is no such user", "make it with imageops.registry.ram_user"
    ),
    _Meaning(
        r"EntityNotExist\.Policy",
        "acr_not_found",
        "there is no such policy",
        "make it with imageops.registry.ram_policy, or set policy_type: System for one of the vendor's own",
    ),
    _Meaning(r"EntityNotExist.*", "acr_not_found", "it does not exist"),
    _Meaning(r"EntityAlreadyExist.*|.*_ALREADY_EXISTS?", "acr_exists", "there is one of that name already"),
    _Meaning(
        r"DeleteConflict\.User\.AccessKey",
        "acr_exists",
        "the user still has access keys",
        "delete them first: imageops.registry.ram_access_key with state: absent",
    ),
    _Meaning(
        r"DeleteConflict\.(?:User\.Policy|Policy\.User)",
        "acr_exists",
        "the policy is still attached to the user",
        "take it away first: imageops.registry.ram_user_policy with state: absent",
    ),
    _Meaning(r"DeleteConflict.*", "acr_exists", "something still hangs on it"),
    _Meaning(
        r"LimitExceeded.*|.*QUOTA.*|.*Quota.*",
        "quota_exceeded",
        "a quota of the account or of the instance is used up",
        "delete what is not needed, or ask the vendor for more",
    ),
    _Meaning(
        r"InvalidAction\.NotFound|InvalidVersion|InvalidApi.*|UnsupportedHTTPMethod",
        "protocol_error",
        "the endpoint does not know this call",
        "check region, network and the endpoint overrides",
    ),
    _Meaning(
        r"ServiceUnavailable.*|SystemError|InternalError.*|.*InternalError", "server_error", "the API failed", "", True
    ),
)


def api_error(
    *,
    action: str,
    subject: str,
    status: int,
    answer: Mapping[str, Any],
    retry_after: float | None = None,
    mask: Mask = unmasked,
) -> ApiError:
    """Return the error that an answer stands for, whichever of its two forms the answer has.

    :param status: the HTTP status: 200 when the answer only says ``IsSuccess: false``
    :param retry_after: seconds that the answer asked to wait
    :param mask: takes secrets out of what the API says, before anything is cut off
    """
    api_code = _text(answer.get("Code"))
    words = mask(_text(answer.get("Message")))[:_WORDS_LIMIT]
    meaning = _meaning_of(api_code, status)
    said = " ".join(part for part in (api_code, f'"{words}"' if words else "") if part) or f"HTTP {status}"
    return ApiError(
        code=meaning.code,
        action=action,
        subject=subject,
        cause=f"{meaning.cause}: {said}",
        hint=_denied_hint(answer) or meaning.hint,
        transient=meaning.transient,
        status=status,
        api_code=api_code,
        words=words,
        request_id=_text(answer.get("RequestId")),
        retry_after=retry_after,
        perhaps_done=meaning.code == "server_error",
    )


def broken(fault: Fault, *, action: str, subject: str, host: str) -> ApiError:
    """Return the error for a call that brought no whole answer.

    :param host: who was called
    """
    hint = "set ca_path to the certificate of its authority" if fault.code == "tls_untrusted" else fault.hint
    if fault.unresolved:
        hint = "check region and the endpoint overrides; in a VPC without a way out set network: vpc"
    return ApiError(
        code=fault.code,
        action=action,
        subject=subject,
        cause=f"{host}: {fault.cause}",
        hint=hint or (_UNREACHABLE if fault.connecting else ""),
        transient=fault.transient,
        perhaps_done=not fault.connecting,
    )


def _meaning_of(api_code: str, status: int) -> _Meaning:
    for meaning in _MEANINGS:
        if re.fullmatch(meaning.pattern, api_code):
            return meaning
    if status == 429:
        return _Meaning("", "rate_limited", "the API takes no more calls for the moment", "run again later", True)
    if status >= 500:
        return _Meaning("", "server_error", "the API failed", "", True)
    if status == 403:
        return _Meaning("", "acr_forbidden", "the access key may not do this", _GIVE_THE_RIGHT)
    return _Meaning("", "acr_refused", "the API refused")


def _denied_hint(answer: Mapping[str, Any]) -> str:
    """Return which identity lacks which right, where the answer says it; else an empty text."""
    detail = answer.get("AccessDeniedDetail")
    if not isinstance(detail, Mapping) or not detail.get("AuthAction"):
        return ""
    who = _text(detail.get("AuthPrincipalDisplayName")) or "the access key's identity"
    return f"give {who} the right {_text(detail['AuthAction'])} with imageops.registry.ram_policy and ram_user_policy"


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
