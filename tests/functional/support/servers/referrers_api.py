# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The referrers API of a registry (distribution-spec 1.1), as answers of a scripted one.

registry.answer = ReferrersApi(registry, page=1)
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ..scenes.images import OCI_INDEX
from .scripted_registry import Kept, Reply, Request, ScriptedRegistry, refusal

_LIST = re.compile(r"/v2/(.+)/referrers/([^/]+)")
_PUT = re.compile(r"/v2/(.+)/manifests/([^/]+)")


@dataclass
class ReferrersApi:
    """Answers for lists of referrers, and for pushes of manifests with a subject.

    :ivar page: entries on a page; 0 for all on one
    :ivar filters: whether it filters by ``artifactType`` itself
    :ivar needs_subject: refuse a manifest whose subject is not there
    :ivar refuses: the artifact types that it does not take
    """

    registry: ScriptedRegistry
    page: int = 0
    filters: bool = True
    needs_subject: bool = False
    refuses: tuple[str, ...] = ()

    def __call__(self, request: Request) -> Reply | None:
        """Return the answer; None for what has nothing to do with referrers."""
        found = _LIST.fullmatch(request.path)
        if found and request.method == "GET":
            return self._list(request, found[1], found[2])
        found = _PUT.fullmatch(request.path)
        return self._put(request, found[1]) if found and request.method == "PUT" else None

    def _list(self, request: Request, path: str, digest: str) -> Reply:
        kept = self.registry.repositories.get(path, Kept())
        entries = [_entry(one, *kept.manifests[one]) for one in sorted(kept.manifests)]
        entries = [entry for entry in entries if entry.pop("subject") == digest]
        headers = {"Content-Type": OCI_INDEX}
        if self.filters and "artifactType" in request.query:
            entries = [entry for entry in entries if entry["artifactType"] == request.query["artifactType"]]
            headers["OCI-Filters-Applied"] = "artifactType"
        start = int(request.query.get("from", "0"))
        end = start + self.page if self.page else len(entries)
        if end < len(entries):
            headers["Link"] = f'</v2/{path}/referrers/{digest}?from={end}>; rel="next"'
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries[start:end]}
        return Reply(200, json.dumps(index).encode(), headers)

    def _put(self, request: Request, path: str) -> Reply | None:
        document = json.loads(request.body)
        if document.get("artifactType") in self.refuses:
            return refusal(400, "MANIFEST_INVALID", "unknown manifest class for its artifact type")
        subject = (document.get("subject") or {}).get("digest")
        if subject is None:
            return None
        if self.needs_subject and subject not in self.registry.repository(path).manifests:
            return refusal(404, "MANIFEST_UNKNOWN", "the subject is not there")
        put = self.registry.ordinary(request)
        return Reply(put.status, put.body, {**put.headers, "OCI-Subject": subject})


def _entry(digest: str, raw: bytes, media_type: str) -> dict[str, Any]:
    document = json.loads(raw)
    kind = document.get("artifactType") or (document.get("config") or {}).get("mediaType", "")
    subject = (document.get("subject") or {}).get("digest")
    return {"mediaType": media_type, "digest": digest, "size": len(raw), "artifactType": kind, "subject": subject}
