from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from acs_core import ParticipantRole
from acs_core.media.sources import ToneSource
from mapping.videosdk import Errors, LeaveReason, MeetingError, NotProvidedError, Stream, VideoSDK
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED, is_color, listen, watch
from tests.support.people import Meeting as Place
from tests.support.people import meeting, pattern
from tests.support.proxies import tcp_proxy
from tests.support.videosdk_people import ROOM, Diary, attend, init, stream_of


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with meeting() as made:
        yield made


async def frames_of(stream: Stream) -> object:
    """Identity of what a remote stream brings: a color or a frequency."""
    assert not isinstance(stream.track, ToneSource)
    frames = stream.track.frames()
    if stream.kind == "audio":
        return round(await listen(frames) / 10) * 10
    return (await watch(frames, count=2))[0]


@pytest.mark.feature("CALL-020", "CALL-021", "CALL-024", "EVENT-011", "EVENT-015")
async def test_joining_is_told_and_shows_who_was_there_before(place: Place) -> None:
    tom = await place.guest("tom")
    ann = await place.stack.enter_async_context(init(place, "Ann"))
    diary = Diary(ann)
    # As the guide has it: join first, listen afterwards, and wait for nothing.
    joined = next_event(ann, "meeting-joined")
    assert ann.join().done() is False
    assert await joined == ()
    assert [event for event, _ in diary.of("meeting") if event != "meeting-state-changed"] == [
        "meeting-joined",
        "participant-joined",
    ]
    assert diary.entries[-1] == ("meeting", "participant-joined", "tom")
    assert ann.id == tom.name == ROOM
    await until(lambda: tom.participants.size == 1)
    (seen,) = tom.participants.values()
    assert (seen.sid, seen.identity) == (f"PA{ann.localParticipant.id}", "Ann")


@pytest.mark.feature("CALL-022", "CALL-023", "STREAM-005", "PARTICIPANT-018")
async def test_microphone_and_camera_are_off_unless_they_are_asked_for(place: Place) -> None:
    silent = await attend(place, "Silent")
    assert silent.localParticipant.streams.size == 0
    ann = await place.stack.enter_async_context(init(place, "Ann", color=RED, tone=440))
    diary = Diary(ann)
    assert ann.localParticipant.id == ""
    await ann.join()
    assert diary.of("Ann") == [("stream-enabled", "audio"), ("stream-enabled", "video")]
    local = ann.localParticipant
    assert (local.displayName, local.local, len(local.id)) == ("Ann", True, 32)
    assert (local.micOn, local.webcamOn, local.screenShareOn) == (True, True, False)
    await stream_of(silent, "Ann", "video")
    (seen,) = silent.participants.values()
    assert (seen.id, seen.micOn, seen.webcamOn) == (local.id, True, True)
    assert (silent.localParticipant.micOn, silent.localParticipant.webcamOn) == (False, False)


@pytest.mark.feature("STREAM-001", "STREAM-002")
async def test_the_two_styles_see_and_hear_each_other(place: Place) -> None:
    tom = await place.guest("tom", color=BLUE, tone=600)
    ann = await attend(place, "Ann", color=RED, tone=440)
    assert await frames_of(await stream_of(ann, "tom", "audio")) == 600
    assert is_color(await frames_of(await stream_of(ann, "tom", "video")), BLUE)
    await until(lambda: tom.participants.size == 1)
    (seen,) = tom.participants.values()
    await until(lambda: all(one.track is not None for one in seen.tracks.values()))
    (sound,), (picture,) = seen.audioTracks.values(), seen.videoTracks.values()
    assert round(await listen(sound.track.frames()) / 10) * 10 == 440
    assert is_color((await watch(picture.track.frames(), count=2))[0], RED)
    mine = ann.localParticipant.streams
    assert {f"MT{stream.id}" for stream in mine.values()} == set(seen.tracks)


@pytest.mark.feature("EVENT-013", "EVENT-014", "LEAVE-008")
async def test_who_comes_and_goes_is_told_to_the_others(place: Place) -> None:
    ann = await attend(place, "Ann")
    came = next_event(ann, "participant-joined")
    tom = await place.guest("tom")
    (participant,) = await came
    assert dict(ann.participants) == {tom.localParticipant.sid.removeprefix("PA"): participant}
    left = next_event(ann, "participant-left")
    tom.disconnect()
    gone, reason = await left
    assert gone is participant
    assert reason.code is LeaveReason.MANUAL_LEAVE_CALLED
    assert ann.participants.size == 0

    ben = await attend(place, "Ben")
    await until(lambda: ann.participants.size == 1)
    left = next_event(ann, "participant-left")
    await ben.leave()
    assert (await left)[0].displayName == "Ben"
    assert ann.activePresenterId is None


