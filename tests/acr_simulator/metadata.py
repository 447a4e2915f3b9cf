# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata service of an ECS instance with a role, on loopback."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .world import Key, World

TOKEN = "imds-0123456789"  # what IMDSv2 wants to see again


class MetadataServer:
    """Serves keys of one role.

    :ivar version_2: whether it gives tokens and wants them
    :ivar requests: method and path of each request
    :ivar life: seconds that a key is good
    """

    def __init__(self, world: World, role: str = "node-role") -> None:
        self.world = world
        self.role = role
        self.version_2 = True
        self.requests: list[tuple[str, str]] = []
        self.life = 3600.0
        handler = type("Handler", (_Handler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def host(self) -> str:
        """Its address and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def key(self) -> tuple[Key, str]:
        """A new key of the role, and when it ends."""
        key = self.world.add_key(security_token=f"ecs-{len(self.requests):020}")
        key.expires_at = self.world.now() + self.life
        return key, datetime.fromtimestamp(key.expires_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> MetadataServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    service: MetadataServer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the service keeps a list of its requests."""

    def do_PUT(self) -> None:
        self.service.requests.append(("PUT", self.path))
        seconds = self.headers.get("X-aliyun-ecs-metadata-token-ttl-seconds", "")
        if self.path == "/latest/api/token" and self.service.version_2 and seconds.isdigit():
            self._send(200, TOKEN)
        else:
            self._send(405, "")

    def do_GET(self) -> None:
        self.service.requests.append(("GET", self.path))
        if self.service.version_2 and self.headers.get("X-aliyun-ecs-metadata-token") != TOKEN:
            self._send(403, "")
        elif self.path != f"/latest/meta-data/ram/security-credentials/{self.service.role}":
            self._send(404, "")
        else:
            key, end = self.service.key()
            fields = {"AccessKeyId": key.key_id, "AccessKeySecret": key.secret, "SecurityToken": key.security_token}
            self._send(200, json.dumps({**fields, "Expiration": end, "LastUpdated": end, "Code": "Success"}))

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
