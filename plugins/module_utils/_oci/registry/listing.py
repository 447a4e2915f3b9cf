# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which repositories a registry has: the interface, and what the distribution's own catalog says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from ..client.bodies import instead_of_json, read_error
from ..client.call import Call, Purpose, Scopes
from ..client.client import Client
from ..errors import Code, InputError, RegistryError
from ..http.faults import Fault
from ..http.transport import Answer
from ..http.urls import parse_links
from ..image.reference import parse_repository

PAGE_SIZE = 1000
PAGE_LIMIT = 16 * 1024 * 1024
MOST_PAGES = 10_000
MOST_ENTRIES = 500_000
MOST_BYTES = 64 * 1024 * 1024
LEAST_ENTRIES = 10
"""Entries that pages have on average; a list of a hundred pages with fewer is taken for one without an end."""


class Pages:
    """One list of a registry.

    :param path: where it begins
    :param key: what the list is called in each page
    :ivar is_whole: whether everything that was read was an entry, and the end was the end; known once it is read
    """

    def __init__(self, client: Client, purpose: Purpose, scopes: Scopes, repository: str, path: str, key: str) -> None:
        self.is_whole = False
        self._client = client
        self._purpose = purpose
        self._scopes = scopes
        self._repository = repository
        self._path = path
        self._key = key
        self._lost = 0

    def entries(self) -> Iterator[str]:
        """Yield each entry once, in the registry's order; nothing when the repository does not exist.

        :raises RegistryError: too_large, when it has no end
        """
        seen_pages: set[str] = set()
        seen: set[str] = set()
        size = 0
        answer = self._first()
        self.is_whole = answer is None  # there is no repository, and so nothing is missing
        while answer is not None:
            before = len(seen)
            size += len(answer.body)
            entries = self._parse(answer)
            for entry in entries:
                if entry not in seen:
                    seen.add(entry)
                    yield entry
            self._check_end(len(seen), len(seen_pages), size)
            url = next_page(self._client, answer, self._purpose, self._path)
            # A page of nothing but known entries leads in circles, whatever its address says; an empty one may not.
            if url is None or url in seen_pages or (entries and len(seen) == before):
                self.is_whole = url is None and not self._lost
                return
            seen_pages.add(url)
            answer = self._next(url)

    def only_page(self) -> list[str] | None:
        """Return the entries of the first page; None when it is not the last. Nothing is read beyond it."""
        answer = self._first()
        self.is_whole = answer is None
        if answer is None:
            return []
        if next_page(self._client, answer, self._purpose, self._path) is not None:
            return None
        page = self._parse(answer)
        self.is_whole = not self._lost
        return page

    def _check_end(self, entries: int, pages: int, size: int) -> None:
        endless = entries > MOST_ENTRIES or pages > MOST_PAGES or size > MOST_BYTES
        if endless or (pages > 100 and entries < LEAST_ENTRIES * pages):
            raise self._error("too_large", f"the list has no end: {entries} entries on {pages + 1} pages so far")

    def _first(self) -> Answer | None:
        """Ask for the first page with a size, or without where the registry does not know that parameter."""
        if self._client.quirks.takes_page_size:
            answer = self._client.call(self._call(f"{self._path}?n={PAGE_SIZE}"))
            if answer.status == 200:
                return answer
            if answer.status in (401, 403) or "NAME_UNKNOWN" in read_error(answer.body).codes:
                self._refuse(answer)
                return None
        answer = self._client.call(self._call(self._path))
        if answer.status == 200:
            self._client.quirks.takes_page_size = False
            return answer
        self._refuse(answer)
        return None

    def _refuse(self, answer: Answer) -> None:
        if answer.status != 404:
            raise self._client.error(self._call(""), answer)

    def _next(self, url: str) -> Answer:
        try:
            return self._client.expect(self._call(url), 200)
        except RegistryError as error:
            if error.status in (400, 404, 405):
                raise _no_next_page(self._client, self._purpose, url, f"gives HTTP {error.status}") from error
            raise

    def _call(self, path: str) -> Call:
        return Call("GET", path, self._purpose, self._scopes, self._repository, limit=PAGE_LIMIT)

    def _parse(self, answer: Answer) -> list[str]:
        try:
            page: Any = answer.json()
        except ValueError:
            page = None
        instead = instead_of_json(answer, self._client.run.mask)
        if instead or not isinstance(page, dict):
            raise self._error("protocol_error", f"{instead or 'the list is not JSON'}{answer.label}")
        entries = page.get(self._key)
        if entries is None:
            return []
        if not isinstance(entries, list):
            raise self._error("protocol_error", f"the list has no {self._key}")
        texts = [entry for entry in entries if isinstance(entry, str)]
        self._lost += len(entries) - len(texts)
        return texts

    def _error(self, code: Code, cause: str) -> RegistryError:
        return RegistryError(code=code, action=self._purpose.action, subject=self._purpose.subject, cause=cause)


