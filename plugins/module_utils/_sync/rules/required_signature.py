# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``require_signature``: the keys and authorities by which an image must be signed to be copied. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._oci.errors import InputError
from ..decisions import OnMissing
from .user_input import Field, check_keys, nearest

_OPTION = "require_signature"
_KEYS = ("keys", "certificates", "on_missing")
_FORM = "write {keys: [...]}, with the texts of public keys in PEM form"


class RequiredSignature(NamedTuple):
    """What an image must be signed by. One good signature is enough.

    :ivar keys: public keys in PEM form, for cosign's signatures
    :ivar certificates: of authorities, in PEM form, for notation's signatures
    :ivar on_missing: what is done with an image that has no signature
    """

    keys: tuple[str, ...]
    certificates: tuple[str, ...]
    on_missing: OnMissing = OnMissing.FAIL

    def as_option(self) -> dict[str, Any]:
        """Return it as it is written in a rule."""
        found = {"keys": list(self.keys), "certificates": list(self.certificates), "on_missing": self.on_missing.value}
        return {name: value for name, value in found.items() if value}


def parse_required_signature(value: object, origin: str) -> RequiredSignature | None:
    """Return what an option says; None when it says nothing.

    :param value: a mapping with ``keys``, ``certificates`` and ``on_missing``
    :param origin: where it stands, as messages say it: ``images[0]``
    :raises InputError: for anything else, for what is no key or certificate, and where cryptography is not installed
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InputError(subject=f"the {_OPTION} of {origin}", cause="it is not a mapping", hint=_FORM)
    check_keys(value, _KEYS, f"the {_OPTION} of {origin}")
    keys, certificates = (_texts(value.get(name), name, origin) for name in ("keys", "certificates"))
    if not keys and not certificates:
        raise InputError(subject=f"the {_OPTION} of {origin}", cause="it has neither keys nor certificates", hint=_FORM)
    from ..._oci.signatures.keys import load_certificates, load_key, need_cryptography  # few rules have keys

    need_cryptography(_OPTION)
    for number, text in enumerate(keys):
        load_key(text, f"{origin}.{_OPTION}.keys[{number}]")
    for number, text in enumerate(certificates):
        load_certificates(text, f"{origin}.{_OPTION}.certificates[{number}]")
    return RequiredSignature(keys, certificates, _on_missing(value.get("on_missing"), origin))


def _texts(value: object, name: str, origin: str) -> tuple[str, ...]:
    place = Field(f"{_OPTION}.{name}", origin)
    return () if value is None else tuple(place.texts(value, "write a list of texts in PEM form"))


def _on_missing(value: object, origin: str) -> OnMissing:
    known = {word.value: word for word in OnMissing}
    if value is None:
        return OnMissing.FAIL
    if isinstance(value, str) and value in known:
        return known[value]
    raise Field(f"{_OPTION}.on_missing", origin).refusal(value, "it is not known", nearest(value, known, "there are"))
