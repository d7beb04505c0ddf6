from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from acs_core import wire
from acs_core.client.session import NewStream, SessionOptions, SessionState
from acs_core.client.signaling import SignalingTimes
from acs_core.core.facts import (
    DataReliability,
    EndpointJoined,
    EndpointLeft,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.errors import (
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    ServiceError,
    Stage,
)
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.service.app import CallingService, embedded
from acs_core.service.calls import CallLimits
from acs_core.service.sessions import SessionTimes
from acs_core.service.settings import ServiceSettings
from acs_core.service.sfu.data import DataSource
from tests.support.events import until
from tests.support.media_checks import BLUE, GREEN, RED, Color, is_color, listen, watch
from tests.support.proxies import tcp_proxy, udp_proxy
from tests.support.service_client import Participant, group, new_id, participant

CHAT = NewStream(PublicationKind.DATA, name="chat")


def camera(color: Color) -> NewStream:
    return NewStream(PublicationKind.VIDEO, PatternSource(320, 180, 15, color=color), name="camera")


def microphone(frequency: float) -> NewStream:
    return NewStream(PublicationKind.AUDIO, ToneSource(frequency), name="microphone")


@pytest.fixture
async def service() -> AsyncIterator[CallingService]:
    async with embedded() as running:
        yield running


def newcomer(service: CallingService, place: wire.Locator, **options: object) -> Participant:
    token = service.issue_user_token()[1].token
    return Participant(service.url, token, place, **options)  # type: ignore[arg-type]


def left_count(someone: Participant) -> int:
    return sum(isinstance(fact, EndpointLeft) for fact in someone.facts)


# ------------------------------------------------------------------ joining and media


@pytest.mark.feature("CALL-003", "VIDEO-009")
async def test_two_participants_see_and_hear_each_other(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [camera(RED), microphone(440.0)]) as anna,
        participant(service, place, [camera(BLUE), microphone(880.0)]) as ben,
    ):
        for someone, color, frequency in ((anna, BLUE, 880.0), (ben, RED, 440.0)):
            await someone.until(lambda who=someone: len(who.subscribed) == 2)
            for publication in someone.subscribed:
                receiver = someone.session.receiver(publication)
                assert receiver is not None
                frames = receiver.frames()
                if receiver.kind == "video":
                    seen, counters = await watch(frames)  # type: ignore[arg-type]
                    assert is_color(seen, color)
                    assert counters == sorted(set(counters))
                else:
                    heard = await listen(frames)  # type: ignore[arg-type]
                    assert heard == pytest.approx(frequency, rel=0.03)
                frames.close()
        assert anna.states == [SessionState.JOINING, SessionState.JOINED]
        assert anna.session.call_id == ben.session.call_id
        assert anna.session.stats().publish is not None
    assert anna.ended[0].code == 0
    assert anna.states[-1] is SessionState.ENDED


async def test_a_late_joiner_gets_everything_that_is_there(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [camera(RED), CHAT]) as early,
        participant(service, place, [microphone(440.0)]),
        participant(service, place) as late,
    ):
        await late.until(lambda: len(late.subscribed) == 3)
        video = next(s for s in early.session.streams.values() if s.kind is PublicationKind.VIDEO)
        receiver = late.session.receiver(video.id)
        assert receiver is not None
        frames = receiver.frames()
        assert is_color((await watch(frames, count=1))[0], RED)  # type: ignore[arg-type]
        frames.close()


async def test_publishing_unpublishing_and_publishing_again_on_one_session(
    service: CallingService,
) -> None:
    place = group()
    async with (
        participant(service, place) as sender,
        participant(service, place) as receiver,
    ):
        for color in (RED, GREEN, BLUE):
            stream = await sender.session.publish(camera(color))
            assert stream.name == "camera"
            await receiver.until(lambda: receiver.session.is_subscribed(stream.id))  # noqa: B023
            source = receiver.session.receiver(stream.id)
            assert source is not None
            frames = source.frames()
            assert is_color((await watch(frames, count=2))[0], color)  # type: ignore[arg-type]
            await sender.session.unpublish(stream)
            await receiver.until(lambda: stream.id in receiver.unsubscribed)  # noqa: B023
            # The reader ends, and by itself.
            async with asyncio.timeout(5):
                async for _ in frames:
                    pass
            await sender.session.unpublish(stream)
        added = [fact for fact in receiver.facts if isinstance(fact, PublicationAdded)]
        removed = [fact for fact in receiver.facts if isinstance(fact, PublicationRemoved)]
        assert [f.publication.id for f in added] == [f.publication for f in removed]
        assert not sender.session.streams