def next_page(client: Client, answer: Answer, purpose: Purpose, path: str) -> str | None:
    """Return what to ask for to get the page after this one; None after the last (distribution-spec, Listing Tags).

    A next page of the same list is asked for by the path of the list and the query of the Link, at the registry itself:
    registries behind a proxy name their own host, or leave out what the proxy has put before the path.

    :param path: of the list
    :raises RegistryError: protocol_error, when there may be a next page that cannot be asked for
    """
    header = answer.headers.get("Link") or ""
    try:
        links = parse_links(header)
    except ValueError:
        raise _no_next_page(client, purpose, header, "makes no sense") from None
    named = [link for link in links if link.relations and "next" in link.relations]
    unnamed = [link for link in links if link.relations is None and _is_same_list(link.target, path)]
    if not named and not unnamed:
        return None
    target = (named or unnamed)[0].target
    query = target.partition("#")[0].partition("?")[2]
    if _is_same_list(target, path) and query:
        return f"{path}?{query}"
    try:
        url = client.transport.locate(answer.url, target)
    except Fault:
        raise _no_next_page(client, purpose, header, "leads nowhere") from None
    if client.is_foreign(url):
        raise _no_next_page(client, purpose, header, "leads to another host")
    return url


def _is_same_list(target: str, path: str) -> bool:
    """Return whether a URL may be another page of a list: its path ends as that of the list does, or it has none."""
    own, other = (text.partition("?")[0].rstrip("/").split("/")[-2:] for text in (path, target))
    return other in (own, own[-1:], [""])


def _no_next_page(client: Client, purpose: Purpose, link: str, problem: str) -> RegistryError:
    return RegistryError(
        code="protocol_error",
        action=purpose.action,
        subject=purpose.subject,
        cause=f"the list goes on, but the Link to its next page {problem}: {client.shown(link)}",
        hint="a proxy before the registry may have changed it; name the tags in the rule to do without the list",
    )


_INSTEAD = "give a login that may list everything, or write one rule a repository"


class RegistryCatalog(Pages):
    """The list at ``/v2/_catalog``, which the specification does not have and many registries do.

    :param prefix: the beginning of the paths that are wanted, which decides which login is used
    """

    def __init__(self, client: Client, prefix: str) -> None:
        purpose = Purpose("list the repositories of", client.host, client.host)
        path = prefix.rstrip("/")
        super().__init__(client, purpose, ("registry:catalog:*",), path, "/v2/_catalog", "repositories")

    def _refuse(self, answer: Answer) -> NoReturn:
        error = self._client.error(self._call(""), answer)
        anonymous = self._client.auth.is_anonymous(self._repository)
        said = f"(HTTP {answer.status}{': ' if error.words else ''}{error.words})"
        code: Code
        if answer.status in (401, 403):
            whom = "anybody without a login" if anonymous else "this login"
            code, cause = "no_credentials" if anonymous else "pull_denied", f"it does not list them to {whom} {said}"
        elif answer.status in (400, 404, 405, 501):
            code, cause = "unsupported", f"this registry has no catalog {said}"
        else:
            raise error
        raise RegistryError(
            code=code,
            action=error.action,
            subject=error.subject,
            cause=cause,
            hint=_INSTEAD if code != "unsupported" else "write one rule a repository",
            status=answer.status,
            words=error.words,
        )


def is_repository_path(registry: str, text: str) -> bool:
    """Return whether what a registry lists is a repository's path, and nothing that would change a URL."""
    try:
        return parse_repository(f"{registry}/{text}") == (registry, text)
    except InputError:
        return False
