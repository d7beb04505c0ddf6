"""A video in several layers: one of them reaches a subscriber, another when it is wished."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from functools import partial

import pytest

from acs_core.core.receiving import Dimensions
from acs_core.errors import InvalidArgumentError
from acs_core.media.frames import VideoFrame
from acs_core.media.receiver import StreamReceiver
from acs_core.media.subscribing import SubscribePeer
from acs_core.rtc.feedback import Remb
from acs_core.rtc.packet import sequence_difference, timestamp_difference
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.plane.messages import AddConsumer, Command
from acs_core.service.sfu.producer import Producer
from tests.support.engine_peers import Side, TappedSubscriber, take_offer
from tests.support.events import DEADLINE, until
from tests.support.media_checks import BLUE, is_color, watch
from tests.support.simulcast_publisher import TRACK, LayerNames, SimulcastPublisher

SIZES = ((160, 90), (320, 180), (640, 360))


class Scene:
    """One publisher of three layers, one subscriber."""

    def __init__(self, engine: SfuEngine, names: LayerNames, sizes: tuple[tuple[int, int], ...]):
        self.engine = engine
        self.publisher = SimulcastPublisher(sizes, names, BLUE)
        self.subscriber = TappedSubscriber()
        self.incoming, self.outgoing = Side(engine), Side(engine)

    async def open(self) -> None:
        answer = self.incoming.transport.accept_offer(await self.publisher.create_offer())
        await self.publisher.accept_answer(answer)
        await self.publisher.connected(DEADLINE)
        self.outgoing.forward({"v": self.producer})
        await take_offer(self.outgoing, self.subscriber)

    async def close(self) -> None:
        await self.subscriber.close()
        await self.publisher.close()

    @property
    def producer(self) -> Producer:
        return self.incoming.transport.producers[TRACK]

    @property
    def receiver(self) -> StreamReceiver:
        return self.subscriber.receivers_by_track["v"]

    def choose(self, layer: int | None, *, is_paused: bool = False) -> None:
        self.outgoing.transport.set_forwarding("v", layer=layer, is_paused=is_paused)

    @property
    def layer(self) -> int | None:
        return self.outgoing.transport.consumers["v"].layer


@pytest.fixture
def names() -> LayerNames:
    """How the layers are told apart where that makes no difference any more."""
    return LayerNames.SIM_GROUP


@pytest.fixture
async def scene(engine: SfuEngine, names: LayerNames) -> AsyncIterator[Scene]:
    made = Scene(engine, names, SIZES)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


def is_active(scene: Scene, layer: int) -> bool:
    return scene.producer.layers[layer].is_active


async def see(receiver: StreamReceiver, width: int) -> None:
    """Watch until pictures are of this width, and still move and are whole."""
    frames = receiver.frames()
    async with asyncio.timeout(DEADLINE):
        async for frame in frames:
            if isinstance(frame, VideoFrame) and frame.width == width:
                break
    color, counters = await watch(frames, count=4)  # type: ignore[arg-type]
    frames.close()
    assert is_color(color, BLUE)
    assert counters == sorted(counters)
    assert receiver.stats(0.0).frame_width == width


@pytest.mark.parametrize("names", list(LayerNames))
async def test_the_picture_changes_its_size_and_nothing_else(scene: Scene) -> None:
    for layer in (0, 2, 1, 0, 2):
        await until(partial(is_active, scene, layer))
        scene.choose(layer)
        await see(scene.receiver, SIZES[layer][0])
        assert scene.layer == layer
    assert {header.ssrc for header, _ in scene.subscriber.packets} == {scene.receiver.encoding.ssrc}
    headers = sorted(
        (header for header, _ in scene.subscriber.packets),
        key=lambda header: sequence_difference(
            header.sequence_number, scene.subscriber.packets[0][0].sequence_number
        ),
    )
    for one, two in itertools.pairwise(headers):
        assert sequence_difference(two.sequence_number, one.sequence_number) == 1
        assert 0 <= timestamp_difference(two.timestamp, one.timestamp) < 300_000


@pytest.mark.parametrize("names", list(LayerNames))
async def test_every_layer_is_measured(scene: Scene) -> None:
    changed: list[Producer] = []
    scene.engine.on_layers = changed.append
    await until(lambda: all(state.is_active for state in scene.producer.layer_states()))
    await until(lambda: all(state.dimensions for state in scene.producer.layer_states()))
    states = scene.producer.layer_states()
    assert [state.dimensions for state in states] == [
        Dimensions(width=width, height=height) for width, height in SIZES
    ]
    await until(lambda: all(state.bitrate_bps > 0 for state in scene.producer.layer_states()))
    ssrcs = scene.producer.ssrcs
    assert len(set(ssrcs)) == 3
    await until(
        lambda: any(isinstance(p, Remb) and p.ssrcs == ssrcs for p in scene.publisher.feedback)
    )
    scene.publisher.layers[2].enabled = False
    await until(lambda: not scene.producer.layers[2].is_active)
    assert changed[-1] is scene.producer


async def test_a_pause_stops_packets_and_a_picture_is_there_soon_after(scene: Scene) -> None:
    scene.choose(1)
    await see(scene.receiver, 320)
    scene.choose(1, is_paused=True)
    sent = scene.engine.stats(max_age=0.0).consumers
    (before,) = (item.packets for item in sent.values())

    def arrived() -> int:
        return scene.engine.stats(max_age=0).producers[scene.producer.id].packets

    enough = arrived() + 10
    await until(lambda: arrived() > enough)
    (after,) = (item.packets for item in scene.engine.stats(max_age=0).consumers.values())
    assert after == before
    assert scene.layer is None
    scene.choose(2)
    await see(scene.receiver, 640)


async def test_a_layer_that_is_not_sent_is_replaced_until_it_is(scene: Scene) -> None:
    await until(lambda: all(state.is_active for state in scene.producer.layer_states()))
    scene.choose(2)
    await see(scene.receiver, 640)
    scene.publisher.layers[2].enabled = False
    await see(scene.receiver, 320)
    assert scene.layer == 1
    scene.publisher.layers[2].enabled = True
    await see(scene.receiver, 640)


async def test_a_publisher_that_comes_back_keeps_the_wish(engine: SfuEngine) -> None:
    first = Scene(engine, LayerNames.SIM_GROUP, SIZES)
    second = Scene(engine, LayerNames.RID, SIZES)
    try:
        await first.open()
        await until(lambda: first.producer.layers[2].is_active)
        first.choose(2)
        await see(first.receiver, 640)
        await second.open()
        assert first.outgoing.transport.switch("v", second.producer)
        await first.incoming.transport.close()
        await until(lambda: second.producer.layers[2].is_active)
        await until(lambda: first.layer == 2)
        await see(first.receiver, 640)
    finally:
        await first.close()
        await second.close()


async def test_layers_in_any_order_are_sorted_by_their_size(engine: SfuEngine) -> None:
    scene = Scene(engine, LayerNames.RID, SIZES[::-1])
    try:
        await scene.open()
        await until(lambda: all(state.dimensions for state in scene.producer.layer_states()))
        widths = [state.dimensions.width for state in scene.producer.layer_states()]  # type: ignore[union-attr]
        assert widths == [160, 320, 640]
        scene.choose(0)
        await see(scene.receiver, 160)
        assert [layer.rid for layer in scene.producer.layers] == ["f", "h", "q"]
    finally:
        await scene.close()


async def test_a_description_that_names_an_ssrc_twice_harms_nobody(engine: SfuEngine) -> None:
    scene = Scene(engine, LayerNames.SIM_GROUP, SIZES)
    offer = await scene.publisher.create_offer()
    group = next(line for line in offer.split("\r\n") if line.startswith("a=ssrc-group:SIM"))
    *_, first, second, _ = group.split()
    wrong = offer.replace(group, f"a=ssrc-group:SIM {first} {second} {first}")
    try:
        await scene.publisher.accept_answer(scene.incoming.transport.accept_offer(wrong))
        await scene.publisher.connected(DEADLINE)
        scene.outgoing.forward({"v": scene.producer})
        await take_offer(scene.outgoing, scene.subscriber)
        await until(partial(is_active, scene, 1))
        scene.choose(2)
        await see(scene.receiver, 320)
        assert scene.producer.layers[2].ssrc is None
    finally:
        await scene.close()


async def test_a_stream_that_the_plane_refuses_keeps_no_other_from_being_sent(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, side, late = scene.engine, Side(scene.engine), SubscribePeer()
    handle = engine._plane.handle
    refused: list[str] = []

    def refuse(command: Command, now: float) -> None:
        if isinstance(command, AddConsumer):
            refused.append(command.consumer)
            if len(refused) == 1:
                raise InvalidArgumentError("refused")
        handle(command, now)

    monkeypatch.setattr(engine._plane, "handle", refuse)
    side.forward({"one": scene.producer, "two": scene.producer})
    try:
        await take_offer(side, late)
        await see(late.receivers_by_track["two"], 160)
        # It is tried again with the next change.
        side.transport.set_forwarding("one", layer=0, is_paused=False)
        await see(late.receivers_by_track["one"], 160)
        assert len(refused) == 3
    finally:
        await late.close()


async def test_a_subscriber_that_began_paused_gets_nothing(engine: SfuEngine) -> None:
    scene = Scene(engine, LayerNames.SIM_GROUP, SIZES)
    late = SubscribePeer()
    side = Side(engine)
    try:
        await scene.open()
        side.forward({"v": scene.producer})
        side.transport.set_forwarding("v", layer=1, is_paused=True)
        side.transport.set_forwarding("unknown", layer=1, is_paused=True)
        await take_offer(side, late)
        scene.choose(0)
        await see(scene.receiver, 160)
        name = side.transport.consumers["v"].id
        await until(lambda: name in engine.stats(max_age=0).consumers)
        assert engine.stats(max_age=0).consumers[name].packets == 0
        side.transport.set_forwarding("v", layer=1, is_paused=False)
        await see(late.receivers_by_track["v"], 320)
    finally:
        await late.close()
        await scene.close()
