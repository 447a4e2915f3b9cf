# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specifications of the modules for registries, which the doc fragments mirror."""

from __future__ import annotations

from enum import Enum
from typing import Any

from .._sync.decisions import (
    Bulk,
    LockMissing,
    LockMode,
    OnError,
    Overwrite,
    ReturnImages,
    UnsupportedArtifacts,
    Verify,
)
from .registry_entries import instance_spec


def registry_spec() -> dict[str, Any]:
    """Return the options that every module of the action group has; the doc fragment ``registry``."""
    entry = {
        "registry": {"type": "str", "required": True},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "identity_token": {"type": "str", "no_log": True},
        "validate_certs": {"type": "bool"},
        "plain_http": {"type": "bool"},
        "ca_path": {"type": "path"},
        "ca": {"type": "str"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path", "no_log": False},
        "proxy": {"type": "str", "no_log": True},
        "concurrency": {"type": "int"},
        "requests_per_second": {"type": "float"},
        "acr": {"type": "dict", "options": instance_spec()},
    }
    return {
        "registries": {"type": "list", "elements": "dict", "default": [], "options": entry},
        "docker_config": {"type": "path"},
        "timeout": {"type": "float", "default": 60.0},
        "retry_delay": {"type": "float", "default": 1.0},
    }


def sync_spec() -> dict[str, Any]:
    """Return the options of ``registry_image_sync``.

    ``images`` has several forms, and the keys of an item are not listed: an unknown one is refused by the rules, which
    can say what was meant.
    """
    return {
        **registry_spec(),
        **_rules_spec(),
        "concurrency": {"type": "int", "default": 10},
        "bandwidth_limit": {"type": "bytes"},
        "ranges": {"type": "int", "choices": [1, 2, 3, 4], "default": 1},
        "max_runtime": {"type": "float"},
        "retries": {"type": "int", "default": 3},
        "on_error": {"type": "str", "choices": _words(OnError), "default": "continue"},
        "overwrite": {"type": "str", "choices": _words(Overwrite)},
        "rewrite": {"type": "bool", "default": False},
        "plan": {"type": "path"},
        "plan_sha256": {"type": "str"},
        "plan_max_age": {"type": "float", "default": 7.0},
        "lock_path": {"type": "path"},
        "lock": {"type": "str", "choices": _words(LockMode)},
        "lock_missing": {"type": "str", "choices": _words(LockMissing), "default": "skip"},
        "backup": {"type": "str"},
        "backup_keep": {"type": "int"},
        "bundle_base": {"type": "list", "elements": "path", "default": []},
        "archive_size": {"type": "bytes"},
        "shard": {"type": "dict", "options": _shard_spec()},
        "bulk": {"type": "str", "choices": _words(Bulk), "default": "auto"},
        "foreign_layers": {"type": "bool", "default": False},
        "unsupported_artifacts": {"type": "str", "choices": _words(UnsupportedArtifacts), "default": "fail"},
        "referrers": {"type": "raw", "default": True},
        "referrers_required": {"type": "bool", "default": False},
        "return_images": {"type": "str", "choices": _words(ReturnImages), "default": "changed"},
        "report_path": {"type": "raw"},
        "report_language": {"type": "str", "choices": ["en", "zh"], "default": "en"},
        "report_by": {"type": "str"},
        "rerun_path": {"type": "path"},
        "log_path": {"type": "path"},
        "progress": {"type": "float", "default": 5.0},
        "lease": {"type": "float", "default": 60.0},
    }


def supervised_sync_spec() -> dict[str, Any]:
    """Return the options of ``registry_image_sync`` with the one that the action plugin gives, and not the user."""
    return {**sync_spec(), "controller": {"type": "dict"}}


def _shard_spec() -> dict[str, Any]:
    return {
        "index": {"type": "int", "required": True},
        "count": {"type": "int", "required": True},
        "by": {"type": "str", "choices": ["repository", "tag"], "default": "repository"},
        "with_destinations": {"type": "bool", "default": False},
    }


def _words(choices: type[Enum]) -> list[str]:
    return [choice.value for choice in choices]


def rules_constraints() -> dict[str, Any]:
    """Return which options for rules go together."""
    return {
        "required_one_of": [("images", "config", "images_file")],
        "mutually_exclusive": [("config", "auth_file"), ("config", "images_file")],
        "required_together": [("default_registry", "default_namespace")],
    }


def sync_constraints() -> dict[str, Any]:
    """Return which options of ``registry_image_sync`` go together."""
    rules = rules_constraints()
    return {**rules, "required_together": [*rules["required_together"], ("lock_path", "lock")]}


def _rules_spec() -> dict[str, Any]:
    """Return the options for rules, which ``registry_destination_info`` shares with ``registry_image_sync``."""
    return {
        "images": {"type": "raw"},
        "config": {"type": "path"},
        "auth_file": {"type": "path"},
        "images_file": {"type": "path"},
        "default_registry": {"type": "str"},
        "default_namespace": {"type": "str"},
        "platforms": {"type": "list", "elements": "str"},
    }


def destination_info_spec() -> dict[str, Any]:
    """Return the options of ``registry_destination_info``; :func:`rules_constraints` applies to them."""
    return {**registry_spec(), **_rules_spec()}


def info_spec() -> dict[str, Any]:
    """Return the options of ``registry_image_info``."""
    return {
        **registry_spec(),
        "images": {"type": "list", "elements": "str", "required": True},
        "tags": {"type": "dict"},
        "details": {"type": "bool", "default": True},
        "referrers": {"type": "bool", "default": False},
        "verify": {"type": "str", "choices": _words(Verify)},
    }


def tag_spec() -> dict[str, Any]:
    """Return the options of ``registry_image_tag``."""
    return {
        **registry_spec(),
        "image": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "digest": {"type": "str"},
        "from_tag": {"type": "str"},
    }
