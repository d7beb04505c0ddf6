"""Peers joined to an SFU engine directly, without signaling: what they say is handed over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from acs_core.media.frames import AUDIO_RATE, VIDEO_CLOCK_RATE, AudioFrame, VideoFrame
from acs_core.media.patterns import PatternPainter, tone
from acs_core.media.publishing import PublishPeer
from acs_core.media.sources import Pacer
from acs_core.media.subscribing import SubscribePeer
from acs_core.rtc.data import DataChannel
from acs_core.rtc.feedback import RtcpPacket
from acs_core.rtc.packet import RtpHeader, parse_header
from acs_core.service.sfu.changes import RefusalReason
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.listeners import TransportListener
from acs_core.service.sfu.negotiation import SsrcPolicy
from acs_core.service.sfu.plane import PlaneKind
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.transport import MediaTransport

__all__ = [
    "PatternTrack",
    "Side",
    "TappedPublisher",
    "TappedSubscriber",
    "ToneTrack",
    "engine_on",
    "frames_of",
    "offer_streams",
    "take_offer",
]

DEADLINE = 10.0
FRAME_SAMPLES = 960


@asynccontextmanager
async def engine_on(plane: PlaneKind) -> AsyncIterator[SfuEngine]:
    """An engine on a plane that is really this one."""
    engine = await SfuEngine.open(plane=plane)
    try:
        assert engine.plane_name == plane
        yield engine
    finally:
        await engine.close()


class Side(TransportListener):
    """Listens to one transport of the engine."""

    def __init__(self, engine: SfuEngine) -> None:
        self.transport: MediaTransport = engine.create_transport(self, ssrc_policy=SsrcPolicy.KEEP)
        self.channels: list[DataChannel] = []
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()

    def on_streams(self) -> None:
        """The producers are looked up by those who want them."""

    def on_channel(self, channel: DataChannel) -> None:
        self.channels.append(channel)
        channel.on_message = self.messages.put_nowait

    def on_refused(self, key: str, reason: RefusalReason, *, is_retried: bool) -> None:
        """Not looked at."""

    def on_liveness(self) -> None:
        """Not looked at."""

    def on_failed(self) -> None:
        """Not looked at."""

    @property
    def producers(self) -> list[Producer]:
        return list(self.transport.producers.values())

    def forward(self, producers: Mapping[str, Producer]) -> None:
        for key, producer in producers.items():
            self.transport.forward(key, producer)


class TappedPublisher(PublishPeer):
    """Writes down the feedback that arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.feedback: list[RtcpPacket] = []

    def _rtcp_arrived(self, packets: Any) -> None:
        self.feedback += packets
        super()._rtcp_arrived(packets)


class TappedSubscriber(SubscribePeer):
    """Writes down the packets that arrive, decrypted."""

    def __init__(self, *, is_tapped: bool = True) -> None:
        super().__init__()
        self.is_tapped = is_tapped
        self.packets: list[tuple[RtpHeader, bytes]] = []

    def _rtp_arrived(self, data: bytes, now: float) -> None:
        if self.is_tapped:
            self.packets.append((parse_header(data), data))
        super()._rtp_arrived(data, now)


async def offer_streams(side: Side, peer: PublishPeer | RTCPeerConnection) -> None:
    """Let a publisher offer to the engine."""
    if isinstance(peer, PublishPeer):
        await peer.accept_answer(side.transport.accept_offer(await peer.create_offer()))
        await peer.connected(DEADLINE)
        return
    await peer.setLocalDescription(await peer.createOffer())
    answer = side.transport.accept_offer(peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))


async def take_offer(side: Side, peer: SubscribePeer | RTCPeerConnection) -> None:
    """Let the engine offer to a subscriber."""
    offer = side.transport.create_offer()
    if isinstance(peer, SubscribePeer):
        side.transport.accept_answer(await peer.accept_offer(offer))
        await peer.connected(DEADLINE)
        return
    await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    side.transport.accept_answer(peer.localDescription.sdp)


class PatternTrack(MediaStreamTrack):
    """A test picture as an aiortc track."""

    kind = "video"

    def __init__(self, color: tuple[int, int, int], *, fps: int = 30) -> None:
        super().__init__()
        self._painter = PatternPainter(320, 180, color)
        self._pacer: Pacer | None = None
        self._fps = fps
        self._number = 0

    async def recv(self) -> av.VideoFrame:
        self._pacer = self._pacer or Pacer()
        await self._pacer.wait(self._number / self._fps)
        frame = av.VideoFrame.from_ndarray(self._painter.draw(self._number), format="yuv420p")
        frame.pts = round(self._number / self._fps * VIDEO_CLOCK_RATE)
        frame.time_base = Fraction(1, VIDEO_CLOCK_RATE)
        self._number += 1
        return frame


class ToneTrack(MediaStreamTrack):
    """A steady sine as an aiortc track."""

    kind = "audio"

    def __init__(self, frequency: float, *, level_dbov: float = -20.0) -> None:
        super().__init__()
        self._frequency = frequency
        self._level = level_dbov
        self._pacer: Pacer | None = None
        self._start = 0

    async def recv(self) -> av.AudioFrame:
        self._pacer = self._pacer or Pacer()
        await self._pacer.wait(self._start / AUDIO_RATE)
        wave = tone(
            self._start,
            FRAME_SAMPLES,
            frequency_hz=self._frequency,
            level_dbov=self._level,
            rate=AUDIO_RATE,
        )
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.pts = self._start
        frame.sample_rate = AUDIO_RATE
        frame.time_base = Fraction(1, AUDIO_RATE)
        self._start += FRAME_SAMPLES
        return frame


async def frames_of(track: MediaStreamTrack) -> AsyncIterator[Any]:
    """The frames of an aiortc track in our own form; the caller sets the deadline."""
    while True:
        frame: Any = await track.recv()
        if isinstance(frame, av.VideoFrame):
            yield VideoFrame(frame, time=0.0)
            continue
        channels = len(frame.layout.channels)
        samples = frame.to_ndarray().reshape(-1, channels).astype(np.int16)
        yield AudioFrame(samples, time=0.0)
