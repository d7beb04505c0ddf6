"""The programs of the quickstart of 2020: starting up, calling, and what a call says of itself.

They use `acs_core.legacy`, whose names of 2020 warn; here they run as they were written.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any

import pytest

from acs_core import (
    AzureCommunicationTokenCredential,
    CallAgentOptions,
    CallClientOptions,
    CallDirection,
    CallEndedEventArgs,
    CallEndReason,
    CommunicationUserIdentifier,
    IncomingCallEventArgs,
    InvalidArgumentError,
    InvalidStateError,
    LocalAudioStream,
    LocalVideoStream,
    PhoneNumberIdentifier,
    StartCallOptions,
    VideoOptions,
    VideoStreamRenderer,
    legacy,
)
from acs_core.media.sources import ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED
from tests.support.people import AcsUser, Meeting, pattern, quiet, seen_by
from tests.support.snippets import (
    ACCEPT_QUIETLY,
    CALL_QUIETLY,
    Pair,
    Town,
    beta_user,
    shows,
    user_id,
)

pytestmark = pytest.mark.filterwarnings("ignore:.* is called .* today:DeprecationWarning")

PHONE, OUR_NUMBER = PhoneNumberIdentifier("+15550100"), PhoneNumberIdentifier("+15550199")


def agent_of(person: AcsUser) -> legacy.CallAgent:
    """The agent of a user with the client of 2020."""
    assert isinstance(person.agent, legacy.CallAgent)
    return person.agent


async def devices_of(person: AcsUser) -> legacy.DeviceManager:
    """The devices of a user with the client of 2020."""
    devices = await person.client.get_device_manager()
    assert isinstance(devices, legacy.DeviceManager)
    return devices


@pytest.mark.feature("INIT-002", "INIT-003")
async def test_init_002_init_003_a_client_with_a_logger(
    place: Meeting, caplog: pytest.LogCaptureFixture
) -> None:
    """There were no devices before there was an agent; today there are."""
    _, issued = place.server.issue_user_token()
    user_token = issued.token
    options = CallClientOptions(logger=logging.getLogger("my program"))
    async with legacy.CallClient(options) as call_client:
        with pytest.raises(InvalidStateError, match="call agent"):
            await call_client.get_device_manager()
        token_credential = AzureCommunicationTokenCredential(user_token)
        call_agent = await call_client.create_call_agent(
            token_credential, CallAgentOptions(display_name="optional ACS user name")
        )
        device_manager = await call_client.get_device_manager()
        assert call_agent.display_name == "optional ACS user name"

        def fails(_: object) -> None:
            raise RuntimeError("a listener of mine")

        device_manager.on("videoDevicesUpdated", fails)
        device_manager.add_virtual_camera("camera", lambda: pattern(RED))
    assert "my program" in {record.name for record in caplog.records}


@pytest.mark.feature("LEGACY-001")
async def test_legacy_001_call_a_user(place: Meeting) -> None:
    anna, ben = await beta_user(place, "Anna"), await beta_user(place, "Ben")
    ringing = next_event(ben.agent, "incomingCall")
    user_callee = user_id(ben)
    with pytest.warns(DeprecationWarning, match="start_call"):
        one_to_one_call = agent_of(anna).call([user_callee], CALL_QUIETLY)
    assert isinstance(one_to_one_call, legacy.Call)
    (args,) = await ringing
    await args.incoming_call.accept(ACCEPT_QUIETLY)
    await one_to_one_call.connected()


@pytest.mark.feature("PSTN-002")
async def test_pstn_002_call_a_telephone(town: Town) -> None:
    """The guide nests the alternate caller id in another one, and misspells the callee."""
    anna = await beta_user(town.place, "Anna")
    pstn_callee = PHONE
    with pytest.raises(InvalidArgumentError):
        agent_of(anna).call([pstn_callee], CALL_QUIETLY)
    options = StartCallOptions(streams=(), alternate_caller_id=OUR_NUMBER)
    one_to_one_call = agent_of(anna).call([pstn_callee], options)
    await until(lambda: town.telephones.placed)
    leg = town.telephones.placed[0].leg
    assert (leg.number, leg.caller_id) == ("+15550100", "+15550199")
    leg.answered()
    await one_to_one_call.connected()


@pytest.mark.feature("CALL-010")
async def test_call_010_call_users_and_telephones(town: Town) -> None:
    anna, ben = await beta_user(town.place, "Anna"), await beta_user(town.place, "Ben")
    ringing = next_event(ben.agent, "incomingCall")
    user_callee, pstn_callee = user_id(ben), PHONE
    group_call = agent_of(anna).call(
        [user_callee, pstn_callee], StartCallOptions(streams=(), alternate_caller_id=OUR_NUMBER)
    )
    (args,) = await ringing
    await args.incoming_call.accept(ACCEPT_QUIETLY)
    await until(lambda: town.telephones.placed)
    town.telephones.placed[0].leg.answered()
    await until(lambda: [p.state for p in group_call.remote_participants] == ["Connected"] * 2)
    kinds = [participant.identifier.kind for participant in group_call.remote_participants]
    assert sorted(kinds) == ["communicationUser", "phoneNumber"]


@pytest.mark.feature("CALL-011", "LEGACY-002")
async def test_call_011_legacy_002_call_with_the_camera(place: Meeting) -> None:
    """The guide calls a text; callees are identifiers."""
    anna, ben = await beta_user(place, "Anna"), await beta_user(place, "Ben")
    ringing = next_event(ben.agent, "incomingCall")
    device_manager = await devices_of(anna)
    device_manager.add_virtual_camera("camera", lambda: pattern(BLUE))

    video_device_info = device_manager.get_camera_list()[-1]
    local_video_stream = LocalVideoStream(video_device_info)
    place_call_options = StartCallOptions(video_options=VideoOptions((local_video_stream,)))
    call = agent_of(anna).call([user_id(ben)], place_call_options)

    (args,) = await ringing
    other = await args.incoming_call.accept(ACCEPT_QUIETLY)
    await call.connected()
    assert call.local_video_streams == (local_video_stream,)
    (caller,) = await seen_by(other)
    await until(lambda: caller.video_streams)
    view = await VideoStreamRenderer(caller.video_streams[0]).create_view()
    await shows(view.target, BLUE)
    wrong: list[Any] = ["acsUserId"]
    with pytest.raises(InvalidArgumentError):
        agent_of(anna).call(wrong, place_call_options)


@pytest.mark.feature("CALL-013")
async def test_call_013_join_a_group(place: Meeting) -> None:
    anna, ben = await beta_user(place, "Anna"), await beta_user(place, "Ben")
    context = {"groupId": str(uuid.uuid4())}
    call = agent_of(anna).join(context, quiet())
    await call.connected()
    again = agent_of(ben).join(context, quiet())
    await again.connected()
    assert await call.info.get_server_call_id() == await again.info.get_server_call_id()
    await seen_by(call)


@pytest.mark.feature("TEAMS-006", "TEAMS-007")
async def test_teams_006_teams_007_join_a_meeting(place: Meeting) -> None:
    """Meetings are no longer joined by coordinates, which the guide uses second."""
    anna = await beta_user(place, "Anna")
    meeting = place.server.meetings.create(anna.raw_id)
    locator = {"meetingLink": meeting.link}
    call = agent_of(anna).join(locator, quiet())
    await call.connected()
    assert call.info.thread_id == meeting.thread_id

    coordinates = {"threadId": "t", "organizerId": "o", "tenantId": "t", "messageId": "0"}
    with pytest.raises(InvalidArgumentError) as caught:
        agent_of(anna).join(coordinates, quiet())
    assert (caught.value.code, caught.value.sub_code) == (400, 40210)


@pytest.mark.feature("INCOMING-011", "STATE-005")
@pytest.mark.parametrize("is_accepted", [True, False])
async def test_incoming_011_accept_or_reject(place: Meeting, is_accepted: bool) -> None:
    """The guide's handler does both, with an object that its argument only holds."""
    anna, ben = await beta_user(place, "Anna"), await beta_user(place, "Ben")
    states: list[str] = []

    async def incoming_call_handler(args: IncomingCallEventArgs) -> None:
        incoming_call = args.incoming_call
        assert isinstance(incoming_call, legacy.IncomingCall)
        states.append(legacy.call_state(incoming_call))
        if is_accepted:
            call = await incoming_call.accept(ACCEPT_QUIETLY)
            assert isinstance(call, legacy.Call)
            with pytest.raises(InvalidStateError):
                await incoming_call.reject()
        else:
            await incoming_call.reject()
            with pytest.raises(InvalidStateError):
                await incoming_call.accept()
        states.append("done")

    ben.agent.on("incomingCall", incoming_call_handler)
    call = agent_of(anna).call([user_id(ben)], CALL_QUIETLY)
    if is_accepted:
        await call.connected()
    else:
        assert (await call.ended()).code == 603
    await until(lambda: states == ["Incoming", "done"])


