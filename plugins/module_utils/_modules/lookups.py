# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lookup plugins of the collection do, on the controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Callable

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._oci.errors import ImageOpsError, InputError
from .._oci.image.platform import Platform
from .specs import registry_spec
from .task import Secrets

if TYPE_CHECKING:
    from .._oci.image.reference import Reference
    from .connections import Connections

__all__ = ["DigestLookup", "LookupFault"]

RunProgram = Callable[[list[str], str], tuple[int, str, str]]


class LookupFault(Exception):
    """Why a lookup has no answer, in words without secrets."""


class _Evaluation:
    """One evaluation of a lookup, in the place of a task.

    :param options: the options of the action group, and platform, as they were given
    :param warn: shows a warning
    :param run: runs a program with a standard input; gives its exit status, standard output and standard error
    """

    def __init__(self, options: Mapping[str, Any], warn: Callable[[str], None], run: RunProgram) -> None:
        self.secrets = Secrets()
        self.run = run
        self._warn = warn
        options = _plain(options)
        for entry in options.get("registries") or ():
            for key in ("password", "identity_token") if isinstance(entry, Mapping) else ():
                self.secrets.add(str(entry.get(key) or ""))
        checked = ArgumentSpecValidator({**registry_spec(), "platform": {"type": "str"}}).validate(options)
        if checked.error_messages:
            raise LookupFault(self.secrets.mask("; ".join(checked.error_messages)))
        self.params: dict[str, Any] = checked.validated_parameters

    def warn(self, text: str) -> None:
        """Show a warning without secrets."""
        self._warn(self.secrets.mask(text))


def _plain(value: Any) -> Any:
    """Return a value with containers of Python's own, in place of those whose items Ansible evaluates when asked."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


class DigestLookup:
    """The lookup ``image_digest``.

    :param options: the options of the action group, and platform, as they were given
    :param warn: shows a warning
    :param run: runs a program with a standard input; gives its exit status, standard output and standard error
    :raises LookupFault: for what cannot be meant
    """

    def __init__(self, options: Mapping[str, Any], warn: Callable[[str], None], run: RunProgram) -> None:
        if find_spec("requests") is None:
            raise LookupFault(missing_required_lib("requests"))
        self._evaluation = _Evaluation(options, warn, run)

    def digests(self, references: Sequence[object]) -> list[str]:
        """Return the digest of each reference.

        :raises LookupFault: when one of them has none, or cannot be asked for
        """
        try:
            return self._digests(references)
        except ImageOpsError as error:
            raise LookupFault(self._evaluation.secrets.mask(str(error))) from None

    def _digests(self, references: Sequence[object]) -> list[str]:
        from .._sync.references.digests import named  # loads requests
        from .connections import connections

        images = named(_texts(references))
        given = self._evaluation.params["platform"]
        platform = None if given is None else Platform.parse(given)
        return _ask(images, platform, connections(self._evaluation))


def _ask(images: Sequence[Reference], platform: Platform | None, registries: Connections) -> list[str]:
    from .._sync.references.digests import Digests
    from .._sync.vendors import Vendors
    from .._sync.work.stores import Stores

    stores = Stores(registries.connect)
    try:
        return [str(digest) for digest in Digests(stores, registries.run, platform=platform).of(images)]
    except ImageOpsError as error:
        Vendors(stores, registries.managed).advise(error)
        raise
    finally:
        stores.close()


def _texts(references: Sequence[object]) -> list[str]:
    for reference in references:
        if not isinstance(reference, str):
            raise InputError(subject=f"a reference that is a {type(reference).__name__}", cause="it is not a string")
    return [str(reference) for reference in references]
