from hypothesis import given
from hypothesis import strategies as st

from acs_core.media.congestion import LEAST_BPS, LossLimit


def test_without_loss_there_is_no_limit() -> None:
    limit = LossLimit()
    assert not limit.report(0.0, 800_000, 0.0)
    assert not limit.report(0.05, 800_000, 1.0)
    assert limit.bitrate_bps is None


def test_heavy_loss_lowers_the_limit_and_its_end_raises_it_slowly() -> None:
    limit = LossLimit()
    assert limit.report(0.5, 800_000, 0.0)
    assert limit.bitrate_bps == 600_000
    assert limit.report(0.5, 600_000, 1.0)
    assert limit.bitrate_bps == 450_000
    assert not limit.report(0.05, 450_000, 2.0)
    assert limit.report(0.0, 450_000, 3.0)
    assert limit.bitrate_bps == 472_500


def test_a_limit_far_above_what_is_sent_is_forgotten() -> None:
    limit = LossLimit()
    limit.report(0.5, 800_000, 0.0)
    for second in range(1, 100):
        limit.report(0.0, 100_000, float(second))
    assert limit.bitrate_bps is None


def test_reports_about_the_same_moment_count_once() -> None:
    limit = LossLimit()
    assert limit.report(0.5, 800_000, 0.0)
    assert not limit.report(0.5, 800_000, 0.1)
    assert limit.bitrate_bps == 600_000


@given(st.lists(st.floats(0, 1), min_size=1), st.integers(100_000, 10_000_000))
def test_the_limit_never_falls_below_what_pictures_need(losses: list[float], start: int) -> None:
    limit = LossLimit()
    for index, loss in enumerate(losses):
        limit.report(loss, limit.bitrate_bps or start, float(index))
        assert limit.bitrate_bps is None or limit.bitrate_bps >= LEAST_BPS
