# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending one blob (distribution-spec 1.1, Pushing Blobs).

One PUT with the whole body. What broke it decides how to go on: a body that was sent whole may have arrived although the
answer got lost, so the registry is asked first; a proxy that takes no body of that size gets chunks; anything else
begins anew with a new session and a fresh reader.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import Callable, Iterator, Mapping
from urllib.parse import quote

from .answers import Purpose
from .chunk_size import ChunkSize
from .client import Call, Client
from .errors import ContentError, RegistryError
from .faults import Fault
from .links import with_query
from .manifest import Descriptor
from .repository import BlobReader, OpenAt
from .retry import is_retried, parse_retry_after
from .tokens import Scopes
from .transport import USER_AGENT, Answer

SLOWEST_STORE = 10_000_000
"""Bytes a second that a registry is given to store a blob before it answers the closing request."""
LOOKS = 3
"""How often a blob is looked for after its closing answer was lost."""
FEWEST_SESSIONS = 2


@dataclass
class UploadSession:
    """An upload that a registry has opened.

    :param location: the URL to send to next, absolute
    """

    location: str


class Sent(Exception):
    """How one attempt ended that did not succeed.

    :param error: what to raise when there is no further attempt
    :param maybe_stored: the whole body went out, and only the answer is missing
    :param free: the attempt does not count: a token had run out, or chunks are tried next
    """

    def __init__(self, error: RegistryError, *, maybe_stored: bool = False, free: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.maybe_stored = maybe_stored
        self.free = free


class _Body:
    """The blocks of one request's body: exactly as many bytes as were announced.

    :param blocks: where they come from; what it raises passes through
    """

    def __init__(self, blocks: Iterator[bytes], size: int, client: Client, subject: str) -> None:
        self._blocks = blocks
        self._size = size
        self._client = client
        self._subject = subject
        self.sent = 0

    @property
    def is_whole(self) -> bool:
        return self.sent >= self._size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        count = self._client.stats.count
        for block in self._blocks:
            if self.sent + len(block) > self._size:
                raise self._wrong(self.sent + len(block))
            yield block
            self.sent += len(block)
            count(written=len(block))
        if self.sent != self._size:
            raise self._wrong(self.sent)

    def _wrong(self, found: int) -> ContentError:
        return ContentError(
            code="size_mismatch", action="send", subject=self._subject,
            cause=f"the reader gave {found} bytes where {self._size} were announced",
        )


class BlobUpload:
    """One blob on its way into one repository.

    :param begin: opens an upload session
    :param is_there: asks whether the blob is in the repository
    :param chunk_size: what the registry is known to take
    """

    def __init__(
        self,
        client: Client,
        blob: Descriptor,
        open_at: OpenAt,
        *,
        purpose: Purpose,
        scopes: Scopes,
        repository: str,
        begin: Callable[[], UploadSession],
        is_there: Callable[[], bool],
        chunk_size: ChunkSize,
    ) -> None:
        self._client = client
        self._blob = blob
        self._open_at = open_at
        self._purpose = purpose
        self._scopes = scopes
        self._repository = repository
        self._begin = begin
        self._is_there = is_there
        self._chunk_size = chunk_size
        self._renewals = 0

    def run(self, session: UploadSession | None) -> None:
        """Send the blob, trying as often as the settings allow.

        :param session: one that is open already
        :raises RegistryError: when the registry did not take it
        :raises ImageOpsError: whatever the reader raised
        """
        attempt = 0
        action, subject = self._purpose.action, self._purpose.subject
        self._client.budget.first()
        while True:
            try:
                self._send(session or self._begin())
                return
            except Sent as failure:
                session = None
                if failure.maybe_stored and self._arrived(failure.error):
                    return
                if failure.free:
                    continue
                attempt += 1
                if attempt >= self._client.settings.attempts or not failure.error.transient:
                    raise failure.error from failure
                self._client.budget.spend(action=action, subject=subject)
                self._client.log(f"again ({attempt}/{self._client.settings.attempts - 1}): {failure.error}")
                if failure.error.retry_after:
                    self._client.pauses.asked(failure.error.retry_after, action=action, subject=subject)
                else:
                    self._client.pauses.back_off(attempt, action=action, subject=subject)

    def _arrived(self, error: RegistryError) -> bool:
        """Look for the blob a few times: a proxy may have given up on a registry that had not."""
        for look in range(LOOKS):
            if look:
                self._client.pauses.back_off(look, action=self._purpose.action, subject=self._purpose.subject)
            try:
                if self._is_there():
                    return True
            except RegistryError as problem:
                if not problem.transient:
                    raise error from problem
        return False

    def _send(self, session: UploadSession) -> None:
        limit = self._chunk_size.limit
        if limit is None or self._blob.size <= limit:
            self._send_whole(session)
        else:
            self._send_chunks(session, limit)

    def _send_whole(self, session: UploadSession) -> None:
        url = with_query(session.location, f"digest={quote(str(self._blob.digest), safe=':')}")
        reader = self._open_at(0)
        try:
            # The first block before the request: when the source has nothing to give, no session is spoiled.
            blocks = iter(reader)
            first = next(blocks, b"")
            blocks = itertools.chain((first,), blocks) if first else blocks
            body = _Body(blocks, self._blob.size, self._client, self._purpose.subject)
            answer = self._request("PUT", url, body, {})
        finally:
            reader.close()
        self._check_stored(answer)

    def _check_stored(self, answer: Answer) -> None:
        if answer.status not in (200, 201, 204):
            raise Sent(self._error(answer, transient=is_retried(answer.status)))
        said = answer.headers.get("Docker-Content-Digest")
        if said and said != str(self._blob.digest):
            raise Sent(
                RegistryError(
                    code="digest_mismatch", action=self._purpose.action, subject=self._purpose.subject,
                    cause=f"the registry stored it as {said[:150]!r}", transient=True, status=answer.status,
                )
            )

    # -- chunks --------------------------------------------------------------------------------------------------

    def _send_chunks(self, session: UploadSession, size: int) -> None:
        """PATCH after PATCH, then a PUT without a body (Pushing a blob in chunks)."""
        source = _Chunks(self._open_at)
        url, offset = session.location, 0
        try:
            while offset < self._blob.size:
                length = min(size, self._blob.size - offset)
                body = _Body(source.take(offset, length), length, self._client, self._purpose.subject)
                headers = {"Content-Range": f"{offset}-{offset + length - 1}"}
                answer = self._request("PATCH", url, body, headers)
                if answer.status not in (201, 202, 204):
                    raise Sent(self._error(answer, transient=is_retried(answer.status) or answer.status in (404, 416)))
                url = self._locate(url, answer) if answer.headers.get("Location") else url
                offset += length
        finally:
            source.close()
        final = with_query(url, f"digest={quote(str(self._blob.digest), safe=':')}")
        self._check_stored(self._request("PUT", final, None, {}))

    def _locate(self, base: str, answer: Answer) -> str:
        try:
            return self._client.transport.locate(base, answer.headers.get("Location"))
        except Fault as fault:
            raise Sent(self._client.fault(fault, self._purpose)) from fault

    # -- one request ---------------------------------------------------------------------------------------------

    def _request(self, method: str, url: str, body: _Body | None, extra: Mapping[str, str]) -> Answer:
        """Send a request whose body cannot be sent twice.

        :raises Sent: when it brought no answer, or one that says how to go on
        """
        size = 0 if body is None else len(body)
        headers = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            **extra,
        }
        patience = max(self._client.settings.timeout, self._blob.size / SLOWEST_STORE)
        try:
            with self._client.auth.ticket(self._scopes, self._repository, long_body=True) as ticket:
                answer = self._client.exchange(
                    method, url, headers=headers, body=b"" if not size else body, patience=patience, authorization=ticket.header
                )
                renewed = self._client.auth.judge(ticket, answer)
        except Fault as fault:
            maybe = (body is None or body.is_whole) and not fault.connecting
            raise Sent(self._client.fault(fault, self._purpose), maybe_stored=maybe, free=self._is_free(fault)) from fault
        if answer.status == 401 and renewed and self._renewals < FEWEST_SESSIONS:
            self._renewals += 1
            raise Sent(self._error(answer, transient=True), free=True)
        if answer.status == 413 and self._chunk_size.lower(max(size, 1)):
            raise Sent(self._error(answer, transient=True), free=True)
        if answer.status in (502, 503, 504):
            raise Sent(self._error(answer, transient=True), maybe_stored=body is None or body.is_whole)
        return answer

    def _is_free(self, fault: Fault) -> bool:
        self._renewals += fault.stale
        return fault.stale and self._renewals <= FEWEST_SESSIONS

    def _error(self, answer: Answer, *, transient: bool) -> RegistryError:
        error = self._client.error(
            Call("PUT", "", self._purpose, repository=self._repository), answer
        )
        # A vanished session or a digest spoiled on the way is mended by a new session.
        gone = answer.status in (404, 416) or (answer.status == 400 and not error.code == "push_denied")
        error.transient = transient or (gone and error.code in ("protocol_error", "destination_missing"))
        error.retry_after = parse_retry_after(answer.headers.get("Retry-After"), time.time())
        return error


class _Chunks:
    """Pieces of one blob, read on as long as they follow each other, else from a fresh reader."""

    def __init__(self, open_at: OpenAt) -> None:
        self._open_at = open_at
        self._reader: BlobReader | None = None
        self._blocks: Iterator[bytes] = iter(())
        self._rest = b""
        self._position = 0

    def take(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield exactly the bytes from offset on, or fewer when the blob ends."""
        if self._reader is None or self._position != offset:
            self.close()
            self._reader = self._open_at(offset)
            self._blocks, self._rest, self._position = iter(self._reader), b"", offset
        while length:
            block = self._rest or next(self._blocks, b"")
            if not block:
                return
            piece, self._rest = block[:length], block[length:]
            length -= len(piece)
            self._position += len(piece)
            yield piece

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
