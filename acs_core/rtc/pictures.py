"""Coded pictures out of RTP payloads, for every video codec that the service forwards. Pure.

A picture is what a container keeps of one moment: VP8 and VP9 frames as they are, H264 as Annex B,
AV1 as a temporal unit whose units tell their size and which begins without a delimiter.

Source: RFC 7741 (VP8), RFC 9628 section 4.2 (VP9), RFC 6184 (H264), AV1 RTP specification
sections 4.3 and 4.4, VP9 bitstream specification annex B for superframes, AV1 specification
section 5.3 for open bitstream units (OBU).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from acs_core.errors import InvalidArgumentError, MalformedPacketError
from acs_core.rtc.depayload import depayload

__all__ = ["PICTURE_CODECS", "join_picture", "leb128"]

PICTURE_CODECS: Final = frozenset({"VP8", "VP9", "H264", "AV1"})
"""Codecs whose pictures can be put together, as SDP spells them in capitals."""

OBU_TEMPORAL_DELIMITER: Final = 2
OBU_TILE_LIST: Final = 8
OBU_PADDING: Final = 15
_NOT_KEPT: Final = frozenset({OBU_TEMPORAL_DELIMITER, OBU_TILE_LIST, OBU_PADDING})
_MAX_LAYERS: Final = 8


def join_picture(codec_name: str, payloads: Sequence[bytes]) -> bytes:
    """Put one picture together.

    Args:
        codec_name: One of `PICTURE_CODECS`.
        payloads: Of all packets with one RTP timestamp, in order, none missing, none empty.

    Raises:
        MalformedPacketError: A payload is truncated or of a kind that is not negotiated.
        InvalidArgumentError: Another codec.
    """
    match codec_name:
        case "VP8" | "H264":
            return b"".join(depayload(codec_name, payload).data for payload in payloads)
        case "VP9":
            return _join_vp9(payloads)
        case "AV1":
            return _join_av1(payloads)
        case _:
            raise InvalidArgumentError(f"Pictures of {codec_name} cannot be put together.")


# -------------------------------------------------------------------- VP9


def _join_vp9(payloads: Sequence[bytes]) -> bytes:
    frames: list[bytearray] = []
    for payload in payloads:
        start = _vp9_descriptor_size(payload)
        # B: "start of a frame"; the frames of a picture are its spatial layers.
        if payload[0] & 0x08 or not frames:
            frames.append(bytearray())
        frames[-1] += payload[start:]
    if len(frames) == 1:
        return bytes(frames[0])
    if len(frames) > _MAX_LAYERS:
        raise MalformedPacketError(f"A VP9 picture has {len(frames)} layers.")
    return b"".join(bytes(frame) for frame in frames) + _superframe_index(frames)


def _superframe_index(frames: Sequence[bytearray]) -> bytes:
    """How long each frame is; without it a decoder takes the frames for one."""
    width = max(1, (max(len(frame) for frame in frames).bit_length() + 7) // 8)
    marker = bytes([0xC0 | (width - 1) << 3 | len(frames) - 1])
    sizes = b"".join(len(frame).to_bytes(width, "little") for frame in frames)
    return marker + sizes + marker


def _vp9_descriptor_size(payload: bytes) -> int:
    """Bytes in front of the frame. Source: RFC 9628 section 4.2."""
    try:
        flags = payload[0]
        position = 1
        if flags & 0x80:  # I: a picture id of 7 or 15 bits
            position += 2 if payload[position] & 0x80 else 1
        is_flexible = bool(flags & 0x10)
        if flags & 0x20:  # L: layer indices, and TL0PICIDX outside of flexible mode
            position += 1 if is_flexible else 2
        if is_flexible and flags & 0x40:  # P: up to three differences, N says whether one follows
            while payload[position] & 0x01:
                position += 1
            position += 1
        if flags & 0x02:  # V: the scalability structure
            position += _vp9_structure_size(payload, position)
    except IndexError:
        position = len(payload)
    if position >= len(payload):
        raise MalformedPacketError("A VP9 payload descriptor is truncated.")
    return position


def _vp9_structure_size(payload: bytes, start: int) -> int:
    flags = payload[start]
    size = 1
    if flags & 0x10:  # Y: a width and a height for each of the N_S + 1 spatial layers
        size += 4 * ((flags >> 5) + 1)
    if flags & 0x08:  # G: pictures of a group, each with R reference differences
        count = payload[start + size]
        size += 1
        for _ in range(count):
            size += 1 + (payload[start + size] >> 2 & 0x03)
    return size


# -------------------------------------------------------------------- AV1


def _join_av1(payloads: Sequence[bytes]) -> bytes:
    units: list[bytearray] = []
    for payload in payloads:
        continues, elements = _av1_elements(payload)
        for index, element in enumerate(elements):
            if continues and index == 0 and units:
                units[-1] += element
            else:
                units.append(bytearray(element))
    return b"".join(_sized(bytes(unit)) for unit in units)


def _av1_elements(payload: bytes) -> tuple[bool, list[bytes]]:
    """Whether the first element continues the last one before, and the elements.

    Source: AV1 RTP specification section 4.4, the aggregation header Z Y W W N.
    """
    header = payload[0]
    count = header >> 4 & 0x03
    elements: list[bytes] = []
    position = 1
    while position < len(payload):
        if count and len(elements) == count - 1:
            size = len(payload) - position
        else:
            size, position = leb128(payload, position)
        if position + size > len(payload):
            raise MalformedPacketError("An AV1 unit is truncated.")
        elements.append(payload[position : position + size])
        position += size
    return bool(header & 0x80), elements


def _sized(unit: bytes) -> bytes:
    """A unit that tells its size, as files have it; empty for one that files leave out."""
    if not unit:
        return b""
    header = unit[0]
    if header >> 3 & 0x0F in _NOT_KEPT:
        return b""
    if header & 0x02:
        return unit
    start = 2 if header & 0x04 else 1
    size = len(unit) - start
    if size < 0:
        raise MalformedPacketError("An AV1 unit header is truncated.")
    return bytes([header | 0x02]) + unit[1:start] + _to_leb128(size) + unit[start:]


def leb128(data: bytes, position: int) -> tuple[int, int]:
    """Read a number; return it and the position behind it.

    Raises:
        MalformedPacketError: It is truncated or longer than eight bytes.

    Source: AV1 specification section 4.10.5.
    """
    value = 0
    for index in range(8):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, position
    raise MalformedPacketError("A number of an AV1 payload is truncated.")


def _to_leb128(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
