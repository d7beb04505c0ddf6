"""Joining, states, leaving: the life of calls and rooms on a real service."""

from __future__ import annotations

import asyncio
import logging
import uuid

import pytest

from acs_core import (
    Call,
    CallAgent,
    CallDirection,
    CallState,
    Features,
    HangUpOptions,
    InvalidArgumentError,
    LocalAudioStream,
    LocalVideoStream,
    ParticipantRole,
    PublicationKind,
    RemoteParticipantState,
    RoomCallLocator,
    ServiceError,
)
from acs_core.media.sources import ToneSource
from acs_core.service.sessions import SessionTimes
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED
from tests.support.people import Meeting, camera, meeting, pattern, seen_by
from tests.support.proxies import tcp_proxy
from twilio_compat import LocalVideoTrack, Room


def states_of(call: Call) -> list[CallState]:
    """The state at each event from now on."""
    states: list[CallState] = []

    def changed(*arguments: object) -> None:
        assert arguments == ()
        states.append(call.state)

    call.on("stateChanged", changed)
    return states


@pytest.mark.feature(
    "CALL-005",
    "CALL-017",
    "CALL-013",
    "CALL-007",
    "STATE-001",
    "STATE-002",
    "STATE-003",
    "STATE-006",
    "STATE-009",
    "STATE-015",
)
async def test_a_group_call_starts_at_once_and_the_same_group_is_the_same_call() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        group = {"groupId": str(uuid.uuid4())}
        first = anna.start(group)
        assert first.state is CallState.CONNECTING
        assert len(first.id) == 32
        states = states_of(first)
        await first.connected()
        second = await ben.join(group)
        assert states == [CallState.CONNECTED]
        assert (await first.info.get_server_call_id()) == (await second.info.get_server_call_id())
        assert first.id != second.id
        assert first.direction is second.direction is CallDirection.OUTGOING
        (other,) = await seen_by(first)
        assert other.endpoint_details[0].participant_id == second.id
        elsewhere = await (await place.user("Cleo")).join({"groupId": str(uuid.uuid4())})
        assert elsewhere.remote_participants == ()


@pytest.mark.feature("CALL-008")
async def test_a_group_id_that_is_no_guid_is_refused_at_once() -> None:
    async with meeting() as place:
        anna = await place.user("Anna")
        with pytest.raises(InvalidArgumentError) as caught:
            anna.agent.join({"groupId": "not-a-guid"})
        assert (caught.value.code, caught.value.sub_code) == (400, 40209)
        assert anna.agent.calls == ()


@pytest.mark.feature("ROOM-001", "STATE-024", "STATE-012")
async def test_a_room_lets_members_in_and_tells_others_why_not() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        record = place.server.rooms.create(members={anna.raw_id: ParticipantRole.PRESENTER})
        member = await anna.join({"roomId": record.id})
        assert member.state is CallState.CONNECTED
        stranger = ben.start({"roomId": record.id})
        codes: list[int] = []
        stranger.on("stateChanged", lambda: codes.append(_code(stranger)))
        with pytest.raises(ServiceError) as caught:
            await stranger.connected()
        assert (caught.value.code, caught.value.sub_code) == (403, 5828)
        assert stranger.state is CallState.DISCONNECTED
        assert codes == [403]
        assert ben.agent.calls == ()


def _code(call: Call) -> int:
    return -1 if call.call_end_reason is None else call.call_end_reason.code


@pytest.mark.feature("CALL-011", "CALL-012", "CALL-014", "OBJECT-010", "MATRIX-013")
@pytest.mark.parametrize("muted", [False, True])
async def test_what_join_is_given_is_there_when_the_call_connects(muted: bool) -> None:
    async with meeting() as place:
        watcher = await (await place.user()).join()
        anna = await place.user("Anna")
        video = LocalVideoStream(camera(RED))
        call = await anna.join(video=video, audio=LocalAudioStream(ToneSource()), muted=muted)
        assert call.local_video_streams == (video,)
        assert (call.is_local_video_started, call.is_muted) == (True, muted)
        (participant,) = await seen_by(watcher)
        await until(lambda: participant.video_streams and participant.is_muted is muted)
        (stream,) = participant.video_streams
        assert (stream.media_stream_type, stream.is_available) == ("Video", True)


