# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's refusal → an error with a code, a cause and a hint.

The HTTP status and the error codes of the specification (distribution-spec, section Error Codes) decide. What a
registry says in free words is looked at only where vendors give nothing else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal, Union

from ..errors import OUT_OF_REACH, Code, RegistryError
from ..http.faults import Fault
from ..http.transport import Answer
from .bodies import Said, read_error
from .call import Purpose
from .elsewhere import hints_elsewhere, is_moved, is_of_proxy, judge_proxy, judge_redirect, led_to
from .retry import is_retried
from .run import Mask, unmasked

ARTIFACTS_HINT = (
    "set unsupported_artifacts: skip to leave such images out, or strip to leave artifacts out of their indexes, which "
    "changes those digests"
)
_Judgement = tuple[Union[Code, Literal["lacks_content"]], str, str]
"""Code, cause and hint. What lacks content becomes a MissingContent with the code of a failure of the server."""

_MISSING = frozenset(("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"))
SPOILT = frozenset(("DIGEST_INVALID", "SIZE_INVALID"))
"""The error codes of a write of which other bytes arrived than were sent."""
_NO_RIGHT = frozenset(("INVALID_SCOPE", "ACCESS_DENIED"))
"""The error codes of token servers for a right that the account lacks (RFC 6749 section 5.2)."""
_FEWER = re.compile(r"\binsufficient[ _]scopes?\b")
"""What Docker Hub says of an access token that may do less than was asked for, with HTTP 401."""
_ENDED = re.compile(
    r"\b(?:token|jwt|credentials?|login|session|authorization|password)\b.{0,60}\bexpired\b"
    r"|\bexpired\b.{0,30}\b(?:token|jwt|credentials?|login|session|authorization|password)\b"
    r"|\berror=\"?invalid_token\b"
)
_EARLY = re.compile(r"\bnot (?:yet valid|valid yet|to be used before)\b|\bused before issued\b")
_IMMUTABLE = frozenset(("TAG_IMMUTABLE", "IMMUTABLE_TAG"))
_WRITE_ONCE = re.compile(
    r"immutab|overwrit|redeploy|already exists?\b|\btags?\b.{0,60}\b(?:protected|locked)\b|\bprotected tag"
    r"|\b(?:cannot|not|disallow\w*)\b.{0,30}\bupdat|operation is disallowed on this registry, repository or image"
)
"""What registries say of what is there and stays; whether it is there shows a look."""


class MissingContent(RegistryError):
    """A registry refuses a manifest because something that it names is not there (MANIFEST_BLOB_UNKNOWN)."""


def says_expired(answer: Answer) -> bool:
    """Return whether a refusal says that the token or login has ended, in its body or its challenge."""
    if answer.status not in (400, 401, 403):
        return False
    said = read_error(answer.body)
    parts = (" ".join(said.codes).replace("_", " "), said.words, answer.headers.get("WWW-Authenticate", ""))
    return any(_ENDED.search(part.lower()) for part in parts)


def says_early(answer: Answer) -> bool:
    """Return whether a refusal says that a token may not be used yet."""
    return bool(_EARLY.search(f"{read_error(answer.body).words} {answer.headers.get('WWW-Authenticate', '')}".lower()))


def lacks_right(answer: Answer) -> bool:
    """Return whether a token server refuses what was asked for, and not the login itself.

    A server that refuses every request of a login says the same (403): asking without a scope tells them apart.
    """
    said = read_error(answer.body)
    return answer.status == 403 or not said.codes.isdisjoint(_NO_RIGHT) or bool(_FEWER.search(said.words.lower()))


