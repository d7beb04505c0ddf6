"""What RTCP reports are made of: counts, loss and jitter of a stream, at both of its ends.

Source: RFC 3550 section 6.4 and appendices A.1, A.3, A.8. A source need not prove itself with
sequential packets first, as in A.1: ours are announced by SDP and authenticated by SRTP.
"""

from __future__ import annotations

from math import inf
from typing import Final

from acs_core.rtc.feedback import ReportBlock, SenderReport, compact_ntp
from acs_core.rtc.packet import sequence_difference, timestamp_difference

__all__ = ["ReceptionStats", "SendStats", "round_trip"]

_MAX_MISORDER: Final = 100  # RFC 3550 appendix A.1

# Seconds; longer than a busy machine delays every frame, shorter than clocks take to differ.
_INTERVAL: Final = 2.0


class ReceptionStats:
    """Counts the packets of one received stream and writes its report block.

    Attributes:
        ssrc: The stream.
        packets_received: Duplicates included, as the RFC has it.
        bytes_received: Sum of the sizes given.
    """

    __slots__ = (
        "_arrival",
        "_base",
        "_clock_rate",
        "_highest",
        "_jitter",
        "_last_report",
        "_prior_expected",
        "_prior_received",
        "_restart",
        "_timestamp",
        "bytes_received",
        "packets_received",
        "ssrc",
    )

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.packets_received = 0
        self.bytes_received = 0
        self._clock_rate = clock_rate
        self._base = 0
        self._highest: int | None = None
        self._restart: int | None = None
        self._prior_expected = 0
        self._prior_received = 0
        self._timestamp: int | None = None
        self._arrival = 0.0
        self._jitter = 0.0
        self._last_report: tuple[int, float] | None = None

    @property
    def packets_expected(self) -> int:
        """How many packets the sender has sent, judged by the sequence numbers."""
        return 0 if self._highest is None else self._highest - self._base + 1

    @property
    def packets_lost(self) -> int:
        """How many did not arrive; negative after duplicates."""
        return self.packets_expected - self.packets_received

    @property
    def jitter_seconds(self) -> float:
        """The smoothed difference of packet spacing between sender and here."""
        return self._jitter / self._clock_rate

    def received(self, sequence_number: int, rtp_timestamp: int, now: float, size: int) -> None:
        """Count a packet of `size` bytes that arrived at `now`.

        Retransmissions, if given too, make good the loss that they repaired.
        """
        if self._highest is None:
            self._base = self._highest = sequence_number
        else:
            distance = sequence_difference(sequence_number, self._highest & 0xFFFF)
            if distance < -_MAX_MISORDER and not self._has_restarted(sequence_number):
                return
            if distance > 0:
                self._highest += distance
        self.packets_received += 1
        self.bytes_received += size
        if self._highest & 0xFFFF == sequence_number and rtp_timestamp != self._timestamp:
            self._measure_jitter(rtp_timestamp, now)

    def sender_report(self, report: SenderReport, now: float) -> None:
        """Note the sender's report, which arrived at `now`; the next block refers to it."""
        self._last_report = (compact_ntp(report.ntp_timestamp), now)

    def report_block(self, now: float) -> ReportBlock:
        """Return the block for a report sent at `now`, and begin the next interval of loss."""
        expected = self.packets_expected
        expected_interval = expected - self._prior_expected
        lost_interval = expected_interval - (self.packets_received - self._prior_received)
        self._prior_expected = expected
        self._prior_received = self.packets_received
        fraction = 0
        if expected_interval > 0 and lost_interval > 0:
            fraction = min(255, (lost_interval << 8) // expected_interval)
        last_report, delay = 0, 0
        if self._last_report is not None:
            last_report, arrival = self._last_report
            delay = min(0xFFFF_FFFF, max(0, int((now - arrival) * 65_536)))
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            packets_lost=max(-0x80_0000, min(self.packets_lost, 0x7F_FFFF)),
            highest_sequence=(self._highest or 0) & 0xFFFF_FFFF,
            jitter=min(0xFFFF_FFFF, int(self._jitter)),
            last_sender_report=last_report,
            delay_since_last_sender_report=delay,
        )

    def _has_restarted(self, sequence_number: int) -> bool:
        # Two packets in sequence, far behind the newest: the sender began again.
        if sequence_number != self._restart:
            self._restart = (sequence_number + 1) & 0xFFFF
            return False
        # What was received before stays counted, as if nothing of it had been lost.
        self._base = sequence_number - self.packets_received
        self._highest = sequence_number
        self._restart = None
        self._prior_expected = self._prior_received = self.packets_received
        self._timestamp = None
        return True

    def _measure_jitter(self, rtp_timestamp: int, now: float) -> None:
        # Once per timestamp, as libwebrtc does: the packets of one frame leave as a burst, so
        # that their spacing says nothing about the network.
        arrival = now * self._clock_rate
        if self._timestamp is not None:
            ticks = timestamp_difference(rtp_timestamp, self._timestamp)
            difference = abs(arrival - self._arrival - ticks)
            self._jitter += (difference - self._jitter) / 16
        self._timestamp = rtp_timestamp
        self._arrival = arrival


