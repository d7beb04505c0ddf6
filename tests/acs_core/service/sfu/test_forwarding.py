from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.rtc.packet import Uri
from acs_core.service.sfu.changes import Layer, StreamAccepted, StreamReceived
from acs_core.service.sfu.forwarding import Forwarder
from acs_core.service.sfu.plane.messages import (
    AddConsumer,
    Command,
    PauseConsumer,
    Plane,
    RemoveConsumer,
    ResumeConsumer,
    Route,
    SwitchProducer,
)
from acs_core.service.sfu.producer import Consumer, Producer
from acs_core.service.sfu.transport import MediaTransport

EXTENSIONS: dict[str, int] = {Uri.MID: 1, Uri.ABS_SEND_TIME: 2, Uri.VIDEO_ORIENTATION: 4}
LAYERS = (Layer(None, 10, None), Layer(None, 20, None))
STREAM = StreamReceived(
    "0", "video", LAYERS, "-", "t", {96: "vp8/90000", 98: "vp9/90000"}, {}, EXTENSIONS
)
ACCEPTED = StreamAccepted(
    "key",
    "s0",
    77,
    78,
    {"vp8/90000": 100},
    {100: 101},
    {Uri.MID: 5, Uri.ABS_SEND_TIME: 6, Uri.VIDEO_ORIENTATION: 7},
)
ROUTE = Route({96: 100}, {100: 101}, {4: 7}, 6)


class Scene:
    """One consumer of two layers; writes down what the plane is told."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.is_refusing = False
        plane = SimpleNamespace(handle=self.handle)
        transport = cast("MediaTransport", SimpleNamespace(id="t"))
        self.producer = Producer("p", STREAM, transport)
        for layer in self.producer.layers:
            layer.is_active = True
        self.consumer = Consumer("c", "key", self.producer, transport, ACCEPTED)
        self.forwarder = Forwarder(cast("Plane", plane), lambda: 5.0)

    def handle(self, command: Command, now: float) -> None:
        if self.is_refusing:
            raise InvalidArgumentError("refused")
        self.commands.append(command)

    def refresh(self, wanted: int | None = None, *, is_paused: bool = False) -> list[Command]:
        self.consumer.wanted_layer = wanted
        self.consumer.is_paused = is_paused
        self.forwarder.refresh(self.consumer)
        told, self.commands[:] = self.commands[:], []
        return told


@pytest.fixture
def scene() -> Scene:
    return Scene()


def added(layer: str, *, is_paused: bool = False) -> AddConsumer:
    return AddConsumer("c", layer, "t", 77, ROUTE, 78, is_paused)


def test_a_consumer_begins_as_it_is_wanted(scene: Scene) -> None:
    assert scene.refresh() == [added("p")]
    assert scene.refresh() == []


def test_a_consumer_may_begin_paused_at_a_layer(scene: Scene) -> None:
    assert scene.refresh(1, is_paused=True) == [added("p.1", is_paused=True)]
    assert scene.refresh(1, is_paused=True) == []
    assert scene.refresh(1) == [ResumeConsumer("c")]


def test_nothing_is_told_before_the_subscriber_agreed(scene: Scene) -> None:
    scene.consumer.accepted = None
    assert scene.refresh() == []


def test_nothing_is_told_while_no_packets_are_known(scene: Scene) -> None:
    for layer in scene.producer.layers:
        layer.ssrc = None
    assert scene.refresh() == []


def test_another_layer_is_a_switch(scene: Scene) -> None:
    scene.refresh(0)
    assert scene.refresh(1) == [SwitchProducer("c", "p.1", ROUTE)]
    assert scene.refresh(1) == []


def test_what_the_plane_refused_is_told_again(scene: Scene) -> None:
    scene.is_refusing = True
    with pytest.raises(InvalidArgumentError):
        scene.refresh(0)
    scene.is_refusing = False
    assert scene.refresh(0) == [added("p")]
    scene.is_refusing = True
    with pytest.raises(InvalidArgumentError):
        scene.refresh(1)
    scene.is_refusing = False
    assert scene.refresh(1) == [SwitchProducer("c", "p.1", ROUTE)]


def test_a_pause_comes_before_a_switch_and_a_resumption_behind_it(scene: Scene) -> None:
    scene.refresh(0)
    scene.consumer.forwarded = scene.producer.layers[0]
    assert scene.refresh(1, is_paused=True) == [
        PauseConsumer("c"),
        SwitchProducer("c", "p.1", ROUTE),
    ]
    assert scene.consumer.forwarded is None
    assert scene.refresh(0) == [SwitchProducer("c", "p", ROUTE), ResumeConsumer("c")]


def test_a_consumer_that_was_removed_begins_again_as_wanted(scene: Scene) -> None:
    scene.forwarder.remove(scene.consumer)
    assert scene.commands == []
    scene.refresh(1, is_paused=True)
    scene.forwarder.remove(scene.consumer)
    assert scene.commands == [RemoveConsumer("c")]
    scene.commands.clear()
    assert scene.refresh(1, is_paused=True) == [added("p.1", is_paused=True)]


def test_a_muted_stream_is_paused_for_everybody_until_it_is_heard_again(scene: Scene) -> None:
    changed: list[Producer] = []
    scene.producer.transport = cast(
        "MediaTransport", SimpleNamespace(id="t", layers_changed=changed.append)
    )
    scene.producer.mute(True)
    scene.producer.mute(True)
    assert changed == [scene.producer]
    assert scene.refresh(1) == [added("p.1", is_paused=True)]
    scene.producer.mute(False)
    assert scene.refresh(1) == [ResumeConsumer("c")]
    scene.producer.mute(True)
    assert scene.consumer.layer is None
    assert scene.refresh(1, is_paused=True) == [PauseConsumer("c")]
    scene.producer.mute(False)
    assert scene.refresh(1, is_paused=True) == []
