from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.core.receiving import BandwidthMode, BandwidthProfile
from acs_core.rtc.feedback import ReportBlock
from acs_core.service.sfu.bandwidth import (
    Allotment,
    BandwidthAllocator,
    DownlinkBudget,
    VideoDemand,
)
from acs_core.service.sfu.downlink import LEAST_BPS, DownlinkEstimator, DownlinkSample, LossTally
from acs_core.service.sfu.layers import LayerState

STEP = 0.25
WANTED = 3_000_000


class Receiver:
    """A receiver that is sent at a rate, loses a part and reports once a second."""

    def __init__(self) -> None:
        self.estimator = DownlinkEstimator()
        self.now = 0.0
        self.remb: int | None = None
        self._audio = self._video = self._expected = self._lost = self._source_lost = 0.0
        self._reported = (0, 0)

    def run(
        self,
        seconds: float,
        video_bps: float,
        *,
        loss: float = 0.0,
        audio_bps: float = 0.0,
        source_loss: float = 0.0,
        wanted: int = WANTED,
    ) -> None:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self._audio += audio_bps * STEP / 8
            self._video += video_bps * STEP / 8
            packets = (audio_bps + video_bps) * STEP / 8000
            self._expected += packets
            self._lost += packets * loss
            self._source_lost += packets * source_loss
            if self.now % 1.0 == 0:
                self._reported = (round(self._expected), round(self._lost))
            sample = DownlinkSample(
                round(self._audio),
                round(self._video),
                *self._reported,
                self.remb,
                round(self._source_lost),
            )
            self.estimator.update(sample, wanted, self.now)

    @property
    def estimate(self) -> int:
        assert self.estimator.estimate_bps is not None
        return self.estimator.estimate_bps


def test_nothing_is_known_while_nothing_goes_wrong() -> None:
    receiver = Receiver()
    assert receiver.estimator.budget == DownlinkBudget()
    receiver.run(30, 2_000_000, loss=0.02)
    assert receiver.estimator.estimate_bps is None


def test_heavy_loss_leaves_what_arrived() -> None:
    receiver = Receiver()
    receiver.run(4, 2_000_000)
    receiver.run(1, 2_000_000, loss=0.75)
    assert 450_000 <= receiver.estimate <= 550_000
    assert receiver.estimator.budget.has_loss


def test_audio_is_taken_off_first() -> None:
    receiver = Receiver()
    receiver.run(4, 2_000_000, audio_bps=50_000)
    receiver.run(1, 2_000_000, audio_bps=50_000, loss=0.75)
    budget = receiver.estimator.budget.video_bps
    assert budget is not None
    assert abs(receiver.estimate - budget - 50_000) < 5_000


def test_the_loss_that_led_to_a_reduction_is_not_counted_twice() -> None:
    receiver = Receiver()
    receiver.run(4, 2_000_000)
    receiver.run(1, 2_000_000, loss=0.75)
    before = receiver.estimate
    receiver.run(1, 400_000, loss=0.5)
    assert receiver.estimate == before
    receiver.run(1, 400_000, loss=0.5)
    assert receiver.estimate < before


def test_loss_that_sending_less_does_not_lessen_is_no_limit() -> None:
    receiver = Receiver()
    receiver.run(1, 2_000_000)
    receiver.run(2, 2_000_000, loss=0.3)
    lowest = receiver.estimate
    receiver.run(10, 1_000_000, loss=0.3)
    assert receiver.estimator.estimate_bps is None or receiver.estimate > lowest
    # It counts again once it was gone.
    receiver.run(30, 1_000_000)
    receiver.run(1, 2_000_000, loss=0.3)
    assert receiver.estimate < 2_000_000


def test_loss_is_no_limit_when_no_less_can_be_sent() -> None:
    receiver = Receiver()
    receiver.run(1, 2_000_000)
    receiver.run(10, 2_000_000, loss=0.15)
    lowest = receiver.estimate
    receiver.run(10, 2_000_000, loss=0.15)
    assert receiver.estimate > lowest


def test_what_was_lost_before_us_is_no_loss_of_the_downlink() -> None:
    receiver = Receiver()
    receiver.run(3, 2_000_000)
    receiver.run(10, 2_000_000, loss=0.2, source_loss=0.2)
    assert receiver.estimator.estimate_bps is None
    receiver.run(3, 2_000_000, loss=0.5, source_loss=0.2)
    assert receiver.estimate < 2_000_000


def test_what_was_lost_before_us_may_be_reported_one_report_later() -> None:
    receiver = Receiver()
    receiver.run(3, 2_000_000)
    receiver.run(1, 2_000_000, source_loss=0.4)
    receiver.run(1, 2_000_000, loss=0.4)
    assert receiver.estimator.estimate_bps is None
    receiver.run(2, 2_000_000)
    receiver.run(1, 2_000_000, loss=0.4)
    assert receiver.estimator.budget.has_loss


