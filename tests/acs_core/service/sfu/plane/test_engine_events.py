"""What both planes tell, and what they refuse."""

from __future__ import annotations

from collections.abc import Sequence

import pylibsrtp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_core.rtc.feedback import SenderReport
from acs_core.rtc.packet import (
    abs_send_time,
    pack_packet,
    parse_header,
)
from acs_core.rtc.srtp import SrtpProfile
from acs_core.service.sfu.plane.batch import BatchPlane
from acs_core.service.sfu.plane.engine import (
    LAYER_STALL_AFTER,
    MAX_DETECTED,
    MAX_PACKET,
    ForwardingPlane,
)
from acs_core.service.sfu.plane.graph import KEYFRAME_PATIENCE
from acs_core.service.sfu.plane.messages import (
    AddProducer,
    AddRtx,
    AudioLevel,
    Event,
    KeyframeNeeded,
    NoteSenderReport,
    PacketsMissing,
    PauseConsumer,
    PictureSize,
    ProducerResumed,
    ProducerStalled,
    RembEstimate,
    RemoveConsumer,
    Resend,
    ResumeConsumer,
    StreamDetected,
    SwitchProducer,
)
from acs_core.service.sfu.plane.portable import PortablePlane
from acs_core.service.sfu.plane.state import DETECTED_MEMORY, open_session
from tests.support.plane_bench import (
    KEY,
    PUBLISHER,
    ROUTE,
    Bench,
    Sockets,
    consumer,
    drain,
    keys_of,
    reversed_keys,
)


