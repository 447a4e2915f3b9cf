# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the credentials that were given are those that the rules need: a wrong host name shows before any contact."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from .._oci.credentials import CredentialProvider, Given, without_credentials
from .._oci.errors import InputError
from .rules import Rule


def check_use(
    rules: Sequence[Rule],
    *,
    from_task: Given,
    from_file: Given,
    credentials: CredentialProvider,
    described: Collection[str],
    warn: Callable[[str], None],
) -> None:
    """Look for credentials that no rule uses while a destination has none.

    Few registries let anyone write. So unused credentials in a file, which was written for these rules, are taken for a
    mistake. Those of a task may come from defaults that many tasks share, and are worth a warning.

    :param credentials: all of them, docker's included
    :param described: registries that the task says something about, and so means to use as they are
    :raises InputError: naming the registries without credentials and the credentials without use
    """
    destinations = {(place.registry, place.repository) for rule in rules for place in rule.destinations}
    names = destinations | {(rule.source.registry, rule.source.repository) for rule in rules}
    if not destinations or not (from_file.unused(names) or from_task.unused(names)):
        return
    lacking = [host for host in without_credentials(credentials, destinations) if host not in described]
    if not lacking:
        return
    cause = "there are no credentials for {}, and those for {} are used by no image"
    hosts, unused = ", ".join(lacking), from_file.unused(names)
    if unused:
        raise InputError(
            action="copy to",
            subject=hosts,
            cause=cause.format("it" if len(lacking) == 1 else "them", ", ".join(unused)),
            hint="correct the host name where it is wrong: in the images or defaults, or in the credentials",
        )
    warn(cause.format(hosts, ", ".join(from_task.unused(names))))
