from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.aiortc_private import RateEstimator
from acs_core.service.sfu.plane.bursts import BurstEstimator

TICKS = 1 << 18
"""Of abs-send-time, in a second."""


def _send_time(seconds: float) -> int:
    return int(seconds * TICKS) & 0xFFFFFF


def _play(
    estimator: RateEstimator | BurstEstimator, bursts: list[tuple[float, list[int]]]
) -> list[int]:
    """Arrivals of bursts, each of packets with these sizes; the estimates that come of it."""
    estimates = []
    for arrival, sizes in bursts:
        for size in sizes:
            estimate = estimator.add(7, _send_time(arrival - 0.01), size, arrival)
            if estimate is not None:
                estimates.append(estimate)
    return estimates


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(100, 1200), min_size=1, max_size=5), min_size=5, max_size=9))
def test_single_packets_and_bursts_lead_to_the_same_estimate(sizes: list[list[int]]) -> None:
    # The estimator says nothing before it has watched for five seconds.
    bursts = [(1 + index / 30, sizes[index % len(sizes)]) for index in range(180)]
    each = _play(RateEstimator(), bursts)
    together = _play(BurstEstimator(), bursts)
    # The last burst is still open: the newest update may be missing, and the largest burst may be
    # within the second that the rate is measured over for one estimator and not for the other.
    largest = max(map(sum, sizes))
    per_second = 30 * sum(map(sum, sizes)) / len(sizes)
    assert together
    assert abs(together[-1] - each[-1]) <= (0.1 + largest / per_second) * each[-1]


def test_a_burst_counts_when_the_next_one_begins() -> None:
    estimator = BurstEstimator()
    estimates = [
        estimator.add(1, _send_time(index / 30), 1000, index / 30 + part / 10_000)
        for index in range(180)
        for part in range(3)
    ]
    assert all(item is None for index, item in enumerate(estimates) if index % 3)
    assert any(item is not None for item in estimates)


def test_a_packet_of_another_stream_begins_another_burst() -> None:
    estimator = BurstEstimator()
    alternating = [
        estimator.add(index % 2, _send_time(index / 1000), 1000, index / 1000)
        for index in range(6000)
    ]
    assert any(item is not None for item in alternating)


def test_an_older_send_time_does_not_move_a_burst_back() -> None:
    estimator = BurstEstimator()
    for index in range(90):
        estimator.add(1, _send_time(index / 30 + 0.001), 500, index / 30)
        assert estimator.add(1, _send_time(index / 30), 500, index / 30) is None
