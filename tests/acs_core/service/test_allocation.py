"""The bandwidth engine in a real service, with real native clients: what is off sends no packet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from acs_core import wire
from acs_core.core.facts import Priority, PublicationKind
from acs_core.core.receiving import (
    BandwidthProfile,
    Dimensions,
    Forwarding,
    PauseReason,
    ReceiveHint,
    ReceivePolicy,
    ReceivePriority,
    SwitchOffMode,
)
from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL
from acs_core.media.sender import SendOptions
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.media.subscribing import SubscribePeer
from acs_core.service.allocation import AllocationTimes
from acs_core.service.app import CallingService, embedded
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.sfu.producer import Consumer, Producer
from acs_core.service.sfu.transport import MediaTransport
from tests.support.engine_peers import Side, take_offer
from tests.support.events import DEADLINE, until
from tests.support.lossy_path import service_behind
from tests.support.media_checks import BLUE
from tests.support.service_client import Participant, group, new_id, participant
from tests.support.session_clients import stream
from tests.support.simulcast_publisher import TRACK, LayerNames, SimulcastPublisher
from tests.support.sources import SnowSource, SwitchedToneSource

PACKETS = 15
ONE = ReceivePolicy(profile=BandwidthProfile(max_tracks=1))


@pytest.fixture(autouse=True)
async def real_time() -> None:
    """Debug mode notes a stack for each callback: a busy machine would lose packets by it."""
    asyncio.get_running_loop().set_debug(False)


@pytest.fixture
async def service() -> AsyncIterator[CallingService]:
    async with embedded() as made:
        yield made


def picture() -> PatternSource:
    return PatternSource(160, 90, 15)


def endpoint(service: CallingService, someone: Participant) -> Endpoint:
    (call,) = service.calls.live.values()
    return call.endpoints[someone.session.id]


def publication(service: CallingService, someone: Participant, name: str = "video") -> str:
    own = endpoint(service, someone).publications.values()
    return next(item.id for item in own if item.info.name == name)


def publication_is_known(service: CallingService, someone: Participant) -> bool:
    own = endpoint(service, someone).publications.values()
    return all(item.source is not None for item in own)


def consumer(service: CallingService, someone: Participant, key: str) -> Consumer | None:
    for transport in endpoint(service, someone).observer.transports:
        if key in transport.consumers:
            return transport.consumers[key]
    return None


def packets(service: CallingService, someone: Participant, key: str) -> int:
    found = consumer(service, someone, key)
    counts = None if found is None else service.engine.stats(max_age=0).consumers.get(found.id)
    return 0 if counts is None else counts.packets


def is_paused(service: CallingService, someone: Participant, key: str) -> bool:
    found = consumer(service, someone, key)
    return found is not None and found.is_paused


def reasons(service: CallingService, someone: Participant) -> dict[str, PauseReason | None]:
    forwardings = endpoint(service, someone).forwardings
    return {key: forwarding.reason for key, forwarding in forwardings.items()}


async def until_sent(service: CallingService, someone: Participant, key: str) -> None:
    before = packets(service, someone, key)
    await until(lambda: packets(service, someone, key) >= before + PACKETS)


async def check_only_one_is_sent(
    service: CallingService, viewer: Participant, on: str, off: str
) -> None:
    """Nothing more of the one that is off, while the other goes on."""
    await until(lambda: reasons(service, viewer).get(off) is not None)
    sent = packets(service, viewer, off)
    await until_sent(service, viewer, on)
    assert packets(service, viewer, off) == sent


async def test_everything_is_forwarded_without_a_policy(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [stream(picture())]) as one,
        participant(service, place, [stream(picture())]) as two,
        participant(service, place) as viewer,
    ):
        for someone in (one, two):
            await until_sent(service, viewer, publication(service, someone))
        assert set(reasons(service, viewer).values()) == {None}
        assert viewer.forwardings == []


@pytest.mark.feature("HOLD-001", "HOLD-002")
async def test_who_is_on_hold_neither_sends_nor_receives_and_the_others_go_on(
    service: CallingService,
) -> None:
    place = group()
    sound_and_picture = [stream(ToneSource(440.0)), stream(picture())]
    async with (
        participant(service, place, sound_and_picture) as holder,
        participant(service, place, [stream(picture())]) as other,
        participant(service, place) as viewer,
    ):
        held = [
            (viewer, publication(service, holder, "audio")),
            (viewer, publication(service, holder)),
            (holder, publication(service, other)),
        ]
        for someone, key in held:
            await until_sent(service, someone, key)
        for is_on_hold in (True, False, True):
            await holder.session.ask(
                wire.SetHold(endpoint=holder.session.id, is_on_hold=is_on_hold)
            )
            if not is_on_hold:
                for someone, key in held:
                    await until_sent(service, someone, key)
        for someone, key in held:
            await until(lambda someone=someone, key=key: is_paused(service, someone, key))  # type: ignore[misc]
        before = [packets(service, someone, key) for someone, key in held]
        # The holder's own client goes on sending; nobody gets it.
        await until_sent(service, viewer, publication(service, other))
        assert [packets(service, someone, key) for someone, key in held] == before
        assert viewer.forwardings == holder.forwardings == []


async def test_a_maximum_of_videos_leaves_the_first_and_stops_the_packets_of_the_other(
    service: CallingService,
) -> None:
    place = group()
    async with (
        participant(service, place, [stream(picture())]) as one,
        participant(service, place, [stream(picture())]) as two,
        participant(service, place) as viewer,
    ):
        first, second = publication(service, one), publication(service, two)
        await until_sent(service, viewer, second)
        await viewer.session.set_receive_policy(ONE)
        await viewer.until(lambda: viewer.forwardings)
        off = Forwarding(publication=second, reason=PauseReason.MAX_TRACKS)
        assert viewer.forwardings == [off]
        await check_only_one_is_sent(service, viewer, first, second)
        assert b"calling_switched_off_videos 1.0" in await _metrics(service)

        await viewer.session.set_receive_policy(ReceivePolicy())
        await viewer.until(lambda: viewer.forwardings[-1].is_on)
        assert len(viewer.forwardings) == 2
        await until_sent(service, viewer, second)


async def test_who_joins_with_a_maximum_never_gets_a_packet_of_the_others(
    service: CallingService,
) -> None:
    place = group()
    async with (
        participant(service, place, [stream(picture())]) as one,
        participant(service, place, [stream(picture())]) as two,
        participant(service, place, receive=ONE) as viewer,
    ):
        first, second = publication(service, one), publication(service, two)
        await until_sent(service, viewer, first)
        assert packets(service, viewer, second) == 0
        assert reasons(service, viewer) == {first: None, second: PauseReason.MAX_TRACKS}


async def test_the_dominant_speaker_takes_the_place(service: CallingService) -> None:
    place = group()
    voices = [SwitchedToneSource(330.0), SwitchedToneSource(440.0)]
    profile = BandwidthProfile(max_tracks=1, speaker_priority=Priority.HIGH)
    async with (
        participant(service, place, [stream(picture()), stream(voices[0])]) as one,
        participant(service, place, [stream(picture()), stream(voices[1])]) as two,
        participant(service, place, receive=ReceivePolicy(profile=profile)) as viewer,
    ):
        first, second = publication(service, one), publication(service, two)
        await check_only_one_is_sent(service, viewer, first, second)
        voices[1].is_on = True
        await viewer.until(lambda: Forwarding(publication=second) in viewer.forwardings)
        await check_only_one_is_sent(service, viewer, second, first)
        # After a silence whoever is on stays on.
        voices[1].is_on = False
        await viewer.until(lambda: viewer.session.roster.speakers.dominant is None)
        await until_sent(service, viewer, second)
        assert reasons(service, viewer) == {first: PauseReason.MAX_TRACKS, second: None}


async def test_priorities_of_publisher_and_receiver_decide(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [stream(picture())]) as one,
        participant(service, place, [stream(picture())]) as two,
        participant(service, place, receive=ONE) as viewer,
    ):
        first, second = publication(service, one), publication(service, two)
        await check_only_one_is_sent(service, viewer, first, second)
        endpoint(service, two).update(second, enabled=True, priority=Priority.HIGH)
        await until(lambda: reasons(service, viewer)[second] is None)
        await check_only_one_is_sent(service, viewer, second, first)
        own = ReceivePriority(publication=second, priority=Priority.LOW)
        policy = ReceivePolicy(profile=ONE.profile, priorities=(own,))
        await viewer.session.set_receive_policy(policy)
        await until(lambda: reasons(service, viewer)[first] is None)
        await check_only_one_is_sent(service, viewer, first, second)


async def test_a_disabled_video_leaves_its_place_to_another(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [stream(picture())]) as one,
        participant(service, place, [stream(picture())]) as two,
        participant(service, place, receive=ONE) as viewer,
    ):
        first, second = publication(service, one), publication(service, two)
        await until_sent(service, viewer, first)
        endpoint(service, one).update(first, enabled=False, priority=Priority.STANDARD)
        await until_sent(service, viewer, second)
        assert reasons(service, viewer) == {first: None, second: None}


async def test_what_is_hidden_is_not_sent_until_it_is_shown(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [stream(picture())]) as one,
        participant(service, place, [stream(picture())]) as two,
        participant(service, place) as viewer,
    ):
        first, second = publication(service, one), publication(service, two)
        await until_sent(service, viewer, first)
        hidden = ReceiveHint(publication=first, enabled=False)
        await viewer.session.set_receive_policy(ReceivePolicy(hints=(hidden,)))
        await check_only_one_is_sent(service, viewer, second, first)
        assert reasons(service, viewer)[first] is PauseReason.HIDDEN
        shown = ReceiveHint(publication=first, enabled=True)
        await viewer.session.set_receive_policy(ReceivePolicy(hints=(shown,)))
        await until_sent(service, viewer, first)
        assert [item.reason for item in viewer.forwardings] == [PauseReason.HIDDEN, None]


async def test_a_tiny_maximum_of_bits_leaves_the_best_and_the_sound(
    service: CallingService,
) -> None:
    place = group()
    voice = SwitchedToneSource(330.0)
    profile = BandwidthProfile(max_bitrate_bps=400)
    async with (
        participant(service, place, [stream(picture()), stream(voice)]) as one,
        participant(service, place, [stream(picture())]) as two,
        participant(service, place, receive=ReceivePolicy(profile=profile)) as viewer,
    ):
        first, second = publication(service, one), publication(service, two)
        await check_only_one_is_sent(service, viewer, first, second)
        assert reasons(service, viewer)[second] is PauseReason.BUDGET
        await until_sent(service, viewer, publication(service, one, "audio"))
        never = BandwidthProfile(max_bitrate_bps=400, switch_off=SwitchOffMode.DISABLED)
        await viewer.session.set_receive_policy(ReceivePolicy(profile=never))
        await until_sent(service, viewer, second)


async def test_an_unsubscribed_video_is_told_on_when_it_is_back(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [stream(picture())]) as one,
        participant(service, place) as viewer,
    ):
        key = publication(service, one)
        await until_sent(service, viewer, key)
        hidden = (ReceiveHint(publication=key, enabled=False),)
        await viewer.session.set_receive_policy(ReceivePolicy(hints=hidden))
        await viewer.until(lambda: len(viewer.forwardings) == 1)
        await viewer.session.set_receive_policy(ReceivePolicy(automatic=False))
        await until(lambda: key not in endpoint(service, viewer).forwardings)
        await viewer.session.set_receive_policy(ReceivePolicy())
        await viewer.until(lambda: len(viewer.forwardings) == 2)
        assert [item.is_on for item in viewer.forwardings] == [False, True]


@pytest.mark.proof
async def test_a_narrow_downlink_switches_off_what_matters_least_and_later_on_again() -> None:
    place = group()
    policy = ReceivePolicy(profile=BandwidthProfile())
    video = SendOptions(max_bitrate_bps=600_000)
    async with (
        service_behind("batch") as (service, proxy),
        participant(service, place, [stream(SnowSource(), options=video)]) as one,
        participant(service, place, [stream(SnowSource(), options=video)]) as two,
        participant(service, place, receive=policy) as viewer,
    ):
        first, second = publication(service, one), publication(service, two)
        endpoint(service, two).update(second, enabled=True, priority=Priority.LOW)
        await until_sent(service, viewer, first)
        await until_sent(service, viewer, second)
        proxy.down.rate_bps = 500_000
        await until(lambda: reasons(service, viewer)[second] is PauseReason.BUDGET)
        assert reasons(service, viewer)[first] is None
        proxy.down.rate_bps = None
        await until(lambda: reasons(service, viewer)[second] is None, deadline=20.0)
        await until_sent(service, viewer, second)


# ---------------------------------------------------------------- layers

SIZES = SMALL, MIDDLE, LARGE = ((160, 90), (320, 180), (640, 360))
HOLD = 0.3
ALL, NONE = (True, True, True), (False, False, False)


class Adapter(EndpointObserver):
    """An endpoint's adapter that writes down what it is told."""

    def __init__(self) -> None:
        self.side: Side | None = None
        self.demands: list[tuple[bool, ...]] = []

    @property
    def transports(self) -> Sequence[MediaTransport]:
        return () if self.side is None else (self.side.transport,)

    def on_layer_demand(self, publication: str, layers: tuple[bool, ...]) -> None:
        self.demands.append(layers)


