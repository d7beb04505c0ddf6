from __future__ import annotations

import itertools
import random

import pytest

from acs_core.service.recording.clocks import RtpClock, SenderClock


def ntp(seconds: float) -> int:
    return round(seconds * 2**32)


def test_reports_tell_when_a_timestamp_was() -> None:
    clock = RtpClock(90000)
    assert not clock.is_known
    assert clock.seconds(90000) == 1.0
    clock = RtpClock(90000)
    # The report is of a moment before the wrap, the timestamp asked for is behind it.
    clock.report(ntp(1000.0), 2**32 - 45000)
    assert clock.is_known
    assert clock.seconds(2**32 + 45000) == pytest.approx(1001.0)
    assert clock.seconds(2**32 + 90000) == pytest.approx(1001.5)


def test_reports_that_are_off_by_a_picture_move_the_clock_little() -> None:
    clock, chance = RtpClock(90000), random.Random(1)
    clock.report(ntp(1000.0), 0)
    seen = []
    for second in range(1, 60):
        error = chance.uniform(-0.02, 0.02)
        clock.report(ntp(1000.0 + second + error), 90000 * second)
        seen.append(clock.seconds(90000 * second) - 1000.0 - second)
    assert max(map(abs, seen)) < 0.015


def test_a_sender_that_sets_its_clock_is_followed_at_once() -> None:
    clock = RtpClock(48000)
    clock.report(ntp(1000.0), 0)
    clock.seconds(0)
    clock.report(ntp(5001.0), 48000)
    assert clock.seconds(48000) == pytest.approx(5001.0)


def test_the_least_delay_places_what_comes_first() -> None:
    clock = SenderClock()
    for sent, arrived in ((100.0, 5.3), (100.1, 5.2), (100.2, 5.25)):
        clock.observe(sent, arrived)
    assert clock.local(100.0) == pytest.approx(5.05)
    # Nothing moves what was placed, however late the next comes.
    clock.observe(100.3, 6.2)
    assert clock.local(101.0) == pytest.approx(6.05)


def test_a_clock_that_runs_faster_is_followed_slowly() -> None:
    clock, chance = SenderClock(), random.Random(1)
    errors = []
    for number in range(50 * 600):
        at = number / 50
        clock.observe(1000 + at * 1.0001, at + chance.uniform(0.0, 0.03))
        errors.append(clock.local(1000 + at * 1.0001) - at)
    assert max(map(abs, errors)) < 0.035
    steps = [abs(two - one) for one, two in itertools.pairwise(errors)]
    assert max(steps) < 0.0035


def test_a_sender_that_sets_its_clock_is_placed_anew() -> None:
    clock = SenderClock()
    clock.observe(100.0, 5.0)
    clock.local(100.0)
    clock.observe(900.0, 6.0)
    assert clock.local(900.0) == pytest.approx(6.0)
    for number in range(60):
        clock.observe(902.5 + number / 10, 6.1 + number / 10)
    assert clock.local(910.0) == pytest.approx(13.6)


def test_before_anything_is_known_a_clock_is_ours() -> None:
    assert SenderClock().local(7.0) == 7.0
