# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS: which certificates to trust, and the client's own certificate. No environment variable changes either.

requests and the urllib3 below it are loaded where they are needed, because that takes long: for public certificates
where the system has none, and for TLS inside TLS.
"""

from __future__ import annotations

import os
import ssl
import sys
from importlib.util import find_spec
from typing import Any

from ..errors import InputError


def check_library() -> None:
    """Refuse to go on when requests is missing.

    :raises InputError: naming the interpreter that lacks it
    """
    if find_spec("requests") is None:
        raise InputError(
            action="use",
            subject=sys.executable or "this Python",
            cause="the Python library requests is not installed there",
            hint="install requests 2.25.1 or newer for it, or set ansible_python_interpreter to one that has it",
        )


def secure(sock: Any, context: ssl.SSLContext, host: str) -> Any:
    """Return a connection with TLS on another one, which may have TLS already.

    :param host: that the certificate has to be for, a name or an address
    :raises OSError, ValueError: when the handshake fails
    """
    name = host.rstrip(".").partition("%")[0]
    if not isinstance(sock, ssl.SSLSocket):
        return context.wrap_socket(sock, server_hostname=name)
    from urllib3.util.ssltransport import SSLTransport  # takes long, and few proxies are reached by TLS

    return SSLTransport(sock, context, server_hostname=name)


def tls_context(
    *,
    verify: bool,
    ca_path: str | None,
    ca: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
) -> ssl.SSLContext:
    """Return the context that all connections to one registry share, so that certificates are loaded once.

    :param verify: check the server's certificate and host name
    :param ca_path: a file or directory of certificates to trust besides the system's
    :param ca: more certificates to trust, as PEM text
    :param client_cert: the client's certificate, a PEM file; may hold the key as well
    :param client_key: its key, a PEM file without a passphrase
    :raises InputError: when a file is missing or holds something else
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    if verify:
        context.check_hostname = True
        _trust_public(context)
        _trust(context, ca_path, ca)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_cert:
        _introduce(context, client_cert, client_key)
    return context


def check_files(
    *,
    ca_path: str | None = None,
    ca: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
) -> None:
    """Read certificates and keys, without the system's: those take long.

    :raises InputError: when a file is missing or holds something else
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _trust(context, ca_path, ca)
    if client_cert:
        _introduce(context, client_cert, client_key)


def _trust_public(context: ssl.SSLContext) -> None:
    paths = ssl.get_default_verify_paths()
    # The built-in places, not those that SSL_CERT_FILE and SSL_CERT_DIR put over them.
    if os.path.isfile(paths.openssl_cafile):
        context.load_verify_locations(cafile=paths.openssl_cafile)
    elif os.path.isdir(paths.openssl_capath) and os.listdir(paths.openssl_capath):
        context.load_verify_locations(capath=paths.openssl_capath)
    else:
        from requests.utils import DEFAULT_CA_BUNDLE_PATH  # takes long, and nearly all systems have their own

        context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)


def _trust(context: ssl.SSLContext, ca_path: str | None, ca: str | None) -> None:
    if ca_path:
        _trust_path(context, ca_path)
    if not ca:
        return
    try:
        context.load_verify_locations(cadata=ca)
    except (ssl.SSLError, TypeError) as error:  # TypeError for what is not ASCII
        raise InputError(
            action="use",
            subject="ca",
            cause="it holds no certificates in PEM form",
            hint="give the text from -----BEGIN CERTIFICATE----- on, or a file of it as ca_path",
        ) from error


def _trust_path(context: ssl.SSLContext, ca_path: str) -> None:
    try:
        if os.path.isdir(ca_path):
            context.load_verify_locations(capath=ca_path)
        else:
            context.load_verify_locations(cafile=ca_path)
    except ssl.SSLError as error:
        raise InputError(
            action="use", subject=f"ca_path {ca_path}", cause="it holds no certificates", hint="give a file in PEM form"
        ) from error
    except OSError as error:
        raise InputError(
            action="read", subject=f"ca_path {ca_path}", cause=(error.strerror or "it is unreadable").lower()
        ) from error


def _introduce(context: ssl.SSLContext, client_cert: str, client_key: str | None) -> None:
    def no_passphrase() -> str:
        raise ValueError("encrypted")  # without this OpenSSL would ask on the terminal

    try:
        context.load_cert_chain(client_cert, client_key or None, password=no_passphrase)
    except ValueError as error:
        raise InputError(
            action="use",
            subject=f"client_key {client_key or client_cert}",
            cause="the key has a passphrase",
            hint="give a key file without one",
        ) from error
    except ssl.SSLError as error:
        raise InputError(
            action="use",
            subject=f"client_cert {client_cert}",
            cause="certificate and key are not PEM or do not belong together",
            hint="client_cert is a PEM certificate, client_key its PEM key",
        ) from error
    except OSError as error:
        raise InputError(
            action="read",
            subject=f"client_cert {client_cert} and client_key {client_key or '(in the same file)'}",
            cause=(error.strerror or "unreadable").lower(),
        ) from error