@pytest.mark.feature("CALL-009", "LEAVE-002", "LEAVE-004", "STATE-011", "STATE-014", "OBJECT-003")
async def test_hanging_up_takes_one_out_and_leaves_the_others_in() -> None:
    async with meeting() as place:
        anna, ben, cleo = [await place.user(name) for name in ("Anna", "Ben", "Cleo")]
        told: list[tuple[str, tuple[Call, ...], tuple[Call, ...]]] = []
        _write_calls(anna.agent, told)
        calls = [await user.join() for user in (anna, ben, cleo)]
        first, second, third = calls
        assert anna.agent.calls == (first,)
        (left,) = [item for item in await seen_by(second, 2) if item.display_name == "Anna"]
        states, gone = states_of(first), next_event(second, "remoteParticipantsUpdated")
        await first.hang_up()
        assert states == [CallState.DISCONNECTING, CallState.DISCONNECTED]
        reason = first.call_end_reason
        assert reason is not None
        assert (reason.code, reason.sub_code) == (0, 0)
        assert told == [("updated", (first,), ()), ("updated", (), (first,))]
        assert not anna.agent.calls
        (update,) = await gone
        assert (update.added, update.removed) == ((), (left,))
        assert left.state is RemoteParticipantState.DISCONNECTED
        assert left.call_end_reason is not None
        await seen_by(third, 1)
        assert {second.state, third.state} == {CallState.CONNECTED}
        await first.hang_up()
        assert states == [CallState.DISCONNECTING, CallState.DISCONNECTED]


def _write_calls(
    agent: CallAgent, told: list[tuple[str, tuple[Call, ...], tuple[Call, ...]]]
) -> None:
    agent.on("callsUpdated", lambda u: told.append(("updated", tuple(u.added), tuple(u.removed))))


@pytest.mark.feature("LEAVE-003")
async def test_hanging_up_for_everyone_ends_the_call_of_all_in_both_styles() -> None:
    async with meeting() as place:
        tina = await place.guest("tina", color=RED)
        anna, ben = await place.user("Anna"), await place.user("Ben")
        first, second = await anna.join(), await ben.join()
        over = next_event(tina, "disconnected")
        await first.hang_up(HangUpOptions(for_everyone=True))
        async with asyncio.timeout(5):
            reason = await second.ended()
        assert second.state is CallState.DISCONNECTED
        assert (reason.code, reason.sub_code) != (0, 53001)
        _, error = await over
        assert error is not None
        assert error.code == 53118
        await until(lambda: not place.server.calls.live)


@pytest.mark.feature("CLEANUP-001")
async def test_a_service_that_stops_ends_every_call_with_a_reason() -> None:
    async with meeting() as place:
        tina = await place.guest("tina", color=RED)
        anna = await place.user("Anna")
        call = await anna.join()
        over = next_event(tina, "disconnected")
        await place.server.close()
        async with asyncio.timeout(5):
            reason = await call.ended()
        assert reason.code != 0
        assert reason.message
        _, error = await over
        assert error is not None
        await until(lambda: not place.server.engine.transports)
        assert not place.server.calls.live


@pytest.mark.feature("STATE-013", "DIAG-003")
async def test_a_lost_network_shows_in_diagnostics_until_the_window_is_over() -> None:
    times = SessionTimes(acs_window=1.5)
    async with meeting(times=times) as place, tcp_proxy(place.server.port) as proxy:
        anna = await Meeting(place.server, place.stack, proxy.url).user("Anna")
        call = await anna.join()
        states = states_of(call)
        network = call.feature(Features.USER_FACING_DIAGNOSTICS).network
        changes: list[tuple[str, object, str]] = []
        network.on(
            "diagnosticChanged",
            lambda change: changes.append((change.diagnostic, change.value, change.value_type)),
        )
        proxy.cut()
        await until(lambda: call.feature(Features.RECONNECTION).is_reconnecting)
        assert call.state is CallState.CONNECTED
        assert network.get_latest()["networkReconnect"].value == 3
        proxy.restore()
        await until(lambda: not call.feature(Features.RECONNECTION).is_reconnecting)
        assert (call.state, states) == (CallState.CONNECTED, [])
        assert changes == [
            ("networkReconnect", 3, "DiagnosticQuality"),
            ("noNetwork", True, "DiagnosticFlag"),
            ("networkReconnect", 1, "DiagnosticQuality"),
            ("noNetwork", False, "DiagnosticFlag"),
        ]
        proxy.cut()
        async with asyncio.timeout(10):
            reason = await call.ended()
        assert reason.code != 0
        assert states == [CallState.DISCONNECTED]


