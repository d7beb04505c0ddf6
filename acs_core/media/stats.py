"""Statistics of the client's media, as values, and the two meters they come from.

A snapshot is taken by asking; nothing here runs by itself. Names and meanings follow the W3C's
where it has them, so that facades can rename field by field.

Source: https://www.w3.org/TR/webrtc-stats/
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["FreezeMeter", "PeerStats", "RateMeter", "ReceiverStats", "SenderStats"]


@dataclass(frozen=True, slots=True)
class SenderStats:
    """One outgoing stream.

    Attributes:
        kind: "audio" or "video".
        mid: The SDP section; empty before negotiation.
        codec_name: For instance "VP8"; empty before negotiation.
        ssrc: Of the stream; 0 before negotiation.
        is_enabled: Whether it is being sent.
        packets_sent: Without those sent again.
        bytes_sent: Payload bytes, without those sent again.
        packets_resent: Answers to NACK.
        nacks_received: NACK messages.
        keyframe_requests: PLI and FIR messages.
        frames_encoded: Pictures, or packets of sound.
        keyframes_encoded: Of `frames_encoded`.
        frame_width: Of the newest picture in pixels; 0 before it.
        frame_height: Of the newest picture in pixels; 0 before it.
        frames_per_second: Over the last second.
        frames_sent: Pictures whose packets were handed to the network; for sound, packets.
        input_width: Of the newest picture of the source in pixels; 0 before it.
        input_height: Of the newest picture of the source in pixels; 0 before it.
        input_frames_per_second: What the source gave over the last second, sent or not.
        bitrate_bps: Payload bits actually sent, over the last second.
        target_bitrate_bps: What the encoder aims at.
        is_bandwidth_limited: Whether that is less than it may, for want of bandwidth.
        audio_level: RFC 6464, 0 (loudest) to 127; None for video and before the first frame.
        round_trip: Seconds, from the newest report; None before it.
        packets_lost: On the way to the service, from the newest report.
        fraction_lost: 0 to 1, of the newest report's interval.
        jitter: Seconds, from the newest report.
    """

    kind: str
    mid: str = ""
    codec_name: str = ""
    ssrc: int = 0
    is_enabled: bool = True
    packets_sent: int = 0
    bytes_sent: int = 0
    packets_resent: int = 0
    nacks_received: int = 0
    keyframe_requests: int = 0
    frames_encoded: int = 0
    keyframes_encoded: int = 0
    frame_width: int = 0
    frame_height: int = 0
    frames_per_second: float = 0.0
    frames_sent: int = 0
    input_width: int = 0
    input_height: int = 0
    input_frames_per_second: float = 0.0
    bitrate_bps: int = 0
    target_bitrate_bps: int = 0
    is_bandwidth_limited: bool = False
    audio_level: int | None = None
    round_trip: float | None = None
    packets_lost: int = 0
    fraction_lost: float = 0.0
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class ReceiverStats:
    """One incoming stream.

    Attributes:
        kind: "audio" or "video".
        mid: The SDP section.
        codec_name: Of the newest packet; empty before it.
        ssrc: Of the stream.
        is_read: Somebody reads frames, so there is a decoder.
        packets_received: RTP packets, those that were sent again included.
        bytes_received: Their sizes without encryption.
        packets_lost: Never arrived; may be negative after duplicates.
        packets_repaired: Arrived after a NACK.
        jitter: Seconds, RFC 3550 section 6.4.1.
        nacks_sent: NACK messages.
        keyframe_requests: PLI messages.
        frames_received: Complete pictures that could be decoded; counted while it is read.
        received_per_second: Of `frames_received`, over the last second.
        frames_decoded: Pictures, or packets of sound.
        keyframes_decoded: Of `frames_decoded`.
        frames_dropped: Pictures given up because of loss, or because decoding was too slow.
        frame_width: Of the newest picture in pixels; 0 before it.
        frame_height: Of the newest picture in pixels; 0 before it.
        frames_per_second: Over the last second.
        bitrate_bps: Over the last second.
        freeze_count: Pictures that came much later than the rhythm before them.
        freeze_seconds: Their sum.
        longest_freeze: The longest of them.
        audio_level: RFC 6464, 0 (loudest) to 127; None for video and before the first packet.
        concealed_fraction: 0 to 1, samples of sound that had to be made up.
        buffer_delay: Seconds that sound is held to smooth jitter; 0 for video.
    """

    kind: str
    mid: str
    codec_name: str = ""
    ssrc: int = 0
    is_read: bool = False
    packets_received: int = 0
    bytes_received: int = 0
    packets_lost: int = 0
    packets_repaired: int = 0
    jitter: float = 0.0
    nacks_sent: int = 0
    keyframe_requests: int = 0
    frames_received: int = 0
    received_per_second: float = 0.0
    frames_decoded: int = 0
    keyframes_decoded: int = 0
    frames_dropped: int = 0
    frame_width: int = 0
    frame_height: int = 0
    frames_per_second: float = 0.0
    bitrate_bps: int = 0
    freeze_count: int = 0
    freeze_seconds: float = 0.0
    longest_freeze: float = 0.0
    audio_level: int | None = None
    concealed_fraction: float = 0.0
    buffer_delay: float = 0.0


@dataclass(frozen=True, slots=True)
class PeerStats:
    """One connection.

    Attributes:
        state: As `MediaPeer.state`.
        silent_for: Seconds since the last datagram; None before the first.
        available_bitrate_bps: The newest bandwidth estimate, of the direction that this
            connection carries; None before it.
        round_trip: Seconds, of the newest consent check or report; None before it.
        local_candidate_type: "host", "srflx", "prflx" or "relay"; empty before it is connected.
        remote_candidate_type: The same for the other end.
        has_relay_failed: A TURN server was named, and none gave us an address.
        senders: By stream key.
        receivers: By mid.
    """

    state: str
    silent_for: float | None = None
    available_bitrate_bps: int | None = None
    round_trip: float | None = None
    local_candidate_type: str = ""
    remote_candidate_type: str = ""
    has_relay_failed: bool = False
    senders: Mapping[str, SenderStats] = field(default_factory=dict)
    receivers: Mapping[str, ReceiverStats] = field(default_factory=dict)


class RateMeter:
    """Adds amounts up and tells how many there were per second lately."""

    def __init__(self, window: float = 1.0) -> None:
        """Measure over the last `window` seconds."""
        self._window = window
        self._entries: deque[tuple[float, int]] = deque()
        self._sum = 0

    def add(self, amount: int, now: float) -> None:
        """Count `amount` at `now`, which does not go back."""
        self._entries.append((now, amount))
        self._sum += amount
        self._expire(now)

    def rate(self, now: float) -> float:
        """Give the amount per second."""
        self._expire(now)
        return self._sum / self._window

    def _expire(self, now: float) -> None:
        while self._entries and self._entries[0][0] <= now - self._window:
            self._sum -= self._entries.popleft()[1]


class FreezeMeter:
    """Counts pictures that came so late that a viewer saw the video stop.

    Attributes:
        count: Freezes so far.
        seconds: How long they lasted together.
        longest: How long the longest lasted.

    Source: webrtc-stats, freezeCount: an interval above the larger of three times the average
    and the average plus 150 ms, over the last 30 intervals.
    """

    def __init__(self) -> None:
        """Start without a rhythm."""
        self.count = 0
        self.seconds = 0.0
        self.longest = 0.0
        self._last: float | None = None
        self._intervals: deque[float] = deque(maxlen=30)

    def shown(self, now: float) -> None:
        """Note that a picture was shown."""
        if self._last is not None:
            interval = now - self._last
            if len(self._intervals) >= 5:
                average = sum(self._intervals) / len(self._intervals)
                if interval > max(3 * average, average + 0.15):
                    self.count += 1
                    self.seconds += interval
                    self.longest = max(self.longest, interval)
            self._intervals.append(interval)
        self._last = now

    def pause(self) -> None:
        """Forget the rhythm: what follows is a deliberate stop."""
        self._last = None
        self._intervals.clear()
