"""What both planes do with packets."""

from __future__ import annotations

import socket

import pytest

from acs_core.rtc.packet import (
    abs_send_time,
    extensions,
    pack_packet,
    parse_header,
    rtx_unwrap,
    rtx_wrap,
)
from acs_core.rtc.srtp import SrtpProfile
from acs_core.service.sfu.plane.batch import BatchPlane
from acs_core.service.sfu.plane.graph import KEYFRAME_PATIENCE
from acs_core.service.sfu.plane.messages import (
    AddProducer,
    AddTransport,
    ExpectKeyframe,
    KeyframeNeeded,
    KeyframeSeen,
    PauseConsumer,
    Resend,
    Route,
    SetAddresses,
)
from acs_core.service.sfu.plane.portable import PortablePlane
from tests.support.plane_bench import (
    DELTA,
    KEY,
    ROUTE,
    Bench,
    Sockets,
    consumer,
    drain,
    keys_of,
)


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
    stats = bench.stats()
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
    assert bench.stats().dropped["not_sent"] == 2


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
    assert bench.stats().dropped["duplicate"] == 1
    assert bench.stats().producers["v"].repaired == 1


def test_rtx_padding_and_unknown_rtx_payload_types_are_dropped(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    for number, payload_type, payload in ((4, 97, b""), (5, 99, b"\0\1xx")):
        bench.send(number, payload, ssrc=11, payload_type=payload_type)
    bench.send(6, b"\0\1", ssrc=11, payload_type=97)
    assert bench.stats().dropped["rtx_padding"] == 2


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
    assert bench.stats().consumers["c"].resent == 2
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