def test_lost_packets_are_asked_for_until_they_arrive(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    bench.send(3)
    assert bench.take_events(PacketsMissing) == [PacketsMissing("v", (1, 2))]
    bench.send(1)
    bench.now = 0.2
    bench.plane.tick(bench.now)
    assert bench.take_events(PacketsMissing) == [PacketsMissing("v", (2,))]


def test_packets_given_up_need_a_keyframe(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    bench.send(2)
    bench.take_events(KeyframeNeeded)
    bench.now = 1.5
    bench.plane.tick(bench.now)
    assert bench.take_events(KeyframeNeeded) == [KeyframeNeeded("v")]
    assert bench.stats().producers["v"].given_up == 1


def test_streams_without_nack_are_not_asked(bench: Bench) -> None:
    bench.do(AddProducer("a", "p", 30, "audio", 48000, {111: "opus"}, has_nack=False))
    for number in (0, 5):
        bench.send(number, b"opus", ssrc=30, payload_type=111)
    bench.plane.tick(9.0)
    assert bench.take_events(PacketsMissing) == []


def test_audio_levels_are_reported(bench: Bench) -> None:
    bench.add_audio()
    bench.now = 1.0
    for number, value in enumerate([b"\x85", b"\x7f"]):
        bench.send(number, b"x", ssrc=30, payload_type=111, elements=[(3, value)])
    assert bench.take_events(AudioLevel) == [
        AudioLevel("a", has_voice=True, level=5, now=1.0),
        AudioLevel("a", has_voice=False, level=127, now=1.0),
    ]


def test_stalls_are_noticed(bench: Bench) -> None:
    bench.send(0, KEY)
    assert bench.take_events(ProducerResumed) == [ProducerResumed("v")]
    bench.plane.tick(2.0)
    assert bench.take_events(ProducerStalled) == []
    bench.plane.tick(2.1)
    bench.plane.tick(2.2)
    assert bench.take_events(ProducerStalled) == [ProducerStalled("v")]
    bench.send(1)
    assert bench.take_events(ProducerResumed) == [ProducerResumed("v")]


def test_a_steady_stream_gives_a_bandwidth_estimate(bench: Bench) -> None:
    for number in range(1500):  # the first estimate takes it some seconds
        bench.now = number * 0.005
        value = abs_send_time(bench.now).to_bytes(3)
        bench.send(number, KEY + bytes(1000), elements=[(2, value)])
    estimates = bench.take_events(RembEstimate)
    assert estimates
    assert all(isinstance(e, RembEstimate) and e.transport == "p" for e in estimates)
    assert all(isinstance(e, RembEstimate) and e.bitrate_bps > 100_000 for e in estimates)


def test_unannounced_streams_are_reported_once_and_bounded(bench: Bench) -> None:
    bench.send(0, KEY, ssrc=555, elements=[(6, b"hi")])
    bench.send(1, KEY, ssrc=555, elements=[(6, b"hi")])
    assert bench.take_events(StreamDetected) == [StreamDetected("p", 555, 96, {6: b"hi"})]
    for number in range(100):
        bench.send(0, ssrc=10_000 + number)
    assert len(bench.take_events(StreamDetected)) == MAX_DETECTED - 1


def test_report_blocks_refer_to_the_publishers_report(bench: Bench) -> None:
    assert bench.plane.report_blocks("p", 0.0) == ()
    bench.send(0, KEY)
    bench.send(3)
    bench.do(NoteSenderReport("v", SenderReport(10, 0x1234_5678_9ABC_DEF0, 0, 2, 100)))
    (block,) = bench.plane.report_blocks("p", 1.0)
    assert (block.ssrc, block.packets_lost, block.highest_sequence) == (10, 2, 3)
    assert block.last_sender_report == 0x5678_9ABC
    assert block.delay_since_last_sender_report == 65536


def test_the_timestamp_offset_translates_sender_reports(bench: Bench) -> None:
    bench.add_video("w", 20)
    bench.do(consumer())
    bench.send(0, KEY)
    bench.do(SwitchProducer("c", "w", ROUTE))
    bench.now = 1.0
    bench.send(5000, KEY, ssrc=20)
    sent = [parse_header(packet).timestamp for packet in bench.received("s")]
    offset = bench.stats().consumers["c"].timestamp_offset
    assert sent[1] == (5000 * 3000 + offset) & 0xFFFF_FFFF


def test_a_failing_listener_is_contained(
    sockets: Sockets, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: Event) -> None:
        raise RuntimeError("listener")

    bench = Bench(PortablePlane, sockets)
    bench.plane = PortablePlane([sockets.out], fail)
    bench.add_publisher()
    bench.add_video()
    bench.add_subscriber("s")
    bench.do(consumer())
    bench.send(0, KEY)
    assert len(bench.raw("s")) == 1
    assert "listener" in caplog.text


def test_replayed_and_foreign_packets_are_dropped(bench: Bench) -> None:
    bench.do(consumer())
    packet = pack_packet(
        payload_type=96, marker=True, sequence_number=0, timestamp=0, ssrc=10, payload=KEY
    )
    keys = keys_of("p", SrtpProfile.GCM_128)
    datagram = open_session(reversed_keys(keys), is_inbound=False).protect(packet)
    bench.plane.receive(datagram, ("192.0.2.9", 1), 0.0)
    bench.plane.receive(memoryview(datagram), PUBLISHER, 0.0)
    bench.plane.receive(datagram, PUBLISHER, 0.0)
    bench.plane.receive(datagram[:-1] + b"x", PUBLISHER, 0.0)
    assert len(bench.raw("s")) == 1
    assert bench.stats().dropped == {"unknown_address": 1, "unauthenticated": 2}


def test_oversized_and_unknown_payloads_are_dropped(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY, payload_type=99)
    bench.send(1, KEY + bytes(MAX_PACKET + 1 - 12 - len(KEY)))
    bench.plane.receive(bytes([128]) * 11 + bytes([10]) + bytes(2000), PUBLISHER, 0.0)
    bench.plane.receive(bytes(8) + (10).to_bytes(4) + bytes(2000), PUBLISHER, 0.0)
    bench.send(2, KEY + bytes(MAX_PACKET - 12 - len(KEY)))
    assert len(bench.raw("s")) == 1
    dropped = bench.stats().dropped
    assert (dropped["payload_type"], dropped["too_long"]) == (1, 1)
    bench.do(Resend("c", (1,)))
    assert len(bench.raw("s")) == 1


@pytest.mark.parametrize("kind", [PortablePlane, BatchPlane])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=1600), is_authentic=st.booleans())
def test_no_bytes_break_a_plane(
    kind: type[ForwardingPlane], sockets: Sockets, data: bytes, is_authentic: bool
) -> None:
    bench = Bench(kind, sockets)
    bench.add_publisher()
    bench.add_video()
    bench.add_audio()
    bench.add_subscriber("s", sockets.out)
    bench.do(consumer(), consumer("other", producer="a", ssrc=79, rtx_ssrc=None))
    if is_authentic and 12 <= len(data) <= 1300:
        data = bytes([data[0] & 0x3F | 0x80]) + data[1:8] + (10).to_bytes(4) + data[12:]
        try:
            bench.publish(data)
        except pylibsrtp.Error:
            return
    else:
        bench.plane.receive(data, PUBLISHER, 0.0)
        assert not drain(sockets.out)  # Nobody is sent what is not the publisher's.
    drain(sockets.out)
    bench.send(1, b"sound", ssrc=30, payload_type=111)
    assert len(bench.received("s")) == 1
    bench.plane.close()


