from __future__ import annotations

import struct

import aiortc.rtp
import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError, MalformedPacketError
from acs_core.rtc.packet import (
    HOP_LOCAL,
    SequenceUnwrapper,
    Uri,
    abs_send_time,
    audio_level,
    extensions,
    is_keyframe,
    is_rtcp,
    pack_packet,
    parse_header,
    rtx_unwrap,
    rtx_wrap,
    sequence_difference,
    sequence_newer,
    timestamp_difference,
)

sequences = st.integers(0, 0xFFFF)
words = st.integers(0, 0xFFFF_FFFF)
one_byte_elements = st.lists(
    st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=6
)
any_elements = st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=255)), max_size=6)


def packed(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "payload_type": 96,
        "marker": False,
        "sequence_number": 1,
        "timestamp": 2,
        "ssrc": 3,
        "payload": b"payload",
    }
    return pack_packet(**(fields | changes))  # type: ignore[arg-type]


@given(
    st.integers(0, 127),
    st.booleans(),
    sequences,
    words,
    words,
    st.binary(max_size=40),
    one_byte_elements | any_elements,
)
def test_packed_packet_reads_back(
    payload_type: int,
    marker: bool,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    elements: list[tuple[int, bytes]],
) -> None:
    data = pack_packet(
        payload_type=payload_type,
        marker=marker,
        sequence_number=sequence_number,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=payload,
        extensions=elements,
    )
    header = parse_header(memoryview(data))
    assert header[:5] == (payload_type, marker, sequence_number, timestamp, ssrc)
    assert data[header.payload_offset : header.payload_end] == payload
    found = [(e.id, data[e.offset : e.offset + e.length]) for e in extensions(data, header)]
    assert found == elements


@given(sequences, words, words, st.booleans(), st.binary(max_size=40), one_byte_elements)
def test_packed_packet_is_what_aiortc_reads(
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    marker: bool,
    payload: bytes,
    elements: list[tuple[int, bytes]],
) -> None:
    data = packed(
        sequence_number=sequence_number,
        timestamp=timestamp,
        ssrc=ssrc,
        marker=marker,
        payload=payload,
        extensions=elements,
    )
    theirs = aiortc.rtp.RtpPacket.parse(data)
    assert (theirs.sequence_number, theirs.timestamp, theirs.ssrc) == (
        sequence_number,
        timestamp,
        ssrc,
    )
    assert (theirs.payload_type, bool(theirs.marker), theirs.payload) == (96, marker, payload)


@given(sequences, words, words, st.binary(max_size=40), st.integers(0, 3), st.integers(0, 9))
def test_packet_of_aiortc_reads_the_same_here(
    sequence_number: int, timestamp: int, ssrc: int, payload: bytes, sources: int, padding: int
) -> None:
    parameters = RTCRtpParameters(
        headerExtensions=[
            RTCRtpHeaderExtensionParameters(id=3, uri=Uri.MID.value),
            RTCRtpHeaderExtensionParameters(id=5, uri=Uri.AUDIO_LEVEL.value),
        ]
    )
    known = aiortc.rtp.HeaderExtensionsMap()
    known.configure(parameters)
    theirs = aiortc.rtp.RtpPacket(
        payload_type=111,
        marker=1,
        sequence_number=sequence_number,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=payload,
    )
    theirs.csrc = list(range(sources))
    theirs.padding_size = padding
    theirs.extensions.mid = "audio"
    theirs.extensions.audio_level = (True, 30)
    data = theirs.serialize(known)

    header = parse_header(data)

    assert header[:5] == (111, True, sequence_number, timestamp, ssrc)
    assert data[header.payload_offset : header.payload_end] == payload
    values = {e.id: data[e.offset : e.offset + e.length] for e in extensions(data, header)}
    assert values[3] == b"audio"
    assert audio_level(values[5]) == (True, 30)


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda rest: b"\xb1\x60" + rest))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        header = parse_header(data)
        elements = extensions(data, header)
        rtx_unwrap(data, header, payload_type=96, ssrc=1)
    except MalformedPacketError:
        return
    assert 12 <= header.payload_offset <= header.payload_end <= len(data)
    assert all(e.offset + e.length <= header.extension_end for e in elements)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80" * 11,
        b"\x40" + bytes(11),  # version 1
        b"\x81" + bytes(11),  # a CSRC that is not there
        b"\x90" + bytes(13),  # an extension block without length
        b"\x90" + bytes(13) + b"\x00\x01",  # that is longer than the packet
        b"\xa0" + bytes(11),  # padding of nothing
        b"\xa0" + bytes(11) + b"\x00",  # padding of zero bytes
        b"\xa0" + bytes(11) + b"\x02",  # padding longer than the payload
    ],
)
def test_truncated_packet_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        parse_header(data)