async def test_messages_arrive_in_order_as_text_and_as_bytes(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [CHAT]) as sender,
        participant(service, place) as first,
        participant(service, place) as second,
    ):
        stream = next(iter(sender.session.streams.values()))
        for someone in (first, second):
            await someone.until(lambda who=someone: who.session.is_subscribed(stream.id))
        wanted = [f"text {n} é" if n % 2 else bytes([n]) * 100 for n in range(100)]
        for message in wanted:
            stream.send(message)
        for someone in (first, second):
            await someone.until(lambda who=someone: len(who.messages) == 100)
            assert someone.messages == wanted


async def test_data_and_media_share_a_connection_that_began_without_data(
    service: CallingService,
) -> None:
    place = group()
    async with (
        participant(service, place, [microphone(440.0)]) as sender,
        participant(service, place) as receiver,
    ):
        await receiver.until(lambda: receiver.subscribed)
        connections = set(service.engine.transports)
        reliability = DataReliability(ordered=False, max_retransmits=0)
        stream = await sender.session.publish(
            NewStream(PublicationKind.DATA, name="late", reliability=reliability)
        )
        await receiver.until(lambda: receiver.session.is_subscribed(stream.id))
        stream.send("hello")
        await receiver.until(lambda: receiver.messages == ["hello"])
        assert set(service.engine.transports) == connections


async def test_messages_that_are_faster_than_signaling_wait_for_it() -> None:
    async with embedded() as service, tcp_proxy(service.port) as proxy:
        place = group()
        async with (
            participant(service, place, [CHAT]) as sender,
            participant(service, place, url=proxy.url) as receiver,
        ):
            await receiver.until(lambda: receiver.subscribed)
            first = next(iter(sender.session.streams.values()))
            proxy.freeze()
            second = await sender.session.publish(NewStream(PublicationKind.DATA, name="fast"))
            (call,) = service.calls.live.values()
            (source,) = [item.source for item in call.publications if item.id == second.id]
            assert isinstance(source, DataSource)
            await until(lambda: second.send("early") or source.forwarded)
            # What comes later over the same connection has come: so has what came before it.
            first.send("later")
            await receiver.until(lambda: receiver.messages == ["later"])
            assert not receiver.session.is_subscribed(second.id)
            proxy.restore()
            await receiver.until(lambda: len(receiver.messages) > source.forwarded)
            assert receiver.subscribed == [first.id, second.id]
            assert receiver.messages == ["later", *["early"] * source.forwarded]
            second.send("in time")
            await receiver.until(lambda: receiver.messages[-1] == "in time")


async def test_changes_of_a_publication_reach_the_others(service: CallingService) -> None:
    place = group()
    async with (
        participant(service, place, [microphone(440.0)]) as sender,
        participant(service, place) as other,
    ):
        stream = next(iter(sender.session.streams.values()))
        await sender.session.update(stream, enabled=False, priority=Priority.HIGH)
        assert stream.sender is not None
        assert not stream.sender.enabled
        await other.until(lambda: any(isinstance(f, PublicationChanged) for f in other.facts))
        known = other.session.roster.publication(stream.id)
        assert known is not None
        assert (known.enabled, known.priority) == (False, Priority.HIGH)


async def test_the_receive_policy_decides_what_arrives(service: CallingService) -> None:
    place = group()
    nothing = wire.ReceivePolicy(automatic=False)
    async with (
        participant(service, place, [microphone(440.0), CHAT]) as sender,
        participant(service, place, receive=nothing) as picky,
    ):
        sound, chat = sender.session.streams
        assert picky.subscribed == []
        await picky.session.set_receive_policy(wire.ReceivePolicy(automatic=False, only=(sound,)))
        await picky.until(lambda: picky.subscribed == [sound])
        await picky.session.set_receive_policy(wire.ReceivePolicy(without=(sound,)))
        await picky.until(lambda: picky.subscribed == [sound, chat])
        await picky.until(lambda: picky.unsubscribed == [sound])


# ------------------------------------------------------------------ refusals


async def test_a_refused_join_says_why_and_ends_the_session(service: CallingService) -> None:
    someone = newcomer(service, wire.RoomLocator(room="nowhere"))
    with pytest.raises(ServiceError) as caught:
        await someone.join([microphone(440.0)])
    assert (caught.value.code, caught.value.sub_code) == (404, 53106)
    assert caught.value.stage is Stage.ADMISSION
    assert someone.states[-1] is SessionState.ENDED
    assert len(someone.ended) == 1
    with pytest.raises(InvalidStateError):
        await someone.session.join()
    await someone.connection.close()


