"""RTP packets as bytes: reading the header and the extensions, building, RTX, key frames.

Packets travel as bytes and are patched in place; nothing here is parsed into an object and
serialized again, since that would lose every extension that we do not know.

Source: RFC 3550 section 5.1 (header), RFC 8285 (extensions), RFC 5761 section 4 (telling RTP
and RTCP apart), RFC 4588 (RTX), RFC 6464 (audio level).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from acs_core.errors import InvalidArgumentError, MalformedPacketError

__all__ = [
    "HOP_LOCAL",
    "Buffer",
    "ExtensionElement",
    "RtpHeader",
    "SequenceUnwrapper",
    "Uri",
    "abs_send_time",
    "audio_level",
    "extensions",
    "is_keyframe",
    "is_rtcp",
    "pack_packet",
    "parse_header",
    "rtx_unwrap",
    "rtx_wrap",
    "sequence_difference",
    "sequence_newer",
    "timestamp_difference",
]

Buffer: TypeAlias = bytes | bytearray | memoryview

_FIXED: Final = struct.Struct("!BBHII")
_EXTENSION: Final = struct.Struct("!HH")
_SHORT: Final = struct.Struct("!H")
_VERSION_BITS: Final = 0x80
_ONE_BYTE_PROFILE: Final = 0xBEDE
_TWO_BYTE_PROFILE: Final = 0x1000
_TWO_BYTE_MASK: Final = 0xFFF0  # the low four "appbits" are free, RFC 8285 section 4.3


class Uri(StrEnum):
    """The header extensions we know by name; the value is the URI of the extmap line.

    Source: the IANA registry "RTP Compact Header Extensions" and the libwebrtc documents
    under docs/native-code/rtp-hdrext.
    """

    MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
    RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    VIDEO_ORIENTATION = "urn:3gpp:video-orientation"
    ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
    PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
    VIDEO_CONTENT_TYPE = "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"
    DEPENDENCY_DESCRIPTOR = (
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
    )
    TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    TOFFSET = "urn:ietf:params:rtp-hdrext:toffset"


HOP_LOCAL: Final = frozenset({Uri.MID, Uri.RID, Uri.REPAIRED_RID})
"""Extensions that name things of one connection and must not be forwarded to another."""


class RtpHeader(NamedTuple):
    """Where the parts of one RTP packet are; a tuple, since one is made for every packet.

    Attributes:
        payload_type: 0..127.
        marker: For video the last packet of a frame, for audio the first of a talk spurt.
        sequence_number: 0..65535.
        timestamp: 32 bits, in ticks of the codec's clock.
        ssrc: 32 bits.
        payload_offset: Where the payload begins.
        payload_end: Where it ends, padding excluded; equal to the offset for padding only.
        extension_profile: 0 when there are no header extensions.
        extension_offset: Where the extension elements begin, behind profile and length.
        extension_end: Where they end; equal to the offset when there are none.
    """

    payload_type: int
    marker: bool
    sequence_number: int
    timestamp: int
    ssrc: int
    payload_offset: int
    payload_end: int
    extension_profile: int
    extension_offset: int
    extension_end: int


class ExtensionElement(NamedTuple):
    """One header extension: its local id, and where its value is in the packet."""

    id: int
    offset: int
    length: int


def parse_header(data: Buffer) -> RtpHeader:
    """Find the parts of an RTP packet.

    Raises:
        MalformedPacketError: It is no RTP packet of version 2, or it is truncated.

    Source: RFC 3550 section 5.1 and, for the extension block, 5.3.1.
    """
    size = len(data)
    if size < 12:
        raise MalformedPacketError(f"RTP packet of {size} bytes is shorter than its header.")
    first, second, sequence_number, timestamp, ssrc = _FIXED.unpack_from(data)
    if first & 0xC0 != _VERSION_BITS:
        raise MalformedPacketError(f"RTP version {first >> 6} is not 2.")
    offset = 12 + 4 * (first & 0x0F)
    profile = 0
    extension_offset = extension_end = offset
    if first & 0x10:
        extension_offset = offset + 4
        if extension_offset > size:
            raise MalformedPacketError("RTP header extension is truncated.")
        profile, words = _EXTENSION.unpack_from(data, offset)
        offset = extension_end = extension_offset + 4 * words
    if offset > size:
        raise MalformedPacketError("RTP header is longer than the packet.")
    end = size
    if first & 0x20:
        # "The last octet of the padding contains a count of how many padding octets should be
        # ignored, including itself": so 0 is not possible.
        padding = data[-1] if size > offset else 0
        end = size - padding
        if padding == 0 or end < offset:
            raise MalformedPacketError(f"RTP padding of {padding} bytes is impossible.")
    return RtpHeader(
        second & 0x7F,
        second >= 0x80,
        sequence_number,
        timestamp,
        ssrc,
        offset,
        end,
        profile,
        extension_offset,
        extension_end,
    )


def extensions(data: Buffer, header: RtpHeader) -> list[ExtensionElement]:
    """List the header extensions in their order; empty for a profile that is not RFC 8285's.

    Raises:
        MalformedPacketError: An element reaches beyond the extension block.

    Source: RFC 8285 sections 4.2 and 4.3.
    """
    if header.extension_profile == _ONE_BYTE_PROFILE:
        return _one_byte_elements(data, header.extension_offset, header.extension_end)
    if header.extension_profile & _TWO_BYTE_MASK == _TWO_BYTE_PROFILE:
        return _two_byte_elements(data, header.extension_offset, header.extension_end)
    return []


def _one_byte_elements(data: Buffer, position: int, end: int) -> list[ExtensionElement]:
    elements: list[ExtensionElement] = []
    while position < end:
        head = data[position]
        position += 1
        if head == 0:
            continue  # padding
        identifier = head >> 4
        # Id 15, and id 0 with a length: "processing of the entire extension MUST terminate at
        # that point".
        if identifier in (0, 15):
            break
        length = (head & 0x0F) + 1
        if position + length > end:
            raise MalformedPacketError(f"RTP header extension {identifier} is truncated.")
        elements.append(ExtensionElement(identifier, position, length))
        position += length
    return elements


def _two_byte_elements(data: Buffer, position: int, end: int) -> list[ExtensionElement]:
    elements: list[ExtensionElement] = []
    while position < end:
        identifier = data[position]
        position += 1
        if identifier == 0:
            continue  # padding
        if position >= end:
            raise MalformedPacketError(f"RTP header extension {identifier} has no length.")
        length = data[position]
        position += 1
        if position + length > end:
            raise MalformedPacketError(f"RTP header extension {identifier} is truncated.")
        elements.append(ExtensionElement(identifier, position, length))
        position += length
    return elements


def pack_packet(
    *,
    payload_type: int,
    marker: bool,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    extensions: Sequence[tuple[int, bytes]] = (),
) -> bytes:
    """Build an RTP packet; extensions are (id, value) and take the one-byte form if they fit.

    Raises:
        InvalidArgumentError: A field does not fit its bits.
    """
    if not 0 <= payload_type <= 127:
        raise InvalidArgumentError(f"Payload type {payload_type} is not within 0..127.")
    block = _pack_extensions(extensions) if extensions else b""
    try:
        header = _FIXED.pack(
            _VERSION_BITS | (0x10 if block else 0),
            payload_type | (0x80 if marker else 0),
            sequence_number,
            timestamp,
            ssrc,
        )
    except struct.error as error:
        raise InvalidArgumentError(f"An RTP header field is out of range: {error}.") from error
    return header + block + payload


def _pack_extensions(elements: Sequence[tuple[int, bytes]]) -> bytes:
    one_byte = all(1 <= id_ <= 14 and 1 <= len(value) <= 16 for id_, value in elements)
    body = bytearray()
    for id_, value in elements:
        if not 1 <= id_ <= 255 or len(value) > 255:
            raise InvalidArgumentError(
                f"Header extension {id_} of {len(value)} bytes cannot be written."
            )
        if one_byte:
            body.append(id_ << 4 | len(value) - 1)
        else:
            body += bytes((id_, len(value)))
        body += value
    body += bytes(-len(body) % 4)
    profile = _ONE_BYTE_PROFILE if one_byte else _TWO_BYTE_PROFILE
    return _EXTENSION.pack(profile, len(body) // 4) + body


def is_rtcp(data: Buffer) -> bool:
    """Say whether an RTP-or-RTCP packet of one port is RTCP.

    Source: RFC 5761 section 4: RTCP types are 192..223, where no RTP payload type may lie.
    """
    return len(data) >= 2 and 192 <= data[1] <= 223


def sequence_difference(a: int, b: int) -> int:
    """Return a - b on the 16 bit circle, -32768..32767; positive when `a` is newer."""
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


def sequence_newer(a: int, b: int) -> bool:
    """Say whether sequence number `a` comes after `b`, wrap included."""
    return 0 < (a - b) & 0xFFFF < 0x8000


def timestamp_difference(a: int, b: int) -> int:
    """Return a - b on the 32 bit circle, in ticks; positive when `a` is later."""
    return ((a - b + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


class SequenceUnwrapper:
    """Counts on across the wraps of 16 bit sequence numbers.

    The first number is returned as it is; one that is older than the first may become negative.
    """

    __slots__ = ("_highest",)

    def __init__(self) -> None:
        self._highest: int | None = None

    def unwrap(self, sequence_number: int) -> int:
        """Return the number whose low 16 bits these are and which is nearest to the newest."""
        if self._highest is None:
            self._highest = sequence_number
            return sequence_number
        value = self._highest + sequence_difference(sequence_number, self._highest & 0xFFFF)
        if value > self._highest:
            self._highest = value
        return value


def abs_send_time(now: float) -> int:
    """Return the 24 bit value of the abs-send-time extension for a time in seconds.

    Only differences matter to the receiver, so that any clock does; it wraps after 64 s.

    Source: libwebrtc docs/native-code/rtp-hdrext/abs-send-time: 6.18 fixed point seconds.
    """
    return int(now * 262_144) & 0xFF_FFFF


def audio_level(value: Buffer) -> tuple[bool, int]:
    """Read an audio level extension: (voice activity, level).

    The level is in -dBov: 0 is the loudest possible, 127 is digital silence.

    Raises:
        MalformedPacketError: The value is empty.

    Source: RFC 6464 section 3.
    """
    if len(value) == 0:
        raise MalformedPacketError("Audio level extension is empty.")
    return value[0] >= 0x80, value[0] & 0x7F


def rtx_unwrap(data: Buffer, header: RtpHeader, *, payload_type: int, ssrc: int) -> bytes:
    """Restore the packet that an RTX packet repeats; padding is removed.

    Marker, timestamp and extensions are the original's, the sequence number is the one carried
    in front of the payload.

    Raises:
        MalformedPacketError: It carries no original sequence number, as the packets of padding
            with which browsers probe the bandwidth.

    Source: RFC 4588 section 4.
    """
    start = header.payload_offset
    if header.payload_end - start < 2:
        raise MalformedPacketError("RTX packet carries no original sequence number.")
    packet = bytearray(data[: header.payload_end])
    packet[0] &= ~0x20
    packet[1] = packet[1] & 0x80 | payload_type
    packet[2:4] = packet[start : start + 2]
    packet[8:12] = ssrc.to_bytes(4)
    del packet[start : start + 2]
    return bytes(packet)


def rtx_wrap(packet: Buffer, *, payload_type: int, ssrc: int, sequence_number: int) -> bytes:
    """Build the RTX packet that repeats `packet`; all but numbers and payload type stay.

    Raises:
        MalformedPacketError: `packet` is no RTP packet.

    Source: RFC 4588 section 4.
    """
    start = parse_header(packet).payload_offset
    repeated = bytearray(packet)
    repeated[1] = repeated[1] & 0x80 | payload_type
    repeated[2:4] = _SHORT.pack(sequence_number)
    repeated[8:12] = ssrc.to_bytes(4)
    repeated[start:start] = packet[2:4]
    return bytes(repeated)


def is_keyframe(codec_name: str, payload: Buffer) -> bool:
    """Say whether this payload begins a picture that can be decoded without earlier ones.

    Only the packet with the beginning answers True. Codec names as in SDP, in any case; other
    codecs and payloads that cannot be read answer False.

    Source: RFC 7741 section 4 (VP8), RFC 6184 section 5 (H264), RFC 9628 section 4.2 (VP9),
    AV1 RTP specification section 4.4 (AV1).
    """
    match codec_name.upper():
        case "VP8":
            return _is_vp8_keyframe(payload)
        case "H264":
            return _is_h264_keyframe(payload)
        case "VP9":
            return _is_vp9_keyframe(payload)
        case "AV1":
            # N: "the packet is the first packet of a coded video sequence".
            return len(payload) > 1 and payload[0] & 0x08 != 0
        case _:
            return False


def _is_vp8_keyframe(payload: Buffer) -> bool:
    # S (start of partition) and partition index 0; without them it is a continuation.
    if len(payload) < 2 or payload[0] & 0x17 != 0x10:
        return False
    position = 1
    if payload[0] & 0x80:
        flags = payload[1]
        position = 2
        if flags & 0x80:
            if position >= len(payload):
                return False
            position += 2 if payload[position] & 0x80 else 1
        position += (flags & 0x40 != 0) + (flags & 0x30 != 0)
    # P: "Inverse key frame flag", RFC 7741 section 4.3.
    return position < len(payload) and payload[position] & 0x01 == 0


def _is_h264_keyframe(payload: Buffer) -> bool:
    if len(payload) < 2:
        return False
    kind = payload[0] & 0x1F
    if kind == 28:  # FU-A: the type is in the second octet, S says that this is its start
        return payload[1] & 0x80 != 0 and payload[1] & 0x1F in (5, 7)
    if kind != 24:
        return kind in (5, 7)  # IDR slice; parameter sets precede one
    position = 1  # STAP-A: sizes and units
    while position + 2 < len(payload):
        if payload[position + 2] & 0x1F in (5, 7):
            return True
        position += 2 + (payload[position] << 8 | payload[position + 1])
    return False


def _is_vp9_keyframe(payload: Buffer) -> bool:
    # P (predicted from other pictures) clear and B (start of a layer frame) set.
    if len(payload) < 2 or payload[0] & 0x48 != 0x08:
        return False
    if payload[0] & 0x20 == 0:
        return True
    position = 1
    if payload[0] & 0x80:
        position += 2 if payload[1] & 0x80 else 1
    return position < len(payload) and payload[position] & 0x0E == 0  # lowest spatial layer
