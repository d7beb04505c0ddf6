from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.service.sfu.vp8 import (
    PictureContinuity,
    PictureTracker,
    find_picture_ids,
    is_frame_start,
    keyframe_size,
    widened,
)

KEY = b"\x00\x00\x00\x9d\x01\x2a"


def vp8(picture_id: int, layer_index: int | None = None, *, is_long: bool = True) -> bytes:
    flags = 0x80 | (0 if layer_index is None else 0x40)
    identifier = (picture_id | 0x8000).to_bytes(2) if is_long else bytes((picture_id,))
    index = b"" if layer_index is None else bytes((layer_index,))
    return bytes((0x90, flags)) + identifier + index + b"\x00frame"


class Receiver:
    """One consumer: sees the payloads of one source after the other."""

    def __init__(self, last: bytes, first: bytes) -> None:
        self.pictures = PictureContinuity()
        self.tracker = PictureTracker()
        before = find_picture_ids(last, 0, len(last))
        if before is not None:
            self.pictures.leave(before)
        self.pictures.begin(self.tracker.find(0, first, 0, len(first)))

    def apply(self, number: int, payload: bytes) -> bytes:
        ids = self.tracker.find(number, payload, 0, len(payload))
        if ids is None or not self.pictures.is_moved:
            return payload
        moved = bytearray(widened(payload, ids))
        self.pictures.move(moved, ids)
        return bytes(moved)


def test_picture_ids_go_on_by_one_after_a_switch() -> None:
    receiver = Receiver(vp8(0x7FFE, 255), vp8(17, 3))
    assert receiver.apply(0, vp8(17, 3)) == vp8(0x7FFF, 0)
    assert receiver.apply(2, vp8(19, 5)) == vp8(1, 2)
    assert receiver.apply(1, vp8(18, 4)) == vp8(0, 1)


def test_short_picture_ids_are_widened_and_wrap_at_their_own_size() -> None:
    receiver = Receiver(vp8(999, 7), vp8(126, 1, is_long=False))
    short = [126, 127, 0, 1]
    assert [
        receiver.apply(index, vp8(number, index, is_long=False))
        for index, number in enumerate(short)
    ] == [vp8(1_000 + index, 7 + index) for index in range(4)]


def test_picture_ids_that_grow_from_one_byte_to_two_are_followed() -> None:
    receiver = Receiver(vp8(5, is_long=False), vp8(126, is_long=False))
    assert receiver.apply(1, vp8(127, is_long=False)) == vp8(7)
    assert receiver.apply(2, vp8(128)) == vp8(8)


def test_a_packet_that_is_asked_for_late_has_the_ids_that_it_had() -> None:
    receiver = Receiver(vp8(999), vp8(0, is_long=False))
    first = receiver.apply(0, vp8(0, is_long=False))
    for number in range(1, 200):
        receiver.apply(number, vp8(number % 128, is_long=False))
    assert receiver.apply(0, vp8(0, is_long=False)) == first


def test_a_second_switch_goes_on_from_the_first() -> None:
    pictures = PictureContinuity()
    streams = [vp8(10, 1), vp8(500, 9), vp8(3, 200)]
    for index, payload in enumerate(streams):
        ids = find_picture_ids(payload, 0, len(payload))
        assert ids is not None
        pictures.begin(ids)
        moved = bytearray(payload)
        pictures.move(moved, ids)
        assert bytes(moved) == vp8(10 + index, 1 + index)
        assert pictures.is_moved is (index > 0)
        pictures.leave(ids)


def test_a_source_without_ids_is_left_alone() -> None:
    pictures = PictureContinuity()
    ids = find_picture_ids(vp8(1, 1), 0, 20)
    assert ids is not None
    pictures.leave(ids)
    pictures.begin(None)
    assert not pictures.is_moved
    without_index = find_picture_ids(vp8(7), 0, 20)
    assert without_index is not None
    pictures.begin(without_index)
    pictures.leave(without_index)
    pictures.begin(ids)
    moved = bytearray(vp8(1, 1))
    pictures.move(moved, ids)
    assert bytes(moved) == vp8(3, 1)


@given(st.integers(0, 0x7FFF), st.integers(0, 0x7FFF), st.lists(st.integers(-3, 40)))
def test_picture_ids_keep_their_distances(last: int, first: int, steps: list[int]) -> None:
    receiver = Receiver(vp8(last), vp8(first))
    highest = 0
    for step in steps:
        at = highest + step
        assert receiver.apply(at & 0xFFFF, vp8((first + at) & 0x7FFF)) == vp8(
            (last + 1 + at) & 0x7FFF
        )
        highest = max(highest, at)


@pytest.mark.parametrize("payload", [b"", b"\x10\x00", b"\x90\x20\x00\x00", b"\x90\x80\x81"])
def test_payload_without_picture_id_stays(payload: bytes) -> None:
    assert Receiver(vp8(1), vp8(2)).apply(9, payload) == payload
    assert Receiver(payload, vp8(2)).apply(9, vp8(2)) == vp8(2)
    assert Receiver(vp8(2), payload).apply(9, payload) == payload


@given(st.binary(max_size=12), st.binary(max_size=12), st.binary(max_size=12))
def test_any_payload_keeps_its_picture(last: bytes, first: bytes, payload: bytes) -> None:
    moved = Receiver(last, first).apply(9, payload)
    assert len(moved) - len(payload) in (0, 1)
    assert moved[:2] == payload[:2]
    assert moved[6:] == payload[len(payload) - len(moved) + 6 :] or len(moved) <= 6


@pytest.mark.parametrize(
    "descriptor",
    [
        b"\x10",
        b"\x90\x00",
        b"\x90\x80\x05",
        b"\x90\x80\x85\x05",
        b"\x90\xc0\x85\x05\x01",
        b"\x90\xe0\x85\x05\x01\x20",
        b"\x90\x20\x20",
    ],
)
def test_the_size_of_a_keyframe_is_read(descriptor: bytes) -> None:
    # The upper two bits of each are a scale.
    packet = b"header" + descriptor + KEY + b"\x80\x42\x68\xc1" + b"picture"
    assert keyframe_size(packet, 6, len(packet)) == (640, 360)
    assert keyframe_size(packet, 6, 6 + len(descriptor) + 9) is None
    assert keyframe_size(packet, 6, 7) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"\x00" + KEY + b"\x80\x02\x68\x01",  # not the start of a partition
        b"\x11" + KEY + b"\x80\x02\x68\x01",  # of another partition
        b"\x10\x01" + KEY[1:] + b"\x80\x02\x68\x01",  # an interframe
        b"\x10\x00\x00\x00\x9d\x01\x2b\x80\x02\x68\x01",  # another start code
        b"\x10" + KEY + b"\x00\x00\x68\x01",  # no width
        b"\x90",
        b"\x90\x80",
        b"",
    ],
)
def test_other_payloads_have_no_size(payload: bytes) -> None:
    assert keyframe_size(payload, 0, len(payload)) is None


def test_pictures_begin_with_their_first_partition() -> None:
    assert is_frame_start(b"x\x10", 1, 2)
    assert not is_frame_start(b"x\x00", 1, 2)
    assert not is_frame_start(b"x\x10", 1, 1)


@given(st.binary(max_size=20))
def test_any_payload_is_read(payload: bytes) -> None:
    size = keyframe_size(payload, 0, len(payload))
    assert size is None or (0 < size[0] < 0x4000 and 0 < size[1] < 0x4000)
