from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.rtc.packet import sequence_difference, timestamp_difference
from acs_core.service.sfu.rewrite import Clock, StreamRewriter, same_moment

RATE = 90_000
FRAME = 3_000


def opened(start: int = 100, **options: int) -> StreamRewriter:
    rewriter = StreamRewriter(RATE, **options)
    assert rewriter.start(start & 0xFFFF, start * FRAME & 0xFFFF_FFFF, 0.0)
    return rewriter


def sequence(rewriter: StreamRewriter, number: int) -> int | None:
    mapped = rewriter.map(number & 0xFFFF, number * FRAME & 0xFFFF_FFFF)
    return None if mapped is None else mapped[0]


def test_nothing_is_sent_before_the_start() -> None:
    rewriter = StreamRewriter(RATE)
    assert not rewriter.is_open
    assert rewriter.map(1, 1) is None
    assert rewriter.source_sequence(1) is None
    rewriter.skip(1)
    rewriter.pause()


def test_first_numbers_are_the_sources_unless_given() -> None:
    assert opened(100).map(100, 300_000) == (100, 300_000)
    given_numbers = opened(100, first_sequence=7, first_timestamp=9)
    assert given_numbers.map(100, 300_000) == (7, 9)
    assert given_numbers.map(101, 303_000) == (8, 3_009)


def test_gap_of_the_network_stays_and_a_late_packet_fills_it() -> None:
    rewriter = opened(65_534, first_sequence=10)
    assert sequence(rewriter, 65_534) == 10
    assert sequence(rewriter, 65_537) == 13
    assert sequence(rewriter, 65_535) == 11
    assert rewriter.source_sequence(12) == 0


def test_packet_older_than_the_start_is_not_sent() -> None:
    assert sequence(opened(100), 99) is None


def test_pause_leaves_no_gap() -> None:
    rewriter = opened(100, first_sequence=10)
    assert sequence(rewriter, 101) == 11
    rewriter.pause()
    assert sequence(rewriter, 102) is None
    assert rewriter.start(200, 200 * FRAME, 3.4)
    assert rewriter.map(200, 200 * FRAME) == (12, 200 * FRAME)
    assert sequence(rewriter, 102) is None
    assert sequence(rewriter, 101) == 11
    assert rewriter.source_sequence(11) == 101
    assert rewriter.source_sequence(12) == 200
    assert rewriter.source_sequence(13) is None


def test_pause_may_last_longer_than_half_of_the_numbers() -> None:
    rewriter = opened(100, first_sequence=10)
    rewriter.pause()
    assert rewriter.start(100 + 40_000, 1, 800.0)
    assert rewriter.map(100 + 40_000, 1) is not None
    assert sequence(rewriter, 100 + 40_001) == 12


def test_late_packet_does_not_end_a_pause() -> None:
    rewriter = opened(100)
    rewriter.pause()
    assert not rewriter.start(100, 100 * FRAME, 0.1)
    assert not rewriter.start(99, 99 * FRAME, 0.1)
    assert not rewriter.is_open


def test_late_packet_from_before_a_pause_finds_its_place() -> None:
    rewriter = opened(100, first_sequence=10)
    assert sequence(rewriter, 105) == 15
    rewriter.pause()
    rewriter.start(110, 110 * FRAME, 0.2)
    assert sequence(rewriter, 110) == 16
    assert rewriter.map(103, 103 * FRAME) == (13, 103 * FRAME)


def test_skipped_packets_leave_no_gap() -> None:
    rewriter = opened(100, first_sequence=10)
    rewriter.skip(101)
    rewriter.skip(102)
    assert sequence(rewriter, 101) is None
    assert sequence(rewriter, 102) is None
    assert sequence(rewriter, 103) == 11
    assert sequence(rewriter, 100) == 10
    assert [rewriter.source_sequence(n) for n in (9, 10, 11)] == [None, 100, 103]


def test_skipping_keeps_the_gap_of_the_network_before_it() -> None:
    rewriter = opened(100, first_sequence=10)
    rewriter.skip(102)
    assert sequence(rewriter, 103) == 12
    assert sequence(rewriter, 101) == 11


def test_skipping_what_others_overtook_changes_nothing() -> None:
    rewriter = opened(100, first_sequence=10)
    assert sequence(rewriter, 102) == 12
    rewriter.skip(101)
    assert sequence(rewriter, 103) == 13


