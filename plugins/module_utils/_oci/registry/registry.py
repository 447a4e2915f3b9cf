# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry as a store of images, over the distribution API."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from types import TracebackType

from ..client.authorization.tokens import basic, parse_challenges
from ..client.call import Call, Purpose, Scopes
from ..client.client import Client
from ..client.run import Run
from ..credentials.provider import Credential, CredentialProvider
from ..errors import RegistryError
from ..http.transport import Access, Answer
from ..image.manifest import Descriptor
from ..store.store import Counters, Store
from .listing import RegistryCatalog, is_repository_path
from .repository import RegistryRepository

DOCKER_HUB = "docker.io"
_DOCKER_HUB_ADDRESS = "registry-1.docker.io"


class Registry(Store):
    """One registry, shared by all threads of a run. A context manager.

    :param host: as references name it, with a port when it has one
    :param access: how to reach it
    :param credentials: which credentials are used there
    :param plain_http: hosts, with their ports, from which foreign layers may be fetched without TLS
    """

    def __init__(
        self,
        host: str,
        *,
        access: Access,
        credentials: CredentialProvider,
        run: Run,
        plain_http: Collection[str] = (),
    ) -> None:
        self.host = host
        self.access = access
        self.warn = run.warn
        address = _DOCKER_HUB_ADDRESS if host == DOCKER_HUB else host
        self._client = Client(host, address, access=access, credentials=credentials, run=run)
        self._plain_http = plain_http
        self._repositories: dict[str, RegistryRepository] = {}
        self._lock = threading.Lock()

    def counters(self) -> Counters:
        """Return what the registry has cost so far."""
        stats = self._client.stats
        return Counters(stats.requests, stats.bytes_read, stats.bytes_written, stats.seconds, stats.ranges)

    def limit(self) -> int:
        """Return how many small requests, and how many blobs, may be under way at once at present."""
        return self._client.limit()

    def connections(self, blob: Descriptor) -> int:
        """Return over how many connections a blob may be read at once: one where the registry gives no ranges."""
        return self._client.run.settings.ranges.of(blob.size) if self._client.quirks.gives_ranges else 1

    def repository(self, path: str) -> RegistryRepository:
        """Return the repository of a path, the same object each time. Nothing is asked."""
        with self._lock:
            found = self._repositories.get(path)
            if found is None:
                found = self._repositories[path] = RegistryRepository(self._client, path, self._plain_http)
            return found

    def catalog(self, prefix: str) -> Iterator[str]:
        """Yield the repository paths that begin with prefix, by the registry's catalog, all pages.

        :raises RegistryError: unsupported, when it has no catalog; pull_denied, when it lists nothing to this login
        """
        for path in RegistryCatalog(self._client, prefix).entries():
            if path.startswith(prefix) and is_repository_path(self.host, path):
                yield path

    def service(self) -> str:
        """Return the service that its bearer challenge names (Token Authentication), which tells some products.

        Empty when it wants no token.
        """
        answer = self._client.send(Call("GET", "/v2/", Purpose("reach", self.host, self.host)))
        challenges = parse_challenges(answer.headers.get("WWW-Authenticate")) if answer.status == 401 else []
        return next((found.parameters.get("service", "") for found in challenges if found.scheme == "bearer"), "")

    @property
    def known_service(self) -> str:
        """Return the service as far as the requests so far have shown it; nothing is asked."""
        return self._client.auth.service

    def login(self, path: str) -> Credential | None:
        """Return the credential for the repositories below a path, or for all; None where access is anonymous."""
        return self._client.auth.credential(path)

    def ask(
        self,
        path: str,
        purpose: Purpose,
        *,
        login: Credential | None = None,
        scopes: Scopes = (),
        repository: str = "",
        limit: int,
        headers: Mapping[str, str] | None = None,
        patience: float | None = None,
        method: str = "GET",
    ) -> Answer:
        """Return the answer to a request beside the distribution API, such as Harbor's own.

        :param path: with its query
        :param login: for Basic authentication; None asks anonymously
        :param scopes: what a token has to allow, where the registry's own authorization is used in place of a login
        :param repository: the repository whose credentials get that token
        :param limit: bytes of the answer at most
        :param headers: besides the usual ones
        :param patience: seconds to wait for the answer to the only try; None for the time-out and retries of the run
        :param method: what is asked; it must be one that may be sent twice
        :raises RegistryError: when there is no answer, or after retries none but of a passing fault
        """
        call = Call(
            method,
            path,
            purpose,
            scopes,
            repository,
            headers=headers,
            authorization=None if login is None else basic(login),
            limit=limit,
            wait=patience,
            once=patience is not None,
            optional=patience is not None,
        )
        return self._client.call(call) if scopes else self._client.send(call)

    def error(self, purpose: Purpose, answer: Answer) -> RegistryError:
        """Return the error for an answer to :meth:`ask` that its caller cannot use."""
        return self._client.error(Call("GET", "", purpose), answer)

    def begin_round(self) -> None:
        """Allow one request to a registry that was down, when a round of retries begins."""
        self._client.begin_round()

    def finish(self) -> None:
        """Do nothing: what a registry has confirmed lasts."""

    def close(self) -> None:
        """End every connection, also those that other threads wait on; twice is harmless."""
        self._client.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
