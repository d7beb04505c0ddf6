"""RTP payloads to pieces of a coded picture, for the two video codecs that our client decodes.

VP8 pieces are concatenated as they are; H264 pieces come out as Annex B, each network
abstraction layer (NAL) unit behind a four byte start code. Pure.

Source: RFC 7741 section 4 (VP8), RFC 6184 section 5 (H264), RFC 6716 section 3.1 (Opus).
"""

from __future__ import annotations

from dataclasses import dataclass

from acs_core.errors import InvalidArgumentError, MalformedPacketError

__all__ = ["Fragment", "depayload", "opus_samples"]

START_CODE = b"\x00\x00\x00\x01"

NAL_SPS = 7
NAL_STAP_A = 24
NAL_FU_A = 28


@dataclass(frozen=True, slots=True)
class Fragment:
    """What one RTP packet adds to a picture.

    Attributes:
        data: Bytes to append to the picture.
        starts_keyframe: A decoder that has seen nothing can start here.
    """

    data: bytes
    starts_keyframe: bool


def depayload(codec_name: str, payload: bytes) -> Fragment:
    """Take the payload descriptor off.

    Args:
        codec_name: "VP8" or "H264", in any case.
        payload: What follows the RTP header and extensions, not empty.

    Raises:
        MalformedPacketError: The payload is truncated or of a kind we do not negotiate.
        InvalidArgumentError: Another codec.
    """
    name = codec_name.upper()
    if name == "VP8":
        return _depayload_vp8(payload)
    if name == "H264":
        return _depayload_h264(payload)
    raise InvalidArgumentError(f"No decoder for {codec_name}; choose VP8 or H264.")


def _depayload_vp8(payload: bytes) -> Fragment:
    if not payload:
        raise MalformedPacketError("A VP8 payload is empty.")
    first = payload[0]
    position = 1
    if first & 0x80:
        if len(payload) < 2:
            raise MalformedPacketError("A VP8 payload descriptor is truncated.")
        extension = payload[1]
        position = 2
        if extension & 0x80:
            long_picture_id = len(payload) > position and payload[position] & 0x80
            position += 2 if long_picture_id else 1
        if extension & 0x40:
            position += 1
        if extension & 0x30:
            position += 1
    if len(payload) <= position:
        raise MalformedPacketError("A VP8 payload descriptor is truncated.")
    is_start = bool(first & 0x10) and not first & 0x07
    # RFC 7741 section 4.3: the inverse key frame flag is the lowest bit.
    return Fragment(payload[position:], is_start and not payload[position] & 0x01)


def _depayload_h264(payload: bytes) -> Fragment:
    if len(payload) < 2:
        raise MalformedPacketError("A H264 payload is truncated.")
    kind = payload[0] & 0x1F
    if 1 <= kind <= 23:
        return Fragment(START_CODE + payload, kind == NAL_SPS)
    if kind == NAL_FU_A:
        return _fragmentation_unit(payload)
    if kind == NAL_STAP_A:
        return _aggregation_packet(payload)
    raise MalformedPacketError(f"A H264 payload has the NAL unit type {kind}.")


def _fragmentation_unit(payload: bytes) -> Fragment:
    if len(payload) < 3:
        raise MalformedPacketError("A H264 fragmentation unit is truncated.")
    if not payload[1] & 0x80:
        return Fragment(payload[2:], False)
    header = bytes([payload[0] & 0xE0 | payload[1] & 0x1F])
    return Fragment(START_CODE + header + payload[2:], payload[1] & 0x1F == NAL_SPS)


def _aggregation_packet(payload: bytes) -> Fragment:
    units: list[bytes] = []
    position = 1
    while position < len(payload):
        size = int.from_bytes(payload[position : position + 2], "big")
        unit = payload[position + 2 : position + 2 + size]
        if not size or len(unit) < size:
            raise MalformedPacketError("A H264 aggregation packet is truncated.")
        units.append(unit)
        position += 2 + size
    return Fragment(
        b"".join(START_CODE + unit for unit in units),
        any(unit[0] & 0x1F == NAL_SPS for unit in units),
    )


def opus_samples(payload: bytes) -> int:
    """Give the duration of an Opus packet, in samples at 48 kHz.

    Raises:
        MalformedPacketError: The packet is empty or says that it is longer than 120 ms.

    Source: RFC 6716 section 3.1, table 2 and the frame count of section 3.2.5.
    """
    if not payload:
        raise MalformedPacketError("An Opus packet is empty.")
    configuration = payload[0] >> 3
    if configuration < 12:
        samples = (480, 960, 1920, 2880)[configuration & 3]
    elif configuration < 16:
        samples = (480, 960)[configuration & 1]
    else:
        samples = (120, 240, 480, 960)[configuration & 3]
    match payload[0] & 3:
        case 0:
            count = 1
        case 3:
            if len(payload) < 2:
                raise MalformedPacketError("An Opus packet is truncated.")
            count = payload[1] & 0x3F
        case _:
            count = 2
    if not count or samples * count > 5760:
        raise MalformedPacketError("An Opus packet is longer than 120 ms.")
    return samples * count