async def test_a_listener_is_taken_back(place: Place) -> None:
    ann = await attend(place, "Ann")
    told: list[object] = []
    ann.on("participant-joined", told.append)
    ann.off("participant-joined", told.append)
    ann.localParticipant.on("stream-enabled", told.append)
    ann.localParticipant.off("stream-enabled", told.append)
    await place.guest("tom")
    await until(lambda: ann.participants.size == 1)
    await ann.unmuteMic(ToneSource(440.0))
    assert ann.localParticipant.micOn
    assert told == []


@pytest.mark.feature("EVENT-012", "EVENT-016", "STREAM-003")
async def test_leaving_takes_all_streams_away_and_then_is_told(place: Place) -> None:
    await place.guest("tom", color=BLUE)
    ann = await place.stack.enter_async_context(init(place, "Ann", tone=440))
    diary = Diary(ann)
    await ann.join()
    stream = await stream_of(ann, "tom", "video")
    frames = stream.track.frames()
    ann.leave()
    await ann.leave()
    assert diary.entries[-4:-2] == [
        ("Ann", "stream-disabled", "audio"),
        ("tom", "stream-disabled", "video"),
    ]
    *_, state, (who, event, reason) = diary.entries
    assert (who, event) == ("meeting", "meeting-left")
    assert getattr(reason, "code", None) is LeaveReason.MANUAL_LEAVE_CALLED
    assert "DISCONNECTED" in repr(state)
    async with asyncio.timeout(2):
        async for _ in frames:  # What had arrived already; then it ends.
            pass
    assert [one.streams.size for one in ann.participants.values()] == [0]
    with pytest.raises(MeetingError, match="joined before"):
        await ann.join()


@pytest.mark.feature("LEAVE-009")
async def test_ending_removes_everybody(place: Place) -> None:
    tom = await place.guest("tom")
    ben = await attend(place, "Ben")
    ann = await attend(place, "Ann")
    left = next_event(ben, "meeting-left")
    over = next_event(tom, "disconnected")
    await ann.end()
    assert (await left)[0].code is LeaveReason.REMOVE_ALL
    await over


@pytest.mark.feature("AUDIO-012")
async def test_muting_keeps_the_publication_and_takes_the_stream(place: Place) -> None:
    tom = await place.guest("tom")
    ben = await attend(place, "Ben")
    ann = await attend(place, "Ann", tone=440)
    stream = await stream_of(ben, "Ann", "audio")
    (seen,) = [one for one in tom.participants.values() if one.identity == "Ann"]
    disabled = next_event(seen, "trackDisabled")
    (remote,) = [one for one in ben.participants.values() if one.displayName == "Ann"]
    gone = next_event(remote, "stream-disabled")
    await ann.muteMic()
    assert await gone == (stream,)
    await disabled
    assert seen.audioTracks.size == 1
    assert (ann.localParticipant.micOn, remote.micOn) == (False, False)
    back = next_event(remote, "stream-enabled")
    await ann.unmuteMic(ToneSource(800.0))
    assert await back == (stream,)
    assert await frames_of(stream) == 800


@pytest.mark.feature("VIDEO-023")
async def test_the_camera_is_unpublished_and_published_again(place: Place) -> None:
    tom = await place.guest("tom")
    ben = await attend(place, "Ben")
    ann = await attend(place, "Ann", color=RED)
    stream = await stream_of(ben, "Ann", "video")
    (remote,) = [one for one in ben.participants.values() if one.displayName == "Ann"]
    (seen,) = [one for one in tom.participants.values() if one.identity == "Ann"]
    gone, unpublished = next_event(remote, "stream-disabled"), next_event(seen, "trackUnpublished")
    # Not awaited, as in the guide: they are done in order.
    ann.disableWebcam()
    again = ann.enableWebcam(pattern(GREEN))
    assert await gone == (stream,)
    await unpublished
    await again
    fresh = await stream_of(ben, "Ann", "video")
    assert fresh.id != stream.id
    assert is_color(await frames_of(fresh), GREEN)


