"""Reading a datagram socket until it is empty.

asyncio reads one datagram per turn of its loop and socket. A turn that decodes, negotiates or
logs takes milliseconds, and a call of eight brings a thousand packets per second: they would wait
in the kernel, seconds behind. So a second reader takes what else is there.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final, Self

__all__ = ["SocketDrain"]

BATCH: Final = 64
"""Datagrams per turn, so that other sockets get their turn too."""
MAX_DATAGRAM: Final = 2048


class SocketDrain:
    """Hands a transport's waiting datagrams to its protocol; `close` before the transport."""

    def __init__(self, sock: socket.socket, protocol: asyncio.DatagramProtocol) -> None:
        self._socket = sock
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._readable)

    @classmethod
    def of(
        cls, transport: asyncio.BaseTransport, protocol: asyncio.DatagramProtocol
    ) -> Self | None:
        """Begin to drain a transport; None when it has no socket of its own (TURN)."""
        found = transport.get_extra_info("socket")
        # A duplicate: asyncio does not let others watch the descriptor of a transport.
        return None if found is None else cls(found.dup(), protocol)

    def close(self) -> None:
        """Stop reading. Closing again does nothing."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _readable(self) -> None:
        for _ in range(BATCH):
            try:
                data, address = self._socket.recvfrom(MAX_DATAGRAM)
            except OSError:
                # Empty, or an ICMP error about something we sent, which asyncio reports.
                return
            self._protocol.datagram_received(data, address)
