# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The allow list of a public endpoint.

An empty list is open to the world, what is written while the endpoint is being made is lost in silence, and there is no
call to change an entry. So: nothing is written before the endpoint runs, entries are added and seen before any is
removed, and the list is never left empty unless that was asked for in so many words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..._oci.errors import InputError
from ..api.errors import ApiError
from ..api.names import network
from .endpoint import AclEntry, Endpoint, PublicEndpoint, lets_all_in
from .resource import Change

DEFAULT_ENTRY = "127.0.0.1/32"
"""What the vendor puts on the list when the endpoint is turned on, so that no other machine gets in yet."""

_DEFAULT_STAYS = (
    "this is the vendor's own entry, which the API may not let go; it lets no other machine in and does no harm. To "
    "open the endpoint to all addresses, delete it in the console"
)
_GUARD = AclEntry(DEFAULT_ENTRY, "default")
_ACTION = "change the allow list of"
Entries = tuple[AclEntry, ...]


@dataclass(frozen=True)
class WantedEntry:
    """An entry that is asked for; without a comment any will do."""

    entry: str
    comment: str | None = None


@dataclass(frozen=True)
class Steps:
    """What has to be done to a list, in this order.

    :param add: entries that are missing
    :param renew: entries whose comment has to change, which is deleting and adding again
    :param remove: entries to delete
    """

    add: tuple[AclEntry, ...]
    renew: tuple[AclEntry, ...]
    remove: tuple[AclEntry, ...]

    def on(self, present: Iterable[AclEntry]) -> Entries:
        """Return the list after these steps."""
        kept = {each.entry: each for each in present if each not in self.remove}
        kept.update({each.entry: each for each in (*self.add, *self.renew)})
        return _sorted(kept.values())


def wanted_entries(items: Iterable[tuple[str, str | None]]) -> list[WantedEntry]:
    """Return entries with their comments, each network in its one form and once.

    :raises InputError: for what is no network, and for one network with two comments
    """
    found: dict[str, WantedEntry] = {}
    for text, comment in items:
        wanted = WantedEntry(network(text), comment)
        other = found.setdefault(wanted.entry, wanted)
        if other != wanted:
            raise InputError(subject=f"allow-list entry {wanted.entry}", cause="it is listed with two comments")
    return list(found.values())


def steps_to_have(present: Sequence[AclEntry], wanted: Sequence[WantedEntry], *, purge: bool, open_up: bool) -> Steps:
    """Return what makes every wanted entry be there.

    :param purge: remove all others but the vendor's default entry
    :param open_up: with purge and nothing wanted: remove that one too
    """
    there = {_form(each): each for each in present}
    asked = {each.entry for each in wanted}
    add = [AclEntry(each.entry, each.comment or "") for each in wanted if each.entry not in there]
    renew = [
        AclEntry(there[each.entry].entry, each.comment)
        for each in wanted
        if each.entry in there and each.comment is not None and there[each.entry].comment != each.comment
    ]
    spared = set() if open_up and not wanted else {DEFAULT_ENTRY}
    remove = [each for each in present if purge and _form(each) not in asked | spared]
    return Steps(tuple(add), tuple(renew), tuple(remove))


def steps_to_lack(present: Sequence[AclEntry], unwanted: Sequence[WantedEntry]) -> Steps:
    """Return what makes none of these entries be there."""
    asked = {each.entry for each in unwanted}
    return Steps((), (), tuple(each for each in present if _form(each) in asked))