def test_a_judgment_of_loss_does_not_outlive_what_was_sent() -> None:
    receiver = Receiver()
    receiver.run(3, 2_000_000)
    receiver.run(2, 2_000_000, loss=0.5)
    lowest = receiver.estimate
    receiver.run(5, 0)
    assert receiver.estimate == lowest
    receiver.run(5, 0)
    assert receiver.estimate > lowest


def test_a_limit_is_not_forgotten_while_little_is_wanted_but_in_time() -> None:
    receiver = Receiver()
    receiver.run(3, 2_000_000)
    receiver.run(1, 2_000_000, loss=0.5)
    limit = receiver.estimate
    receiver.run(40, 100_000, wanted=100_000)
    assert receiver.estimate == limit
    receiver.run(6, 100_000, wanted=100_000)
    assert receiver.estimator.budget == DownlinkBudget()


def test_loss_of_a_trickle_says_nothing() -> None:
    receiver = Receiver()
    receiver.run(10, 0, audio_bps=40_000, loss=0.5)
    assert receiver.estimator.estimate_bps is None


def test_a_low_estimate_of_the_receiver_is_no_limit_by_itself() -> None:
    receiver = Receiver()
    receiver.remb = 60_000
    receiver.run(5, 0, audio_bps=40_000)
    receiver.remb = 34_000
    receiver.run(5, 0, audio_bps=40_000)
    # It lags behind when more is sent.
    for rise in range(10):
        receiver.remb = 34_000 + 10_000 * rise
        receiver.run(1, 2_000_000)
    assert receiver.estimator.estimate_bps is None


def test_an_estimate_that_falls_far_below_what_is_sent_is_a_limit_at_once() -> None:
    receiver = Receiver()
    receiver.remb = 3_000_000
    receiver.run(3, 2_000_000)
    receiver.remb = 500_000
    receiver.run(STEP, 2_000_000)
    assert receiver.estimate == 500_000
    assert not receiver.estimator.budget.has_loss


def test_an_estimate_that_falls_a_little_must_stay_low() -> None:
    receiver = Receiver()
    receiver.remb = 3_000_000
    receiver.run(3, 1_000_000)
    receiver.remb = 850_000
    receiver.run(0.5, 1_000_000)
    receiver.remb = 920_000
    receiver.run(5, 1_000_000)
    assert receiver.estimator.estimate_bps is None
    receiver.remb = 800_000
    receiver.run(1.5, 1_000_000)
    assert receiver.estimate == 800_000


def test_an_estimate_never_falls_below_the_least() -> None:
    receiver = Receiver()
    receiver.run(3, 1_000_000)
    receiver.run(1, 1_000_000, loss=1.0)
    assert receiver.estimate == LEAST_BPS
    receiver.run(4, 1_000_000, loss=1.0)
    assert receiver.estimate == LEAST_BPS


def test_an_estimate_grows_while_all_is_well_and_is_forgotten() -> None:
    receiver = Receiver()
    receiver.run(3, 2_000_000)
    receiver.run(1, 2_000_000, loss=0.75)
    receiver.run(3, 400_000)
    before = receiver.estimate
    receiver.run(2, 400_000)
    assert before < receiver.estimate < 1_500_000
    receiver.run(15, 2_500_000)
    assert receiver.estimator.estimate_bps is None
    assert not receiver.estimator.budget.has_loss


def test_moderate_loss_stops_the_growth() -> None:
    receiver = Receiver()
    receiver.run(3, 2_000_000)
    receiver.run(1, 2_000_000, loss=0.75)
    receiver.run(2, 400_000, loss=0.05)
    before = receiver.estimate
    receiver.run(10, 400_000, loss=0.05)
    assert receiver.estimate == before


def test_growing_too_far_again_and_again_makes_it_rest_longer() -> None:
    receiver = Receiver()
    receiver.run(3, 1_000_000)
    rests = []
    for _ in range(7):
        receiver.run(2, 1_000_000, loss=0.5)
        lowest = receiver.estimate
        started = receiver.now
        while receiver.estimator.estimate_bps == lowest and receiver.now - started < 30:
            receiver.run(STEP, 400_000)
        rests.append(receiver.now - started)
        receiver.run(4, 400_000)
    assert rests == sorted(rests)
    assert rests[-1] > 10 * rests[0] or rests[-1] >= 12
    # After a quiet minute it is as on the first day.
    receiver.run(60, 1_000_000)
    receiver.run(1, 1_000_000, loss=0.5)
    receiver.run(3, 400_000)
    assert receiver.estimate > 500_000


# ---------------------------------------------------------------- reports


def block(ssrc: int, highest: int, lost: int) -> ReportBlock:
    return ReportBlock(ssrc, 0, lost, highest, 0, 0, 0)


