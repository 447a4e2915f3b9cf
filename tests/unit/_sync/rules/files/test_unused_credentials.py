# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong host name among credentials is found before any contact, and nothing else is taken for one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import (
    Chain,
    Credential,
    Given,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.files.image_syncer import AuthEntry
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.files.unused_credentials import (
    check_use,
    usable_logins,
)
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.rule_parser import Rule, parse_rules

RULES = parse_rules(
    [{"source": "src.example.com/a/b", "destination": ["dst.example.com/c/d"]}],
    default_registry=None,
    default_namespace=None,
)


def given(*keys: str) -> Given:
    return Given([(key, Credential("user", "password")) for key in keys])


def check(
    *, task: str = "", file: str = "", docker: str = "", described: str = "", rules: Sequence[Rule] = RULES
) -> list[str]:
    """Give the warnings; each argument is a list of keys with blanks between them."""
    warnings: list[str] = []
    from_task, from_file = given(*task.split()), given(*file.split())
    check_use(
        rules,
        from_task=from_task,
        from_file=from_file,
        credentials=Chain([from_task, from_file, given(*docker.split())]),
        described=described.split(),
        warn=warnings.append,
    )
    return warnings


def test_the_seeds_mistake_is_refused_naming_both_hosts() -> None:
    with pytest.raises(InputError, match=r"copy to dst\.example\.com: .*those for other\.example\.com are used by no"):
        check(file="src.example.com other.example.com")


@pytest.mark.parametrize(
    "more",
    [
        {"task": "dst.example.com"},
        {"docker": "dst.example.com/c"},
        {"described": "dst.example.com"},
    ],
)
def test_unused_credentials_of_a_file_are_no_mistake_when_the_destination_is_taken_care_of(
    more: dict[str, str],
) -> None:
    assert check(file="src.example.com other.example.com", **more) == []


def test_a_place_on_disk_wants_no_credentials() -> None:
    rules = [{"source": "src.example.com/a/b", "destination": "oci:/srv/bundle"}]
    parsed = parse_rules(rules, default_registry=None, default_namespace=None)
    assert check(file="src.example.com other.example.com", task="another.example.com", rules=parsed) == []


def test_a_source_may_be_anonymous() -> None:
    assert check(file="dst.example.com") == []


def test_a_destination_may_be_anonymous_when_nothing_is_left_over() -> None:
    assert check() == []
    assert check(file="src.example.com/a") == []


def test_a_key_for_another_path_is_left_over() -> None:
    with pytest.raises(InputError, match=r"src\.example\.com/x"):
        check(file="src.example.com/x")


def test_defaults_that_many_tasks_share_are_only_warned_of() -> None:
    (warning,) = check(task="src.example.com other.example.com")
    assert "dst.example.com" in warning and "other.example.com" in warning
    assert check(task="src.example.com other.example.com", described="dst.example.com") == []


# Rules about many repositories, whose paths are known in part


def many(source: str, destination: str) -> list[Rule]:
    return parse_rules([{"source": source, "destination": destination}], default_registry=None, default_namespace=None)


@pytest.mark.parametrize("source", ["src.example.com/a/*", "src.example.com/a/**", "src.example.com/**"])
@pytest.mark.parametrize("key", ["src.example.com", "src.example.com/a", "src.example.com/a/b"])
def test_credentials_at_and_below_a_wildcard_are_of_use(source: str, key: str) -> None:
    assert check(file=key, rules=many(source, "dst.example.com/c")) == []


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("src.example.com/a/*", "src.example.com/b"),
        ("src.example.com/a/**", "src.example.com/ab"),
        ("src.example.com/**", "src.example.com:443/a"),
        ("src.example.com/**", "src.example.com.evil.org"),
    ],
)
def test_credentials_beside_a_wildcard_are_left_over(source: str, key: str) -> None:
    with pytest.raises(InputError, match=f"those for {re.escape(key)} are used by no image"):
        check(file=key, rules=many(source, "dst.example.com/c"))


@pytest.mark.parametrize(
    ("destination", "key", "serves"),
    [
        ("dst.example.com/c", "dst.example.com/c", True),
        ("dst.example.com/c/{name}", "dst.example.com/c/x", True),
        ("dst.example.com/c/{namespace}-{name}", "dst.example.com/c/x", True),
        ("dst.example.com/c-{name}", "dst.example.com/c-x", True),
        ("dst.example.com/{repository}", "dst.example.com/any/thing", True),
        ("dst.example.com/c/{name}", "dst.example.com/d", False),
        ("dst.example.com/c/{name}", "dst.example.com/cc", False),
    ],
)
def test_credentials_of_a_template(destination: str, key: str, serves: bool) -> None:
    rules = many("src.example.com/a/**", destination)
    if serves:
        assert check(file=key, rules=rules) == []
    else:
        with pytest.raises(InputError, match=f"those for {key} are used by no image"):
            check(file=key, rules=rules)


def test_the_seeds_mistake_is_found_for_whole_projects_too() -> None:
    rules = many("src.example.com/library/*", "dst.example.com/mirror/{name}")
    with pytest.raises(InputError, match=r"copy to dst\.example\.com: .*those for other\.example\.com are used by no"):
        check(file="src.example.com other.example.com", rules=rules)
    (warning,) = check(task="src.example.com other.example.com", rules=rules)
    assert "other.example.com" in warning


def entries(*keys: str, broken: Sequence[str] = ()) -> list[AuthEntry]:
    """Logins under these keys; those of ``broken`` name a variable that is not set."""
    fault = InputError(subject="the password", cause="the environment variable X is not set")
    return [AuthEntry(key, "user", "password") for key in keys] + [AuthEntry(key, fault=fault) for key in broken]


def usable(auth: Sequence[AuthEntry], *, source: str = "src.example.com/a/b") -> list[str]:
    """The keys of what can be used, and each warning."""
    rules = parse_rules(
        [{"source": source, "destination": "dst.example.com/c/d"}], default_registry=None, default_namespace=None
    )
    warnings: list[str] = []
    left = usable_logins(auth, rules, warn=warnings.append)
    return [entry.key for entry in left] + warnings


WARNING = "The login for {} is left out, and no image uses it: the environment variable X is not set"


@pytest.mark.parametrize(
    "unused", ["other.example.com", "src.example.com/other", "src.example.com/a/b/c", "dst.example.com:5000"]
)
def test_a_login_that_no_image_uses_may_be_broken(unused: str) -> None:
    assert usable(entries("dst.example.com", broken=[unused])) == ["dst.example.com", WARNING.format(unused)]


@pytest.mark.parametrize("used", ["src.example.com", "src.example.com/a", "dst.example.com/c/d"])
def test_a_login_that_an_image_uses_may_not(used: str) -> None:
    with pytest.raises(InputError, match="variable X is not set"):
        usable(entries("third.example.com", broken=["other.example.com", used]))


def test_a_login_that_a_longer_key_comes_before_is_not_used() -> None:
    longer = entries("src.example.com/a", broken=["src.example.com"])
    assert usable(longer) == ["src.example.com/a", WARNING.format("src.example.com")]


def test_a_login_below_a_wildcard_may_be_used() -> None:
    with pytest.raises(InputError, match="variable X is not set"):
        usable(entries(broken=["src.example.com/a/b"]), source="src.example.com/a/*")
    assert usable(entries(broken=["src.example.com/c"]), source="src.example.com/a/*") == [
        WARNING.format("src.example.com/c")
    ]