@pytest.mark.feature("STATE-022")
async def test_who_lost_the_network_is_shown_as_gone_when_the_window_is_over() -> None:
    times = SessionTimes(acs_window=0.5)
    async with meeting(times=times) as place, tcp_proxy(place.server.port) as proxy:
        anna = await Meeting(place.server, place.stack, proxy.url).user("Anna")
        lost = await anna.join()
        watcher = await (await place.user("Ben")).join()
        (participant,) = await seen_by(watcher)
        states: list[RemoteParticipantState] = []
        participant.on("stateChanged", lambda: states.append(participant.state))
        proxy.cut()
        await seen_by(watcher, 0)
        assert states == [RemoteParticipantState.DISCONNECTED]
        assert participant.call_end_reason is not None
        assert participant.call_end_reason.code != 0
        async with asyncio.timeout(10):
            await lost.ended()


# ------------------------------------------------------------------ rooms, Twilio's way


def kinds(room: Room) -> list[str]:
    return [publication.kind for publication in room.local_participant.tracks.values()]


@pytest.mark.feature("CALL-001", "CALL-002", "INCOMING-002", "PARTICIPANT-001")
async def test_rooms_are_told_apart_by_name_and_unnamed_ones_by_their_sid() -> None:
    async with meeting() as place:
        first, second = await place.guest("tina"), await place.guest("tom")
        other = await place.guest("tess", name="another")
        unnamed = await place.guest("ted", name="")
        assert first.name == "meeting"
        assert (first.state, list(first.local_participant.tracks)) == ("connected", [])
        assert first.sid == second.sid != other.sid
        assert unnamed.name == unnamed.sid
        assert [item.identity for item in first.participants.values()] == ["tom"]
        assert list(other.participants) == []
        assert "incomingCall" not in Room.known_events()
        assert not [name for name in dir(Room) if name.startswith(("add_p", "remove_p"))]


@pytest.mark.feature("CALL-003", "CALL-004")
async def test_audio_and_video_of_connect_decide_what_is_published() -> None:
    async with meeting() as place:
        assert kinds(await place.guest("none")) == []
        assert kinds(await place.guest("audio", tone=440.0)) == ["audio"]
        video = await place.guest("video", color=RED)
        assert kinds(video) == ["video"]
        (publication,) = video.local_participant.video_tracks.values()
        await until(lambda: publication.track.is_started)
        size = publication.track.dimensions
        assert (size.width, size.height) == (160, 96)
        both = await place.guest("both", tone=440.0, color=BLUE)
        assert sorted(kinds(both)) == ["audio", "video"]


@pytest.mark.feature("LEAVE-005", "LEAVE-007", "EVENT-002")
async def test_others_hear_within_a_second_that_somebody_disconnected() -> None:
    async with meeting() as place:
        watcher, tina = await place.guest("tom"), await place.guest("tina", color=RED)
        (participant,) = watcher.participants.values()
        gone = next_event(watcher, "participantDisconnected")
        tina.disconnect()
        async with asyncio.timeout(1.0):
            (left,) = await gone
        assert left is participant
        assert list(watcher.participants) == []
        assert left.state == "disconnected"


@pytest.mark.feature("LEAVE-001", "LEAVE-006", "EVENT-010")
async def test_disconnect_stops_only_the_tracks_that_connect_made() -> None:
    async with meeting() as place:
        own = LocalVideoTrack(pattern(RED))
        made = await place.guest("made", tone=440.0)
        given = await place.guest("given", tracks=[own])
        (sound,) = [item.track for item in made.local_participant.audio_tracks.values()]
        heard: list[tuple[object, object, int]] = []
        for room in (made, given):
            room.on(
                "disconnected",
                lambda who, error: heard.append((who, error, len(who.local_participant.tracks))),
            )
            assert room.disconnect() is room
            assert room.state == "disconnected"
            room.disconnect()
        assert heard == [(made, None, 1), (given, None, 1)]
        assert (sound.is_stopped, own.is_stopped) == (True, False)
        own.stop()
        await own.closed()


# ------------------------------------------------------------------ clients


@pytest.mark.feature("INIT-001", "INIT-002", "INIT-004", "OBJECT-001", "OBJECT-004", "MATRIX-012")
async def test_the_documented_order_of_starting_up_works() -> None:
    logger = logging.getLogger("test.start")
    async with meeting() as place:
        anna = await place.user("Anna", logger=logger)
        assert anna.agent.display_name == "Anna"
        devices = await anna.devices()
        assert await anna.client.get_device_manager() is devices
        device = devices.add_virtual_microphone("tone", ToneSource)
        anna.agent.on("incomingCall", lambda _: None)
        call = await anna.agent.join(RoomCallLocator("meeting")).connected()
        (audio,) = call.local_audio_streams
        assert audio.source.id == device.id
        kinds_sent = [item.kind for item in call.feature(Features.STREAMS).local_publications]
        assert kinds_sent == [PublicationKind.AUDIO]
