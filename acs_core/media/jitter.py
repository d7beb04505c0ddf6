"""Jitter buffers: packets as they arrive in, pictures and sound as they should play out.

Theory of operation. Both buffers are fed with `add` and asked with `poll`/`pop`; neither
reads a clock. Video has no delay of its own: a picture leaves as soon as all its packets up
to the marker bit are there, because what follows waits in the renderer anyway. A hole is
waited for (retransmission) until a time-out, then everything up to the next key frame is
given up. Sound is delayed by what the network has lately needed, so that one late packet is
not a hole; a hole is reported in its place in time so that the decoder can conceal it.

Pure: `now` is seconds of any monotonic clock, the same one for all calls.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from acs_core.rtc.depayload import Fragment, depayload, opus_samples
from acs_core.rtc.packet import SequenceUnwrapper, timestamp_difference

__all__ = [
    "AssembledFrame",
    "AudioGap",
    "AudioJitterBuffer",
    "AudioPacket",
    "AudioUnit",
    "VideoJitterBuffer",
]

# A jump of more than this is another stream behind the same SSRC (RFC 3550 A.1 MAX_DROPOUT).
MAX_DROPOUT = 3000
# Packets kept while no key frame has been seen; reordering is far smaller.
MAX_WAITING = 128


@dataclass(frozen=True, slots=True)
class AssembledFrame:
    """One coded picture, complete and decodable after those before it.

    Attributes:
        timestamp: RTP timestamp, 90 kHz.
        data: The coded picture; H264 as Annex B.
        is_keyframe: It can be decoded without anything before it.
        arrival: When it became complete.
    """

    timestamp: int
    data: bytes
    is_keyframe: bool
    arrival: float


@dataclass(frozen=True, slots=True)
class _VideoPacket:
    timestamp: int
    marker: bool
    fragment: Fragment


class VideoJitterBuffer:
    """Puts one video stream's packets together to pictures, in order, without delay.

    Attributes:
        frames_dropped: Pictures of which something arrived but that were given up.
    """

    def __init__(
        self, codec_name: str, *, timeout: float = 0.4, maximum_packets: int = 2048
    ) -> None:
        """Start waiting for a key frame.

        Args:
            codec_name: "VP8" or "H264".
            timeout: Seconds that a hole may block what comes after it.
            maximum_packets: More than this in the buffer gives the hole up at once.
        """
        self.frames_dropped = 0
        self._codec_name = codec_name
        self._timeout = timeout
        self._maximum = maximum_packets
        self._unwrapper = SequenceUnwrapper()
        self._packets: dict[int, _VideoPacket] = {}
        self._keyframe_starts: list[int] = []
        self._next: int | None = None
        self._highest: int | None = None
        self._gap_since: float | None = None
        self._keyframe_wanted = False

    @property
    def is_waiting_for_keyframe(self) -> bool:
        """Nothing can be decoded before the sender makes a key frame."""
        return self._next is None

    @property
    def next_deadline(self) -> float | None:
        """When `poll` has something to give up; None if nothing is missing."""
        return None if self._gap_since is None else self._gap_since + self._timeout

    def take_keyframe_request(self) -> bool:
        """Say once per given-up hole that a key frame must be asked for."""
        wanted, self._keyframe_wanted = self._keyframe_wanted, False
        return wanted

    def add(
        self, sequence_number: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> list[AssembledFrame]:
        """Take one packet; return the pictures that it completes, in order.

        Args:
            sequence_number: As in the RTP header, 16 bit.
            timestamp: As in the RTP header, 32 bit.
            marker: The last packet of a picture (RFC 7741 section 4.1, RFC 6184 section 5.1).
            payload: After header, extensions and padding; empty for padding-only packets.
            now: The packet's arrival.

        Raises:
            MalformedPacketError: The payload cannot be read; nothing was changed.
        """
        fragment = depayload(self._codec_name, payload) if payload else Fragment(b"", False)
        position = self._unwrapper.unwrap(sequence_number)
        if self._highest is not None and abs(position - self._highest) > MAX_DROPOUT:
            self._restart(position)
        if (self._next is not None and position < self._next) or position in self._packets:
            return []
        self._packets[position] = _VideoPacket(timestamp, marker, fragment)
        self._highest = position if self._highest is None else max(position, self._highest)
        if fragment.starts_keyframe:
            insort(self._keyframe_starts, position)
        if len(self._packets) > self._maximum:
            return self.give_up(now)
        return self._release(now)

    def poll(self, now: float) -> list[AssembledFrame]:
        """Give up a hole that is older than the time-out; return what that frees."""
        deadline = self.next_deadline
        return self.give_up(now) if deadline is not None and now >= deadline else []

    def give_up(self, now: float) -> list[AssembledFrame]:
        """Drop everything up to the next key frame that is already here, or to come.

        For a caller that knows that what is missing will not come, or that could not take
        the pictures it was given.
        """
        blocked = self._next
        self._next = None
        self._keyframe_wanted = True
        self._keyframe_starts = [
            start for start in self._keyframe_starts if blocked is not None and start > blocked
        ]
        self._forget_before(self._keyframe_starts[0] if self._keyframe_starts else None)
        return self._release(now)

    def _restart(self, position: int) -> None:
        self._forget_before(None)
        self._keyframe_starts = []
        self._next = None
        self._highest = position
        self._keyframe_wanted = True

    def _release(self, now: float) -> list[AssembledFrame]:
        frames: list[AssembledFrame] = []
        while True:
            frame = self._take_frame(now) or self._skip_to_keyframe(now)
            if frame is None:
                break
            frames.append(frame)
        if self._next is None:
            while len(self._packets) > MAX_WAITING:
                del self._packets[next(iter(self._packets))]
        self._watch_gap(now, released=bool(frames))
        return frames

    def _take_frame(self, now: float) -> AssembledFrame | None:
        """Take the picture that starts at `_next`, if it is all there."""
        if self._next is None:
            if not self._keyframe_starts:
                return None
            self._next = self._keyframe_starts[0]
            self._forget_before(self._next)
        # Padding-only packets (probing) fill a place in the sequence and nothing else.
        while (packet := self._packets.get(self._next)) and not packet.fragment.data:
            del self._packets[self._next]
            self._next += 1
        end = self._end_of_frame(self._next)
        return None if end is None else self._cut(self._next, end, now)

    def _end_of_frame(self, start: int) -> int | None:
        """Give the place after the picture's last packet, or None if one is missing."""
        first = self._packets.get(start)
        if first is None:
            return None
        position = start
        while (packet := self._packets.get(position)) is not None:
            # Another timestamp ends a picture whose marker the sender did not set.
            if packet.timestamp != first.timestamp:
                return position
            position += 1
            if packet.marker:
                return position
        return None

    def _cut(self, start: int, end: int, now: float) -> AssembledFrame:
        packets = [self._packets.pop(position) for position in range(start, end)]
        self._next = end
        while self._keyframe_starts and self._keyframe_starts[0] < end:
            del self._keyframe_starts[0]
        return AssembledFrame(
            timestamp=packets[0].timestamp,
            data=b"".join(packet.fragment.data for packet in packets),
            is_keyframe=any(packet.fragment.starts_keyframe for packet in packets),
            arrival=now,
        )

    def _skip_to_keyframe(self, now: float) -> AssembledFrame | None:
        """A complete key frame makes the hole before it irrelevant."""
        for start in self._keyframe_starts:
            end = self._end_of_frame(start)
            if end is not None:
                self._forget_before(start)
                return self._cut(start, end, now)
        return None

    def _forget_before(self, position: int | None) -> None:
        """Drop the packets before `position`, all of them for None."""
        lost = [key for key in self._packets if position is None or key < position]
        self.frames_dropped += len({self._packets[key].timestamp for key in lost})
        for key in lost:
            del self._packets[key]

    def _watch_gap(self, now: float, *, released: bool) -> None:
        # Without a hole the packets from `_next` to `_highest` are all here.
        if (
            self._next is None
            or self._highest is None
            or len(self._packets) == self._highest + 1 - self._next
        ):
            self._gap_since = None
        elif self._gap_since is None or released:
            self._gap_since = now


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """One packet whose time has come.

    Attributes:
        timestamp: RTP timestamp without wrap-around (64 bit counting on from the first).
        payload: What to decode.
    """

    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class AudioGap:
    """A stretch without packets that must still last as long as it lasted.

    Attributes:
        timestamp: Of the first missing sample, as in `AudioPacket`.
        samples: How many are missing.
        following: The packet right after a loss, which may carry a low-bitrate copy of the
            last missing one (RFC 6716 section 2.1.7); None when the sender was silent by
            choice (discontinuous transmission).
    """

    timestamp: int
    samples: int
    following: bytes | None


