# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do when an instance's registry fails or refuses: which module or option does it. No I/O."""

from __future__ import annotations

from ..._oci.errors import OUT_OF_REACH, RegistryError

_RIGHT = "imageops.registry.ram_policy and imageops.registry.ram_user_policy"
_SWITCHED_OFF = (
    "its endpoint may be off: imageops.registry.acr_endpoint turns the public one on, and "
    "imageops.registry.acr_instance_info tells the host names that there are; or the name or its region is misspelt"
)
_SHUT_OUT = (
    "this machine may not be on the allow list of the public endpoint: put its address there with "
    "imageops.registry.acr_endpoint_acl; if the endpoint is off, imageops.registry.acr_endpoint turns it on. Both also "
    "show as a connection that is closed without an answer"
)
_INSIDE = (
    "this host is reached only from a VPC that is linked to the instance; from elsewhere use the public one, which "
    "imageops.registry.acr_instance_info tells and imageops.registry.acr_endpoint turns on"
)
_MAKE = (
    "make the namespace with imageops.registry.acr_namespace (with auto_create_repo: true a push makes the repository) "
    "or the repository with imageops.registry.acr_repository"
)
_BY_CODE = {
    "push_denied": (
        "make the namespace (imageops.registry.acr_namespace with auto_create_repo: true, so that a push makes the "
        "repository) or the repository (acr_repository); or give the user cr:PushRepository and cr:CreateRepository "
        "with imageops.registry.ram_policy; a right given a minute ago may not count yet (acr.settle); or the quota of "
        "repositories is used up"
    ),
    "pull_denied": f"check the name, or give the user the right cr:PullRepository with {_RIGHT}",
    "destination_missing": _MAKE,
    "immutable_tag": (
        "leave the tag out, or set overwrite: skip; tag_immutability of imageops.registry.acr_repository says whether "
        "its tags may change"
    ),
    "quota_exceeded": (
        "remove what is not needed, or have the instance's quota raised; imageops.registry.acr_instance_info tells "
        "quotas and use"
    ),
}


def advice_on_the_way(host: str, *, unresolved: bool) -> str:
    """Return what to do when an instance's registry cannot be reached.

    :param unresolved: its name has no address
    """
    if host.partition(".")[0].endswith("-vpc"):
        return _INSIDE
    return _SWITCHED_OFF if unresolved else _SHUT_OUT


def advice(error: RegistryError, *, managed: bool) -> str:
    """Return what to do about an error of an instance's registry; empty where its own hint is as good.

    :param managed: whether logins are fetched by the instance's API (``acr`` of an entry of ``registries``)
    """
    host = error.registry
    is_shut = error.code == "connection_failed" and error.hint in ("", OUT_OF_REACH)  # another hint is a proxy's
    if is_shut or error.code in ("timeout", "registry_down"):
        return advice_on_the_way(host, unresolved=error.unresolved)
    fetched = f"acr: {{instance_id: ..., region: ...}} in the entry of {host} in registries"
    if error.code == "no_credentials":
        return f"set {fetched}, by which logins are fetched and renewed, or username and password"
    if error.code == "bad_credentials" and managed:
        return (
            f"the logins are of another instance: correct {fetched}; imageops.registry.acr_instance_info with "
            f"registry: {host} tells both"
        )
    if error.code == "bad_credentials":
        return (
            f"a temporary login ends after an hour: set {fetched} instead of username and password, and they are "
            "fetched and renewed in time; imageops.registry.acr_login_password sets a fixed password"
        )
    return _BY_CODE.get(error.code, "")