class LayeredCall:
    """Somebody publishes a video in three layers; viewers come as wished."""

    def __init__(self, service: CallingService) -> None:
        self.service = service
        self.call = service.calls.resolve(group(), _user("publisher"))
        self.owner = Adapter()
        self.peer = SimulcastPublisher(SIZES, LayerNames.SIM_GROUP, BLUE)
        wanted = wire.NewPublication(key=TRACK, kind=PublicationKind.VIDEO)
        self.publisher = self.call.join(
            new_id(), _user("publisher"), self.owner, publications=[wanted]
        )
        (self.key,) = self.publisher.publications

    async def publish(self) -> None:
        self.owner.side = side = Side(self.service.engine)
        await self.peer.accept_answer(side.transport.accept_offer(await self.peer.create_offer()))
        self.call.router.add(self.producer, self.publisher.id, self.key)
        self.publisher.attach(self.key, self.producer)
        await self.peer.connected(DEADLINE)
        await until(lambda: all(state.dimensions for state in self.producer.layer_states()))

    @property
    def producer(self) -> Producer:
        assert self.owner.side is not None
        return self.owner.side.transport.producers[TRACK]

    def view(self, name: str, size: tuple[int, int] | None = None) -> Endpoint:
        viewer = self.call.join(new_id(), _user(name), Adapter())
        viewer.refresh_subscriptions()
        self.show(viewer, size)
        return viewer

    def show(self, viewer: Endpoint, size: tuple[int, int] | None, *, enabled: bool = True) -> None:
        shown = None if size is None else Dimensions(width=size[0], height=size[1])
        hint = ReceiveHint(publication=self.key, enabled=enabled, size=shown)
        viewer.set_policy(ReceivePolicy(hints=(hint,)))

    async def check_demand(self, layers: tuple[bool, ...]) -> None:
        await until(lambda: self.owner.demands[-1:] == [layers])


