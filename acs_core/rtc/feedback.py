"""RTCP: compound packets to values and back.

Source: RFC 3550 section 6 (SR, RR, SDES, BYE), RFC 4585 section 6 (NACK, PLI), RFC 5104
section 4.3.1 (FIR), RFC 5506 (a packet may stand alone), draft-alvestrand-rmcat-remb-03 (REMB).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from acs_core.errors import InvalidArgumentError, MalformedPacketError

__all__ = [
    "MAX_COMPOUND_SIZE",
    "Bye",
    "FullIntraRequest",
    "Nack",
    "PictureLossIndication",
    "ReceiverReport",
    "Remb",
    "ReportBlock",
    "RtcpPacket",
    "SenderReport",
    "SourceDescription",
    "UnknownRtcp",
    "compact_ntp",
    "ntp_time",
    "pack_compound",
    "parse_compound",
    "unix_time",
]

MAX_COMPOUND_SIZE: Final = 16_384
"""The longest compound packet we read, in bytes; none that fits a network is near it."""

_HEADER: Final = struct.Struct("!BBH")
_TWO_SSRCS: Final = struct.Struct("!II")
_BLOCK: Final = struct.Struct("!IIIIII")
_SENDER_INFO: Final = struct.Struct("!QIII")
_WORD: Final = struct.Struct("!I")
_NACK_ENTRY: Final = struct.Struct("!HH")
_CNAME: Final = 1
_UNIX_TO_NTP: Final = 2_208_988_800  # RFC 868: seconds from 1900 to 1970


class _Type(IntEnum):
    SENDER_REPORT = 200
    RECEIVER_REPORT = 201
    SOURCE_DESCRIPTION = 202
    BYE = 203
    TRANSPORT_FEEDBACK = 205
    PAYLOAD_FEEDBACK = 206


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says about one stream.

    Attributes:
        ssrc: The stream that the block is about.
        fraction_lost: Lost since the previous report, 0..255 for 0..1.
        packets_lost: Lost since the beginning; negative after duplicates. 24 bits, clamped.
        highest_sequence: Newest sequence number, wraps counted in the upper 16 bits.
        jitter: Interarrival jitter in ticks of the codec's clock.
        last_sender_report: Middle 32 bits of the NTP time of the last SR; 0 for none.
        delay_since_last_sender_report: In units of 1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_sender_report: int
    delay_since_last_sender_report: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR: joins a stream's RTP timestamps to wall time (64 bit NTP), and counts what was sent."""

    ssrc: int
    ntp_timestamp: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR: at most 31 report blocks of one receiver."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SDES: (ssrc, cname) per source; the cname is empty when there is none."""

    chunks: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Bye:
    """BYE: these sources have ended."""

    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Generic NACK: `lost` are the sequence numbers of `media_ssrc` wanted again, oldest first."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureLossIndication:
    """PLI: the decoder needs a keyframe."""

    sender_ssrc: int
    media_ssrc: int


@dataclass(frozen=True, slots=True)
class FullIntraRequest:
    """FIR: (ssrc, command number) per stream of which a keyframe is ordered."""

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Remb:
    """REMB: the receiver's estimate of what all `ssrcs` together may use.

    On the wire the rate keeps its 18 leading bits; the rest is cut off.
    """

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UnknownRtcp:
    """Any other packet, unread: `count` is the five bit field, `body` follows the first word."""

    packet_type: int
    count: int
    body: bytes


RtcpPacket: TypeAlias = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Bye
    | Nack
    | PictureLossIndication
    | FullIntraRequest
    | Remb
    | UnknownRtcp
)


