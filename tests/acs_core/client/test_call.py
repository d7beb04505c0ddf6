from __future__ import annotations

import asyncio
import uuid

import pytest

from acs_core import (
    AudioOptions,
    Call,
    CallEvent,
    CallingError,
    CallState,
    Features,
    GroupCallLocator,
    HangUpOptions,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    LocalAudioStream,
    LocalVideoStream,
    MediaError,
    RoomCallLocator,
    ServiceError,
    SourceUnavailableError,
    Stage,
    StreamOptions,
    TransportError,
    VideoOptions,
)
from acs_core.core import endings
from acs_core.core.facts import EndpointJoined, EndReason, PublicationKind
from acs_core.media.sources import MediaSource, PatternSource, ToneSource
from acs_core.models import VideoDeviceInfo, VideoDeviceType
from acs_core.wire import GroupLocator, RoomInfo, RoomLocator
from tests.support.calls import Log, agent, endpoint, joined, settle
from tests.support.fake_session import FakeLink, FakeSession

GROUP = GroupCallLocator(str(uuid.uuid4()))


def broken_camera() -> VideoDeviceInfo:
    def fail() -> MediaSource:
        raise SourceUnavailableError("busy", sub_code=43000, stage=Stage.DEVICE)

    return VideoDeviceInfo("Busy", "busy", VideoDeviceType.USB_CAMERA, fail)


def camera(label: str = "pattern") -> VideoDeviceInfo:
    return VideoDeviceInfo(label, label, VideoDeviceType.VIRTUAL, lambda: PatternSource(96, 48, 5))


# ---------------------------------------------------------------- life


@pytest.mark.feature("CALL-005", "CALL-017", "STATE-001", "STATE-002", "STATE-003")
async def test_join_returns_at_once_and_connects_later() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP)
        states = [call.state]
        call.on(CallEvent.STATE_CHANGED, lambda: states.append(call.state))
        assert len(call.id) == 32
        assert call in the_agent.calls
        await call.connected()
        assert states == [CallState.CONNECTING, CallState.CONNECTED]
        assert link.sessions[0].locator == GroupLocator(group_id=GROUP.group_id)
        assert link.sessions[0].id == call.id
        assert call.info.group_id == GROUP.group_id
        assert await call.info.get_server_call_id() == "c" * 32


@pytest.mark.feature("ROOM-001")
async def test_a_room_is_joined_by_its_name() -> None:
    def prepare(session: FakeSession) -> None:
        session.room = RoomInfo(id="r1", name="standup")

    link = FakeLink(prepare)
    async with agent(link) as the_agent:
        call = await the_agent.join(RoomCallLocator("standup")).connected()
        assert link.sessions[0].locator == RoomLocator(room="standup")
        assert call.info.room == RoomInfo(id="r1", name="standup")
        assert call.info.group_id is None


@pytest.mark.feature("STATE-014", "STATE-012")
async def test_hanging_up_ends_with_code_0() -> None:
    async with joined() as (call, session):
        log = Log().watch(call)
        await call.hang_up()
        assert log.names == ["stateChanged", "stateChanged"]
        assert call.state is CallState.DISCONNECTED
        assert call.call_end_reason is not None
        assert call.call_end_reason.code == 0
        assert call.error is None
        assert session.left == [False]
        await call.hang_up()
        assert session.left == [False]


async def test_hanging_up_for_everyone_says_so() -> None:
    async with joined() as (call, session):
        await call.hang_up(HangUpOptions(for_everyone=True))
        assert session.left == [True]


async def test_hanging_up_breaks_off_joining() -> None:
    def prepare(session: FakeSession) -> None:
        session.gate = asyncio.Event()

    link = FakeLink(prepare)
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP)
        await settle()
        await call.hang_up()
        assert call.state is CallState.DISCONNECTED
        with pytest.raises(ServiceError):
            await call.connected()


async def test_a_refused_join_ends_the_call_with_the_error_it_was_refused_for() -> None:
    refusal = ServiceError("The room is full.", code=403, sub_code=53105, stage=Stage.ADMISSION)

    def prepare(session: FakeSession) -> None:
        session.join_error = refusal

    link = FakeLink(prepare)
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP)
        with pytest.raises(ServiceError) as caught:
            await call.connected()
        assert caught.value is refusal
        assert call.error is refusal
        assert call.call_end_reason == EndReason(
            code=403, sub_code=53105, message="The room is full."
        )
        assert the_agent.calls == ()


