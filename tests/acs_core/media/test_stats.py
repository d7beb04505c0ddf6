import pytest

from acs_core.media.stats import FreezeMeter, PeerStats, RateMeter


def test_rate_is_of_the_last_second() -> None:
    meter = RateMeter()
    for step in range(100):
        meter.add(10, step * 0.1)
    assert meter.rate(9.9) == pytest.approx(100, abs=10)
    assert meter.rate(20.0) == 0


def test_a_late_picture_is_a_freeze() -> None:
    meter = FreezeMeter()
    now = 0.0
    for _ in range(20):
        meter.shown(now)
        now += 0.033
    meter.shown(now + 0.5)
    assert meter.count == 1
    assert meter.seconds == pytest.approx(0.533)
    assert meter.longest == pytest.approx(0.533)


def test_a_deliberate_stop_is_no_freeze() -> None:
    meter = FreezeMeter()
    for step in range(20):
        meter.shown(step * 0.033)
    meter.pause()
    meter.shown(60.0)
    assert meter.count == 0


def test_a_slow_rhythm_is_no_freeze() -> None:
    meter = FreezeMeter()
    for step in range(20):
        meter.shown(step * 1.0)
    assert meter.count == 0


def test_an_unused_connection_has_empty_figures() -> None:
    assert PeerStats("new").senders == {}
