# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public endpoint and its white list against the simulator, which remembers when it was open to the world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.errors import ApiError
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.allow_list import (
    DEFAULT_ENTRY,
    AllowList,
    steps_to_have,
    steps_to_lack,
    wanted_entries,
)
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.endpoint import AclEntry, PublicEndpoint
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.resource import Change, Wait
from ansible_collections.imageops.registry.tests.acr_simulator.clients import SHORT_WAIT
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import AclEntry as SimulatedEntry
from ansible_collections.imageops.registry.tests.acr_simulator.world import (
    Instance,
)
from ansible_collections.imageops.registry.tests.acr_simulator.world import (
    PublicEndpoint as SimulatedEndpoint,
)

NO_WAIT = replace(SHORT_WAIT, enabled=False)
OFFICE = ("192.0.2.0/24", "office")
HOME = ("203.0.113.7", "home")


def endpoint(
    cr: OpenApi, *, wait: Wait = SHORT_WAIT, check_mode: bool = False, module: str = "Registry"
) -> PublicEndpoint:
    return PublicEndpoint(cr, "cri-acme0123456789", module, wait=wait, check_mode=check_mode)


def have(
    one: PublicEndpoint, *items: tuple[str, str | None], purge: bool = False, allow_unrestricted: bool = False
) -> Change:
    wanted = wanted_entries(items)
    return AllowList(one).change(
        lambda present: steps_to_have(present, wanted, purge=purge, open_up=allow_unrestricted),
        allow_unrestricted=allow_unrestricted,
    )


def lack(one: PublicEndpoint, *items: tuple[str, str | None], allow_unrestricted: bool = False) -> Change:
    unwanted = wanted_entries(items)
    return AllowList(one).change(
        lambda present: steps_to_lack(present, unwanted), allow_unrestricted=allow_unrestricted
    )


def entries(simulated: SimulatedEndpoint) -> dict[str, str]:
    return {each.entry: each.comment for each in simulated.entries}


@pytest.fixture(autouse=True)
def _never_open_by_accident(simulator: Simulator, instance: Instance) -> Iterator[None]:
    yield
    assert simulator.world.exposed == []


@pytest.fixture
def simulated(instance: Instance) -> SimulatedEndpoint:
    return instance.endpoints["Registry"]


@pytest.fixture
def running(simulated: SimulatedEndpoint) -> SimulatedEndpoint:
    simulated.enable, simulated.status = True, "RUNNING"
    simulated.entries = [SimulatedEntry(DEFAULT_ENTRY, "default")]
    return simulated


class TestSwitch:
    def test_on_and_off(self, cr: OpenApi, simulator: Simulator, simulated: SimulatedEndpoint) -> None:
        on = endpoint(cr).switch(True)
        assert (on.before.enabled, on.after.enabled, on.after.status) == (False, True, "RUNNING")
        assert on.after.entries == (AclEntry(DEFAULT_ENTRY, "default"),)
        assert not endpoint(cr).switch(True).changed
        off = endpoint(cr).switch(False)
        assert off.changed
        assert (simulated.enable, simulated.status) == (False, "")
        assert not endpoint(cr).switch(False).changed
        assert simulator.actions(writes=True) == ["UpdateInstanceEndpointStatus"] * 2

    def test_charts_have_their_own(self, cr: OpenApi, instance: Instance) -> None:
        endpoint(cr, module="Chart").switch(True)
        assert instance.endpoints["Chart"].enable
        assert not instance.endpoints["Registry"].enable

    def test_one_on_its_way_is_waited_for(
        self, cr: OpenApi, simulator: Simulator, simulated: SimulatedEndpoint
    ) -> None:
        endpoint(cr, wait=NO_WAIT).switch(True)
        assert simulated.status == "CREATING"
        with pytest.raises(ApiError) as caught:
            endpoint(cr, wait=NO_WAIT).switch(False)
        assert caught.value.code == "acr_state"
        assert not endpoint(cr).switch(True).changed
        assert simulated.status == "RUNNING"
        endpoint(cr, wait=NO_WAIT).switch(False)
        assert endpoint(cr).switch(True).changed
        assert (simulated.enable, simulated.status) == (True, "RUNNING")

    def test_check_mode(self, cr: OpenApi, simulator: Simulator) -> None:
        assert endpoint(cr, check_mode=True).switch(True).changed
        assert not endpoint(cr, check_mode=True).switch(False).changed
        assert simulator.actions(writes=True) == []

    def test_the_vendor_may_fail(self, cr: OpenApi, running: SimulatedEndpoint) -> None:
        running.status = "CREATE_FAILED"
        with pytest.raises(ApiError, match="its state is CREATE_FAILED"):
            endpoint(cr).switch(True)


