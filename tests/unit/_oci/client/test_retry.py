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
        ("99999999999999999999", None),
        ("99999999", None),
        ("Sun, 06 Nov 1994 08:49:57 -0000", 20.0),
        ("Sun, 06 Nov 2083 08:49:57 GMT", None),
        ("1994-11-06T08:49:57Z", 20.0),
        ("1994-11-06T09:49:57+01:00", 20.0),
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


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1764403200", 20.0),
        ("1764403200000", 20.0),
        ("1764403100", 0.0),
        ("1764406780", 3600.0),
        ("1864403200", None),
        ("9999999999", None),
    ],
)
def test_retry_after_as_a_unix_time(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, 1764403180.0) == seconds


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


def passing(cause: str = "it is so", code: str = "server_error", *, transient: bool = True) -> RegistryError:
    return RegistryError(code=code, cause=cause, hint="do this", transient=transient, **WHAT)


def test_the_budget_grows_with_what_succeeds() -> None:
    budget = RetryBudget(base=2, share=0.5)
    budget.spend(passing())
    budget.spend(passing())
    with pytest.raises(RegistryError):
        budget.spend(passing())
    budget.first("read", "a")
    budget.first("read", "b")
    budget.first("read", "b")
    budget.spend(passing())
    with pytest.raises(RegistryError):
        budget.spend(passing())


def test_what_went_well_counts_once() -> None:
    budget = RetryBudget(base=0, share=0.5)
    budget.first("request", "a")
    budget.passed("request", "a")  # it had failed
    budget.passed("request", "b")
    budget.passed("request", "b")  # in a later round
    budget.spend(passing())
    with pytest.raises(RegistryError):
        budget.spend(passing())


def test_what_is_given_up_keeps_its_reason() -> None:
    budget = RetryBudget(base=1, share=0)
    budget.spend(passing())
    with pytest.raises(RegistryError) as caught:
        budget.spend(passing("the disk is full"))
    error = caught.value
    assert (error.code, error.hint, error.transient) == ("server_error", "do this", False)
    assert error.codes == ("server_error", "retry_budget")
    assert error.cause == "the disk is full; given up after 1 of this run's retries"
    error.give_up(7)
    assert "7" not in error.cause


def test_what_failed_is_a_retry_in_a_later_round() -> None:
    budget = RetryBudget(base=3, share=0)

    def attempt(what: str, error: RegistryError | None = None) -> None:
        def work() -> None:
            if error is not None:
                raise error

        budget.attempt(("send", what), work, requests=2, **WHAT)

    for error in (
        passing(code="registry_down"),  # nothing was sent
        passing(code="push_denied", transient=False),
        passing("the last one"),
    ):
        with pytest.raises(RegistryError):
            attempt("a", error)
    attempt("b")
    assert not budget.is_spent
    attempt("a")
    assert not budget.is_spent
    with pytest.raises(RegistryError) as caught:
        attempt("a")  # it had three requests and two were spent
    assert caught.value.codes == ("server_error", "retry_budget")
    assert "the last one" in caught.value.cause
    budget.spend(passing())
    assert budget.is_spent


def test_what_had_worked_is_done_again_within_the_budget_only() -> None:
    budget = RetryBudget(base=1, share=0)
    budget.first("write", "a")
    assert budget.attempt(("write", "a"), lambda: 1, ever=True, **WHAT) == 1
    with pytest.raises(RegistryError) as caught:
        budget.attempt(("write", "a"), lambda: 1, ever=True, **WHAT)
    assert caught.value.codes == ("retry_budget",)
    assert "other errors" not in caught.value.hint


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


def must_not_be_tried() -> None:
    pytest.fail("must not be tried")


def fail(health: Health, fault: Fault) -> None:
    def send() -> None:
        raise fault

    with pytest.raises(Fault) as caught:
        health.exchange(send)
    assert caught.value is fault


def refused() -> Fault:
    return Fault("connection_failed", "connection refused", connecting=True)


def test_a_registry_is_down_after_five_failures_in_a_row() -> None:
    health = Health()
    for _ in range(FAILURES - 1):
        fail(health, refused())
    health.exchange(lambda: None)
    for _ in range(FAILURES):
        fail(health, refused())
    with pytest.raises(Fault) as caught:
        health.exchange(must_not_be_tried)
    assert caught.value.code == "registry_down"
    assert "connection refused" in caught.value.cause


def answering() -> Health:
    """Of a registry that has answered once."""
    health = Health()
    health.exchange(lambda: None)
    return health


@pytest.mark.parametrize("connecting", [False, True])
def test_a_registry_that_never_answered_is_down_after_two_time_outs(connecting: bool) -> None:
    health = Health()
    for _ in range(FIRST_SILENCES):
        fail(health, Fault("timeout", "no answer", connecting=connecting))
    with pytest.raises(Fault) as caught:
        health.exchange(must_not_be_tried)
    assert caught.value.code == "registry_down"


def test_a_registry_is_down_after_twenty_time_outs_without_an_answer() -> None:
    health = answering()
    for times in (SILENCES - 1, SILENCES):
        for _ in range(times):
            fail(health, Fault("timeout", "no answer"))
        if times < SILENCES:
            health.exchange(lambda: None)
    with pytest.raises(Fault) as caught:
        health.exchange(must_not_be_tried)
    assert caught.value.code == "registry_down"


def test_what_is_wrong_with_its_certificate_stays_the_reason() -> None:
    health = Health()
    for _ in range(FAILURES):
        fail(health, Fault("tls_untrusted", "unknown authority", connecting=True, transient=False))
    with pytest.raises(Fault) as caught:
        health.exchange(must_not_be_tried)
    assert (caught.value.code, caught.value.transient) == ("tls_untrusted", False)


@pytest.mark.parametrize(
    "fault", [Fault("timeout", "no answer"), Fault("x", "elsewhere", connecting=True, foreign=True)]
)
def test_other_failures_do_not_count(fault: Fault) -> None:
    health = answering()
    for _ in range(2 * FAILURES):
        fail(health, fault)
    health.exchange(lambda: None)


def test_one_request_probes_while_the_others_wait() -> None:
    health = Health()
    for _ in range(FAILURES):
        fail(health, refused())
    health.begin_round()
    probing, go_on = threading.Event(), threading.Event()
    outcomes: list[str] = []

    def probe() -> None:
        def send() -> None:
            probing.set()
            go_on.wait(10)
            outcomes.append("probe")

        health.exchange(send)

    def other() -> None:
        probing.wait(10)
        health.exchange(lambda: outcomes.append("other"))

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
    with pytest.raises(Fault, match="in a row"):
        health.exchange(must_not_be_tried)


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