def test_reports_add_up_over_streams_from_their_second_one_on() -> None:
    tally = LossTally()
    tally.take({1: block(1, 1000, 50), 2: block(2, 5, 0)})
    assert (tally.expected, tally.lost) == (0, 0)
    second = {1: block(1, 1100, 60), 2: block(2, 25, 5)}
    tally.take(second)
    tally.take(second)
    assert (tally.expected, tally.lost) == (120, 15)


def test_repairs_and_streams_that_begin_again_lose_nothing() -> None:
    tally = LossTally()
    tally.take({1: block(1, 1000, 50)})
    tally.take({1: block(1, 1100, 40)})
    assert (tally.expected, tally.lost) == (100, 0)
    tally.take({})
    tally.take({1: block(1, 2000, 90)})
    tally.take({1: block(1, 10, 0)})
    tally.take({1: block(1, 20, 900)})
    assert (tally.expected, tally.lost) == (110, 10)


# ---------------------------------------------------------------- a link


class Link:
    """A bottleneck with 0.3 s of queue, and two cameras of three layers behind it."""

    RATES = (150_000, 500_000, 1_500_000)

    def __init__(self, profile: BandwidthProfile | None) -> None:
        states = tuple(LayerState(index, True, rate, None) for index, rate in enumerate(self.RATES))
        self._demands = [VideoDemand(name, states) for name in "ab"]
        self._profile = profile
        self._allocator = BandwidthAllocator()
        self._estimator = DownlinkEstimator()
        self._queue = self._sent = self._expected = self._lost = 0.0
        self._reported = (0, 0)
        self._ticks = 0
        self.result: dict[str, Allotment] = {}

    @property
    def layers(self) -> list[int | None]:
        forwardings = [item.forwarding for item in self.result.values()]
        return [item.layer if item.is_on else None for item in forwardings]

    @property
    def sending_bps(self) -> float:
        return 40_000.0 + sum(self.RATES[layer] for layer in self.layers if layer is not None)

    def run(self, capacity_bps: float, seconds: float, until: Callable[[], bool]) -> float:
        """Go on until something is so; the seconds that it took."""
        for tick in range(round(seconds * 100)):
            if until():
                return tick / 100
            self._tick(capacity_bps)
        return seconds

    def _tick(self, capacity_bps: float) -> None:
        now = self._ticks / 100
        bits = self.sending_bps / 100
        self._sent += bits / 8
        self._expected += bits / 8000
        self._queue += bits - capacity_bps / 100
        over = max(0.0, self._queue - 0.3 * capacity_bps)
        self._queue = max(0.0, self._queue - over)
        self._lost += over / 8000
        if self._ticks % 100 == 0:
            self._reported = (int(self._expected), int(self._lost))
        if self._ticks % 25 == 0:
            sample = DownlinkSample(0, int(self._sent), *self._reported)
            self._estimator.update(sample, self._allocator.wanted_bps, now)
            self.result = self._allocator.allocate(
                self._demands, self._profile, self._estimator.budget, now
            )
        self._ticks += 1


@pytest.mark.parametrize(
    "profile", [None, *(BandwidthProfile(mode=mode) for mode in BandwidthMode)]
)
def test_a_link_that_gets_narrow_and_wide_again_is_followed_in_time(
    profile: BandwidthProfile | None,
) -> None:
    # The targets: down within 2 s, back within 15 s.
    link = Link(profile)
    link.run(3_200_000, 5, lambda: False)
    assert link.layers == [2, 2]
    assert link.run(500_000, 5, lambda: link.sending_bps < 1_000_000) <= 2.0
    link.run(500_000, 10, lambda: False)
    assert link.run(3_200_000, 30, lambda: link.layers == [2, 2]) <= 15.0


def test_on_a_narrow_link_attempts_to_send_more_get_rare() -> None:
    link = Link(BandwidthProfile())
    link.run(500_000, 60, lambda: False)
    over = [0, 0]
    for minute in range(2):
        for _ in range(600):
            link.run(500_000, 0.1, lambda: False)
            over[minute] += link.sending_bps > 500_000
    assert max(over) < 0.2 * 600


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 5_000_000), st.floats(0, 1), st.none() | st.integers(0, 10**8)),
        max_size=30,
    )
)
def test_whatever_happens_an_estimate_is_none_or_enough(
    script: list[tuple[int, float, int | None]],
) -> None:
    receiver = Receiver()
    for rate, loss, remb in script:
        receiver.remb = remb
        receiver.run(1, rate, loss=loss)
        estimate = receiver.estimator.estimate_bps
        assert estimate is None or estimate >= LEAST_BPS


def test_what_arrives_without_loss_fits_whatever_was_feared_before() -> None:
    receiver = Receiver()
    receiver.run(4, 2_000_000)
    receiver.run(2, 2_000_000, loss=0.9)
    assert receiver.estimate < 400_000
    receiver.run(4, 600_000)
    assert receiver.estimate >= 590_000
