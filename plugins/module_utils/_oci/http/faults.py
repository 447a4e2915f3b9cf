# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong below HTTP, told apart once: exceptions of socket, ssl, http.client and urllib3 become a Fault."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator

from ..errors import Code
from .library import http_exceptions

# http.client's own words for a proxy that says no.
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")


class Fault(Exception):
    """One exchange failed without a whole answer.

    :param code: the stable error code that it will be reported with
    :param cause: plain words, without addresses that may carry secrets
    :param connecting: no connection could be made: DNS, TCP or TLS
    :param transient: whether the same again may work
    :param foreign: it happened at a place that the registry had redirected to
    :param stale: an idle connection that the server had closed already; nothing was lost
    :param unresolved: the server's name has no address
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


class StaleConnection(http.client.RemoteDisconnected):
    """A kept-alive connection ended before the first byte of an answer."""


class NotHttp(http.client.HTTPException):
    """An answer breaks HTTP's rules, in the way that its words say."""


class Slow(socket.timeout):
    """Bytes came, but too slowly to be a working server."""


def fault_of(error: BaseException) -> Fault:
    """Say what an exception of the HTTP stack means.

    :param error: anything that urllib3, http.client, ssl or socket raised for one exchange
    """
    chain = list(_unwrap(error))
    for link in chain:
        if isinstance(link, Fault):
            return link
        if isinstance(link, StaleConnection):
            return Fault("connection_failed", "the server had closed the connection", stale=True)
        if isinstance(link, ssl.SSLError):
            return _tls_fault(link)
        tunnel = _TUNNEL.match(str(link)) if isinstance(link, OSError) else None
        if tunnel:
            return _tunnel_fault(tunnel.group(1))
        if type(link).__name__ == "CertificateError":  # urllib3's own, where it has one
            return Fault("tls_untrusted", f"its certificate is not trusted: {link}", connecting=True, transient=False)
    if any(isinstance(link, Slow) for link in chain):
        return Fault("timeout", "the answer came too slowly")
    if any(isinstance(link, (socket.timeout, http_exceptions.TimeoutError)) for link in chain):
        return Fault("timeout", "no progress within the time-out")
    for link in chain:
        if isinstance(link, http_exceptions.ProxyError):
            return Fault("connection_failed", f"the proxy refused: {_deepest_words(chain)}", connecting=True)
    if any(isinstance(link, (http.client.IncompleteRead, http_exceptions.IncompleteRead)) for link in chain):
        return Fault("connection_failed", "the connection ended in the middle of an answer")
    if isinstance(error, ValueError) and not any(isinstance(link, OSError) for link in chain):
        return Fault("protocol_error", "the request cannot be written down", transient=False)
    return Fault("connection_failed", _deepest_words(chain))


def _tunnel_fault(status: str) -> Fault:
    if status == "407":
        return Fault(
            "connection_failed",
            "the proxy wants another user or password (HTTP 407)",
            hint="check proxy",
            connecting=True,
            transient=False,
        )
    return Fault(
        "connection_failed",
        f"the proxy refused to connect to it (HTTP {status})",
        connecting=True,
        transient=status.startswith("5"),
    )


def _tls_fault(error: ssl.SSLError) -> Fault:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = getattr(error, "verify_message", "") or str(error)
        hint = ""
        if "expired" in reason:
            hint = "it has to be renewed there"
        elif "match" in reason:
            hint = "use a name that the certificate is for"
        cause = f"its certificate is not trusted: {reason}"
        return Fault("tls_untrusted", cause, hint=hint, connecting=True, transient=False)
    reason = getattr(error, "reason", None) or ""  # an exception that Python made by itself has none
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
        words = reason.lower().replace("_", " ")
        return Fault(
            "tls_untrusted",
            f"the TLS handshake was refused: {words}",
            hint="a client certificate may be wanted: set client_cert and client_key",
            connecting=True,
            transient=False,
        )
    words = reason.lower().replace("_", " ") or "the TLS connection broke"
    return Fault("connection_failed", f"TLS: {words}")


def _unwrap(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those it was made of, outermost first, each once."""
    waiting = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen or len(seen) > 20:
            continue
        seen.add(id(link))
        yield link
        inner = [
            *link.args,
            getattr(link, "reason", None),
            getattr(link, "original_error", None),
            link.__cause__,
            link.__context__,
        ]
        waiting.extend(part for part in inner if isinstance(part, BaseException))


def _deepest_words(chain: list[BaseException]) -> str:
    for link in chain:
        if isinstance(link, http.client.RemoteDisconnected):
            return "the server closed the connection without an answer"
    for link in reversed(chain):
        if isinstance(link, OSError) and link.strerror:
            return link.strerror.lower()
    for link in reversed(chain):
        if isinstance(link, NotHttp):
            return f"the answer is not HTTP: {link}"
        if isinstance(link, http.client.HTTPException):
            return f"the answer is not HTTP ({type(link).__name__})"
        if isinstance(link, OSError):
            return type(link).__name__
    return type(chain[0]).__name__
