# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What calls are made of, with nothing called: keys, services, names, parameters, meanings of refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api import names
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import flatten
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.errors import ApiError, api_error
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.service import (
    ram_service,
    registry_service,
    server_url,
    sts_service,
)
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from hypothesis import given
from hypothesis import strategies as st


class TestServices:
    @pytest.mark.parametrize(
        ("options", "url"),
        [
            ({"region": "cn-shanghai", "network": "public"}, "https://cr.cn-shanghai.aliyuncs.com"),
            ({"region": "cn-shanghai", "network": "vpc"}, "https://cr-vpc.cn-shanghai.aliyuncs.com"),
            ({"region": None, "network": "public", "endpoint": "cr.example.com"}, "https://cr.example.com"),
            ({"region": "x", "network": "public", "endpoint": "http://localhost:81/"}, "http://localhost:81"),
        ],
    )
    def test_where_the_registry_is(self, options: dict[str, Any], url: str) -> None:
        found = registry_service(**{"endpoint": None, **options})
        assert (found.url, found.version) == (url, "2018-12-01")

    def test_where_ram_is(self) -> None:
        assert ram_service(network="public", endpoint=None).url == "https://ram.aliyuncs.com"
        assert ram_service(network="vpc", endpoint=None).url == "https://ram.vpc-proxy.aliyuncs.com"
        assert ram_service(network="vpc", endpoint="ram.example.com:8443").host == "ram.example.com:8443"

    def test_where_sts_is(self) -> None:
        assert sts_service(region=None, network="public", endpoint=None).url == "https://sts.aliyuncs.com"
        found = sts_service(region="cn-shanghai", network="public", endpoint=None)
        assert (found.url, found.version) == ("https://sts.cn-shanghai.aliyuncs.com", "2015-04-01")
        assert (
            sts_service(region="cn-shanghai", network="vpc", endpoint=None).host == "sts-vpc.cn-shanghai.aliyuncs.com"
        )
        assert sts_service(region=None, network="vpc", endpoint="127.0.0.1:1").host == "127.0.0.1:1"
        with pytest.raises(InputError, match="region is missing"):
            sts_service(region=None, network="vpc", endpoint=None)

    @pytest.mark.parametrize(
        "text",
        [
            "http://cr.example.com",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://u:p@a",
            "https://a?b=c",
            "http://10.0.0.1",
        ],
    )
    def test_no_server(self, text: str) -> None:
        with pytest.raises(InputError):
            server_url(text, option="endpoint")


class TestNames:
    @pytest.mark.parametrize(
        ("check", "good", "bad"),
        [
            (
                names.check_namespace,
                ["ab", "a.b_c-d", "0" * 120],
                ["a", "a" * 121, "-ab", "ab_", "Ab", "a/b", "a*", "", "ab\n"],
            ),
            (
                names.check_repository,
                ["a", "ab", "a/b", "web/nginx_1", "a" * 200],
                ["", "/ab", "ab/", "a//b", "a/-b", "A/b", "ab\n"],
            ),
            (names.check_policy, ["a", "Push-1", "a" * 128], ["", "a_b", "a" * 129, "a b"]),
            (names.check_user, ["a", "a.b_c-D", "a" * 64], ["", "a@b", "a" * 65, "a b"]),
            (
                names.check_password,
                ["letters7", "7!7!7!7!", "letters!", "a" * 31 + "1"],
                ["short7", "onlyletters", "12345678", "!!!!!!!!", "a" * 32 + "1"],
            ),
        ],
    )
    def test_what_the_vendor_takes(self, check: Callable[[str], str], good: list[str], bad: list[str]) -> None:
        for text in good:
            assert check(text) == text
        for text in bad:
            with pytest.raises(InputError):
                check(text)


@pytest.mark.parametrize(("length", "usual"), [(1, False), (2, True), (64, True), (65, False)])
def test_a_length_that_the_vendor_once_asked_for_is_a_doubt_and_no_fault(length: int, usual: bool) -> None:
    path = f"team/{'a' * length}"
    assert names.path_fault(path) == ""
    assert (names.path_doubt(path) == "") is usual


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("acme-registry.cn-shanghai.cr.aliyuncs.com", True),
        ("acme-registry-vpc.cn-shanghai.cr.aliyuncs.com:443", True),
        ("crpi-1234.cn-shanghai.personal.cr.aliyuncs.com", False),
        ("registry.cn-shanghai.aliyuncs.com", False),
        ("cr.aliyuncs.com.example.com", False),
        ("127.0.0.1:5000", False),
    ],
)
def test_whose_host_it_is(host: str, is_one: bool) -> None:
    assert names.is_enterprise_registry(host) is is_one


