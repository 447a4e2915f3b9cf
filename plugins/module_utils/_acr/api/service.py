# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a server is and how it is reached: options → an address and an :class:`~.._oci.transport.Access`. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..._oci.errors import InputError
from ..._oci.http.transport import Access
from .names import check_region

CR_VERSION = "2018-12-01"
RAM_VERSION = "2015-05-01"
STS_VERSION = "2015-04-01"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class ServerAccess:
    """How every server of a task is reached.

    :param ca_path: a file of certificates to trust besides the system's
    :param ca: more certificates to trust, as PEM text
    :param proxy: the proxy's URL; None means what the environment says, an empty text none
    """

    validate_certs: bool = True
    ca_path: str | None = None
    ca: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)

    def of(self, host: str) -> Access:
        """Return the same for one host, as the transport takes it."""
        return Access(host, validate_certs=self.validate_certs, ca_path=self.ca_path, ca=self.ca, proxy=self.proxy)


@dataclass(frozen=True)
class Service:
    """One RPC service.

    :param url: scheme and host (and port): ``https://cr.cn-shanghai.aliyuncs.com``
    :param version: the API's version: ``2018-12-01``
    """

    url: str
    version: str

    @property
    def host(self) -> str:
        """Host, and port when it has one."""
        return urlsplit(self.url).netloc


def registry_service(*, region: str | None, network: str, endpoint: str | None) -> Service:
    """Return the container registry's API in a region.

    :param network: ``public`` or ``vpc``
    :param endpoint: where it is instead
    :raises InputError: without a region and an endpoint, and for what is no region
    """
    if endpoint:
        return Service(server_url(endpoint, option="endpoint"), CR_VERSION)
    if not region:
        raise _no_region()
    host = f"cr{'-vpc' if network == 'vpc' else ''}.{check_region(region)}.aliyuncs.com"
    return Service(f"https://{host}", CR_VERSION)


def ram_service(*, network: str, endpoint: str | None) -> Service:
    """Return RAM's API, which has no regions.

    :param network: ``public`` or ``vpc``
    :param endpoint: where it is instead
    """
    if endpoint:
        return Service(server_url(endpoint, option="ram_endpoint"), RAM_VERSION)
    host = "ram.vpc-proxy.aliyuncs.com" if network == "vpc" else "ram.aliyuncs.com"
    return Service(f"https://{host}", RAM_VERSION)


def sts_service(*, region: str | None, network: str, endpoint: str | None) -> Service:
    """Return the API of the Security Token Service (STS).

    :param region: its region; without one the endpoint of no region is used, which a VPC does not have
    :param network: ``public`` or ``vpc``
    :param endpoint: where it is instead
    :raises InputError: without a region inside a VPC, and for what is no region
    """
    if endpoint:
        return Service(server_url(endpoint, option="sts_endpoint"), STS_VERSION)
    if network == "vpc" and not region:
        raise _no_region()
    inside = "-vpc" if network == "vpc" else ""
    host = f"sts{inside}.{check_region(region)}.aliyuncs.com" if region else "sts.aliyuncs.com"
    return Service(f"https://{host}", STS_VERSION)


def _no_region() -> InputError:
    return InputError(
        subject="the options",
        cause="region is missing",
        hint="set region, or ALIBABA_CLOUD_REGION_ID where it runs",
    )


def server_url(text: str, *, option: str) -> str:
    """Scheme and host of an option that names a server: a bare host means https.

    Plain http would show passwords to the network, so only this machine is spoken to without TLS.

    :raises InputError: when it is neither a host nor a URL of one
    """
    parts = urlsplit(text if "://" in text else f"https://{text}")
    plain = parts.scheme in ("http", "https") and parts.hostname and "@" not in text
    if not plain or parts.path not in ("", "/") or parts.query:
        raise InputError(subject=f"{option} {text!r}", cause="it is not a host name, or https:// and a host name")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InputError(subject=f"{option} {text!r}", cause="passwords would travel unprotected over plain http")
    return f"{parts.scheme}://{parts.netloc}"
