# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy leads to a host."""

from __future__ import annotations

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._oci.http.proxies import Proxies, proxy_secrets

ENVIRONMENT = {
    "http": "http://web:3128",
    "https": "secure:3129",
    "no": "localhost,.internal.example.com, 10.0.0.0/8,bare.example.com,port.example.com:5000",
}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://registry.example.com/", "http://secure:3129"),
        ("http://registry.example.com:5000/", "http://web:3128"),
        ("https://localhost:5000/", None),
        ("https://a.internal.example.com/", None),
        ("https://bare.example.com/", None),
        ("https://sub.bare.example.com/", None),
        ("https://notbare.example.com/", "http://secure:3129"),
        ("https://10.1.2.3/", None),
        ("https://11.1.2.3/", "http://secure:3129"),
        ("https://port.example.com:5000/", None),
        ("https://port.example.com/", "http://secure:3129"),
        ("https://[fd00::1]:5000/", "http://secure:3129"),
    ],
)
def test_the_environment(url: str, proxy: str | None) -> None:
    assert Proxies(None, ENVIRONMENT).for_url(url) == proxy


@pytest.mark.parametrize(
    ("no_proxy", "straight", "proxied"),
    [
        ("*.corp.example", ["a.corp.example", "a.b.corp.example"], ["corp.example", "xcorp.example", "a.example"]),
        (".corp.example", ["a.corp.example"], ["corp.example", "xcorp.example"]),
        (".corp", ["registry.corp", "a.b.corp"], ["corp", "xcorp", "corp.example"]),
        ("corp.example", ["corp.example", "a.corp.example", "CORP.example"], ["xcorp.example", "corp.example.com"]),
        ("CORP.Example", ["corp.example"], []),
        (" a.example ,b.example", ["a.example", "b.example"], ["c.example"]),
        ("a.example b.example", [], ["a.example", "b.example"]),
        ("corp.example:5000", ["corp.example:5000", "a.corp.example:5000"], ["corp.example", "corp.example:500"]),
        ("*.corp.example:443", ["a.corp.example", "a.corp.example:443"], ["a.corp.example:5000"]),
        ("10.0.0.0/8", ["10.1.2.3", "10.1.2.3:5000"], ["11.1.2.3", "10.example"]),
        ("10.1.2.3/8", ["10.9.9.9"], ["11.1.2.3"]),
        ("fd00::/8", ["[fd00::1]", "[fd12::1]:5000"], ["[fe00::1]"]),
        ("10.1.2.3", ["10.1.2.3", "10.1.2.3:5000", "[::ffff:10.1.2.3]"], ["10.1.2.4", "110.1.2.3"]),
        ("10.1.2.3:5000", ["10.1.2.3:5000"], ["10.1.2.3"]),
        ("fd00::1", ["[fd00::1]", "[fd00:0::1]:5000"], ["[fd00::2]"]),
        ("[fd00::1]:5000", ["[fd00::1]:5000"], ["[fd00::1]"]),
        ("[fd00::1]", ["[fd00::1]", "[fd00::1]:5000"], []),
        ("other.example,*", ["a.example", "10.1.2.3"], []),
        ("*corp.example, ,:5000,.,*.", [], ["corp.example", "a.corp.example:5000"]),
        ("0.0.0.0/0", ["10.1.2.3"], ["a.example", "[fd00::1]"]),
    ],
)
def test_no_proxy_is_read_as_by_programs_in_go(no_proxy: str, straight: list[str], proxied: list[str]) -> None:
    proxies = Proxies(None, {"https": "http://p:1", "no": no_proxy})
    assert [host for host in straight if proxies.for_url(f"https://{host}/")] == []
    assert [host for host in proxied if not proxies.for_url(f"https://{host}/")] == []


def test_no_proxy_for_anything() -> None:
    assert Proxies(None, {"https": "http://p:1", "no": "*"}).for_url("https://a/") is None
    assert Proxies(None, {}).for_url("https://a/") is None


def test_a_proxy_for_all() -> None:
    assert Proxies(None, {"all": "http://p:1"}).for_url("https://a/") == "http://p:1"


def test_the_real_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://p:1")
    proxies = Proxies(None)
    monkeypatch.delenv("https_proxy")
    assert proxies.for_url("https://a/") == "http://p:1"


def test_a_given_proxy_comes_first() -> None:
    assert Proxies("http://mine:1", ENVIRONMENT).for_url("https://localhost/") == "http://mine:1"
    assert Proxies("mine:1", ENVIRONMENT).for_url("http://a/") == "http://mine:1"
    assert Proxies("", ENVIRONMENT).for_url("https://registry.example.com/") is None


@pytest.mark.parametrize("proxy", ["http://", "ftp://p:1", "http://user:s3cret@:80", "http://p:port", "//p:1:s3cret"])
def test_what_is_no_proxy(proxy: str) -> None:
    with pytest.raises(InputError) as caught:
        Proxies(proxy)
    assert "s3cret" not in str(caught.value)


def test_the_password_in_a_proxys_url() -> None:
    assert proxy_secrets("http://user:p%40ss@proxy:3128") == ["p@ss", "p%40ss", "dXNlcjpwQHNz"]
    assert "word" in proxy_secrets("user:word@proxy:3128")
    assert proxy_secrets("http://proxy:3128") == proxy_secrets("http://user@proxy:3128") == proxy_secrets("") == []
