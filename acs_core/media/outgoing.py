"""The packets of one outgoing stream: numbered, stamped, counted, kept to be sent again.

Source: RFC 3550 (RTP and sender reports), RFC 4585 (NACK), RFC 4588 (RTX), RFC 8285 (header
extensions).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from acs_core.media.stats import RateMeter
from acs_core.rtc.feedback import RtcpPacket, SourceDescription
from acs_core.rtc.nack import PacketCache
from acs_core.rtc.packet import (
    Uri,
    abs_send_time,
    extensions,
    pack_packet,
    parse_header,
    rtx_wrap,
)
from acs_core.rtc.reception import SendStats
from acs_core.rtc.repair import RepairBudget

__all__ = ["OutgoingStream", "RtpPath", "SendEncoding"]


class RtpPath(Protocol):
    """What a sender and a receiver need of a connection: `DtlsEndpoint` has it."""

    @property
    def state(self) -> str:
        """``"connected"`` when packets can be sent."""
        ...

    def send_rtp(self, data: bytes) -> None:
        """Encrypt and send one packet; it may be dropped."""
        ...

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> None:
        """Encrypt and send a compound packet; it may be dropped."""
        ...


@dataclass(frozen=True, slots=True)
class SendEncoding:
    """What was negotiated for an outgoing stream.

    Attributes:
        mid: The SDP section.
        codec_name: "VP8", "H264" or "opus".
        ssrc: Of the stream.
        payload_type: Of the codec.
        rtx_ssrc: Of packets sent again (RFC 4588); None to send them as they were.
        rtx_payload_type: As `rtx_ssrc`.
        extensions: Header extension ids by URI.
    """

    mid: str
    codec_name: str
    ssrc: int
    payload_type: int
    rtx_ssrc: int | None = None
    rtx_payload_type: int | None = None
    extensions: Mapping[str, int] = field(default_factory=dict)


class OutgoingStream:
    """Sends the packets of one stream as negotiated. `now` is the event loop's time.

    Attributes:
        encoding: What was negotiated.
        packets_resent: Answers to NACK.
        rate: Payload bytes.
    """

    def __init__(self, path: RtpPath, encoding: SendEncoding, *, clock_rate: int) -> None:
        """Prepare; numbers begin at random (RFC 3550 section 5.1)."""
        self.encoding = encoding
        self.packets_resent = 0
        self.rate = RateMeter()
        self._path = path
        self._sequence_number = secrets.randbits(15)
        self._rtx_sequence_number = secrets.randbits(15)
        self._cache = PacketCache()
        self._budget = RepairBudget()
        self._stats = SendStats(encoding.ssrc, clock_rate)

    @property
    def packets_sent(self) -> int:
        """Without those sent again."""
        return self._stats.packets_sent

    @property
    def bytes_sent(self) -> int:
        """Of payload, without packets sent again."""
        return self._stats.bytes_sent

    def send(
        self,
        timestamp: int,
        payload: bytes,
        elements: Sequence[tuple[int, bytes]] = (),
        *,
        marker: bool,
        captured: float,
        now: float,
    ) -> None:
        """Send one packet.

        Args:
            timestamp: RTP timestamp; may be above 32 bits.
            payload: At most 1300 bytes.
            elements: Header extensions besides MID and abs-send-time: ids and values.
            marker: The RTP marker bit.
            captured: When the frame was captured; sender reports relate `timestamp` to it.
            now: The present.
        """
        encoding = self.encoding
        all_elements = [*elements]
        if (mid_id := encoding.extensions.get(Uri.MID)) is not None:
            all_elements.append((mid_id, encoding.mid.encode()))
        if (time_id := encoding.extensions.get(Uri.ABS_SEND_TIME)) is not None:
            all_elements.append((time_id, abs_send_time(now).to_bytes(3, "big")))
        packet = pack_packet(
            payload_type=encoding.payload_type,
            marker=marker,
            sequence_number=self._sequence_number,
            timestamp=timestamp & 0xFFFFFFFF,
            ssrc=encoding.ssrc,
            payload=payload,
            extensions=all_elements,
        )
        self._cache.put(self._sequence_number, packet, now)
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        self._stats.sent(timestamp & 0xFFFFFFFF, len(payload), captured)
        self.rate.add(len(payload), now)
        self._path.send_rtp(packet)

    def resend(self, lost: Sequence[int], now: float) -> None:
        """Answer a NACK with what is still there and does not crowd out the stream itself."""
        encoding = self.encoding
        for sequence_number in lost:
            packet = self._cache.get(sequence_number, now)
            if packet is None or not self._budget.allows(len(packet), self.bytes_sent, now):
                continue
            packet = _with_send_time(packet, encoding.extensions.get(Uri.ABS_SEND_TIME), now)
            if encoding.rtx_ssrc is not None and encoding.rtx_payload_type is not None:
                packet = rtx_wrap(
                    packet,
                    payload_type=encoding.rtx_payload_type,
                    ssrc=encoding.rtx_ssrc,
                    sequence_number=self._rtx_sequence_number,
                )
                self._rtx_sequence_number = (self._rtx_sequence_number + 1) & 0xFFFF
            self.packets_resent += 1
            self._path.send_rtp(packet)

    def send_report(self, cname: str, now: float, ntp: int) -> None:
        """Send a sender report, if there was anything to report."""
        report = self._stats.sender_report(now, ntp)
        if report is not None:
            packets: list[RtcpPacket] = [report, SourceDescription(((report.ssrc, cname),))]
            self._path.send_rtcp(packets)


def _with_send_time(packet: bytes, extension_id: int | None, now: float) -> bytes:
    """Say when the packet leaves now; its first time would look like delay in the network."""
    if extension_id is None:
        return packet
    changed = bytearray(packet)
    for element in extensions(packet, parse_header(packet)):
        if element.id == extension_id and element.length == 3:
            changed[element.offset : element.offset + 3] = abs_send_time(now).to_bytes(3, "big")
    return bytes(changed)
