# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers that a manifest names by URL and a registry need not have (OCI image-spec, descriptor.md, ``urls``).

They are fetched from anywhere, so nothing that belongs to a registry goes with the request: neither credentials nor a
client certificate. What arrives is verified like any other blob.
"""

from __future__ import annotations

from collections.abc import Collection

from ..client.call import Purpose
from ..client.client import Client
from ..errors import Code, ContentError, ImageOpsError, RegistryError
from ..http.faults import Fault
from ..http.transport import USER_AGENT
from ..http.urls import netloc, origin_of
from ..image.manifest import Descriptor
from .blob_download import RegistryBlobReader, content_range

_CODES: dict[int, Code] = {
    401: "pull_denied",
    403: "pull_denied",
    404: "source_incomplete",
    410: "source_incomplete",
}
_HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}


class ForeignLayers:
    """Opens layers by their URLs, one URL after the other.

    :param plain_http: the hosts, with their ports, that may be asked without TLS
    """

    def __init__(self, client: Client, plain_http: Collection[str]) -> None:
        self._client = client
        self._plain_http = plain_http

    def open(self, blob: Descriptor, offset: int, missing: RegistryError) -> RegistryBlobReader:
        """Return a reader of a layer from an offset on.

        :param missing: why the registry does not give it
        :raises ImageOpsError: why the last of its URLs does not give it either
        """
        last: ImageOpsError = missing
        for url in blob.urls:
            try:
                return self._open(url, blob, offset)
            except ImageOpsError as error:
                last = error
        raise last

    def _open(self, url: str, blob: Descriptor, offset: int) -> RegistryBlobReader:
        host = self._host(url, blob)
        purpose = Purpose("read", f"the foreign layer {blob.digest} from {host}", host, kind="blob")
        self._client.pace.before_request(action=purpose.action, subject=purpose.subject)
        headers = {**_HEADERS, "Range": f"bytes={offset}-"} if offset else _HEADERS
        try:
            target = self._client.transport.locate(url, url)
            answer = self._client.transport.exchange("GET", target, headers=headers, limit=None)
        except Fault as fault:
            raise self._client.fault(fault, purpose) from fault
        begins = content_range(answer.headers.get("Content-Range"))[0] if answer.status == 206 else 0
        if answer.status == 200 and answer.length not in (None, blob.size):
            answer.close()
            raise ContentError(
                code="size_mismatch",
                action=purpose.action,
                subject=purpose.subject,
                cause=f"it has {answer.length} bytes where the manifest says {blob.size}",
            )
        if answer.status in (200, 206) and begins in (0, offset):
            return RegistryBlobReader(
                self._client, answer, purpose=purpose, position=begins, skip=offset - begins, blob=blob
            )
        answer.close()
        raise RegistryError(
            code=_CODES.get(answer.status, "server_error"),
            action=purpose.action,
            subject=purpose.subject,
            cause=f"it answers HTTP {answer.status}",
            hint="its maker may have withdrawn it; without foreign_layers the image is copied and the layer is not",
            transient=answer.status >= 500 or answer.status == 429,
        )

    def _host(self, url: str, blob: Descriptor) -> str:
        """Return the host of a URL that may be asked.

        :raises RegistryError: for any other URL
        """
        try:
            origin = origin_of(url)
            host = netloc(origin)
            refused = "" if origin.scheme == "https" or host in self._plain_http else f"{host} is not reached by https"
        except ValueError:
            host, refused = "", "its URL makes no sense"
        if not refused:
            return host
        raise RegistryError(
            code="source_incomplete",
            action="read",
            subject=f"the foreign layer {blob.digest}",
            cause=refused,
            hint=f"if {host} may be asked without TLS, add it to registries with plain_http: true" if host else "",
        )