def ntp_time(unix_seconds: float) -> int:
    """Return wall time as a 64 bit NTP timestamp: 32 bits of seconds, 32 of their fraction."""
    seconds = int(unix_seconds // 1)
    fraction = int((unix_seconds - seconds) * 0x1_0000_0000)
    return ((seconds + _UNIX_TO_NTP) << 32 | fraction) & 0xFFFF_FFFF_FFFF_FFFF


def unix_time(ntp: int) -> float:
    """Return a 64 bit NTP timestamp as seconds since 1970, for the era that ends in 2036."""
    return (ntp >> 32) - _UNIX_TO_NTP + (ntp & 0xFFFF_FFFF) / 0x1_0000_0000


def compact_ntp(ntp: int) -> int:
    """Return the middle 32 bits of an NTP timestamp: seconds in 16.16, wraps after 18 hours."""
    return ntp >> 16 & 0xFFFF_FFFF


def parse_compound(data: bytes) -> list[RtcpPacket]:
    """Read one datagram of RTCP; reduced-size packets, which begin with any type, are accepted.

    Raises:
        MalformedPacketError: Any packet of it is truncated or wrong; nothing of it is returned.
    """
    if len(data) > MAX_COMPOUND_SIZE:
        raise MalformedPacketError(f"RTCP packet of {len(data)} bytes is too long.")
    packets: list[RtcpPacket] = []
    position = 0
    while position < len(data):
        if position + 4 > len(data):
            raise MalformedPacketError("RTCP header is truncated.")
        first, packet_type, words = _HEADER.unpack_from(data, position)
        if first >> 6 != 2:
            raise MalformedPacketError(f"RTCP version {first >> 6} is not 2.")
        end = position + 4 + 4 * words
        if end > len(data):
            raise MalformedPacketError(f"RTCP packet of type {packet_type} is truncated.")
        body = bytes(data[position + 4 : end])
        if first & 0x20:
            body = _without_padding(body)
        packets.append(_parse_packet(packet_type, first & 0x1F, body))
        position = end
    if not packets:
        raise MalformedPacketError("RTCP packet is empty.")
    return packets


def _without_padding(body: bytes) -> bytes:
    padding = body[-1] if body else 0
    if padding == 0 or padding % 4 or padding > len(body):
        raise MalformedPacketError(f"RTCP padding of {padding} bytes is impossible.")
    return body[:-padding]


def _parse_packet(packet_type: int, count: int, body: bytes) -> RtcpPacket:
    try:
        match packet_type, count:
            case _Type.SENDER_REPORT, _:
                return _parse_sender_report(count, body)
            case _Type.RECEIVER_REPORT, _:
                return ReceiverReport(_WORD.unpack_from(body)[0], _parse_blocks(count, body, 4))
            case _Type.SOURCE_DESCRIPTION, _:
                return _parse_source_description(count, body)
            case _Type.BYE, _:
                return Bye(struct.unpack_from(f"!{count}I", body))
            case _Type.TRANSPORT_FEEDBACK, 1:
                return _parse_nack(body)
            case _Type.PAYLOAD_FEEDBACK, 1:
                return PictureLossIndication(*_TWO_SSRCS.unpack_from(body))
            case _Type.PAYLOAD_FEEDBACK, 4:
                return _parse_full_intra_request(body)
            case _Type.PAYLOAD_FEEDBACK, 15 if body[8:12] == b"REMB":
                return _parse_remb(body)
            case _:
                return UnknownRtcp(packet_type, count, body)
    except (struct.error, IndexError) as error:
        raise MalformedPacketError(f"RTCP packet of type {packet_type} is too short.") from error


def _parse_blocks(count: int, body: bytes, position: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, last_report, delay = _BLOCK.unpack_from(
            body, position + 24 * index
        )
        lost = loss & 0xFF_FFFF
        if lost >= 0x80_0000:
            lost -= 0x100_0000
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last_report, delay))
    return tuple(blocks)


def _parse_sender_report(count: int, body: bytes) -> SenderReport:
    ssrc = _WORD.unpack_from(body)[0]
    ntp_timestamp, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body, 4)
    reports = _parse_blocks(count, body, 24)
    return SenderReport(ssrc, ntp_timestamp, rtp_timestamp, packets, octets, reports)


def _parse_source_description(count: int, body: bytes) -> SourceDescription:
    chunks = []
    position = 0
    for _ in range(count):
        ssrc = _WORD.unpack_from(body, position)[0]
        position += 4
        cname = ""
        while body[position] != 0:
            length = body[position + 1]
            value = body[position + 2 : position + 2 + length]
            if body[position] == _CNAME:
                cname = value.decode("utf-8", "replace")
            position += 2 + length
        # "one or more null octets, the first of which is interpreted as an item type of zero":
        # the next chunk begins at the next 32 bit boundary behind it.
        position += 4 - position % 4
        chunks.append((ssrc, cname))
    return SourceDescription(tuple(chunks))


def _parse_nack(body: bytes) -> Nack:
    sender_ssrc, media_ssrc = _TWO_SSRCS.unpack_from(body)
    lost = []
    for first, following in _NACK_ENTRY.iter_unpack(body[8:]):
        lost.append(first)
        while following:
            lowest = following & -following
            lost.append((first + lowest.bit_length()) & 0xFFFF)
            following ^= lowest
    return Nack(sender_ssrc, media_ssrc, tuple(lost))


def _parse_full_intra_request(body: bytes) -> FullIntraRequest:
    sender_ssrc, _ = _TWO_SSRCS.unpack_from(body)
    entries = tuple((ssrc, rest >> 24) for ssrc, rest in _TWO_SSRCS.iter_unpack(body[8:]))
    return FullIntraRequest(sender_ssrc, entries)


def _parse_remb(body: bytes) -> Remb:
    count_and_rate = _WORD.unpack_from(body, 12)[0]
    exponent = count_and_rate >> 18 & 0x3F
    ssrcs = struct.unpack_from(f"!{count_and_rate >> 24}I", body, 16)
    return Remb(_WORD.unpack_from(body)[0], (count_and_rate & 0x3_FFFF) << exponent, ssrcs)


