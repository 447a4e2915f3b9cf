# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tags of a repository name, as Google, Azure, Quay and Docker Hub list them beside the distribution API.

Each page is asked for once. A row that makes no sense is left out: its tag is asked for by itself then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from .._oci.client.call import Purpose, Scopes
from .._oci.errors import InputError, RegistryError
from .._oci.http.transport import Answer
from .._oci.image.manifest import Descriptor
from .._oci.image.reference import Digest
from .._oci.registry.registry import Registry
from .services import AZURE, DOCKER_HUB, GOOGLE, QUAY, Service

_LIMIT = 64 * 1024 * 1024
_MOST_PAGES = 10_000


def read_tags(service: Service, registry: Registry, path: str, *, patience: float) -> Mapping[str, Descriptor]:
    """Return what the tags of a repository name. Sizes are not told, and media types by Google and Docker Hub alone.

    :param registry: where the service's list is
    :param patience: seconds to wait for each page
    :raises RegistryError: when the list does not come; Quay's of a private repository takes no registry's login
    """
    return _READERS[service](registry, path, patience)


def _google_tags(registry: Registry, path: str, patience: float) -> dict[str, Descriptor]:
    """Return the digests that Google's registries have in the tag list itself, which is one page."""
    pull = (f"repository:{path}:pull",)
    listed = _Pages(registry, path, patience, pull).read(f"/v2/{path}/tags/list")[0].get("manifest")
    if not isinstance(listed, dict):
        raise _Pages(registry, path, patience).error("the list has no digests")
    found: dict[str, Descriptor] = {}
    for digest, row in listed.items():
        tags = row.get("tag") if isinstance(row, dict) else None
        for tag in tags if isinstance(tags, list) else ():
            found.update(_tag(tag, digest, row.get("mediaType")))
    return found


def _azure_tags(registry: Registry, path: str, patience: float) -> dict[str, Descriptor]:
    """Return the digests that Azure Container Registry lists, without media types."""
    pages = _Pages(registry, path, patience, (f"repository:{path}:metadata_read",))
    found: dict[str, Descriptor] = {}
    last = ""
    for _page in range(_MOST_PAGES):
        content, answer = pages.read(f"/acr/v1/{path}/_tags?n={AZURE.page}{last}")
        rows = pages.rows(content, "tags")
        for row in rows:
            found.update(_tag(row.get("name"), row.get("digest")))
        if not rows or "Link" not in answer.headers:
            return found
        last = f"&last={quote(str(rows[-1].get('name')), safe='')}"
    raise pages.error("the list has no end")


def _quay_tags(registry: Registry, path: str, patience: float) -> dict[str, Descriptor]:
    """Return the digests that Quay lists of a public repository, without media types."""
    pages = _Pages(registry, path, patience)
    found: dict[str, Descriptor] = {}
    for page in range(1, _MOST_PAGES + 1):
        content, _answer = pages.read(
            f"/api/v1/repository/{path}/tag/?limit={QUAY.page}&page={page}&onlyActiveTags=true"
        )
        for row in pages.rows(content, "tags"):
            found.update(_tag(row.get("name"), row.get("manifest_digest")))
        if not content.get("has_additional"):
            return found
    raise pages.error("the list has no end")


def _docker_hub_tags(registry: Registry, path: str, patience: float) -> dict[str, Descriptor]:
    """Return the digests that Docker Hub lists."""
    pages = _Pages(registry, path, patience)
    namespace, _slash, name = path.partition("/")
    tags = f"/v2/namespaces/{namespace}/repositories/{quote(name, safe='')}/tags"
    found: dict[str, Descriptor] = {}
    for page in range(1, _MOST_PAGES + 1):
        content, _answer = pages.read(f"{tags}?page_size={DOCKER_HUB.page}&page={page}")
        for row in pages.rows(content, "results"):
            found.update(_tag(row.get("name"), row.get("digest"), row.get("media_type")))
        if not content.get("next"):
            return found
    raise pages.error("the list has no end")


_READERS: Mapping[Service, Callable[[Registry, str, float], dict[str, Descriptor]]] = {
    GOOGLE: _google_tags,
    AZURE: _azure_tags,
    QUAY: _quay_tags,
    DOCKER_HUB: _docker_hub_tags,
}


class _Pages:
    """The pages of one list.

    :param scopes: what a token has to allow; without them there is no login
    """

    def __init__(self, registry: Registry, path: str, patience: float, scopes: Scopes = ()) -> None:
        self._registry = registry
        self._path = path
        self._patience = patience
        self._scopes = scopes
        self._purpose = Purpose("list the tags and digests of", f"{registry.host}/{path}", registry.host)

    def read(self, target: str) -> tuple[Mapping[str, Any], Answer]:
        """Return the content of a page and the answer that it came in."""
        answer = self._registry.ask(
            target,
            self._purpose,
            scopes=self._scopes,
            repository=self._path,
            limit=_LIMIT,
            patience=self._patience,
        )
        if answer.status != 200:
            raise self._registry.error(self._purpose, answer)
        try:
            content = answer.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise self.error("the list is not JSON")
        return content, answer

    def rows(self, content: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        """Return the rows of a page."""
        rows = content.get(key)
        if not isinstance(rows, list):
            raise self.error(f"the list has no {key}")
        return [row for row in rows if isinstance(row, dict)]

    def error(self, cause: str) -> RegistryError:
        """Return the error for a list that cannot be used."""
        purpose = self._purpose
        return RegistryError(code="protocol_error", action=purpose.action, subject=purpose.subject, cause=cause)


def _tag(name: object, digest: object, media_type: object = None) -> Iterator[tuple[str, Descriptor]]:
    """Yield what a row says of a tag; nothing when it has no digest."""
    if not isinstance(name, str) or not isinstance(digest, str):
        return
    try:
        parsed = Digest.parse(digest)
    except InputError:
        return
    yield name, Descriptor(media_type=media_type if isinstance(media_type, str) else "", digest=parsed, size=0)
