from __future__ import annotations

from acs_core.rtc.feedback import SenderReport
from acs_core.rtc.packet import parse_header, rtx_wrap
from acs_core.service.sfu.plane.messages import (
    KeyframeNeeded,
    KeyframeSeen,
    NoteSenderReport,
    PacketsMissing,
    RemoveProducer,
)
from acs_core.service.sfu.plane.taps import ClockTapped, PacketsTapped, StartTap, StopTap
from tests.support.plane_bench import DELTA, KEY, Bench


def tapped(bench: Bench) -> list[bytes]:
    """What was handed over since the last time."""
    events = bench.take_events(PacketsTapped)
    return [packet.data for event in events for packet in event.packets]  # type: ignore[union-attr]


def test_packets_are_handed_over_in_batches_as_the_publisher_sent_them(bench: Bench) -> None:
    before = bench.send(1, KEY)
    bench.do(StartTap("v"))
    sent = [bench.send(number) for number in (2, 3)]
    assert tapped(bench) == []
    bench.plane.tick(0.02)
    assert tapped(bench) == sent
    assert before not in sent
    bench.plane.tick(0.04)
    assert tapped(bench) == []


def test_a_tap_asks_for_a_keyframe_and_for_what_is_lost(bench: Bench) -> None:
    bench.do(StartTap("v"))
    assert bench.take_events(KeyframeNeeded) == [KeyframeNeeded("v")]
    bench.send(1, KEY)
    assert bench.take_events(KeyframeSeen) == [KeyframeSeen("v")]
    bench.send(4, DELTA)
    assert bench.take_events(PacketsMissing) == [PacketsMissing("v", (2, 3))]


def test_what_was_lost_before_nobody_misses(bench: Bench) -> None:
    bench.send(1, KEY)
    bench.send(9, DELTA)
    bench.do(StartTap("v"))
    bench.send(10, DELTA)
    bench.plane.tick(1.0)
    assert bench.take_events(PacketsMissing) == []


def test_a_repaired_packet_comes_late_and_each_comes_once(bench: Bench) -> None:
    bench.do(StartTap("v"))
    first, third = bench.send(1, KEY), bench.send(3)
    bench.plane.tick(0.02)
    assert tapped(bench) == [first, third]
    second = bench.send(2)
    repeated = rtx_wrap(second, payload_type=97, ssrc=11, sequence_number=1)
    bench.publish(repeated)
    bench.plane.tick(0.04)
    assert tapped(bench) == [second]


def test_a_repaired_packet_is_the_original(bench: Bench) -> None:
    bench.do(StartTap("v"))
    bench.send(1, KEY)
    lost = bytearray(bench.send(1, KEY))
    lost[2:4] = (2).to_bytes(2)
    bench.publish(rtx_wrap(bytes(lost), payload_type=97, ssrc=11, sequence_number=1))
    bench.plane.tick(0.02)
    assert [parse_header(packet).sequence_number for packet in tapped(bench)] == [1, 2]


def test_clocks_are_told_at_the_beginning_and_with_each_report(bench: Bench) -> None:
    bench.do(StartTap("v"))
    assert bench.take_events(ClockTapped) == []
    bench.do(NoteSenderReport("v", SenderReport(10, 7 << 32, 9000, 1, 1)))
    assert bench.take_events(ClockTapped) == [ClockTapped("v", 7 << 32, 9000)]
    bench.do(StopTap("v"), NoteSenderReport("v", SenderReport(10, 8 << 32, 18000, 1, 1)))
    assert bench.take_events(ClockTapped) == []
    bench.do(StartTap("v"))
    assert bench.take_events(ClockTapped) == [ClockTapped("v", 8 << 32, 18000)]


def test_what_waits_is_handed_over_before_the_tap_or_its_producer_is_gone(bench: Bench) -> None:
    bench.do(StartTap("v"))
    first = bench.send(1, KEY)
    bench.do(StopTap("v"))
    assert tapped(bench) == [first]
    bench.send(2)
    bench.plane.tick(0.02)
    assert tapped(bench) == []
    bench.do(StartTap("v"))
    third = bench.send(3)
    bench.do(RemoveProducer("v"))
    assert tapped(bench) == [third]
    bench.do(StopTap("v"), StartTap("v"))
    bench.plane.tick(0.04)
    assert tapped(bench) == []


def test_a_second_tap_changes_nothing(bench: Bench) -> None:
    bench.do(StartTap("v"))
    sent = bench.send(1, KEY)
    bench.do(StartTap("v"), StartTap("nobody"), StopTap("nobody"))
    bench.plane.tick(0.02)
    assert tapped(bench) == [sent]
