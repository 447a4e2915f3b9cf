# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup: the digest that a reference has now."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_digest
short_description: The digest that an image has now
version_added: 0.1.0
description:
  - Asks a registry which digest a tag has, to name an image by it. Nothing is downloaded.
  - Like every lookup, it runs on the controller, and Ansible evaluates it each time a variable with it is used. Keep
    the answer with M(ansible.builtin.set_fact) where it has to stay the same. While the templates of one task are
    evaluated, a reference is asked for once.
  - When there is no such image, and when the registry does not answer, the lookup fails, unless C(errors=warn) or
    C(errors=ignore) is given, as with every lookup.
author:
  - The imageops.registry authors (@imageops)
extends_documentation_fragment:
  - imageops.registry.registry
options:
  _terms:
    description:
      - References to images, such as V(registry.example.com/app:1.0). Without tag and digest the tag is V(latest).
      - A reference by digest is looked for, and with a tag and a digest the tag must point to that digest.
    type: list
    elements: str
    required: true
  platform:
    description:
      - The digest of the image for this platform in a multi-architecture image, written as V(os/architecture), with
        V(/variant) and V(:os.version) if needed. Its manifest is read for that.
      - Without it, the digest is that of the whole, which is right for every platform.
    type: str
seealso:
  - module: imageops.registry.registry_image_info
"""

EXAMPLES = r"""
- name: Keep the digest that a tag has now
  ansible.builtin.set_fact:
    app_image: "registry.example.com/app@{{ lookup('imageops.registry.image_digest', 'registry.example.com/app:1.0') }}"

- name: Log in, and ask for one platform
  ansible.builtin.set_fact:
    arm_digest: "{{ lookup('imageops.registry.image_digest', 'registry.example.com/app:1.0',
                    platform='linux/arm64', registries=registries) }}"
  vars:
    registries:
      - {registry: registry.example.com, username: reader, password: "{{ registry_password }}"}

- name: Go on without an answer
  ansible.builtin.set_fact:
    digests: "{{ query('imageops.registry.image_digest', 'registry.example.com/app:none', errors='ignore') }}"
"""

RETURN = r"""
_list:
  description: The digest of each reference, in their order.
  type: list
  elements: str
  sample: [sha256:6a92cd1fcdc8d8cdec60f33dda4db2cb1fcdcacf3410a8e05b3741f44a9b5998]
"""

import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display
from ansible_collections.imageops.registry.plugins.module_utils._modules.lookups import DigestLookup, LookupFault
from ansible_collections.imageops.registry.plugins.plugin_utils.programs import run_program

_OPTIONS = ("registries", "docker_config", "timeout", "retry_delay", "platform")
_Variables = Mapping[str, Any]


class _Answers:
    """The answers within one templating: as long as the variables are the same objects, and for at most a second.

    The variables are kept, so that no other object gets the identity of one of them. The time is for what is templated
    again with the same ones: from ansible-core 2.21 on, each try of a task with C(until) is.
    """

    _LONGEST = 1.0

    def __init__(self) -> None:
        self._variables: list[Any] = []
        self._known: dict[tuple[str, str], str] = {}
        self._since = 0.0

    def for_variables(self, variables: _Variables) -> Mapping[tuple[str, str], str]:
        """Return what is known; nothing when the variables are others than before, or a second has passed."""
        seen = [variables, *variables.values()]
        if list(map(id, seen)) != list(map(id, self._variables)) or time.monotonic() - self._since >= self._LONGEST:
            self._variables, self._known = seen, {}
        return self._known

    def add(self, answers: Mapping[tuple[str, str], str]) -> None:
        """Keep more answers for the variables that were asked for last."""
        if not self._known:
            self._since = time.monotonic()
        self._known.update(answers)


class LookupModule(LookupBase):  # type: ignore[misc]
    """The lookup."""

    _answers = _Answers()

    def run(self, terms: list[Any], variables: _Variables | None = None, **kwargs: Any) -> list[str]:
        """Return the digest of each reference."""
        self.set_options(var_options=variables, direct=kwargs)
        options = {name: self.get_option(name) for name in _OPTIONS}
        terms = self._flatten(terms)
        known = self._answers.for_variables(variables or {})
        key = repr(options)
        try:
            missing = [term for term in dict.fromkeys(terms) if (str(term), key) not in known]
            digests = DigestLookup(options, Display().warning, run_program).digests(missing) if missing else []
        except LookupFault as fault:
            raise AnsibleLookupError(f"image_digest: {fault}") from fault
        self._answers.add({(str(term), key): digest for term, digest in zip(missing, digests)})
        return [known[str(term), key] for term in terms]
