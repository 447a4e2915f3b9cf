# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of Container Registry Enterprise Edition have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .replies import ApiFault
from .world import Instance, World

Answer = dict[str, Any]
Parameters = Mapping[str, Any]


class Part:
    """Serves some calls, each by the method of its name, and gives the answer's fields.

    :param world: what there is; its lock is held while a call is served
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def _instance(self, parameters: Parameters) -> Instance:
        return find_instance(self._world, parameters)


def find_instance(world: World, parameters: Parameters) -> Instance:
    """The instance that a call is about.

    :raises ApiFault: when this region has none of that id
    """
    instance = world.instances.get(parameters["InstanceId"])
    if instance is None or instance.region != world.region:
        raise ApiFault(404, "INSTANCE_NOT_EXIST", "instance is not exist")
    return instance


def page_of(rows: list[Answer], parameters: Parameters, *, default_size: int) -> Answer:
    """One page of a list, under ``rows``, with its number and size."""
    number, size = parameters.get("PageNo", 1), parameters.get("PageSize", default_size)
    if number < 1 or not 1 <= size <= 100:
        raise ApiFault(400, "InvalidPageSize", f"page {number} of {size}")
    return {"rows": rows[(number - 1) * size : number * size], "PageNo": number, "PageSize": size}