def _user(name: str) -> Principal:
    return Principal(f"8:acs:r_{name}", PrincipalKind.ACS, 2e9)


@pytest.fixture
async def layered() -> AsyncIterator[LayeredCall]:
    times = AllocationTimes(demand_hold=HOLD)
    async with embedded(allocation_times=times) as service:
        made = LayeredCall(service)
        try:
            await made.publish()
            yield made
        finally:
            await made.peer.close()


async def test_the_owner_learns_which_layers_are_received(layered: LayeredCall) -> None:
    await layered.check_demand(NONE)  # nobody is there
    one = layered.view("one", MIDDLE)
    await layered.check_demand((True, True, False))
    two = layered.view("two", SMALL)
    three = layered.view("three")
    await layered.check_demand(ALL)
    three.leave()
    await layered.check_demand((True, True, False))
    one.leave()
    await layered.check_demand((True, False, False))
    layered.show(two, SMALL, enabled=False)
    await layered.check_demand(NONE)
    layered.show(two, None)
    await layered.check_demand(ALL)
    assert layered.call.endpoints[two.id].forwardings[layered.key].is_on


async def test_more_is_demanded_at_once_and_less_only_after_it_lasted(layered: LayeredCall) -> None:
    viewer = layered.view("one", SMALL)
    await layered.check_demand((True, False, False))
    demands = layered.owner.demands
    loop = asyncio.get_running_loop()
    layered.show(viewer, LARGE)
    await layered.check_demand(ALL)
    layered.show(viewer, SMALL)
    began = loop.time()
    await layered.check_demand((True, False, False))
    assert loop.time() - began >= HOLD
    # Less for a moment is not told.
    layered.show(viewer, LARGE)
    await layered.check_demand(ALL)
    count = len(demands)
    layered.show(viewer, SMALL)
    layered.show(viewer, LARGE)
    await until(lambda: viewer.forwardings[layered.key].layer == 2)
    assert len(demands) == count


