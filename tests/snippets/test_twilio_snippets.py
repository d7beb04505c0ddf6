"""The Twilio programs of the migration guides: rooms, the people in them, and measurements.

Each test is one program as the guide means it, with what it got wrong put right.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from tests.support.events import next_event, until
from tests.support.people import Meeting
from tests.support.snippets import CAMERA
from twilio_compat import Room, TwilioError, connect

PARTICIPANT_SID = re.compile(r"PA[0-9a-f]{32}")


@pytest.mark.feature("CALL-001", "CALL-002")
async def test_call_001_connect_to_a_room_by_name(place: Meeting) -> None:
    """The guide's token is a placeholder text; it takes a real one."""
    token = place.server.access_token("tina")
    twilio_room = await connect(token, {"name": "roomName", "audio": False, "video": False})
    async with twilio_room:
        assert twilio_room.name == "roomName"
        assert twilio_room.state == "connected"
        assert twilio_room.localParticipant.tracks.size == 0
        # Who uses the same name is in the same room; who names none gets one of their own.
        async with (
            await connect(place.server.access_token("tom"), name="roomName", audio=False,
                          video=False) as same,
            await connect(place.server.access_token("ted"), audio=False, video=False) as other,
        ):  # fmt: skip
            assert same.sid == twilio_room.sid
            assert other.name == other.sid != same.sid


@pytest.mark.feature("CALL-003", "CALL-004")
async def test_call_003_call_004_audio_and_video_of_connect(place: Meeting) -> None:
    token = place.server.access_token("tina")
    sound: dict[str, Any] = {"source": "tone"}
    for options, kinds in (
        ({"audio": sound, "video": CAMERA}, ["audio", "video"]),
        ({"audio": sound, "video": False}, ["audio"]),
        ({"audio": False, "video": CAMERA}, ["video"]),
        ({"audio": False, "video": False}, []),
    ):
        async with await connect(token, {"name": "roomName", **options}) as room:
            published = room.localParticipant.tracks.values()
            assert sorted(item.kind for item in published) == kinds


@pytest.mark.feature("CALL-018", "EVENT-010")
async def test_call_018_connect_succeeds_or_rejects(place: Meeting) -> None:
    """The guide calls `connect` without its module, waits for a "connected" event that rooms do
    not have, and takes the argument of "disconnected" for a participant."""
    said: list[str] = []

    async def initialize_meeting(token: str) -> None:
        try:
            room = await connect(token, {"name": "my-new-room", "audio": False, "video": False})
        except TwilioError as error:
            said.append(f"Unable to connect to Room: {error.code} {bool(error.message)}")
            return
        said.append("Local participant joined")

        def left(who: Room, error: TwilioError | None) -> None:
            said.append(f"Local participant left {who.name}: {error}")

        room.on("disconnected", left)
        room.disconnect()
        await room.closed()

    await initialize_meeting(place.server.access_token("tina"))
    await initialize_meeting("$TOKEN")
    assert said == [
        "Local participant joined",
        "Local participant left my-new-room: None",
        "Unable to connect to Room: 20101 True",
    ]


@pytest.mark.feature("PARTICIPANT-002", "PARTICIPANT-003", "PARTICIPANT-009", "PARTICIPANT-017")
async def test_participant_002_participant_003_people_of_a_room(place: Meeting) -> None:
    twilio_room, other = await place.guest("tina"), await place.guest("tom")
    local_participant = twilio_room.localParticipant
    assert PARTICIPANT_SID.fullmatch(local_participant.sid)
    assert local_participant.identity == "tina"

    await until(lambda: twilio_room.participants.size == 1)
    sid = other.localParticipant.sid
    participant = twilio_room.participants.get(sid)
    assert list(twilio_room.participants.items()) == [(sid, participant)]
    assert participant is not None
    assert (participant.sid, participant.identity) == (sid, "tom")


@pytest.mark.feature("EVENT-001", "EVENT-002")
async def test_event_001_event_002_people_come_and_go(place: Meeting) -> None:
    """The guide leaves out a letter of both event names; such a listener would never be called,
    so it is refused here."""
    await place.guest("there before")
    twilio_room = await place.guest("tina")
    told: list[tuple[str, str, int]] = []

    def write(event: str) -> None:
        room = twilio_room
        room.on(event, lambda who: told.append((event, who.identity, room.participants.size)))

    write("participantConnected")
    write("participantDisconnected")
    for misspelled in ("participantConneted", "participantDisconneted"):
        with pytest.raises(ValueError, match=r"participant(Disc|C)onnected"):
            twilio_room.on(misspelled, print)
    tom = await place.guest("tom")
    await until(lambda: len(told) == 1)
    tom.disconnect()
    await until(lambda: len(told) == 2)
    assert told == [("participantConnected", "tom", 2), ("participantDisconnected", "tom", 1)]


