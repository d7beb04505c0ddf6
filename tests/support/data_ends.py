"""Two ends of a real DTLS and SCTP connection in memory, for tests of what data channels carry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from acs_core.rtc.dtls import DtlsEndpoint

__all__ = ["data_ends"]


class _MemoryPath:
    """One end of a lossless pair of queues."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.state = "completed"
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.peer: _MemoryPath | None = None

    async def _recv(self) -> bytes:
        return await self.inbox.get()

    async def _send(self, data: bytes) -> None:
        if self.peer is not None:
            self.peer.inbox.put_nowait(data)


@asynccontextmanager
async def data_ends() -> AsyncIterator[tuple[DtlsEndpoint, DtlsEndpoint]]:
    """The client's and the service's end, connected."""
    paths = _MemoryPath("controlling"), _MemoryPath("controlled")
    paths[0].peer, paths[1].peer = paths[1], paths[0]
    client = DtlsEndpoint(paths[0], role="client", on_rtcp=lambda packets: None)
    service = DtlsEndpoint(paths[1], role="server", on_rtcp=lambda packets: None)
    await asyncio.gather(
        client.connect([service.fingerprint], timeout=5),
        service.connect([client.fingerprint], timeout=5),
    )
    client.data.start(5000, 65536)
    service.data.start(5000, 65536)
    try:
        yield client, service
    finally:
        async with asyncio.timeout(2):
            await client.close()
            await service.close()