async def test_a_full_call_refuses_with_53105() -> None:
    limits = CallLimits(endpoints=1)
    settings = ServiceSettings(dev=True, port=0, media_port=0, limits=limits)
    place = group()
    async with embedded(settings) as service, participant(service, place):
        someone = newcomer(service, place)
        with pytest.raises(ServiceError) as caught:
            await someone.join()
        assert caught.value.sub_code == 53105
        await someone.close()


async def test_a_refused_publication_leaves_the_session_able_to_publish(
    service: CallingService,
) -> None:
    place = group()
    async with (
        participant(service, place, [camera(RED)]) as sender,
        participant(service, place) as other,
    ):
        with pytest.raises(ServiceError) as caught:
            await sender.session.publish(camera(GREEN))
        assert caught.value.sub_code == 53304
        with pytest.raises(ServiceError):
            await sender.session.publish(
                NewStream(PublicationKind.AUDIO, ToneSource(440.0), name="x" * 129)
            )
        assert len(sender.session.streams) == 1
        stream = await sender.session.publish(microphone(440.0))
        await other.until(lambda: other.session.is_subscribed(stream.id))
        receiver = other.session.receiver(stream.id)
        assert receiver is not None
        frames = receiver.frames()
        assert await listen(frames) == pytest.approx(440.0, rel=0.03)  # type: ignore[arg-type]
        frames.close()


async def test_a_stream_without_a_source_is_refused_before_anything_happens(
    service: CallingService,
) -> None:
    async with participant(service, group()) as someone:
        with pytest.raises((InvalidStateError, InvalidArgumentError)):
            await someone.session.publish(NewStream(PublicationKind.VIDEO))
        await someone.session.publish(CHAT)


async def test_what_needs_a_joined_call_says_so() -> None:
    async with embedded() as service:
        someone = newcomer(service, group())
        with pytest.raises(InvalidStateError):
            await someone.session.publish(CHAT)
        with pytest.raises(InvalidStateError):
            await someone.session.set_receive_policy(wire.ReceivePolicy())
        await someone.session.leave()
        assert len(someone.ended) == 1


# ------------------------------------------------------------------ leaving


async def test_leaving_is_idempotent_and_told_once(service: CallingService) -> None:
    place = group()
    async with participant(service, place) as stays:
        someone = newcomer(service, place)
        await someone.join([CHAT])
        await asyncio.gather(someone.session.leave(), someone.session.leave())
        await someone.session.leave()
        assert len(someone.ended) == 1
        await stays.until(lambda: left_count(stays) == 1)
        # The agent's connection goes on and can carry another session.
        assert someone.connection.is_connected
        await someone.connection.close()
        facts = len(someone.facts)
        assert facts == len(someone.facts)


async def test_leaving_for_everyone_ends_the_call(service: CallingService) -> None:
    place = group()
    async with participant(service, place) as guest, participant(service, place) as host:
        await host.session.leave(for_everyone=True)
        await guest.until(lambda: guest.ended)
        assert guest.ended[0].sub_code == 4097
        assert host.ended[0].sub_code == 0
        assert not service.calls.live


async def test_leaving_while_joining_takes_under_two_seconds_and_leaves_no_phantom() -> None:
    async with embedded() as service, tcp_proxy(service.port) as proxy:
        for is_frozen in (False, True):
            place = group()
            token = service.issue_user_token()[1].token
            someone = Participant(proxy.url, token, place)
            await someone.connection.open()
            if is_frozen:
                proxy.freeze()
            joining = asyncio.create_task(someone.session.join([camera(RED), CHAT]))
            await someone.until(lambda: someone.states)  # noqa: B023
            started = time.monotonic()
            await someone.session.leave()
            assert time.monotonic() - started < 2.0
            with pytest.raises(InvalidStateError):
                await joining
            proxy.restore()
            await until(lambda: not service.calls.live and not service.engine.transports)
            await someone.connection.close()
            assert len(someone.ended) == 1


async def test_a_canceled_join_leaves_no_phantom(service: CallingService) -> None:
    someone = newcomer(service, group())
    await someone.connection.open()
    joining = asyncio.create_task(someone.session.join([camera(RED)]))
    await someone.until(lambda: someone.states)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    await until(lambda: not service.calls.live and not service.engine.transports)
    await someone.connection.close()


