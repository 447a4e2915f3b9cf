# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins against the simulator: whose registry it is, fixed passwords, temporary logins and their renewal."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.errors import ApiError
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.service import ServerAccess
from ansible_collections.imageops.registry.plugins.module_utils._acr.registry.logins import (
    LoginPassword,
    TemporaryLogins,
    temporary_login,
)
from ansible_collections.imageops.registry.plugins.module_utils._acr.registry.registry_probe import RegistryProbe
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run, Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError, InputError
from ansible_collections.imageops.registry.tests.acr_simulator.clients import (
    QUICK,
    RAM,
    SHORT_WAIT,
    access_key,
    connect,
)
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.registry import RegistryFace
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import AclEntry, Instance, Key

PASSWORD = "correct7horse"
ID = "cri-acme0123456789"


@pytest.fixture
def face(simulator: Simulator, instance: Instance) -> RegistryFace:
    return simulator.front(instance.instance_id)


@pytest.fixture
def host(face: RegistryFace, instance: Instance) -> str:
    return instance.endpoints["Registry"].domains[0][0]


@pytest.fixture
def front(simulator: Simulator, host: str) -> Iterator[RegistryProbe]:
    with open_front(simulator, host) as opened:
        yield opened


def open_front(simulator: Simulator, host: str, settings: Settings = QUICK) -> RegistryProbe:
    return RegistryProbe(
        host,
        access=ServerAccess(ca_path=str(simulator.identity.certificate_path)),
        run=Run(settings=settings),
    )


def fixed(cr: OpenApi, front: RegistryProbe, *, check_mode: bool = False, **changes: float) -> LoginPassword:
    return LoginPassword(cr, ID, front, wait=replace(SHORT_WAIT, **changes), check_mode=check_mode)


class TestFront:
    def test_the_challenge_tells_the_instance(self, front: RegistryProbe) -> None:
        found = front.identify()
        assert (found.instance_id, found.region) == (ID, "cn-shanghai")

    def test_a_registry_of_another_kind(self, simulator: Simulator, face: RegistryFace, host: str) -> None:
        face.service = "registry.docker.io"
        with open_front(simulator, host) as front, pytest.raises(ImageOpsError) as caught:
            front.identify()
        assert caught.value.code == "unsupported"

    def test_an_untrusted_certificate(self, host: str) -> None:
        stranger = RegistryProbe(host, access=ServerAccess(), run=Run(settings=QUICK))
        with stranger, pytest.raises(ApiError) as caught:
            stranger.identify()
        assert caught.value.code == "tls_untrusted"
        assert "ca_path" in caught.value.hint

    def test_not_on_the_white_list(
        self, simulator: Simulator, face: RegistryFace, host: str, instance: Instance
    ) -> None:
        face.enforce = True
        endpoint = instance.endpoints["Registry"]
        endpoint.enable, endpoint.status, endpoint.entries = True, "RUNNING", [AclEntry("127.0.0.1/32", "default")]
        with open_front(simulator, host, Settings(timeout=0.3, retry=RetryPolicy(attempts=5))) as front:
            with pytest.raises(ApiError) as caught:
                front.identify()
            assert caught.value.code == "timeout"
            assert "imageops.registry.acr_endpoint_acl" in caught.value.hint
            endpoint.entries.append(AclEntry("203.0.113.0/24", "this machine"))
            assert front.identify().instance_id == ID

    def test_nobody_there(self, simulator: Simulator, host: str) -> None:
        simulator.close()
        with open_front(simulator, host) as front, pytest.raises(ApiError) as caught:
            front.identify()
        assert caught.value.code == "connection_failed"
        assert "imageops.registry.acr_endpoint" in caught.value.hint