def test_nobody_asks_for_what_nobody_watches(bench: Bench) -> None:
    for number in (0, 5):
        bench.send(number, KEY)
    bench.do(consumer())
    bench.take_events(KeyframeNeeded)
    bench.send(8, KEY)
    assert bench.take_events(PacketsMissing) == [PacketsMissing("v", (6, 7))]
    bench.do(PauseConsumer("c"))
    bench.now = 1.5
    bench.plane.tick(bench.now)
    assert bench.take_events(PacketsMissing) == bench.take_events(KeyframeNeeded) == []
    bench.do(ResumeConsumer("c"))
    bench.send(9, KEY)
    bench.plane.tick(bench.now)
    assert bench.take_events(PacketsMissing) == []
    assert bench.stats().producers["v"].given_up == 0


def flow(bench: Bench, layers: Sequence[int], *, until: float, step: float = 0.1) -> None:
    """Packets of the layers of one stream and ticks, from now on."""
    while bench.now < until:
        bench.now += step
        for ssrc in layers:
            bench.send(round(bench.now * 10), ssrc=ssrc)
        bench.plane.tick(bench.now)


def add_layers(bench: Bench) -> None:
    for name, ssrc in (("low", 100), ("high", 200)):
        bench.do(AddProducer(name, "p", ssrc, "video", 90000, {96: "VP8"}, stream="camera"))
    bench.do(AddProducer("other", "p", 300, "video", 90000, {96: "VP8"}, stream="screen"))


def test_a_layer_that_its_publisher_dropped_counts_as_stalled_soon(bench: Bench) -> None:
    add_layers(bench)
    flow(bench, (100, 200, 300), until=1.0)
    flow(bench, (100, 300), until=1.0 + LAYER_STALL_AFTER - 0.1)
    assert bench.take_events(ProducerStalled) == []
    flow(bench, (100, 300), until=1.0 + LAYER_STALL_AFTER + 0.15)
    assert bench.take_events(ProducerStalled) == [ProducerStalled("high")]


def test_a_stream_that_pauses_as_a_whole_keeps_its_layers(bench: Bench) -> None:
    add_layers(bench)
    flow(bench, (100, 200, 300), until=1.0)
    flow(bench, (300,), until=2.0)
    bench.now = 2.1
    bench.send(90, ssrc=100)
    bench.plane.tick(bench.now)
    assert bench.take_events(ProducerStalled) == []


def test_a_layer_whose_companion_is_not_steady_has_more_time(bench: Bench) -> None:
    add_layers(bench)
    flow(bench, (100, 200), until=1.0)
    flow(bench, (100,), until=2.5, step=0.3)
    assert bench.take_events(ProducerStalled) == []


