from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from acs_core.rtc.nack import NackTracker, PacketCache, ResendLimiter

TICK = 0.01


def test_cache_answers_with_the_packet() -> None:
    cache = PacketCache(8)
    cache.put(65_535, b"last", 0.0)
    cache.put(0, b"first", 0.0)
    assert cache.get(65_535, 0.1) == b"last"
    assert cache.get(0, 0.1) == b"first"
    assert cache.get(1, 0.1) is None


def test_cache_forgets_what_was_overwritten_or_is_too_old() -> None:
    cache = PacketCache(8, max_age=1.0)
    cache.put(1, b"old", 0.0)
    cache.put(9, b"new", 0.0)
    assert cache.get(1, 0.1) is None
    assert cache.get(9, 0.1) == b"new"
    assert cache.get(9, 1.1) is None


def test_cache_knows_what_it_holds_however_old() -> None:
    cache = PacketCache(4, max_age=1.0)
    assert not cache.holds(1)
    cache.put(1, b"one", 0.0)
    assert cache.get(1, 9.0) is None
    assert cache.holds(1)
    cache.put(5, b"five", 0.0)
    assert not cache.holds(1)


def test_tracker_that_begins_anew_waits_for_nothing_of_before() -> None:
    tracker = NackTracker()
    for number in (0, 3):
        tracker.received(number, 0.0)
    tracker.restart(10)
    assert tracker.missing == 0
    tracker.received(12, 0.0)
    assert tracker.due(0.0) == [11]
    tracker.restart(None)
    tracker.received(50, 0.0)
    assert tracker.missing == 0
    assert tracker.gave_up == 0


def test_cache_does_not_answer_the_same_request_twice_at_once() -> None:
    cache = PacketCache(8, min_resend_interval=0.01)
    cache.put(1, b"packet", 0.0)
    assert cache.get(1, 0.001) == b"packet"
    assert cache.get(1, 0.005) is None
    assert cache.get(1, 0.012) == b"packet"


def test_receivers_that_share_a_cache_have_their_own_limits() -> None:
    cache = PacketCache(8, min_resend_interval=0.0)
    cache.put(1, b"packet", 0.0)
    limits = ResendLimiter(interval=0.01), ResendLimiter(interval=0.01)
    assert [limit.allows(1, 0.001) for limit in limits] == [True, True]
    assert cache.get(1, 0.001) == cache.get(1, 0.001) == b"packet"
    assert [limit.allows(1, 0.002) for limit in limits] == [False, False]
    assert limits[0].allows(2, 0.002)


@given(st.integers(0, 0xFFFF), st.lists(st.integers(0, 0xFFFF), max_size=200))
def test_cache_never_answers_with_another_packet(start: int, asked: list[int]) -> None:
    cache = PacketCache(16, min_resend_interval=0.0)
    for number in range(start, start + 100):
        cache.put(number & 0xFFFF, str(number & 0xFFFF).encode(), 0.0)
    newest = {number & 0xFFFF for number in range(start + 84, start + 100)}
    for number in [*newest, *asked]:
        expected = str(number).encode() if number in newest else None
        assert cache.get(number, 0.0) == expected


def test_nothing_is_missing_at_first() -> None:
    tracker = NackTracker()
    tracker.received(7, 0.0)
    tracker.received(8, 0.0)
    assert tracker.missing == 0
    assert tracker.due(0.0) == []
    assert tracker.next_deadline is None


def test_gap_is_asked_for_at_once_and_again_until_it_is_repaired() -> None:
    tracker = NackTracker(repeat_interval=0.1)
    tracker.received(65_534, 0.0)
    tracker.received(1, 0.0)
    assert tracker.due(0.0) == [65_535, 0]
    assert tracker.due(0.05) == []
    assert tracker.next_deadline == 0.1
    tracker.received(0, 0.06)
    assert tracker.due(0.1) == [65_535]
    tracker.received(65_535, 0.2)
    assert tracker.due(0.3) == []
    assert (tracker.repaired, tracker.gave_up) == (2, 0)


def test_repeat_interval_may_follow_the_round_trip_time() -> None:
    tracker = NackTracker(repeat_interval=0.1)
    tracker.received(0, 0.0)
    tracker.received(2, 0.0)
    tracker.repeat_interval = 0.02
    assert tracker.due(0.0) == [1]
    assert tracker.due(0.02) == [1]


