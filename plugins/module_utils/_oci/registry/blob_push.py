# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a blob comes into a repository: mounted where that works, else sent (distribution-spec 1.1, Pushing blobs)."""

from __future__ import annotations

import functools
from typing import Callable, Protocol

from ..client.call import Call, Purpose, Scopes
from ..client.client import Client
from ..errors import RegistryError
from ..http.faults import Fault
from ..http.transport import Answer
from ..image.manifest import Descriptor
from ..store.store import OpenAt, Upload
from .blob_upload import BlobUpload, UploadSession


class HasBlob(Protocol):
    """Asks whether a blob is in a repository; ``once`` where the caller tries again."""

    def __call__(self, blob: Descriptor, *, once: bool = False) -> bool:
        """Return whether it is there."""


class BlobWriter:
    """Writes blobs into one repository.

    :param path: the repository's path
    :param name: what a message calls a blob
    :param scopes: what a token needs to write here
    :param has_blob: asks whether a blob is here
    """

    def __init__(
        self,
        client: Client,
        path: str,
        *,
        name: Callable[[Descriptor], str],
        scopes: Scopes,
        has_blob: HasBlob,
    ) -> None:
        self._client = client
        self._path = path
        self._name = name
        self._scopes = scopes
        self._has_blob = has_blob

    def mount(self, blob: Descriptor, source: str | None = None) -> Upload | None:
        """Ask for a blob without sending it (Mounting a blob from another repository); None when it is here now.

        Where mounting is answered with an error the blob is looked for by HEAD and a session opened by a plain POST;
        that registry is then not asked to mount again.

        :param source: the path of a repository of this registry that has it; None asks whether this one has it
        """
        purpose = self._purpose(blob)
        refused: list[str] = []
        for origin in dict.fromkeys((source or self._path, self._path)):
            if self._client.quirks.may_mount(origin, self._path):
                answer = self._mount(blob, origin, purpose)
                if answer is not None and answer.status == 201 and not _is_session(answer):
                    return None
                if answer is not None and answer.status in (200, 201, 202, 204):
                    self._note_refused(refused)
                    return self._session(purpose, answer)
                refused.append(origin)
        if self._shows_blob(blob):
            return None
        session = self._begin(purpose)
        # Only now is it known that it was the mount that was refused, and not all writing.
        self._note_refused(refused)
        return session

    def _mount(self, blob: Descriptor, origin: str, purpose: Purpose) -> Answer | None:
        """Return the answer to a mount; None when there was only an error that an upload may avoid."""
        own = origin == self._path
        scopes = self._scopes if own else (*self._scopes, f"repository:{origin}:pull")
        path = f"/v2/{self._path}/blobs/uploads/?mount={blob.digest}&from={origin}"
        try:
            answer = self._client.call(Call("POST", path, purpose, scopes, self._path))
        except RegistryError as error:
            if (error.status or 0) >= 500 or (not own and error.is_denial):
                return None
            raise
        said = answer.headers.get("Docker-Content-Digest")
        if answer.status == 201 and said and said != str(blob.digest):
            return None
        return answer

    def _note_refused(self, origins: list[str]) -> None:
        for origin in origins:
            self._client.quirks.mount_refused(origin, self._path)

    def put(self, blob: Descriptor, open_at: OpenAt, upload: Upload | None = None) -> None:
        """Upload a blob of known size (Pushing blobs); when it returns the registry has confirmed it."""
        purpose = self._purpose(blob)
        sending = BlobUpload(
            self._client,
            blob,
            open_at,
            purpose=purpose,
            scopes=self._scopes,
            repository=self._path,
            begin=functools.partial(self._begin, purpose),
            is_there=functools.partial(self._has_blob, blob, once=True),
        )
        sending.run(upload if isinstance(upload, UploadSession) else None)

    def _begin(self, purpose: Purpose) -> UploadSession:
        call = Call("POST", f"/v2/{self._path}/blobs/uploads/", purpose, self._scopes, self._path)
        # 200 and 204 are what older registries answer, 201 what some answer to every POST.
        return self._session(purpose, self._client.expect(call, 200, 201, 202, 204))

    def _session(self, purpose: Purpose, answer: Answer) -> UploadSession:
        self._client.quirks.note_least_chunk(answer.headers.get("OCI-Chunk-Min-Length"))
        try:
            return UploadSession(self._client.transport.locate(answer.url, answer.headers.get("Location")))
        except Fault as fault:
            raise self._client.fault(fault, purpose) from fault

    def _purpose(self, blob: Descriptor) -> Purpose:
        return Purpose("upload", self._name(blob), self._client.host, write=True)

    def _shows_blob(self, blob: Descriptor) -> bool:
        """Return whether the blob is known to be here. A login that may not look may still write."""
        try:
            return self._has_blob(blob)
        except RegistryError as error:
            if error.is_denial:
                return False
            raise


def _is_session(answer: Answer) -> bool:
    """Return whether an answer that says "created" names an upload that is open, and not the blob."""
    return "/blobs/uploads/" in answer.headers.get("Location", "")
