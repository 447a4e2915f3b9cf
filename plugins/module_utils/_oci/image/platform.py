# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform that an image runs on: parse, format, match.

Follows the ``platform`` property of the OCI image index (image-spec 1.1, image-index.md). No I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import ContentError, InputError
from .reference import quoted
from .slots import slotted
from .strict_json import JsonFault, loads, short_text

_PART = r"[a-z0-9][a-z0-9_.-]*"
_VERSION = r"[A-Za-z0-9][A-Za-z0-9_.+-]*"
_FORM = re.compile(rf"(?P<os>\*|{_PART})/(?P<arch>\*|{_PART})(?:/(?P<variant>{_PART}))?(?::(?P<version>{_VERSION}))?")
_HINT = "write os/architecture, os/architecture/variant or either with :os.version, such as linux/arm64 or linux/arm/v7"

_OTHER_NAMES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "i386": ("386", ""),
    "i686": ("386", ""),
}
_DEFAULT_VARIANTS = {"arm64": "v8", "amd64": "v1"}


@slotted
@dataclass(frozen=True, order=True)
class Platform:
    """An operating system and an architecture, with a variant and an OS version where they are known.

    As a wish, what is left empty or ``*`` matches everything; as an image's property, what is empty says that the image
    does not tell.
    """

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read ``os/architecture[/variant][:os.version]``, with ``*`` for any OS or for any architecture.

        :raises InputError: for any other form, and for names of architectures that images do not use (``x86_64``)
        """
        form = _FORM.fullmatch(text) if isinstance(text, str) else None
        if form is None:
            raise InputError(subject=f"the platform {quoted(text)}", cause="it has the wrong form", hint=_HINT)
        os, architecture, variant, version = form.group("os", "arch", "variant", "version")
        if os == architecture == "*":
            raise InputError(
                subject=f"the platform {quoted(text)}", cause="it is every one", hint=f"leave it out, or {_HINT}"
            )
        if architecture in _OTHER_NAMES:
            name, implied = _OTHER_NAMES[architecture]
            right = cls(os, name, variant or implied, version or "")
            raise InputError(
                subject=f"the platform {quoted(text)}",
                cause=f"images do not use the name {architecture}",
                hint=f"write {right}",
            )
        return cls(os, architecture, variant or "", version or "")

    def __str__(self) -> str:
        variant = f"/{self.variant}" if self.variant else ""
        version = f":{self.os_version}" if self.os_version else ""
        return f"{self.os}/{self.architecture}{variant}{version}"

    @property
    def is_unknown(self) -> bool:
        """Whether this is ``unknown/unknown``, the platform that build attestations carry."""
        return self.os == "unknown" and self.architecture == "unknown"

    def matches(self, actual: Platform) -> bool:
        """Return whether an image for the actual platform is what this wish asks for.

        ``linux/arm`` takes every variant; ``arm64`` without a variant and ``arm64/v8`` are the same; the OS version
        may be given in part: ``10.0.17763`` takes ``10.0.17763.5122``.
        """
        architecture, implied = _OTHER_NAMES.get(actual.architecture, (actual.architecture, ""))
        variant = actual.variant or implied or _DEFAULT_VARIANTS.get(architecture, "")
        return (
            self.os in ("*", actual.os)
            and self.architecture in ("*", architecture)
            and self.variant in ("", variant)
            and (not self.os_version or f"{actual.os_version}.".startswith(f"{self.os_version}."))
        )


def platform_from_json(found: dict[str, Any]) -> Platform | None:
    """Read the four keys that an index's ``platform`` and an image's config share; None when they name no platform.

    :raises JsonFault: for a value that is no short text
    """
    platform = Platform(
        os=short_text(found, "os"),
        architecture=short_text(found, "architecture"),
        variant=short_text(found, "variant"),
        os_version=short_text(found, "os.version"),
    )
    return platform if platform.os or platform.architecture else None


def platform_from_config(raw: bytes) -> Platform | None:
    """Read an image's platform out of its config blob (image-spec 1.1, config.md); None when it names none.

    :raises ContentError: ``protocol_error`` when the bytes are not a config
    """
    try:
        config = loads(raw)
        if not isinstance(config, dict):
            raise JsonFault("it is not a JSON object")
        return platform_from_json(config)
    except JsonFault as fault:
        raise ContentError(code="protocol_error", action="read", subject="an image config", cause=str(fault)) from None