async def test_of_a_recorded_video_everything_is_demanded(layered: LayeredCall) -> None:
    await layered.check_demand(NONE)  # nobody is there
    layered.call.set_recording_rules(INCLUDE_ALL)
    await layered.check_demand(ALL)
    layered.call.set_recording_rules(EXCLUDE_ALL)
    await layered.check_demand(NONE)


async def test_what_was_demanded_of_an_earlier_stream_is_taken_back(layered: LayeredCall) -> None:
    await layered.check_demand(NONE)
    layered.publisher.set_layer_demand(layered.key, (False, False))
    await layered.check_demand(NONE)
    assert layered.owner.demands[-3:] == [(False, False), ALL, NONE]


async def test_of_a_video_without_layers_nothing_is_demanded(service: CallingService) -> None:
    async with participant(service, group(), [stream(picture())]) as one:
        await until(lambda: publication_is_known(service, one))
        owner = endpoint(service, one)
        owner.set_layer_demand(publication(service, one), (False, False, False))
        await until(lambda: not owner.layer_demands)
        assert len(owner.publications) == 1


async def test_a_video_that_is_enabled_again_is_measured_anew(layered: LayeredCall) -> None:
    layered.publisher.update(layered.key, enabled=False, priority=Priority.STANDARD)
    await until(lambda: all(layer.bitrate.bitrate_bps for layer in layered.producer.layers))
    layered.publisher.update(layered.key, enabled=True, priority=Priority.STANDARD)
    assert not any(layer.bitrate.bitrate_bps for layer in layered.producer.layers)