@pytest.mark.feature("STATE-024")
async def test_the_end_reason_is_there_when_the_state_says_disconnected() -> None:
    async with joined() as (call, session):
        seen: list[EndReason | None] = []
        call.on("stateChanged", lambda: seen.append(call.call_end_reason))
        session.end(EndReason(code=0, sub_code=5300, message="removed"))
        assert seen == [EndReason(code=0, sub_code=5300, message="removed")]
        assert (await call.ended()).sub_code == 5300


@pytest.mark.feature("STATE-013")
async def test_a_lost_network_shows_only_when_the_session_gives_up() -> None:
    async with joined() as (call, session):
        error = TransportError("lost", stage=Stage.SIGNALING)
        session.lose(error)
        assert call.state is CallState.CONNECTED
        assert call.feature(Features.RECONNECTION).cause is error
        session.restore()
        assert not call.feature(Features.RECONNECTION).is_reconnecting
        session.lose(error)
        session.end(EndReason(code=408, sub_code=53001, message="gone"))
        assert call.state is CallState.DISCONNECTED
        assert isinstance(call.error, TransportError)
        assert call.call_end_reason is not None
        assert call.call_end_reason.code != 0


async def test_a_coroutine_listener_may_hang_up() -> None:
    async with joined() as (call, _):
        done = asyncio.Event()

        async def leave(_: object) -> None:
            await call.hang_up()
            done.set()

        call.on("remoteParticipantsUpdated", leave)
        call._emit("remoteParticipantsUpdated", None)
        async with asyncio.timeout(2):
            await done.wait()
        assert call.state is CallState.DISCONNECTED


async def test_disposing_the_agent_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    link = FakeLink()
    async with agent(link) as the_agent:
        call = await the_agent.join(GROUP).connected()
        call.on("stateChanged", asyncio.Event().wait)
    await settle()
    assert asyncio.all_tasks() == before
    assert not link.is_open


async def test_features_are_the_same_object_each_time() -> None:
    async with joined() as (call, _):
        assert call.feature(Features.STREAMS) is call.feature(Features.STREAMS)
        assert call.feature(Features.CALL_DOMINANT_SPEAKERS) is call.feature(
            Features.DOMINANT_SPEAKERS
        )
        with pytest.raises(InvalidArgumentError, match="no feature"):
            call.feature("Streams")  # type: ignore[arg-type]


# ---------------------------------------------------------------- microphone


@pytest.mark.feature("OBJECT-010", "AUDIO-007", "CALL-014")
async def test_muting_disables_the_microphone_and_tells_the_service() -> None:
    sound = LocalAudioStream(ToneSource(440))
    options = JoinCallOptions(audio_options=AudioOptions(local_audio_streams=(sound,)))
    async with joined(options) as (call, session):
        (stream,) = session.streams.values()
        log = Log().watch(call)
        await call.mute()
        assert call.is_muted
        assert not stream.enabled
        assert session.updates == [(stream.id, False, None)]
        await call.mute()
        await call.unmute()
        assert log.names == ["isMutedChanged", "isMutedChanged"]
        assert [item[1] for item in session.updates] == [False, True]


async def test_a_microphone_that_may_not_be_heard_now_starts_muted() -> None:
    tone = ToneSource()
    async with joined(JoinCallOptions(streams=())) as (call, session):
        session.silenced.add(PublicationKind.AUDIO)
        log = Log().watch(call)
        await call.start_audio(LocalAudioStream(tone))
        assert call.is_muted
        assert log.names == ["isMutedChanged", "localAudioStreamsUpdated"]
        (stream,) = session.streams.values()
        assert not stream.enabled
        # Once it is permitted, unmuting is asked of the service.
        await call.unmute()
        assert session.updates[-1] == (stream.id, True, None)
    await tone.close()


async def test_a_call_can_be_muted_before_it_has_a_microphone() -> None:
    async with joined(JoinCallOptions(streams=())) as (call, session):
        await call.mute()
        await call.start_audio(LocalAudioStream(ToneSource(440)))
        (stream,) = session.streams.values()
        assert not stream.enabled
        await call.unmute()
        assert stream.enabled


async def test_muting_while_connecting_holds_once_connected() -> None:
    sound = LocalAudioStream(ToneSource(440))
    options = JoinCallOptions(audio_options=AudioOptions(local_audio_streams=(sound,)))
    gate = asyncio.Event()
    link = FakeLink(lambda session: setattr(session, "gate", gate))
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP, options)
        await settle()
        await call.mute()
        gate.set()
        await call.connected()
        await settle()
        (stream,) = link.sessions[0].streams.values()
        assert not stream.enabled
        assert link.sessions[0].updates == [(stream.id, False, None)]


