"""A consumer that is moved between layers sees one stream, on each plane."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError
from acs_core.rtc.feedback import SenderReport
from acs_core.rtc.packet import (
    pack_packet,
    parse_header,
    rtx_unwrap,
    rtx_wrap,
    sequence_difference,
    timestamp_difference,
)
from acs_core.service.sfu.plane.batch import BatchPlane
from acs_core.service.sfu.plane.engine import DETECT_INTERVAL, MAX_PACKET, ForwardingPlane
from acs_core.service.sfu.plane.graph import KEYFRAME_PATIENCE
from acs_core.service.sfu.plane.messages import (
    AddProducer,
    AddRtx,
    Command,
    ConsumerStarted,
    NoteSenderReport,
    PauseConsumer,
    PictureSize,
    RemoveConsumer,
    Resend,
    ResumeConsumer,
    StreamDetected,
    SwitchProducer,
)
from acs_core.service.sfu.plane.portable import PortablePlane
from acs_core.service.sfu.vp8 import find_picture_ids
from tests.support.plane_bench import DELTA, EXTENSIONS, KEY, ROUTE, Bench, Sockets, consumer


def picture(number: int, *, is_key: bool = False, is_long: bool = True, index: int = 0) -> bytes:
    field = (number & 0x7FFF | 0x8000).to_bytes(2) if is_long else bytes([number & 0x7F])
    return b"\x90\xc0" + field + bytes([index & 0xFF]) + (KEY if is_key else DELTA)[1:]


def seen(packet: bytes) -> tuple[int, int, int, int]:
    """Sequence number, timestamp, picture id and TL0PICIDX."""
    header = parse_header(packet)
    ids = find_picture_ids(packet, header.payload_offset, header.payload_end)
    assert ids is not None
    assert ids.size == 2 or ids.picture_id < 128
    return header.sequence_number, header.timestamp, ids.picture_id, ids.layer_index


@pytest.fixture
def layers(bench: Bench) -> Bench:
    """Two layers, ``v`` (SSRC 10) and ``w`` (SSRC 20), and a consumer of the first."""
    bench.add_video("w", 20)
    bench.do(consumer())
    return bench


def test_picture_ids_go_on_at_each_switch(layers: Bench) -> None:
    layers.send(0, picture(1000, is_key=True, index=5))
    layers.send(1, picture(1001, index=6))
    layers.do(SwitchProducer("c", "w", ROUTE))
    layers.send(500, picture(20, index=100), ssrc=20)
    layers.send(2, picture(1002, index=7))
    layers.send(501, picture(21, is_key=True, index=101), ssrc=20)
    layers.send(502, picture(22, index=102), ssrc=20)
    layers.do(SwitchProducer("c", "v", ROUTE))
    layers.send(7, picture(1007, is_key=True, index=9))
    layers.send(8, picture(1008, index=10))
    packets = [seen(packet) for packet in layers.received("s")]
    assert [packet[0] for packet in packets] == list(range(1, 8))
    assert [packet[2] for packet in packets] == list(range(1000, 1007))
    assert [packet[3] for packet in packets] == [5, 6, 7, 8, 9, 10, 11]


def test_short_picture_ids_become_long_behind_a_switch(layers: Bench) -> None:
    layers.send(0, picture(1000, is_key=True))
    layers.do(SwitchProducer("c", "w", ROUTE))
    for number in range(126, 130):
        payload = picture(number, is_key=number == 126, is_long=False, index=3)
        layers.send(number, payload.ljust(MAX_PACKET - 12, b"\0"), ssrc=20)
    packets = layers.received("s")
    assert [seen(packet)[2] for packet in packets] == list(range(1000, 1005))
    assert {len(packet) for packet in packets[1:]} == {MAX_PACKET + 1}
    octets = layers.stats().consumers["c"].octets
    assert octets == sum(len(packet) - 12 for packet in packets)
    layers.do(Resend("c", (2,)))
    (again,) = layers.received("s")
    assert seen(rtx_unwrap(again, parse_header(again), payload_type=100, ssrc=77)) == seen(
        packets[1]
    )


def test_what_never_switched_stays_as_it_is(layers: Bench) -> None:
    layers.add_subscriber("t")
    layers.do(consumer("d", transport="t", ssrc=88, rtx_ssrc=89))
    layers.send(0, picture(5, is_key=True, is_long=False))
    layers.do(SwitchProducer("c", "w", ROUTE))
    layers.send(9, picture(77, is_key=True), ssrc=20)
    layers.do(SwitchProducer("c", "v", ROUTE))
    layers.send(1, picture(6, is_key=True, is_long=False))
    assert [seen(packet)[2] for packet in layers.received("t")] == [5, 6]
    assert [seen(packet)[2] for packet in layers.received("s")] == [5, 6, 7]


def test_a_consumer_that_comes_back_goes_on_with_its_pictures(layers: Bench) -> None:
    layers.send(0, picture(1000, is_key=True))
    layers.do(RemoveConsumer("c"), consumer("c", producer="w"))
    layers.send(9, picture(5, is_key=True), ssrc=20)
    assert [seen(packet)[2] for packet in layers.received("s")] == [1000, 1001]


def test_layers_are_aligned_by_their_reports(layers: Bench) -> None:
    second = 1 << 32
    layers.do(
        NoteSenderReport("v", SenderReport(10, 100 * second, 900_000, 0, 0)),
        NoteSenderReport("w", SenderReport(20, 100 * second, 5_000, 0, 0)),
    )
    layers.send(0, picture(0, is_key=True), timestamp=900_000)
    layers.do(SwitchProducer("c", "w", ROUTE))
    layers.now = 0.2  # it was 0.1 s on its way longer than those before
    layers.send(9, picture(9, is_key=True), ssrc=20, timestamp=5_000 + 9_000)
    timestamps = [seen(packet)[1] for packet in layers.received("s")]
    assert timestamps == [900_000, 909_000]


def test_a_pause_before_the_switch_keeps_the_clock(layers: Bench) -> None:
    layers.do(NoteSenderReport("v", SenderReport(10, 0, 0, 0, 0)))
    layers.send(0, picture(0, is_key=True), timestamp=0)
    layers.do(PauseConsumer("c"), SwitchProducer("c", "w", ROUTE), ResumeConsumer("c"))
    layers.do(NoteSenderReport("w", SenderReport(20, 0, 70_000, 0, 0)))
    layers.now = 0.2
    layers.send(9, picture(9, is_key=True), ssrc=20, timestamp=79_000)
    assert [seen(packet)[1] for packet in layers.received("s")] == [0, 9_000]


def test_reports_of_another_connection_say_nothing(layers: Bench) -> None:
    layers.add_publisher("q", ("192.0.2.2", 4000))
    layers.add_video("x", 10, "q")
    layers.do(
        NoteSenderReport("v", SenderReport(10, 0, 0, 0, 0)),
        NoteSenderReport("x", SenderReport(10, 0, 0, 0, 0)),
    )
    layers.send(0, picture(0, is_key=True), timestamp=0)
    layers.do(SwitchProducer("c", "x", ROUTE))
    layers.now = 0.2
    packet = pack_packet(
        payload_type=96,
        marker=True,
        sequence_number=9,
        timestamp=9_000,
        ssrc=10,
        payload=picture(9, is_key=True),
    )
    layers.publish(packet, "q", ("192.0.2.2", 4000))
    assert [seen(packet)[1] for packet in layers.received("s")] == [0, 18_000]


def test_a_switch_waits_for_its_keyframe_as_long_as_the_present_layer_goes_on(
    layers: Bench,
) -> None:
    layers.send(0, picture(0, is_key=True))
    layers.do(SwitchProducer("c", "w", ROUTE))
    layers.now = KEYFRAME_PATIENCE + 1.0
    layers.send(1, picture(1))
    layers.send(9, picture(9), ssrc=20)
    assert layers.stats().consumers["c"].producer == "v"
    layers.now += 3.0
    layers.plane.tick(layers.now)  # the present layer has stalled
    layers.send(10, picture(10), ssrc=20)
    assert layers.stats().consumers["c"].producer == "w"


def test_what_was_sent_before_a_pause_is_no_beginning_behind_it(layers: Bench) -> None:
    for number in (0, 5):
        layers.send(number, picture(number, is_key=True))
    layers.do(PauseConsumer("c"), ResumeConsumer("c"))
    layers.send(3, picture(3, is_key=True))
    layers.send(6, picture(6, is_key=True))
    assert [seen(packet)[0] for packet in layers.received("s")] == [1, 6, 7]


def test_it_is_told_which_layer_a_consumer_gets(layers: Bench) -> None:
    layers.send(0, picture(0, is_key=True))
    layers.do(SwitchProducer("c", "w", ROUTE))
    layers.send(9, picture(9, is_key=True), ssrc=20)
    layers.do(PauseConsumer("c"), ResumeConsumer("c"))
    layers.send(10, picture(10, is_key=True), ssrc=20)
    assert layers.take_events(ConsumerStarted) == [
        ConsumerStarted("c", "v"),
        ConsumerStarted("c", "w"),
        ConsumerStarted("c", "w"),
    ]


def test_a_new_size_of_the_pictures_is_told(bench: Bench) -> None:
    small, large = b"\xa0\x00\x5a\x00", b"\x80\x02\x68\x01"
    for number, size in enumerate([small, small, large]):
        bench.send(number, b"\x10\x00\x00\x00\x9d\x01\x2a" + size)
    bench.send(3, DELTA)
    assert bench.take_events(PictureSize) == [
        PictureSize("v", 160, 90),
        PictureSize("v", 640, 360),
    ]


def test_a_stream_that_is_announced_when_it_is_detected_loses_nothing(sockets: Sockets) -> None:
    bench = Bench(PortablePlane, sockets)
    bench.add_publisher()
    bench.add_subscriber("s")

    def announce(event: object) -> None:
        if isinstance(event, StreamDetected):
            bench.do(
                AddProducer(
                    "n",
                    "p",
                    event.ssrc,
                    "video",
                    90000,
                    {96: "VP8"},
                    rtx_payload_types={97: 96},
                    extensions=EXTENSIONS,
                ),
                consumer(producer="n"),
            )

    bench.plane = PortablePlane([sockets.out], announce)
    bench.add_publisher()
    bench.add_subscriber("s", bench.sinks["s"])
    bench.send(0, KEY, ssrc=60)
    assert bench.numbers("s") == [1]
    bench.plane.close()


def test_retransmissions_may_be_announced_later(bench: Bench) -> None:
    bench.do(
        AddProducer(
            "n",
            "p",
            60,
            "video",
            90000,
            {96: "VP8"},
            rtx_payload_types={97: 96},
            extensions=EXTENSIONS,
        ),
        consumer(producer="n"),
        AddRtx("n", 61),
        AddRtx("n", 99),
        AddRtx("gone", 62),
    )
    bench.send(0, KEY, ssrc=60)
    lost = pack_packet(
        payload_type=96, marker=True, sequence_number=1, timestamp=3000, ssrc=60, payload=DELTA
    )
    bench.publish(rtx_wrap(lost, payload_type=97, ssrc=61, sequence_number=5))
    assert bench.numbers("s") == [1, 2]


def test_an_ssrc_in_use_is_no_retransmission(bench: Bench) -> None:
    bench.do(AddProducer("n", "p", 60, "video", 90000, {96: "VP8"}))
    with pytest.raises(InvalidArgumentError):
        bench.do(AddRtx("n", 10))


def test_an_unannounced_stream_is_told_again_after_a_while(bench: Bench) -> None:
    bench.send(0, KEY, ssrc=555)
    bench.now = DETECT_INTERVAL / 2
    bench.send(1, KEY, ssrc=555)
    bench.now = DETECT_INTERVAL * 1.5
    bench.send(2, KEY, ssrc=555)
    assert len(bench.take_events(StreamDetected)) == 2


SCRIPT = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["send", "send", "send", "send", "lose", "swap"]),
            st.integers(0, 1),
            st.sampled_from([True, False, False]),
        ),
        st.sampled_from(["pause", "resume", "resend"]),
        st.tuples(st.just("switch"), st.integers(0, 1)),
    ),
    max_size=60,
)


class Story:
    """Plays a script of two layers of one camera and one consumer without RTX."""

    def __init__(self, kind: type[ForwardingPlane], sockets: Sockets, *, is_long: bool) -> None:
        self.bench = Bench(kind, sockets)
        self.bench.add_publisher()
        self.bench.add_video("l0", 10)
        self.bench.add_video("l1", 20)
        self.bench.add_subscriber("s")
        self.bench.do(consumer(producer="l0", rtx_ssrc=None))
        self.is_long = is_long
        self.numbers = [65_530, 300]
        self.pictures = [0x7FFA, 120]
        self.held: list[tuple[int, int, bytes, int]] = []

    def media(self, action: str, layer: int, *, is_key: bool, step: int) -> None:
        self.numbers[layer] += 1
        self.pictures[layer] += 1
        payload = picture(
            self.pictures[layer], is_key=is_key, is_long=self.is_long or layer == 0, index=step
        )
        timestamp = step * 3000 + layer * 123_456
        packet = (layer, self.numbers[layer], payload, timestamp)
        if action == "swap":
            self.held.append(packet)
        elif action == "send":
            for item in [packet, *(held for held in self.held if held[0] == layer)]:
                self.send(*item)
            self.held = [held for held in self.held if held[0] != layer]

    def send(self, layer: int, number: int, payload: bytes, timestamp: int) -> None:
        self.bench.send(number, payload, ssrc=10 * layer + 10, timestamp=timestamp)

    def control(self, action: str) -> None:
        commands: dict[str, Command] = {
            "pause": PauseConsumer("c"),
            "resume": ResumeConsumer("c"),
            "resend": Resend("c", tuple(range(1, 61))),
        }
        self.bench.do(commands[action])


@pytest.fixture(params=[PortablePlane, BatchPlane])
def kind(request: pytest.FixtureRequest) -> type[ForwardingPlane]:
    plane: type[ForwardingPlane] = request.param
    return plane


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(script=SCRIPT, is_long=st.booleans())
def test_any_script_gives_one_stream(
    kind: type[ForwardingPlane], sockets: Sockets, script: list[Any], is_long: bool
) -> None:
    story = Story(kind, sockets, is_long=is_long)
    is_ordered = "swap" not in [action[0] for action in script]
    watched = Watched(story.bench, is_ordered=is_ordered)
    for step, action in enumerate(script):
        story.bench.now = step / 30
        if isinstance(action, str):
            story.control(action)
        elif action[0] == "switch":
            story.bench.do(SwitchProducer("c", f"l{action[1]}", ROUTE))
        else:
            story.media(action[0], action[1], is_key=action[2], step=step)
        watched.check_sent()
    story.bench.plane.close()


class Watched:
    """What the subscriber gets."""

    def __init__(self, bench: Bench, *, is_ordered: bool) -> None:
        self.bench = bench
        self.is_ordered = is_ordered
        self.sent: dict[bytes, bytes] = {}
        self.newest: tuple[int, int, int, int] | None = None
        self.source: str | None = None

    def check_sent(self) -> None:
        started = [event.producer for event in self.bench.take_events(ConsumerStarted)]  # type: ignore[union-attr]
        is_switch = bool(started) and self.source not in (None, started[-1])
        self.source = started[-1] if started else self.source
        for data in self.bench.raw("s"):
            # The same number never goes with other bytes: SRTP would use a key stream twice.
            if self.sent.setdefault(data[2:4], data) is not data:
                assert self.sent[data[2:4]] == data
                continue
            self.check_packet(
                seen(self.bench.decrypt("s", data)), is_start=bool(started), is_switch=is_switch
            )
            started, is_switch = [], False

    def check_packet(
        self, packet: tuple[int, int, int, int], *, is_start: bool, is_switch: bool
    ) -> None:
        before = self.newest
        if before is None:
            assert packet[0] == 1
            self.newest = packet
            return
        ahead = sequence_difference(packet[0], before[0])
        if ahead < 0:
            return
        self.newest = packet
        assert timestamp_difference(packet[1], before[1]) > 0
        if is_start and self.is_ordered:
            assert ahead == 1
        if is_switch:
            assert (packet[2] - before[2]) & 0x7FFF == ahead
            assert not self.is_ordered or (packet[3] - before[3]) & 0xFF == 1