@pytest.mark.parametrize(
    ("service", "is_one"),
    [
        ("registry.aliyuncs.com:cn-hangzhou:china:cri-xxxx", True),
        ("registry.aliyuncs.com:cn-hangzhou:26842", False),
        ("registry.aliyuncs.com:cn-hangzhou:china:cri-xxxx:enterprise", True),
        ("registry.aliyuncs.com:me-east-1:26842:china:cri-xxxx", True),
        ("registry.aliyuncs.com:cri-xxxx", False),
        ("registry.aliyuncs.com:cn-hangzhou:china:cri-", False),
        ("registry.aliyuncs.com:cn-hangzhou:china:", False),
        ("harbor-registry", False),
        ("", False),
    ],
)
def test_whose_service_it_is(service: str, is_one: bool) -> None:
    assert names.is_enterprise_service(service) is is_one


@pytest.mark.parametrize(
    "service",
    [
        "registry.aliyuncs.com:me-east-1:china:cri-xxxx",
        "registry.aliyuncs.com:me-east-1:26842:china:cri-xxxx",
        "registry.aliyuncs.com:26842:me-east-1:china:cri-xxxx",
        "registry.aliyuncs.com:me-east-1:cri-xxxx:china:more:parts",
        "registry.aliyuncs.com:cri-xxxx:me-east-1",
    ],
)
def test_the_instance_is_the_part_that_begins_so(service: str) -> None:
    assert names.instance_of_service(service) == ("me-east-1", "cri-xxxx")


class TestParameters:
    def test_forms(self) -> None:
        given = {"A": None, "B": True, "C": False, "D": 7, "E": "x y", "F": {"é": [1, True]}, "G": ["a"], "H": ""}
        assert flatten(given) == [
            ("B", "true"),
            ("C", "false"),
            ("D", "7"),
            ("E", "x y"),
            ("F", '{"é":[1,true]}'),
            ("G", '["a"]'),
            ("H", ""),
        ]


def refusal(code: str, status: int = 400, **fields: Any) -> ApiError:
    return api_error(action="do it to", subject="it", status=status, answer={"Code": code, **fields})


class TestMeanings:
    @pytest.mark.parametrize(
        ("api_code", "status", "code", "transient"),
        [
            ("INSTANCE_NOT_EXIST", 200, "acr_not_found", False),
            ("EntityNotExist.User.Policy", 404, "acr_not_found", False),
            ("EntityAlreadyExists.User", 409, "acr_exists", False),
            ("DeleteConflict.Policy.User", 409, "acr_exists", False),
            ("LimitExceeded.User.AccessKey", 409, "quota_exceeded", False),
            ("NAMESPACE_QUOTA_EXCEED", 200, "quota_exceeded", False),
            ("NoPrivilege", 403, "acr_forbidden", False),
            ("NoPermission", 403, "acr_forbidden", False),
            ("Forbidden.RAM", 403, "acr_forbidden", False),
            ("Anything", 403, "acr_forbidden", False),
            ("Forbidden.AccessKeyDisabled", 403, "bad_credentials", False),
            ("InvalidAccessKeyId.NotFound", 404, "bad_credentials", False),
            ("SignatureDoesNotMatch", 400, "bad_credentials", False),
            ("InvalidSecurityToken.Expired", 400, "bad_credentials", False),
            ("InvalidTimeStamp.Expired", 400, "acr_clock", False),
            ("Throttling", 400, "rate_limited", True),
            ("Throttling.User", 400, "rate_limited", True),
            ("Rejected.Throttling", 200, "rate_limited", True),
            ("", 429, "rate_limited", True),
            ("SLB_SERVICE_ERROR", 400, "server_error", True),
            ("ServiceUnavailable", 503, "server_error", True),
            ("SystemError", 500, "server_error", True),
            ("Whatever", 502, "server_error", True),
            ("INSTANCE_STATUS_NOT_SUPPORT", 200, "acr_state", False),
            ("INSTANCE_ACCESS_NOT_EXIST", 200, "acr_state", False),
            ("InvalidAction.NotFound", 404, "protocol_error", False),
            ("SOMETHING_NEW", 200, "acr_refused", False),
        ],
    )
    def test_codes(self, api_code: str, status: int, code: str, transient: bool) -> None:
        error = refusal(api_code, status)
        assert (error.code, error.transient, error.api_code) == (code, transient, api_code)

    def test_words(self) -> None:
        error = refusal("SOMETHING_NEW", Message="no way", RequestId="R1")
        assert str(error) == 'cannot do it to it: the API refused: SOMETHING_NEW "no way"'
        assert error.request_id == "R1"

    @given(
        st.dictionaries(
            st.sampled_from(["Code", "Message", "RequestId", "AccessDeniedDetail"]),
            st.none() | st.text() | st.integers() | st.lists(st.text()),
        )
    )
    def test_any_answer_is_an_error(self, answer: dict[str, Any]) -> None:
        assert isinstance(api_error(action="a", subject="b", status=400, answer=answer), ApiError)