async def test_only_one_microphone_at_a_time() -> None:
    async with joined(JoinCallOptions(streams=())) as (call, session):
        await call.start_audio(LocalAudioStream(ToneSource(440)))
        with pytest.raises(InvalidArgumentError) as caught:
            await call.start_audio(LocalAudioStream(ToneSource(440)))
        assert caught.value.sub_code == 41046
        await call.stop_audio()
        assert not call.is_local_audio_started
        assert not session.streams


# ---------------------------------------------------------------- camera and screen


@pytest.mark.feature(
    "VIDEO-009", "VIDEO-010", "VIDEO-011", "VIDEO-015", "VIDEO-016", "VIDEO-018", "LIMIT-001"
)
async def test_a_camera_starts_and_stops_once() -> None:
    async with joined(JoinCallOptions(streams=())) as (call, session):
        log = Log().watch(call)
        stream, other = LocalVideoStream(camera()), LocalVideoStream(camera())
        with pytest.raises(InvalidArgumentError) as off:
            await call.stop_video(stream)
        await call.start_video(stream)
        assert call.is_local_video_started
        assert call.local_video_streams == (stream,)
        assert stream.media_stream_type == "Video"
        codes = []
        for wrong in (stream, other, object()):
            with pytest.raises(InvalidArgumentError) as caught:
                await call.start_video(wrong)  # type: ignore[arg-type]
            codes.append(caught.value.sub_code)
        with pytest.raises(InvalidArgumentError) as caught:
            await call.stop_video(other)
        assert [off.value.sub_code, *codes, caught.value.sub_code] == [
            41030,
            41027,
            41044,
            41026,
            41032,
        ]
        await call.stop_video(stream)
        assert call.local_video_streams == ()
        assert not session.streams
        assert log.names == ["localVideoStreamsUpdated", "isLocalVideoStartedChanged"] * 2


@pytest.mark.feature("VIDEO-013")
async def test_a_busy_camera_is_refused_and_diagnosed() -> None:
    async with joined(JoinCallOptions(streams=())) as (call, _):
        with pytest.raises(SourceUnavailableError) as caught:
            await call.start_video(LocalVideoStream(broken_camera()))
        assert (caught.value.code, caught.value.sub_code) == (412, 43000)
        latest = call.feature(Features.USER_FACING_DIAGNOSTICS).media.get_latest()
        assert latest["cameraStartFailed"].value is True
        assert not call.is_local_video_started


@pytest.mark.feature("DIAG-002")
async def test_a_call_joined_with_a_busy_camera_connects_without_it() -> None:
    options = JoinCallOptions(
        video_options=VideoOptions((LocalVideoStream(broken_camera()),)), streams=()
    )
    async with joined(options) as (call, _):
        assert call.state is CallState.CONNECTED
        assert not call.is_local_video_started
        latest = call.feature(Features.USER_FACING_DIAGNOSTICS).media.get_latest()
        assert latest["cameraStartFailed"].value is True


@pytest.mark.feature("CALL-011", "LIMIT-005")
async def test_video_options_start_one_camera() -> None:
    first, second = LocalVideoStream(camera("a")), LocalVideoStream(camera("b"))
    async with joined(JoinCallOptions(video_options=VideoOptions((first,)))) as (call, _):
        assert call.local_video_streams == (first,)
    link = FakeLink()
    async with agent(link) as the_agent:
        with pytest.raises(InvalidArgumentError) as caught:
            the_agent.join(GROUP, JoinCallOptions(video_options=VideoOptions((first, second))))
        assert caught.value.sub_code == 41044
        assert the_agent.calls == ()


@pytest.mark.feature("SCREEN-003", "SCREEN-004", "SCREEN-005", "SCREEN-006", "SCREEN-007")
async def test_a_screen_is_shared_beside_the_camera() -> None:
    async with joined(JoinCallOptions(streams=())) as (call, session):
        log = Log().watch(call)
        await call.start_video(LocalVideoStream(camera()))
        screen = LocalVideoStream(camera("screen"))
        await call.start_screen_sharing(screen)
        assert call.is_screen_sharing_on
        assert screen.media_stream_type == "ScreenSharing"
        assert call.local_video_streams[1] is screen
        assert [stream.kind for stream in session.streams.values()] == ["video", "screen"]
        with pytest.raises(InvalidArgumentError) as caught:
            await call.start_screen_sharing(screen)
        assert caught.value.sub_code == 41035
        await call.stop_screen_sharing()
        with pytest.raises(InvalidArgumentError) as caught:
            await call.stop_screen_sharing()
        assert caught.value.sub_code == 41041
        assert log.names.count("isScreenSharingOnChanged") == 2


