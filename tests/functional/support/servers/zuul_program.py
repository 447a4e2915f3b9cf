# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that zuul-registry runs in: it takes a free port, and tells the server its URL only then.

python zuul_program.py CONFIGURATION ACCESS_LOG
"""

from __future__ import annotations

import logging
import sys

import cherrypy  # type: ignore[import-untyped]
from zuul_registry.main import RegistryServer  # type: ignore[import-untyped]


def main(configuration: str, access_log: str) -> None:
    logging.basicConfig(level=logging.WARNING)
    server = RegistryServer(configuration)
    cherrypy.config.update({"log.screen": False, "log.access_file": access_log, "engine.autoreload.on": False})
    cherrypy.engine.signals.subscribe()
    server.start()
    cherrypy.tools.check_auth.public_url = f"http://127.0.0.1:{server.port}"
    sys.stderr.write(f"listening on {server.port}\n")
    sys.stderr.flush()
    cherrypy.engine.block()


if __name__ == "__main__":
    main(*sys.argv[1:])