async def test_leaving_while_media_cannot_connect_takes_under_two_seconds() -> None:
    settings = ServiceSettings(dev=True, port=0, media_port=0, public_address="127.0.0.3")
    async with embedded(settings) as service:
        someone = newcomer(service, group())
        await someone.connection.open()
        joining = asyncio.create_task(someone.session.join([camera(RED)]))
        await until(lambda: someone.session.call_id)
        started = time.monotonic()
        await someone.session.leave()
        assert time.monotonic() - started < 2.0
        with pytest.raises(InvalidStateError):
            await joining
        await someone.connection.close()
        await until(lambda: not service.calls.live)


async def test_media_that_cannot_connect_fails_the_join_at_its_deadline() -> None:
    settings = ServiceSettings(dev=True, port=0, media_port=0, public_address="127.0.0.3")
    async with embedded(settings) as service:
        someone = newcomer(service, group(), options=SessionOptions(media_timeout=0.5))
        with pytest.raises(DeadlineError) as caught:
            await someone.join([camera(RED)])
        assert caught.value.stage is Stage.ICE
        assert someone.states[-1] is SessionState.ENDED
        await someone.connection.close()


async def test_leaving_while_the_service_is_gone_takes_under_two_seconds() -> None:
    service = await CallingService(ServiceSettings(dev=True, port=0, media_port=0)).start()
    async with tcp_proxy(service.port) as proxy:
        token = service.issue_user_token()[1].token
        someone = Participant(proxy.url, token, group())
        await someone.join([camera(RED), CHAT])
        proxy.cut()
        await someone.until(lambda: SessionState.RECONNECTING in someone.states)
        await service.close()
        started = time.monotonic()
        await someone.session.leave()
        await someone.connection.close()
        assert time.monotonic() - started < 2.0
        assert len(someone.ended) == 1


async def test_a_service_that_stops_ends_the_session_with_its_reason() -> None:
    service = await CallingService(ServiceSettings(dev=True, port=0, media_port=0)).start()
    someone = newcomer(service, group())
    await someone.join([CHAT])
    await service.close()
    await someone.until(lambda: someone.ended)
    assert someone.ended[0].sub_code == 53006
    await someone.close()
    assert len(someone.ended) == 1


async def test_leaving_while_signaling_is_lost_is_told_after_the_resume() -> None:
    async with embedded() as service, tcp_proxy(service.port) as proxy:
        token = service.issue_user_token()[1].token
        someone = Participant(proxy.url, token, group())
        await someone.join()
        proxy.cut()
        await someone.until(lambda: SessionState.RECONNECTING in someone.states)
        await someone.session.leave()
        assert someone.session.state is SessionState.ENDED
        assert service.calls.live
        proxy.restore()
        await until(lambda: not service.calls.live)
        await someone.connection.close()


# ------------------------------------------------------------------ reconnecting


@pytest.mark.feature("CALL-003")
async def test_media_goes_on_while_signaling_is_lost_and_nothing_is_missed() -> None:
    async with embedded() as service, tcp_proxy(service.port) as proxy:
        place = group()
        async with (
            participant(service, place, [camera(RED)]) as sender,
            participant(service, place, url=proxy.url) as viewer,
        ):
            await viewer.until(lambda: viewer.subscribed)
            receiver = viewer.session.receiver(viewer.subscribed[0])
            assert receiver is not None
            frames = receiver.frames("queue")
            await watch(frames, count=1)  # type: ignore[arg-type]
            proxy.cut()
            await viewer.until(lambda: viewer.session.state is SessionState.RECONNECTING)
            _, counters = await watch(frames, count=10)  # type: ignore[arg-type]
            assert counters == sorted(set(counters))
            chat = await sender.session.publish(CHAT)
            async with participant(service, place) as third:
                proxy.restore()
                await viewer.until(lambda: viewer.session.state is SessionState.JOINED)
                await viewer.until(
                    lambda: any(
                        isinstance(f, EndpointJoined) and f.endpoint.id == third.session.id
                        for f in viewer.facts
                    )
                )
            await viewer.until(lambda: left_count(viewer) == 1)
            await viewer.until(lambda: viewer.session.is_subscribed(chat.id))
            assert sum(isinstance(f, PublicationAdded) for f in viewer.facts) == 1
            assert viewer.errors[0].stage is Stage.SIGNALING
            assert viewer.unsubscribed == []
            frames.close()


