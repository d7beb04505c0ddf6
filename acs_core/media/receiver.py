"""One incoming stream: RTP packets from a connection to frames for those who read.

Theory of operation. While nobody reads, packets are counted and dropped, but for the opening of a
stream (`opening.py`): no decoder, no thread, flat memory. The first reader brings a pipeline to
life and asks for a key frame unless there is an opening; the last one to leave ends it. Each reader
has its own bounded queue; a slow one loses the oldest frames and counts them, the others do not
notice. The peer hands in packets (`handle_rtp`) and RTCP (`handle_rtcp`) and sends the reports.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from acs_core.errors import InvalidArgumentError, InvalidStateError, MalformedPacketError
from acs_core.media.decode import DecodeWorker
from acs_core.media.frame_stream import FrameStream, ReceivedFrame
from acs_core.media.frames import AUDIO_RATE, VIDEO_CLOCK_RATE, AudioFrame, VideoFrame
from acs_core.media.opening import StreamOpening
from acs_core.media.outgoing import RtpPath
from acs_core.media.pipeline import (
    AudioPipeline,
    DecodedPicture,
    DecodedSound,
    VideoPipeline,
)
from acs_core.media.sources import MediaKind
from acs_core.media.stats import FreezeMeter, RateMeter, ReceiverStats
from acs_core.rtc.feedback import (
    Nack,
    PictureLossIndication,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    unix_time,
)
from acs_core.rtc.packet import (
    RtpHeader,
    Uri,
    audio_level,
    extensions,
    is_keyframe,
    parse_header,
    rtx_unwrap,
    timestamp_difference,
)
from acs_core.rtc.reception import ReceptionStats

__all__ = ["ReadMode", "ReceiveEncoding", "StreamReceiver"]

logger = logging.getLogger(__name__)

ReadMode: TypeAlias = Literal["latest", "queue"]

DEFAULT_QUEUE: Final[Mapping[MediaKind, int]] = {"video": 30, "audio": 10}


@dataclass(frozen=True, slots=True)
class ReceiveEncoding:
    """What was negotiated for an incoming stream.

    Attributes:
        mid: The SDP section.
        kind: "audio" or "video".
        ssrc: Of the stream.
        rtx_ssrc: Of packets sent again; None without RTX.
        codecs: Codec names by payload type.
        rtx: Payload types by the payload type of their RTX (`apt`, RFC 4588 section 8.1).
        extensions: Header extension ids by URI.
    """

    mid: str
    kind: MediaKind
    ssrc: int
    rtx_ssrc: int | None = None
    codecs: Mapping[int, str] = field(default_factory=dict)
    rtx: Mapping[int, int] = field(default_factory=dict)
    extensions: Mapping[str, int] = field(default_factory=dict)


class StreamReceiver:
    """Receives one stream; `close` it.

    Attributes:
        encoding: What was negotiated.
        is_active: The service says that it sends; set by the peer.
    """

    def __init__(self, path: RtpPath, encoding: ReceiveEncoding, *, sender_ssrc: int) -> None:
        """Begin to count.

        Args:
            path: Where RTCP goes.
            encoding: What was negotiated.
            sender_ssrc: Ours, for RTCP.
        """
        self.encoding = encoding
        self.is_active = True
        self._path = path
        self._sender_ssrc = sender_ssrc
        self._readers: list[FrameStream] = []
        self._pipeline: VideoPipeline | AudioPipeline | None = None
        self._retired: list[DecodeWorker[Any, Any]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._codec_name = ""
        self._opening = StreamOpening()
        self._reception = ReceptionStats(encoding.ssrc, self._clock_rate)
        self._sender_report: tuple[float, int] | None = None
        self._first_timestamp: int | None = None
        self._last_timestamp = 0
        self._level: int | None = None
        self._size = (0, 0)
        self._keyframes = 0
        self._frames = RateMeter()
        self._bytes = RateMeter()
        self._freezes = FreezeMeter()
        self._totals = _Totals()
        self._loop = asyncio.get_running_loop()

    @property
    def mid(self) -> str:
        """The SDP section."""
        return self.encoding.mid

    @property
    def kind(self) -> MediaKind:
        """Whether pictures or sound come."""
        return self.encoding.kind

    @property
    def is_read(self) -> bool:
        """Somebody reads frames."""
        return bool(self._readers)

    @property
    def has_decoder(self) -> bool:
        """A decoder exists: memory and CPU are in use."""
        return self._pipeline is not None and self._pipeline.worker.has_decoder

    def frames(self, mode: ReadMode | None = None, *, maximum: int | None = None) -> FrameStream:
        """Start reading.

        Args:
            mode: "latest" keeps one frame, the newest; "queue" keeps `maximum`, and drops the
                oldest. By default the newest picture, and a queue of sound.
            maximum: Of the queue: by default 30 pictures or 10 packets of sound.

        Raises:
            InvalidStateError: The receiver is closed.
            InvalidArgumentError: A `maximum` below 1.
        """
        if self._is_closed:
            raise InvalidStateError("This receiver is closed.")
        if maximum is not None and maximum < 1:
            raise InvalidArgumentError(f"A queue of {maximum} frames holds none.")
        chosen = mode or ("latest" if self.kind == "video" else "queue")
        limit = 1 if chosen == "latest" else maximum or DEFAULT_QUEUE[self.kind]
        stream = FrameStream(limit, self._detach)
        self._readers.append(stream)
        if len(self._readers) == 1:
            self._first_reader()
        return stream

    def take_readers(self, other: StreamReceiver) -> None:
        """Continue for the readers of a receiver whose connection is being replaced."""
        moved, other._readers = other._readers, []
        other._retire_pipeline()
        for stream in moved:
            stream.rebind(self._detach)
        is_first = not self._readers
        self._readers += moved
        if moved and is_first:
            self._first_reader()

    def reconfigure(self, encoding: ReceiveEncoding) -> None:
        """Take a changed negotiation over; another SSRC is another stream."""
        if encoding == self.encoding:
            return
        is_other = encoding.ssrc != self.encoding.ssrc
        self.encoding = encoding
        if is_other:
            self._opening.clear()
            self._reception = ReceptionStats(encoding.ssrc, self._clock_rate)
            self._sender_report = None
        self._retire_pipeline()
        if self._readers:
            self._first_reader()

    def handle_rtp(self, data: bytes, header: RtpHeader, now: float) -> None:
        """Take one packet of this stream or of its RTX stream; damaged ones are dropped."""
        try:
            if header.ssrc == self.encoding.rtx_ssrc:
                self._take_repeated(data, header, now)
            else:
                self._take(data, header, now)
        except MalformedPacketError as error:
            logger.debug("a packet of %s was dropped: %s", self.mid, error)

    def handle_rtcp(self, packet: RtcpPacket, now: float) -> None:
        """Take a sender report of this stream; everything else is ignored."""
        if isinstance(packet, SenderReport) and packet.ssrc == self.encoding.ssrc:
            self._reception.sender_report(packet, now)
            self._sender_report = (unix_time(packet.ntp_timestamp), packet.rtp_timestamp)

    def report_block(self, now: float) -> ReportBlock | None:
        """Write this stream's part of a receiver report; None before the first packet."""
        if not self._reception.packets_received:
            return None
        return self._reception.report_block(now)

    def stats(self, now: float) -> ReceiverStats:
        """Take a snapshot; `now` is the event loop's time."""
        totals = self._totals.plus(self._pipeline)
        pipeline = self._pipeline
        buffer = pipeline.buffer if isinstance(pipeline, AudioPipeline) else None
        return ReceiverStats(
            kind=self.kind,
            mid=self.mid,
            codec_name=self._codec_name,
            ssrc=self.encoding.ssrc,
            is_read=self.is_read,
            packets_received=self._reception.packets_received,
            bytes_received=self._reception.bytes_received,
            packets_lost=self._reception.packets_lost,
            packets_repaired=totals.repaired,
            jitter=self._reception.jitter_seconds,
            nacks_sent=totals.nacks,
            keyframe_requests=totals.keyframe_requests,
            frames_received=totals.received,
            received_per_second=pipeline.frames.rate(now)
            if isinstance(pipeline, VideoPipeline)
            else 0.0,
            frames_decoded=totals.frames,
            keyframes_decoded=self._keyframes,
            frames_dropped=totals.dropped,
            frame_width=self._size[0],
            frame_height=self._size[1],
            frames_per_second=self._frames.rate(now),
            bitrate_bps=round(self._bytes.rate(now) * 8),
            freeze_count=self._freezes.count,
            freeze_seconds=self._freezes.seconds,
            longest_freeze=self._freezes.longest,
            audio_level=self._level,
            concealed_fraction=totals.concealed / totals.played if totals.played else 0.0,
            buffer_delay=buffer.target_delay if buffer else 0.0,
        )

    def stop(self) -> None:
        """End all readers; `close` waits until nothing runs."""
        self._is_closed = True
        for reader in self._readers:
            reader.end()
        self._readers.clear()
        self._retire_pipeline()

    async def close(self) -> None:
        """End all readers and return when no thread works for this stream. Safe to repeat."""
        self.stop()
        for worker in self._retired:
            await worker.close()
        self._retired.clear()

    @property
    def _clock_rate(self) -> int:
        return VIDEO_CLOCK_RATE if self.kind == "video" else AUDIO_RATE

    def _first_reader(self) -> None:
        kept = self._opening.take()
        if kept:
            now = self._loop.time()
            for packet in kept:
                self._feed(packet, parse_header(packet), now)
        elif self.kind == "video":
            # Which codec comes is known with the next packet; a key frame can be asked for now.
            self._totals = replace(
                self._totals, keyframe_requests=self._totals.keyframe_requests + 1
            )
            self._send_keyframe_request()

    def _detach(self, reader: FrameStream) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
            if not self._readers:
                self._retire_pipeline()
                self._freezes.pause()

    def _retire_pipeline(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if pipeline is not None:
            self._totals = self._totals.plus(pipeline)
            pipeline.worker.stop()
            self._retired = [worker for worker in self._retired if worker.is_busy]
            self._retired.append(pipeline.worker)

    def _take(self, data: bytes, header: RtpHeader, now: float) -> None:
        codec_name = self.encoding.codecs.get(header.payload_type)
        if codec_name is None:
            return
        self._reception.received(header.sequence_number, header.timestamp, now, len(data))
        self._bytes.add(len(data), now)
        if self.kind == "audio":
            self._read_level(data, header)
        if codec_name != self._codec_name:
            self._codec_name = codec_name
            self._opening.clear()
            self._retire_pipeline()
        if self._readers:
            self._feed(data, header, now)
        elif self.kind == "video":
            payload = data[header.payload_offset : header.payload_end]
            self._opening.add(data, header.timestamp, is_keyframe=is_keyframe(codec_name, payload))

    def _take_repeated(self, data: bytes, header: RtpHeader, now: float) -> None:
        payload_type = self.encoding.rtx.get(header.payload_type)
        self._bytes.add(len(data), now)
        # RTX packets without content are padding that probes the network.
        if payload_type is None or self._pipeline is None:
            return
        if header.payload_end - header.payload_offset < 2:
            return
        packet = rtx_unwrap(data, header, payload_type=payload_type, ssrc=self.encoding.ssrc)
        self._feed(packet, parse_header(packet), now)

    def _feed(self, data: bytes, header: RtpHeader, now: float) -> None:
        if self._pipeline is None:
            self._pipeline = self._make_pipeline()
        payload = bytes(data[header.payload_offset : header.payload_end])
        try:
            self._pipeline.packet(
                header.sequence_number, header.timestamp, header.marker, payload, now
            )
        finally:
            self._schedule()

    def _make_pipeline(self) -> VideoPipeline | AudioPipeline:
        if self.kind == "audio":
            return AudioPipeline(on_frames=self._sound_decoded)
        return VideoPipeline(
            self._codec_name,
            on_frames=self._pictures_decoded,
            send_nack=self._send_nack,
            send_keyframe_request=self._send_keyframe_request,
            clock=self._loop.time,
        )

    def _schedule(self) -> None:
        deadline = self._pipeline.next_deadline if self._pipeline else None
        if self._timer is not None:
            if deadline is not None and self._timer.when() <= deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._pipeline is not None:
            self._pipeline.tick(self._loop.time())
            self._schedule()

    def _read_level(self, data: bytes, header: RtpHeader) -> None:
        level_id = self.encoding.extensions.get(Uri.AUDIO_LEVEL)
        if level_id is None:
            return
        for element in extensions(data, header):
            if element.id == level_id:
                value = data[element.offset : element.offset + element.length]
                self._level = audio_level(value)[1]

    def _send_nack(self, lost: tuple[int, ...]) -> None:
        self._path.send_rtcp([Nack(self._sender_ssrc, self.encoding.ssrc, lost)])

    def _send_keyframe_request(self) -> None:
        self._path.send_rtcp([PictureLossIndication(self._sender_ssrc, self.encoding.ssrc)])

    def _pictures_decoded(self, frames: Sequence[DecodedPicture]) -> None:
        now = self._loop.time()
        for frame in frames:
            seconds, captured = self._times(frame.pts or 0)
            self._size = (frame.width, frame.height)
            self._keyframes += frame.key_frame
            self._frames.add(1, now)
            self._freezes.shown(now)
            self._deliver(VideoFrame(frame, time=seconds, capture_time=captured))

    def _sound_decoded(self, frames: Sequence[DecodedSound]) -> None:
        now = self._loop.time()
        for timestamp, samples in frames:
            seconds, captured = self._times(timestamp & 0xFFFFFFFF)
            self._frames.add(1, now)
            self._deliver(AudioFrame(samples, time=seconds, capture_time=captured))

    def _deliver(self, frame: ReceivedFrame) -> None:
        for reader in self._readers:
            reader.push(frame)

    def _times(self, timestamp: int) -> tuple[float, float | None]:
        """Give seconds since the first frame, and Unix time of capture where known."""
        if self._first_timestamp is None:
            self._first_timestamp = self._last_timestamp = timestamp
        self._last_timestamp += timestamp_difference(timestamp, self._last_timestamp & 0xFFFFFFFF)
        seconds = (self._last_timestamp - self._first_timestamp) / self._clock_rate
        if self._sender_report is None:
            return seconds, None
        wall, reported = self._sender_report
        return seconds, wall + timestamp_difference(timestamp, reported) / self._clock_rate


@dataclass(frozen=True, slots=True)
class _Totals:
    """Figures of the pipelines that were, so that they never go back."""

    repaired: int = 0
    nacks: int = 0
    keyframe_requests: int = 0
    received: int = 0
    frames: int = 0
    dropped: int = 0
    concealed: int = 0
    played: int = 0

    def plus(self, pipeline: VideoPipeline | AudioPipeline | None) -> _Totals:
        """Add what one more pipeline did."""
        if pipeline is None:
            return self
        frames = self.frames + pipeline.worker.frames_decoded
        if isinstance(pipeline, AudioPipeline):
            return replace(
                self,
                frames=frames,
                concealed=self.concealed + pipeline.buffer.samples_concealed,
                played=self.played + pipeline.buffer.samples_played,
            )
        return replace(
            self,
            frames=frames,
            received=self.received + pipeline.frames_received,
            repaired=self.repaired + pipeline.packets_repaired,
            nacks=self.nacks + pipeline.nacks_sent,
            keyframe_requests=self.keyframe_requests + pipeline.keyframe_requests,
            dropped=self.dropped + pipeline.frames_dropped,
        )
