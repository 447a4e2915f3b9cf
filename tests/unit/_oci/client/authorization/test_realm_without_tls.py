# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that is reached by HTTP and names a token server by HTTPS on the same port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from helpers.raw_server import client


class Handler(BaseHTTPRequestHandler):
    """Answers what is no HTTP, such as the beginning of TLS, with a plain 400."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.send_response(401)
        realm = f"https://{self.headers['host']}/service/token"
        self.send_header("WWW-Authenticate", f'Bearer realm="{realm}",service="harbor-registry"')
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def host() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_the_message_names_the_realm_and_where_it_is_set(host: str) -> None:
    with (
        client(host, credential=Credential("robot$sync", "secret")) as registry,
        pytest.raises(RegistryError) as caught,
    ):
        list(registry.repository("library/nginx").tags())
    assert caught.value.code == "plain_http"
    assert f"https://{host}/service/token" in caught.value.cause
    assert "external_url in harbor.yml" in caught.value.hint
    assert "plain_http: true" not in str(caught.value)
