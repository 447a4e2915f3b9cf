# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run needs of the product behind a registry, beside the registry API. A registry of no known one is Generic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from .._oci.errors import ImageOpsError, RegistryError
from .._oci.image.manifest import Descriptor
from .._oci.registry.registry import Registry
from .work.stores import Stores


@dataclass
class Obstacles:
    """What is known of repositories that a push may have to create.

    :ivar faults: why one of them cannot be created, by its path
    :ivar absent: those that are surely not there
    :ivar notes: sentences about what could not be asked; a push may work all the same
    """

    faults: Mapping[str, ImageOpsError] = field(default_factory=dict)
    notes: Collection[str] = ()
    absent: Collection[str] = ()


@dataclass(frozen=True)
class DigestLists:
    """How a product lists the digests of a repository's tags.

    :ivar page: tags on one page
    :ivar before: requests before the first page
    :ivar elsewhere: whether another host is asked than those that rules or entries name
    """

    page: int
    before: int = 0
    elsewhere: bool = False

    def requests(self, tags: int) -> int:
        """Return how many requests the list of a repository with so many tags takes."""
        return self.before + max(1, -(-tags // self.page))


class Generic:
    """A registry of no known product.

    :ivar product: its name, as messages say it
    :ivar has_api: whether the product's own API says what stands in the way of new repositories
    :ivar digest_lists: how it lists digests with tags; None where it does not
    """

    product = ""
    has_api = False
    digest_lists: DigestLists | None = None

    def __init__(self, host: str, stores: Stores) -> None:
        self.host = host
        self._stores = stores

    def repositories(self, beginning: str) -> Iterable[str]:
        """Return the paths of the repositories that begin so, in any order.

        :raises ImageOpsError: when the registry does not list them
        """
        store = self._stores.store(self.host)
        found = list(store.catalog(beginning))
        if isinstance(store, Registry) and store.known_service and store.login(beginning.rstrip("/")) is None:
            store.warn(
                f"{self.host} is asked without a login and may list to those with one more than these {len(found)} "
                "repositories"
            )
        return found

    def is_public(self, namespace: str) -> bool | None:
        """Return whether everybody may pull from a namespace; None where the product does not tell."""
        return None

    def path_fault(self, path: str) -> str:
        """Return why no repository can have this path; empty when one may."""
        return ""

    def path_doubt(self, path: str) -> str:
        """Return why a repository perhaps cannot have this path, which the registry decides; empty for no reason."""
        return ""

    def obstacles(self, paths: Collection[str]) -> Obstacles:
        """Return what stands in the way of new repositories with these paths."""
        return Obstacles()

    def digests(self, path: str) -> Mapping[str, Descriptor] | None:
        """Return what every tag of a repository names, by the product's API; None when that does not say it.

        There is none when the repository does not exist.
        """
        return None

    def listed_digests(self, path: str) -> Mapping[str, Descriptor]:
        """Return what the tags of a repository name by the product's list, each page asked for once.

        The list may be late, lack tags, or mean something else by a digest; media types and sizes may be missing.

        :raises ImageOpsError: when the list does not come, within 5 seconds a page
        """
        return {}

    def delete_tag(self, path: str, tag: str) -> bool:
        """Remove a tag alone by the product's API. Return False when that is not how this product does it.

        :raises ImageOpsError: when the API refuses
        """
        return False

    def complete_repositories(self, namespace: str) -> list[str]:
        """Return the paths of all repositories of a namespace, as many as the product itself counts.

        :raises ImageOpsError: when there is no such list, or the login does not get it
        """
        raise RegistryError(
            code="unsupported",
            action="list all repositories of",
            subject=f"{self.host}/{namespace}",
            cause="this registry has no list of them that is known to be whole",
            hint="leave repositories out of prune: it needs Harbor's API, or that of ACR, on both sides",
        )

    def delete_repository(self, path: str) -> None:
        """Remove a repository of a product that lists them all, with everything in it.

        :raises ImageOpsError: when the product refuses
        """
        self.complete_repositories(path.partition("/")[0])

    def advice(self, error: RegistryError) -> str:
        """Return what to do about an error of this registry; empty where its own hint is as good."""
        return ""
