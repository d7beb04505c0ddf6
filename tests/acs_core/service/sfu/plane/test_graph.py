"""Commands: who sends to whom, in both planes."""

from __future__ import annotations

import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.rtc.feedback import SenderReport
from acs_core.rtc.packet import (
    abs_send_time,
    extensions,
    parse_header,
)
from acs_core.rtc.srtp import SrtpProfile
from acs_core.service.sfu.plane.messages import (
    AddConsumer,
    AddProducer,
    AddTransport,
    Command,
    KeyframeNeeded,
    NoteSenderReport,
    PauseConsumer,
    RemoveConsumer,
    RemoveProducer,
    RemoveTransport,
    Resend,
    ResumeConsumer,
    Route,
    SetAddresses,
    SwitchProducer,
)
from acs_core.service.sfu.plane.state import MAX_RETIRED
from tests.support.plane_bench import (
    KEY,
    ROUTE,
    Bench,
    consumer,
    keys_of,
)


def test_a_pause_leaves_no_gap_and_resumes_with_a_keyframe(bench: Bench) -> None:
    bench.do(consumer())
    bench.send(0, KEY)
    bench.send(1)
    bench.do(PauseConsumer("c"), PauseConsumer("c"))
    bench.send(2)
    assert not bench.stats().consumers["c"].is_sending
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
    assert bench.stats().consumers["c"].producer == "w"


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
    assert bench.stats().consumers["c"].producer == "x"


def test_a_switch_while_paused_or_waiting_is_made_at_once(bench: Bench) -> None:
    bench.add_video("w", 20)
    bench.do(consumer(), SwitchProducer("c", "w", ROUTE))
    bench.send(0, KEY)
    bench.send(700, KEY, ssrc=20)
    bench.do(PauseConsumer("c"), SwitchProducer("c", "v", ROUTE), ResumeConsumer("c"))
    bench.send(701, KEY, ssrc=20)
    bench.send(1, KEY)
    assert bench.numbers("s") == [1, 2]
    assert bench.stats().consumers["c"].producer == "v"


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
    assert bench.stats().consumers["c"].producer is None
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
    assert bench.stats().dropped["unknown_address"] == 1
    assert bench.stats().producers == {}


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
    before = bench.stats()
    with pytest.raises(InvalidArgumentError):
        bench.do(command)
    assert bench.stats() == before


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
