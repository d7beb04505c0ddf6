from __future__ import annotations

import asyncio
import socket

from acs_core.media.drain import BATCH, SocketDrain


class Collector(asyncio.DatagramProtocol):
    def __init__(self, wanted: int) -> None:
        self.received: list[bytes] = []
        self.turns: set[int] = set()
        self.turn = 0
        self.wanted = wanted
        self.done = asyncio.Event()

    def datagram_received(self, data: bytes, address: object) -> None:
        self.received.append(data)
        self.turns.add(self.turn)
        if len(self.received) == self.wanted:
            self.done.set()


async def test_a_burst_is_read_in_order_and_in_few_turns_of_the_loop() -> None:
    loop = asyncio.get_running_loop()
    count = 3 * BATCH
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: Collector(count), local_addr=("127.0.0.1", 0)
    )
    drain = SocketDrain.of(transport, protocol)
    assert drain is not None

    def turn() -> None:
        protocol.turn += 1
        if not protocol.done.is_set():
            loop.call_soon(turn)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(count):
            sender.sendto(number.to_bytes(2, "big"), transport.get_extra_info("sockname"))
    turn()
    async with asyncio.timeout(5):
        await protocol.done.wait()
    assert protocol.received == [number.to_bytes(2, "big") for number in range(count)]
    assert len(protocol.turns) <= count / BATCH + 2
    drain.close()
    drain.close()
    transport.close()


class NoSocket(asyncio.BaseTransport):
    pass


async def test_a_transport_without_a_socket_is_left_alone() -> None:
    assert SocketDrain.of(NoSocket(), Collector(1)) is None
