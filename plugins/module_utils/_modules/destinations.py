# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which namespaces the destinations of some images are in, found from the sources alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from .._oci.errors import ImageOpsError
from .._oci.image.places import place_of
from .connections import connector
from .inputs import Inputs, read_inputs

if TYPE_CHECKING:
    from .._sync.rules.rule import Rule
    from .._sync.vendors import Vendors
    from .task import Task

_Namespace = tuple[str, str]


def describe_destinations(task: Task) -> NoReturn:
    """Run the module ``registry_destination_info`` and end it with its result."""
    task.need_libraries()
    try:
        namespaces = _namespaces(read_inputs(task))
    except ImageOpsError as error:
        task.refuse(error)
    task.succeed({"changed": False, "namespaces": namespaces})


def _namespaces(inputs: Inputs) -> list[dict[str, Any]]:
    from .._sync.plan.discover import Discovery
    from .._sync.vendors import Vendors
    from .._sync.work.stores import Stores

    stores = Stores(connector(inputs.accesses, inputs.credentials, inputs.run))
    vendors = Vendors(stores, inputs.managed)
    try:
        expansion = Discovery(stores, vendors, log=inputs.run.log).expand(inputs.rules)
        for _rule, error in expansion.failures:
            raise error
        return _described(expansion.rules, vendors)
    except ImageOpsError as error:
        vendors.advise(error)
        raise
    finally:
        stores.close()
        vendors.close()


def _described(rules: Iterable[Rule], vendors: Vendors) -> list[dict[str, Any]]:
    """Return each namespace with the namespaces that its images come from, in the order of the names."""
    sources: dict[_Namespace, set[_Namespace]] = {}
    for rule in rules:
        source = (rule.source.registry, _first(rule.source.repository))
        for destination in rule.destinations:
            if "/" in destination.repository and place_of(destination.registry) is None:
                sources.setdefault((destination.registry, _first(destination.repository)), set()).add(source)
    public = {source: _is_public(source, vendors) for source in set().union(*sources.values())} if sources else {}
    return [
        {
            "registry": registry,
            "name": name,
            "sources": sorted("/".join(source) for source in of_it),
            "public_sources": sorted("/".join(source) for source in of_it if public[source]),
        }
        for (registry, name), of_it in sorted(sources.items())
    ]


def _is_public(source: _Namespace, vendors: Vendors) -> bool:
    host, namespace = source
    return bool(vendors.ask(host).is_public(namespace))


def _first(repository: str) -> str:
    return repository.partition("/")[0]
