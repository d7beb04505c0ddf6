"""The UDP sockets of the service's port: how they are bound, and how others reach them."""

from __future__ import annotations

import socket
from typing import Final

from acs_core.service.sfu.ice_lite import Address

__all__ = ["advertised", "bind"]

SOCKET_BUFFER: Final = 8 << 20
"""Bytes; the kernel caps it at `net.core.rmem_max`."""


def bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """A bound UDP socket that does not block; 0 as port picks a free one. Raises `OSError`."""
    result = socket.socket(family, socket.SOCK_DGRAM)
    try:
        result.setblocking(False)
        if family == socket.AF_INET6:
            result.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        result.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        result.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        result.bind((host, port))
    except OSError:
        result.close()
        raise
    return result


def advertised(
    sockets: tuple[socket.socket, ...], public_address: str | None
) -> tuple[Address, ...]:
    """Addresses for host candidates, most wanted first.

    Args:
        sockets: Bound, of one port number.
        public_address: What clients are told instead, behind one-to-one NAT.
    """
    number = int(sockets[0].getsockname()[1])
    if public_address is not None:
        return ((public_address, number),)
    hosts = (_reachable_address(item) for item in sockets)
    return tuple((host, number) for host in hosts if host is not None)


def _reachable_address(bound: socket.socket) -> str | None:
    """Return the address others reach `bound` at; for a wildcard, that of the default route."""
    host = str(bound.getsockname()[0])
    if host not in ("0.0.0.0", "::"):
        return host
    # Connecting a UDP socket sends nothing; it only asks the routing table. RFC 5737, RFC 3849.
    far, loopback = (
        ("192.0.2.1", "127.0.0.1") if bound.family == socket.AF_INET else ("2001:db8::1", None)
    )
    with socket.socket(bound.family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))
        except OSError:
            return loopback
        return str(probe.getsockname()[0])
