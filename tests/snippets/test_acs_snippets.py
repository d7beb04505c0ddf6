"""The ACS programs of the migration guide: starting up, devices, calling and being called.

Each test is one program as the guide means it, with what it got wrong put right.
"""

from __future__ import annotations

import asyncio
import uuid

import pytest

from acs_core import (
    AcceptCallOptions,
    AudioDeviceType,
    AudioOptions,
    AzureCommunicationTokenCredential,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CallEndedEventArgs,
    CallEndReason,
    CallState,
    HangUpOptions,
    IncomingCall,
    IncomingCallEventArgs,
    InvalidArgumentError,
    InvalidStateError,
    LocalAudioStream,
    MicrosoftTeamsUserIdentifier,
    ParticipantRole,
    PermissionConstraints,
    PermissionPolicy,
    RemoteParticipantState,
    StartTeamsCallOptions,
    TeamsCall,
    TeamsCallAgent,
)
from acs_core.media.sources import ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import RED
from tests.support.people import Meeting, pattern, quiet, seen_by
from tests.support.snippets import ACCEPT_QUIETLY, CALL_QUIETLY, Pair, hears, user_id


@pytest.mark.feature("INIT-001", "DEVICE-003", "DEVICE-004", "DEVICE-005", "DEVICE-006")
async def test_init_001_device_003_to_006_a_client_and_its_devices(place: Meeting) -> None:
    _, issued = place.server.issue_user_token()
    user_token = issued.token
    token_credential = AzureCommunicationTokenCredential(user_token)
    async with CallClient() as call_client:
        call_agent = await call_client.create_call_agent(
            token_credential, CallAgentOptions(display_name="optional user name")
        )
        assert call_agent.display_name == "optional user name"
        with pytest.raises(InvalidArgumentError) as second:
            await call_client.create_call_agent(token_credential)
        assert (second.value.code, second.value.sub_code) == (400, 40008)

        device_manager = await call_client.get_device_manager()
        camera = device_manager.add_virtual_camera("camera", lambda: pattern(RED))
        microphone = device_manager.add_virtual_microphone("microphone", ToneSource)
        local_cameras = await device_manager.get_cameras()
        local_microphones = await device_manager.get_microphones()
        local_speakers = await device_manager.get_speakers()
        assert camera in local_cameras
        assert microphone.id in [item.id for item in local_microphones]
        assert all(item.device_type is AudioDeviceType.SPEAKER for item in local_speakers)
        assert await call_client.get_device_manager() is device_manager


@pytest.mark.feature("PERM-002")
@pytest.mark.parametrize("video", [True, False])
async def test_perm_002_ask_for_microphone_and_camera(video: bool) -> None:
    """Who runs the program answers once, in the options of the client."""
    options = CallClientOptions(permissions=PermissionPolicy(audio=True, video=video))
    async with CallClient(options) as call_client:
        device_manager = await call_client.get_device_manager()
        result = await device_manager.ask_device_permission(
            PermissionConstraints(audio=True, video=True)
        )
        assert result.audio is True
        assert result.video is video


@pytest.mark.feature("CALL-006", "CALL-005", "STATE-001", "STATE-002")
async def test_call_006_state_001_call_somebody(place: Meeting) -> None:
    """The guide's listener has backslashes in it."""
    anna, ben = await place.user("Anna"), await place.user("Ben")
    incoming = next_event(ben.agent, "incomingCall")
    user_callee = user_id(ben)
    one_to_one_call = anna.agent.start_call([user_callee], CALL_QUIETLY)
    assert one_to_one_call.state in (CallState.NONE, CallState.CONNECTING)

    states: list[CallState] = []
    one_to_one_call.on("stateChanged", lambda: states.append(one_to_one_call.state))
    (args,) = await incoming
    await until(lambda: one_to_one_call.state is CallState.RINGING)
    await args.incoming_call.accept(ACCEPT_QUIETLY)
    await until(lambda: one_to_one_call.state is CallState.CONNECTED)
    assert states == [CallState.RINGING, CallState.CONNECTED]


@pytest.mark.feature("ROOM-001")
async def test_room_001_join_a_room(place: Meeting) -> None:
    anna, ben = await place.user("Anna"), await place.user("Ben")
    room = place.server.rooms.create(members={anna.raw_id: ParticipantRole.PRESENTER})
    context = {"roomId": room.id}
    call = anna.agent.join(context, quiet())
    assert call.state is not CallState.CONNECTED
    await until(lambda: call.state is CallState.CONNECTED)

    reason = await ben.agent.join(context, quiet()).ended()
    assert (reason.code, reason.sub_code) == (403, 5828)