def pack_compound(packets: Sequence[RtcpPacket]) -> bytes:
    """Write RTCP packets behind each other, as one datagram.

    Raises:
        InvalidArgumentError: A value does not fit its field, or there are more than 31 reports,
            sources or chunks in one packet.
    """
    try:
        return b"".join(_pack_packet(packet) for packet in packets)
    except struct.error as error:
        raise InvalidArgumentError(f"An RTCP field is out of range: {error}.") from error


def _pack_packet(packet: RtcpPacket) -> bytes:
    match packet:
        case SenderReport():
            info = _SENDER_INFO.pack(
                packet.ntp_timestamp, packet.rtp_timestamp, packet.packet_count, packet.octet_count
            )
            body = _WORD.pack(packet.ssrc) + info + _pack_blocks(packet.reports)
            return _framed(_Type.SENDER_REPORT, len(packet.reports), body)
        case ReceiverReport():
            body = _WORD.pack(packet.ssrc) + _pack_blocks(packet.reports)
            return _framed(_Type.RECEIVER_REPORT, len(packet.reports), body)
        case SourceDescription():
            body = b"".join(_pack_chunk(ssrc, cname) for ssrc, cname in packet.chunks)
            return _framed(_Type.SOURCE_DESCRIPTION, len(packet.chunks), body)
        case Bye():
            count = len(packet.ssrcs)
            return _framed(_Type.BYE, count, struct.pack(f"!{count}I", *packet.ssrcs))
        case Nack():
            ssrcs = _TWO_SSRCS.pack(packet.sender_ssrc, packet.media_ssrc)
            return _framed(_Type.TRANSPORT_FEEDBACK, 1, ssrcs + _pack_lost(packet.lost))
        case PictureLossIndication():
            ssrcs = _TWO_SSRCS.pack(packet.sender_ssrc, packet.media_ssrc)
            return _framed(_Type.PAYLOAD_FEEDBACK, 1, ssrcs)
        case FullIntraRequest():
            entries = b"".join(_TWO_SSRCS.pack(ssrc, seq << 24) for ssrc, seq in packet.entries)
            return _framed(
                _Type.PAYLOAD_FEEDBACK, 4, _TWO_SSRCS.pack(packet.sender_ssrc, 0) + entries
            )
        case Remb():
            return _framed(_Type.PAYLOAD_FEEDBACK, 15, _pack_remb(packet))
        case _:
            return _framed(packet.packet_type, packet.count, packet.body)


def _framed(packet_type: int, count: int, body: bytes) -> bytes:
    if count > 31 or len(body) % 4:
        raise InvalidArgumentError(
            f"RTCP packet of type {packet_type} cannot hold {count} entries in {len(body)} bytes."
        )
    return _HEADER.pack(0x80 | count, packet_type, len(body) // 4) + body


def _pack_blocks(reports: Sequence[ReportBlock]) -> bytes:
    packed = bytearray()
    for report in reports:
        # RFC 3550 appendix A.3: "clamp at 0x7fffff for positive loss or 0x800000 for negative".
        lost = max(-0x80_0000, min(report.packets_lost, 0x7F_FFFF)) & 0xFF_FFFF
        packed += _BLOCK.pack(
            report.ssrc,
            report.fraction_lost << 24 | lost,
            report.highest_sequence,
            report.jitter,
            report.last_sender_report,
            report.delay_since_last_sender_report,
        )
    return bytes(packed)


def _pack_chunk(ssrc: int, cname: str) -> bytes:
    chunk = bytearray(_WORD.pack(ssrc))
    value = cname.encode()
    if len(value) > 255:
        raise InvalidArgumentError(f"CNAME of {len(value)} bytes is longer than 255.")
    if value:
        chunk += bytes((_CNAME, len(value))) + value
    return bytes(chunk + bytes(4 - len(chunk) % 4))


def _pack_lost(lost: Sequence[int]) -> bytes:
    packed = bytearray()
    first = following = 0
    for index, sequence_number in enumerate(lost):
        distance = (sequence_number - first) & 0xFFFF
        if index and distance <= 16:
            following |= 1 << distance >> 1
            continue
        if index:
            packed += _NACK_ENTRY.pack(first, following)
        first, following = sequence_number, 0
    if lost:
        packed += _NACK_ENTRY.pack(first, following)
    return bytes(packed)


def _pack_remb(packet: Remb) -> bytes:
    exponent = max(0, packet.bitrate_bps.bit_length() - 18)
    count = len(packet.ssrcs)
    if packet.bitrate_bps < 0 or exponent > 63 or count > 255:
        raise InvalidArgumentError(f"REMB of {packet.bitrate_bps} b/s cannot be written.")
    rate = count << 24 | exponent << 18 | packet.bitrate_bps >> exponent
    head = _TWO_SSRCS.pack(packet.sender_ssrc, 0) + b"REMB" + _WORD.pack(rate)
    return head + struct.pack(f"!{count}I", *packet.ssrcs)
