# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending one blob (distribution-spec 1.1, Pushing Blobs).

One PUT with the whole body. What broke it decides how to go on. A body that was sent whole may have arrived although
the answer got lost, and another client may have been quicker, so the registry is asked first. What takes no body of
that size gets chunks, and what takes no PUT with a body one PATCH with all of it. A large body and a chunk that broke
go on where the registry says it is. Anything else begins anew, with a new session and a fresh reader.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Callable

from ..client.authorization.token_cache import Need
from ..client.bodies import read_error
from ..client.call import Call, Purpose, Scopes
from ..client.client import Client
from ..client.refusals import SPOILT
from ..client.retry import is_gateway, is_retried, parse_retry_after
from ..errors import RegistryError
from ..http.faults import Fault
from ..http.transport import Answer
from ..http.urls import with_query
from ..image.manifest import Descriptor
from ..store.store import OpenAt
from .upload_body import Body, Pieces

SLOWEST_STORE = 10_000_000
"""Bytes a second that a registry is given to store a blob before it answers the closing request."""
LONGEST_STORE = 86_400.0
"""Seconds that it is given at most: sizes are what a manifest says, and may be any."""
REQUESTS = 3
"""What another try of a blob costs: one for a session, one to send it, and one to read it."""
LOOKS = 3
"""How often a blob is looked for after its closing answer was lost."""
WORTH_RESUMING = 4 * 1024 * 1024
"""Bytes of a body that must have gone out before a registry is asked how many of them it has."""
MOST_FREE = 3
"""New sessions that do not count as attempts: for a token that had run out."""
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})")


@dataclass
class UploadSession:
    """An upload that a registry has opened.

    :param location: the URL to send to next, absolute
    :param offset: how many bytes it has already
    """

    location: str
    offset: int = 0


