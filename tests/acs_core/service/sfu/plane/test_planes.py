"""Both planes do the same: what each must do, and that their bytes are equal."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pylibsrtp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError
from acs_core.rtc.feedback import SenderReport
from acs_core.rtc.packet import (
    Uri,
    abs_send_time,
    extensions,
    pack_packet,
    parse_header,
    rtx_unwrap,
    rtx_wrap,
)
from acs_core.rtc.srtp import SrtpKeys, SrtpProfile
from acs_core.service.sfu.plane import PlaneKind, create_plane
from acs_core.service.sfu.plane.batch import BatchPlane
from acs_core.service.sfu.plane.engine import MAX_DETECTED, MAX_PACKET, ForwardingPlane
from acs_core.service.sfu.plane.graph import KEYFRAME_PATIENCE
from acs_core.service.sfu.plane.messages import (
    AddConsumer,
    AddProducer,
    AddTransport,
    AudioLevel,
    Command,
    Event,
    ExpectKeyframe,
    KeyframeNeeded,
    KeyframeSeen,
    NoteSenderReport,
    PacketsMissing,
    PauseConsumer,
    ProducerResumed,
    ProducerStalled,
    RembEstimate,
    RemoveConsumer,
    RemoveProducer,
    RemoveTransport,
    Resend,
    ResumeConsumer,
    Route,
    SetAddresses,
    StreamDetected,
    SwitchProducer,
)
from acs_core.service.sfu.plane.portable import PortablePlane
from acs_core.service.sfu.plane.state import MAX_RETIRED, open_session

KEY = b"\x10\x02\x00\x00\x9d\x01\x2a"  # VP8: start of a partition, key frame
DELTA = b"\x10\x01\x00\x00"
PUBLISHER = ("192.0.2.1", 4000)
EXTENSIONS: dict[str, int] = {
    Uri.MID: 1,
    Uri.ABS_SEND_TIME: 2,
    Uri.AUDIO_LEVEL: 3,
    Uri.VIDEO_ORIENTATION: 4,
}
ROUTE = Route(
    payload_types={96: 100, 111: 50},
    rtx_payload_types={100: 101},
    extensions={2: 7, 3: 8, 4: 9},
    abs_send_time=7,
)


def keys_of(name: str, profile: SrtpProfile) -> SrtpKeys:
    size = 28 if profile is SrtpProfile.GCM_128 else 30
    return SrtpKeys(
        profile, local=name.encode().ljust(size, b"L"), remote=name.encode().ljust(size, b"R")
    )


def reversed_keys(keys: SrtpKeys) -> SrtpKeys:
    return SrtpKeys(keys.profile, local=keys.remote, remote=keys.local)


class Sockets:
    """Loopback sockets: one the plane sends on, some that subscribers listen on."""

    def __init__(self) -> None:
        self.opened: list[socket.socket] = []
        self.out = self.open()

    def open(self) -> socket.socket:
        result = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        result.bind(("127.0.0.1", 0))
        result.setblocking(False)
        self.opened.append(result)
        return result

    def close(self) -> None:
        for item in self.opened:
            item.close()


def drain(source: socket.socket) -> list[bytes]:
    """Everything that has arrived; loopback delivers within `sendto`."""
    received: list[bytes] = []
    while select.select([source], [], [], 0)[0]:
        received.append(source.recv(4096))
    return received


class Bench:
    """A plane between one or two publishing and some subscribing connections."""

    def __init__(
        self,
        kind: type[ForwardingPlane],
        sockets: Sockets,
        profile: SrtpProfile = SrtpProfile.GCM_128,
    ) -> None:
        self.sockets = sockets
        self.profile = profile
        self.events: list[Event] = []
        self.plane = kind([sockets.out], self.events.append)
        self.now = 0.0
        self.sinks: dict[str, socket.socket] = {}
        self._outbound: dict[str, pylibsrtp.Session] = {}
        self._inbound: dict[str, pylibsrtp.Session] = {}

    def do(self, *commands: Command) -> None:
        for command in commands:
            self.plane.handle(command, self.now)

    def add_publisher(self, name: str = "p", address: tuple[str, int] = PUBLISHER) -> None:
        keys = keys_of(name, self.profile)
        self.do(AddTransport(name, keys), SetAddresses(name, address, frozenset({address})))
        self._outbound[name] = open_session(reversed_keys(keys), is_inbound=False)

    def add_subscriber(self, name: str, sink: socket.socket | None = None) -> None:
        keys = keys_of(name, self.profile)
        self.sinks[name] = sink or self.sockets.open()
        self.do(
            AddTransport(name, keys),
            SetAddresses(name, self.sinks[name].getsockname(), frozenset()),
        )
        self._inbound[name] = open_session(reversed_keys(keys), is_inbound=True)

    def add_video(self, producer: str = "v", ssrc: int = 10, transport: str = "p") -> None:
        self.do(
            AddProducer(
                producer,
                transport,
                ssrc,
                "video",
                90000,
                {96: "VP8"},
                rtx_ssrc=ssrc + 1,
                rtx_payload_types={97: 96},
                extensions=EXTENSIONS,
            )
        )

    def add_audio(self, producer: str = "a", ssrc: int = 30) -> None:
        self.do(
            AddProducer(producer, "p", ssrc, "audio", 48000, {111: "opus"}, extensions=EXTENSIONS)
        )

    def publish(self, packet: bytes, name: str = "p", address: tuple[str, int] = PUBLISHER) -> None:
        self.plane.receive(self._outbound[name].protect(packet), address, self.now)

    def send(
        self,
        number: int,
        payload: bytes = DELTA,
        *,
        ssrc: int = 10,
        payload_type: int = 96,
        timestamp: int | None = None,
        elements: Sequence[tuple[int, bytes]] = (),
    ) -> bytes:
        packet = pack_packet(
            payload_type=payload_type,
            marker=True,
            sequence_number=number & 0xFFFF,
            timestamp=(number * 3000 if timestamp is None else timestamp) & 0xFFFF_FFFF,
            ssrc=ssrc,
            payload=payload,
            extensions=elements,
        )
        self.publish(packet)
        return packet

    def raw(self, name: str) -> list[bytes]:
        return drain(self.sinks[name])

    def received(self, name: str) -> list[bytes]:
        return [self._inbound[name].unprotect(data) for data in self.raw(name)]

    def numbers(self, name: str) -> list[int]:
        return [parse_header(packet).sequence_number for packet in self.received(name)]

    def take_events(self, kind: type[Event]) -> list[Event]:
        taken = [event for event in self.events if isinstance(event, kind)]
        self.events[:] = [event for event in self.events if not isinstance(event, kind)]
        return taken


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    result = Sockets()
    yield result
    result.close()


@pytest.fixture(params=[PortablePlane, BatchPlane])
def bench(request: pytest.FixtureRequest, sockets: Sockets) -> Iterator[Bench]:
    result = Bench(request.param, sockets)
    result.add_publisher()
    result.add_video()
    result.add_subscriber("s")
    yield result
    result.plane.close()


def consumer(name: str = "c", **changes: object) -> AddConsumer:
    values: dict[str, object] = {
        "consumer": name,
        "producer": "v",
        "transport": "s",
        "ssrc": 77,
        "route": ROUTE,
        "rtx_ssrc": 78,
    }
    return AddConsumer(**(values | changes))  # type: ignore[arg-type]


# ---------------------------------------------------------------------- forwarding


def test_a_packet_arrives_renumbered_and_otherwise_unchanged(bench: Bench) -> None:
    bench.do(consumer(first_sequence=500))
    bench.now = 3.25
    bench.send(
        9,
        KEY,
        elements=[(1, b"mid0"), (2, b"\1\2\3"), (4, b"\5"), (5, b"unknown")],
    )
    (packet,) = bench.received("s")
    header = parse_header(packet)
    assert (header.payload_type, header.marker, header.ssrc) == (100, True, 77)
    assert (header.sequence_number, header.timestamp) == (500, 27000)
    assert packet[header.payload_offset :] == KEY
    values = {e.id: packet[e.offset : e.offset + e.length] for e in extensions(packet, header)}
    assert values == {7: abs_send_time(3.25).to_bytes(3), 9: b"\5"}


def test_two_byte_extensions_are_translated_too(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY, elements=[(1, b"mid0"), (4, b"\5"), (16, b"long" * 8)])
    (packet,) = bench.received("s")
    header = parse_header(packet)
    values = {e.id: packet[e.offset : e.offset + e.length] for e in extensions(packet, header)}
    assert values == {9: b"\5"}


def test_an_id_that_does_not_fit_the_one_byte_form_is_blanked(bench: Bench) -> None:
    bench.do(consumer(route=Route({96: 100}, extensions={4: 15, 2: 3}, abs_send_time=3)))
    bench.send(0, KEY, elements=[(4, b"\5"), (2, b"\1\2\3")])
    (packet,) = bench.received("s")
    assert [element.id for element in extensions(packet, parse_header(packet))] == [3]


def test_all_consumers_get_every_packet(bench: Bench) -> None:
    for number in range(5):
        bench.add_subscriber(f"t{number}")
        route = ROUTE if number % 2 else Route({96: 120})
        bench.do(consumer(f"c{number}", transport=f"t{number}", ssrc=200 + number, route=route))
    for number in range(20):
        bench.send(number, DELTA if number else KEY)
    for number in range(5):
        packets = bench.received(f"t{number}")
        assert [parse_header(packet).sequence_number for packet in packets] == list(range(1, 21))
        assert {parse_header(packet).ssrc for packet in packets} == {200 + number}
        assert {parse_header(packet).payload_type for packet in packets} == {
            100 if number % 2 else 120
        }
    stats = bench.plane.stats()
    assert stats.consumers["c1"].packets == 20
    assert stats.consumers["c1"].octets == len(KEY) + 19 * len(DELTA)
    assert stats.producers["v"].packets == 20
    assert stats.producers["v"].last_arrival == 0.0


def test_sequence_numbers_wrap(bench: Bench) -> None:
    bench.do(consumer(first_sequence=1))
    bench.send(65530, KEY)
    for number in range(65531, 65545):
        bench.send(number)
    assert bench.numbers("s") == list(range(1, 16))


def test_ipv6_and_ipv4_subscribers_are_reached(sockets: Sockets) -> None:
    for kind in (PortablePlane, BatchPlane):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as out:
            try:
                out.bind(("::1", 0))
            except OSError:
                pytest.skip("this machine has no IPv6 loopback")
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sink:
                sink.bind(("::1", 0))
                sink.settimeout(1)
                bench = Bench(kind, sockets)
                bench.plane = kind([sockets.out, out], bench.events.append)
                bench.add_publisher()
                bench.add_video()
                for name in ("s", "t", "u"):
                    bench.add_subscriber(name)
                    bench.do(consumer(name, transport=name))
                address = sink.getsockname()[:2]
                bench.do(SetAddresses("t", address, frozenset({address})))
                bench.send(0, KEY)
                assert sink.recv(2000)
                assert len(bench.raw("s")) == len(bench.raw("u")) == 1


def test_a_family_without_a_socket_loses_its_packets_only(bench: Bench) -> None:
    bench.do(consumer())
    bench.add_subscriber("t")
    bench.do(consumer("d", transport="t", ssrc=5, rtx_ssrc=None))
    bench.do(SetAddresses("t", ("2001:db8::1", 9), frozenset()))
    bench.send(0, KEY)
    assert bench.numbers("s") == [1]


def test_an_address_that_cannot_be_sent_to_loses_its_packets_only(bench: Bench) -> None:
    for number, address in enumerate([("255.255.255.255", 9), ("127.0.0.1", 0)]):
        name = f"t{number}"
        bench.add_subscriber(name)
        bench.do(consumer(f"b{number}", transport=name, ssrc=50 + number, rtx_ssrc=None))
        bench.do(SetAddresses(name, address, frozenset()))
    bench.do(consumer())
    bench.send(0, KEY)
    assert bench.numbers("s") == [1]
    assert bench.plane.stats().dropped["not_sent"] == 2


def test_a_consumer_without_an_address_starts_when_it_has_one(bench: Bench) -> None:
    bench.do(AddTransport("t", keys_of("t", SrtpProfile.GCM_128)))
    sink = bench.sockets.open()
    bench.do(consumer("d", transport="t"))
    bench.send(0, KEY)
    bench.do(SetAddresses("t", sink.getsockname(), frozenset()))
    bench.send(1, DELTA)
    assert drain(sink) == []
    bench.send(2, KEY)
    assert len(drain(sink)) == 1


def test_packets_of_a_payload_type_that_is_not_routed_leave_no_gap(bench: Bench) -> None:
    bench.do(
        AddProducer("w", "p", 60, "video", 90000, {96: "VP8", 98: "VP9"}),
        consumer("d", producer="w", ssrc=80, rtx_ssrc=None),
    )
    for number, payload_type in enumerate([96, 96, 98, 98, 96]):
        bench.send(number, KEY, ssrc=60, payload_type=payload_type)
    assert bench.numbers("s") == [1, 2, 3]


def test_lost_and_late_packets_keep_their_places(bench: Bench) -> None:
    bench.do(consumer())
    for number in (0, 1, 4, 3, 6):
        bench.send(number, DELTA if number else KEY)
    assert bench.numbers("s") == [1, 2, 5, 4, 7]


def test_a_retransmission_is_forwarded_as_what_it_repeats(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    lost = pack_packet(
        payload_type=96, marker=False, sequence_number=1, timestamp=3000, ssrc=10, payload=DELTA
    )
    bench.send(2)
    rtx = rtx_wrap(lost, payload_type=97, ssrc=11, sequence_number=900)
    bench.publish(rtx)
    bench.publish(lost)
    packets = bench.received("s")
    assert [parse_header(packet).sequence_number for packet in packets] == [1, 3, 2]
    assert {parse_header(packet).ssrc for packet in packets} == {77}
    assert bench.plane.stats().dropped["duplicate"] == 1
    assert bench.plane.stats().producers["v"].repaired == 1


def test_rtx_padding_and_unknown_rtx_payload_types_are_dropped(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    for number, payload_type, payload in ((4, 97, b""), (5, 99, b"\0\1xx")):
        bench.send(number, payload, ssrc=11, payload_type=payload_type)
    bench.send(6, b"\0\1", ssrc=11, payload_type=97)
    assert bench.plane.stats().dropped["rtx_padding"] == 2


# ---------------------------------------------------------------------- keyframes


def test_video_begins_with_a_keyframe_that_was_asked_for(bench: Bench) -> None:
    bench.do(consumer())
    assert bench.take_events(KeyframeNeeded) == [KeyframeNeeded("v")]
    bench.send(0)
    bench.send(1)
    assert bench.take_events(KeyframeSeen) == []
    bench.send(2, KEY)
    bench.send(3)
    assert bench.take_events(KeyframeSeen) == [KeyframeSeen("v")]
    assert bench.numbers("s") == [1, 2]


def test_video_without_a_keyframe_begins_after_a_while(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0)
    bench.now = KEYFRAME_PATIENCE
    bench.send(1)
    assert bench.numbers("s") == [1]


def test_audio_begins_at_once(bench: Bench) -> None:
    bench.add_audio()
    bench.do(consumer(producer="a", rtx_ssrc=None))
    bench.send(0, b"opus", ssrc=30, payload_type=111)
    assert bench.numbers("s") == [1]


def test_an_expected_keyframe_is_reported_once(bench: Bench) -> None:
    bench.do(ExpectKeyframe("v"), ExpectKeyframe("gone"))
    bench.send(0, KEY)
    bench.send(1, KEY)
    assert bench.take_events(KeyframeSeen) == [KeyframeSeen("v")]


# ---------------------------------------------------------------------- pause and switch


def test_a_pause_leaves_no_gap_and_resumes_with_a_keyframe(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    bench.send(1)
    bench.do(PauseConsumer("c"), PauseConsumer("c"))
    bench.send(2)
    assert not bench.plane.stats().consumers["c"].is_sending
    bench.take_events(KeyframeNeeded)
    bench.do(ResumeConsumer("c"), ResumeConsumer("c"))
    assert bench.take_events(KeyframeNeeded) == [KeyframeNeeded("v")]
    bench.send(3)
    bench.send(4, KEY)
    bench.send(5)
    assert bench.numbers("s") == [1, 2, 3, 4]


def test_a_consumer_may_begin_paused(bench: Bench) -> None:
    bench.do(consumer(is_paused=True))
    bench.send(0, KEY)
    bench.do(ResumeConsumer("c"))
    bench.send(1, KEY)
    assert bench.numbers("s") == [1]


def test_a_switch_goes_on_with_the_old_source_until_the_new_ones_keyframe(bench: Bench) -> None:
    bench.add_video("w", 20)
    bench.do(consumer())
    bench.send(0, KEY)
    bench.do(SwitchProducer("c", "w", Route({96: 60})))
    bench.send(1)
    bench.send(700, ssrc=20)
    bench.now = 0.1
    bench.send(701, KEY, ssrc=20)
    bench.send(2)
    bench.send(702, ssrc=20)
    packets = bench.received("s")
    headers = [parse_header(packet) for packet in packets]
    assert [header.sequence_number for header in headers] == [1, 2, 3, 4]
    assert [header.payload_type for header in headers] == [100, 100, 60, 60]
    assert headers[2].timestamp - headers[1].timestamp > 0
    assert headers[3].timestamp - headers[2].timestamp == 3000
    assert bench.plane.stats().consumers["c"].producer == "w"


def test_a_switch_can_be_taken_back_and_changed(bench: Bench) -> None:
    bench.add_video("w", 20)
    bench.add_video("x", 40)
    bench.do(consumer())
    bench.send(0, KEY)
    bench.do(SwitchProducer("c", "w", ROUTE), SwitchProducer("c", "v", ROUTE))
    bench.send(700, KEY, ssrc=20)
    bench.send(1)
    bench.do(SwitchProducer("c", "w", ROUTE), SwitchProducer("c", "x", ROUTE))
    bench.send(701, KEY, ssrc=20)
    bench.send(300, KEY, ssrc=40)
    assert bench.numbers("s") == [1, 2, 3]
    assert bench.plane.stats().consumers["c"].producer == "x"


def test_a_switch_while_paused_or_waiting_is_made_at_once(bench: Bench) -> None:
    bench.add_video("w", 20)
    bench.do(consumer(), SwitchProducer("c", "w", ROUTE))
    bench.send(0, KEY)
    bench.send(700, KEY, ssrc=20)
    bench.do(PauseConsumer("c"), SwitchProducer("c", "v", ROUTE), ResumeConsumer("c"))
    bench.send(701, KEY, ssrc=20)
    bench.send(1, KEY)
    assert bench.numbers("s") == [1, 2]
    assert bench.plane.stats().consumers["c"].producer == "v"


def test_pausing_settles_a_pending_switch(bench: Bench) -> None:
    bench.add_video("w", 20)
    bench.do(consumer())
    bench.send(0, KEY)
    bench.do(SwitchProducer("c", "w", ROUTE), PauseConsumer("c"), ResumeConsumer("c"))
    bench.send(1, KEY)
    bench.send(700, KEY, ssrc=20)
    assert bench.numbers("s") == [1, 2]


def test_a_consumer_outlives_its_producer(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    bench.do(RemoveProducer("v"), RemoveProducer("v"))
    assert bench.plane.stats().consumers["c"].producer is None
    bench.do(PauseConsumer("c"), ResumeConsumer("c"))
    bench.send(1, KEY)
    bench.add_video("w", 20)
    bench.do(SwitchProducer("c", "w", ROUTE))
    bench.send(9, KEY, ssrc=20)
    assert bench.numbers("s") == [1, 2]


def test_removing_the_next_producer_keeps_the_present_one(bench: Bench) -> None:
    bench.add_video("w", 20)
    bench.do(consumer())
    bench.send(0, KEY)
    bench.do(SwitchProducer("c", "w", ROUTE), RemoveProducer("w"))
    bench.send(1)
    assert bench.numbers("s") == [1, 2]


def test_a_new_route_for_the_same_producer_holds_from_the_next_packet(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    bench.do(SwitchProducer("c", "v", Route({96: 60})))
    bench.send(1)
    assert [parse_header(p).payload_type for p in bench.received("s")] == [100, 60]


def test_removed_consumers_and_transports_get_nothing(bench: Bench) -> None:
    bench.add_subscriber("t")
    bench.do(consumer(), consumer("d", transport="t"), consumer("e", ssrc=1, rtx_ssrc=2))
    bench.send(0, KEY)
    bench.do(RemoveConsumer("c"), RemoveConsumer("c"), RemoveTransport("t"), RemoveTransport("t"))
    bench.raw("s"), bench.raw("t")
    bench.send(1)
    assert len(bench.raw("s")) == 1
    assert bench.raw("t") == []
    bench.do(RemoveTransport("p"))
    bench.send(2)
    assert bench.raw("s") == []
    assert bench.plane.stats().dropped["unknown_address"] == 1
    assert bench.plane.stats().producers == {}


def test_an_ssrc_that_comes_back_goes_on_where_it_ended(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    bench.now = 0.04
    bench.send(1)
    bench.do(Resend("c", (1,)), RemoveConsumer("c"))
    bench.send(2)
    bench.do(consumer("again", first_sequence=1))
    bench.now = 2.0
    bench.send(3, KEY)
    bench.do(Resend("again", (3,)))
    headers = [parse_header(packet) for packet in bench.received("s")]
    assert [h.sequence_number for h in headers if h.ssrc == 77] == [1, 2, 3]
    assert [h.sequence_number for h in headers if h.ssrc == 78] == [1, 2]
    assert headers[-1].timestamp - headers[1].timestamp > 90000


def test_an_ssrc_that_could_repeat_a_key_stream_is_refused(bench: Bench) -> None:
    bench.do(consumer())
    impossible = [{"ssrc": 77}, {"ssrc": 5, "rtx_ssrc": 78}, {"ssrc": 5, "rtx_ssrc": 5}]
    for changes in impossible:
        with pytest.raises(InvalidArgumentError):
            bench.do(consumer("d", **changes))
    bench.do(RemoveConsumer("c"))
    for changes in ({"ssrc": 78, "rtx_ssrc": 1}, {"ssrc": 5, "rtx_ssrc": 77}):
        with pytest.raises(InvalidArgumentError):
            bench.do(consumer("d", **changes))
    for number in range(MAX_RETIRED):
        bench.do(consumer("d", ssrc=1000 + number, rtx_ssrc=None), RemoveConsumer("d"))
    with pytest.raises(InvalidArgumentError):
        bench.do(consumer("d", rtx_ssrc=None))


def test_abs_send_time_needs_no_translation_from_the_caller(bench: Bench) -> None:
    bench.do(consumer(route=Route({96: 100}, abs_send_time=7)))
    bench.now = 1.5
    bench.send(0, KEY, elements=[(2, b"\1\2\3"), (4, b"\5")])
    (packet,) = bench.received("s")
    header = parse_header(packet)
    values = {e.id: packet[e.offset : e.offset + e.length] for e in extensions(packet, header)}
    assert values == {7: abs_send_time(1.5).to_bytes(3)}


@pytest.mark.parametrize(
    "command",
    [
        AddTransport("p", keys_of("p", SrtpProfile.GCM_128)),
        AddProducer("v", "p", 1, "video", 90000, {}),
        AddProducer("x", "gone", 1, "video", 90000, {}),
        AddProducer("x", "p", 10, "video", 90000, {}),
        AddProducer("x", "p", 1, "video", 90000, {}, rtx_ssrc=11),
        AddConsumer("c", "gone", "s", 1, ROUTE),
        AddConsumer("c", "v", "gone", 1, ROUTE),
    ],
)
def test_impossible_additions_are_refused(bench: Bench, command: Command) -> None:
    before = bench.plane.stats()
    with pytest.raises(InvalidArgumentError):
        bench.do(command)
    assert bench.plane.stats() == before


def test_commands_about_what_is_gone_do_nothing(bench: Bench) -> None:
    bench.do(
        SetAddresses("gone", None, frozenset()),
        PauseConsumer("gone"),
        ResumeConsumer("gone"),
        SwitchProducer("gone", "v", ROUTE),
        Resend("gone", (1,)),
        NoteSenderReport("gone", SenderReport(1, 2, 3, 4, 5)),
    )
    assert bench.plane.report_blocks("gone", 0.0) == ()


# ---------------------------------------------------------------------- resending


def test_a_nack_is_answered_by_rtx_with_what_was_sent(bench: Bench) -> None:
    bench.do(consumer(first_sequence=400))
    originals = {}
    for number in range(5):
        bench.send(number, DELTA if number else KEY, elements=[(1, b"mid0"), (4, b"\5")])
    for packet in bench.received("s"):
        originals[parse_header(packet).sequence_number] = packet
    bench.do(Resend("c", (401, 403, 9999)))
    answers = bench.received("s")
    assert [parse_header(answer).ssrc for answer in answers] == [78, 78]
    restored = [
        rtx_unwrap(answer, parse_header(answer), payload_type=100, ssrc=77) for answer in answers
    ]
    assert restored == [originals[401], originals[403]]
    assert bench.plane.stats().consumers["c"].resent == 2
    bench.do(Resend("c", (401,)))
    assert bench.raw("s") == []
    bench.now = 0.02
    bench.do(Resend("c", (401,)))
    assert len(bench.raw("s")) == 1


def test_without_rtx_a_packet_is_resent_plainly(bench: Bench) -> None:
    bench.do(consumer(rtx_ssrc=None))
    bench.send(0, KEY, elements=[(2, b"\1\2\3")])
    (first,) = bench.raw("s")
    bench.now = 0.5
    bench.do(Resend("c", (1,)))
    assert bench.raw("s") == [first]


def test_a_paused_consumer_gets_nothing_resent(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    bench.raw("s")
    bench.do(PauseConsumer("c"), Resend("c", (1,)))
    assert bench.raw("s") == []


# ---------------------------------------------------------------------- events and counts


def test_lost_packets_are_asked_for_until_they_arrive(bench: Bench) -> None:
    bench.send(0, KEY)
    bench.send(3)
    assert bench.take_events(PacketsMissing) == [PacketsMissing("v", (1, 2))]
    bench.send(1)
    bench.now = 0.2
    bench.plane.tick(bench.now)
    assert bench.take_events(PacketsMissing) == [PacketsMissing("v", (2,))]


def test_packets_given_up_need_a_keyframe(bench: Bench) -> None:
    bench.send(0, KEY)
    bench.send(2)
    bench.now = 1.5
    bench.plane.tick(bench.now)
    assert bench.take_events(KeyframeNeeded) == [KeyframeNeeded("v")]
    assert bench.plane.stats().producers["v"].given_up == 1


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
    offset = bench.plane.stats().consumers["c"].timestamp_offset
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


# ---------------------------------------------------------------------- garbage


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
    assert bench.plane.stats().dropped == {"unknown_address": 1, "unauthenticated": 2}


def test_oversized_and_unknown_payloads_are_dropped(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY, payload_type=99)
    bench.send(1, KEY + bytes(MAX_PACKET + 1 - 12 - len(KEY)))
    bench.plane.receive(bytes([128]) * 11 + bytes([10]) + bytes(2000), PUBLISHER, 0.0)
    bench.plane.receive(bytes(8) + (10).to_bytes(4) + bytes(2000), PUBLISHER, 0.0)
    bench.send(2, KEY + bytes(MAX_PACKET - 12 - len(KEY)))
    assert len(bench.raw("s")) == 1
    dropped = bench.plane.stats().dropped
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
    bench.add_subscriber("s", sockets.out)
    bench.do(consumer())
    if is_authentic and 12 <= len(data) <= 1300:
        data = bytes([data[0] & 0x3F | 0x80]) + data[1:8] + (10).to_bytes(4) + data[12:]
        try:
            bench.publish(data)
        except pylibsrtp.Error:
            return
    else:
        bench.plane.receive(data, PUBLISHER, 0.0)
    bench.plane.close()
    drain(sockets.out)


# ---------------------------------------------------------------------- equal bytes


@dataclass(frozen=True)
class Media:
    """One packet of a script."""

    stream: int
    jump: int
    is_keyframe: bool
    elements: tuple[tuple[int, bytes], ...]
    is_rtx: bool
    is_unrouted: bool


MEDIA = st.builds(
    Media,
    stream=st.integers(0, 1),
    jump=st.sampled_from([1, 1, 1, 1, 2, 3, -1, -2, 0, 40]),
    is_keyframe=st.booleans(),
    elements=st.lists(
        st.tuples(st.integers(1, 16), st.binary(min_size=1, max_size=18)), max_size=3
    ).map(tuple),
    is_rtx=st.sampled_from([False, False, False, True]),
    is_unrouted=st.sampled_from([False, False, False, False, True]),
)
CONTROL = st.one_of(
    st.builds(PauseConsumer, st.sampled_from(["c0", "c1", "c2"])),
    st.builds(ResumeConsumer, st.sampled_from(["c0", "c1", "c2"])),
    st.builds(
        SwitchProducer,
        st.sampled_from(["c0", "c1", "c2"]),
        st.sampled_from(["v0", "v1"]),
        st.sampled_from([ROUTE, Route({96: 33})]),
    ),
    st.builds(
        Resend,
        st.sampled_from(["c0", "c1", "c2"]),
        st.lists(st.integers(1, 12), max_size=4).map(tuple),
    ),
    st.builds(RemoveConsumer, st.just("c2")),
    st.just("tick"),
)
SCRIPT = st.lists(st.one_of(MEDIA, MEDIA, MEDIA, CONTROL), max_size=40)


def play(
    kind: type[ForwardingPlane],
    sockets: Sockets,
    sinks: Sequence[socket.socket],
    script: Sequence[Media | Command | str],
    start: int,
    profile: SrtpProfile,
) -> tuple[list[list[bytes]], list[Event], object]:
    bench = Bench(kind, sockets, profile)
    bench.add_publisher()
    for stream in (0, 1):
        bench.do(
            AddProducer(
                f"v{stream}",
                "p",
                10 * stream,
                "video",
                90000,
                {96: "VP8", 98: "VP9"},
                rtx_ssrc=10 * stream + 1,
                rtx_payload_types={97: 96},
                extensions=EXTENSIONS,
            )
        )
    for index, sink in enumerate(sinks):
        bench.add_subscriber(f"s{index}", sink)
        rtx_ssrc = None if index == 1 else 90 + index
        route = ROUTE if index < 2 else Route({96: 45, 98: 46}, extensions={1: 2, 5: 1})
        bench.do(
            AddConsumer(f"c{index}", f"v{index % 2}", f"s{index}", 70 + index, route, rtx_ssrc)
        )
    numbers = [start, start + 100]
    for step, item in enumerate(script):
        bench.now = step * 0.3
        if isinstance(item, Media):
            _play_media(bench, item, numbers, step)
        elif isinstance(item, str):
            bench.plane.tick(bench.now)
        else:
            bench.do(item)
    received = [drain(sink) for sink in sinks]
    stats = bench.plane.stats()
    bench.plane.close()
    return received, bench.events, stats


def _play_media(bench: Bench, item: Media, numbers: list[int], step: int) -> None:
    numbers[item.stream] += item.jump
    number = numbers[item.stream] & 0xFFFF
    packet = pack_packet(
        payload_type=98 if item.is_unrouted else 96,
        marker=item.is_keyframe,
        sequence_number=number,
        timestamp=number * 3000 & 0xFFFF_FFFF,
        ssrc=10 * item.stream,
        payload=(KEY if item.is_keyframe else DELTA) + bytes(step),
        extensions=item.elements,
    )
    if item.is_rtx:
        packet = rtx_wrap(packet, payload_type=97, ssrc=10 * item.stream + 1, sequence_number=step)
    bench.publish(packet)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    script=SCRIPT,
    start=st.sampled_from([0, 5, 65530, 32760]),
    profile=st.sampled_from(list(SrtpProfile)),
)
def test_planes_send_equal_bytes(
    sockets: Sockets,
    script: Sequence[Media | Command | str],
    start: int,
    profile: SrtpProfile,
) -> None:
    sinks = _three(sockets)
    portable = play(PortablePlane, sockets, sinks, script, start, profile)
    batch = play(BatchPlane, sockets, sinks, script, start, profile)
    assert portable == batch


def _three(sockets: Sockets) -> list[socket.socket]:
    while len(sockets.opened) < 4:
        sockets.open()
    return sockets.opened[1:4]


# ---------------------------------------------------------------------- choice


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (PlaneKind.AUTO, "batch"),
        (PlaneKind.BATCH, "batch"),
        (PlaneKind.PORTABLE, "portable"),
    ],
)
def test_the_plane_can_be_chosen(sockets: Sockets, kind: PlaneKind, expected: str) -> None:
    listen: Callable[[Event], None] = lambda event: None  # noqa: E731
    assert create_plane(kind, [sockets.out], listen).name == expected
