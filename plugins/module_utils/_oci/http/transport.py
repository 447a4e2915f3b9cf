# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange done well: pools, TLS, proxies, time-outs, redirects and limits.

Nothing here knows of registries, tokens or retries. An exchange gives an :class:`Answer`, whatever its status, or
raises a :class:`~.faults.Fault`.
"""

from __future__ import annotations

import functools
import http.client
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, NamedTuple
from urllib.parse import quote

from .connection import CONNECT_TIMEOUT
from .exchange import Limits, Request, exchange
from .faults import Fault, fault_of
from .library import check_library, http_exceptions
from .pools import Pools
from .proxies import Proxies, proxy_secrets
from .response import ERROR_LIMIT, Answer, Stats
from .reuse import Reuse
from .sockets import Sockets
from .tls import tls_context
from .urls import PORTS, Origin, origin_of, resolve

__all__ = [
    "ERROR_LIMIT",
    "REDIRECTS",
    "USER_AGENT",
    "Access",
    "Answer",
    "Stats",
    "Transport",
]

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 5
USER_AGENT = "imageops.registry"


@dataclass(frozen=True)
class Access:
    """How to reach one registry.

    :param registry: its host, with a port when it has one
    :param validate_certs: check its TLS certificate
    :param plain_http: speak HTTP without TLS
    :param insecure: HTTPS without a check of the certificate, then plain HTTP (image-syncer's meaning)
    :param ca_path: a PEM file or directory of certificates to trust besides the system's
    :param client_cert: our certificate, a PEM file
    :param client_key: its key, a PEM file
    :param proxy: the URL of a proxy, before the environment's; an empty string means none
    :param concurrency: blobs in flight at this registry, and small requests; None for what the settings say
    :param requests_per_second: the fastest pace of requests, None for no limit
    """

    registry: str
    validate_certs: bool = True
    plain_http: bool = False
    insecure: bool = False
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    concurrency: int | None = None
    requests_per_second: float | None = None


class _Sending(NamedTuple):
    """What stays the same of a request when it is redirected."""

    method: str
    headers: Mapping[str, str]
    body: bytes | Iterable[bytes] | None
    limit: int | None
    patience: float | None


class Transport:
    """Exchanges with one registry, and with wherever it sends us.

    Its own scheme, host and port have the client certificate and may be shown an Authorization header; every other
    place is reached by a second set of pools that has neither, and that refuses link-local addresses.

    :param origin: the registry's scheme, host and port
    :param timeout: seconds without progress
    :param on_secret: told of the proxy's password
    :param warn: told once of a Location that says http of what was reached by https
    """

    def __init__(
        self,
        origin: Origin,
        *,
        access: Access,
        timeout: float,
        stats: Stats,
        on_secret: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        check_library()
        self.origin = origin
        self._prefix = f"{origin.scheme}://{_netloc(origin)}/"
        self._stats = stats
        self._warn = warn
        self._timeout = timeout
        self._access = access
        self._proxies = Proxies(access.proxy)
        self._on_secret = on_secret
        self._sockets = Sockets(timeout=timeout, guarded=False)
        self._foreign_sockets = Sockets(timeout=timeout, guarded=True)
        self._adapters: dict[bool, Pools] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._reuse = {True: Reuse(), False: Reuse()}
        self._own_pool: tuple[Any, bool] | None = None
        self._lock = threading.Lock()
        self._warned = False

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None = None,
        limit: int | None = ERROR_LIMIT,
        patience: float | None = None,
        follow: bool = True,
        authorization: str | None = None,
    ) -> Answer:
        """Send one request and give the answer, after following redirects of GET and HEAD.

        :param url: absolute
        :param headers: all but Authorization
        :param body: bytes, or blocks of at most 64 KiB whose sum the Content-Length in headers names
        :param limit: read the body whole, at most so many bytes; None leaves a good answer (2xx) to be streamed
        :param patience: seconds to wait for the answer once the body is sent; None for the time-out
        :param follow: whether to follow redirects
        :param authorization: shown to this URL's own scheme, host and port only
        :raises Fault: when no whole answer came
        """
        sending = _Sending(method, headers, body, limit, patience)
        home = origin = self._origin(url)
        authorized = authorization
        for _hop in range(MOST_REDIRECTS + 1):
            if origin != home:
                authorized = None  # and not again, wherever the next redirect leads
            answer = self._once(sending, url, origin, authorized, foreign=origin != home)
            if not (follow and answer.status in REDIRECTS and method in ("GET", "HEAD")):
                return answer
            url = self.locate(url, answer.headers.get("Location"))
            origin = self._origin(url)
        raise Fault("protocol_error", f"more than {MOST_REDIRECTS} redirects", transient=False)

    def _limits(self, sending: _Sending) -> Limits:
        return Limits(
            connect=min(self._timeout, CONNECT_TIMEOUT),
            progress=self._timeout,
            answer=self._timeout if sending.patience is None else sending.patience,
            whole=2 * self._timeout if sending.limit is not None else None,
        )

    def _origin(self, url: str) -> Origin:
        return self.origin if url.startswith(self._prefix) else origin_of(url)

    def locate(self, base: str, location: str | None) -> str:
        """Resolve a Location, and say once when it names http where https is meant.

        :raises Fault: when it leads nowhere good
        """
        target = resolve(base, location)
        if target.corrected and not self._warned:
            self._warned = True
            self._warn(
                f"{self._access.registry} answers with Locations that say http although it is reached by https; "
                "https is used. A proxy in front of it should send X-Forwarded-Proto."
            )
        return target.url

    def _once(self, sending: _Sending, url: str, origin: Origin, authorization: str | None, *, foreign: bool) -> Answer:
        pool, absolute = self._pool(origin)
        body = sending.body
        headers = dict(sending.headers)
        if authorization:
            headers["Authorization"] = authorization
        if absolute:
            headers.update(pool.proxy_headers)
        self._stats.count(requests=1, written=len(body) if isinstance(body, bytes) else 0)
        try:
            request = Request(
                sending.method,
                _written(url if absolute else _path_of(url)),
                _netloc(origin),
                headers,
                body,
                tunnel=pool.proxy is not None and origin.scheme == "https",
            )
            raw = exchange(pool, request, self._limits(sending), self._reuse[origin == self.origin])
        except (OSError, http.client.HTTPException, http_exceptions.HTTPError, ValueError) as error:
            fault = fault_of(error)
            fault.foreign = foreign
            raise fault from error
        except Fault as fault:
            fault.foreign = foreign
            raise
        answer = Answer(raw, url=url, foreign=foreign, stats=self._stats)
        self._finish(answer, sending.method, sending.limit)
        return answer

    def _finish(self, answer: Answer, method: str, limit: int | None) -> None:
        if method == "HEAD":
            return
        encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            answer.close()
            raise Fault("protocol_error", "the answer is compressed although that was not asked for", transient=False)
        if not 200 <= answer.status < 300:
            answer.peek_error()
        elif limit is not None:
            answer.read_whole(limit)

    def _pool(self, origin: Origin) -> tuple[Any, bool]:
        """The pool for an origin, and whether it wants absolute URLs (a proxy for plain HTTP)."""
        own = origin == self.origin
        if own and self._own_pool is not None:
            return self._own_pool
        with self._lock:
            proxy = self._proxies.for_url(f"{origin.scheme}://{_netloc(origin)}/")
            for secret in proxy_secrets(proxy or ""):
                self._on_secret(secret)
            absolute = proxy is not None and origin.scheme == "http" and not proxy.startswith("socks")
            found = (self._adapter(own=own).pool(origin, proxy), absolute)
            if own:
                self._own_pool = found
        return found

    def _adapter(self, *, own: bool) -> Pools:
        adapter = self._adapters.get(own)
        if adapter is None:
            sockets = self._sockets if own else self._foreign_sockets
            context, stranger = (functools.partial(self._context, own=which) for which in (own, False))
            adapter = self._adapters[own] = Pools(sockets, context, stranger)
        return adapter

    def _context(self, *, own: bool) -> ssl.SSLContext:
        """The TLS context for the registry itself, or for all other places: the same where we have no certificate."""
        access = self._access
        introduced = own and access.client_cert is not None
        context = self._contexts.get(introduced)
        if context is None:
            context = self._contexts[introduced] = tls_context(
                verify=access.validate_certs and not access.insecure,
                ca_path=access.ca_path,
                client_cert=access.client_cert if introduced else None,
                client_key=access.client_key if introduced else None,
            )
        return context

    def close(self) -> None:
        """End every connection, also those in use by other threads."""
        self._sockets.shut()
        self._foreign_sockets.shut()
        with self._lock:
            for adapter in self._adapters.values():
                adapter.close()


def _path_of(url: str) -> str:
    start = url.index("//") + 2
    slash, question = url.find("/", start), url.find("?", start)
    if slash >= 0 and (question < 0 or slash < question):
        return url[slash:]
    return "/" + (url[question:] if question >= 0 else "")


def _written(target: str) -> str:
    """A target as it may stand in a request: what a registry's Location has beyond ASCII is encoded."""
    if target.isascii() and target.isprintable() and " " not in target:
        return target
    return quote(target, safe="!#$%&'()*+,/:;=?@[]~")


def _netloc(origin: Origin) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return host if origin.port == PORTS[origin.scheme] else f"{host}:{origin.port}"
