# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a white list, as tables and for any lists."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.allow_list import (
    DEFAULT_ENTRY,
    Steps,
    WantedEntry,
    steps_to_have,
    steps_to_lack,
    wanted_entries,
)
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.endpoint import AclEntry
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

DEFAULT = AclEntry(DEFAULT_ENTRY, "default")
OFFICE = AclEntry("192.0.2.0/24", "office")
HOME = AclEntry("203.0.113.7/32", "home")

networks = st.sampled_from([f"198.51.100.{n}/32" for n in range(6)] + [DEFAULT_ENTRY])
comments = st.sampled_from(["", "a", "b"])
present_lists = st.dictionaries(networks, comments).map(
    lambda found: tuple(AclEntry(entry, comment) for entry, comment in sorted(found.items()))
)
wanted_lists = st.dictionaries(networks, st.none() | comments).map(lambda found: wanted_entries(found.items()))


@pytest.mark.parametrize(
    ("present", "wanted", "purge", "expected"),
    [
        ([DEFAULT], [WantedEntry("192.0.2.0/24", "office")], False, Steps((OFFICE,), (), ())),
        ([DEFAULT, OFFICE], [WantedEntry("192.0.2.0/24")], False, Steps((), (), ())),
        ([OFFICE], [WantedEntry("192.0.2.0/24", "hq")], False, Steps((), (AclEntry("192.0.2.0/24", "hq"),), ())),
        ([DEFAULT, OFFICE, HOME], [WantedEntry("192.0.2.0/24")], True, Steps((), (), (HOME,))),
        ([DEFAULT, OFFICE, HOME], [WantedEntry("192.0.2.0/24")], False, Steps((), (), ())),
        ([DEFAULT, OFFICE], [], True, Steps((), (), (OFFICE,))),
        ([AclEntry("203.0.113.7", "bare")], [WantedEntry("203.0.113.7/32")], True, Steps((), (), ())),
        ([AclEntry("odd one", "")], [], True, Steps((), (), (AclEntry("odd one", ""),))),
    ],
)
def test_steps(present: list[AclEntry], wanted: list[WantedEntry], purge: bool, expected: Steps) -> None:
    assert steps_to_have(present, wanted, purge=purge, open_up=False) == expected


def test_opening_up_takes_the_default_entry_too() -> None:
    assert steps_to_have([DEFAULT, OFFICE], [], purge=True, open_up=True).remove == (DEFAULT, OFFICE)
    assert steps_to_have([DEFAULT, OFFICE], [WantedEntry("192.0.2.0/24")], purge=True, open_up=True).remove == ()


@given(present_lists, wanted_lists, st.booleans())
def test_what_was_asked_for_is_there(present: tuple[AclEntry, ...], wanted: list[WantedEntry], purge: bool) -> None:
    after = steps_to_have(present, wanted, purge=purge, open_up=False).on(present)
    found = {each.entry: each.comment for each in after}
    for each in wanted:
        assert each.entry in found
        assert each.comment in (None, found[each.entry])
    others = set(found) - {each.entry for each in wanted}
    assert others <= ({DEFAULT_ENTRY} if purge else {each.entry for each in present})
    assert (DEFAULT_ENTRY in found) or DEFAULT not in {AclEntry(each.entry, "default") for each in present}
    again = steps_to_have(after, wanted, purge=purge, open_up=False)
    assert again == Steps((), (), ())


@given(present_lists, wanted_lists)
def test_what_was_not_wanted_is_gone(present: tuple[AclEntry, ...], unwanted: list[WantedEntry]) -> None:
    after = steps_to_lack(present, unwanted).on(present)
    names = {each.entry for each in unwanted}
    assert after == tuple(each for each in present if each.entry not in names)


@pytest.mark.parametrize(
    ("text", "form"),
    [("192.0.2.7", "192.0.2.7/32"), (" 192.0.2.0/24 ", "192.0.2.0/24"), ("2001:DB8::/32", "2001:db8::/32")],
)
def test_an_entry_has_one_form(text: str, form: str) -> None:
    assert wanted_entries([(text, None)]) == [WantedEntry(form)]


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "192.0.2.1/24", "example.com", "", "192.0.2.0/33", "192.0.2"])
def test_what_is_no_entry(text: str) -> None:
    with pytest.raises(InputError):
        wanted_entries([(text, None)])


def test_one_network_with_two_comments() -> None:
    assert len(wanted_entries([("192.0.2.7", "a"), ("192.0.2.7/32", "a")])) == 1
    with pytest.raises(InputError, match="two comments"):
        wanted_entries([("192.0.2.7", "a"), ("192.0.2.7/32", "b")])
