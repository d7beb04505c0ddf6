"""The names of 2020: they work, warn, and make today's objects."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import acs_core
from acs_core import (
    CallAgentOptions,
    CallClientOptions,
    CallEndReason,
    CommunicationUserIdentifier,
    CreateViewOptions,
    GroupCallLocator,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    PermissionConstraints,
    PermissionPolicy,
    ScalingMode,
    StartCallOptions,
    legacy,
    wire,
)
from acs_core.client.features.keys import ALL_FEATURES, Features
from acs_core.core.facts import (
    AttributesChanged,
    EndpointAttributes,
    EndpointInfo,
    EndpointLeft,
    PendingParticipant,
    PendingState,
    Priority,
    PublicationChanged,
    PublicationKind,
)
from acs_core.media.devices import DeviceDescription, DeviceKind
from acs_core.media.sources import PatternSource, ToneSource
from tests.support.calls import credential, endpoint, publication, settle
from tests.support.events import until
from tests.support.fake_session import FakeLink, FakeSession

ANN = CommunicationUserIdentifier("8:acs:resource_a")


@asynccontextmanager
async def agent(
    link: FakeLink,
) -> AsyncIterator[tuple[legacy.CallClient, legacy.CallAgent]]:
    chosen = CallClientOptions(sample_interval=3600.0)
    async with legacy.CallClient(chosen, link_factory=link.factory) as client:
        yield client, await client.create_call_agent(credential(), CallAgentOptions("Me"))


@asynccontextmanager
async def joined(*present: EndpointInfo) -> AsyncIterator[tuple[legacy.Call, FakeSession]]:
    def prepare(session: FakeSession) -> None:
        session.others = list(present)

    link = FakeLink(prepare)
    async with agent(link) as (_, the_agent):
        call = the_agent.join(GroupCallLocator(str(uuid.uuid4())), JoinCallOptions(streams=()))
        await call.connected()
        yield call, link.sessions[0]


def dialed(state: PendingState = PendingState.CONNECTING) -> FakeLink:
    def prepare(session: FakeSession) -> None:
        session.pending = [PendingParticipant(identity=ANN.raw_id, state=state)]

    return FakeLink(prepare)


# ---------------------------------------------------------------- calls


@pytest.mark.feature("LEGACY-001")
async def test_call_starts_a_call_and_says_what_it_is_called_today() -> None:
    async with agent(dialed()) as (_, the_agent):
        with pytest.warns(DeprecationWarning, match="call is called start_call today") as caught:
            call = the_agent.call([ANN], StartCallOptions(streams=()))
        assert caught[0].filename == __file__
        again = the_agent.start_call([ANN], StartCallOptions(streams=()))
        assert type(call) is type(again) is legacy.Call
        assert isinstance(call, acs_core.Call)
        assert [item.identifier for item in call.remote_participants] == [ANN]


@pytest.mark.feature("LEGACY-006")
async def test_the_microphone_has_its_former_name() -> None:
    async with joined() as (call, _):
        for _ in range(2):
            with pytest.warns(DeprecationWarning, match="is_muted"):
                assert call.is_microphone_muted is call.is_muted
            await call.mute()


@pytest.mark.feature("RECORD-001", "TRANSFER-001")
async def test_all_features_are_got_by_both_names() -> None:
    assert {Features.RECORDING, Features.TRANSFER} <= set(ALL_FEATURES)
    async with joined() as (call, _):
        for key in ALL_FEATURES:
            with pytest.warns(DeprecationWarning, match="feature"):
                former = call.api(key)
            assert former is call.feature(key)


@pytest.mark.feature("LEGACY-005")
async def test_a_caller_has_an_identity() -> None:
    async with joined() as (call, _):
        with pytest.warns(DeprecationWarning, match="identifier"):
            identity = call.caller_info.identity
        assert identity == call.caller_info.identifier
        assert identity is not None
        assert call.caller_info.display_name == "Me"


@pytest.mark.feature("LEGACY-007")
async def test_a_call_says_once_that_it_ended_and_why() -> None:
    async with joined() as (call, session):
        ends: list[acs_core.CallEndReason] = []
        states: list[legacy.CallState] = []
        call.on("callEnded", lambda args: ends.append(args.call_end_reason))
        with pytest.warns(DeprecationWarning, match="stateChanged"):
            call.on("callStateChanged", lambda: states.append(legacy.call_state(call)))
        session.end(CallEndReason(code=480, sub_code=10037))
        await call.ended()
        await settle()
        assert ends == [CallEndReason(code=480, sub_code=10037)]
        assert states == [legacy.CallState.DISCONNECTED]


@pytest.mark.feature("STATE-005")
async def test_a_call_that_rings_is_what_was_a_call_in_state_incoming() -> None:
    link = FakeLink()
    async with agent(link) as (_, the_agent):
        incoming: list[legacy.IncomingCall] = []
        the_agent.on("incomingCall", lambda args: incoming.append(args.incoming_call))
        assert link.observer is not None
        link.observer.on_invited(
            wire.Invited(invitation="d" * 32, call="c" * 32, caller=ANN.raw_id, caller_name="Ann")
        )
        assert legacy.call_state(incoming[0]) is legacy.CallState.INCOMING
        with pytest.warns(DeprecationWarning, match="identifier"):
            assert incoming[0].caller_info.identity == ANN
        call = await incoming[0].accept(acs_core.AcceptCallOptions(streams=()))
        assert type(call) is legacy.Call
        assert legacy.call_state(call) is legacy.CallState.CONNECTING
        assert "Incoming" not in set(acs_core.CallState)


async def test_a_call_that_was_rejected_is_disconnected() -> None:
    link = FakeLink()
    async with agent(link) as (_, the_agent):
        incoming: list[legacy.IncomingCall] = []
        the_agent.on("incomingCall", lambda args: incoming.append(args.incoming_call))
        assert link.observer is not None
        link.observer.on_invited(
            wire.Invited(invitation="d" * 32, call="c" * 32, caller=ANN.raw_id)
        )
        await incoming[0].reject()
        assert legacy.call_state(incoming[0]) is legacy.CallState.DISCONNECTED


async def test_both_holds_were_one_and_unhold_resumes() -> None:
    async with joined(endpoint("a")) as (call, _):
        await call.hold()
        assert call.state is acs_core.CallState.LOCAL_HOLD
        assert legacy.call_state(call) is legacy.CallState.HOLD
        with pytest.warns(DeprecationWarning, match="resume"):
            await call.unhold()
        assert legacy.call_state(call) is legacy.CallState.CONNECTED


def test_every_state_of_today_has_a_former_name() -> None:
    holds = {acs_core.CallState.LOCAL_HOLD, acs_core.CallState.REMOTE_HOLD}
    assert set(acs_core.CallState) - holds <= {state.value for state in legacy.CallState}


# ---------------------------------------------------------------- participants and streams


@pytest.mark.feature("LEGACY-008", "LEGACY-010")
async def test_streams_of_others_have_their_former_names() -> None:
    video = publication(1, PublicationKind.VIDEO)
    async with joined(endpoint("a", video)) as (call, session):
        (stream,) = call.remote_participants[0].video_streams
        assert isinstance(stream, legacy.RemoteVideoStream)
        with pytest.warns(DeprecationWarning, match="media_stream_type"):
            assert stream.type is stream.media_stream_type
        heard: list[str] = []
        with pytest.warns(DeprecationWarning, match="isAvailableChanged") as caught:
            stream.on("availabilityChanged", lambda: heard.append("former"))
        assert caught[0].filename == __file__
        stream.on("isAvailableChanged", lambda: heard.append("today"))
        session.say(
            PublicationChanged(publication=video.id, enabled=False, priority=Priority.STANDARD)
        )
        assert heard == ["today", "former"]
        assert not stream.is_available


async def test_participants_raise_their_former_event() -> None:
    async with joined(endpoint("a")) as (call, session):
        (participant,) = call.remote_participants
        heard: list[object] = []
        with pytest.warns(DeprecationWarning, match="stateChanged"):
            participant.on("participantStateChanged", lambda: heard.append(participant.state))
        session.say(EndpointLeft(endpoint="a" * 32, reason=CallEndReason()))
        assert heard == [acs_core.RemoteParticipantState.DISCONNECTED]


@pytest.mark.feature("STATE-019")
async def test_a_participant_on_hold_was_on_hold_by_another_name() -> None:
    async with joined(endpoint("a")) as (call, session):
        (participant,) = call.remote_participants
        assert legacy.participant_state(participant) is legacy.RemoteParticipantState.CONNECTED
        held = EndpointAttributes(is_on_hold=True)
        session.say(AttributesChanged(endpoint="a" * 32, attributes=held))
        assert participant.state is acs_core.RemoteParticipantState.HOLD
        assert legacy.participant_state(participant) == "OnHold"


async def test_who_rings_was_connecting() -> None:
    async with agent(dialed(PendingState.RINGING)) as (_, the_agent):
        call = the_agent.start_call([ANN], StartCallOptions(streams=()))
        (ann,) = call.remote_participants
        await until(lambda: ann.state is acs_core.RemoteParticipantState.RINGING)
        assert legacy.participant_state(ann) == "Connecting"


def test_every_state_of_a_participant_has_a_former_name() -> None:
    named = {"Hold", "Ringing"}
    former = {state.value for state in legacy.RemoteParticipantState}
    assert {state.value for state in acs_core.RemoteParticipantState} - named <= former


async def test_unknown_events_are_refused_as_today() -> None:
    async with joined() as (call, _):
        with pytest.raises(InvalidArgumentError, match="callEnded"):
            call.on("callEndet", print)


async def test_local_streams_have_their_former_methods() -> None:
    stream = legacy.LocalVideoStream(PatternSource(160, 96, 15))
    with pytest.warns(DeprecationWarning, match="source"):
        assert stream.get_source() is stream.source
    with pytest.warns(DeprecationWarning, match="media_stream_type"):
        assert stream.get_media_stream_type() is acs_core.MediaStreamType.VIDEO
    await stream.dispose()


@pytest.mark.feature("LEGACY-009")
def test_renderers_are_the_same_classes_under_both_names() -> None:
    assert legacy.Renderer is acs_core.VideoStreamRenderer
    assert legacy.RendererView is acs_core.VideoStreamRendererView
    assert legacy.HangupCallOptions is acs_core.HangUpOptions
    assert legacy.TransferToParticipant is acs_core.TransferToParticipantLocator


@pytest.mark.feature("RENDER-019")
async def test_mirrored_views_are_mirrored() -> None:
    stream = legacy.LocalVideoStream(PatternSource(160, 96, 15))
    renderer = legacy.Renderer(stream)
    options = legacy.RendererOptions(ScalingMode.CROP, mirrored=True)
    view = await renderer.create_view(options)
    assert (view.scaling_mode, view.is_mirrored) == (ScalingMode.CROP, True)
    with pytest.warns(DeprecationWarning, match="is_mirrored") as caught:
        assert view.mirrored is True
    assert caught[0].filename == __file__
    assert (options.mirrored, isinstance(options, CreateViewOptions)) == (True, True)
    await renderer.aclose()
    await stream.dispose()


# ---------------------------------------------------------------- devices


@pytest.mark.feature("INIT-003")
async def test_there_are_no_devices_before_there_is_an_agent() -> None:
    link = FakeLink()
    async with legacy.CallClient(link_factory=link.factory) as client:
        with pytest.raises(InvalidStateError, match="call agent"):
            await client.get_device_manager()
        await client.create_call_agent(credential())
        assert isinstance(await client.get_device_manager(), legacy.DeviceManager)
    async with acs_core.CallClient(link_factory=link.factory) as today:
        assert type(await today.get_device_manager()) is acs_core.DeviceManager


@pytest.mark.feature("LEGACY-002", "LEGACY-003", "LEGACY-004")
async def test_lists_of_devices_are_there_at_once() -> None:
    async with agent(FakeLink()) as (client, _):
        devices = await client.get_device_manager()
        camera = devices.add_virtual_camera("film", lambda: PatternSource(160, 96, 15))
        devices.add_virtual_microphone("tone", ToneSource)
        with pytest.warns(DeprecationWarning, match="get_cameras"):
            cameras = devices.get_camera_list()
        with pytest.warns(DeprecationWarning, match="get_microphones"):
            microphones = devices.get_microphone_list()
        with pytest.warns(DeprecationWarning, match="get_speakers"):
            speakers = devices.get_speaker_list()
        assert camera in cameras
        assert cameras == await devices.get_cameras()
        assert "tone" in [item.name for item in microphones]
        assert microphones == await devices.get_microphones()
        assert speakers == await devices.get_speakers()


@pytest.mark.feature("LEGACY-011", "LEGACY-012")
async def test_a_microphone_is_set_and_got() -> None:
    async with agent(FakeLink()) as (client, _):
        devices = await client.get_device_manager()
        for name in ("one", "two"):
            devices.add_virtual_microphone(name, ToneSource)
        chosen = (await devices.get_microphones())[-1]
        with pytest.warns(DeprecationWarning, match="select_microphone"):
            await devices.set_microphone(chosen)
        with pytest.warns(DeprecationWarning, match="selected_microphone"):
            assert devices.get_microphone() == chosen == devices.selected_microphone


@pytest.mark.feature("LEGACY-013", "LEGACY-014")
async def test_a_speaker_is_set_and_got() -> None:
    listed = [
        DeviceDescription(name, name, DeviceKind.SPEAKER, name == "one", "alsa")
        for name in ("one", "two")
    ]
    devices = legacy.DeviceManager(enumerate_devices=lambda: listed)
    second = (await devices.get_speakers())[1]
    with pytest.warns(DeprecationWarning, match="select_speaker"):
        await devices.set_speaker(second)
    with pytest.warns(DeprecationWarning, match="selected_speaker"):
        assert devices.get_speaker() == second == devices.selected_speaker


@pytest.mark.feature("PERM-003")
async def test_permission_is_asked_for_by_two_flags() -> None:
    devices = legacy.DeviceManager(PermissionPolicy(audio=True, video=False))
    with pytest.warns(DeprecationWarning, match="PermissionConstraints"):
        former = await devices.ask_device_permission(True, True)
    today = await devices.ask_device_permission(PermissionConstraints(audio=True, video=True))
    assert former == today
    assert (former.audio, former.video) == (True, False)


@pytest.mark.feature("LEGACY-015")
@pytest.mark.parametrize(
    ("permission", "state"), [("Microphone", "Granted"), (legacy.PermissionType.CAMERA, "Denied")]
)
async def test_the_state_of_a_permission_is_one_of_four(permission: str, state: str) -> None:
    devices = legacy.DeviceManager(PermissionPolicy(audio=True, video=False))
    with pytest.warns(DeprecationWarning, match="ask_device_permission"):
        assert await devices.get_permission_state(permission) == state
    assert set(legacy.PermissionState) == {"Granted", "Denied", "Prompt", "Unknown"}


async def test_a_changed_permission_is_told_and_holds() -> None:
    devices = legacy.DeviceManager(PermissionPolicy())
    heard: list[str] = []
    devices.on("permissionStateChanged", lambda: heard.append("changed"))
    devices.set_permissions(PermissionPolicy())
    assert heard == []
    devices.set_permissions(PermissionPolicy(audio=False))
    assert heard == ["changed"]
    with pytest.warns(DeprecationWarning, match="ask_device_permission"):
        assert await devices.get_permission_state("Microphone") == "Denied"


async def test_there_are_two_permissions() -> None:
    devices = legacy.DeviceManager()
    with (
        pytest.warns(DeprecationWarning, match="ask_device_permission"),
        pytest.raises(InvalidArgumentError, match="Screen"),
    ):
        await devices.get_permission_state("Screen")
