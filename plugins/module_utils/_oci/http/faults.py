# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong below HTTP, told apart once: an error of a socket or of TLS becomes a Fault."""

from __future__ import annotations

import socket
import ssl

from ..errors import Code


class Fault(Exception):
    """One exchange failed without a whole answer.

    :param code: the stable error code that it will be reported with
    :param cause: plain words, without addresses that may carry secrets
    :param connecting: no connection could be made: DNS, TCP or TLS
    :param transient: whether the same again may work
    :param foreign: it happened at a place that the registry had redirected to
    :param stale: an idle connection that the server had closed already; nothing was lost
    :param unresolved: the server's name has no address
    :ivar host: where it happened, when that was not the registry itself: a token server, or what was redirected to
    """

    def __init__(
        self,
        code: Code,
        cause: str,
        *,
        hint: str = "",
        connecting: bool = False,
        transient: bool = True,
        stale: bool = False,
        foreign: bool = False,
        unresolved: bool = False,
    ) -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause
        self.hint = hint
        self.connecting = connecting
        self.transient = transient
        self.stale = stale
        self.foreign = foreign
        self.unresolved = unresolved
        self.host = ""


def not_http(why: str) -> Fault:
    """Return the fault of an answer that breaks HTTP's rules."""
    return Fault("connection_failed", f"the answer is not HTTP: {why}")


def cut_off() -> Fault:
    """Return the fault of an answer that has no end."""
    return Fault("connection_failed", "the connection ended in the middle of an answer")


def fault_of(error: OSError, seconds: float | None = None) -> Fault:
    """Return what an error of a socket means.

    :param seconds: how long was waited, where it is known
    """
    if isinstance(error, ssl.SSLError):
        return _tls_fault(error)
    if isinstance(error, socket.timeout):
        waited = "" if seconds is None else f" of {seconds:g} s"
        return Fault("timeout", f"no progress within the time-out{waited}")
    return Fault("connection_failed", words_of(error))


def words_of(error: OSError) -> str:
    """Return the operating system's words for an error, else the name of its kind."""
    return error.strerror.lower() if error.strerror else type(error).__name__


def _tls_fault(error: ssl.SSLError) -> Fault:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(getattr(error, "verify_message", "") or str(error))
    reason = getattr(error, "reason", None) or ""  # an exception that Python made by itself has none
    words = reason.lower().replace("_", " ")
    # OpenSSL has said it in several ways over the years when the other side does not speak TLS at all.
    if reason in (
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "RECORD_LAYER_FAILURE",
        "UNKNOWN_PROTOCOL",
        "PACKET_LENGTH_TOO_LONG",
    ):
        return Fault("plain_http", "it does not speak TLS on this port", connecting=True, transient=False)
    if "CERTIFICATE_REQUIRED" in reason or "BAD_CERTIFICATE" in reason or "HANDSHAKE_FAILURE" in reason:
        return Fault(
            "tls_untrusted",
            f"the TLS handshake was refused: {words}",
            hint="a client certificate may be wanted: set client_cert and client_key",
            connecting=True,
            transient=False,
        )
    return Fault("connection_failed", f"TLS: {words or 'the TLS connection broke'}")


def _untrusted(reason: str) -> Fault:
    hint = ""
    if "expired" in reason:
        hint = "it has to be renewed there"
    elif "match" in reason:
        hint = "use a name that the certificate is for"
    cause = f"its certificate is not trusted: {reason}"
    return Fault("tls_untrusted", cause, hint=hint, connecting=True, transient=False)
