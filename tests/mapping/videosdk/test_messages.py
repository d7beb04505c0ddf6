from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from acs_core import Features, InvalidArgumentError
from mapping.videosdk import (
    DataMessage,
    Errors,
    Meeting,
    MeetingError,
    NotProvidedError,
    PubSubMessage,
    ReliabilityMode,
    VideoSDK,
)
from mapping.videosdk.messages import TOPICS
from tests.support.events import next_event, until
from tests.support.people import Meeting as Place
from tests.support.people import meeting
from tests.support.videosdk_people import attend, init
from twilio_compat import LocalDataTrack


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with meeting() as made:
        yield made


@pytest.mark.parametrize(
    ("options", "reliability"),
    [
        (None, "reliable"),
        ({"reliability": ReliabilityMode.RELIABLE}, "reliable"),
        ({"reliability": "UNRELIABLE"}, "unreliable"),
    ],
)
async def test_what_is_sent_is_told_to_the_others(
    place: Place, options: dict[str, str] | None, reliability: str
) -> None:
    ann, ben = await attend(place, "Ann"), await attend(place, "Ben")
    told: list[DataMessage] = []
    ann.on("data", told.append)
    for payload in ("hello", b"\x00\x01"):
        came = next_event(ben, "data")
        assert await ann.send(payload, options) is True
        (message,) = await came
        assert (message.payload, message.reliability) == (payload, reliability)
    assert message.sender == ann.localParticipant.id
    assert abs(message.timestamp / 1000 - time.time()) < 60
    assert told == []


async def test_a_twilio_participants_data_track_is_heard_and_hears(place: Place) -> None:
    track = LocalDataTrack()
    tom = await place.guest("tom", tracks=[track])
    ann = await attend(place, "Ann")
    subscribed = next_event(tom, "trackSubscribed")
    came = next_event(ann, "data")
    # Not awaited: they go out in order.
    ann.send("one")
    ann.send("two")
    remote, _, participant = await subscribed
    assert (remote.kind, remote.name) == ("data", "videosdk-reliable")
    heard: list[object] = []
    remote.on("message", lambda data: heard.append(data))
    await ann.send("three")
    await until(lambda: "three" in heard)
    assert participant.identity == "Ann"
    track.send("from Tom")
    (message,) = await came
    assert (message.payload, message.sender) == (
        "from Tom",
        tom.localParticipant.sid.removeprefix("PA"),
    )


async def chatting(place: Place, name: str, heard: list[PubSubMessage]) -> Meeting:
    chat = init(place, name)
    await chat.pubSub.subscribe("CHAT", {"onMessageReceived": heard.append})
    await place.stack.enter_async_context(chat)
    await chat.join()
    return chat


async def test_a_topics_messages_come_to_who_subscribed_and_to_the_sender(place: Place) -> None:
    by_ann: list[PubSubMessage] = []
    by_ben: list[PubSubMessage] = []
    ann = await chatting(place, "Ann", by_ann)
    ben = await chatting(place, "Ben", by_ben)
    ann.pubSub.publish("OTHER", "not for the chat")
    await ann.pubSub.publish("CHAT", "hello", {"persist": False}, {"color": "red"})
    await until(lambda: by_ben)
    (message,) = by_ben
    assert by_ann == [message]
    assert (message.topic, message.message, message.payload) == ("CHAT", "hello", {"color": "red"})
    assert len(message.id) == 32
    assert datetime.fromisoformat(message.timestamp).tzinfo is not None
    assert (message.senderId, message.senderName) == (ann.localParticipant.id, "Ann")
    await ben.pubSub.unsubscribe("CHAT", {"onMessageReceived": by_ben.append})
    await ben.pubSub.unsubscribe("NEVER", {"onMessageReceived": by_ben.append})
    await ben.pubSub.publish("CHAT", "bye")
    await until(lambda: len(by_ann) == 2)
    assert (by_ann[1].senderName, by_ben) == ("Ben", [message])


async def test_who_sent_a_message_cannot_be_made_up(place: Place) -> None:
    heard: list[PubSubMessage] = []
    await chatting(place, "Ann", heard)
    ben = await attend(place, "Ben")
    call = ben._core
    assert call is not None
    channel = await call.feature(Features.STREAMS).publish_data(name=TOPICS)
    text = '{"id":"1","topic":"CHAT","message":"hi","timestamp":"","senderName":"Ann"}'
    channel.send(text)
    await until(lambda: heard)
    assert (heard[0].senderName, heard[0].payload) == ("Ben", None)


@pytest.mark.parametrize("text", ["no JSON", '{"id":"1"}', b"\xff\xfe"])
async def test_what_is_no_message_is_logged_and_left(
    place: Place, text: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[PubSubMessage] = []
    await chatting(place, "Ann", heard)
    ben = await attend(place, "Ben")
    call = ben._core
    assert call is not None
    channel = await call.feature(Features.STREAMS).publish_data(name=TOPICS)
    with caplog.at_level(logging.WARNING, "mapping.videosdk.messages"):
        channel.send(text)
        channel.send('{"id":"1","topic":"CHAT","message":"afterwards","timestamp":""}')
        await until(lambda: heard and caplog.records)
    assert [one.message for one in heard] == ["afterwards"]
    assert "none of ours" in caplog.text


async def test_a_coroutine_listener_ends_with_the_meeting(place: Place) -> None:
    begun = asyncio.Event()

    async def forever(_: PubSubMessage) -> None:
        begun.set()
        await asyncio.Event().wait()

    ann = await attend(place, "Ann")
    ann.pubSub.subscribe("CHAT", {"onMessageReceived": forever})
    await ann.pubSub.publish("CHAT", "hello")
    await begun.wait()
    await ann.aclose()  # The test fails if the task is left.


async def test_nothing_is_sent_before_the_meeting_is_joined(place: Place) -> None:
    async with init(place, "Ann") as ann:
        for sending in (ann.send("early"), ann.pubSub.publish("CHAT", "early")):
            with pytest.raises(MeetingError) as raised:
                await sending
            assert raised.value.code == Errors.ERROR_ACTION_PERFORMED_BEFORE_MEETING_JOINED


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda one: one.send(5), InvalidArgumentError),
        (lambda one: one.send("x", {"reliability": "SOMETIMES"}), InvalidArgumentError),
        (lambda one: one.send("x", {"speed": "high"}), InvalidArgumentError),
        (lambda one: one.pubSub.publish("t", "m", {"persist": True}), NotProvidedError),
        (lambda one: one.pubSub.publish("t", "m", {"sendOnly": ["x"]}), NotProvidedError),
        (lambda one: one.pubSub.publish("t", 5), InvalidArgumentError),
        (lambda one: one.pubSub.publish("t", "m", None, object()), InvalidArgumentError),
        (lambda one: one.pubSub.subscribe(5, {"onMessageReceived": print}), InvalidArgumentError),
        (lambda one: one.pubSub.subscribe("t", {}), InvalidArgumentError),
        (lambda one: one.pubSub.subscribe("t", print), InvalidArgumentError),
        (
            lambda one: one.pubSub.subscribe(
                "t", {"onMessageReceived": print, "onOldMessagesReceived": print}
            ),
            NotProvidedError,
        ),
    ],
)
async def test_what_messages_cannot_do_is_refused(call: Any, error: type[Exception]) -> None:
    VideoSDK.config("token")
    async with VideoSDK.initMeeting(meetingId="daily") as ann:
        with pytest.raises(error):
            call(ann)
