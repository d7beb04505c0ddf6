from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiortc.rtcsctptransport import InitChunk
from aiortc.utils import uint32_add

from acs_core.aiortc_private import LONGEST_RTO
from acs_core.errors import InvalidArgumentError, InvalidStateError, Stage, TransportError
from acs_core.rtc.data import MAX_BUFFERED_AMOUNT, MAX_CHANNELS, DataChannel, DataChannelState
from acs_core.rtc.dtls import DtlsEndpoint
from tests.support.events import until


class MemoryPath:
    """One end of a lossless pair of queues."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.state = "completed"
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.peer: MemoryPath | None = None

    async def _recv(self) -> bytes:
        return await self.inbox.get()

    async def _send(self, data: bytes) -> None:
        if self.peer is not None:
            self.peer.inbox.put_nowait(data)


class Log:
    """What happened on one channel, awaitable."""

    def __init__(self, channel: DataChannel) -> None:
        self.channel = channel
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        channel.on_message = self.messages.put_nowait
        channel.on_open = self.opened.set
        channel.on_close = self.closed.set


@asynccontextmanager
async def endpoints(*, is_started: bool = True) -> AsyncIterator[tuple[DtlsEndpoint, DtlsEndpoint]]:
    paths = MemoryPath("controlling"), MemoryPath("controlled")
    paths[0].peer, paths[1].peer = paths[1], paths[0]
    client = DtlsEndpoint(paths[0], role="client", on_rtcp=lambda packets: None)
    server = DtlsEndpoint(paths[1], role="server", on_rtcp=lambda packets: None)
    await asyncio.gather(
        client.connect([server.fingerprint], timeout=5),
        server.connect([client.fingerprint], timeout=5),
    )
    if is_started:
        client.data.start(5000, 65536)
        server.data.start(5000, 65536)
    try:
        yield client, server
    finally:
        async with asyncio.timeout(2):
            await client.close()
            await server.close()
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1


async def accepted(endpoint: DtlsEndpoint) -> asyncio.Queue[Log]:
    queue: asyncio.Queue[Log] = asyncio.Queue()
    endpoint.data.on_channel = lambda channel: queue.put_nowait(Log(channel))
    return queue


@pytest.mark.parametrize("opener", [0, 1])
async def test_messages_of_both_kinds_arrive_in_order_both_ways(opener: int) -> None:
    async with endpoints() as ends, asyncio.timeout(10):
        incoming = await accepted(ends[1 - opener])
        near = Log(ends[opener].data.open("chat", protocol="p"))
        far = await incoming.get()
        await near.opened.wait()
        assert (far.channel.label, far.channel.protocol, far.channel.ordered) == ("chat", "p", True)
        assert near.channel.state is far.channel.state is DataChannelState.OPEN
        assert near.channel.id == far.channel.id
        assert near.channel.id is not None
        assert near.channel.id % 2 == opener  # RFC 8832 section 6: even ids for the DTLS client
        sent: list[str | bytes] = ["", b"", "text", b"bytes", "ü", bytes(60_000)] * 3
        for source, target in ((near, far), (far, near)):
            for message in sent:
                source.channel.send(message)
            assert [await target.messages.get() for _ in sent] == sent


@pytest.mark.parametrize(
    ("ordered", "retransmits", "life_time"), [(False, 0, None), (True, 3, None), (False, None, 100)]
)
async def test_reliability_options_reach_the_other_end(
    ordered: bool, retransmits: int | None, life_time: int | None
) -> None:
    async with endpoints() as (client, server), asyncio.timeout(10):
        incoming = await accepted(server)
        near = Log(
            client.data.open(
                "x",
                ordered=ordered,
                max_retransmits=retransmits,
                max_packet_life_time=life_time,
            )
        )
        far = (await incoming.get()).channel
        await near.opened.wait()
        assert (far.ordered, far.max_retransmits, far.max_packet_life_time) == (
            ordered,
            retransmits,
            life_time,
        )


async def test_channels_opened_before_the_association_wait_for_it() -> None:
    async with endpoints(is_started=False) as (client, server), asyncio.timeout(10):
        incoming = await accepted(server)
        near = Log(client.data.open("early"))
        assert near.channel.state is DataChannelState.CONNECTING
        assert near.channel.buffered_amount == 0
        assert near.channel.id is None
        near.channel.send("patience")
        near.channel.send(b"pays")
        assert near.channel.buffered_amount == len("patiencepays")
        with pytest.raises(TransportError):
            near.channel.send(bytes(MAX_BUFFERED_AMOUNT))
        assert not client.data.is_started
        server.data.start(5000, 65536)
        client.data.start(5000, 65536)
        client.data.start(5000, 65536)
        assert client.data.is_started
        far = await incoming.get()
        assert far.channel.label == "early"
        await near.opened.wait()
        assert [await far.messages.get(), await far.messages.get()] == ["patience", b"pays"]
        assert near.channel.buffered_amount == 0


async def test_closing_a_channel_closes_it_at_both_ends() -> None:
    async with endpoints() as (client, server), asyncio.timeout(10):
        incoming = await accepted(server)
        near = Log(client.data.open("x"))
        far = await incoming.get()
        await near.opened.wait()
        near.channel.send("last words")
        near.channel.close()
        await far.closed.wait()
        await near.closed.wait()
        assert await far.messages.get() == "last words"
        assert near.channel.state is far.channel.state is DataChannelState.CLOSED
        near.channel.close()


async def test_a_channel_closed_before_the_association_never_opens() -> None:
    async with endpoints(is_started=False) as (client, server), asyncio.timeout(10):
        incoming = await accepted(server)
        dropped = Log(client.data.open("dropped"))
        dropped.channel.close()
        assert dropped.closed.is_set()
        kept = Log(client.data.open("kept"))
        for end in (client, server):
            end.data.start(5000, 65536)
        await kept.opened.wait()
        assert (await incoming.get()).channel.label == "kept"
        assert incoming.empty()


async def test_closing_the_endpoint_closes_channels_at_both_ends() -> None:
    async with endpoints() as (client, server), asyncio.timeout(10):
        incoming = await accepted(server)
        near = Log(client.data.open("x"))
        far = await incoming.get()
        await near.opened.wait()
        await client.close()
        await far.closed.wait()
        assert near.closed.is_set()
        with pytest.raises(InvalidStateError):
            client.data.open("late")
        client.data.start(5000, 65536)


async def test_too_much_buffered_data_is_refused() -> None:
    async with endpoints() as (client, server), asyncio.timeout(10):
        await accepted(server)
        near = Log(client.data.open("x"))
        await near.opened.wait()
        for _ in range(MAX_BUFFERED_AMOUNT // 50_000):
            near.channel.send(bytes(50_000))
        assert near.channel.buffered_amount <= MAX_BUFFERED_AMOUNT
        with pytest.raises(TransportError) as caught:
            near.channel.send(bytes(50_000))
        assert caught.value.stage is Stage.DATA


async def test_a_message_the_other_end_cannot_take_is_refused() -> None:
    async with endpoints() as (client, _), asyncio.timeout(10):
        near = Log(client.data.open("x"))
        await near.opened.wait()
        with pytest.raises(InvalidArgumentError):
            near.channel.send(bytes(65537))


async def test_impossible_options_are_refused() -> None:
    async with endpoints(is_started=False) as (client, _):
        with pytest.raises(InvalidArgumentError):
            client.data.open("ü")
        with pytest.raises(InvalidArgumentError):
            client.data.open("x", max_retransmits=1, max_packet_life_time=1)


async def test_the_number_of_channels_is_bounded() -> None:
    async with endpoints(is_started=False) as (client, _):
        for number in range(MAX_CHANNELS):
            client.data.open(str(number))
        with pytest.raises(InvalidStateError):
            client.data.open("one too many")


async def test_a_channel_that_was_closed_early_takes_no_place() -> None:
    async with endpoints(is_started=False) as (client, server), asyncio.timeout(10):
        incoming = await accepted(server)
        for number in range(MAX_CHANNELS + 1):
            client.data.open(str(number)).close()
        kept = client.data.open("kept")
        for end in (client, server):
            end.data.start(5000, 65536)
        assert (await incoming.get()).channel.label == "kept"
        closed = Log(kept)
        kept.close()
        await closed.closed.wait()
        for number in range(MAX_CHANNELS):
            client.data.open(str(number))


async def test_hostile_sctp_and_a_failing_listener_do_not_end_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with endpoints() as (client, server), asyncio.timeout(10):
        incoming = await accepted(server)
        near = Log(client.data.open("x"))
        far = await incoming.get()
        await near.opened.wait()
        sctp = client.data._sctp
        assert sctp is not None
        # A second DCEP OPEN on a stream that is in use: an assertion in aiortc 1.16.
        await sctp._send(near.channel.id or 0, 50, bytes([3]) + bytes(11))

        def fail(message: str | bytes) -> None:
            raise RuntimeError("listener")

        far.channel.on_message = fail
        near.channel.send("one")
        far.channel.send("two")
        assert await near.messages.get() == "two"
        far.channel.on_message = far.messages.put_nowait
        near.channel.send("three")
        assert await far.messages.get() == "three"
        peer = server.data._sctp
        assert peer is not None
        assert peer.malformed == 1
    assert "listener" in caplog.text


async def test_an_init_that_comes_again_does_not_keep_messages_from_being_confirmed() -> None:
    async with endpoints() as (client, server):
        queue = await accepted(server)
        ours = Log(client.data.open("chat"))
        ours.channel.send("before")
        theirs = await queue.get()
        assert await theirs.messages.get() == "before"
        sender, receiver = client.data._sctp, server.data._sctp
        assert sender is not None
        assert receiver is not None
        await until(lambda: not sender._sent_queue)
        again = InitChunk()
        again.initiate_tag = sender._local_verification_tag
        again.advertised_rwnd = 1 << 20
        again.outbound_streams = again.inbound_streams = 100
        # As at the beginning: what it sent since counts from here.
        again.initial_tsn = uint32_add(sender._local_tsn, -2)
        await receiver._receive_chunk(again)
        ours.channel.send("after")
        assert await theirs.messages.get() == "after"
        await until(lambda: not sender._sent_queue)


async def test_a_busy_loop_does_not_make_a_lost_message_wait_for_a_minute() -> None:
    async with endpoints() as (client, _):
        queue = Log(client.data.open("chat"))
        await queue.opened.wait()
        sctp = client.data._sctp
        assert sctp is not None
        sctp._update_rto(20.0)
        assert sctp._rto == LONGEST_RTO
        for _ in range(40):
            sctp._update_rto(0.001)
        assert sctp._rto == 1.0
