# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that no registry may send us to: a cloud's metadata service hands out credentials to whoever asks."""

from __future__ import annotations

import ipaddress
import socket

FORBIDDEN = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure
        "192.0.0.192/32",  # Oracle Cloud
        "fe80::/10",
        "fd00:ec2::254/128",  # AWS
        "fd20:ce::254/128",  # Google Cloud
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_forbidden(host: str) -> bool:
    """Whether a host, written as an address in any of the usual ways, is link-local or a metadata service.

    A name is never forbidden here: its addresses are looked at when it is connected to.
    """
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address is None:
        return False
    return any(address in network for network in FORBIDDEN if network.version == address.version)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    bare = host.strip("[]").split("%", 1)[0]
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    try:
        # 2852039166, 0xa9fea9fe and 169.254.43518 are the same address to the resolver.
        return ipaddress.IPv4Address(socket.inet_aton(bare))
    except (OSError, ValueError):
        return None