@pytest.mark.feature("CALL-007")
async def test_call_007_join_a_group(place: Meeting) -> None:
    anna, ben = await place.user("Anna"), await place.user("Ben")
    context = {"groupId": str(uuid.uuid4())}
    call = anna.agent.join(context, quiet())
    other = ben.agent.join(context, quiet())
    await call.connected()
    await other.connected()
    (participant,) = await seen_by(call)
    assert participant.identifier == user_id(ben)


@pytest.mark.feature("TEAMS-003", "TEAMS-004", "TEAMS-005")
async def test_teams_003_to_005_call_as_a_teams_user(place: Meeting) -> None:
    async def teams_call_agent(name: str) -> TeamsCallAgent:
        _, token = place.server.issue_user_token(teams_user_id=name)
        client = await place.stack.enter_async_context(CallClient())
        credential = AzureCommunicationTokenCredential(token.token)
        return await client.create_teams_call_agent(credential)

    tina, tom = await teams_call_agent("tina"), await teams_call_agent("tom")
    assert tina.kind == "TeamsCallAgent"
    incoming = next_event(tom, "incomingCall")
    user_callee = MicrosoftTeamsUserIdentifier("tom")
    one_to_one_call = tina.start_call(user_callee, StartTeamsCallOptions(streams=()))
    assert isinstance(one_to_one_call, TeamsCall)
    assert one_to_one_call.kind == "TeamsCall"
    states: list[CallState] = []
    one_to_one_call.on("stateChanged", lambda: states.append(one_to_one_call.state))
    (args,) = await incoming
    await args.incoming_call.accept(ACCEPT_QUIETLY)
    await until(lambda: states[-1:] == [CallState.CONNECTED])


@pytest.mark.feature("INCOMING-003")
async def test_incoming_003_hear_of_a_call(place: Meeting) -> None:
    """The guide names the argument like a call, but it is an object that holds the call."""
    anna, ben = await place.user("Anna"), await place.user("Ben")
    heard: list[IncomingCallEventArgs] = []
    ben.agent.on("incomingCall", heard.append)
    call = anna.agent.start_call([user_id(ben)], CALL_QUIETLY)
    await until(lambda: heard)
    assert isinstance(heard[0].incoming_call, IncomingCall)
    await call.hang_up()


@pytest.mark.feature(
    "INCOMING-003", "INCOMING-004", "INCOMING-006", "INCOMING-007", "INCOMING-008", "INCOMING-010"
)
async def test_incoming_004_to_008_look_at_a_call_and_accept_it(place: Meeting) -> None:
    """The guide also rejects the call that it has accepted; only one of the two is possible."""
    anna, ben = await place.user("Anna"), await place.user("Ben")
    answered: asyncio.Queue[None] = asyncio.Queue()

    async def incoming_call_handler(args: IncomingCallEventArgs) -> None:
        incoming_call = args.incoming_call
        assert isinstance(incoming_call, IncomingCall)
        incoming_call_id = incoming_call.id
        call_info = incoming_call.info
        caller_info = incoming_call.caller_info
        assert incoming_call.call_end_reason is None

        call = await incoming_call.accept(ACCEPT_QUIETLY)

        assert call.id == incoming_call_id == call_info.participant_id
        assert (caller_info.identifier, caller_info.display_name) == (user_id(anna), "Anna")
        with pytest.raises(InvalidStateError) as twice:
            await incoming_call.accept()
        assert (twice.value.code, twice.value.sub_code) == (400, 41006)
        with pytest.raises(InvalidStateError) as late:
            await incoming_call.reject()
        assert late.value.sub_code == 41007
        await call.connected()
        assert await call_info.get_server_call_id() == await call.info.get_server_call_id()
        answered.put_nowait(None)

    ben.agent.on("incomingCall", incoming_call_handler)
    call = anna.agent.start_call([user_id(ben)], CALL_QUIETLY)
    await call.connected()
    async with asyncio.timeout(5):
        await answered.get()


@pytest.mark.feature("INCOMING-005", "INCOMING-009", "INCOMING-010")
@pytest.mark.parametrize("who", ["callee", "caller"])
async def test_incoming_005_incoming_009_a_call_that_is_not_taken(place: Meeting, who: str) -> None:
    anna, ben = await place.user("Anna"), await place.user("Ben")
    reasons: list[CallEndReason] = []
    ringing: list[IncomingCall] = []

    async def incoming_call_handler(args: IncomingCallEventArgs) -> None:
        incoming_call = args.incoming_call
        assert isinstance(incoming_call, IncomingCall)

        def call_ended(args: CallEndedEventArgs) -> None:
            assert incoming_call.call_end_reason == args.call_end_reason
            reasons.append(args.call_end_reason)

        incoming_call.on("callEnded", call_ended)
        ringing.append(incoming_call)
        if who == "callee":
            await incoming_call.reject()

    ben.agent.on("incomingCall", incoming_call_handler)
    call = anna.agent.start_call([user_id(ben)], CALL_QUIETLY)
    await until(lambda: ringing)
    if who == "caller":
        await call.hang_up()
    reason = await call.ended()
    assert reason.code == (603 if who == "callee" else 0)
    await until(lambda: reasons)
    assert call.state is CallState.DISCONNECTED