@pytest.mark.feature("LEAVE-001", "LEAVE-007")
async def test_leave_001_disconnect(place: Meeting) -> None:
    """The guide disconnects the module; only rooms can be left."""
    twilio_room = await connect(
        place.server.access_token("tina"), audio={"source": "tone"}, video=False
    )
    (publication,) = twilio_room.localParticipant.tracks.values()
    told: list[tuple[object, ...]] = []
    twilio_room.on("disconnected", lambda *arguments: told.append(arguments))

    assert twilio_room.disconnect() is twilio_room
    assert twilio_room.state == "disconnected"
    assert publication.track.is_stopped
    twilio_room.disconnect()
    assert told == [(twilio_room, None)]
    await twilio_room.closed()


@pytest.mark.feature("LEAVE-006", "LEAVE-007", "RENDER-029")
async def test_leave_006_local_media_is_detached_at_the_end(place: Meeting) -> None:
    room = await place.guest("tina", color=(200, 30, 30), tone=440.0)
    tracks = [item.track for item in room.localParticipant.tracks.values()]
    shown = [track.attach() for track in tracks]
    removed: list[object] = []

    def disconnected(who: Room, _error: object) -> None:
        # The tracks are still there, so that what shows them can be taken away.
        who.localParticipant.tracks.forEach(
            lambda publication, _sid: removed.extend(publication.track.detach())
        )

    room.on("disconnected", disconnected)
    room.disconnect()
    assert removed == shown
    assert [track.detach() for track in tracks] == [[], []]


@pytest.mark.feature("DOMSPK-001", "DOMSPK-002")
async def test_domspk_001_domspk_002_the_loudest_is_highlighted(place: Meeting) -> None:
    options = {"name": "roomName", "audio": False, "video": False}
    async with (
        await connect(place.server.access_token("tom"), options | {"dominantSpeaker": True})
        as twilio_room,
        await connect(place.server.access_token("ted"), options) as without,
    ):  # fmt: skip
        highlighted: list[object] = []
        twilio_room.on("dominantSpeakerChanged", highlighted.append)
        tina = await place.guest("tina", name="roomName", tone=440.0)
        await until(lambda: highlighted)
        speaker = twilio_room.participants.get(tina.localParticipant.sid)
        assert highlighted == [speaker]
        assert twilio_room.dominantSpeaker is speaker
        tina.disconnect()
        await until(lambda: len(highlighted) == 2)
        assert highlighted[1] is None
        assert without.dominantSpeaker is None


@pytest.mark.feature("STATS-002")
async def test_stats_002_statistics_of_a_room(place: Meeting) -> None:
    """The guide does not await the promise."""
    twilio_room = await place.guest("tina", tone=440.0, color=(200, 30, 30))
    tom = await place.guest("tom", tone=880.0, color=(30, 30, 200))
    (seen,) = tom.participants.values()
    await until(lambda: all(item.is_subscribed for item in seen.tracks.values()))

    (report,) = await tom.getStats()
    for tracks, room in (
        (report.localAudioTrackStats, tom.localParticipant.audioTracks),
        (report.localVideoTrackStats, tom.localParticipant.videoTracks),
        (report.remoteAudioTrackStats, twilio_room.localParticipant.audioTracks),
        (report.remoteVideoTrackStats, twilio_room.localParticipant.videoTracks),
    ):
        assert [item.trackSid for item in tracks] == list(room)


@pytest.mark.feature("NQ-001", "NQ-002")
async def test_nq_001_nq_002_network_quality(place: Meeting) -> None:
    """The guide writes the event's name without quotes."""
    twilio_room = await connect(
        place.server.access_token("tina"),
        {
            "name": "roomName",
            "audio": {"source": "tone"},
            "video": False,
            "networkQuality": {
                "local": 3,  # Ours: the level, and what it is made of, in detail
                "remote": 1,  # of the others: the level alone
            },
        },
    )
    async with twilio_room:
        ours: list[tuple[Any, Any]] = []
        theirs: list[tuple[Any, Any]] = []
        local = twilio_room.localParticipant
        local.on("networkQualityLevelChanged", lambda level, stats: ours.append((level, stats)))
        joined = next_event(twilio_room, "participantConnected")
        await place.guest("tom", name="roomName", tone=880.0)
        (participant,) = await joined
        participant.on(
            "networkQualityLevelChanged", lambda level, stats: theirs.append((level, stats))
        )
        await until(lambda: local.network_quality_level is not None and theirs)
        assert local.networkQualityLevel in range(6)
        stats = local.networkQualityStats
        assert stats is not None
        assert stats.audio.sendStats is not None
        assert all(one != two for (one, _), (two, _) in itertools.pairwise(ours))
        assert theirs[-1] == (participant.networkQualityLevel, None)