async def test_a_call_that_is_over_has_no_allocation(layered: LayeredCall) -> None:
    assert layered.call.on_change is not None
    layered.call.complete()
    assert layered.call.on_change is None


async def test_a_viewer_gets_the_layer_that_fits_its_size(layered: LayeredCall) -> None:
    adapter = Adapter()
    viewer = layered.call.join(new_id(), _user("viewer"), adapter)
    viewer.refresh_subscriptions()
    adapter.side = side = Side(layered.service.engine)
    side.forward({layered.key: layered.producer})
    peer = SubscribePeer()
    try:
        await take_offer(side, peer)
        found = side.transport.consumers[layered.key]
        await until(lambda: found.layer == 2)
        layered.show(viewer, SMALL)
        await until(lambda: found.layer == 0)
        layered.show(viewer, MIDDLE, enabled=False)
        await until(lambda: found.is_paused and found.layer is None)
        layered.show(viewer, MIDDLE)
        await until(lambda: found.layer == 1)
        assert not found.is_paused
    finally:
        await peer.close()


async def test_an_adapter_that_fails_costs_the_others_nothing(
    layered: LayeredCall, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Adapter):
        @property
        def transports(self) -> Sequence[MediaTransport]:
            raise RuntimeError("no connections")

    layered.call.join(new_id(), _user("broken"), Broken())
    await until(lambda: "was not allocated for" in caplog.text)
    layered.view("one", SMALL)
    await layered.check_demand((True, False, False))


async def _metrics(service: CallingService) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