def error_of(
    answer: Answer,
    purpose: Purpose,
    *,
    anonymous: bool,
    retry_after: float | None = None,
    mask: Mask = unmasked,
) -> RegistryError:
    """Return the error for an answer that is no success.

    :param anonymous: the request was sent without credentials, because there are none
    :param retry_after: seconds that the answer asks to wait
    :param mask: takes the secrets out of what the registry says
    """
    said = read_error(answer.body, mask)
    status = answer.status
    code: Code | Literal["lacks_content"]
    moved = is_moved(answer)
    if answer.foreign and not moved:
        code, hint, transient = "server_error", "", True
        cause = f"the storage that the registry redirects to, {answer.host}, refused"
    elif is_of_proxy(answer, said.codes):
        code, cause, hint, transient = judge_proxy(answer)
    else:
        there = replace(purpose, registry=answer.host) if moved else purpose
        code, cause, hint = _judge(status, said, there, anonymous)
        if status == 400 and code == "protocol_error" and not said.words and answer.url.startswith("http://"):
            hint = "if it speaks HTTPS on this port, leave plain_http out"
        # What is sent was verified before: other bytes arrived because something spoilt them on the way.
        transient = (
            is_retried(status)
            or (status == 409 and code != "immutable_tag")
            or code in ("lacks_content", "digest_mismatch")
        )
        if moved:
            cause, hint = led_to(answer.host, purpose.registry, cause, hint, write=purpose.write)
        elif 300 <= status < 400:
            cause, hint = judge_redirect(answer, purpose.registry)
    kind = MissingContent if code == "lacks_content" else RegistryError
    words = said.words
    shown = f"{cause} (HTTP {status})" if not words else f"{cause} (HTTP {status}: {words})"
    return kind(
        code="server_error" if code == "lacks_content" else code,
        action=purpose.action,
        subject=purpose.subject,
        cause=shown,
        hint=hint,
        transient=transient,
        status=status,
        words=words,
        retry_after=retry_after,
        registry="" if answer.foreign else purpose.registry,
    )


def lacks_content(status: int, codes: frozenset[str], purpose: Purpose) -> bool:
    """Return whether a failure of the server is said to be that something which a manifest names is not there."""
    return status == 500 and purpose.write and purpose.kind == "manifest" and "MANIFEST_BLOB_UNKNOWN" in codes


def as_said(error: RegistryError) -> RegistryError:
    """Return an error ``immutable_tag`` as what the registry said, where no tag stands in the way."""
    codes: dict[int | None, Code] = {401: "push_denied", 403: "push_denied", 409: "conflict"}
    return RegistryError(
        code=codes.get(error.status, "protocol_error"),
        action=error.action,
        subject=error.subject,
        cause=f"the registry refuses it (HTTP {error.status}: {error.words})",
        status=error.status,
        words=error.words,
        registry=error.registry,
    )


def error_of_fault(fault: Fault, purpose: Purpose) -> RegistryError:
    """Return the error for an exchange that brought no whole answer."""
    cause = fault.cause
    reach = OUT_OF_REACH if fault.connecting else ""
    hints = {
        "connection_failed": reach,
        "timeout": reach,
        "tls_untrusted": f"set ca_path for {purpose.registry} to the certificate of its authority, or ca to its text",
        "plain_http": f"if {purpose.registry} really speaks plain HTTP, set plain_http: true for it",
    }
    if fault.host:
        led = f"{purpose.registry} leads to {fault.host}"
        cause = f"{led}, and there: {cause}" if fault.foreign else f"{fault.host}: {cause}"
        hints = hints_elsewhere(fault, purpose.registry)
    return RegistryError(
        code=fault.code,
        action=purpose.action,
        subject=purpose.subject,
        cause=cause,
        hint=fault.hint or hints.get(fault.code, ""),
        transient=fault.transient,
        registry="" if fault.foreign else purpose.registry,
        connecting=fault.connecting,
        unresolved=fault.unresolved,
    )


def explain_without_challenge(error: RegistryError, offered: str) -> None:
    """Have the error for a 401 say that the registry asks for a login in no way that can be answered.

    :param offered: its WWW-Authenticate header, quoted; empty where there is none
    """
    named = f"only in a way that is not supported: {offered}" if offered else "and does not say how"
    error.cause = f"the registry wants a login, {named} (HTTP 401{': ' + error.words if error.words else ''})"
    error.hint = "something in front of it may answer in its place: look at what GET /v2/ says there"


