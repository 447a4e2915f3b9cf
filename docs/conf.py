# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the documentation's site is built; `make docs` adds the reference to the guides first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "imageops.registry"
author = "The imageops.registry authors"
copyright = "2026, The imageops.registry authors"
html_title = "imageops.registry"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_show_sphinx = False
# It would have no entries.
html_use_index = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]
# No plugin declares environment variables.
exclude_patterns = ["reference/environment_variables.rst"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
# The reference names types, environment variables and the like that are described elsewhere.
nitpick_ignore_regex = [("ansplugin|envvar|std:.*|ref", r".*")]


def setup(app: Sphinx) -> None:
    """Add what the site needs and the guides, which ship as plain Markdown, do not have."""
    app.connect("source-read", add_navigation)
    app.connect("source-read", fit_reference)


def add_navigation(_app: Sphinx, name: str, source: list[str]) -> None:
    """Give the index its navigation: the guides that it links, in this order, and the reference."""
    if name == "index":
        guides = re.findall(r"\]\(([\w.-]+)\.md\)", source[0])
        for caption, pages in (("Guides", guides), ("Reference", ["reference/index"])):
            lines = ["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]
            source[0] += "\n".join(lines)


def fit_reference(_app: Sphinx, name: str, source: list[str]) -> None:
    """Take the contents, which the theme has beside a page, out of the reference; let its navigation be names."""
    if name.startswith("reference/"):
        text = re.sub(r"^\.\. contents::\n(?:   .+\n)+", "", source[0], flags=re.MULTILINE)
        source[0] = re.sub(r"^    ((\w+)_(?:module|filter|lookup|role))$", r"    \2 <\1>", text, flags=re.MULTILINE)
