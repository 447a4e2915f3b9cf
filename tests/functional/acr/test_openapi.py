# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generic client against the simulator: signatures, both forms of errors, faults and what is repeated."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import PER_SECOND, OpenApi
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.errors import ApiError
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.signature import AccessKey
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import RetryPolicy
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.tests.acr_simulator.clients import CR, QUICK, RAM, access_key, connect
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance


def get_instance(api: OpenApi, instance_id: str = "cri-acme0123456789", **options: Any) -> Any:
    return api.call("GetInstance", {"InstanceId": instance_id}, action="read the instance", subject="x", **options)


def test_reads_an_answer(cr: OpenApi, instance: Instance) -> None:
    assert get_instance(cr)["InstanceName"] == "acme"


def test_nothing_stands_in_the_url(cr: OpenApi, instance: Instance, simulator: Simulator) -> None:
    password = "p&=?ä 9~*'()"
    reset = {"InstanceId": instance.instance_id, "Password": password}
    cr.call("ResetLoginPassword", reset, action="set the password of", subject="x")
    assert simulator.calls[-1].parameters["Password"] == password
    assert simulator.targets == ["/"]


def test_a_temporary_key_is_signed_with_its_token(simulator: Simulator, instance: Instance) -> None:
    key = simulator.world.add_key(security_token="sts/+=token")
    with connect(simulator, key=access_key(key)) as api:
        assert get_instance(api)


@pytest.mark.parametrize(
    "kind",
    [Kind.THROTTLED, Kind.REJECTED, Kind.UNAVAILABLE, Kind.SYSTEM_ERROR, Kind.HTML, Kind.CUT_BEFORE, Kind.CUT_AFTER],
)
def test_passing_faults_are_tried_again(cr: OpenApi, simulator: Simulator, instance: Instance, kind: Kind) -> None:
    simulator.faults.add("GetInstance", kind, times=2)
    assert get_instance(cr)["InstanceName"] == "acme"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Kind.THROTTLED, "rate_limited"),
        (Kind.REJECTED, "rate_limited"),
        (Kind.UNAVAILABLE, "server_error"),
        (Kind.HTML, "server_error"),
        (Kind.CUT_BEFORE, "connection_failed"),
    ],
)
def test_what_does_not_pass_fails_at_last(
    cr: OpenApi, simulator: Simulator, instance: Instance, kind: Kind, code: str
) -> None:
    simulator.faults.add("GetInstance", kind, times=100)
    with pytest.raises(ApiError) as caught:
        get_instance(cr)
    assert (caught.value.code, caught.value.transient) == (code, True)
    assert simulator.received["GetInstance"] == QUICK.retry.attempts


def test_it_stays_below_what_the_vendor_takes_in_a_second(simulator: Simulator, instance: Instance) -> None:
    simulator.most_a_second = 15
    with connect(simulator, per_second=PER_SECOND) as api, ThreadPoolExecutor(18) as pool:
        list(pool.map(lambda _: get_instance(api), range(18)))
    assert [call.status for call in simulator.calls] == [200] * 18


def test_too_many_calls_are_throttled_and_made_again(simulator: Simulator, instance: Instance) -> None:
    simulator.most_a_second = 3
    with connect(
        simulator, settings=Settings(timeout=5.0, retry=RetryPolicy(attempts=200, backoff=0.05, backoff_cap=0.05))
    ) as api:
        assert [get_instance(api)["InstanceName"] for _ in range(4)] == ["acme"] * 4
    assert {call.answer.get("Code") for call in simulator.calls} == {"success", "Throttling.User"}


def test_a_stall_ends_with_the_time_out(simulator: Simulator, instance: Instance) -> None:
    simulator.faults.add("GetInstance", Kind.STALL)
    with (
        connect(simulator, settings=Settings(timeout=0.3, retry=RetryPolicy(attempts=1))) as api,
        pytest.raises(ApiError) as caught,
    ):
        get_instance(api)
    assert caught.value.code == "timeout"