class SendStats:
    """Counts the packets of one stream that we send, and writes its sender reports.

    A frame is seen late where the machine is busy, and never early. So of the frames of the last
    seconds, the one seen soonest ties media time to real time; the newest alone would carry its
    own delay into what a receiver takes for the time of capture, and sound and picture, each with
    another delay, would drift apart.

    Attributes:
        ssrc: The stream.
        packets_sent: All packets, except those sent again.
        bytes_sent: Octets of their payloads, as the report counts them.
    """

    __slots__ = (
        "_began",
        "_clock_rate",
        "_earlier",
        "_newest",
        "_starts",
        "bytes_sent",
        "packets_sent",
        "ssrc",
    )

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.packets_sent = 0
        self.bytes_sent = 0
        self._clock_rate = clock_rate
        self._newest: int | None = None  # timestamp, unwrapped
        self._began = 0.0
        # When timestamp 0 was, judged by the soonest frame of this interval and of the last one.
        self._starts = self._earlier = inf

    def sent(self, rtp_timestamp: int, payload_size: int, captured: float) -> None:
        """Count a packet; the first one of a timestamp says that its frame was there by then."""
        self.packets_sent += 1
        self.bytes_sent += payload_size
        if self._newest is None:
            self._newest, self._began = rtp_timestamp, captured
        elif rtp_timestamp == self._newest & 0xFFFF_FFFF:
            return
        else:
            self._newest += timestamp_difference(rtp_timestamp, self._newest & 0xFFFF_FFFF)
        if (passed := captured - self._began) > _INTERVAL:
            self._earlier = self._starts if passed < 2 * _INTERVAL else inf
            self._began, self._starts = captured, inf
        self._starts = min(self._starts, captured - self._newest / self._clock_rate)

    def sender_report(self, now: float, ntp: int) -> SenderReport | None:
        """Return the report for `now`, which is `ntp` in wall time; None before any packet.

        Source: RFC 3550 section 6.4.1: the RTP timestamp "corresponds to the same time as the
        NTP timestamp", so that it lies ahead of the newest packet's.
        """
        if self._newest is None:
            return None
        elapsed = now - min(self._starts, self._earlier)
        return SenderReport(
            ssrc=self.ssrc,
            ntp_timestamp=ntp,
            rtp_timestamp=round(elapsed * self._clock_rate) & 0xFFFF_FFFF,
            packet_count=self.packets_sent & 0xFFFF_FFFF,
            octet_count=self.bytes_sent & 0xFFFF_FFFF,
        )


def round_trip(block: ReportBlock, now_ntp: int) -> float | None:
    """Return the round trip time in seconds from a block about our stream.

    `now_ntp` is the 64 bit NTP time of the block's arrival, of the clock that our sender
    reports show. None when the receiver had no sender report yet.

    Source: RFC 3550 section 6.4.1, figure 2.
    """
    if block.last_sender_report == 0:
        return None
    units = timestamp_difference(
        compact_ntp(now_ntp),
        (block.last_sender_report + block.delay_since_last_sender_report) & 0xFFFF_FFFF,
    )
    # Both sides round, so that a trip shorter than 30 us may come out below zero.
    return max(0, units) / 65_536
