from __future__ import annotations

import pytest

from acs_core import Call, Features, InvalidArgumentError, InvalidStateError, JoinCallOptions
from acs_core.client.features.streams import StreamsFeature
from acs_core.core.facts import (
    ConnectionState,
    EndpointChanged,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.errors import TransportError
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.media.stats import ReceiverStats, SenderStats
from tests.support.calls import Log, endpoint, joined, publication, settle
from tests.support.fake_session import FakeReceiver

NOTHING = JoinCallOptions(streams=())


def streams_of(call: Call) -> StreamsFeature:
    return call.feature(Features.STREAMS)


async def test_remote_changes_are_events_with_the_same_objects() -> None:
    video = publication(1)
    async with joined(NOTHING) as (call, session):
        streams = streams_of(call)
        log = Log().watch(streams)
        session.say(EndpointJoined(endpoint=endpoint("a", video)))
        (remote,) = streams.endpoints
        (first,) = remote.publications
        assert streams.publications[video.id] is first
        assert first.endpoint is remote
        chat = publication(2, PublicationKind.DATA, name="chat")
        session.say(PublicationAdded(endpoint="a" * 32, publication=chat))
        second = remote.publications[1]
        session.subscribe(chat.id)
        session.observer.on_data(chat.id, "hello")
        session.say(PublicationChanged(publication=video.id, enabled=False, priority=Priority.HIGH))
        session.say(PublicationChanged(publication=video.id, enabled=False, priority=Priority.HIGH))
        session.say(EndpointChanged(endpoint="a" * 32, state=ConnectionState.RECONNECTING))
        session.say(PublicationRemoved(publication=chat.id))
        reason = EndReason(code=0, message="bye")
        session.say(EndpointLeft(endpoint="a" * 32, reason=reason))
        assert streams.endpoints == ()
        assert log.entries == [
            ("endpointAdded", (remote,)),
            ("publicationAdded", (second,)),
            ("subscribed", (second,)),
            ("dataReceived", (second, "hello")),
            ("publicationChanged", (first, frozenset({"enabled", "priority"}))),
            ("endpointStateChanged", (remote,)),
            ("unsubscribed", (second,)),
            ("publicationRemoved", (second,)),
            ("endpointRemoved", (remote, reason)),
        ]


async def test_subscriptions_made_while_joining_are_state() -> None:
    video = publication(1)

    def prepare(session: object) -> None:
        session.others.append(endpoint("a", video))  # type: ignore[attr-defined]
        session.subscribed.add(video.id)  # type: ignore[attr-defined]
        session.receivers[video.id] = FakeReceiver("1")  # type: ignore[attr-defined]
        session.receiver_stats["1"] = ReceiverStats("video", "1")  # type: ignore[attr-defined]

    async with joined(NOTHING, prepare=prepare) as (call, session):
        item = streams_of(call).publications[video.id]
        assert item.is_subscribed
        assert item.stats == ReceiverStats("video", "1")
        frames = item.frames()
        assert len(session.receivers[video.id].readers) == 1
        frames.close()
        session.unsubscribe(video.id)
        assert item.stats is None
        with pytest.raises(InvalidStateError, match="not received"):
            item.frames()


async def test_a_stream_is_published_changed_and_withdrawn() -> None:
    async with joined(NOTHING) as (call, session):
        streams = streams_of(call)
        item = await streams.publish(ToneSource(440), name="voice", priority=Priority.LOW)
        sent = session.stream("voice")
        session.sender_stats[sent.key] = SenderStats("audio")
        assert (item.kind, item.priority, item.stats) == ("audio", "low", SenderStats("audio"))
        item.set_enabled(False)
        item.set_enabled(False)
        assert not sent.enabled
        item.set_priority("high")
        await settle()
        assert session.updates == [(item.id, False, None), (item.id, None, Priority.HIGH)]
        with pytest.raises(InvalidArgumentError):
            item.set_priority("urgent")
        with pytest.raises(InvalidArgumentError):
            await item.replace_source(PatternSource(96, 48))
        other = ToneSource(880)
        await item.replace_source(other)
        assert item.source is other
        await streams.unpublish(item)
        await streams.unpublish(item)
        assert streams.local_publications == ()
        assert not session.streams


async def test_a_screen_is_a_kind_of_video() -> None:
    async with joined(NOTHING) as (call, _):
        item = await streams_of(call).publish(PatternSource(96, 48), screen=True)
        assert item.kind is PublicationKind.SCREEN


async def test_a_change_that_cannot_be_told_is_an_event() -> None:
    async with joined(NOTHING) as (call, session):
        streams = streams_of(call)
        log = Log().watch(streams)
        item = await streams.publish(ToneSource(440))
        session.update_error = TransportError("gone")
        item.set_enabled(False)
        await settle()
        assert log.entries == [("localPublicationFailed", (item, session.update_error))]


async def test_data_is_sent() -> None:
    async with joined(NOTHING) as (call, session):
        item = await streams_of(call).publish_data(name="chat", ordered=False, max_retransmits=0)
        item.send("hello")
        item.send(b"\x00")
        assert session.stream("chat").sent == ["hello", b"\x00"]
        assert session.stream("chat").reliability is not None
        with pytest.raises(InvalidArgumentError):
            await streams_of(call).publish_data(max_retransmits=1, max_packet_life_time_ms=1)


async def test_publishing_needs_a_connected_call() -> None:
    async with joined(NOTHING) as (call, _):
        await call.hang_up()
        with pytest.raises(InvalidStateError):
            await streams_of(call).publish(ToneSource(440))