def test_other_source_goes_on_where_the_first_ended() -> None:
    rewriter = opened(100, first_sequence=10, first_timestamp=0)
    assert sequence(rewriter, 101) == 11
    assert rewriter.start(50_000, 777, 2.0, new_source=True)
    assert rewriter.map(50_000, 777) == (12, 2 * RATE)
    assert rewriter.map(50_001, 777 + FRAME) == (13, 2 * RATE + FRAME)
    assert rewriter.map(49_999, 777) is None
    assert rewriter.source_sequence(12) == 50_000
    assert rewriter.source_sequence(11) is None
    assert rewriter.destination_timestamp(777) == 2 * RATE


def test_time_never_stands_still_at_a_switch() -> None:
    rewriter = opened(100, first_timestamp=0)
    rewriter.map(130, 130 * FRAME)  # one second of media at once
    rewriter.start(5, 999, 0.1, new_source=True)
    assert rewriter.map(5, 999) == (131, 30 * FRAME + 1)


def test_synchronize_ties_the_timestamps_to_the_time_for_the_next_switch() -> None:
    rewriter = opened(100, first_timestamp=0)
    rewriter.synchronize(130, 130 * FRAME, 5.0)  # the source's clock stood still for 4 s
    rewriter.start(5, 999, 6.0, new_source=True)
    assert rewriter.map(5, 999) == (131, 30 * FRAME + RATE)


def test_synchronize_ignores_what_was_not_sent() -> None:
    rewriter = opened(100, first_timestamp=0)
    rewriter.pause()
    rewriter.synchronize(130, 130 * FRAME, 5.0)
    rewriter.start(131, 999, 6.0, new_source=True)
    assert rewriter.map(131, 999) == (101, 6 * RATE)


def test_source_whose_timestamps_went_back_in_a_pause_goes_on_by_time() -> None:
    rewriter = opened(100, first_timestamp=0)
    rewriter.pause()
    rewriter.start(101, 100 * FRAME - 5, 1.0)
    assert rewriter.map(101, 100 * FRAME - 5) == (101, RATE)


def test_a_new_source_is_placed_by_its_clock_where_that_is_known() -> None:
    rewriter = opened(100, first_timestamp=0)
    rewriter.start(7, 5_000, 1.0, new_source=True, previous_timestamp=100 * FRAME + RATE + 100)
    assert rewriter.map(7, 5_000) == (101, RATE + 100)


@pytest.mark.parametrize("claimed", [3 * RATE, -3 * RATE])
def test_a_clock_that_is_far_off_is_not_believed(claimed: int) -> None:
    rewriter = opened(100, first_timestamp=0)
    previous = (100 * FRAME + claimed) & 0xFFFF_FFFF
    rewriter.start(7, 5_000, 1.0, new_source=True, previous_timestamp=previous)
    assert rewriter.map(7, 5_000) == (101, RATE)


def test_a_picture_that_was_sent_already_in_another_layer_is_not_before_it() -> None:
    rewriter = opened(100, first_timestamp=0)
    rewriter.start(7, 5_000, 0.0, new_source=True, previous_timestamp=100 * FRAME - 500)
    assert rewriter.map(7, 5_000) == (101, 1)


def test_two_clocks_meet_in_ntp_time() -> None:
    clock = Clock(10 << 32, 1_000, RATE)
    assert same_moment(1_000, clock, Clock(10 << 32, 77, RATE)) == 77
    assert same_moment(1_000 + RATE, clock, Clock(9 << 32, 77, RATE)) == 77 + 2 * RATE
    assert same_moment(1_000 - RATE & 0xFFFF_FFFF, clock, Clock(10 << 32, 77, RATE)) == (
        77 - RATE & 0xFFFF_FFFF
    )
    assert same_moment(1_000, clock, Clock(10 << 32, 5, 48_000)) == 5


