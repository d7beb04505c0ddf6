"""A UDP proxy that loses packets by a seed, and can be as narrow as a bad uplink."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from acs_core.service.app import CallingService, embedded
from acs_core.service.settings import ServiceSettings

__all__ = ["Direction", "LossyProxy", "service_behind"]

Address: TypeAlias = tuple[str, int]

QUEUE_SECONDS = 0.3


@dataclass(slots=True)
class Direction:
    """One way through the proxy.

    Attributes:
        loss: 0 to 1, of SRTP and SRTCP; what sets up a connection always arrives.
        rate_bps: What the link carries; more waits in a queue of 0.3 s, then it is lost.
        passed: SRTP and SRTCP datagrams that were not lost.
        lost: Those that were.
    """

    loss: float = 0.0
    rate_bps: float | None = None
    passed: int = 0
    lost: int = 0
    free_at: float = 0.0


class LossyProxy:
    """A proxy with a bad network on either side; `up` is towards the service.

    While `is_cut` nothing passes, either way.

    It empties its sockets at each turn of the loop, like the service's own port: asyncio's
    endpoints take one datagram per turn, and would be the bottleneck on a busy machine.
    """

    def __init__(self, host: str, port: int, *, seed: int) -> None:
        self.up = Direction()
        self.down = Direction()
        self.is_cut = False
        self._target = ("127.0.0.1", port)
        self._chance = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._far: dict[Address, socket.socket] = {}
        self._near = _socket(host, port)
        self._loop.add_reader(self._near, self._from_clients)

    def close(self) -> None:
        for item in (self._near, *self._far.values()):
            self._loop.remove_reader(item)
            item.close()

    def _from_clients(self) -> None:
        for data, client in _datagrams(self._near):
            if client not in self._far:
                far = self._far[client] = _socket("127.0.0.1", 0)
                self._loop.add_reader(far, self._from_service, far, client)
            self._carry(self.up, data, self._far[client], self._target)

    def _from_service(self, far: socket.socket, client: Address) -> None:
        for data, _ in _datagrams(far):
            self._carry(self.down, data, self._near, client)

    def _carry(self, way: Direction, data: bytes, out: socket.socket, to: Address) -> None:
        if self.is_cut:
            return
        # RFC 7983: the first byte tells media from STUN and DTLS.
        if not 127 < data[0] < 192:
            _send(out, data, to)
            return
        now = self._loop.time()
        way.free_at = max(way.free_at, now)
        if self._chance.random() < way.loss or way.free_at - now > QUEUE_SECONDS:
            way.lost += 1
            return
        way.passed += 1
        if way.rate_bps is None:
            _send(out, data, to)
            return
        way.free_at += len(data) * 8 / way.rate_bps
        self._loop.call_at(way.free_at, _send, out, data, to)


def _socket(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind((host, port))
    return made


def _datagrams(source: socket.socket) -> Iterator[tuple[bytes, Address]]:
    with contextlib.suppress(OSError):
        while True:
            yield source.recvfrom(65536)


def _send(out: socket.socket, data: bytes, to: Address) -> None:
    # A full buffer or a closed socket is a loss, as on any network.
    with contextlib.suppress(OSError):
        out.sendto(data, to)


@asynccontextmanager
async def service_behind(
    plane: Literal["auto", "batch", "portable"], *, seed: int = 1
) -> AsyncIterator[tuple[CallingService, LossyProxy]]:
    """A service whose clients reach its media port through a proxy only."""
    settings = ServiceSettings(
        dev=True, port=0, media_port=0, plane=plane, public_address="127.0.0.2"
    )
    async with embedded(settings) as service:
        assert service.engine.plane_name == plane
        proxy = LossyProxy("127.0.0.2", service.media_port, seed=seed)
        try:
            yield service, proxy
        finally:
            proxy.close()
