from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acs_core.media.opening import MAX_BYTES, MAX_PICTURES, StreamOpening


def test_nothing_is_kept_before_a_key_frame() -> None:
    opening = StreamOpening()
    opening.add(b"delta", 1, is_keyframe=False)
    assert opening.take() == []


def test_everything_from_the_newest_key_frame_on_is_kept_once() -> None:
    opening = StreamOpening()
    for packet, timestamp, is_keyframe in [
        (b"old key", 1, True),
        (b"delta", 2, False),
        (b"key", 3, True),
        (b"key, continued", 3, False),
        (b"delta 2", 4, False),
    ]:
        opening.add(packet, timestamp, is_keyframe=is_keyframe)
    assert opening.take() == [b"key", b"key, continued", b"delta 2"]
    assert opening.take() == []


def test_a_reader_that_does_not_come_finds_nothing_stale() -> None:
    opening = StreamOpening()
    for timestamp in range(MAX_PICTURES + 1):
        opening.add(b"x", timestamp, is_keyframe=timestamp == 0)
    assert opening.take() == []


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 30), st.booleans()), max_size=400))
def test_memory_stays_bounded_whatever_arrives(packets: list[tuple[int, int, bool]]) -> None:
    opening = StreamOpening()
    for size, timestamp, is_keyframe in packets:
        opening.add(bytes(size), timestamp, is_keyframe=is_keyframe)
        kept = opening._packets
        assert sum(map(len, kept)) <= MAX_BYTES
