"""Coded pictures of every codec, and the RTP packets that senders make of them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from acs_core.media.patterns import PatternPainter
from acs_core.rtc.packet import pack_packet
from acs_core.service.sfu.plane.taps import TappedPacket
from tests.support.unprivileged import unprivileged

__all__ = ["CODED", "coded_pictures", "payloads_of", "tapped_pictures"]

CODED = {
    "VP8": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "VP9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}),
    "AV1": ("libsvtav1", {"preset": "12", "svtav1-params": "pred-struct=1:lad=0"}),
}
MTU = 1200


def coded_pictures(
    codec: str, count: int, *, size: tuple[int, int] = (320, 180), gop: int = 1000
) -> list[bytes]:
    """Pictures with counters from 0, the first one and each `gop`-th a keyframe."""
    name, options = CODED[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 30)
    encoder.framerate = 30
    encoder.gop_size = gop
    if codec != "AV1":
        encoder.bit_rate = 400_000
    encoder.options = options
    with unprivileged():
        encoder.open()
    painter = PatternPainter(*size, (30, 30, 200))
    coded: list[bytes] = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(painter.draw(number), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 30)
        coded += [bytes(packet) for packet in encoder.encode(frame)]
    return coded + [bytes(packet) for packet in encoder.encode(None)]


def payloads_of(codec: str, picture: bytes, *, is_keyframe: bool) -> list[bytes]:
    """The RTP payloads of one picture."""
    match codec:
        case "VP8":
            return list(_packed(Vp8Encoder(), picture))
        case "H264":
            return list(_packed(H264Encoder(), picture))
        case "VP9":
            return list(_vp9(picture, is_keyframe))
        case _:
            return list(_av1(picture, is_keyframe))


def _packed(encoder: Any, picture: bytes) -> list[bytes]:
    packet: Any = av.Packet(picture)
    packet.pts, packet.time_base = 0, Fraction(1, 90000)
    payloads: list[bytes] = encoder.pack(packet)[0]
    return payloads


def _vp9(picture: bytes, is_keyframe: bool) -> Iterator[bytes]:
    """Descriptors as browsers write them: picture id of 15 bits, P, B and E."""
    pieces = [picture[start : start + MTU] for start in range(0, len(picture), MTU)]
    for index, piece in enumerate(pieces):
        flags = 0x80 | (0 if is_keyframe else 0x40)
        flags |= (0x08 if index == 0 else 0) | (0x04 if index == len(pieces) - 1 else 0)
        yield bytes([flags, 0x80, 0x01]) + piece


def _av1(picture: bytes, is_keyframe: bool) -> Iterator[bytes]:
    """One element per packet, units without size and without temporal delimiters."""
    is_first = True
    for unit in _units(picture):
        pieces = [unit[start : start + MTU] for start in range(0, len(unit), MTU)]
        for index, piece in enumerate(pieces):
            header = 0x10 | (0x80 if index else 0) | (0x40 if index < len(pieces) - 1 else 0)
            header |= 0x08 if is_first and is_keyframe else 0
            is_first = False
            yield bytes([header]) + piece


def _units(picture: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(picture):
        header = picture[position]
        start = position + (2 if header & 0x04 else 1)
        size = shift = 0
        while True:
            byte = picture[start]
            size |= (byte & 0x7F) << shift
            start, shift = start + 1, shift + 7
            if not byte & 0x80:
                break
        if header >> 3 & 0x0F != 2:
            yield bytes([header & ~0x02]) + picture[start : start + size]
        position = start + size


def tapped_pictures(
    codec: str,
    pictures: list[bytes],
    *,
    began: float = 0.0,
    first_number: int = 65530,
    first_timestamp: int = 2**32 - 9000,
    gop: int = 1000,
    payload_type: int = 96,
) -> list[list[TappedPacket]]:
    """The packets of each picture as a tap hands them over, 30 pictures per second."""
    made: list[list[TappedPacket]] = []
    number = first_number
    for index, picture in enumerate(pictures):
        payloads = payloads_of(codec, picture, is_keyframe=index % gop == 0)
        packets = []
        for place, payload in enumerate(payloads):
            data = pack_packet(
                payload_type=payload_type,
                marker=place == len(payloads) - 1,
                sequence_number=number & 0xFFFF,
                timestamp=(first_timestamp + 3000 * index) & 0xFFFF_FFFF,
                ssrc=7,
                payload=payload,
            )
            packets.append(TappedPacket(began + index / 30, data))
            number += 1
        made.append(packets)
    return made
