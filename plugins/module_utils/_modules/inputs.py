# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options about images and registries, and the files that they name → rules, credentials, ways to reach hosts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._oci.client.run import Run
from .._oci.credentials.provider import Chain, Credential, Given
from .._sync.rules.backup_names import parse_backup
from .._sync.rules.files.unused_credentials import check_use, usable_logins
from .._sync.rules.rule_parser import Rule, check_rules, parse_entries, parse_rules
from . import options as task_options
from .connections import context, docker_config, given_credentials
from .registry_entries import managed_registries

if TYPE_CHECKING:
    from .._acr.registry.managed_registry import ManagedRegistry
    from .._oci.credentials.provider import CredentialProvider
    from .._oci.http.transport import Access
    from .._sync.rules.files.image_syncer import AuthEntry
    from .task import Task


class Inputs(NamedTuple):
    """What the options about images and registries say.

    :ivar accesses: how to reach each host that something is said about
    :ivar credentials: those of the task, of its files and of docker's configuration
    :ivar managed: the registries whose instance of ACR can be asked
    """

    rules: Sequence[Rule]
    accesses: dict[str, Access]
    credentials: CredentialProvider
    managed: dict[str, ManagedRegistry]
    run: Run


def read_inputs(task: Task) -> Inputs:
    """Check the options about images and registries, and read the files that they name.

    :raises ImageOpsError: for what cannot be meant
    """
    entries = task_options.registry_entries(task.params["registries"], task.secrets.add)
    auth, rules = _read_rules(task.params, task.warn)
    check_rules(rules)
    from_task = given_credentials(entries, task)
    auth = usable_logins(auth, rules, warn=task.warn)
    from_file = Given(
        [(entry.key, Credential.of(entry.username, entry.password)) for entry in auth if entry.username],
        on_secret=task.secrets.add,
    )
    docker = docker_config(task)
    accesses = task_options.accesses(entries, [entry.key for entry in auth if entry.insecure])
    check_use(
        rules,
        from_task=from_task,
        from_file=from_file,
        credentials=Chain([from_task, from_file, *docker]),
        described=accesses,
        warn=task.warn,
    )
    run = context(task)
    managed = managed_registries(entries, run)
    credentials = Chain([from_task, *managed.values(), from_file, *docker])
    return Inputs(rules, accesses, credentials, managed, run)


def _read_rules(params: dict[str, Any], warn: Callable[[str], None]) -> tuple[Sequence[AuthEntry], list[Rule]]:
    """Return the rules of the task and of its files, and the credentials in the files."""
    defaults: dict[str, Any] = {name: params[name] for name in ("default_registry", "default_namespace", "platforms")}
    defaults["backup"] = parse_backup(params.get("backup"), params.get("backup_keep"))
    rules = parse_rules(params["images"], **defaults)
    if not any(params[name] for name in ("config", "auth_file", "images_file")):
        return [], rules
    from .._sync.rules.files.image_syncer import load_auth, load_combined, load_images

    auth: Sequence[AuthEntry] = []
    items: Sequence[tuple[str, object]] = []
    if params["config"]:
        auth, items = load_combined(params["config"], warn=warn)
    if params["auth_file"]:
        auth = load_auth(params["auth_file"], env=os.environ, warn=warn)
    if params["images_file"]:
        items = load_images(params["images_file"], env=os.environ)
    return auth, [*rules, *parse_entries(items, **defaults)]