async def test_muting_what_is_off_and_showing_what_is_on_does_nothing(place: Place) -> None:
    ann = await attend(place, "Ann", color=RED)
    await ann.muteMic()
    await ann.disableScreenShare()
    (stream,) = ann.localParticipant.streams.values()
    await ann.enableWebcam()
    assert list(ann.localParticipant.streams.values()) == [stream]
    await ann.enableWebcam(pattern(BLUE))
    assert list(ann.localParticipant.streams.values()) == [stream]


async def test_a_shared_screen_has_a_presenter(place: Place) -> None:
    ben = await attend(place, "Ben")
    ann = await attend(place, "Ann", color=RED)
    presents = next_event(ben, "presenter-changed")
    await ann.enableScreenShare(pattern(GREEN))
    assert await presents == (ann.localParticipant.id,)
    assert ann.activePresenterId == ben.activePresenterId == ann.localParticipant.id
    assert is_color(await frames_of(await stream_of(ben, "Ann", "share")), GREEN)
    presents = next_event(ben, "presenter-changed")
    await ann.disableScreenShare()
    assert await presents == (None,)
    local = ann.localParticipant
    assert (local.webcamOn, local.screenShareOn) == (True, False)


@pytest.mark.feature("EVENT-017")
async def test_the_speaker_is_an_id_or_none(place: Place) -> None:
    ann = await attend(place, "Ann")
    speaks = next_event(ann, "speaker-changed")
    tom = await place.guest("tom", tone=500)
    speaker = tom.localParticipant.sid.removeprefix("PA")
    assert await speaks == (speaker,)
    assert ann.activeSpeakerId == speaker
    silence = next_event(ann, "speaker-changed")
    tom.disconnect()
    assert await silence == (None,)


@pytest.mark.feature("CALL-019", "TOKEN-008")
async def test_one_token_is_for_several_or_for_one_room(place: Place) -> None:
    _, token = place.server.issue_user_token()
    ann = await attend(place, "Ann", token=token.token)
    ben = await attend(place, "Ben", token=token.token)
    assert [one.displayName for one in ben.participants.values()] == ["Ann"]
    await until(lambda: ann.participants.size == 1)

    bound = place.server.access_token("cleo", room="elsewhere")
    async with init(place, "Cleo", token=bound) as refused:
        told = next_event(refused, "error")
        with pytest.raises(MeetingError) as raised:
            await refused.join()
    assert raised.value.code == Errors.UNAUTHORIZED_MEETING_ID
    assert await told == (raised.value,)
    cleo = await attend(place, "Cleo", token=bound, meetingId="elsewhere")
    assert cleo.participants.size == 0


@pytest.mark.feature("TOKEN-008")
async def test_a_twilio_token_is_for_one_participant(place: Place) -> None:
    token = place.server.access_token("ann")
    first = await attend(place, "Ann", token=token)
    left = next_event(first, "meeting-left")
    second = await attend(place, "Ann", token=token)
    assert (await left)[0].code is LeaveReason.DUPLICATE_PARTICIPANT
    assert second.localParticipant.id != first.localParticipant.id


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"meetingId": "nowhere"}, Errors.INVALID_MEETING_ID),
        ({"token": "no-token"}, Errors.INVALID_TOKEN),
        ({"signalingBaseUrl": "http://127.0.0.1:9"}, Errors.ERROR_UNABLE_TO_JOIN_MEETING),
    ],
)
async def test_why_a_meeting_cannot_be_joined_has_videosdks_code(
    place: Place, options: dict[str, str], code: Errors
) -> None:
    async with init(place, "Ann", **options) as refused:
        diary = Diary(refused)
        with pytest.raises(MeetingError) as raised:
            await refused.join()
        assert raised.value.code == code
        assert raised.value.__cause__ is not None
        assert diary.entries[-1] == ("meeting", "error", raised.value)
        assert "FAILED" in repr(diary.entries[-2])


async def test_devices_that_are_not_there_keep_nobody_out(place: Place) -> None:
    ann = await place.stack.enter_async_context(
        init(place, "Ann", micEnabled=True, webcamEnabled=True)
    )
    diary = Diary(ann)
    await ann.join()
    errors = [what for event, what in diary.of("meeting") if event == "error"]
    assert [getattr(error, "code", 0) for error in errors] == [
        Errors.ERROR_MICROPHONE_NOT_FOUND,
        Errors.ERROR_CAMERA_NOT_FOUND,
    ]
    with pytest.raises(MeetingError) as raised:
        await ann.unmuteMic()
    assert raised.value.code == Errors.ERROR_MICROPHONE_NOT_FOUND
    with pytest.raises(MeetingError) as raised:
        await ann.enableScreenShare()
    assert raised.value.code == Errors.ERROR_GET_DISPLAY_MEDIA