AudioUnit: TypeAlias = AudioPacket | AudioGap


class AudioJitterBuffer:
    """Delays one Opus stream by what the network's jitter lately needed.

    A packet's transit is its arrival minus its timestamp; the least transit of the last
    seconds is the network at its best, and the delay above it covers 97 % of the packets.

    Attributes:
        packets_late: Packets that came after their time, or twice.
        samples_concealed: Samples reported in gaps that were losses.
        samples_played: All samples handed out, concealed ones included.

    Source: the approach of NetEQ's delay manager (a quantile of the relative transit).
    """

    WINDOW = 250  # packets: 5 s of 20 ms packets
    QUANTILE = 0.97
    MARGIN = 0.005
    # A gap longer than this is a pause: nobody wants to hear it concealed.
    MAX_CONCEALED = 1.0
    # A transit this far off is a new clock, not a late packet.
    MAX_SHIFT = 2.0
    MAX_PACKETS = 100

    def __init__(
        self,
        *,
        clock_rate: int = 48000,
        minimum_delay: float = 0.02,
        maximum_delay: float = 0.2,
    ) -> None:
        """Start empty; the delays are seconds."""
        self.packets_late = 0
        self.samples_concealed = 0
        self.samples_played = 0
        self._clock_rate = clock_rate
        self._minimum = minimum_delay
        self._maximum = maximum_delay
        self._unwrapper = SequenceUnwrapper()
        self._packets: dict[int, tuple[int, int, bytes]] = {}
        self._transits: deque[float] = deque()
        self._sorted: list[float] = []
        self._last_timestamp: int | None = None
        self._next: int | None = None
        self._expected = 0

    @property
    def target_delay(self) -> float:
        """Seconds that a packet at its fastest waits here."""
        if not self._sorted:
            return self._minimum
        spread = self._sorted[int(self.QUANTILE * (len(self._sorted) - 1))] - self._sorted[0]
        return min(max(spread + self.MARGIN, self._minimum), self._maximum)

    @property
    def next_deadline(self) -> float | None:
        """When `pop` has something to give; None while the buffer is empty."""
        head = self._head()
        return None if head is None else self._due(head)

    def add(self, sequence_number: int, timestamp: int, payload: bytes, now: float) -> bool:
        """Take one packet; return False if it came too late to be played, or again.

        Raises:
            MalformedPacketError: Not an Opus packet; nothing was changed.
        """
        samples = opus_samples(payload)
        if self._last_timestamp is None:
            extended = timestamp
        else:
            ahead = timestamp_difference(timestamp, self._last_timestamp & 0xFFFFFFFF)
            extended = self._last_timestamp + ahead
        transit = now - extended / self._clock_rate
        if self._sorted and abs(transit - self._sorted[0]) > self.MAX_SHIFT:
            self._restart()
        position = self._unwrapper.unwrap(sequence_number)
        if (self._next is not None and position < self._next) or position in self._packets:
            self.packets_late += 1
            if position not in self._packets:
                self._observe(transit)
            return False
        self._observe(transit)
        self._last_timestamp = extended
        self._packets[position] = (extended, samples, payload)
        return True

    def pop(self, now: float) -> list[AudioUnit]:
        """Take out everything whose time has come, in order of time."""
        units: list[AudioUnit] = []
        while (head := self._head()) is not None:
            if self._due(head) > now and len(self._packets) <= self.MAX_PACKETS:
                break
            timestamp, samples, payload = self._packets[head]
            missing = timestamp - self._expected if self._next is not None else 0
            is_lost = self._next is not None and head > self._next
            if 0 < missing <= self.MAX_CONCEALED * self._clock_rate:
                units.append(AudioGap(self._expected, missing, payload if is_lost else None))
                self.samples_played += missing
                self.samples_concealed += missing if is_lost else 0
            self._next = head
            self._expected = timestamp
            if is_lost:
                # The loss is due before the packet that revealed it.
                continue
            del self._packets[head]
            units.append(AudioPacket(timestamp, payload))
            self._next = head + 1
            self._expected = timestamp + samples
            self.samples_played += samples
        return units

    def _head(self) -> int | None:
        return min(self._packets, default=None)

    def _due(self, head: int) -> float:
        timestamp, _, _ = self._packets[head]
        if self._next is not None and head > self._next:
            pause = timestamp - self._expected
            if 0 < pause <= self.MAX_CONCEALED * self._clock_rate:
                timestamp = self._expected
        return self._sorted[0] + self.target_delay + timestamp / self._clock_rate

    def _observe(self, transit: float) -> None:
        self._transits.append(transit)
        insort(self._sorted, transit)
        if len(self._transits) > self.WINDOW:
            del self._sorted[bisect_left(self._sorted, self._transits.popleft())]

    def _restart(self) -> None:
        self._packets.clear()
        self._transits.clear()
        self._sorted.clear()
        self._unwrapper = SequenceUnwrapper()
        self._next = None
