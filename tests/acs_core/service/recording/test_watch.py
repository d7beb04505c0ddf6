from __future__ import annotations

import uuid
from typing import cast

import pytest

from acs_core import wire
from acs_core.core.facts import Priority, PublicationKind
from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.recording.watch import RecordingWatch
from acs_core.service.rooms import RoomOptions, Rooms, RoomTimes
from acs_core.service.sfu.changes import Layer, StreamReceived
from acs_core.service.sfu.plane.messages import ConnectionStats, ProducerStats
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.transport import MediaTransport


class Publisher(EndpointObserver):
    def __init__(self) -> None:
        self.told: list[bool] = []

    def on_media_missing(self, publication: str, *, is_missing: bool) -> None:
        self.told.append(is_missing)


class Studio:
    """A recorded room with one publisher, and the plane's counts as the test says."""

    def __init__(self) -> None:
        self.calls = Calls(rooms=Rooms(), times=RoomTimes(empty=0.0, unused=0.0))
        self.calls.rooms.create(
            unique_name="daily", options=RoomOptions(recording_rules=INCLUDE_ALL)
        )
        self.anna = Principal("8:acs:r_anna", PrincipalKind.ACS, 2e9)
        self.call = self.calls.resolve(wire.RoomLocator(room="daily"), self.anna)
        self.packets: dict[str, int] = {}
        self.watch = RecordingWatch(self.calls, self._stats, lost_after=3.0)
        self.endpoint, self.publisher = self.join()

    def join(self) -> tuple[Endpoint, Publisher]:
        publisher = Publisher()
        return self.call.join(uuid.uuid4().hex, self.anna, publisher), publisher

    def publish(self, source: str | None = "p") -> str:
        camera = wire.NewPublication(key="k", kind=PublicationKind.VIDEO)
        (info,) = self.endpoint.publish([camera])
        if source is not None:
            self.endpoint.attach(info.id, producer(source))
        return info.id

    def _stats(self, _: MediaTransport) -> ConnectionStats:
        counts = {
            name: ProducerStats(packets, 0, 0, 0.0, 0, 0, None)
            for name, packets in self.packets.items()
        }
        return ConnectionStats(0.0, counts, {})


def producer(name: str) -> Producer:
    layers = (Layer("q", 1, None), Layer("f", 2, None))
    stream = StreamReceived("0", "video", layers, "-", "t", {96: "VP8/90000"}, {}, {})
    return Producer(name, stream, cast("MediaTransport", None))


@pytest.fixture
def studio() -> Studio:
    return Studio()


def test_media_that_ceases_is_missing_until_it_comes_again(studio: Studio) -> None:
    studio.publish()
    for now in range(5):
        studio.packets["p"] = now
        studio.watch.measure(float(now))
    studio.watch.measure(6.9)
    assert studio.publisher.told == []
    studio.watch.measure(7.0)
    studio.watch.measure(8.0)
    assert studio.publisher.told == [True]
    # Another layer counts as well as the first.
    studio.packets["p.1"] = 1
    studio.watch.measure(9.0)
    assert studio.publisher.told == [True, False]


def test_media_that_never_came_is_missing_too(studio: Studio) -> None:
    studio.publish(source=None)
    for now in (0.0, 3.0):
        studio.watch.measure(now)
    assert studio.publisher.told == [True]


def test_who_muted_or_is_not_recorded_is_not_warned(studio: Studio) -> None:
    publication = studio.publish()
    studio.endpoint.update(publication, enabled=False, priority=Priority.STANDARD)
    for now in (0.0, 5.0):
        studio.watch.measure(now)
    assert studio.publisher.told == []
    studio.endpoint.update(publication, enabled=True, priority=Priority.STANDARD)
    for now in (10.0, 15.0):
        studio.watch.measure(now)
    assert studio.publisher.told == [True]
    studio.call.set_recording_rules(EXCLUDE_ALL)
    studio.watch.measure(16.0)
    assert studio.publisher.told == [True, False]


def test_nobody_is_told_of_what_is_gone(studio: Studio) -> None:
    publication = studio.publish()
    for now in (0.0, 5.0):
        studio.watch.measure(now)
    studio.endpoint.unpublish(publication)
    studio.watch.measure(6.0)
    studio.publish()
    for now in (7.0, 12.0):
        studio.watch.measure(now)
    studio.endpoint.leave()
    studio.watch.measure(13.0)
    assert studio.publisher.told == [True, True]
