from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.rtc.feedback import PictureLossIndication, RtcpPacket
from acs_core.service.sfu.changes import Layer, StreamReceived
from acs_core.service.sfu.client_feedback import ClientFeedback
from acs_core.service.sfu.incoming import IncomingStreams
from acs_core.service.sfu.listeners import StreamIndex
from acs_core.service.sfu.plane.messages import (
    AddProducer,
    Command,
    ExpectKeyframe,
    Plane,
    RemoveProducer,
)
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.transport import MediaTransport

STREAM = StreamReceived("0", "video", (Layer(None, 10, 11),), "-", "t", {96: "vp8/90000"}, {}, {})


class Scene(StreamIndex):
    """A connection that sends; writes down what the plane, the client and the index are told."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.sent: list[RtcpPacket] = []
        self.known: list[Producer] = []
        self.refused: set[int] = set()
        self.transport = SimpleNamespace(
            id="t", is_connected=True, send_rtcp=self.sent.extend, layers_changed=lambda _: None
        )
        plane = cast("Plane", SimpleNamespace(handle=self.handle))
        feedback = ClientFeedback(plane, lambda: 5.0)
        owner = cast("MediaTransport", self.transport)
        self.incoming = IncomingStreams(owner, plane, feedback, self, lambda: 5.0)

    def handle(self, command: Command, now: float) -> None:
        if isinstance(command, AddProducer) and command.ssrc in self.refused:
            raise InvalidArgumentError("refused")
        self.commands.append(command)

    def take_commands(self) -> list[type[Command]]:
        taken, self.commands[:] = [type(item) for item in self.commands], []
        return taken

    def producer_added(self, producer: Producer) -> None:
        self.known.append(producer)

    def producer_removed(self, producer: Producer) -> None:
        self.known.remove(producer)

    def transport_closed(self, transport: MediaTransport) -> None:
        raise AssertionError(transport)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_was_announced_early_reaches_the_plane_when_the_connection_is_ready(
    scene: Scene,
) -> None:
    scene.transport.is_connected = False
    scene.incoming.receive(STREAM)
    assert list(scene.incoming.by_track) == ["t"]
    assert scene.take_commands() == []
    scene.transport.is_connected = True
    scene.incoming.connected()
    assert scene.take_commands() == [AddProducer]


def test_another_shape_of_a_stream_takes_the_place_of_the_first(scene: Scene) -> None:
    scene.incoming.receive(STREAM)
    scene.incoming.receive(replace(STREAM, extensions={"a": 1}))
    assert scene.take_commands() == [AddProducer, RemoveProducer, AddProducer]
    assert scene.known == list(scene.incoming.by_track.values())
    scene.incoming.end_all()
    assert not scene.known
    assert not scene.incoming.by_track


def test_a_layer_that_the_plane_refuses_waits_for_packets_of_its_own(scene: Scene) -> None:
    scene.refused = {10}
    scene.incoming.receive(STREAM)
    (producer,) = scene.known
    assert producer.ssrcs == ()
    scene.incoming.request_keyframes()
    assert scene.sent == []


def test_keyframes_are_asked_for_once_in_a_while(scene: Scene) -> None:
    scene.incoming.receive(STREAM)
    scene.take_commands()
    for _ in range(2):
        scene.incoming.request_keyframes()
    assert scene.take_commands() == [ExpectKeyframe] * 2
    assert scene.sent == [PictureLossIndication(1, 10)]