class TestFixedPassword:
    def test_is_set_when_it_is_refused(
        self, cr: OpenApi, front: RegistryProbe, simulator: Simulator, face: RegistryFace, instance: Instance
    ) -> None:
        assert fixed(cr, front).ensure("acme", PASSWORD)
        assert instance.passwords == {"acme": PASSWORD}
        assert not fixed(cr, front).ensure("acme", PASSWORD)
        assert fixed(cr, front).ensure("acme", PASSWORD + "!")
        assert simulator.received["ResetLoginPassword"] == 2

    def test_of_a_ram_user(self, simulator: Simulator, front: RegistryProbe, instance: Instance) -> None:
        key = user_that_may_do_all(simulator, "pusher")
        with connect(simulator, key=access_key(key)) as api:
            assert fixed(api, front).ensure("pusher@acme", PASSWORD)
            assert not fixed(api, front).ensure("pusher@acme", PASSWORD)

    def test_check_mode(self, cr: OpenApi, front: RegistryProbe, simulator: Simulator) -> None:
        assert fixed(cr, front, check_mode=True).ensure("acme", PASSWORD)
        assert simulator.calls == []

    @pytest.mark.parametrize("status", [403, 429, 500, 503, 302, 200])
    def test_only_a_401_is_a_no(
        self, cr: OpenApi, front: RegistryProbe, simulator: Simulator, face: RegistryFace, status: int
    ) -> None:
        face.token_status = status
        with pytest.raises(ApiError):
            fixed(cr, front).ensure("acme", PASSWORD)
        assert simulator.calls == []

    def test_a_white_list_is_no_reason_to_set_it(
        self, cr: OpenApi, simulator: Simulator, face: RegistryFace, host: str
    ) -> None:
        face.enforce = True
        with open_front(simulator, host, Settings(timeout=0.3)) as front, pytest.raises(ApiError) as caught:
            fixed(cr, front).ensure("acme", PASSWORD)
        assert caught.value.code == "timeout"
        assert simulator.calls == []

    def test_another_instances_registry(self, cr: OpenApi, front: RegistryProbe, simulator: Simulator) -> None:
        other = LoginPassword(cr, "cri-other", front, wait=SHORT_WAIT, check_mode=False)
        with pytest.raises(ImageOpsError, match=f"it is the registry of {ID}, not of cri-other"):
            other.ensure("acme", PASSWORD)
        assert simulator.calls == []

    def test_another_identitys_login_name(self, cr: OpenApi, front: RegistryProbe) -> None:
        with pytest.raises(ApiError) as caught:
            fixed(cr, front, timeout=0.0).ensure("somebody@acme", PASSWORD)
        assert caught.value.code == "acr_wait_timeout"
        assert "is somebody@acme its login name" in caught.value.hint
        assert PASSWORD not in str(caught.value)

    @pytest.mark.parametrize("password", ["short7", "a" * 33 + "7", "onlyletters", "12345678", "!!!!!!!!"])
    def test_what_the_vendor_would_not_take(
        self, cr: OpenApi, front: RegistryProbe, simulator: Simulator, face: RegistryFace, password: str
    ) -> None:
        with pytest.raises(InputError) as caught:
            fixed(cr, front).ensure("acme", password)
        assert password not in str(caught.value)
        assert face.logins == 0


class TestTemporaryLogin:
    def test_is_a_login(self, cr: OpenApi, front: RegistryProbe, simulator: Simulator, instance: Instance) -> None:
        login = temporary_login(cr, ID)
        assert front.accepts(login.username, login.password)
        assert login.expires_at == pytest.approx(simulator.world.now() + 3600, abs=60)
        assert login.password not in repr(login)
        simulator.world.advance(3601)
        assert not front.accepts(login.username, login.password)

    def test_hours_are_sent_only_when_asked_for(self, cr: OpenApi, simulator: Simulator, instance: Instance) -> None:
        temporary_login(cr, ID)
        assert "ExpiresInHours" not in simulator.calls[-1].parameters
        temporary_login(cr, ID, hours=24)
        assert simulator.calls[-1].parameters["ExpiresInHours"] == "24"
        for hours in (0, 25):
            with pytest.raises(InputError):
                temporary_login(cr, ID, hours=hours)