class _Failed(Exception):
    """How one attempt ended that did not succeed.

    :param error: what to raise when there is no further attempt
    :param maybe_stored: the whole body went out, and only the answer is missing
    :param free: the attempt does not count
    :param stale: it took no time: a kept connection had been closed by the server
    :param anew: the session is of no more use
    :ivar resume: what was being sent to, when the session may still be good
    """

    def __init__(
        self,
        error: RegistryError,
        *,
        maybe_stored: bool = False,
        free: bool = False,
        stale: bool = False,
        anew: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.maybe_stored = maybe_stored
        self.free = free
        self.stale = stale
        self.anew = anew
        self.resume: UploadSession | None = None


class BlobUpload:
    """One blob on its way into one repository.

    :param begin: opens an upload session
    :param is_there: asks whether the blob is in the repository
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
    ) -> None:
        self._client = client
        self._run = client.run
        self._blob = blob
        self._open_at = open_at
        self._purpose = purpose
        self._scopes = scopes
        self._repository = repository
        self._begin = begin
        self._is_there = is_there
        self._free = 0
        self._chunks = 0
        self._lost_sessions = 0
        self._refused_put: RegistryError | None = None
        self._by_patch = client.quirks.uploads_by_patch

    def run(self, session: UploadSession | None) -> None:
        """Send the blob, trying as often as the settings allow.

        :param session: one that is open already
        :raises RegistryError: when the registry did not take it
        :raises ImageOpsError: what the reader raised
        """
        what, budget = ("send", self._purpose.subject), self._run.budget

        def send() -> None:
            budget.first(*what)
            self._tries(session)

        action, subject = self._purpose.action, self._purpose.subject
        budget.attempt(what, send, requests=REQUESTS, ever=True, action=action, subject=subject)

    def _tries(self, session: UploadSession | None) -> None:
        tried = 0
        while True:
            try:
                self._send(session or self._begin())
                return
            except _Failed as failure:
                error, session, failed = failure.error, failure.resume, failure
            if failed.maybe_stored and self._has_arrived(error):
                return
            if error.retry_after and error.transient:
                self._client.pace.asked(error.retry_after, action=error.action, subject=error.subject)
            if not failed.free:
                tried += 1
                self._run.try_again(error, tried, requests=REQUESTS, stale=failed.stale)
            session = self._resumed(session)
            if session is None and self._chunks:
                self._run.budget.spend(error, self._chunks)
                self._chunks = 0

    def _has_arrived(self, error: RegistryError) -> bool:
        """Look for the blob; again where a look failed, or a proxy gave up and the registry may still store it."""
        action, subject = self._purpose.action, self._purpose.subject
        may_come = error.code == "timeout" or error.status == 202 or is_gateway(error.status)
        for look in range(LOOKS):
            if look:
                self._run.back_off(look, action=action, subject=subject)
            self._run.budget.spend(error)
            try:
                if self._is_there():
                    return True
                if not may_come:
                    return False
            except RegistryError as problem:
                if not problem.transient:
                    raise error from problem
        return False

    def _resumed(self, session: UploadSession | None) -> UploadSession | None:
        """Ask where an upload is (GET Location); None when it has to begin anew."""
        if session is None:
            return None
        once = not session.offset  # of a whole body few registries keep a part
        call = Call("GET", session.location, self._purpose, self._scopes, self._repository, once=once)
        try:
            answer = self._client.call(call)
        except RegistryError:
            return None
        match = _RANGE.fullmatch(answer.headers.get("Range", ""))
        if answer.status != 204 or match is None:
            return None
        # Several registries count wrongly here; what they say counts only close to the offset that is known.
        end = int(match.group(1)) + 1
        if not session.offset <= end <= self._blob.size or end == 1:
            return None
        location = answer.headers.get("Location")
        return UploadSession(self._locate(session.location, location) if location else session.location, end)

    def _send(self, session: UploadSession) -> None:
        limit = self._client.quirks.largest_body
        if session.offset == 0 and not self._by_patch and (limit is None or self._blob.size <= limit):
            self._send_whole(session)
            return
        try:
            self._send_chunks(session)
        except _Failed as failure:
            if self._refused_put is None or failure.error.status is None or is_retried(failure.error.status):
                raise
            self._by_patch = self._client.quirks.uploads_by_patch  # it did not help
            raise _Failed(self._refused_put) from failure
        self._client.quirks.uploads_by_patch |= self._by_patch

    def _send_whole(self, session: UploadSession) -> None:
        reader = self._open_at(0)
        try:
            body = Body(iter(reader), self._blob.size, self._client.stats, self._purpose.subject)
            try:
                answer = self._request("PUT", self._closing_url(session.location), body, {})
            except _Failed as failure:
                if body.sent >= WORTH_RESUMING and self._client.quirks.resumes and not failure.free:
                    failure.resume = session
                raise
        finally:
            reader.close()
        if not self._blob.size or self._refused_put is not None or not self._takes_no_body(answer):
            self._check_stored(answer)
            return
        self._by_patch = True
        self._refused_put = self._error(answer, passing=answer.status in (400, 404))
        raise _Failed(self._refused_put, free=True)

    def _takes_no_body(self, answer: Answer) -> bool:
        """Return whether a registry may have refused a PUT because it does not look at its body.

        Old versions of Pulp find the digest of nothing, others have no such call or, so it looks, no such session.
        """
        if answer.status == 404:
            self._lost_sessions += 1
            return self._lost_sessions > 1
        codes = read_error(answer.body).codes
        spoilt = answer.status == 400 and not codes.isdisjoint((*SPOILT, "UNSUPPORTED"))
        return answer.status in (405, 501) or (spoilt and self._client.quirks.resumes)

    def _send_chunks(self, session: UploadSession) -> None:
        """Send the blob by one PATCH a chunk, then a PUT without a body (Pushing a blob in chunks)."""
        pieces = Pieces(self._open_at)
        url, offset = session.location, session.offset
        try:
            while offset < self._blob.size:
                length = min(self._client.quirks.largest_body or self._blob.size, self._blob.size - offset)
                body = Body(pieces.take(offset, length), length, self._client.stats, self._purpose.subject)
                self._run.budget.first("chunk", self._purpose.subject, str(offset))
                self._chunks += 1
                headers = {"Content-Range": f"{offset}-{offset + length - 1}"}
                try:
                    answer = self._request("PATCH", url, body, headers)
                    if answer.status not in (200, 201, 202, 204):
                        passing = session.offset > 0 or answer.status in (404, 416)
                        error = self._error(answer, passing=passing)
                        raise _Failed(error, anew=not (is_retried(answer.status) or answer.status == 416))
                except _Failed as failure:
                    failure.maybe_stored = False
                    failure.resume = UploadSession(url, offset) if offset and not failure.anew else None
                    raise
                location = answer.headers.get("Location")
                url = self._locate(url, location) if location else url
                offset += length
        finally:
            pieces.close()
        self._check_stored(self._request("PUT", self._closing_url(url), None, {}))

    def _closing_url(self, location: str) -> str:
        return with_query(location, f"digest={self._blob.digest}")

    def _check_stored(self, answer: Answer) -> None:
        if answer.status not in (200, 201, 204):
            # These also say that it is there and may not be changed, or that it is still being stored.
            maybe = answer.status in (202, 403, 409, 412) or "BLOB_UPLOAD_INVALID" in read_error(answer.body).codes
            raise _Failed(self._error(answer, passing=answer.status in (400, 404, 416)), maybe_stored=maybe)
        said = answer.headers.get("Docker-Content-Digest", "")
        # docker-registry names what it stored by its sha256, whatever it was sent by.
        if said.startswith(f"{self._blob.digest.algorithm}:") and said != str(self._blob.digest):
            error = RegistryError(
                code="digest_mismatch",
                action=self._purpose.action,
                subject=self._purpose.subject,
                cause=f"the registry stored something else: {self._client.shown(said)}",
                transient=True,
                status=answer.status,
            )
            raise _Failed(error)

    def _locate(self, base: str, location: str | None) -> str:
        try:
            return self._client.transport.locate(base, location)
        except Fault as fault:
            raise _Failed(self._client.fault(fault, self._purpose)) from fault

    def _request(self, method: str, url: str, body: Body | None, extra: Mapping[str, str]) -> Answer:
        """Send a request whose body cannot be sent twice.

        :raises _Failed: when it brought no answer, or one that says how to go on
        """
        call = Call(
            method,
            url,
            self._purpose,
            headers={"Content-Type": "application/octet-stream", **extra},
            body=body or b"",
            wait=max(self._run.settings.timeout, min(self._blob.size / SLOWEST_STORE, LONGEST_STORE)),
        )
        self._client.pace.before_request(action=self._purpose.action, subject=self._purpose.subject)
        if body is not None:
            body.prepare()
        need = Need(self._scopes, self._repository, long_body=True)
        try:
            answer, renewed = self._client.auth.send_once(need, partial(self._client.exchange, call))
        except Fault as fault:
            whole = (body is None or body.is_whole) and not fault.connecting
            stale = fault.stale and not whole
            raise _Failed(self._client.fault(fault, self._purpose), maybe_stored=whole, stale=stale) from fault
        if renewed and self._is_free():
            raise _Failed(self._error(answer, passing=True), free=True)
        if answer.status == 413 and body and self._client.quirks.body_refused(len(body)):
            raise _Failed(self._error(answer, passing=True), free=True)
        if is_gateway(answer.status):
            raise _Failed(self._error(answer), maybe_stored=body is None or body.is_whole)
        return answer

    def _is_free(self) -> bool:
        self._free += 1
        return self._free <= MOST_FREE

    def _error(self, answer: Answer, *, passing: bool = False) -> RegistryError:
        """Return the error for an answer; ``passing`` where a new session may mend it."""
        error = self._client.error(Call("PUT", "", self._purpose, repository=self._repository), answer)
        error.transient = error.transient or (passing and error.code not in ("quota_exceeded", "push_denied"))
        error.retry_after = parse_retry_after(answer.headers.get("Retry-After"), time.time())
        return error