async def test_sharing_needs_a_connected_call() -> None:
    gate = asyncio.Event()
    link = FakeLink(lambda session: setattr(session, "gate", gate))
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP)
        with pytest.raises(InvalidStateError) as caught:
            await call.start_screen_sharing()
        assert (caught.value.code, caught.value.sub_code) == (412, 41071)


@pytest.mark.feature("VIDEO-012", "VIDEO-014")
async def test_switching_the_source_keeps_the_publication() -> None:
    async with joined(JoinCallOptions(streams=())) as (call, session):
        stream = LocalVideoStream(camera("a"))
        await call.start_video(stream)
        (sent,) = session.streams.values()
        first = sent.source
        with pytest.raises(InvalidArgumentError) as caught:
            await stream.switch_source(camera("a"))
        assert caught.value.sub_code == 43005
        with pytest.raises(SourceUnavailableError):
            await stream.switch_source(broken_camera())
        assert sent.source is first
        latest = call.feature(Features.USER_FACING_DIAGNOSTICS).media.get_latest()
        assert latest["cameraStartFailed"].value is True
        await stream.switch_source(camera("b"))
        assert list(session.streams.values()) == [sent]
        assert sent.source is stream.media_source is not first
        assert stream.source.id == "b"
        await stream.dispose()


class Device(PatternSource):
    """A camera that says whether it is on, and takes some time to open when asked to."""

    def __init__(self) -> None:
        super().__init__(96, 48, 5)
        self.is_closed = False
        self.gate: asyncio.Event | None = None

    async def _prepare(self) -> None:
        if self.gate is not None:
            await self.gate.wait()

    async def close(self) -> None:
        self.is_closed = True
        await super().close()


def device(name: str, source: Device) -> VideoDeviceInfo:
    return VideoDeviceInfo(name, name, VideoDeviceType.VIRTUAL, lambda: source)