@given(st.integers(0, 2**32 - 1), st.integers(-(2**30), 2**30), st.integers(0, 2**64 - 1))
def test_there_and_back_is_the_same_moment(start: int, ticks: int, ntp: int) -> None:
    one, two = Clock(ntp, start, RATE), Clock(ntp ^ 0xFFFF_FFFF, 3, RATE)
    timestamp = (start + ticks) & 0xFFFF_FFFF
    back = same_moment(same_moment(timestamp, one, two), two, one)
    assert abs(timestamp_difference(back, timestamp)) <= 2


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.lists(st.integers(1, 20)))
def test_offsets_say_the_same_as_map(start: int, first: int, steps: list[int]) -> None:
    rewriter = opened(start, first_sequence=first, first_timestamp=1)
    number = start
    for step in steps:
        number += step
        if step % 5 == 0:
            rewriter.skip(number & 0xFFFF)
            continue
        timestamp = number * FRAME & 0xFFFF_FFFF
        assert sequence_difference(number & 0xFFFF, rewriter.segment_start) >= 0
        assert rewriter.map(number & 0xFFFF, timestamp) == (
            (number + rewriter.sequence_offset) & 0xFFFF,
            (timestamp + rewriter.timestamp_offset) & 0xFFFF_FFFF,
        )


ACTIONS = st.lists(
    st.sampled_from(["send", "send", "send", "lose", "skip", "pause", "resume", "switch"]),
    max_size=150,
)


@given(ACTIONS, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF), st.integers(0, 2**32))
def test_our_gaps_are_closed_and_those_of_the_network_kept(
    actions: list[str], first: int, first_timestamp: int, seed: int
) -> None:
    numbers = random.Random(seed)
    rewriter = StreamRewriter(RATE, first_sequence=first, first_timestamp=first_timestamp)
    number, offset = numbers.randrange(0x1_0000), numbers.randrange(1 << 32)
    sent: list[tuple[int, int, int]] = []  # source number, destination number, timestamp
    expected, lost = first, 0
    new_source, is_paused = False, False
    for tick, action in enumerate(actions):
        number = (number + 1) & 0xFFFF
        timestamp = (offset + tick * FRAME) & 0xFFFF_FFFF
        if action == "switch":
            number, offset = numbers.randrange(0x1_0000), numbers.randrange(1 << 32)
            timestamp = (offset + tick * FRAME) & 0xFFFF_FFFF
            new_source, is_paused = True, False
        elif action == "pause":
            rewriter.pause()
            is_paused = True
        elif action == "resume":
            is_paused = False
        if is_paused:
            continue
        if new_source or not rewriter.is_open:
            assert rewriter.start(number, timestamp, tick / 30, new_source=new_source)
            new_source, lost = False, 0  # nobody can know of a loss just before a gap of ours
        elif action == "skip":
            rewriter.skip(number)
            expected, lost = expected + lost, 0
            continue
        elif action == "lose":
            lost += 1
            continue
        expected, lost = expected + lost, 0
        mapped = rewriter.map(number, timestamp)
        assert mapped is not None
        assert mapped[0] == expected & 0xFFFF
        assert mapped == rewriter.map(number, timestamp)
        assert not sent or timestamp_difference(mapped[1], sent[-1][2]) > 0
        assert not sent or timestamp_difference(mapped[1], sent[-1][2]) <= FRAME * len(actions) + 1
        assert rewriter.source_sequence(mapped[0]) == number
        sent.append((number, *mapped))
        expected += 1
    if "switch" not in actions:
        assert [rewriter.source_sequence(s[1]) for s in sent] == [s[0] for s in sent]


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.lists(st.tuples(st.floats(0, 12), st.booleans()), min_size=1, max_size=80),
)
def test_order_and_repetition_do_not_change_the_numbers(
    start: int, first: int, packets: list[tuple[float, bool]]
) -> None:
    rewriter = opened(start, first_sequence=first, first_timestamp=0)
    arrivals = [(index + delay, index) for index, (delay, _) in enumerate(packets)]
    arrivals += [(index + 13.0, index) for index, (_, twice) in enumerate(packets) if twice]
    for _, index in sorted(arrivals):
        assert rewriter.map((start + index) & 0xFFFF, (start + index) * FRAME & 0xFFFF_FFFF) == (
            (first + index) & 0xFFFF,
            index * FRAME,
        )


def test_memory_is_bounded_however_much_is_skipped() -> None:
    rewriter = opened(0)
    for number in range(1, 20_001):
        if number % 2:
            rewriter.skip(number & 0xFFFF)
        else:
            rewriter.map(number & 0xFFFF, number)
    assert rewriter.source_sequence(10_000) == 20_000
    assert rewriter.source_sequence(9_900) == 19_800
    assert rewriter.source_sequence(100) is None
