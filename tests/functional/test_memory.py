# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory does not depend on how large blobs are or how many are in flight."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.scenes.modules import module, registry_option
from support.servers.synthetic import GIB, MIB, RepeatedBlob, synthetic_sink, synthetic_source

LIMIT = 64 * MIB
# As large as layers get, and more than 32 bits can count; and together ten times the limit.
SHAPES = {
    "one-of-8-gib": [RepeatedBlob(0, 8 * GIB)],
    "ten-of-64-mib": [RepeatedBlob(byte, 64 * MIB) for byte in range(10)],
    "one-of-256-mib": [RepeatedBlob(0, 256 * MIB)],
}


@pytest.mark.parametrize(("shape", "ranges"), [("one-of-8-gib", 1), ("ten-of-64-mib", 4), ("one-of-256-mib", 4)])
def test_memory_stays_flat(shape: str, ranges: int, tmp_path: Path) -> None:
    layers = SHAPES[shape]
    for name in ("source", "sink"):
        (tmp_path / name).mkdir()
    with synthetic_source(tmp_path / "source", {"1.0": layers}) as source, synthetic_sink(tmp_path / "sink") as sink:
        options = {
            "images": [{"source": f"{source.host}/a/b:1.0", "destination": f"{sink.host}/a/b"}],
            "registries": [registry_option(source.endpoint), registry_option(sink.endpoint)],
            "ranges": ranges,
        }
        with module("registry_image_sync", options, home=tmp_path) as running:
            ended = running.end()

        assert ended.code == 0, ended.text
        assert ended.result["summary"]["bytes"] >= sum(layer.size for layer in layers)
        assert sink.bytes_moved() >= sum(layer.size for layer in layers)
        assert ended.result["registries"][source.host]["ranges"] == (128 if shape == "one-of-256-mib" else 0)
        assert ended.memory < LIMIT
