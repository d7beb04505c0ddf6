"""One outgoing stream: frames from a source to RTP packets on a connection.

Theory of operation. A sender reads its source for as long as it lives, so that a disabled
stream notices the end of its source and starts again without a device being opened; encoding
and sending happen only while it is enabled, negotiated and connected. One task does all that in
order: read, encode (in the pool), send. RTCP comes in through `handle_rtcp`, called by the
peer; answers to NACK are sent at once.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import av

from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError, MediaError
from acs_core.media.clock import FrameThrottle, RtpClock
from acs_core.media.encode import EncodedPicture, OpusEncoder, VideoEncoder, audio_level
from acs_core.media.frames import AUDIO_RATE, VIDEO_CLOCK_RATE, AudioFrame
from acs_core.media.outgoing import OutgoingStream, RtpPath, SendEncoding
from acs_core.media.pool import media_pool
from acs_core.media.sources import MediaFrame, MediaKind, MediaSource, SourceReader
from acs_core.media.stats import RateMeter, SenderStats
from acs_core.rtc.feedback import (
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    ntp_time,
)
from acs_core.rtc.packet import Uri
from acs_core.rtc.reception import round_trip

__all__ = ["SendOptions", "StreamSender"]

logger = logging.getLogger(__name__)

DEFAULT_VIDEO_BITRATE: Final = 1_500_000
START_VIDEO_BITRATE: Final = 800_000
REPORT_INTERVAL: Final = 1.0
# A key frame is sent in groups, over at most 40 ms, so that it does not overrun a router.
BURST_PACKETS: Final = 10
BURST_INTERVAL: Final = 0.004
BURST_GROUPS: Final = 10
# Requests that arrive while the key frame they ask for is on its way are not new ones.
KEYFRAME_INTERVAL: Final = 0.2
# Frames in a row that may fail to encode before the source counts as unusable.
MAX_FAILURES: Final = 10


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What the application wants of an outgoing stream.

    Attributes:
        max_bitrate_bps: Upper limit; None for 1.5 Mb/s of video and 40 or 64 kb/s of sound.
        max_frame_rate: Pictures above this rate are left out.
        max_frame_height: Higher pictures are made smaller, their shape kept; None for no limit.
        dtx: Send nearly nothing while the sound is silent.
        codecs: Encoding names in order of preference, for instance ``("H264", "VP8")``; others
            are not offered. Empty for all, VP8 first.
    """

    max_bitrate_bps: int | None = None
    max_frame_rate: float = 30.0
    max_frame_height: int | None = None
    dtx: bool = False
    codecs: tuple[str, ...] = ()


@dataclass(slots=True)
class _Counters:
    nacks: int = 0
    keyframe_requests: int = 0
    frames: int = 0
    keyframes: int = 0
    sent: int = 0
    input_width: int = 0
    input_height: int = 0
    width: int = 0
    height: int = 0
    level: int | None = None
    round_trip: float | None = None
    lost: int = 0
    fraction_lost: float = 0.0
    jitter: float = 0.0


