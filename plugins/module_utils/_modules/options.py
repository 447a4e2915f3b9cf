# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's options → the types that the rest works with.

What concerns one registry may stand in several entries of ``registries``: credentials belong to the entry's own prefix,
everything else to its host. So nothing there has a default, and what is given twice must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._oci.client.retry import RetryPolicy
from .._oci.client.run import Ranges, Settings
from .._oci.credentials.provider import Credential
from .._oci.errors import InputError
from .._oci.image.reference import parse_prefix, quoted
from .registry_entries import RegistryEntry, check_instance

if TYPE_CHECKING:
    from .._oci.http.transport import Access

OnSecret = Callable[[str], None]

_CONNECTION = (
    "validate_certs",
    "plain_http",
    "ca_path",
    "ca",
    "client_cert",
    "client_key",
    "proxy",
    "concurrency",
    "requests_per_second",
)
_CERTIFICATES = ("ca_path", "ca", "client_cert", "client_key")
_MOST = 1_000_000
_SECURITY = ("validate_certs", "plain_http", "ca_path", "ca")


def registry_entries(items: Sequence[Mapping[str, Any]], on_secret: OnSecret) -> list[RegistryEntry]:
    """Check the option ``registries``; the arguments' types are right already.

    :raises InputError: for what cannot be meant, files that are not there included
    """
    return [_entry(item, f"registries[{position}]", on_secret) for position, item in enumerate(items)]


def accesses(entries: Iterable[RegistryEntry], insecure_keys: Iterable[str] = ()) -> dict[str, Access]:
    """Return how to reach each host that an entry or a key is about.

    :param insecure_keys: the keys of image-syncer credentials with ``insecure``; they count for hosts about whose
        security no entry says anything
    :raises InputError: when two entries of one host contradict each other
    """
    merged: dict[str, dict[str, Any]] = {}
    origins: dict[tuple[str, str], str] = {}
    for entry in entries:
        known = merged.setdefault(entry.registry, {})
        for option, value in entry.connection.items():
            if known.setdefault(option, value) != value:
                raise InputError(
                    subject=f"{option} of {entry.origin}",
                    cause=f"{origins[entry.registry, option]} says otherwise for the same host {entry.registry}",
                    hint="connection options are a host's: give each of them once",
                )
            origins.setdefault((entry.registry, option), entry.origin)
        if entry.acr is not None:
            known["settle"] = entry.acr["settle"]
    for known in merged.values():
        _check_files(known)
    for key in insecure_keys:
        known = merged.setdefault(parse_prefix(key)[0], {})
        if not any(option in known for option in _SECURITY):
            known["insecure"] = True
    if not merged:
        return {}
    from .._oci.http.transport import Access  # what the client of a registry needs, too

    return {host: Access(host, **known) for host, known in merged.items()}


def settings(params: Mapping[str, Any]) -> Settings:
    """Return time-out, retry delay, concurrency and ranges of requests. Raise InputError for a number that is none."""
    return Settings(
        timeout=at_least("timeout", params["timeout"], 0.1),
        retry=RetryPolicy(backoff=at_least("retry_delay", params["retry_delay"], 0)),
        concurrency=int(at_least("concurrency", params.get("concurrency", Settings.concurrency), 1)),
        ranges=Ranges(connections=params.get("ranges", Ranges.connections)),
    )


def _entry(item: Mapping[str, Any], origin: str, on_secret: OnSecret) -> RegistryEntry:
    for option in ("password", "identity_token"):
        on_secret(item[option] or "")
    if item["proxy"]:
        from .._oci.http.proxies import Proxies, proxy_secrets  # loads ssl

        Proxies(item["proxy"], {})
        for secret in proxy_secrets(item["proxy"]):
            on_secret(secret)
    try:
        registry, path = parse_prefix(item["registry"])
    except InputError as error:
        raise InputError(
            subject=f"registry {quoted(item['registry'])} of {origin}", cause=error.cause, hint=error.hint
        ) from None
    entry = RegistryEntry(
        origin,
        registry,
        path,
        _credential(item, f"{origin} ({quoted(item['registry'])})"),
        {option: item[option] for option in _CONNECTION if item[option] is not None},
        item["acr"],
    )
    _check_connection(entry)
    check_instance(entry, on_secret)
    return entry


def _credential(item: Mapping[str, Any], subject: str) -> Credential | None:
    """Return the entry's credential; whether it is complete is checked where credentials are collected."""
    credential = Credential(
        username=item["username"] or "", password=item["password"] or "", identity_token=item["identity_token"] or ""
    )
    if credential.password and credential.identity_token:
        raise InputError(subject=subject, cause="it has a password and an identity_token", hint="give one of the two")
    return None if credential.is_empty else credential


def _check_connection(entry: RegistryEntry) -> None:
    given = entry.connection
    if "concurrency" in given:
        at_least(f"concurrency of {entry.origin}", given["concurrency"], 1)
    if "requests_per_second" in given:
        at_least(f"requests_per_second of {entry.origin}", given["requests_per_second"], 0.001)
    if "client_key" in given and "client_cert" not in given:
        raise InputError(
            subject=entry.origin,
            cause="it has a client_key without a client_cert",
            hint="give both, or client_cert alone",
        )


def _check_files(known: Mapping[str, Any]) -> None:
    """Read certificates and keys once, before a registry is contacted."""
    if any(option in known for option in _CERTIFICATES):
        from .._oci.http.tls import check_files

        check_files(**{option: known.get(option) for option in _CERTIFICATES})


def at_least(name: str, value: float, least: float) -> float:
    """Return the number; raise InputError when it is smaller, not a number, or more than any clock can count."""
    if least <= value <= _MOST:
        return value
    cause = "it is too large" if value > _MOST else "it is too small"
    raise InputError(subject=f"{name} {value}", cause=cause, hint=f"write a number from {least} to {_MOST}")
