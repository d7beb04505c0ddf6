"""The size of a keyframe's pictures, read from its headers and from nothing else. Pure.

A container wants the size of its track before the first picture; decoding for that would open a
decoder to whatever clients send.

Source: RFC 6386 section 9.1 (VP8), VP9 bitstream specification section 6.2, H264 section 7.3.2.1.1
(ITU-T H.264), AV1 specification section 5.5.
"""

from __future__ import annotations

from typing import Final

from acs_core.errors import MalformedPacketError
from acs_core.rtc.pictures import leb128

__all__ = ["keyframe_size"]

START_CODE: Final = b"\x00\x00\x01"
NAL_SPS: Final = 7
OBU_SEQUENCE_HEADER: Final = 1
VP8_START_CODE: Final = b"\x9d\x01\x2a"
VP9_SYNC_CODE: Final = 0x498342
VP9_SRGB: Final = 7
_HIGH_PROFILES: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles of H264 whose parameter sets tell chroma format and scaling."""
_LONGEST_NUMBER: Final = 32


def keyframe_size(codec_name: str, picture: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None when this picture does not tell.

    Args:
        codec_name: "VP8", "VP9", "H264" or "AV1".
        picture: As `join_picture` makes it.
    """
    readers = {"VP8": _vp8, "VP9": _vp9, "H264": _h264, "AV1": _av1}
    reader = readers.get(codec_name)
    if reader is None:
        return None
    try:
        size = reader(picture)
    except MalformedPacketError:
        return None
    return size if size is not None and min(size) > 0 else None


class _Bits:
    """Reads bits, the highest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int) -> int:
        end = self._position + count
        if end > 8 * len(self._data):
            raise MalformedPacketError("The headers of a picture are truncated.")
        first, last = self._position // 8, (end + 7) // 8
        value = int.from_bytes(self._data[first:last])
        self._position = end
        return value >> (8 * last - end) & (1 << count) - 1

    def flag(self) -> bool:
        return bool(self.take(1))

    def golomb(self) -> int:
        """An unsigned number of variable length (H264 section 9.1, AV1 `uvlc`)."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > _LONGEST_NUMBER:
                raise MalformedPacketError("A number in the headers of a picture is too long.")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed_golomb(self) -> int:
        value = self.golomb()
        return (value + 1) // 2 if value % 2 else -(value // 2)


def _vp8(picture: bytes) -> tuple[int, int] | None:
    if len(picture) < 10 or picture[0] & 0x01 or picture[3:6] != VP8_START_CODE:
        return None
    width = (picture[6] | picture[7] << 8) & 0x3FFF
    height = (picture[8] | picture[9] << 8) & 0x3FFF
    return width, height


def _vp9(picture: bytes) -> tuple[int, int] | None:
    bits = _Bits(picture)
    if bits.take(2) != 2:
        return None
    profile = bits.take(1) | bits.take(1) << 1
    if profile == 3:
        bits.take(1)
    shows_existing, is_inter = bits.flag(), bits.flag()
    if shows_existing or is_inter:
        return None
    bits.take(2)
    if bits.take(24) != VP9_SYNC_CODE:
        return None
    if profile >= 2:
        bits.take(1)
    if bits.take(3) != VP9_SRGB:
        bits.take(1)
        if profile in (1, 3):
            bits.take(3)
    elif profile in (1, 3):
        bits.take(1)
    return bits.take(16) + 1, bits.take(16) + 1


def _h264(picture: bytes) -> tuple[int, int] | None:
    for unit in picture.split(START_CODE):
        if len(unit) > 1 and unit[0] & 0x1F == NAL_SPS:
            return _sequence_parameters(_Bits(unit[1:].replace(b"\x00\x00\x03", b"\x00\x00")))
    return None


def _sequence_parameters(bits: _Bits) -> tuple[int, int]:
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    chroma_format = 1
    if profile in _HIGH_PROFILES:
        chroma_format = bits.golomb()
        if chroma_format == 3:
            bits.take(1)
        bits.golomb()
        bits.golomb()
        bits.take(1)
        if bits.flag():
            for index in range(12 if chroma_format == 3 else 8):
                if bits.flag():
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        for _ in range(2):
            bits.signed_golomb()
        for _ in range(bits.golomb()):
            bits.signed_golomb()
    bits.golomb()
    bits.take(1)
    width, height = 16 * (bits.golomb() + 1), 16 * (bits.golomb() + 1)
    is_progressive = bits.flag()
    if not is_progressive:
        height *= 2
        bits.take(1)
    bits.take(1)
    if bits.flag():
        left, right, top, bottom = (bits.golomb() for _ in range(4))
        horizontal = 2 if chroma_format in (1, 2) else 1
        vertical = (2 if chroma_format == 1 else 1) * (1 if is_progressive else 2)
        width -= horizontal * (left + right)
        height -= vertical * (top + bottom)
    return width, height


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    """Source: H264 section 7.3.2.1.1.1."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed_golomb()) % 256
        last = following or last


def _av1(picture: bytes) -> tuple[int, int] | None:
    position = 0
    while position < len(picture):
        header = picture[position]
        position += 2 if header & 0x04 else 1
        size, position = leb128(picture, position)
        if header >> 3 & 0x0F == OBU_SEQUENCE_HEADER:
            return _av1_sequence(_Bits(picture[position : position + size]))
        position += size
    return None


def _av1_sequence(bits: _Bits) -> tuple[int, int]:
    bits.take(4)
    if bits.flag():  # reduced_still_picture_header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    widths, heights = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(widths) + 1, bits.take(heights) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.flag():  # timing_info_present_flag
        bits.take(64)
        if bits.flag():
            bits.golomb()
        if bits.flag():  # decoder_model_info_present_flag
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.flag()
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.flag():
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.flag():
            bits.take(4)