class TestRenewal:
    @pytest.fixture
    def logins(self, cr: OpenApi, simulator: Simulator, instance: Instance) -> TemporaryLogins:
        return TemporaryLogins(cr, ID, "acme.example", on_secret=self.told.append, now=simulator.world.now)

    @pytest.fixture(autouse=True)
    def _told(self) -> None:
        self.told: list[str] = []

    def test_one_is_used_until_it_nears_its_end(self, logins: TemporaryLogins, simulator: Simulator) -> None:
        first = logins.get("acme.example", "team/nginx")
        assert first is not None
        simulator.world.advance(3600 - 601)
        assert logins.get("acme.example", "team/redis") is first
        simulator.world.advance(2)
        second = logins.get("acme.example", "team/nginx")
        assert second is not None
        assert second.password != first.password
        assert simulator.received["GetAuthorizationToken"] == 2
        assert {first.password, second.password} <= set(self.told)

    def test_it_tells_when_to_ask_again(self, logins: TemporaryLogins, simulator: Simulator) -> None:
        found = logins.get("acme.example", "team/nginx")
        assert found is not None
        assert found.expires_at == pytest.approx(simulator.world.now() + 3000, abs=60)

    def test_other_registries_are_not_its_business(self, logins: TemporaryLogins, simulator: Simulator) -> None:
        assert logins.get("other.example", "team/nginx") is None
        assert simulator.calls == []

    def test_of_many_one_fetches(self, logins: TemporaryLogins, simulator: Simulator) -> None:
        with ThreadPoolExecutor(16) as pool:
            found = set(pool.map(lambda number: logins.get("acme.example", f"team/{number}"), range(64)))
        assert len(found) == 1
        assert simulator.received["GetAuthorizationToken"] == 1

    def test_a_passing_failure_is_bridged_by_the_last(self, logins: TemporaryLogins, simulator: Simulator) -> None:
        first = logins.get("acme.example", "a/b")
        simulator.world.advance(3100)
        simulator.faults.add("GetAuthorizationToken", Kind.UNAVAILABLE, times=QUICK.retry.attempts)
        bridged = logins.get("acme.example", "a/b")
        assert (first and first.password) == (bridged and bridged.password)
        assert logins.get("acme.example", "a/b") is bridged
        simulator.world.advance(31)
        renewed = logins.get("acme.example", "a/b")
        assert (renewed and renewed.password) != (first and first.password)

    def test_when_the_last_has_ended_the_failure_is_told(self, logins: TemporaryLogins, simulator: Simulator) -> None:
        logins.get("acme.example", "a/b")
        simulator.world.advance(3550)
        simulator.faults.add("GetAuthorizationToken", Kind.UNAVAILABLE, times=QUICK.retry.attempts)
        with pytest.raises(ApiError) as caught:
            logins.get("acme.example", "a/b")
        assert caught.value.code == "server_error"

    def test_a_right_that_was_taken_away_is_told_at_once(self, simulator: Simulator, instance: Instance) -> None:
        key = user_that_may_do_all(simulator, "pusher")
        with connect(simulator, key=access_key(key)) as api:
            logins = TemporaryLogins(api, ID, "acme.example", on_secret=self.told.append, now=simulator.world.now)
            logins.get("acme.example", "a/b")
            simulator.world.users["pusher"].attached.clear()
            simulator.world.advance(3100)
            with pytest.raises(ApiError) as caught:
                logins.get("acme.example", "a/b")
        assert caught.value.code == "acr_forbidden"


def user_that_may_do_all(simulator: Simulator, name: str) -> Key:
    with connect(simulator, RAM) as ram:
        ram.call("CreateUser", {"UserName": name}, action="create", subject=name)
    simulator.world.users[name].attached.append(("System", "AliyunContainerRegistryFullAccess"))
    return simulator.world.add_key(name)