@pytest.mark.feature(
    "STATE-003", "STATE-009", "STATE-015", "LEGACY-005", "LEGACY-006", "SCREEN-008", "VIDEO-017"
)
async def test_state_003_legacy_005_what_a_call_says_of_itself(beta_pair: Pair) -> None:
    """Callers have an identifier today, and calls are muted rather than their microphone."""
    for call in (beta_pair.ours, beta_pair.theirs):
        assert isinstance(call, legacy.Call)
        call_id: str = call.id
        assert call_id
        assert len(call.remote_participants) == 1
        caller_identity = call.caller_info.identity
        assert caller_identity == user_id(beta_pair.anna)
        assert legacy.call_state(call) is legacy.CallState.CONNECTED
        is_incoming = call.direction == "Incoming"
        is_outgoing = call.direction == "Outgoing"
        assert (is_outgoing, is_incoming) == (call is beta_pair.ours, call is beta_pair.theirs)
        assert call.is_microphone_muted is call.is_muted
        assert call.is_screen_sharing_on is False
        assert call.local_video_streams == ()
    assert {item.value for item in CallDirection} == {"Incoming", "Outgoing"}
    await beta_pair.ours.start_screen_sharing(LocalVideoStream(pattern(GREEN)))
    assert beta_pair.ours.is_screen_sharing_on is True