class TestWhiteList:
    def test_entries_are_added_once(self, cr: OpenApi, simulator: Simulator, running: SimulatedEndpoint) -> None:
        change = have(endpoint(cr), OFFICE, HOME)
        assert change.after == (
            AclEntry(DEFAULT_ENTRY, "default"),
            AclEntry("192.0.2.0/24", "office"),
            AclEntry("203.0.113.7/32", "home"),
        )
        assert not have(endpoint(cr), OFFICE, HOME).changed
        assert not have(endpoint(cr), OFFICE, purge=False).changed
        assert simulator.actions(writes=True) == ["CreateInstanceEndpointAclPolicy"] * 2

    def test_nothing_is_written_while_the_endpoint_is_made(
        self, cr: OpenApi, simulator: Simulator, simulated: SimulatedEndpoint
    ) -> None:
        endpoint(cr, wait=NO_WAIT).switch(True)
        with pytest.raises(ApiError) as caught:
            have(endpoint(cr, wait=NO_WAIT), OFFICE)
        assert caught.value.code == "acr_state"
        assert have(endpoint(cr), OFFICE).changed
        assert "192.0.2.0/24" in entries(simulated)

    def test_purging_leaves_the_default_entry(self, cr: OpenApi, running: SimulatedEndpoint) -> None:
        have(endpoint(cr), OFFICE, HOME)
        assert have(endpoint(cr), HOME, purge=True).changed
        assert entries(running) == {DEFAULT_ENTRY: "default", "203.0.113.7/32": "home"}
        assert have(endpoint(cr), purge=True).changed
        assert entries(running) == {DEFAULT_ENTRY: "default"}

    def test_it_adds_before_it_removes(self, cr: OpenApi, simulator: Simulator, running: SimulatedEndpoint) -> None:
        running.entries = [SimulatedEntry("192.0.2.0/24", "office")]
        have(endpoint(cr), HOME, purge=True)
        assert entries(running) == {"203.0.113.7/32": "home"}
        order = simulator.actions()
        shown = [call.action for call in simulator.calls if "203.0.113.7/32" in str(call.answer)]
        assert order.index("DeleteInstanceEndpointAclPolicy") > order.index("CreateInstanceEndpointAclPolicy")
        assert shown
        deletion = next(n for n, call in enumerate(simulator.calls) if call.action == "DeleteInstanceEndpointAclPolicy")
        assert "203.0.113.7/32" in str(simulator.calls[deletion - 1].answer)

    @pytest.mark.parametrize("others", [[], [("198.51.100.0/24", "other")]])
    def test_a_comment_is_changed_without_opening_up(
        self, cr: OpenApi, running: SimulatedEndpoint, others: list[tuple[str, str]]
    ) -> None:
        running.entries = [SimulatedEntry(*each) for each in [OFFICE, *others]]
        change = have(endpoint(cr), ("192.0.2.0/24", "headquarters"))
        assert change.changed
        assert entries(running) == {"192.0.2.0/24": "headquarters", **dict(others)}
        assert not have(endpoint(cr), ("192.0.2.0/24", None)).changed

    def test_it_is_never_emptied_by_accident(
        self, cr: OpenApi, simulator: Simulator, running: SimulatedEndpoint
    ) -> None:
        running.entries = [SimulatedEntry(*OFFICE)]
        for check_mode in (True, False):
            one = endpoint(cr, check_mode=check_mode)
            with pytest.raises(ApiError, match="lets the whole world in"):
                have(one, purge=True)
            with pytest.raises(ApiError, match="lets the whole world in"):
                lack(one, OFFICE)
        assert simulator.actions(writes=True) == []

    def test_it_is_emptied_when_that_is_asked_for(
        self, cr: OpenApi, simulator: Simulator, running: SimulatedEndpoint
    ) -> None:
        have(endpoint(cr), OFFICE)
        change = have(endpoint(cr), purge=True, allow_unrestricted=True)
        assert change.after == ()
        assert running.entries == []
        assert endpoint(cr).read().is_unrestricted
        assert not have(endpoint(cr), purge=True, allow_unrestricted=True).changed
        assert have(endpoint(cr), OFFICE).changed
        assert simulator.world.exposed
        simulator.world.exposed.clear()

    def test_the_two_halves_of_all_addresses_are_the_whole_world(
        self, cr: OpenApi, simulator: Simulator, running: SimulatedEndpoint
    ) -> None:
        halves = (("0.0.0.0/1", None), ("128.0.0.0/1", None))
        for check_mode in (True, False):
            with pytest.raises(ApiError, match="lets the whole world in"):
                have(endpoint(cr, check_mode=check_mode), *halves)
        assert simulator.actions(writes=True) == []
        have(endpoint(cr), *halves, allow_unrestricted=True)
        assert endpoint(cr).read().is_unrestricted
        assert not have(endpoint(cr), *halves).changed

    def test_a_default_entry_that_the_api_does_not_let_go(
        self, cr: OpenApi, simulator: Simulator, running: SimulatedEndpoint
    ) -> None:
        simulator.world.default_entry_stays = True
        with pytest.raises(ApiError, match="delete it in the console") as caught:
            have(endpoint(cr), purge=True, allow_unrestricted=True)
        assert "lets no other machine in" in caught.value.hint

    def test_removing_some(self, cr: OpenApi, running: SimulatedEndpoint) -> None:
        have(endpoint(cr), OFFICE, HOME)
        assert lack(endpoint(cr), OFFICE, ("198.51.100.1", None)).changed
        assert entries(running) == {DEFAULT_ENTRY: "default", "203.0.113.7/32": "home"}
        assert not lack(endpoint(cr), OFFICE).changed

    def test_an_endpoint_that_is_off(self, cr: OpenApi, simulator: Simulator, simulated: SimulatedEndpoint) -> None:
        with pytest.raises(ApiError, match=r"turn it on with imageops\.registry\.acr_endpoint"):
            have(endpoint(cr), OFFICE)
        one = AllowList(endpoint(cr, check_mode=True))
        wanted = wanted_entries([OFFICE])
        change = one.change(
            lambda present: steps_to_have(present, wanted, purge=True, open_up=False), allow_unrestricted=False
        )
        assert one.assumed
        assert change.after == (AclEntry(DEFAULT_ENTRY, "default"), AclEntry("192.0.2.0/24", "office"))
        for check_mode in (True, False):
            assert not lack(endpoint(cr, check_mode=check_mode), OFFICE).changed
            assert not have(endpoint(cr, check_mode=check_mode), purge=True).changed
        assert simulator.actions(writes=True) == []

    def test_a_busy_load_balancer(self, cr: OpenApi, simulator: Simulator, running: SimulatedEndpoint) -> None:
        simulator.faults.add("CreateInstanceEndpointAclPolicy", Kind.SLB_BUSY, times=12)
        assert have(endpoint(cr), OFFICE).changed
        assert simulator.received["CreateInstanceEndpointAclPolicy"] == 13

    def test_lost_answers(self, cr: OpenApi, simulator: Simulator, running: SimulatedEndpoint) -> None:
        simulator.world.looks.entry_shows = simulator.world.looks.entry_goes = 0
        simulator.faults.add("CreateInstanceEndpointAclPolicy", Kind.CUT_AFTER)
        have(endpoint(cr), OFFICE)
        simulator.faults.add("DeleteInstanceEndpointAclPolicy", Kind.CUT_AFTER)
        lack(endpoint(cr), OFFICE)
        assert entries(running) == {DEFAULT_ENTRY: "default"}

    def test_one_that_never_shows(self, cr: OpenApi, simulator: Simulator, running: SimulatedEndpoint) -> None:
        simulator.world.looks.entry_shows = 10**6
        brief = replace(SHORT_WAIT, timeout=0.0)
        with pytest.raises(ApiError, match=r"192\.0\.2\.0/24 does not show") as caught:
            have(endpoint(cr, wait=brief), OFFICE)
        assert caught.value.code == "acr_wait_timeout"