def with_block(profile: int, block: bytes) -> bytes:
    assert len(block) % 4 == 0
    return (
        packed()[:12].replace(b"\x80", b"\x90", 1)
        + struct.pack("!HH", profile, len(block) // 4)
        + block
    )


def ids(data: bytes) -> list[int]:
    return [element.id for element in extensions(data, parse_header(data))]


def test_one_byte_padding_between_elements_is_skipped() -> None:
    assert ids(with_block(0xBEDE, b"\x10\x01\x00\x20\x02\x00\x00\x00")) == [1, 2]


def test_id_15_ends_the_one_byte_elements() -> None:
    assert ids(with_block(0xBEDE, b"\x10\x01\xf0\x00\x20\x02\x00\x00")) == [1]


def test_id_0_with_a_length_ends_the_one_byte_elements() -> None:
    assert ids(with_block(0xBEDE, b"\x10\x01\x03\x00\x20\x02\x00\x00")) == [1]


def test_two_byte_elements_may_have_appbits_padding_and_no_value() -> None:
    assert ids(with_block(0x1003, b"\x10\x00\x00\x0f\x01\x07\x00\x00")) == [16, 15]


def test_other_profiles_have_no_elements() -> None:
    assert ids(with_block(0xABAC, b"\x10\x01\x00\x00")) == []


@pytest.mark.parametrize(
    ("profile", "block"),
    [(0xBEDE, b"\x00\x00\x00\x1f"), (0x1000, b"\x00\x00\x00\x01"), (0x1000, b"\x00\x01\x09\x00")],
)
def test_truncated_extension_is_refused(profile: int, block: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        ids(with_block(profile, block))


@pytest.mark.parametrize(
    "changes",
    [
        {"payload_type": 128},
        {"sequence_number": 65_536},
        {"extensions": [(0, b"")]},
        {"extensions": [(256, b"")]},
        {"extensions": [(1, bytes(256))]},
    ],
)
def test_field_out_of_range_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError):
        packed(**changes)


def test_rtp_and_rtcp_are_told_apart() -> None:
    assert is_rtcp(bytes.fromhex("80c8"))
    assert is_rtcp(bytes.fromhex("81ce"))
    assert not is_rtcp(packed(marker=True, payload_type=63))
    assert not is_rtcp(packed(payload_type=96))
    assert not is_rtcp(packed(marker=True, payload_type=96))
    assert not is_rtcp(b"\x80")


@given(sequences, st.integers(-0x7FFF, 0x7FFF))
def test_sequence_numbers_compare_across_the_wrap(number: int, distance: int) -> None:
    other = (number + distance) & 0xFFFF
    assert sequence_difference(other, number) == distance
    assert sequence_newer(other, number) == (distance > 0)


@given(words, st.integers(-0x7FFF_FFFF, 0x7FFF_FFFF))
def test_timestamps_compare_across_the_wrap(number: int, distance: int) -> None:
    assert timestamp_difference((number + distance) & 0xFFFF_FFFF, number) == distance


@given(sequences, st.lists(st.integers(-1000, 30_000), max_size=60))
def test_unwrapped_numbers_keep_their_distance(first: int, steps: list[int]) -> None:
    unwrapper = SequenceUnwrapper()
    assert unwrapper.unwrap(first) == first
    highest = first
    for step in steps:
        number = highest + step
        assert unwrapper.unwrap(number & 0xFFFF) == number
        highest = max(highest, number)


def test_send_time_is_6_18_fixed_point_seconds() -> None:
    assert abs_send_time(0.5) == 1 << 17
    assert abs_send_time(64.0 + 1.0) == 1 << 18
    assert 0 <= abs_send_time(1_700_000_000.123) < 1 << 24


def test_audio_level_is_voice_and_level() -> None:
    assert audio_level(b"\x9e") == (True, 30)
    assert audio_level(memoryview(b"\x7f\x00")) == (False, 127)
    with pytest.raises(MalformedPacketError):
        audio_level(b"")


def test_names_of_one_connection_are_not_forwarded() -> None:
    assert Uri.MID in HOP_LOCAL
    assert Uri.AUDIO_LEVEL not in HOP_LOCAL


@given(sequences, sequences, words, st.booleans(), st.binary(max_size=40), one_byte_elements)
def test_rtx_restores_the_packet(
    sequence_number: int,
    rtx_sequence_number: int,
    ssrc: int,
    marker: bool,
    payload: bytes,
    elements: list[tuple[int, bytes]],
) -> None:
    packet = packed(
        sequence_number=sequence_number, marker=marker, payload=payload, extensions=elements
    )
    rtx = rtx_wrap(packet, payload_type=97, ssrc=ssrc, sequence_number=rtx_sequence_number)
    header = parse_header(rtx)
    assert (header.payload_type, header.marker) == (97, marker)
    assert (header.ssrc, header.sequence_number) == (ssrc, rtx_sequence_number)
    assert rtx_unwrap(rtx, header, payload_type=96, ssrc=3) == packet


def test_rtx_is_what_aiortc_makes_and_unmakes() -> None:
    packet = packed(marker=True)
    theirs = aiortc.rtp.wrap_rtx(
        aiortc.rtp.RtpPacket.parse(packet), payload_type=97, sequence_number=9, ssrc=8
    )
    ours = rtx_wrap(packet, payload_type=97, ssrc=8, sequence_number=9)
    assert ours == theirs.serialize()


def test_rtx_without_original_is_refused_and_padding_removed() -> None:
    probe = b"\xa0" + packed(payload=b"\x00\x00\x03")[1:]
    with pytest.raises(MalformedPacketError):
        rtx_unwrap(probe, parse_header(probe), payload_type=96, ssrc=3)
    padded = b"\xa0" + packed(payload=b"\x00\x07data\x00\x02")[1:]
    restored = rtx_unwrap(padded, parse_header(padded), payload_type=96, ssrc=3)
    assert restored == packed(sequence_number=7, payload=b"data")


KEYFRAME_STARTS = {
    "VP8 without extension": ("VP8", "10 00"),
    "VP8 with long picture id": ("vp8", "90 80 8123 00"),
    "VP8 with short picture id": ("VP8", "90 80 23 00"),
    "VP8 without picture id": ("VP8", "90 20 20 00"),
    "VP8 with all fields": ("VP8", "90 e0 8123 07 20 10"),
    "H264 IDR": ("H264", "65 88"),
    "H264 SPS": ("H264", "67 42"),
    "H264 STAP-A": ("H264", "78 0002 09 10 0003 67 42 e0"),
    "H264 FU-A start": ("H264", "7c 85 00"),
    "VP9 without layers": ("VP9", "88 01 00"),
    "VP9 lowest layer": ("VP9", "a8 8123 00 00"),
    "VP9 short picture id": ("VP9", "a8 23 00 00"),
    "VP9 layers, no picture id": ("VP9", "28 00 00"),
    "AV1 new sequence": ("AV1", "18 0a"),
}
NO_KEYFRAME_STARTS = {
    "VP8 delta": ("VP8", "10 01"),
    "VP8 continuation": ("VP8", "00 00"),
    "VP8 second partition": ("VP8", "11 00"),
    "VP8 cut off in the descriptor": ("VP8", "90 80"),
    "VP8 cut off in the ids": ("VP8", "90 e0 8123 07 20"),
    "VP8 empty": ("VP8", ""),
    "H264 slice": ("H264", "61 88"),
    "H264 empty": ("H264", ""),
    "H264 STAP-A of slices": ("H264", "78 0002 09 10 0002 61 42"),
    "H264 FU-A middle": ("H264", "7c 05 00"),
    "VP9 predicted": ("VP9", "c8 01 00"),
    "VP9 upper layer": ("VP9", "a8 23 02 00"),
    "VP9 cut off": ("VP9", "a8 8123"),
    "VP9 empty": ("VP9", ""),
    "AV1 continuation": ("AV1", "10 0a"),
    "AV1 empty": ("AV1", ""),
    "audio": ("opus", "10 00"),
}


@pytest.mark.parametrize(("codec", "payload"), KEYFRAME_STARTS.values(), ids=KEYFRAME_STARTS)
def test_start_of_a_keyframe_is_seen(codec: str, payload: str) -> None:
    assert is_keyframe(codec, bytes.fromhex(payload))


@pytest.mark.parametrize(("codec", "payload"), NO_KEYFRAME_STARTS.values(), ids=NO_KEYFRAME_STARTS)
def test_other_packets_are_no_start_of_a_keyframe(codec: str, payload: str) -> None:
    assert not is_keyframe(codec, memoryview(bytes.fromhex(payload)))


@given(st.sampled_from(["VP8", "VP9", "H264", "AV1", "opus"]), st.binary(max_size=20))
def test_any_payload_can_be_asked_about(codec: str, payload: bytes) -> None:
    assert is_keyframe(codec, payload) in (True, False)