class AllowList:
    """The allow list of one public endpoint.

    :ivar assumed: in check mode: the endpoint is off, so what was given as its list is what one that is on begins with
    :ivar is_off: the endpoint is off, so no machine gets in, whatever the list is
    """

    def __init__(self, endpoint: PublicEndpoint) -> None:
        self._endpoint = endpoint
        self.assumed = self.is_off = False

    def change(self, steps_for: Callable[[Entries], Steps], *, allow_unrestricted: bool) -> Change[Entries]:
        """Bring the list where it should be.

        In check mode an endpoint that is off, and whose list is to be another, counts as one that was just turned on.

        :param steps_for: gives the steps from the present list
        :param allow_unrestricted: whether the list may become empty, and so open to the world
        :raises ApiError: ``acr_state`` when the endpoint is off and something is to be done, or the list would be left
            empty
        """
        found = self._settled()
        present = found.entries
        steps = steps_for(present)
        if not found.enabled:
            if steps.on(present) == present:
                self.is_off = True
                return Change(present, present)
            present = self._assume_that_it_is_on()
            steps = steps_for(present)
        after = steps.on(present)
        if after != present and lets_all_in(after) and not allow_unrestricted:
            raise self._endpoint.wrong_state(
                "its entries together would be all addresses, which lets the whole world in"
                if after
                else "no entry would be left, and an empty allow list lets the whole world in",
                "name the networks that need it, or set allow_unrestricted: true",
                action=_ACTION,
            )
        if not self._endpoint.check_mode and after != present:
            after = self._carry_out(steps, found)
        return Change(present, after)

    def _settled(self) -> Endpoint:
        found = self._endpoint.read()
        if self._endpoint.check_mode or found.is_settled:
            return found
        return self._endpoint.settled(found, lambda seen: True, action=_ACTION)

    def _assume_that_it_is_on(self) -> Entries:
        if not self._endpoint.check_mode:
            raise self._endpoint.wrong_state(
                "the endpoint is off", "turn it on with imageops.registry.acr_endpoint", action=_ACTION
            )
        self.assumed = True
        return (_GUARD,)

    def _carry_out(self, steps: Steps, found: Endpoint) -> Entries:
        for entry in steps.add:
            found = self._add(entry)
        for entry in steps.renew:
            found = self._renew(entry, found)
        for entry in steps.remove:
            found = self._remove(entry.entry, expect=self._endpoint.wait.enabled) or found
        return found.entries if self._endpoint.wait.enabled else steps.on(found.entries)

    def _renew(self, entry: AclEntry, found: Endpoint) -> Endpoint:
        alone = len(found.entries) == 1
        guard = _GUARD if entry.entry != DEFAULT_ENTRY else AclEntry("127.0.0.2/32", "default")
        if alone:
            self._add(guard)
        self._remove(entry.entry, expect=True)
        seen = self._add(entry)
        if alone:
            seen = self._remove(guard.entry, expect=True) or seen
        return seen

    def _add(self, entry: AclEntry) -> Endpoint:
        """Add an entry and wait until it shows, whatever is said about waiting: only what shows has any effect."""
        parameters = {"Entry": entry.entry, "Comment": entry.comment or None}
        self._send("CreateInstanceEndpointAclPolicy", parameters, done=lambda: _has(self._endpoint.read(), entry.entry))
        return self._see(lambda seen: _has(seen, entry.entry), f"{entry.entry} does not show")

    def _remove(self, entry: str, *, expect: bool) -> Endpoint | None:
        parameters: dict[str, str | None] = {"Entry": entry}
        try:
            self._send(
                "DeleteInstanceEndpointAclPolicy", parameters, done=lambda: not _has(self._endpoint.read(), entry)
            )
            return self._see(lambda seen: not _has(seen, entry), f"{entry} is still there") if expect else None
        except ApiError as error:
            if entry == DEFAULT_ENTRY and error.code in ("acr_refused", "acr_wait_timeout", "acr_not_found"):
                error.hint = _DEFAULT_STAYS
            raise

    def _send(self, api_action: str, parameters: dict[str, str | None], *, done: Callable[[], bool]) -> None:
        """Make a call that the load balancer behind the endpoint may be too busy for, for as long as one may wait."""

        def attempt() -> bool | None:
            try:
                self._endpoint.call(api_action, parameters, action=_ACTION)
            except ApiError as error:
                if error.api_code == "SLB_SERVICE_ERROR":
                    return None
                if error.transient or not done():
                    raise
            return True

        self._endpoint.wait.until(
            attempt, action=_ACTION, subject=self._endpoint.subject, lacking="the load balancer is busy"
        )

    def _see(self, good: Callable[[Endpoint], bool], lacking: str) -> Endpoint:
        def look() -> Endpoint | None:
            seen = self._endpoint.read()
            return seen if seen.is_settled and good(seen) else None

        return self._endpoint.wait.until(look, action=_ACTION, subject=self._endpoint.subject, lacking=lacking)


def _has(endpoint: Endpoint, entry: str) -> bool:
    return _form(AclEntry(entry)) in {_form(each) for each in endpoint.entries}


def _form(entry: AclEntry) -> str:
    """Return an entry of the allow list in its usual form, or unchanged when it has no form that is known."""
    try:
        return network(entry.entry)
    except InputError:
        return entry.entry


def _sorted(entries: Iterable[AclEntry]) -> Entries:
    return tuple(sorted(entries, key=lambda each: each.entry))
