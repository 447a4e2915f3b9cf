# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users have it, and ansible-playbook; the servers are those of the functional tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "functional"))

from playbooks import Ansible, install


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--ansible",
        type=Path,
        default=Path(sys.executable).parent,
        help="the directory with the ansible-playbook to test with; that of pytest's own environment if not given",
    )


@pytest.fixture(scope="session")
def collections(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the collection is installed."""
    return install(request.config.getoption("--ansible"), tmp_path_factory.mktemp("collections"))


@pytest.fixture(scope="module")
def ansible(request: pytest.FixtureRequest, collections: Path, tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    """ansible-playbook, started in a directory that is not the collection's."""
    directory = tmp_path_factory.mktemp("elsewhere")
    return Ansible(request.config.getoption("--ansible"), collections, directory)