@pytest.mark.feature("LEGACY-007", "STATE-012", "STATE-014")
async def test_legacy_007_state_014_a_call_ends_with_a_reason(beta_pair: Pair) -> None:
    """Calls tell their end by their state; only incoming ones have had this event since."""
    call, other = beta_pair.ours, beta_pair.theirs
    logged: list[CallEndReason] = []

    async def call_end_handler(args: CallEndedEventArgs) -> None:
        logged.append(args.call_end_reason)

    for one in (call, other):
        one.on("callEnded", call_end_handler)
    await call.hang_up()
    await other.ended()
    await until(lambda: len(logged) == 2)
    call_end_reason = call.call_end_reason
    assert call_end_reason is not None
    assert (call_end_reason.code, call_end_reason.sub_code) == (0, 0)
    assert logged == [call_end_reason, other.call_end_reason]
    assert legacy.call_state(call) is legacy.CallState.DISCONNECTED


@pytest.mark.feature("AUDIO-009", "LEGACY-006", "PARTICIPANT-011")
async def test_audio_009_mute_and_unmute(beta_pair: Pair) -> None:
    call = beta_pair.ours
    assert isinstance(call, legacy.Call)
    (participant,) = beta_pair.theirs.remote_participants
    await call.start_audio(LocalAudioStream(ToneSource()))
    await until(lambda: participant.is_muted is False)
    await call.mute()
    assert call.is_microphone_muted
    await until(lambda: participant.is_muted)
    await call.unmute()
    assert not call.is_microphone_muted
    await until(lambda: not participant.is_muted)


@pytest.mark.feature("VIDEO-018", "VIDEO-019", "LEGACY-002")
async def test_video_018_video_019_video_during_a_call(beta_pair: Pair) -> None:
    """The guide forgets an equals sign and an await."""
    call = beta_pair.ours
    device_manager = await devices_of(beta_pair.anna)
    for name, color in (("front", RED), ("back", GREEN)):
        device_manager.add_virtual_camera(name, lambda one=color: pattern(one))  # type: ignore[misc]
    video_device_info, source = device_manager.get_camera_list()[-2:]
    local_video_stream = LocalVideoStream(video_device_info)
    await call.start_video(local_video_stream)
    assert call.local_video_streams[0] is local_video_stream
    await until(lambda: beta_pair.seen_anna.video_streams)
    (seen,) = beta_pair.seen_anna.video_streams
    view = await legacy.Renderer(seen).create_view()
    await shows(view.target, RED)

    await local_video_stream.switch_source(source)
    await shows(view.target, GREEN)
    assert beta_pair.seen_anna.video_streams == (seen,)
    await call.stop_video(local_video_stream)
    assert call.local_video_streams == ()
    await until(lambda: not beta_pair.seen_anna.video_streams)


@pytest.mark.feature("STATE-010", "STATE-019", "IDENT-002")
async def test_state_010_state_019_a_call_on_hold(beta_pair: Pair) -> None:
    """One state `Hold` became two: who holds sees another one than who is held."""
    call, other = beta_pair.ours, beta_pair.theirs
    assert isinstance(call, legacy.Call)
    await call.hold()
    await until(lambda: other.state == "RemoteHold")
    assert legacy.call_state(call) is legacy.call_state(other) is legacy.CallState.HOLD
    assert legacy.participant_state(beta_pair.seen_anna) == "OnHold"
    assert beta_pair.seen_anna.identifier == CommunicationUserIdentifier(beta_pair.anna.raw_id)
    await call.unhold()
    await until(lambda: other.state == "Connected")
    assert legacy.participant_state(beta_pair.seen_anna) == "Connected"