@pytest.mark.feature("CALL-009")
async def test_call_009_hear_of_all_calls_of_an_agent(place: Meeting) -> None:
    anna = await place.user("Anna")
    joined: list[object] = []
    left: list[object] = []

    def calls_updated(event: object) -> None:
        joined.extend(event.added)  # type: ignore[attr-defined]
        left.extend(event.removed)  # type: ignore[attr-defined]

    anna.agent.on("callsUpdated", calls_updated)
    call = await anna.join()
    assert (joined, left, anna.agent.calls) == ([call], [], (call,))
    await call.hang_up()
    assert (joined, left, anna.agent.calls) == ([call], [call], ())


@pytest.mark.feature("PARTICIPANT-004", "PARTICIPANT-005", "PARTICIPANT-006", "PARTICIPANT-008")
async def test_participant_004_to_008_add_somebody(pair: Pair) -> None:
    call = pair.ours
    cleo = await pair.place.user("Cleo")
    incoming = next_event(cleo.agent, "incomingCall")
    before = call.remote_participants
    updates: list[tuple[list[object], list[object]]] = []
    call.on("remoteParticipantsUpdated", lambda e: updates.append((list(e.added), list(e.removed))))

    user_identifier = user_id(cleo)
    remote_participant = call.add_participant(user_identifier)
    states = [remote_participant.state]
    remote_participant.on("stateChanged", lambda: states.append(remote_participant.state))

    (args,) = await incoming
    await args.incoming_call.accept(ACCEPT_QUIETLY)
    await until(lambda: remote_participant.state is RemoteParticipantState.CONNECTED)
    assert call.remote_participants == (*before, remote_participant)
    assert updates == [([remote_participant], [])]
    assert states[0] in (RemoteParticipantState.IDLE, RemoteParticipantState.CONNECTING)
    assert states[-1] is RemoteParticipantState.CONNECTED
    assert len(set(states)) == len(states)


@pytest.mark.feature("PARTICIPANT-006", "PARTICIPANT-007")
async def test_participant_007_remove_somebody(place: Meeting) -> None:
    anna, ben, cleo = [await place.user(name) for name in ("Anna", "Ben", "Cleo")]
    call, removed, _ = await anna.join(), await ben.join(), await cleo.join()
    await seen_by(call, 2)
    (gone,) = [item for item in call.remote_participants if item.display_name == "Ben"]
    updated = next_event(call, "remoteParticipantsUpdated")

    await call.remove_participant(user_id(ben))

    assert [item.display_name for item in call.remote_participants] == ["Cleo"]
    (event,) = await updated
    assert (list(event.added), list(event.removed)) == ([], [gone])
    assert gone.state is RemoteParticipantState.DISCONNECTED
    await removed.ended()


@pytest.mark.feature("LEAVE-002", "LEAVE-003")
@pytest.mark.parametrize("for_everyone", [False, True])
async def test_leave_002_leave_003_hang_up(place: Meeting, for_everyone: bool) -> None:
    users = [await place.user(name) for name in ("Anna", "Ben", "Cleo")]
    call, second, third = [await user.join() for user in users]
    states: list[CallState] = []
    call.on("stateChanged", lambda: states.append(call.state))

    if for_everyone:
        await call.hang_up(HangUpOptions(for_everyone=True))
        await asyncio.gather(second.ended(), third.ended())
        assert second.state is third.state is CallState.DISCONNECTED
    else:
        await call.hang_up()
        await seen_by(second, 1)
        assert second.state is third.state is CallState.CONNECTED
    assert states == [CallState.DISCONNECTING, CallState.DISCONNECTED]


@pytest.mark.feature("OBJECT-010", "CALL-014")
@pytest.mark.parametrize("muted", [True, False])
async def test_object_010_audio_options_of_accepting(place: Meeting, muted: bool) -> None:
    anna, ben = await place.user("Anna"), await place.user("Ben")
    incoming = next_event(ben.agent, "incomingCall")
    ours = anna.agent.start_call([user_id(ben)], CALL_QUIETLY)
    (args,) = await incoming
    microphone = LocalAudioStream(ToneSource(660.0))
    options = AcceptCallOptions(audio_options=AudioOptions(muted, (microphone,)))
    call = await args.incoming_call.accept(options)
    await call.connected()
    assert call.is_muted is muted
    await ours.connected()
    if not muted:
        await hears(ours, 660.0)