class StreamSender:
    """Sends one source; its owner calls `start` once negotiated, and `close`.

    Attributes:
        kind: "audio" or "video".
        error: Why the source gives no frames; None while it does, or before it was opened.
    """

    def __init__(
        self,
        path: RtpPath,
        source: MediaSource,
        *,
        cname: str,
        options: SendOptions | None = None,
        enabled: bool = True,
    ) -> None:
        """Prepare; the source is opened by `start`.

        Args:
            path: Where packets go.
            source: Not owned: it is neither closed here nor does it end the sender.
            cname: Joins the streams of one participant (RFC 3550 section 6.5.1).
            options: Limits.
            enabled: As the attribute.
        """
        self.kind: MediaKind = source.kind
        self.error: CallingError | None = None
        self._path = path
        self._source = source
        self._source_changed = asyncio.Event()
        self._reader: SourceReader | None = None
        self._cname = cname
        self._options = options or SendOptions()
        self._stream: OutgoingStream | None = None
        self._enabled = enabled
        self._tasks: list[asyncio.Task[None]] = []
        self._is_closed = False
        self._video: VideoEncoder | None = None
        self._sound: OpusEncoder | None = None
        self._available = START_VIDEO_BITRATE
        self._target = min(self._available, self.max_bitrate_bps)
        self._throttle = FrameThrottle(self._options.max_frame_rate)
        self._keyframe_wanted = False
        self._last_keyframe = 0.0
        self._clock = RtpClock(self._clock_rate, first=secrets.randbits(31))
        self._counters = _Counters()
        self._frames = RateMeter()
        self._input = RateMeter()

    @property
    def source(self) -> MediaSource:
        """What is being sent."""
        return self._source

    @property
    def ssrc(self) -> int | None:
        """The stream's number; None before negotiation."""
        return self._stream.encoding.ssrc if self._stream else None

    @property
    def max_bitrate_bps(self) -> int:
        """The limit in force, from the options or by default."""
        default = DEFAULT_VIDEO_BITRATE if self.kind == "video" else 64_000
        return self._options.max_bitrate_bps or default

    @property
    def target_bitrate_bps(self) -> int:
        """What is aimed at now."""
        return self._target

    @property
    def enabled(self) -> bool:
        """Whether frames are sent; a disabled stream stays negotiated."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        if value and not self._enabled:
            self._keyframe_wanted = True
        self._enabled = value

    def start(self, encoding: SendEncoding) -> None:
        """Begin to send as negotiated; called again, take a changed negotiation over.

        Raises:
            InvalidStateError: The sender is closed.
            InvalidArgumentError: A codec that we cannot encode.
        """
        if self._is_closed:
            raise InvalidStateError("This sender is closed.")
        if self._stream is not None and encoding == self._stream.encoding:
            return
        self._make_encoder(encoding.codec_name)
        if self._stream is not None and encoding.ssrc == self._stream.encoding.ssrc:
            self._stream.encoding = encoding
        else:
            self._stream = OutgoingStream(self._path, encoding, clock_rate=self._clock_rate)
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._run(), name=f"send {self._source.label}"),
                asyncio.create_task(self._report(), name=f"report {self._source.label}"),
            ]

    def replace_source(self, source: MediaSource) -> None:
        """Send another source from now on, without the receivers being told.

        Raises:
            InvalidArgumentError: Sound for a picture or the other way round.
        """
        if source.kind != self.kind:
            raise InvalidArgumentError(f"{source.label} is {source.kind}, not {self.kind}.")
        self._source = source
        self._keyframe_wanted = True
        self._source_changed.set()
        if self._reader is not None:
            self._reader.close()

    def set_options(self, options: SendOptions) -> None:
        """Take other limits from the next frame on; the codecs stay what they are."""
        if options.max_frame_rate != self._options.max_frame_rate:
            self._throttle = FrameThrottle(options.max_frame_rate)
        self._options = options
        self.set_available_bitrate(self._available)
        if self._video is not None:
            self._video.set_limits(
                max_bitrate_bps=self.max_bitrate_bps,
                frame_rate=options.max_frame_rate,
                max_height=options.max_frame_height,
            )
        if self._sound is not None:
            self._sound.set_limits(bitrate_bps=options.max_bitrate_bps, dtx=options.dtx)

    def set_available_bitrate(self, bitrate_bps: int) -> None:
        """Adapt to what the network carries; the option's limit stays above it."""
        self._available = bitrate_bps
        self._target = min(bitrate_bps, self.max_bitrate_bps)
        if self._video is not None:
            self._video.bitrate_bps = self._target

    def request_keyframe(self) -> None:
        """Make one of the next pictures a key frame."""
        self._keyframe_wanted = True

    def handle_rtcp(self, packet: RtcpPacket) -> None:
        """Take one packet of feedback; those about other streams are ignored."""
        stream = self._stream
        if stream is None:
            return
        ssrc = stream.encoding.ssrc
        match packet:
            case Nack() if packet.media_ssrc == ssrc:
                self._counters.nacks += 1
                stream.resend(packet.lost, _now())
            case PictureLossIndication() if packet.media_ssrc == ssrc:
                self._count_keyframe_request()
            case FullIntraRequest() if any(entry[0] == ssrc for entry in packet.entries):
                self._count_keyframe_request()
            case ReceiverReport() | SenderReport():
                for block in packet.reports:
                    if block.ssrc == ssrc:
                        self._take_report(block)
            case _:
                pass

    def stats(self, now: float) -> SenderStats:
        """Take a snapshot; `now` is the event loop's time."""
        stream, counters = self._stream, self._counters
        encoding = stream.encoding if stream else None
        return SenderStats(
            kind=self.kind,
            mid=encoding.mid if encoding else "",
            codec_name=encoding.codec_name if encoding else "",
            ssrc=encoding.ssrc if encoding else 0,
            is_enabled=self._enabled,
            packets_sent=stream.packets_sent if stream else 0,
            bytes_sent=stream.bytes_sent if stream else 0,
            packets_resent=stream.packets_resent if stream else 0,
            nacks_received=counters.nacks,
            keyframe_requests=counters.keyframe_requests,
            frames_encoded=counters.frames,
            keyframes_encoded=counters.keyframes,
            frame_width=counters.width,
            frame_height=counters.height,
            frames_per_second=self._frames.rate(now),
            frames_sent=counters.sent,
            input_width=counters.input_width,
            input_height=counters.input_height,
            input_frames_per_second=self._input.rate(now),
            bitrate_bps=round(stream.rate.rate(now) * 8) if stream else 0,
            target_bitrate_bps=self._target,
            is_bandwidth_limited=self._target < self.max_bitrate_bps,
            audio_level=counters.level,
            round_trip=counters.round_trip,
            packets_lost=counters.lost,
            fraction_lost=counters.fraction_lost,
            jitter=counters.jitter,
        )

    def stop(self) -> None:
        """Send nothing more; `close` waits until nothing runs."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Stop sending; the source stays open for whoever made it. Safe to repeat."""
        self.stop()
        tasks, self._tasks = self._tasks, []
        if tasks:
            await asyncio.wait(tasks)

    @property
    def _clock_rate(self) -> int:
        return VIDEO_CLOCK_RATE if self.kind == "video" else AUDIO_RATE

    def _make_encoder(self, codec_name: str) -> None:
        if self.kind == "audio":
            if codec_name.lower() != "opus":
                raise InvalidArgumentError(f"No encoder for {codec_name}; choose opus.")
            self._sound = self._sound or OpusEncoder(
                bitrate_bps=self._options.max_bitrate_bps, dtx=self._options.dtx
            )
        elif self._stream is None or self._stream.encoding.codec_name != codec_name:
            self._video = VideoEncoder(
                codec_name,
                bitrate_bps=self._target,
                max_bitrate_bps=self.max_bitrate_bps,
                frame_rate=self._options.max_frame_rate,
                max_height=self._options.max_frame_height,
            )

    async def _run(self) -> None:
        while True:
            self._source_changed.clear()
            try:
                self._reader = await self._source.open()
                self.error = None
                # Another source has times of its own.
                self._clock.pause()
                await self._pump(self._reader)
            except CallingError as error:
                # A source that failed or ended may be replaced; until then nothing is sent.
                if not self._source_changed.is_set():
                    self.error = error
                    logger.info("%s gives no more frames: %s", self._source.label, error)
            except Exception:
                logger.exception("sending %s failed", self._source.label)
                self.error = MediaError(f"Sending {self._source.label} failed.")
            finally:
                if self._reader is not None:
                    self._reader.close()
                    self._reader = None
            await self._source_changed.wait()

    async def _pump(self, reader: SourceReader) -> None:
        failures = 0
        while True:
            frame = await reader.read()
            now = _now()
            self._count_input(frame, now)
            stream = self._stream
            if stream is None or not self._enabled or self._path.state != "connected":
                self._clock.pause()
                continue
            try:
                if not isinstance(frame, av.VideoFrame):
                    await self._send_sound(stream, frame, now)
                elif self._throttle.takes(_frame_time(frame), now):
                    await self._send_picture(stream, frame, now)
                failures = 0
            except MediaError as error:
                failures += 1
                if failures > MAX_FAILURES:
                    raise
                logger.warning("a frame of %s was not sent: %s", self._source.label, error)

    async def _send_picture(self, stream: OutgoingStream, frame: av.VideoFrame, now: float) -> None:
        encoder = self._video
        assert encoder is not None
        timestamp = self._clock.picture(_frame_time(frame), now)
        if self._keyframe_wanted and now - self._last_keyframe >= KEYFRAME_INTERVAL:
            self._keyframe_wanted = False
            encoder.request_keyframe()
        loop = asyncio.get_running_loop()
        picture = await loop.run_in_executor(
            media_pool("video"), encoder.encode, frame, timestamp, now
        )
        self._count_picture(picture, now)
        step = max(BURST_PACKETS, -(-len(picture.payloads) // BURST_GROUPS))
        last = len(picture.payloads) - 1
        for index, payload in enumerate(picture.payloads):
            if index and index % step == 0:
                await asyncio.sleep(BURST_INTERVAL)
            self._send(stream, timestamp, payload, marker=index == last, captured=now)
        self._counters.sent += bool(picture.payloads)

    async def _send_sound(self, stream: OutgoingStream, frame: av.AudioFrame, now: float) -> None:
        encoder = self._sound
        assert encoder is not None
        loop = asyncio.get_running_loop()
        packets = await loop.run_in_executor(media_pool("audio"), encoder.encode, frame, now)
        level_id = stream.encoding.extensions.get(Uri.AUDIO_LEVEL)
        frame_time = _frame_time(frame)
        for packet in packets:
            time = None if frame_time is None else frame_time + packet.offset / AUDIO_RATE
            timestamp, is_first = self._clock.sound(packet.samples, now, time)
            self._counters.frames += 1
            self._counters.level = packet.level
            self._frames.add(1, now)
            if not packet.payload:
                continue
            # RFC 6464 section 3: the voice bit above seven bits of level.
            level = bytes([packet.has_voice << 7 | packet.level])
            elements = [] if level_id is None else [(level_id, level)]
            # RFC 3551 section 4.1: the marker begins a talkspurt.
            self._send(stream, timestamp, packet.payload, elements, marker=is_first, captured=now)
            self._counters.sent += 1

    def _send(
        self,
        stream: OutgoingStream,
        timestamp: int,
        payload: bytes,
        elements: Sequence[tuple[int, bytes]] = (),
        *,
        marker: bool,
        captured: float,
    ) -> None:
        now = _now()
        stream.send(timestamp, payload, elements, marker=marker, captured=captured, now=now)
        if stream.packets_sent == 1:
            # At once: lip sync needs the relation to wall time from the first frame on.
            stream.send_report(self._cname, now, ntp_time(time.time()))

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_INTERVAL)
            if self._stream is not None:
                self._stream.send_report(self._cname, _now(), ntp_time(time.time()))

    def _take_report(self, block: ReportBlock) -> None:
        counters = self._counters
        trip = round_trip(block, ntp_time(time.time()))
        counters.round_trip = counters.round_trip if trip is None else trip
        counters.lost = block.packets_lost
        counters.fraction_lost = block.fraction_lost / 256
        counters.jitter = block.jitter / self._clock_rate
        if self._sound is not None:
            # Smoothed: one bad second is no reason for a new encoder.
            smoothed = 0.7 * self._sound.packet_loss + 0.3 * counters.fraction_lost * 100
            self._sound.packet_loss = smoothed

    def _count_keyframe_request(self) -> None:
        self._counters.keyframe_requests += 1
        self._keyframe_wanted = True

    def _count_input(self, frame: MediaFrame, now: float) -> None:
        self._input.add(1, now)
        if isinstance(frame, av.VideoFrame):
            self._counters.input_width, self._counters.input_height = frame.width, frame.height
        elif not self._enabled:
            # Of what is not sent, too: who speaks into a muted microphone should hear of it.
            self._counters.level = audio_level(AudioFrame.from_av(frame).samples)

    def _count_picture(self, picture: EncodedPicture, now: float) -> None:
        counters = self._counters
        counters.frames += 1
        counters.width, counters.height = picture.width, picture.height
        self._frames.add(1, now)
        if picture.is_keyframe:
            counters.keyframes += 1
            self._last_keyframe = now


def _frame_time(frame: MediaFrame) -> float | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return float(frame.pts * frame.time_base)


def _now() -> float:
    return asyncio.get_running_loop().time()
