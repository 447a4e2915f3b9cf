# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange: pools, TLS, proxies, time-outs, redirects and limits.

Nothing here knows of registries, tokens or retries. An exchange gives an :class:`Answer`, whatever its status, or
raises a :class:`~.faults.Fault`.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Callable

from .connection import Limits, Route
from .faults import Fault
from .message import request_head
from .pool import Pool
from .proxies import Proxies, proxy_of, proxy_secrets
from .response import ERROR_LIMIT, Answer, Stats
from .sockets import Sockets
from .tls import check_library, tls_context
from .urls import Origin, as_target, netloc, origin_of, path_of, resolve

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
MOST_POOLS = 16
"""Places whose connections are kept, the registry itself among them."""
USER_AGENT = "imageops.registry"


@dataclass(frozen=True)
class Access:
    """How to reach one registry.

    :param registry: its host, with a port when it has one
    :param validate_certs: check its TLS certificate
    :param plain_http: speak HTTP without TLS
    :param insecure: HTTPS without a check of the certificate, then plain HTTP (image-syncer's meaning)
    :param ca_path: a PEM file or directory of certificates to trust besides the system's
    :param ca: more certificates to trust, as PEM text
    :param client_cert: the client's certificate, a PEM file
    :param client_key: its key, a PEM file
    :param proxy: the URL of a proxy, before the environment's; an empty string means none
    :param concurrency: blobs that move at once at this registry, and small requests; None for what the settings say
    :param requests_per_second: the fastest pace of requests, None for no limit
    :param settle: seconds from the beginning in which a refused push is tried again, for a right given just before
    """

    registry: str
    validate_certs: bool = True
    plain_http: bool = False
    insecure: bool = False
    ca_path: str | None = None
    ca: str | None = field(default=None, repr=False)
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    concurrency: int | None = None
    requests_per_second: float | None = None
    settle: float = 0.0


class Transport:
    """Exchanges with one registry, and with the places that it redirects to.

    Its own scheme, host and port have the client certificate and may be shown an Authorization header; every other
    place has neither, and link-local addresses are refused there.

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
        self._prefix = f"{origin.scheme}://{netloc(origin)}/"
        self._stats = stats
        self._warn = warn
        self._timeout = timeout
        self._access = access
        self._proxies = Proxies(access.proxy)
        self._on_secret = on_secret
        self._sockets = Sockets(timeout=timeout, guarded=False)
        self._foreign_sockets = Sockets(timeout=timeout, guarded=True)
        self._pools: dict[Origin, Pool] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}
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
        """Send one request. Return the answer, after redirects of GET and HEAD were followed.

        :param url: absolute
        :param headers: all but Authorization
        :param body: bytes, or blocks of at most 128 KiB whose sum the Content-Length in headers names
        :param limit: read the body whole, at most so many bytes; None leaves a good answer (2xx) to be streamed
        :param patience: seconds to wait for the answer once the body is sent; None for the time-out
        :param follow: whether to follow redirects
        :param authorization: shown to this URL's own scheme, host and port only
        :raises Fault: when no whole answer came
        """
        home = origin = self._origin(url)
        limits = Limits(
            progress=self._timeout,
            answer=self._timeout if patience is None else patience,
            whole=2 * self._timeout if limit is not None else None,
        )
        for _hop in range(MOST_REDIRECTS + 1):
            if origin != home:
                authorization = None  # and not again, wherever the next redirect leads
            pool = self._pool(origin)
            try:
                head = _head(pool.route, method, url, headers, authorization)
                self._stats.begin(requests=1, written=len(body) if isinstance(body, bytes) else 0)
                try:
                    response = pool.exchange(method, head, body, limits)
                finally:
                    self._stats.end()
            except Fault as fault:
                fault.foreign = origin != home
                fault.host = "" if origin == self.origin else netloc(origin)
                raise
            answer = Answer(
                response,
                method=method,
                url=url,
                foreign=origin != home,
                stats=self._stats,
                proxy=pool.route.reader,
            )
            self._finish(answer, method, limit)
            if not (follow and answer.status in REDIRECTS and method in ("GET", "HEAD")):
                return answer
            url = self.locate(url, answer.headers.get("Location"))
            origin = self._origin(url)
        raise Fault("protocol_error", f"more than {MOST_REDIRECTS} redirects", transient=False)

    def _origin(self, url: str) -> Origin:
        return self.origin if url.startswith(self._prefix) else origin_of(url)

    def locate(self, base: str, location: str | None) -> str:
        """Return where a Location leads; warn once when it names http where https is meant.

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

    def _finish(self, answer: Answer, method: str, limit: int | None) -> None:
        if method == "HEAD":
            return
        if not 200 <= answer.status < 300:
            answer.peek_error()
        elif limit is not None:
            answer.read_whole(limit)

    def _pool(self, origin: Origin) -> Pool:
        pool = self._pools.get(origin)
        if pool is None:
            with self._lock:
                pool = self._pools.get(origin) or self._new_pool(origin)
                while len(self._pools) > MOST_POOLS:
                    self._pools.pop(next(other for other in self._pools if other not in (self.origin, origin))).close()
        return pool

    def _new_pool(self, origin: Origin) -> Pool:
        url = self._proxies.for_url(f"{origin.scheme}://{netloc(origin)}/")
        for secret in proxy_secrets(url or ""):
            self._on_secret(secret)
        own = origin == self.origin
        route = Route(
            origin,
            proxy_of(url) if url else None,
            context=self._context(own=own) if origin.scheme == "https" else None,
            proxy_context=self._context(own=False) if url and url.startswith("https:") else None,
        )
        pool = self._pools[origin] = Pool(route, self._sockets if own else self._foreign_sockets)
        return pool

    def _context(self, *, own: bool) -> ssl.SSLContext:
        """Return the TLS context for the registry, or for all other places; the same without a client certificate."""
        access = self._access
        introduced = own and access.client_cert is not None
        context = self._contexts.get(introduced)
        if context is None:
            context = self._contexts[introduced] = tls_context(
                verify=access.validate_certs and not access.insecure,
                ca_path=access.ca_path,
                ca=access.ca,
                client_cert=access.client_cert if introduced else None,
                client_key=access.client_key if introduced else None,
            )
        return context

    def close(self) -> None:
        """End every connection, also those in use by other threads."""
        self._sockets.shut()
        self._foreign_sockets.shut()
        with self._lock:
            for pool in self._pools.values():
                pool.close()


def _head(route: Route, method: str, url: str, headers: Mapping[str, str], authorization: str | None) -> bytes:
    """Return the head of a request in the form for the server, or for the proxy before it."""
    said = dict(headers)
    if authorization:
        said["Authorization"] = authorization
    if route.reader and route.proxy is not None:
        said.update(route.proxy.headers)
    target = as_target(url if route.reader else path_of(url))
    return request_head(method, target, netloc(route.origin), said)
