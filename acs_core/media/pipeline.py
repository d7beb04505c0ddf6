"""From the packets of one read stream to decoded frames: buffer, repair, decode.

A pipeline exists only while somebody reads the stream. It reads no clock and starts no timer:
its owner calls `tick` at `next_deadline`. Decoded frames come back through a callback.

Source: RFC 4585 (NACK, PLI); the policy is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import av

from acs_core.media.decode import AudioDecoder, DecodeWorker, VideoDecoder
from acs_core.media.frames import Samples
from acs_core.media.jitter import (
    AssembledFrame,
    AudioJitterBuffer,
    AudioUnit,
    VideoJitterBuffer,
)
from acs_core.media.stats import RateMeter
from acs_core.rtc.nack import NackTracker

__all__ = ["AudioPipeline", "DecodedPicture", "DecodedSound", "Pipeline", "VideoPipeline"]

DecodedPicture = av.VideoFrame
DecodedSound = tuple[int, Samples]

# A key frame is asked for again after this, as long as packets without one arrive.
KEYFRAME_RETRY: Final = 0.3
# Requests closer than this are one: the answer is still on its way.
KEYFRAME_SPACING: Final = 0.2
# A NACK is repeated after the time that repairs take, within these bounds in seconds.
REPEAT_BOUNDS: Final = (0.03, 0.3)
REPEAT_MARGIN: Final = 0.01
# Coded pictures that may wait for the decoder, about a third of a second.
MAX_PICTURES: Final = 10
MAX_SOUNDS: Final = 100
MAX_ASKED: Final = 1000


class Pipeline(Protocol):
    """What a receiver drives, for either kind."""

    @property
    def next_deadline(self) -> float | None:
        """When `tick` has something to do; None while it has not."""
        ...

    @property
    def worker(
        self,
    ) -> DecodeWorker[AssembledFrame, DecodedPicture] | DecodeWorker[AudioUnit, DecodedSound]:
        """The decoder and its backlog, to be closed by the owner."""
        ...

    def packet(
        self, sequence_number: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None:
        """Take one packet.

        Raises:
            MalformedPacketError: The payload cannot be read; nothing was changed.
        """
        ...

    def tick(self, now: float) -> None:
        """Do what is due."""
        ...


class VideoPipeline:
    """VP8 or H264 packets to pictures.

    Attributes:
        worker: See `Pipeline`.
        nacks_sent: NACK messages.
        keyframe_requests: PLI messages.
        frames_received: Complete pictures.
        frames: Their rate.
    """

    def __init__(
        self,
        codec_name: str,
        *,
        on_frames: Callable[[Sequence[DecodedPicture]], None],
        send_nack: Callable[[tuple[int, ...]], None],
        send_keyframe_request: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """Start waiting for a key frame.

        Args:
            codec_name: "VP8" or "H264".
            on_frames: Called with decoded pictures, `pts` in RTP ticks.
            send_nack: Called with the sequence numbers to ask for.
            send_keyframe_request: Called when a PLI is due.
            clock: The time, for failures that the decoder reports later.
        """
        self.nacks_sent = 0
        self.keyframe_requests = 0
        self.frames_received = 0
        self.frames = RateMeter()
        self._buffer = VideoJitterBuffer(codec_name)
        self._nack = NackTracker()
        self._gave_up = 0
        # Sequence numbers asked for once, and when: their repairs tell the round trip.
        self._asked_once: dict[int, float] = {}
        self._asked_again: set[int] = set()
        self._send_nack = send_nack
        self._send_keyframe_request = send_keyframe_request
        self._clock = clock
        self._requested_at: float | None = None
        self._packets_since_request = 0
        self.worker = DecodeWorker[AssembledFrame, DecodedPicture](
            lambda: VideoDecoder(codec_name),
            on_frames=on_frames,
            on_failure=lambda: self._restart(self._clock()),
            kind="video",
            maximum=MAX_PICTURES,
        )

    @property
    def frames_dropped(self) -> int:
        """Pictures given up."""
        return self._buffer.frames_dropped

    @property
    def packets_repaired(self) -> int:
        """Packets that arrived after a NACK."""
        return self._nack.repaired

    @property
    def next_deadline(self) -> float | None:
        """See `Pipeline`."""
        retry = None
        if (
            self._requested_at is not None
            and self._buffer.is_waiting_for_keyframe
            and self._packets_since_request
        ):
            retry = self._requested_at + KEYFRAME_RETRY
        deadlines = (self._nack.next_deadline, self._buffer.next_deadline, retry)
        return min((item for item in deadlines if item is not None), default=None)

    def packet(
        self, sequence_number: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None:
        """See `Pipeline`."""
        frames = self._buffer.add(sequence_number, timestamp, marker, payload, now)
        self._packets_since_request += 1
        self._nack.received(sequence_number, now)
        self._measure_repair(sequence_number, now)
        self._decode(frames, now)
        self._ask(now)

    def tick(self, now: float) -> None:
        """See `Pipeline`."""
        self._decode(self._buffer.poll(now), now)
        self._ask(now)

    def request_keyframe(self, now: float) -> None:
        """Ask for a key frame, unless that was done just now."""
        if self._requested_at is not None and now - self._requested_at < KEYFRAME_SPACING:
            return
        self._requested_at = now
        self._packets_since_request = 0
        self.keyframe_requests += 1
        self._send_keyframe_request()

    def _ask(self, now: float) -> None:
        lost = self._nack.due(now)
        if lost:
            self.nacks_sent += 1
            self._send_nack(tuple(lost))
            self._note_asked(lost, now)
        if self._nack.gave_up > self._gave_up:
            self._gave_up = self._nack.gave_up
            if self._buffer.next_deadline is not None:
                self._decode(self._buffer.give_up(now), now)
        is_overdue = self._requested_at is None or now >= self._requested_at + KEYFRAME_RETRY
        if self._buffer.take_keyframe_request() or (
            self._buffer.is_waiting_for_keyframe and is_overdue and self._packets_since_request
        ):
            self.request_keyframe(now)

    def _note_asked(self, lost: Sequence[int], now: float) -> None:
        for number in lost:
            if self._asked_once.pop(number, None) is not None:
                self._asked_again.add(number)
            elif number not in self._asked_again:
                self._asked_once[number] = now
        if not self._nack.missing or len(self._asked_again) > MAX_ASKED:
            self._asked_once.clear()
            self._asked_again.clear()

    def _measure_repair(self, sequence_number: int, now: float) -> None:
        """Adapt the repetition of NACK, as TCP does with its own.

        Source: RFC 6298 section 3: what was asked for twice tells nothing (Karn's algorithm).
        """
        self._asked_again.discard(sequence_number)
        asked = self._asked_once.pop(sequence_number, None)
        if asked is not None:
            least, most = REPEAT_BOUNDS
            smoothed = 0.75 * self._nack.repeat_interval + 0.25 * (now - asked + REPEAT_MARGIN)
            self._nack.repeat_interval = min(max(smoothed, least), most)

    def _decode(self, frames: Sequence[AssembledFrame], now: float) -> None:
        if frames:
            self.frames_received += len(frames)
            self.frames.add(len(frames), now)
        if not self.worker.submit(frames):
            self._restart(now)

    def _restart(self, now: float) -> None:
        self._buffer.give_up(now)
        self._ask(now)


class AudioPipeline:
    """Opus packets to sound.

    Attributes:
        worker: See `Pipeline`.
        buffer: The jitter buffer, for its figures.
    """

    def __init__(self, *, on_frames: Callable[[Sequence[DecodedSound]], None]) -> None:
        """Start empty.

        Args:
            on_frames: Called with decoded sound: timestamp without wrap-around, samples.
        """
        self.buffer = AudioJitterBuffer()
        self.worker = DecodeWorker[AudioUnit, DecodedSound](
            AudioDecoder, on_frames=on_frames, on_failure=_ignore, maximum=MAX_SOUNDS, kind="audio"
        )

    @property
    def next_deadline(self) -> float | None:
        """See `Pipeline`."""
        return self.buffer.next_deadline

    def packet(
        self, sequence_number: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None:
        """See `Pipeline`; the marker says nothing that the timestamp does not."""
        del marker
        if payload:
            self.buffer.add(sequence_number, timestamp, payload, now)
            self.tick(now)

    def tick(self, now: float) -> None:
        """See `Pipeline`."""
        self.worker.submit(self.buffer.pop(now))


def _ignore() -> None:
    """Damaged sound is skipped; there is nothing to ask for."""