def test_reordered_packet_is_not_asked_for_within_the_first_delay() -> None:
    tracker = NackTracker(first_delay=0.02)
    tracker.received(0, 0.0)
    tracker.received(2, 0.0)
    assert tracker.due(0.0) == []
    assert tracker.next_deadline == 0.02
    tracker.received(1, 0.01)
    assert tracker.due(0.02) == []
    assert tracker.repaired == 0


def test_packet_that_is_too_late_to_help_is_given_up() -> None:
    tracker = NackTracker(max_age=0.5, repeat_interval=10.0)
    tracker.received(0, 0.0)
    tracker.received(2, 0.0)
    assert tracker.due(0.0) == [1]
    assert tracker.next_deadline == 0.5
    assert tracker.due(0.5) == []
    assert (tracker.missing, tracker.gave_up) == (0, 1)
    tracker.received(1, 0.6)
    assert tracker.repaired == 0


def test_oldest_are_given_up_for_newer_ones() -> None:
    tracker = NackTracker(max_missing=3)
    tracker.received(0, 0.0)
    tracker.received(3, 0.0)
    tracker.received(6, 0.0)
    assert tracker.due(0.0) == [2, 4, 5]
    assert tracker.gave_up == 1


def test_outage_is_not_asked_for() -> None:
    tracker = NackTracker(max_missing=3)
    tracker.received(0, 0.0)
    tracker.received(2, 0.0)
    tracker.received(1_000, 0.0)
    assert tracker.due(0.0) == []
    assert tracker.gave_up == 998
    tracker.received(1_002, 0.0)
    assert tracker.due(0.0) == [1_001]


def test_stream_that_starts_again_is_followed_after_two_packets() -> None:
    tracker = NackTracker()
    tracker.received(30_000, 0.0)
    tracker.received(30_002, 0.0)
    tracker.received(100, 0.0)
    assert tracker.due(0.0) == [30_001]
    tracker.received(101, 0.0)
    tracker.received(103, 0.0)
    assert tracker.due(0.1) == [102]
    assert tracker.gave_up == 1


@given(
    start=st.integers(0, 0xFFFF),
    losses=st.dictionaries(st.integers(1, 148), st.integers(1, 4), max_size=60),
    delays=st.dictionaries(st.integers(1, 148), st.integers(1, 5), max_size=60),
    copies=st.sets(st.integers(1, 148), max_size=30),
)
def test_everything_lost_is_asked_for_until_it_is_there(
    start: int, losses: dict[int, int], delays: dict[int, int], copies: set[int]
) -> None:
    """`losses` says how many times a packet, and then each of its repetitions, is lost."""
    tracker = NackTracker(repeat_interval=5 * TICK, max_age=1.0)
    arriving: dict[int, list[int]] = {}
    tries = Counter[int]()
    for number in range(150):
        if number not in losses:
            arriving.setdefault(number + delays.get(number, 0), []).append(number)
        if number in copies:
            arriving.setdefault(number + 7, []).extend([number] * (number not in losses))
    received: set[int] = set()
    for tick in range(300):
        for number in arriving.get(tick, []):
            tracker.received((start + number) & 0xFFFF, tick * TICK)
            received.add(number)
        requests = tracker.due(tick * TICK)
        assert tracker.missing <= 150
        for request in requests:
            number = (request - start) & 0xFFFF
            assert number not in received
            tries[number] += 1
            if tries[number] >= losses.get(number, 0):
                arriving.setdefault(tick + 3, []).append(number)
    assert received == set(range(150))
    assert tracker.gave_up == 0
    assert tracker.next_deadline is None
    assert tracker.repaired >= len(losses.keys() - delays.keys())


@given(st.lists(st.integers(0, 0xFFFF), max_size=200))
def test_any_numbers_leave_it_bounded(numbers: list[int]) -> None:
    tracker = NackTracker(max_missing=50)
    for tick, number in enumerate(numbers):
        tracker.received(number, tick * TICK)
        assert tracker.missing <= 50
        assert number not in tracker.due(tick * TICK)