async def test_media_that_was_cut_comes_back_to_the_same_reader() -> None:
    settings = ServiceSettings(dev=True, port=0, media_port=0, public_address="127.0.0.2")
    options = SessionOptions(silence=1.0, media_timeout=1.0)
    async with embedded(settings) as service, udp_proxy(service.media_port) as network:
        place = group()
        async with (
            participant(service, place, [camera(RED), CHAT], options=options) as sender,
            participant(service, place, options=options) as viewer,
        ):
            video = next(s for s in sender.session.streams.values() if s.name == "camera")
            chat = next(s for s in sender.session.streams.values() if s.name == "chat")
            await viewer.until(lambda: len(viewer.subscribed) == 2)
            receiver = viewer.session.receiver(video.id)
            assert receiver is not None
            frames = receiver.frames()
            await watch(frames, count=2)  # type: ignore[arg-type]
            network.is_cut = True
            for someone in (sender, viewer):
                await someone.until(
                    lambda who=someone: who.session.state is SessionState.RECONNECTING
                )
                assert someone.errors[0].stage is Stage.ICE
            # Long enough for whole attempts to fail.
            tried: set[str] = set()
            await until(lambda: tried.update(service.engine.transports) or len(tried) >= 5)
            network.is_cut = False
            restored = time.monotonic()
            for someone in (sender, viewer):
                await someone.until(lambda who=someone: who.session.state is SessionState.JOINED)
            assert time.monotonic() - restored < 4.0
            assert is_color((await watch(frames, count=3))[0], RED)  # type: ignore[arg-type]
            frames.close()
            await viewer.until(lambda: viewer.session.is_subscribed(chat.id))
            chat.send("back")
            await viewer.until(lambda: viewer.messages == ["back"])
            assert viewer.unsubscribed == []
            assert sorted(viewer.subscribed) == sorted([video.id, chat.id])
            await until(lambda: len(service.engine.transports) == 2)


async def test_media_that_does_not_come_back_ends_the_session_and_tells_the_service() -> None:
    settings = ServiceSettings(dev=True, port=0, media_port=0, public_address="127.0.0.2")
    options = SessionOptions(silence=0.3, media_timeout=0.3, media_window=0.5)
    async with embedded(settings) as service, udp_proxy(service.media_port) as network:
        someone = newcomer(service, group(), options=options)
        await someone.join([CHAT])
        network.is_cut = True
        await someone.until(lambda: someone.ended)
        assert someone.ended[0].sub_code == 301005
        await until(lambda: not service.calls.live)
        await someone.close()


async def test_a_lost_service_ends_the_session_when_the_window_has_passed() -> None:
    settings = ServiceSettings(dev=True, port=0, media_port=0, times=SessionTimes(acs_window=0.3))
    async with embedded(settings) as service, tcp_proxy(service.port) as proxy:
        token = service.issue_user_token()[1].token
        someone = Participant(proxy.url, token, group(), times=SignalingTimes(attempt=0.2))
        await someone.join([CHAT])
        proxy.cut()
        await someone.until(lambda: someone.ended)
        assert someone.ended[0].sub_code == 53001
        await someone.close()


# ------------------------------------------------------------------ bad news from the service


async def test_facts_that_do_not_follow_end_the_session_instead_of_a_wrong_roster(
    service: CallingService,
) -> None:
    async with participant(service, group()) as someone:
        someone.session.delivered(
            wire.Facts(
                endpoint=someone.session.id,
                revision=1000,
                facts=(PublicationRemoved(publication=new_id()),),
            )
        )
        await someone.until(lambda: someone.ended)
        assert someone.ended[0].sub_code == 53000
        await until(lambda: not service.calls.live)
        # What comes after the end is nobody's news.
        before = len(someone.facts)
        someone.session.delivered(wire.Facts(endpoint=someone.session.id, revision=1, facts=()))
        assert len(someone.facts) == before


async def test_an_offer_that_cannot_be_read_is_trouble_and_is_repaired(
    service: CallingService,
) -> None:
    place = group()
    async with (
        participant(service, place, [camera(RED)]),
        participant(service, place) as viewer,
    ):
        await viewer.until(lambda: viewer.subscribed)
        viewer.session.delivered(
            wire.Offer(endpoint=viewer.session.id, connection=1, revision=99, sdp="v=0\r\n")
        )
        await viewer.until(lambda: SessionState.RECONNECTING in viewer.states)
        await viewer.until(lambda: viewer.session.state is SessionState.JOINED)
        receiver = viewer.session.receiver(viewer.subscribed[0])
        assert receiver is not None
        frames = receiver.frames()
        assert is_color((await watch(frames, count=1))[0], RED)  # type: ignore[arg-type]
        frames.close()