class StuckUser:
    """Uses a stream and takes no other source of it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.failures: list[MediaError] = []

    async def replace_source(self, source: MediaSource) -> None:
        raise self.error

    def source_failed(self, error: MediaError) -> None:
        self.failures.append(error)


@pytest.mark.parametrize(
    ("cause", "codes"),
    [
        (SourceUnavailableError("gone", sub_code=43000), (412, 43000)),
        (RuntimeError("broken"), (500, 43002)),
    ],
)
async def test_a_switch_that_fails_at_one_user_of_a_stream_leaves_all_on_the_old_source(
    cause: Exception, codes: tuple[int, int]
) -> None:
    old, new = Device(), Device()
    stream = LocalVideoStream(device("a", old))
    nothing = JoinCallOptions(streams=())
    async with joined(nothing) as (call, session), joined(nothing) as (other, second):
        await call.start_video(stream)
        await other.start_video(stream)
        before = stream.media_source
        stuck = StuckUser(cause)
        stream.use(stuck)
        with pytest.raises(CallingError) as caught:
            await stream.switch_source(device("b", new))
        assert (caught.value.code, caught.value.sub_code) == codes
        assert stuck.failures == [caught.value]
        for sent in (*session.streams.values(), *second.streams.values()):
            assert sent.source is before
        assert stream.source.id == "a"
        assert stream.media_source is before
        assert (old.is_closed, new.is_closed) == (False, True)
        stream.release(stuck)
        third = Device()
        await stream.switch_source(device("c", third))
        for sent in (*session.streams.values(), *second.streams.values()):
            assert sent.source is stream.media_source
        assert (old.is_closed, third.is_closed) == (True, False)
        await stream.dispose()
        assert third.is_closed


async def test_a_stream_that_is_disposed_during_a_switch_keeps_no_device() -> None:
    old, new = Device(), Device()
    new.gate = asyncio.Event()
    stream = LocalVideoStream(device("a", old))
    async with joined(JoinCallOptions(streams=())) as (call, _):
        await call.start_video(stream)
        switching = asyncio.create_task(stream.switch_source(device("b", new)))
        await settle()
        await stream.dispose()
        new.gate.set()
        with pytest.raises(InvalidStateError):
            await switching
        assert old.is_closed
        assert new.is_closed
        assert stream.source.id == "a"


async def test_a_disposed_stream_opens_no_other_camera() -> None:
    made: list[MediaSource] = []

    def make() -> MediaSource:
        made.append(PatternSource(96, 48, 5))
        return made[-1]

    stream = LocalVideoStream(camera())
    await stream.dispose()
    with pytest.raises(InvalidStateError):
        await stream.switch_source(VideoDeviceInfo("B", "b", VideoDeviceType.VIRTUAL, make))
    assert made == []


# ---------------------------------------------------------------- joining with streams


async def test_named_streams_are_published_from_the_start() -> None:
    options = JoinCallOptions(
        streams=(
            StreamOptions(ToneSource(440), name="voice"),
            StreamOptions(PatternSource(96, 48, 5), name="slides", screen=True, enabled=False),
            StreamOptions(name="chat"),
        )
    )
    async with joined(options) as (call, session):
        streams = call.feature(Features.STREAMS)
        assert [(item.name, item.kind.value) for item in streams.local_publications] == [
            ("voice", "audio"),
            ("slides", "screen"),
            ("chat", "data"),
        ]
        assert not session.stream("slides").enabled
        assert not call.is_local_video_started


async def test_who_came_before_the_call_is_connected_comes_with_one_event() -> None:
    gate = asyncio.Event()
    link = FakeLink(lambda session: setattr(session, "gate", gate))
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP)
        log = Log().watch(call).watch(call.feature(Features.STREAMS))
        await settle()
        session = link.sessions[0]
        session.others.append(endpoint("a"))
        session.observer.on_facts(())
        gate.set()
        await call.connected()
        assert [item.display_name for item in call.remote_participants] == ["A"]
        # The scripted service asks for no token, so who we are is known only now.
        before = ["remoteParticipantsUpdated", "stateChanged", "callerInfoChanged"]
        assert log.names == before
        session.say(EndpointJoined(endpoint=endpoint("b")))
        told = ["endpointAdded", "remoteParticipantsUpdated", "totalParticipantCountChanged"]
        assert log.names == [*before, *told]


def test_every_acs_event_of_calls_is_known() -> None:
    assert {"stateChanged", "idChanged", "remoteParticipantsUpdated"} <= Call.EVENTS


# ---------------------------------------------------------------- trouble while joining and leaving


async def test_a_stream_stopped_while_connecting_is_withdrawn() -> None:
    sound, picture = LocalAudioStream(ToneSource(440)), LocalVideoStream(camera())
    options = JoinCallOptions(
        audio_options=AudioOptions(local_audio_streams=(sound,)),
        video_options=VideoOptions((picture,)),
    )
    gate = asyncio.Event()
    link = FakeLink(lambda session: setattr(session, "gate", gate))
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP, options)
        await settle()
        await call.stop_audio()
        gate.set()
        await call.connected()
        await settle()
        (stream,) = link.sessions[0].streams.values()
        assert stream.kind == "video"
        await call.stop_video(picture)
        assert not link.sessions[0].streams
    await picture.dispose()


async def test_any_failure_while_joining_ends_the_call_with_its_cause() -> None:
    def fail() -> MediaSource:
        raise RuntimeError("driver bug")

    device = VideoDeviceInfo("Bad", "bad", VideoDeviceType.USB_CAMERA, fail)
    link = FakeLink()
    async with agent(link) as the_agent:
        options = JoinCallOptions(video_options=VideoOptions((LocalVideoStream(device),)))
        call = the_agent.join(GROUP, options)
        async with asyncio.timeout(2):
            with pytest.raises(CallingError, match="driver bug") as caught:
                await call.connected()
        assert isinstance(caught.value.__cause__, RuntimeError)
        assert call.state is CallState.DISCONNECTED
        assert the_agent.calls == ()


async def test_ending_for_everyone_may_be_refused() -> None:
    async with joined() as (call, session):
        session.leave_error = ServiceError("Not for you.")
        with pytest.raises(ServiceError, match="Not for you"):
            await call.hang_up(HangUpOptions(for_everyone=True))
        assert call.state is CallState.DISCONNECTED
        await call.hang_up()


async def test_a_lost_call_says_what_was_lost_and_what_to_do() -> None:
    async with joined() as (call, session):
        cause = TransportError("silent", stage=Stage.ICE)
        session.lose(cause)
        session.end(endings.MEDIA_LOST)
        assert isinstance(call.error, TransportError)
        assert (call.error.stage, call.error.__cause__) == (Stage.ICE, cause)
        assert "UDP" in call.error.next_step
