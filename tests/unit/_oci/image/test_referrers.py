# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of referrers under a tag."""

from __future__ import annotations

import json

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ContentError
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.manifest import Descriptor, parse_manifest
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.media_types import OCI_INDEX, OCI_MANIFEST
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.reference import Digest, check_tag
from ansible_collections.imageops.registry.plugins.module_utils._oci.image.referrers import fallback_tag, with_referrer

FIRST = Descriptor(OCI_MANIFEST, Digest.of(b"1"), 1, artifact_type="application/x", annotations=(("k", "v"),))
SECOND = Descriptor(OCI_MANIFEST, Digest.of(b"2"), 2)


def test_the_tag_is_one() -> None:
    digest = Digest.of(b"x", "sha512")
    assert check_tag(fallback_tag(digest)) == f"sha512-{digest.encoded[:64]}"


def test_entries_are_added_once_and_in_order() -> None:
    first = with_referrer(None, FIRST)
    assert first is not None
    second = with_referrer(first, SECOND)
    assert second is not None
    assert second.media_type == OCI_INDEX
    assert second.children == (FIRST, SECOND)
    assert with_referrer(second, FIRST) is None


def test_what_others_wrote_into_the_list_stays() -> None:
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "x-theirs": {"a": 1}}).encode()
    index = with_referrer(parse_manifest(raw, OCI_INDEX), SECOND)
    assert index is not None
    assert json.loads(index.raw)["x-theirs"] == {"a": 1}


def test_an_image_under_that_tag_is_not_overwritten() -> None:
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": str(Digest.of(b"{}")), "size": 2}
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}).encode()
    with pytest.raises(ContentError) as caught:
        with_referrer(parse_manifest(raw, OCI_MANIFEST), SECOND)
    assert caught.value.code == "conflict"
