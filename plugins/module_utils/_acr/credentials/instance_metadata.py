# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of an ECS instance's own role, from the metadata service that each instance reaches at a fixed address.

No proxy is used, and the guard against link-local addresses does not apply: the address is fixed and not one that a
server named.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import quote

from ..._oci.errors import ImageOpsError
from ..api.signature import AccessKey
from .security_token import key_of

HOST = "100.100.100.200"
TIMEOUT = 2.0  # seconds for a connection and for each read
_TOKEN_PATH = "/latest/api/token"
_ROLES_PATH = "/latest/meta-data/ram/security-credentials/"
_TOKEN_SECONDS = "21600"
_LONGEST = 64 * 1024


class MetadataService:
    """The metadata service of one ECS instance.

    :param host: its address, with a port where it is not 80
    :param version_1: use the version without a token where the one with a token (IMDSv2) is not offered
    """

    def __init__(self, host: str = HOST, *, version_1: bool = True) -> None:
        self._host = host
        self._version_1 = version_1

    def key(self, role: str) -> AccessKey:
        """Return a key of the instance's role.

        :raises ImageOpsError: ``no_credentials`` when the service does not answer or does not know the role
        """
        status, body = self._ask("GET", _ROLES_PATH + quote(role, safe=""), role, self._token(role))
        if status == 404:
            raise _failed(role, "the instance has no role of this name")
        if status != 200:
            raise _failed(role, f"the metadata service answered HTTP {status}")
        try:
            fields = json.loads(body)
        except ValueError:
            fields = None
        key = key_of(fields) if isinstance(fields, Mapping) and fields.get("Code", "Success") == "Success" else None
        if key is None:
            raise _failed(role, "the metadata service's answer holds no whole key")
        return key

    def _token(self, role: str) -> Mapping[str, str]:
        """Return the headers of IMDSv2; none where the service offers only the first version and that is allowed."""
        asked = {"X-aliyun-ecs-metadata-token-ttl-seconds": _TOKEN_SECONDS}
        status, body = self._ask("PUT", _TOKEN_PATH, role, asked)
        token = body.decode("latin-1").strip()
        if status == 200 and token:
            return {"X-aliyun-ecs-metadata-token": token}
        if not self._version_1:
            raise _failed(role, f"the metadata service gives no token (HTTP {status}); its first version is disabled")
        return {}

    def _ask(self, method: str, path: str, role: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            with closing(http.client.HTTPConnection(self._host, timeout=TIMEOUT)) as connection:
                connection.request(method, path, headers=dict(headers))
                answer = connection.getresponse()
                return answer.status, answer.read(_LONGEST)
        except (OSError, http.client.HTTPException) as error:
            raise _failed(role, f"the metadata service does not answer: {error}", transient=True) from error


def _failed(role: str, cause: str, *, transient: bool = False) -> ImageOpsError:
    return ImageOpsError(
        code="no_credentials",
        action="get a key of the ECS instance's role",
        subject=role,
        cause=cause,
        hint="only an ECS instance with this role has one: check ecs_ram_role, or ALIBABA_CLOUD_ECS_METADATA",
        transient=transient,
    )
