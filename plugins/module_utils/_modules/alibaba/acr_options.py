# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for Alibaba Cloud: their specifications, mirrored by the doc fragment ``acr``, and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._acr.api.service import ServerAccess, Service, ram_service, registry_service
from ..._acr.credentials.environment import Environment
from ..._acr.ram.policy_document import PUSH_ACTIONS
from ..._acr.resources.resource import Wait
from ..._oci.client.retry import RetryPolicy
from ..._oci.client.run import Settings
from ..._oci.errors import InputError
from .key_options import credential_spec

_ATTEMPTS = 6


def acr_spec() -> dict[str, Any]:
    """Return what every module of the action group takes; the doc fragment ``acr``."""
    return {
        **credential_spec(),
        "region": {"type": "str"},
        "network": {"type": "str", "choices": ["public", "vpc"], "default": "public"},
        "endpoint": {"type": "str"},
        "ram_endpoint": {"type": "str"},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "ca": {"type": "str"},
        "proxy": {"type": "str", "no_log": True},
        "timeout": {"type": "float", "default": 30.0},
        "retry_delay": {"type": "float", "default": 1.0},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "float", "default": 600.0},
        "wait_interval": {"type": "float", "default": 3.0},
    }


def instance_spec() -> dict[str, Any]:
    """Return the same for modules that work on one instance; the doc fragment ``acr.instance``."""
    return {**acr_spec(), "instance_id": {"type": "str", "required": True}}


def instance_info_spec() -> dict[str, Any]:
    """Return the options of ``acr_instance_info``."""
    return {
        **acr_spec(),
        "instance_id": {"type": "str"},
        "name": {"type": "str"},
        "registry": {"type": "str"},
        "namespaces": {"type": "bool", "default": False},
    }


def namespace_spec() -> dict[str, Any]:
    """Return the options of ``acr_namespace``."""
    return {
        **instance_spec(),
        "name": {"type": "str", "required": True},
        "state": _STATE,
        "auto_create_repo": {"type": "bool"},
        "default_repo_type": {"type": "str", "choices": ["PRIVATE", "PUBLIC"]},
        "tag_immutability": {"type": "bool"},
        "force": {"type": "bool", "default": False},
    }


def repository_spec() -> dict[str, Any]:
    """Return the options of ``acr_repository``."""
    return {
        **instance_spec(),
        "namespace": {"type": "str"},
        "name": {"type": "str"},
        "repositories": {"type": "list", "elements": "str"},
        "create": {"type": "bool", "default": True},
        "state": _STATE,
        "repo_type": {"type": "str", "choices": ["PRIVATE", "PUBLIC"]},
        "summary": {"type": "str"},
        "tag_immutability": {"type": "bool"},
        "force": {"type": "bool", "default": False},
    }


def endpoint_spec() -> dict[str, Any]:
    """Return the options of ``acr_endpoint``."""
    return {
        **instance_spec(),
        "component": _COMPONENT,
        "state": {"type": "str", "choices": ["enabled", "disabled"], "default": "enabled"},
    }


def endpoint_acl_spec() -> dict[str, Any]:
    """Return the options of ``acr_endpoint_acl``."""
    entry = {"entry": {"type": "str", "required": True}, "comment": {"type": "str"}}
    return {
        **instance_spec(),
        "component": _COMPONENT,
        "entries": {"type": "list", "elements": "dict", "required": True, "options": entry},
        "state": _STATE,
        "purge": {"type": "bool", "default": False},
        "allow_unrestricted": {"type": "bool", "default": False},
    }


def login_password_spec() -> dict[str, Any]:
    """Return the options of ``acr_login_password``."""
    return {
        **instance_spec(),
        "password": {"type": "str", "required": True, "no_log": True},
        "username": {"type": "str"},
        "registry": {"type": "str"},
        "update_password": {
            "type": "str",
            "choices": ["on_refusal", "always"],
            "default": "on_refusal",
            "no_log": False,
        },
    }


def authorization_token_spec() -> dict[str, Any]:
    """Return the options of ``acr_authorization_token``."""
    return {**instance_spec(), "expires_in_hours": {"type": "int"}}


def ram_user_spec() -> dict[str, Any]:
    """Return the options of ``ram_user``."""
    return {
        **acr_spec(),
        "name": {"type": "str", "required": True},
        "state": _STATE,
        "display_name": {"type": "str"},
        "comments": {"type": "str"},
    }


def ram_policy_spec() -> dict[str, Any]:
    """Return the options of ``ram_policy``."""
    push = {
        "instance_id": {"type": "str", "required": True},
        "namespaces": {"type": "list", "elements": "str", "required": True},
        "actions": {"type": "list", "elements": "str", "default": list(PUSH_ACTIONS)},
    }
    return {
        **acr_spec(),
        "name": {"type": "str", "required": True},
        "state": _STATE,
        "description": {"type": "str"},
        "document": {"type": "dict"},
        "acr": {"type": "dict", "options": push},
    }


def ram_user_policy_spec() -> dict[str, Any]:
    """Return the options of ``ram_user_policy``."""
    return {
        **acr_spec(),
        "user": {"type": "str", "required": True},
        "policy": {"type": "str", "required": True},
        "policy_type": {"type": "str", "choices": ["Custom", "System"], "default": "Custom"},
        "state": _STATE,
    }


def ram_access_key_spec() -> dict[str, Any]:
    """Return the options of ``ram_access_key``."""
    return {
        **acr_spec(),
        "user": {"type": "str", "required": True},
        "secret_file": {"type": "path", "required": True, "no_log": False},
        "state": _STATE,
        "rotate": {"type": "bool", "default": False},
    }


def server_access(params: Mapping[str, Any]) -> ServerAccess:
    """Return how servers are reached."""
    return ServerAccess(
        validate_certs=params["validate_certs"], ca_path=params["ca_path"], ca=params["ca"], proxy=params["proxy"]
    )


def settings(params: Mapping[str, Any]) -> Settings:
    """Return how patient a client is.

    :raises InputError: for a time that makes no sense
    """
    _check_positive(params, "timeout")
    return Settings(timeout=params["timeout"], retry=RetryPolicy(attempts=_ATTEMPTS, backoff=params["retry_delay"]))


def wait(params: Mapping[str, Any]) -> Wait:
    """Return how changes are waited for.

    :raises InputError: for a time that makes no sense
    """
    _check_positive(params, "wait_interval")
    return Wait(enabled=params["wait"], timeout=params["wait_timeout"], interval=params["wait_interval"])


def region(params: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """Return the region that is given, or the environment's."""
    return params["region"] or Environment(environ).region()


def registry_api(params: Mapping[str, Any], region_name: str | None) -> Service:
    """Return where the container registry's API is.

    :raises InputError: when nothing says it
    """
    return registry_service(region=region_name, network=params["network"], endpoint=params["endpoint"])


def ram_api(params: Mapping[str, Any]) -> Service:
    """Return where RAM's API is."""
    return ram_service(network=params["network"], endpoint=params["ram_endpoint"])


def _check_positive(params: Mapping[str, Any], name: str) -> None:
    if params[name] <= 0:
        raise InputError(subject=f"{name} {params[name]:g}", cause="it is a number of seconds above 0")


_COMPONENT = {"type": "str", "choices": ["registry", "chart"], "default": "registry"}
_STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}
