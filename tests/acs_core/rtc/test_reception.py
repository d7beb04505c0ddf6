from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.rtc.feedback import ReportBlock, SenderReport, ntp_time
from acs_core.rtc.reception import ReceptionStats, SendStats, round_trip

RATE = 90_000


def receive(stats: ReceptionStats, *numbers: int) -> None:
    for number in numbers:
        stats.received(number & 0xFFFF, number * 3_000, number / 30, 100)


def test_block_before_any_packet_is_empty() -> None:
    assert ReceptionStats(9, RATE).report_block(1.0) == ReportBlock(9, 0, 0, 0, 0, 0, 0)


def test_loss_is_reported_once_as_fraction_and_for_ever_as_count() -> None:
    stats = ReceptionStats(9, RATE)
    receive(stats, *range(65_530, 65_536), *range(65_538, 65_540))
    block = stats.report_block(0.0)
    assert (block.fraction_lost, block.packets_lost) == (2 * 256 // 10, 2)
    assert block.highest_sequence == 65_539
    receive(stats, *range(65_540, 65_550))
    block = stats.report_block(0.0)
    assert (block.fraction_lost, block.packets_lost) == (0, 2)
    assert (stats.packets_received, stats.bytes_received) == (18, 1_800)


def test_report_when_nothing_new_arrived_has_no_loss() -> None:
    stats = ReceptionStats(9, RATE)
    receive(stats, 1, 2, 3)
    stats.report_block(0.0)
    assert stats.report_block(1.0).fraction_lost == 0


def test_duplicates_make_loss_negative() -> None:
    stats = ReceptionStats(9, RATE)
    receive(stats, 1, 1, 1)
    assert stats.packets_lost == -2
    assert stats.report_block(0.0).packets_lost == -2


def test_all_lost_but_one_stays_within_a_byte() -> None:
    stats = ReceptionStats(9, RATE)
    receive(stats, 0)
    stats.report_block(0.0)
    receive(stats, 30_000)
    assert stats.report_block(0.0).fraction_lost == 255


def test_stream_that_starts_again_keeps_its_counts() -> None:
    stats = ReceptionStats(9, RATE)
    receive(stats, 30_000, 30_001)
    stats.report_block(0.0)
    receive(stats, 5, 6, 8)
    assert stats.packets_received == 4  # the first of them might have been a stray
    block = stats.report_block(0.0)
    assert (block.packets_lost, block.highest_sequence) == (1, 8)
    assert block.fraction_lost == 256 // 3


@given(
    st.integers(0, 0xFFFF),
    st.lists(st.integers(0, 50), min_size=1, max_size=80),
    st.randoms(use_true_random=False),
)
def test_loss_does_not_depend_on_the_order_of_near_packets(
    start: int, steps: list[int], random: object
) -> None:
    numbers = [start]
    for step in steps:
        numbers.append(numbers[-1] + 1 + step % 3)
    stats = ReceptionStats(9, RATE)
    swapped = numbers[:1]
    rest = numbers[1:]
    for index in range(0, len(rest), 2):
        swapped += rest[index : index + 2][::-1]
    receive(stats, *swapped)
    assert stats.packets_lost == numbers[-1] - numbers[0] + 1 - len(numbers)


def test_even_spacing_has_no_jitter() -> None:
    stats = ReceptionStats(9, RATE)
    receive(stats, *range(100))
    assert stats.jitter_seconds == pytest.approx(0.0, abs=1e-9)


def test_jitter_is_the_smoothed_change_of_delay() -> None:
    stats = ReceptionStats(9, 8_000)
    for number in range(400):
        late = 0.010 if number % 2 else 0.0
        stats.received(number, number * 160, number * 0.020 + late, 50)
    assert stats.jitter_seconds == pytest.approx(0.010, rel=0.01)
    assert stats.report_block(0.0).jitter == pytest.approx(80, abs=1)


def test_packets_of_one_frame_and_late_ones_do_not_count_as_jitter() -> None:
    stats = ReceptionStats(9, RATE)
    for number in range(90):
        stats.received(number, number // 3 * 3_000, number // 3 / 30 + number % 3 * 0.005, 50)
    stats.received(40, 13 * 3_000, 3.0, 50)
    assert stats.jitter_seconds == pytest.approx(0.0, abs=1e-9)


def test_block_refers_to_the_last_sender_report() -> None:
    stats = ReceptionStats(9, RATE)
    stats.sender_report(SenderReport(9, 0x1111_2222_3333_4444, 0, 0, 0), 10.0)
    block = stats.report_block(10.5)
    assert block.last_sender_report == 0x2222_3333
    assert block.delay_since_last_sender_report == 32_768


def test_sender_report_shows_media_time_of_now() -> None:
    stats = SendStats(9, 48_000)
    assert stats.sender_report(0.0, 0) is None
    stats.sent(1_000, 60, 5.0)
    stats.sent(1_000, 40, 5.1)
    report = stats.sender_report(5.5, ntp_time(1e9))
    assert report == SenderReport(9, ntp_time(1e9), 25_000, 2, 100)


def test_sender_report_goes_by_the_frame_that_was_seen_soonest() -> None:
    stats = SendStats(9, 90_000)
    late = {0: 0.3, 4: 0.05, 9: 0.4}
    for frame in range(10):
        stats.sent(0xFFFF_FF00 + frame * 9_000 & 0xFFFF_FFFF, 1, frame / 10 + late.get(frame, 0.02))
    report = stats.sender_report(1.52, ntp_time(1e9))
    assert report is not None
    assert report.rtp_timestamp == 0xFFFF_FF00 + 135_000 & 0xFFFF_FFFF


@pytest.mark.parametrize("pause", [0.0, 60.0])
def test_sender_report_forgets_what_was_seconds_ago(pause: float) -> None:
    """A source that loses time without saying so is followed."""
    stats = SendStats(9, 1_000)
    for frame in range(100):
        lost = 0.0 if frame < 40 else 0.5 + pause
        stats.sent(frame * 100, 1, frame / 10 + lost)
    report = stats.sender_report(20.0 + pause, 0)
    assert report is not None
    assert report.rtp_timestamp == 19_500


@given(st.floats(0, 30_000), st.floats(0, 5), st.floats(0, 10))
def test_round_trip_is_what_the_receiver_did_not_wait(
    start: float, trip: float, held: float
) -> None:
    sender, receiver = SendStats(9, RATE), ReceptionStats(9, RATE)
    sender.sent(0, 1, start)
    report = sender.sender_report(start, ntp_time(start))
    assert report is not None
    receiver.sender_report(report, 100.0)
    block = receiver.report_block(100.0 + held)
    measured = round_trip(block, ntp_time(start + held + trip))
    assert measured == pytest.approx(trip, abs=1e-4)


def test_round_trip_is_unknown_without_a_sender_report() -> None:
    assert round_trip(ReportBlock(1, 0, 0, 0, 0, 0, 0), ntp_time(5.0)) is None


def test_round_trip_is_never_negative() -> None:
    now = ntp_time(5.0)
    block = ReportBlock(1, 0, 0, 0, 0, (now >> 16 & 0xFFFF_FFFF) + 1, 1)
    assert round_trip(block, now) == 0.0
