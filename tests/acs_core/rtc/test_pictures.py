from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError, MalformedPacketError
from acs_core.rtc.picture_size import keyframe_size
from acs_core.rtc.pictures import PICTURE_CODECS, join_picture, leb128
from tests.support.coding import CODED, coded_pictures, payloads_of


@pytest.mark.parametrize("codec", sorted(CODED))
def test_a_decoder_takes_what_is_put_together(codec: str) -> None:
    pictures = coded_pictures(codec, 8, size=(322, 182))
    joined = [
        join_picture(codec, payloads_of(codec, picture, is_keyframe=index == 0))
        for index, picture in enumerate(pictures)
    ]
    assert [keyframe_size(codec, picture) for picture in joined[:2]] == [(322, 182), None]
    decoder = av.CodecContext.create("libdav1d" if codec == "AV1" else codec.lower(), "r")
    shown = [frame for data in joined for frame in decoder.decode(av.Packet(data))]
    shown += decoder.decode(None)
    assert len(shown) == 8
    assert (shown[0].width, shown[0].height) == (322, 182)  # type: ignore[union-attr]
    if codec in ("VP8", "VP9"):
        assert joined == pictures


def test_layers_of_vp9_become_a_superframe() -> None:
    # B and E on each layer; the index tells both sizes, before and behind it its marker.
    joined = join_picture("VP9", [b"\x08ab", b"\x04c", b"\x0cdefg"])
    assert joined == b"abcdefg" + b"\xc1\x03\x04\xc1"


def test_vp9_descriptors_are_taken_off() -> None:
    flexible = bytes([0x80 | 0x40 | 0x20 | 0x10 | 0x08, 0x05, 0x20, 0x03, 0x02]) + b"x"
    assert join_picture("VP9", [flexible]) == b"x"
    structure = bytes([0x08 | 0x02, 0x20 | 0x10 | 0x08, *b"wwhhwwhh", 1, 0x04, 0x01]) + b"x"
    assert join_picture("VP9", [structure]) == b"x"


def test_units_of_av1_that_cross_packets_are_joined_and_told_their_size() -> None:
    # Three elements in the first packet (W is 0: all have sizes), the last goes on in the second.
    first = bytes([0x40, 2, 0x12, 0x00, 2, 0x08, 0xAA, 2, 0x30, 0xBB])
    second = bytes([0x90, 0xCC])
    assert join_picture("AV1", [first, second]) == bytes([0x0A, 1, 0xAA, 0x32, 2, 0xBB, 0xCC])


@given(st.sampled_from(sorted(PICTURE_CODECS)), st.lists(st.binary(min_size=1), min_size=1))
def test_anything_is_a_picture_or_refused(codec: str, payloads: list[bytes]) -> None:
    try:
        picture = join_picture(codec, payloads)
    except MalformedPacketError:
        return
    size = keyframe_size(codec, picture)
    assert size is None or min(size) > 0


@given(st.sampled_from([*sorted(PICTURE_CODECS), "OPUS"]), st.binary())
def test_anything_has_a_size_or_none(codec: str, picture: bytes) -> None:
    size = keyframe_size(codec, picture)
    assert size is None or min(size) > 0


def test_other_codecs_are_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        join_picture("H265", [b"x"])


def test_a_number_that_does_not_end_is_refused() -> None:
    assert leb128(b"\xe5\x8e\x26", 0) == (624485, 3)
    for data in (b"", b"\x80", b"\xff" * 9):
        with pytest.raises(MalformedPacketError):
            leb128(data, 0)