def test_what_may_be_done_already_is_not_repeated_when_that_matters(ram: OpenApi, simulator: Simulator) -> None:
    ram.call("CreateUser", {"UserName": "pusher"}, action="create", subject="pusher")
    simulator.faults.add("CreateAccessKey", Kind.THROTTLED)
    simulator.faults.add("CreateAccessKey", Kind.CUT_AFTER)
    with pytest.raises(ApiError):
        ram.call("CreateAccessKey", {"UserName": "pusher"}, action="create", subject="pusher", once=True)
    assert simulator.received["CreateAccessKey"] == 2
    assert len([key for key in simulator.world.keys.values() if key.user == "pusher"]) == 1


@pytest.mark.parametrize("forms", ["http", "body"])
def test_both_forms_of_errors_say_the_same(cr: OpenApi, simulator: Simulator, instance: Instance, forms: str) -> None:
    simulator.forms = forms
    with pytest.raises(ApiError) as caught:
        get_instance(cr, "cri-nobody")
    error = caught.value
    assert (error.code, error.api_code, error.transient) == ("acr_not_found", "INSTANCE_NOT_EXIST", False)
    assert error.request_id
    assert error.status == (200 if forms == "body" else 404)
    assert str(error).startswith(
        "cannot read the instance x: there is no such instance in this region: INSTANCE_NOT_EXIST"
    )


def test_a_missing_right_is_named(simulator: Simulator, instance: Instance, ram: OpenApi) -> None:
    ram.call("CreateUser", {"UserName": "pusher"}, action="create", subject="pusher")
    key = simulator.world.add_key("pusher")
    with connect(simulator, key=access_key(key)) as api, pytest.raises(ApiError) as caught:
        get_instance(api)
    assert caught.value.code == "acr_forbidden"
    assert "give pusher the right cr:GetInstance" in caught.value.hint


@pytest.mark.parametrize(
    ("key_id", "secret", "token"), [(None, "wrong", ""), ("LTAInobody", None, ""), (None, None, "stray")]
)
def test_a_wrong_key(
    simulator: Simulator, instance: Instance, key_id: str | None, secret: str | None, token: str
) -> None:
    real = simulator.world.add_key()
    key = AccessKey(key_id or real.key_id, secret or real.secret, token)
    with connect(simulator, key=key) as api, pytest.raises(ApiError) as caught:
        get_instance(api)
    assert caught.value.code == "bad_credentials"
    assert simulator.received["GetInstance"] == 1


def test_a_wrong_clock(simulator: Simulator, instance: Instance) -> None:
    simulator.world.advance(3600)
    with connect(simulator, now=time.time) as api, pytest.raises(ApiError) as caught:
        get_instance(api)
    assert caught.value.code == "acr_clock"


@pytest.mark.parametrize(("version", "call"), [(CR, "GetTeapot"), (RAM, "GetInstance"), ("2014-01-01", "GetInstance")])
def test_an_unknown_call(simulator: Simulator, version: str, call: str) -> None:
    with connect(simulator, version) as api, pytest.raises(ApiError) as caught:
        api.call(call, {}, action="make", subject="tea")
    assert caught.value.code == "protocol_error"


def test_nobody_there(simulator: Simulator) -> None:
    url = simulator.url
    simulator.close()
    with connect(simulator, url=url) as api, pytest.raises(ApiError) as caught:
        get_instance(api)
    assert (caught.value.code, caught.value.transient) == ("connection_failed", True)
    assert url.removeprefix("http://") in caught.value.cause


def test_stop_ends_the_retries(simulator: Simulator, instance: Instance) -> None:
    stop = threading.Event()
    simulator.faults.add("GetInstance", Kind.UNAVAILABLE, times=100)
    patient = Settings(timeout=5.0, retry=RetryPolicy(attempts=100, backoff=3600.0, backoff_cap=3600.0))
    with connect(simulator, settings=patient, stop=stop) as api:
        threading.Thread(target=lambda: simulator.answered.wait(20) and stop.set(), daemon=True).start()
        with pytest.raises(ImageOpsError) as caught:
            get_instance(api)
    assert caught.value.code == "interrupted"
