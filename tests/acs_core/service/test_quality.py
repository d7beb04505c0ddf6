from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from acs_core import wire
from acs_core.core.facts import PublicationKind
from acs_core.rtc.feedback import ReportBlock
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.quality import QualityMonitor
from acs_core.service.rooms import Rooms
from acs_core.service.sfu.changes import Layer, StreamAccepted, StreamReceived
from acs_core.service.sfu.plane.messages import ConnectionStats, ConsumerStats, ProducerStats
from acs_core.service.sfu.producer import Consumer, Producer
from acs_core.service.sfu.quality import ClientReport
from acs_core.service.sfu.transport import MediaTransport

GROUP = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
VIDEO = StreamReceived(
    "0",
    "video",
    (Layer(None, 1, None), Layer(None, 2, None)),
    "-",
    "t",
    {96: "vp8/90000"},
    {},
    {},
)


class Connection:
    """What the monitor reads of a `MediaTransport`."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.producers: dict[str, Producer] = {}
        self.consumers: dict[str, Consumer] = {}
        self.received_blocks: dict[int, ReportBlock] = {}
        self.heard_at: dict[int, float] = {}
        self.downlink_bps: int | None = None

    def report_heard_at(self, ssrc: int) -> float | None:
        return self.heard_at.get(ssrc)


class Adapter(EndpointObserver):
    def __init__(self, name: str = "t") -> None:
        self.connection = Connection(name)
        self.report: ClientReport | None = None
        self.told: list[wire.QualityLevel] = []

    @property
    def transports(self) -> Sequence[MediaTransport]:
        return (cast("MediaTransport", self.connection),)

    @property
    def client_report(self) -> ClientReport | None:
        return self.report

    def on_quality(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        self.told += levels


def counts(packets: int, octets: int, lost: int = 0) -> ProducerStats:
    return ProducerStats(packets, octets, lost, 0.01, 0, 0, None)


class Place:
    """One sender, with two layers, and one receiver."""

    def __init__(self, *, is_listening: bool = True) -> None:
        self.calls = Calls(rooms=Rooms())
        who = Principal("8:acs:r_a", PrincipalKind.ACS, 2e9)
        self.call = self.calls.resolve(GROUP, who)
        self.sender, self.receiver = Adapter("s"), Adapter("r")
        policy = wire.ReceivePolicy(quality=is_listening)
        self.ends: list[Endpoint] = [
            self.call.join("a" * 32, who, self.sender),
            self.call.join("b" * 32, who, self.receiver, policy=policy),
        ]
        self.ends[0].publish([wire.NewPublication(key="v", kind=PublicationKind.VIDEO)])
        incoming = cast("MediaTransport", self.sender.connection)
        outgoing = cast("MediaTransport", self.receiver.connection)
        self.producer = self.sender.connection.producers["t"] = Producer("p", VIDEO, incoming)
        consumer = Consumer("c", "key", self.producer, outgoing)
        consumer.accepted = StreamAccepted("key", "0", 9, None, {}, {}, {})
        self.receiver.connection.consumers["key"] = consumer
        self.stats = ConnectionStats(0.0, {}, {})
        self.turns: deque[Callable[[], None]] = deque()
        self.monitor = QualityMonitor(self.calls, lambda _: self.stats, self.turns.append)

    def measure(self, now: float, packets: int, lost: int = 0, fraction: int = 0) -> None:
        """Both layers have so many packets of 100 bytes by now; the receiver reports."""
        ids = self.producer.plane_ids
        sent = {key: counts(packets, 100 * packets, lost) for key in ids}
        consumers = {"c": ConsumerStats("p", packets, 100 * packets, 0, True, 0)}
        self.stats = ConnectionStats(now, sent, consumers)
        self.receiver.connection.received_blocks[9] = ReportBlock(9, fraction, 0, 0, 900, 0, 0)
        self.receiver.connection.downlink_bps = 1_000_000
        self.monitor.measure(now)
        self.take_turns()

    def take_turns(self) -> None:
        while self.turns:
            self.turns.popleft()()

    def level(self, number: int) -> wire.QualityLevel:
        return next(item for item in self.call.quality if item.endpoint == self.ends[number].id)


def details(level: wire.QualityLevel) -> wire.QualityDetails:
    assert level.details is not None
    return level.details


async def test_details_say_what_was_measured_of_all_layers_together() -> None:
    place = Place()
    place.sender.report = ClientReport(available_send_bps=500_000.0, round_trip=0.02)
    place.measure(0.0, 100)
    place.measure(1.0, 200, lost=25, fraction=64)
    sent = details(place.level(0)).video_send
    assert sent == wire.StreamQuality(
        bandwidth=5,
        latency=5,
        loss=1,
        actual_bps=160_000.0,
        available_bps=500_000.0,
        jitter=0.01,
        round_trip=0.02,
        fraction_lost=0.2,
    )
    received = details(place.level(1)).video_receive
    assert received is not None
    assert (received.actual_bps, received.available_bps) == (60_000.0, 1_000_000.0)
    assert (received.fraction_lost, received.jitter) == (0.25, 0.01)
    assert details(place.level(1)).video_send is None
    assert details(place.level(0)).audio_receive is None


async def test_levels_are_told_when_they_change_and_details_are_kept_up_in_between() -> None:
    place = Place()
    for second in range(4):
        place.measure(float(second), 100 * second * second)
    first, *later = place.receiver.told[:2]
    assert {first.endpoint, later[0].endpoint} == {end.id for end in place.ends}
    count = len(place.receiver.told)
    before = details(place.level(0)).video_send
    place.measure(4.0, 5000)
    assert len(place.receiver.told) == count
    after = details(place.level(0)).video_send
    assert before is not None
    assert after is not None
    assert (after.actual_bps or 0) > (before.actual_bps or 0)


async def test_each_turn_measures_one_and_who_left_meanwhile_is_not_told_of() -> None:
    place = Place()
    place.measure(0.0, 100)
    told = len(place.receiver.told)
    place.sender.report = ClientReport(round_trip=0.6)
    place.monitor.measure(1.0)
    place.turns.popleft()()
    assert len(place.turns) == 1
    place.monitor.measure(2.0)
    assert len(place.turns) == 1  # a round that is not over is not begun again
    place.ends[0].leave()
    place.take_turns()
    assert place.ends[0].id not in {level.endpoint for level in place.receiver.told[told:]}
    assert [level.endpoint for level in place.call.quality] == [place.ends[1].id]
    place.measure(3.0, 200)
    assert not place.turns


async def test_without_listeners_there_are_levels_and_no_details() -> None:
    place = Place(is_listening=False)
    place.measure(0.0, 100)
    place.measure(1.0, 200)
    assert place.receiver.told == []
    assert [item.details for item in place.call.quality] == [None, None]


async def test_a_stream_that_stopped_is_not_measured() -> None:
    place = Place()
    for second in (0, 1, 2):
        place.measure(float(second), 100)
    assert details(place.level(0)).video_send is None
    place.stats = ConnectionStats(place.stats.at, {}, {})
    place.monitor.measure(3.0)
    place.take_turns()
    assert place.level(0).video_send is None


async def test_a_clients_own_round_trip_counts_for_its_latency() -> None:
    place = Place()
    place.measure(0.0, 100)
    place.sender.report = ClientReport(round_trip=0.6)
    place.measure(1.0, 200)
    assert place.level(0).video_send == 2
    assert place.level(0).level == 2


@pytest.mark.parametrize("now", [0.0, 1.0])
async def test_two_rounds_at_one_time_have_no_bit_rate(now: float) -> None:
    place = Place()
    place.measure(now, 100)
    place.measure(now, 200)
    sent = details(place.level(0)).video_send
    assert sent is not None
    assert sent.actual_bps == 0.0
