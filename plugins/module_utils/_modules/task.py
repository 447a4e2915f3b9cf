# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module's run needs of Ansible, as callables that any thread may use; the only place that ends the module.

Ansible's own functions for warnings and secrets are for one thread. So both are collected here and handed over at the
end.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, quote_plus

from ansible.module_utils.basic import missing_required_lib

from .._oci.errors import ImageOpsError

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22
    register_secret = None

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule
MASK = "********"
_SHORTEST = 3
_LONGEST_ENCODED = 256
"""Characters of a secret that is also looked for in other forms. Longer ones are tokens: the same in a URL."""


class Secrets:
    """A set of secret values; any thread may add to it. Their URL-encoded, base64 and JSON forms are secrets too.

    Values shorter than three characters are masked nowhere: replacing every "a" would hide all and protect nothing.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._sorted: list[str] | None = []
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """Remember a secret; an empty one is none."""
        if value:
            with self._lock:
                if value not in self._values:
                    self._values.update(_forms(value))
                    self._sorted = None

    def maskable(self) -> list[str]:
        """Return the secrets of at least three characters, longest first, so that a part of one is masked after it."""
        with self._lock:
            if self._sorted is None:
                self._sorted = sorted((text for text in self._values if len(text) >= _SHORTEST), key=len, reverse=True)
            return self._sorted

    def mask(self, text: str) -> str:
        """Return the text with every secret in it replaced."""
        for value in self.maskable():
            text = text.replace(value, MASK)
        return text

    def occur_in(self, texts: Iterable[str]) -> bool:
        """Return whether any secret of at least three characters is a part of any of the texts."""
        values = self.maskable()
        return bool(values) and any(value in text for text in texts for value in values)


def _forms(value: str) -> Iterable[str]:
    yield value
    if not _SHORTEST <= len(value) <= _LONGEST_ENCODED:
        return
    raw = value.encode("utf-8", "surrogatepass")
    yield quote(raw, safe="")
    yield quote(raw)
    yield quote_plus(raw)
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
    yield json.dumps(value)[1:-1]
    in_json = json.dumps(value, ensure_ascii=False)[1:-1]
    yield in_json
    yield in_json.replace("\\\\", "\\")  # as errors quote it


class _Input:
    """A program's standard input, for programs that may end without having read it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._pipe.write(data)

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()


def _let_it_not_read(process: Any) -> None:
    process.stdin = _Input(process.stdin)


class Task:
    """One run of a module.

    :param module: the module; its parameters are what the user gave
    """

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._warnings: dict[str, None] = {}
        self.secrets = Secrets()
        self.params: dict[str, Any] = module.params
        self.check_mode: bool = module.check_mode
        self.diff_mode: bool = module._diff
        for value in module.no_log_values:
            self.secrets.add(str(value))

    def warn(self, text: str) -> None:
        """Show a warning when the module ends; the same one once."""
        with self._lock:
            self._warnings[self.secrets.mask(text)] = None

    def run(self, argv: list[str], stdin: str) -> tuple[int, str, str]:
        """Run a program to its end, whether it reads its input or not. Return its exit code and what it wrote.

        :raises OSError: when it cannot be started
        """
        code, out, err = self._module.run_command(
            argv,
            data=stdin,
            binary_data=True,
            expand_user_and_vars=False,
            handle_exceptions=False,
            before_communicate_callback=_let_it_not_read,
        )
        return int(code), str(out), str(err)

    def returns_secret(self, value: str) -> None:
        """Mask a secret everywhere but in this module's own result, whose purpose it is."""
        if register_secret is not None:
            register_secret(value)

    def need_libraries(self) -> None:
        """End the module with a failure when requests is missing for this interpreter."""
        if find_spec("requests") is None:
            self.fail(missing_required_lib("requests"), codes=["invalid_input"])

    def succeed(self, result: dict[str, Any]) -> NoReturn:
        """End the module well."""
        self._hand_over()
        self._module.exit_json(**result)
        raise SystemExit(0)  # never reached: exit_json ends the module, which it does not tell type checkers

    def fail(self, message: str, *, codes: Sequence[str] = (), result: dict[str, Any] | None = None) -> NoReturn:
        """End the module with a failure.

        :param codes: the codes of the errors in it
        """
        self._hand_over()
        self._module.fail_json(msg=message, error_codes=list(codes), **(result or {}))
        raise SystemExit(1)  # never reached, likewise

    def refuse(self, error: ImageOpsError) -> NoReturn:
        """End the module because of an error that concerns all of it."""
        self.fail(self.secrets.mask(str(error)), codes=error.codes)

    def _hand_over(self) -> None:
        for secret in self.secrets.maskable():
            self._module.no_log_values.add(secret)
            if register_secret is not None:
                register_secret(secret)
        with self._lock:
            warnings = list(self._warnings)
        for text in warnings:
            self._module.warn(text)