def _judge(status: int, said: Said, purpose: Purpose, anonymous: bool) -> _Judgement:
    """Return code, cause and hint of a refusal."""
    codes = said.codes
    if status == 429 or "TOOMANYREQUESTS" in codes:
        return "rate_limited", "the registry takes no more requests now", "lower concurrency or requests_per_second"
    if purpose.write and purpose.kind != "manifest" and codes & {"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"}:
        return "server_error", "the registry has forgotten the upload", ""
    if purpose.write and codes & SPOILT:
        return "digest_mismatch", "other bytes arrived than were sent", "a proxy in between may change them"
    if status == 408:
        return "timeout", "the registry waited too long for the request", ""
    if is_retried(status) and not lacks_content(status, codes, purpose):
        return "server_error", "the registry failed", ""
    special = _judge_words(status, said, purpose)
    if special is not None:
        return special
    if 300 <= status < 400:
        return "protocol_error", "it answers with a redirect to somewhere else", "check the host name and plain_http"
    if status in (401, 403) or codes & _NO_RIGHT:
        return _judge_denied(status, purpose, anonymous)
    if status == 407:
        return "connection_failed", "the proxy wants another user or password", "check proxy"
    if status == 404:
        return _judge_missing(codes, said.words, purpose)
    if status == 415 or (purpose.kind == "manifest" and "MANIFEST_INVALID" in codes):
        return "unsupported_manifest", "the registry does not accept this kind of manifest", ""
    if status in (405, 501) or "UNSUPPORTED" in codes:
        what = "does not accept writes here" if purpose.write else "cannot do this"
        return "unsupported", f"the registry {what}", "it may be read-only" if purpose.write else ""
    if status == 409:
        return "conflict", "someone else is changing the same thing", ""
    if status == 413:
        return "unsupported", "the registry or a proxy before it takes no body of that size", "raise its limit there"
    if codes & {"NAME_INVALID", "TAG_INVALID"}:
        return "invalid_input", "the registry does not accept this name", ""
    return "protocol_error", "the registry's answer makes no sense here", ""


def _judge_words(status: int, said: Said, purpose: Purpose) -> _Judgement | None:
    """Return code, cause and hint where a vendor's own words decide; None elsewhere."""
    codes, words = said.codes, said.words.lower()
    if status == 400 and re.search(r"http request (was sent )?to (an )?https (server|port)", words):
        return "plain_http", "it speaks HTTPS on this port", "leave plain_http out"
    if "PROJECTPOLICYVIOLATION" in codes:
        return "source_policy", "a policy of the registry keeps this image back", "see its project's security rules"
    if purpose.write and purpose.kind == "manifest" and codes & _MISSING:
        return "lacks_content", "the registry lacks something that the manifest names", ""
    no_room = status == 507 or "QUOTA_EXCEEDED" in codes or re.search(r"quota|configured upper limit", words)
    if purpose.write and no_room:
        return "quota_exceeded", "there is no room left for it", "raise the quota or remove images"
    if purpose.write and purpose.kind == "manifest" and (codes & _IMMUTABLE or _WRITE_ONCE.search(words)):
        return "immutable_tag", "the tag exists and may not be changed", "leave it out, or set overwrite: skip"
    if "manifest class" in words:
        return "unsupported_manifest", "the registry does not accept this kind of artifact", ARTIFACTS_HINT
    if status == 412 and purpose.write:
        return "immutable_tag", "the tag exists and may not be changed", "leave it out, or set overwrite: skip"
    if status == 412:
        return "source_policy", "a policy of the registry keeps this image back", ""
    return None


def _judge_denied(status: int, purpose: Purpose, anonymous: bool) -> _Judgement:
    if anonymous and status == 401:
        return (
            "no_credentials",
            "the registry wants a login and there are no credentials for it",
            f"add {purpose.registry} to registries, or log in with docker login",
        )
    hint = (
        f"add credentials for {purpose.registry} to registries"
        if anonymous
        else "check the name and the account's rights"
    )
    if purpose.write:
        return (
            "push_denied",
            "this account may not push there, or the repository does not exist and is not made by a push",
            hint,
        )
    return "pull_denied", "this account may not pull it, or it does not exist", hint


def _judge_missing(codes: frozenset[str], words: str, purpose: Purpose) -> _Judgement:
    if purpose.write:
        return (
            "destination_missing",
            "the repository or its project does not exist and is not made by a push",
            "create it first",
        )
    about_repository = "NAME_UNKNOWN" in codes or re.search(r"\b(repository|project)\b", words.lower())
    if purpose.kind == "repository" or (about_repository and "MANIFEST_UNKNOWN" not in codes):
        return "repository_not_found", "there is no such repository", "check the name"
    if purpose.kind == "blob":
        return "source_incomplete", "the registry no longer has this blob", "push the image there again"
    return "tag_not_found", "there is no such tag or digest", "check the name"
