"""One track on its way into a file; everything here happens on the writer's thread.

Theory of operation. A track comes as one stream after the other, each an SSRC: another layer, or
the publisher's next connection. Sound goes on with the next stream at once, pictures with its first
keyframe. Samples are placed by the sender's clock; those that come before the first report wait for
it a while, because the clock could not be corrected later without tearing a hole. The first sample
is the beginning of the file, and where nothing comes, nothing is in the file: a gap is as long as
it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from acs_core.disks import check_free_space
from acs_core.errors import MediaError, Stage
from acs_core.service.recording.clocks import RtpClock, SenderClock
from acs_core.service.recording.container import CODECS, FileCodec, MatroskaFile, last_length
from acs_core.service.recording.order import PacketOrder
from acs_core.service.recording.samples import (
    PictureSamples,
    Sample,
    SampleMaker,
    SoundSamples,
)
from acs_core.service.sfu.plane.taps import TappedPacket

__all__ = ["Opened", "StreamFormat", "TrackListener", "TrackWriter", "Written"]

REPORT_PATIENCE: Final = 4.0
"""Seconds that samples wait for a sender report; browsers send the first about sound after 2.5."""
KEYFRAME_PATIENCE: Final = 2.0
"""Seconds after which a keyframe is asked for again."""
SPACE_INTERVAL: Final = 1.0
"""Seconds of media between two looks at the free space."""
_BESIDES: Final = frozenset({"", "CN", "RED", "TELEPHONE-EVENT", "ULPFEC", "FLEXFEC-03"})
"""What a sender may mix into a stream of another codec."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What the packets of one stream are.

    Attributes:
        codecs: Payload type to encoding name in capitals.
        clock_rates: Payload type to ticks per second.
    """

    codecs: dict[int, str]
    clock_rates: dict[int, int]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file has begun.

    Attributes:
        codec: Of its track.
        started_at: Of its first sample, seconds on the service's clock.
        path: The file.
    """

    codec: FileCodec
    started_at: float
    path: Path


@dataclass(frozen=True, slots=True)
class Written:
    """A file is complete.

    Attributes:
        duration: Seconds.
        size: Bytes.
    """

    duration: float
    size: int


@dataclass(frozen=True, slots=True)
class TrackListener:
    """What a writer tells; called on its thread.

    Attributes:
        note: Says what is to be kept in a file that is about to begin.
        opened: The file has begun.
        needs_keyframe: Nothing can be written without one.
        other_codec: Packets of another codec come, which the file cannot take.
    """

    note: Callable[[Opened], str]
    opened: Callable[[Opened], None]
    needs_keyframe: Callable[[], None]
    other_codec: Callable[[], None]


@dataclass(slots=True, eq=False)
class _Stream:
    """One SSRC."""

    codec: FileCodec
    clock_rate: int
    samples: SampleMaker
    clock: RtpClock
    order: PacketOrder = field(default_factory=PacketOrder)
    held: list[Sample] = field(default_factory=list)
    is_placed: bool = False
    # Of its timestamps as they are, while nothing tells what they mean.
    own_clock: SenderClock = field(default_factory=SenderClock)
    asked_at: float | None = None


