# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text in YAML or JSON, of one document or several, as Kubernetes, Helm and compose write it → plain data.

What is not understood is kept rather than refused: only images are looked for. Tags such as ``!reset`` are passed over,
and what PyYAML cannot always construct, a single ``=`` and times, is text. Of what ``helm install --dry-run`` and
``helm get all`` print, the hooks and the manifests are read.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..._oci.errors import InputError

_HELM_HEADING = re.compile(r"^(?:HOOKS|MANIFEST):[ \t]*$", re.MULTILINE)
_NO_BLANK = re.compile(r"\S")
_HELM_NOTES = re.compile(r"^NOTES:[ \t]*$", re.MULTILINE)


def parse_documents(text: str) -> list[Any]:
    """Return the documents in a text, empty ones left out.

    :raises InputError: when it is neither YAML nor JSON
    """
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _parse_json(text)
        except ValueError:
            pass  # YAML's flow style looks alike
        except RecursionError:
            raise _error("it is nested too deeply") from None
    return [document for document in _parse_yaml(_without_helms_words(text)) if document is not None]


def _parse_json(text: str) -> list[Any]:
    """Return the documents that follow one another in a text, as ``kubectl`` prints and reads them."""
    documents: list[Any] = []
    start = _NO_BLANK.search(text)
    while start:
        document, end = json.JSONDecoder().raw_decode(text, start.start())
        documents.append(document)
        start = _NO_BLANK.search(text, end)
    return documents


def _without_helms_words(text: str) -> str:
    """Return the hooks and the manifests of a release that Helm describes; other text as it is."""
    first = _HELM_HEADING.search(text)
    if first is None:
        return text
    return _HELM_HEADING.sub("---", _HELM_NOTES.split(text[first.start() :])[0])


def _parse_yaml(text: str) -> list[Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """Loads what safe loading refuses as the data below it."""

    def construct(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_yaml_str)
    Loader.add_multi_constructor("!", construct)
    Loader.add_multi_constructor("tag:", construct)
    try:
        return list(yaml.load_all(text, Loader=Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _error(f"{place}{error.problem or error.context}", is_template="{{" in text) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _error(getattr(error, "reason", str(error))) from None
    except RecursionError:
        raise _error("it is nested too deeply") from None


def _error(cause: str, *, is_template: bool = False) -> InputError:
    return InputError(
        action="read",
        subject="the text with images",
        cause=f"it is not YAML: {cause}",
        hint="give what helm template prints of the chart, in place of its templates"
        if is_template
        else "give manifests, a compose file, or references, one a line",
    )
