# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes whole repositories by their product's API, when everything about them is still as it was planned."""

from __future__ import annotations

from collections.abc import Mapping

from ..._oci.image.reference import Digest, Reference
from ..vendors import Vendors
from ..work.stores import Stores


class RepositoryRemover:
    """Removes repositories. Both sides' lists are asked again for each of them."""

    def __init__(self, stores: Stores, vendors: Vendors) -> None:
        self._stores = stores
        self._vendors = vendors

    def reason_to_leave(self, source: Reference, place: Reference, planned: Mapping[str, Digest]) -> str:
        """Return why a repository must not be removed now; empty when it may.

        :param source: what it was copied from
        :param planned: what each of its tags named
        :raises ImageOpsError: when one of the questions has no answer
        """
        if source.repository in self._listed(source):
            return f"the source has {source.name} again"
        others = set(self._listed(place)) - {place.repository}
        if not others:
            return "no other repository would be left"
        repository = self._stores.repository(place)
        now = {tag: repository.resolve(tag) for tag in repository.tags()}
        digests = {tag: there.digest for tag, there in now.items() if there is not None}
        if digests != dict(planned) or not repository.tags_are_whole:
            return "its tags are not those any more that it had when this was planned"
        return ""

    def remove(self, place: Reference) -> None:
        """Remove a repository.

        :raises ImageOpsError: when the product refuses
        """
        self._vendors.ask(place.registry).delete_repository(place.repository)

    def _listed(self, ref: Reference) -> list[str]:
        return self._vendors.ask(ref.registry).complete_repositories(ref.repository.partition("/")[0])
