from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import cast

import pytest

from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.service.sfu.changes import Layer, SsrcPolicy, StreamAccepted, StreamReceived
from acs_core.service.sfu.client_feedback import ClientFeedback
from acs_core.service.sfu.negotiation import Negotiation
from acs_core.service.sfu.outgoing import OutgoingStreams
from acs_core.service.sfu.plane.messages import (
    AddConsumer,
    Command,
    PauseConsumer,
    Plane,
    RemoveConsumer,
)
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.transport import MediaTransport

STREAM = StreamReceived("0", "video", (Layer(None, 10, None),), "-", "t", {96: "vp8/90000"}, {}, {})
ACCEPTED = StreamAccepted("key", "s0", 77, None, {"vp8/90000": 100}, {}, {})


class Scene:
    """A connection that is sent one stream; writes down what the plane is told."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.is_refusing = False
        self.transport = SimpleNamespace(id="t", is_connected=True)
        owner = cast("MediaTransport", self.transport)
        plane = cast("Plane", SimpleNamespace(handle=self.handle))
        numbers = itertools.count(1)
        negotiation = Negotiation(
            session_id=1,
            ssrc_policy=SsrcPolicy.FRESH,
            always_receive=False,
            new_ssrc=lambda: next(numbers),
        )
        feedback = ClientFeedback(plane, lambda: 5.0)
        self.producer = Producer("p", STREAM, owner)
        self.outgoing = OutgoingStreams(
            owner, plane, feedback, negotiation, lambda: 5.0, lambda: None
        )
        self.outgoing.forward("key", self.producer, "stream", "track")

    def handle(self, command: Command, now: float) -> None:
        if self.is_refusing:
            raise InvalidArgumentError("refused")
        self.commands.append(command)

    def take_commands(self) -> list[Command]:
        taken, self.commands[:] = list(self.commands), []
        return taken


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_stream_is_sent_once_the_client_accepted_it(scene: Scene) -> None:
    assert scene.take_commands() == []
    assert list(scene.producer.consumers.values()) == list(scene.outgoing.by_key.values())
    scene.outgoing.accepted(ACCEPTED)
    (added,) = scene.take_commands()
    assert isinstance(added, AddConsumer)
    assert (added.ssrc, added.is_paused) == (77, False)
    with pytest.raises(InvalidStateError):
        scene.outgoing.forward("key", scene.producer, "stream", "track")


def test_a_wish_outlives_what_comes_between(scene: Scene) -> None:
    scene.outgoing.set("key", layer=None, is_paused=True)
    scene.transport.is_connected = False
    scene.outgoing.accepted(ACCEPTED)
    assert scene.take_commands() == []
    scene.transport.is_connected = True
    scene.outgoing.connected()
    (added,) = scene.take_commands()
    assert isinstance(added, AddConsumer)
    assert added.is_paused


def test_other_numbers_are_another_stream_for_the_plane(scene: Scene) -> None:
    scene.outgoing.accepted(ACCEPTED)
    scene.take_commands()
    scene.outgoing.renumbered("key", 88, None)
    removed, added = scene.take_commands()
    assert isinstance(removed, RemoveConsumer)
    assert isinstance(added, AddConsumer)
    assert added.ssrc == 88


def test_what_is_refused_does_not_come_back_with_the_next_wish(scene: Scene) -> None:
    scene.outgoing.accepted(ACCEPTED)
    scene.outgoing.refused("key")
    assert isinstance(scene.take_commands()[-1], RemoveConsumer)
    scene.outgoing.set("key", layer=None, is_paused=False)
    assert scene.take_commands() == []


def test_a_stream_that_the_plane_refuses_raises_nothing(scene: Scene) -> None:
    scene.is_refusing = True
    scene.outgoing.accepted(ACCEPTED)
    scene.is_refusing = False
    scene.outgoing.set("key", layer=None, is_paused=False)
    assert [type(item) for item in scene.take_commands()] == [AddConsumer]


def test_whoever_comes_back_goes_on_in_the_same_stream(scene: Scene) -> None:
    scene.outgoing.accepted(ACCEPTED)
    again = Producer("q", STREAM, cast("MediaTransport", scene.transport))
    assert scene.outgoing.switch("key", again)
    assert not scene.producer.consumers
    assert list(again.consumers.values()) == list(scene.outgoing.by_key.values())
    assert not scene.outgoing.switch("another", again)


def test_what_stops_is_gone(scene: Scene) -> None:
    scene.outgoing.accepted(ACCEPTED)
    scene.outgoing.set("key", layer=None, is_paused=True)
    assert isinstance(scene.take_commands()[-1], PauseConsumer)
    scene.outgoing.stop_all()
    assert isinstance(scene.take_commands()[-1], RemoveConsumer)
    assert not scene.outgoing.by_key
    assert not scene.producer.consumers
    scene.outgoing.stop("key")
