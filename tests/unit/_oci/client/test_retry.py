# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try again, and how long to wait."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.health import (
    FAILURES,
    FIRST_SILENCES,
    SILENCES,
    Health,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.limits import Pace
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.quirks import CHUNK, SMALLEST_CHUNK, Quirks
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.retry import (
    RetryBudget,
    RetryPolicy,
    is_retried,
    parse_retry_after,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.client.run import Run, Settings
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.faults import Fault
from hypothesis import given
from hypothesis import strategies as st

NOW = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT
WHAT = {"action": "read", "subject": "x"}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("21600", 21600.0),
        ("99999999999999999999", 1e12),
        ("Sun, 06 Nov 1994 08:49:57 GMT", 20.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("9" * 100, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=70))
def test_retry_after_raises_nothing(value: str) -> None:
    found = parse_retry_after(value, NOW)
    assert found is None or found >= 0


def test_what_is_tried_again() -> None:
    assert [status for status in range(200, 600) if is_retried(status)] == [
        408,
        429,
        500,
        *range(502, 505),
        506,
        *range(508, 600),
    ]


def test_the_budget_grows_with_what_succeeds() -> None:
    budget = RetryBudget(base=2, share=0.5)
    budget.spend(**WHAT)
    budget.spend(**WHAT)
    with pytest.raises(RegistryError) as caught:
        budget.spend(**WHAT)
    assert (caught.value.code, caught.value.transient) == ("retry_budget", False)
    budget.first("read", "a")
    budget.first("read", "b")
    budget.first("read", "b")
    budget.spend(**WHAT)
    with pytest.raises(RegistryError):
        budget.spend(**WHAT)


def test_what_failed_is_a_retry_in_a_later_round() -> None:
    budget = RetryBudget(base=3, share=0)

    def fail(code: str, *, transient: bool) -> None:
        with pytest.raises(RegistryError), budget.trying("send", "a", requests=2, **WHAT):
            raise RegistryError(code=code, cause="it is so", transient=transient, **WHAT)

    fail("registry_down", transient=True)  # nothing was sent
    fail("push_denied", transient=False)
    fail("server_error", transient=True)
    with budget.trying("send", "b", requests=2, **WHAT):
        assert not budget.is_spent
    with budget.trying("send", "a", requests=2, **WHAT):
        assert not budget.is_spent
    with pytest.raises(RegistryError) as caught, budget.trying("send", "a", requests=2, **WHAT):
        pytest.fail("it had three requests and two were spent")
    assert caught.value.code == "retry_budget"
    budget.spend(**WHAT)
    assert budget.is_spent


def test_a_long_wait_fails_at_once_and_for_everyone() -> None:
    pace = Pace("a.example.com", Run(), None)
    with pytest.raises(RegistryError) as caught:
        pace.asked(6 * 3600, **WHAT)
    assert (caught.value.code, caught.value.transient) == ("rate_limited", False)
    assert "UTC" in str(caught.value)
    with pytest.raises(RegistryError, match="asks to wait until"):
        pace.before_request(action="write", subject="y")


def test_every_wait_ends_with_the_run() -> None:
    stop = threading.Event()
    run = Run(settings=Settings(retry=RetryPolicy(backoff=1000, backoff_cap=1000)), stop=stop)
    pace = Pace("a.example.com", run, 0.001)
    pace.before_request(**WHAT)
    pace.asked(500, **WHAT)
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(RegistryError) as caught:
        pace.before_request(**WHAT)
    assert caught.value.code == "interrupted"
    with pytest.raises(RegistryError):
        run.back_off(3, **WHAT)


def fail(health: Health, fault: Fault) -> None:
    with pytest.raises(Fault) as caught, health.watch():
        raise fault
    assert caught.value is fault


def refused() -> Fault:
    return Fault("connection_failed", "connection refused", connecting=True)


def test_a_registry_is_down_after_five_failures_in_a_row() -> None:
    health = Health()
    for _ in range(FAILURES - 1):
        fail(health, refused())
    with health.watch():
        pass
    for _ in range(FAILURES):
        fail(health, refused())
    with pytest.raises(Fault) as caught, health.watch():
        pytest.fail("must not be tried")
    assert caught.value.code == "registry_down"
    assert "connection refused" in caught.value.cause


def answering() -> Health:
    """Of a registry that has answered once."""
    health = Health()
    with health.watch():
        pass
    return health


@pytest.mark.parametrize("connecting", [False, True])
def test_a_registry_that_never_answered_is_down_after_two_time_outs(connecting: bool) -> None:
    health = Health()
    for _ in range(FIRST_SILENCES):
        fail(health, Fault("timeout", "no answer", connecting=connecting))
    with pytest.raises(Fault) as caught, health.watch():
        pytest.fail("must not be tried")
    assert caught.value.code == "registry_down"


def test_a_registry_is_down_after_twenty_time_outs_without_an_answer() -> None:
    health = answering()
    for times in (SILENCES - 1, SILENCES):
        for _ in range(times):
            fail(health, Fault("timeout", "no answer"))
        if times < SILENCES:
            with health.watch():
                pass
    with pytest.raises(Fault) as caught, health.watch():
        pytest.fail("must not be tried")
    assert caught.value.code == "registry_down"


def test_what_is_wrong_with_its_certificate_stays_the_reason() -> None:
    health = Health()
    for _ in range(FAILURES):
        fail(health, Fault("tls_untrusted", "unknown authority", connecting=True, transient=False))
    with pytest.raises(Fault) as caught, health.watch():
        pytest.fail("must not be tried")
    assert (caught.value.code, caught.value.transient) == ("tls_untrusted", False)


@pytest.mark.parametrize(
    "fault", [Fault("timeout", "no answer"), Fault("x", "elsewhere", connecting=True, foreign=True)]
)
def test_other_failures_do_not_count(fault: Fault) -> None:
    health = answering()
    for _ in range(2 * FAILURES):
        fail(health, fault)
    with health.watch():
        pass


def test_one_request_probes_while_the_others_wait() -> None:
    health = Health()
    for _ in range(FAILURES):
        fail(health, refused())
    health.begin_round()
    probing, go_on = threading.Event(), threading.Event()
    outcomes: list[str] = []

    def probe() -> None:
        with health.watch():
            probing.set()
            go_on.wait(10)
            outcomes.append("probe")

    def other() -> None:
        probing.wait(10)
        with health.watch():
            outcomes.append("other")

    threads = [threading.Thread(target=target) for target in (probe, other, other)]
    for thread in threads:
        thread.start()
    probing.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert outcomes == ["probe", "other", "other"]


def test_a_failed_probe_leaves_it_down() -> None:
    health = Health()
    for _ in range(FAILURES):
        fail(health, refused())
    health.begin_round()
    fail(health, refused())
    with pytest.raises(Fault, match="in a row"), health.watch():
        pytest.fail("must not be tried")


def test_chunks_get_smaller_until_it_is_no_use() -> None:
    quirks = Quirks()
    assert quirks.body_refused(500_000_000)
    assert quirks.largest_body == CHUNK
    assert quirks.body_refused(200_000_000)  # another thread's, sent before this was known
    assert quirks.largest_body == CHUNK
    sizes = []
    while quirks.body_refused(quirks.largest_body or 0):
        sizes.append(quirks.largest_body)
    assert sizes == [2_500_000, 625_000, SMALLEST_CHUNK]


@pytest.mark.parametrize("size", [1_100_000, 1_900_000, 4_300_000, 6_000_000, 9_000_000, 10**9])
def test_chunks_of_any_blob_get_through_nginx_as_it_comes(size: int) -> None:
    quirks = Quirks()
    while (quirks.largest_body or size) > 2**20:
        assert quirks.body_refused(quirks.largest_body or size)
    assert (quirks.largest_body or size) >= SMALLEST_CHUNK


def test_a_refused_mount_is_remembered_by_project() -> None:
    quirks = Quirks()
    quirks.mount_refused("theirs/a", "ours/b")
    assert not quirks.may_mount("theirs/x", "ours/y")
    assert quirks.may_mount("ours/x", "ours/y")
    quirks.mount_refused("ours/b", "ours/b")
    assert not quirks.may_mount("theirs/z", "theirs/z")