async def test_nothing_is_sent_before_joining_or_after_leaving(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    ann = await place.stack.enter_async_context(init(place, "Ann"))
    with caplog.at_level(logging.WARNING, "mapping.videosdk.meeting"):
        ann.muteMic()
        await until(lambda: "The meeting is not joined." in caplog.text)
    told = next_event(ann, "error")
    ann.unmuteMic()
    (error,) = await told
    assert error.code == Errors.ERROR_ACTION_PERFORMED_BEFORE_MEETING_JOINED
    await ann.join()
    await ann.leave()
    with pytest.raises(MeetingError):
        await ann.enableWebcam(pattern(RED))


async def test_a_meeting_may_be_left_while_it_is_joined(place: Place) -> None:
    ann = await place.stack.enter_async_context(init(place, "Ann"))
    connecting = next_event(ann, "meeting-state-changed")
    joining = ann.join()
    await connecting
    await ann.leave()
    with pytest.raises(MeetingError) as raised:
        await joining
    assert raised.value.code == Errors.ERROR_OPERATION_ABORTED
    assert place.server.sessions == 0


async def test_who_is_cancelled_while_joining_leaves_nothing(place: Place) -> None:
    ann = await place.stack.enter_async_context(init(place, "Ann"))
    connecting = next_event(ann, "meeting-state-changed")
    joining = ann.join()
    await connecting
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    with pytest.raises(MeetingError, match="joined before"):
        await ann.join()
    await until(lambda: place.server.sessions == 0)


async def test_a_lost_connection_and_its_return_are_states(place: Place) -> None:
    tom = await place.guest("tom")
    async with tcp_proxy(place.server.port) as proxy:
        ann = init(place, "Ann", signalingBaseUrl=proxy.url)
        states: list[str] = []
        ann.on("meeting-state-changed", lambda change: states.append(change.state))
        async with ann:
            await ann.join()
            lost = next_event(ann, "meeting-state-changed")
            proxy.cut()
            await lost
            back = next_event(ann, "meeting-state-changed")
            proxy.restore()
            await back
            assert states == ["CONNECTING", "CONNECTED", "RECONNECTING", "CONNECTED"]
            assert ann.participants.size == tom.participants.size == 1


async def test_who_may_not_end_the_meeting_only_leaves(place: Place) -> None:
    raw_id, token = place.server.issue_user_token()
    owner, key = place.server.issue_user_token()
    roles = {raw_id: ParticipantRole.CONSUMER, owner: ParticipantRole.PRESENTER}
    place.server.rooms.create(unique_name="lecture", members=roles)
    teacher = await attend(place, "Owner", token=key.token, meetingId="lecture")
    ann = await attend(place, "Ann", token=token.token, meetingId="lecture")
    left = next_event(ann, "meeting-left")
    with pytest.raises(MeetingError) as raised:
        await ann.end()
    assert raised.value.code == Errors.ERROR_END_MEETING_FAILED
    await left
    await until(lambda: teacher.participants.size == 0)
    await teacher.end()


async def test_a_listener_may_leave_and_wait_for_it(place: Place) -> None:
    ann = await attend(place, "Ann")
    done = asyncio.Event()

    async def leave() -> None:
        await ann.leave()
        done.set()

    ann.on("participant-joined", leave)
    await place.guest("tom")
    async with asyncio.timeout(3):
        await done.wait()


async def test_closing_takes_less_than_two_seconds(place: Place) -> None:
    ann = await attend(place, "Ann", color=RED, tone=440)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await ann.aclose()
    await ann.aclose()
    assert loop.time() - begin < 2.0


async def test_a_meeting_that_was_never_joined_closes(place: Place) -> None:
    ann = init(place, "Ann")
    await ann.leave()
    await ann.aclose()


async def test_what_is_not_provided_says_what_to_use(place: Place) -> None:
    ann = init(place, "Ann")
    with pytest.raises(NotProvidedError, match=r"Meeting.startRecording.*REST API"):
        ann.startRecording("https://example.com/hook")
    await ann.aclose()
    assert VideoSDK.getCameras.__doc__ == "Not provided. Use DeviceManager of acs_core."
