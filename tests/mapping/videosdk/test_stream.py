from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from acs_core import Features, RemotePublication
from acs_core.media.frames import VideoFrame
from acs_core.media.sources import MediaSource
from mapping.videosdk import Errors, Meeting, MeetingError, NotProvidedError, Stream
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED, until_loudness
from tests.support.people import Meeting as Place
from tests.support.people import meeting
from tests.support.videosdk_people import Diary, attend, stream_of


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with meeting() as made:
        yield made


def track(stream: Stream) -> RemotePublication:
    assert isinstance(stream.track, RemotePublication)
    return stream.track


async def until_moving(stream: Stream, *, deadline: float = 5.0) -> VideoFrame:
    async with asyncio.timeout(deadline):
        async for frame in track(stream).frames():
            assert isinstance(frame, VideoFrame)
            return frame
    raise AssertionError("the stream is over")


async def until_still(stream: Stream) -> None:
    """Wait for 0.7 s without a picture; one may have been on its way."""
    for _ in range(5):
        try:
            await until_moving(stream, deadline=0.7)
        except TimeoutError:
            return
    raise AssertionError("pictures go on coming")


def paused_as_seen_by_the_service(meeting: Meeting, stream: Stream) -> bool:
    call = meeting._core
    assert call is not None
    hints = call.feature(Features.RECEIVE_POLICY).policy.hints
    return any(hint.publication == stream.id and hint.enabled is False for hint in hints)


@pytest.mark.feature("STREAM-004")
async def test_a_paused_stream_is_not_sent_to_us_until_it_is_resumed(place: Place) -> None:
    await place.guest("tom", color=BLUE, tone=500)
    ben = await attend(place, "Ben")
    ann = await attend(place, "Ann")
    picture, sound = await stream_of(ann, "tom", "video"), await stream_of(ann, "tom", "audio")
    await until_moving(picture)
    (participant,) = [one for one in ann.participants.values() if one.displayName == "tom"]
    diary = Diary(ann)
    diary.watch(participant)

    await picture.pause()
    await sound.pause()
    assert (picture.paused, sound.paused) == (True, True)
    assert paused_as_seen_by_the_service(ann, picture)
    assert set(participant.streams.values()) == {picture, sound}, "it is there all the same"
    await until(lambda: not track(sound).is_subscribed)
    await until_still(picture)
    await until_moving(await stream_of(ben, "tom", "video"))

    await picture.resume()
    await sound.resume()
    assert (picture.paused, sound.paused) == (False, False)
    await until_moving(picture)
    await until(lambda: track(sound).is_subscribed)
    await until_loudness(track(sound).frames(), loud=True)
    assert diary.of("tom") == []


async def test_a_paused_stream_whose_sender_takes_it_back_is_gone(place: Place) -> None:
    tom = await attend(place, "Tom", color=BLUE)
    ann = await attend(place, "Ann")
    stream = await stream_of(ann, "Tom", "video")
    (participant,) = ann.participants.values()
    diary = Diary(ann)
    diary.watch(participant)
    await stream.pause()
    await tom.disableWebcam()
    await until(lambda: not participant.webcamOn)
    await until(lambda: not participant.streams)
    assert len(diary.of("Tom")) == 1


async def test_a_stream_of_ours_has_a_source_and_cannot_be_paused(place: Place) -> None:
    ann = await attend(place, "Ann", color=RED)
    (stream,) = ann.localParticipant.streams.values()
    assert (stream.kind, len(stream.id), stream.paused) == ("video", 32, False)
    assert isinstance(stream.track, MediaSource)
    with pytest.raises(NotProvidedError, match="disableWebcam"):
        stream.pause()
    assert stream.paused is False


async def test_pausing_after_the_meeting_fails_and_changes_nothing(place: Place) -> None:
    await place.guest("tom", color=BLUE)
    ann = await attend(place, "Ann")
    stream = await stream_of(ann, "tom", "video")
    left = next_event(ann, "meeting-left")
    ann.leave()
    await left
    with pytest.raises(MeetingError) as raised:
        await stream.pause()
    assert raised.value.code == Errors.ERROR_ACTION_PERFORMED_BEFORE_MEETING_JOINED
    assert stream.paused is False
