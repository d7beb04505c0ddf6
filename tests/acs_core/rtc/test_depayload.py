import av
import pytest
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder, VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError, MalformedPacketError
from acs_core.rtc.depayload import depayload, opus_samples


@given(
    st.binary(min_size=1, max_size=20),
    st.none() | st.integers(0, 0x7FFF),
    st.none() | st.integers(0, 255),
    st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    st.none() | st.integers(0, 31),
)
def test_vp8_descriptor_of_any_form_is_taken_off(data, picture_id, tl0, tid, keyidx) -> None:
    descriptor = VpxPayloadDescriptor(
        partition_start=1,
        partition_id=0,
        picture_id=picture_id,
        tl0picidx=tl0,
        tid=tid,
        keyidx=keyidx,
    )
    fragment = depayload("vp8", bytes(descriptor) + data)
    assert fragment.data == data
    assert fragment.starts_keyframe == (not data[0] & 1)


def test_vp8_short_picture_id_takes_one_byte() -> None:
    assert depayload("VP8", b"\x90\x80\x11\x00rest").data == b"\x00rest"


def test_only_the_start_of_the_first_partition_starts_a_keyframe() -> None:
    assert not depayload("VP8", b"\x00\x00").starts_keyframe
    assert not depayload("VP8", b"\x11\x00").starts_keyframe


@pytest.mark.parametrize(
    "units",
    [
        [b"\x67sps", b"\x68pps", b"\x65" + bytes(range(1, 250)) * 20],
        [b"\x41" + b"x" * 20],
        [b"\x67sps"],
    ],
)
def test_h264_comes_back_as_annex_b(units: list[bytes]) -> None:
    stream = b"".join(b"\x00\x00\x00\x01" + unit for unit in units)
    packet = av.Packet(stream)
    packet.pts = 0
    packet.time_base = 1
    fragments = [depayload("H264", payload) for payload in H264Encoder().pack(packet)[0]]
    assert b"".join(fragment.data for fragment in fragments) == stream
    assert fragments[0].starts_keyframe == (units[0][0] & 0x1F == 7)
    assert not any(fragment.starts_keyframe for fragment in fragments[1:])


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@given(payload=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(codec: str, payload: bytes) -> None:
    try:
        fragment = depayload(codec, payload)
    except MalformedPacketError:
        return
    # What is taken off is at most replaced by start codes of four bytes.
    assert len(fragment.data) <= 4 * len(payload)


@pytest.mark.parametrize(
    "payload", [b"", b"\x80", b"\x90\xff\x80\x01", b"\x10", b"\x90\x10", b"\x90\x40\x01"]
)
def test_truncated_vp8_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        depayload("VP8", payload)


@pytest.mark.parametrize(
    "payload", [b"\x67", b"\x7c\x85", b"\x78\x00\x05ab", b"\x78\x00", b"\x1e0"]
)
def test_truncated_or_unknown_h264_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        depayload("H264", payload)


def test_other_codecs_are_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        depayload("VP9", b"\x00")


@pytest.mark.parametrize(
    ("payload", "samples"),
    [
        (b"\x08", 960),
        (b"\x00", 480),
        (b"\x18\x00", 2880),
        (b"\x68", 960),
        (b"\xf8", 960),
        (b"\x80", 120),
        (b"\xf9", 1920),
        (b"\xfa", 1920),
        (b"\xfb\x03", 2880),
    ],
)
def test_opus_durations(payload: bytes, samples: int) -> None:
    assert opus_samples(payload) == samples


@pytest.mark.parametrize("payload", [b"", b"\xfb", b"\xfb\x00", b"\xfb\x3f"])
def test_impossible_opus_packets_are_refused(payload: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        opus_samples(payload)


def test_packets_of_our_vp8_packetizer_concatenate() -> None:
    data = bytes(3000)
    packet = av.Packet(data)
    packet.pts = 0
    packet.time_base = 1
    payloads = Vp8Encoder().pack(packet)[0]
    assert b"".join(depayload("VP8", payload).data for payload in payloads) == data