class TrackWriter:
    """Writes one track; `finish` it.

    Args:
        path: Makes the path of the file from the suffix.
        clock: Of the participant.
        listener: Hears of what it finds.
        floor: Bytes that are to stay free on the disk.
    """

    def __init__(
        self,
        path: Callable[[str], Path],
        clock: SenderClock,
        listener: TrackListener,
        *,
        floor: int,
    ) -> None:
        self._path = path
        self._clock = clock
        self._listener = listener
        self._floor = floor
        self._streams: dict[str, _Stream] = {}
        self._formats: dict[str, StreamFormat] = {}
        self._clocks: dict[str, tuple[int, int]] = {}
        self._current: _Stream | None = None
        self._file: MatroskaFile | None = None
        self._codec: FileCodec | None = None
        self._began = 0.0
        self._last_ms = -1
        self._last_duration = 0.0
        self._checked_ms = 0
        self._has_told_codec = False

    @property
    def codec(self) -> FileCodec | None:
        """Of the track; None before the first packet."""
        return self._codec

    # ------------------------------------------------------------ what comes

    def describe(self, stream: str, format_: StreamFormat) -> None:
        """Learn what the packets of a stream are, before the first one."""
        self._formats[stream] = format_

    def report(self, stream: str, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """Take a sender report of a stream."""
        self._clocks[stream] = (ntp_timestamp, rtp_timestamp)
        if (known := self._streams.get(stream)) is not None:
            known.clock.report(ntp_timestamp, rtp_timestamp)

    def take(self, stream: str, packets: Iterable[TappedPacket]) -> None:
        """Take packets of a stream.

        Raises:
            MediaError: The file cannot be written; call `abandon`.
        """
        for packet in packets:
            known = self._stream_of(stream, packet)
            if known is None:
                continue
            for item in known.order.add(packet):
                for sample in known.samples.take(item):
                    self._sampled(known, sample)
            if known.samples.needs_keyframe:
                self._want_keyframe(known, packet.arrived_at)
            else:
                known.asked_at = None

    def finish(self) -> Written | None:
        """Write what waits, complete the file and say what it holds; None if there is none.

        Raises:
            MediaError: It could not be completed.
        """
        for stream in list(self._streams.values()):
            for item in stream.order.flush():
                for sample in stream.samples.take(item):
                    self._sampled(stream, sample)
            for sample in stream.samples.finish():
                self._sampled(stream, sample)
        if self._current is not None:
            self._place(self._current)
        if self._file is None:
            return None
        self._file.close()
        return Written(self._last_ms / 1000 + self._last_duration, self._file.path.stat().st_size)

    def abandon(self) -> None:
        """Close the file after a failure."""
        if self._file is not None:
            self._file.abandon()

    # ------------------------------------------------------------ streams

    def _stream_of(self, name: str, packet: TappedPacket) -> _Stream | None:
        """Whose packet it is; None for one of a codec that the file cannot take."""
        format_ = self._formats.get(name)
        payload_type = packet.data[1] & 0x7F
        name_of_codec = "" if format_ is None else format_.codecs.get(payload_type, "")
        if format_ is None or name_of_codec in _BESIDES:
            return None
        codec = CODECS.get(name_of_codec)
        if codec is None:
            raise MediaError(f"{name_of_codec} cannot be recorded.", stage=Stage.MEDIA)
        if codec is not (self._codec or codec):
            if not self._has_told_codec:
                self._has_told_codec = True
                self._listener.other_codec()
            return None
        self._codec = codec
        known = self._streams.get(name)
        if known is None:
            rate = format_.clock_rates[payload_type]
            known = _Stream(codec, rate, _samples(codec, rate), RtpClock(rate))
            self._streams[name] = known
            if (report := self._clocks.get(name)) is not None:
                known.clock.report(*report)
        return known

    def _want_keyframe(self, stream: _Stream, now: float) -> None:
        """Ask for one; the plane has asked when the stream began."""
        if stream.asked_at is None and (stream is self._current or self._current is None):
            stream.asked_at = now
            if self._file is not None:
                self._listener.needs_keyframe()
        elif stream.asked_at is not None and now - stream.asked_at >= KEYFRAME_PATIENCE:
            stream.asked_at = now
            self._listener.needs_keyframe()

    # ------------------------------------------------------------ samples

    def _sampled(self, stream: _Stream, sample: Sample) -> None:
        """Let a sample wait until its place is known, or write it."""
        if stream is not self._current:
            if stream.codec.is_video and not sample.is_keyframe:
                return
            self._follow(stream)
        stream.held.append(sample)
        waited = sample.arrived_at - stream.held[0].arrived_at
        if stream.is_placed or stream.clock.is_known or waited >= REPORT_PATIENCE:
            self._place(stream)

    def _follow(self, stream: _Stream) -> None:
        """Go on with another stream; the one before it has ended."""
        before, self._current = self._current, stream
        if before is not None:
            for item in before.order.flush():
                before.held += before.samples.take(item)
            self._place(before)
            self._streams = {
                name: known for name, known in self._streams.items() if known is not before
            }

    def _place(self, stream: _Stream) -> None:
        """Write what is held."""
        held, stream.held = stream.held, []
        stream.is_placed = stream.is_placed or bool(held)
        clock = self._clock if stream.clock.is_known else stream.own_clock
        times = [stream.clock.seconds(sample.rtp_timestamp) for sample in held]
        for sent, sample in zip(times, held, strict=True):
            clock.observe(sent, sample.arrived_at)
        for sent, sample in zip(times, held, strict=True):
            self._write(clock.local(sent), sample, stream)

    def _write(self, at: float, sample: Sample, stream: _Stream) -> None:
        if self._file is None:
            self._file = self._open(at, sample, stream)
        at_ms = max(self._last_ms + 1, round((at - self._began) * 1000))
        if at_ms - self._checked_ms >= 1000 * SPACE_INTERVAL:
            self._checked_ms = at_ms
            check_free_space(self._file.path.parent, self._floor)
        self._file.write(
            sample.data,
            at_ms,
            is_keyframe=sample.is_keyframe,
            duration_ms=round(sample.duration * 1000),
        )
        since_last = (at_ms - max(0, self._last_ms)) / 1000
        self._last_duration = sample.duration or last_length(since_last, self._last_duration)
        self._last_ms = at_ms

    # ------------------------------------------------------------ the file

    def _open(self, at: float, sample: Sample, stream: _Stream) -> MatroskaFile:
        path = self._path(stream.codec.container)
        check_free_space(path.parent, self._floor)
        self._began = at
        opened = Opened(stream.codec, at, path)
        made = MatroskaFile(
            path,
            stream.codec,
            size=sample.size or (0, 0),
            clock_rate=stream.clock_rate,
            note=self._listener.note(opened),
        )
        self._listener.opened(opened)
        return made


def _samples(codec: FileCodec, clock_rate: int) -> SampleMaker:
    if codec.is_video:
        return PictureSamples(codec.name)
    return SoundSamples(codec.name, clock_rate)
