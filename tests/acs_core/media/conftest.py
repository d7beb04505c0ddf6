"""A DTLS association over an in-memory network that loses packets, from a seed."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from acs_core.media.outgoing import SendEncoding
from acs_core.media.receiver import ReceiveEncoding, StreamReceiver
from acs_core.media.sender import SendOptions, StreamSender
from acs_core.media.sources import MediaSource
from acs_core.rtc.dtls import DtlsEndpoint
from acs_core.rtc.feedback import ReceiverReport, RtcpPacket
from acs_core.rtc.packet import Uri, parse_header

EXTENSIONS = {Uri.MID: 1, Uri.AUDIO_LEVEL: 2, Uri.ABS_SEND_TIME: 3}


class LossyPath:
    """One end; loses and delays media, never the handshake."""

    def __init__(self, role: str, chance: random.Random, loss: float, delay: float) -> None:
        self.role = role
        self.state = "completed"
        self.peer: LossyPath | None = None
        self.loss = loss
        self.lost = 0
        self._delay = delay
        self._chance = chance
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def _recv(self) -> bytes:
        data = await self._queue.get()
        if data is None:
            raise ConnectionError("closed")
        return data

    async def _send(self, data: bytes) -> None:
        if self.state == "closed":
            raise ConnectionError("closed")
        if data[0] >= 128 and self._chance.random() < self.loss:
            self.lost += 1
            return
        asyncio.get_running_loop().call_later(self._delay, self.peer._queue.put_nowait, data)

    def close(self) -> None:
        self.state = "closed"
        self._queue.put_nowait(None)


@dataclass
class Link:
    """A sender's and a receiver's endpoint, with what was added on them."""

    near: DtlsEndpoint
    far: DtlsEndpoint
    forward: LossyPath
    senders: list[StreamSender] = field(default_factory=list)
    receivers: list[StreamReceiver] = field(default_factory=list)
    tap: list[bytes] = field(default_factory=list)

    def add(
        self, source: MediaSource, codec: str, *, options: SendOptions | None = None
    ) -> tuple[StreamSender, StreamReceiver]:
        index = len(self.senders)
        ssrc, rtx = 1000 + index, (2000 + index if source.kind == "video" else None)
        clock = {"VP8": 96, "H264": 98, "opus": 111}[codec]
        sender = StreamSender(self.near, source, cname="someone", options=options)
        encoding = SendEncoding(
            mid=str(index),
            codec_name=codec,
            ssrc=ssrc,
            payload_type=clock,
            rtx_ssrc=rtx,
            rtx_payload_type=97,
            extensions=EXTENSIONS,
        )
        receiver = StreamReceiver(
            self.far,
            ReceiveEncoding(
                mid=str(index),
                kind=source.kind,
                ssrc=ssrc,
                rtx_ssrc=rtx,
                codecs={clock: codec},
                rtx={97: clock},
                extensions=EXTENSIONS,
            ),
            sender_ssrc=1,
        )
        self.senders.append(sender)
        self.receivers.append(receiver)
        sender.start(encoding)
        return sender, receiver

    def report(self) -> None:
        """Send receiver reports now."""
        now = asyncio.get_running_loop().time()
        blocks = [receiver.report_block(now) for receiver in self.receivers]
        self.far.send_rtcp([ReceiverReport(1, tuple(block for block in blocks if block))])

    def arrived(self, data: bytes, now: float) -> None:
        self.tap.append(data[:20])
        header = parse_header(data)
        for receiver in self.receivers:
            if header.ssrc in (receiver.encoding.ssrc, receiver.encoding.rtx_ssrc):
                receiver.handle_rtp(data, header, now)

    def far_rtcp(self, packets: list[RtcpPacket]) -> None:
        now = asyncio.get_running_loop().time()
        for packet in packets:
            for receiver in self.receivers:
                receiver.handle_rtcp(packet, now)

    def near_rtcp(self, packets: list[RtcpPacket]) -> None:
        for packet in packets:
            for sender in self.senders:
                sender.handle_rtcp(packet)

    async def close(self) -> None:
        for stream in [*self.senders, *self.receivers]:
            await stream.close()
        await self.near.close()
        await self.far.close()


LinkFactory = Callable[..., contextlib.AbstractAsyncContextManager[Link]]


@pytest.fixture
def media_link() -> LinkFactory:
    """Open a link: ``async with media_link(loss=0.05, seed=1, delay=0.01) as link``."""

    @contextlib.asynccontextmanager
    async def open_link(
        *, loss: float = 0.0, seed: int = 1, delay: float = 0.005
    ) -> AsyncIterator[Link]:
        chance = random.Random(seed)
        paths = [LossyPath(role, chance, loss, delay) for role in ("controlling", "controlled")]
        paths[0].peer, paths[1].peer = paths[1], paths[0]
        links: list[Link] = []
        near = DtlsEndpoint(
            paths[0], role="client", on_rtcp=lambda packets: links[0].near_rtcp(packets)
        )
        far = DtlsEndpoint(
            paths[1],
            role="server",
            on_rtp=lambda data, now: links[0].arrived(data, now),
            on_rtcp=lambda packets: links[0].far_rtcp(packets),
        )
        links.append(Link(near, far, paths[0]))
        await asyncio.gather(
            near.connect([far.fingerprint], timeout=5), far.connect([near.fingerprint], timeout=5)
        )
        try:
            yield links[0]
        finally:
            await links[0].close()
            for path in paths:
                path.close()

    return open_link