def test_a_keyframe_is_asked_for_again_when_packets_come_back(bench: Bench) -> None:
    bench.do(consumer())
    flow(bench, (10,), until=0.2)
    bench.now = 10.0
    bench.plane.tick(bench.now)
    assert bench.take_events(ProducerStalled)
    bench.take_events(KeyframeNeeded)
    bench.do(consumer("d", ssrc=88, rtx_ssrc=89))
    assert bench.take_events(KeyframeNeeded) == [KeyframeNeeded("v")]
    bench.now = 10.1
    bench.send(500)
    assert bench.take_events(KeyframeNeeded) == [KeyframeNeeded("v")]
    bench.send(501)
    assert bench.take_events(KeyframeNeeded) == []


def test_a_switch_asks_for_its_keyframe_as_long_as_it_waits(bench: Bench) -> None:
    add_layers(bench)
    bench.do(consumer(producer="low"))
    flow(bench, (200,), until=0.3)
    bench.send(3, KEY, ssrc=100)
    bench.do(SwitchProducer("c", "high", ROUTE))
    bench.take_events(KeyframeNeeded)
    flow(bench, (100, 200), until=bench.now + 3 * KEYFRAME_PATIENCE + 0.35)
    assert bench.take_events(KeyframeNeeded) == [KeyframeNeeded("high")] * 3


def test_unannounced_streams_that_fell_silent_make_room_for_others(bench: Bench) -> None:
    for number in range(MAX_DETECTED):
        bench.send(0, ssrc=1000 + number)
    bench.now = DETECTED_MEMORY
    bench.send(1, ssrc=1000)
    bench.take_events(StreamDetected)
    bench.send(0, ssrc=5000)
    assert bench.take_events(StreamDetected) == []
    bench.now += 0.1
    bench.send(0, ssrc=5000)
    assert bench.take_events(StreamDetected) == [StreamDetected("p", 5000, 96, {})]


def test_streams_that_were_announced_leave_room_for_others(bench: Bench) -> None:
    for number in range(2 * MAX_DETECTED):
        bench.send(0, ssrc=1000 + 2 * number)
        bench.send(0, ssrc=1001 + 2 * number, payload_type=97)
        bench.do(AddProducer(f"n{number}", "p", 1000 + 2 * number, "video", 90000, {96: "VP8"}))
        bench.do(AddRtx(f"n{number}", 1001 + 2 * number))
    assert len(bench.take_events(StreamDetected)) == 4 * MAX_DETECTED


def test_a_new_size_may_switch_consumers_and_no_packet_is_missed(
    sockets: Sockets,
) -> None:
    bench = Bench(PortablePlane, sockets)

    def switch(event: Event) -> None:
        if isinstance(event, PictureSize) and event.producer == "v":
            bench.do(PauseConsumer("c"))

    bench.plane = PortablePlane([sockets.out], switch)
    bench.add_publisher()
    bench.add_video()
    bench.add_subscriber("s")
    bench.do(consumer())
    bench.send(0, b"\x10\x00\x00\x00\x9d\x01\x2a\xa0\x00\x5a\x00")
    assert bench.numbers("s") == [1]
    bench.plane.close()


def test_all_consumers_are_synchronized_within_the_interval(bench: Bench) -> None:
    for number in range(10):
        bench.do(consumer(f"c{number}", ssrc=1000 + number, rtx_ssrc=None))
    bench.send(0, KEY)
    bench.do(RemoveConsumer("c3"))
    # More than half of the numbers: who is not told in between takes them for a step back.
    for step in range(1, 12):
        bench.now = step / 10
        bench.send(step * 6000, KEY)
        bench.plane.tick(bench.now)
    sent = len(bench.raw("s"))
    bench.do(Resend("c7", (1 + 66_000 & 0xFFFF,)))
    assert len(bench.raw("s")) == 1
    assert sent == 10 + 11 * 9
