"""What a room says of itself: its network, its recording, what is spoken; on a real service."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from acs_core.service.rooms import RoomOptions
from acs_core.service.transcription import Transcript
from tests.support.events import next_event, until
from tests.support.fake_transcriber import ScriptedTranscriber
from tests.support.lossy_path import LossyProxy
from tests.support.people import ROOM, meeting
from twilio_compat import Participant, RemoteParticipant, Room
from twilio_compat.transcriptions import TranscriptionEvent

PATIENCE = 20.0
NOON = datetime(2025, 1, 2, 12, 0, 0, 250_000, tzinfo=UTC)


def only(room: Room) -> RemoteParticipant:
    (there,) = room.participants.values()
    return there


def levels_of(participant: Participant) -> list[tuple[int, Any]]:
    """What is known already, and the arguments of each "networkQualityLevelChanged"."""
    level, stats = participant.network_quality_level, participant.network_quality_stats
    told: list[tuple[int, Any]] = [] if level is None else [(level, stats)]
    participant.on("networkQualityLevelChanged", lambda level, stats: told.append((level, stats)))
    return told


@pytest.mark.feature("NQ-001", "NQ-002")
async def test_a_bad_network_lowers_the_level_with_the_detail_that_was_asked_for() -> None:
    async with meeting(public_address="127.0.0.2") as place:
        proxy = LossyProxy("127.0.0.2", place.server.media_port, seed=1)
        try:
            quality = {"local": 3, "remote": 2}
            tina = await place.guest("tina", tone=440.0, network_quality=quality)
            await place.guest("tom", tone=880.0)
            me, there = tina.local_participant, only(tina)
            mine, theirs = levels_of(me), levels_of(there)
            await until(lambda: mine and mine[-1][0] >= 4, deadline=PATIENCE)
            await until(lambda: theirs and theirs[-1][0] >= 4, deadline=PATIENCE)
            proxy.up.loss = proxy.down.loss = 0.35
            await until(lambda: mine[-1][0] <= 3 and theirs[-1][0] <= 3, deadline=PATIENCE)
            level, stats = mine[-1]
            assert (level, stats.level) == (me.network_quality_level, level)
            for part, measured in (
                (stats.audio.send, stats.audio.sendStats),
                (stats.audio.recv, stats.audio.recvStats),
                (stats.video.send, stats.video.sendStats),
                (stats.video.recv, stats.video.recvStats),
            ):
                # What is not sent or not received has no level.
                assert (part is None) is (measured is None)
                assert part in (None, *range(6))
            fractions = [
                one.fractionLost.fractionLost or 0.0
                for one in (stats.audio.sendStats, stats.audio.recvStats)
                if one is not None
            ]
            assert 0.05 < max(fractions) <= 1
            level, stats = theirs[-1]
            assert stats.level == level
            assert stats.audio.send is not None
            assert (stats.audio.sendStats, stats.audio.recvStats) == (None, None)
            me.set_network_quality_configuration({"local": 1, "remote": 3})
            proxy.up.loss = proxy.down.loss = 0.0
            await until(lambda: mine[-1][0] >= 4 and theirs[-1][0] >= 4, deadline=PATIENCE)
            assert (mine[-1][1], me.network_quality_stats) == (None, None)
            assert theirs[-1][1].audio.sendStats is not None
            for levels in (mine, theirs):
                assert all(one[0] != two[0] for one, two in itertools.pairwise(levels))
        finally:
            proxy.close()


@pytest.mark.feature("RECORD-002")
async def test_a_recording_is_told_as_it_begins_and_ends_and_to_those_who_come_later() -> None:
    async with meeting() as place:
        tina = await place.guest("tina", tone=440.0)
        (running,) = place.server.calls.live.values()
        told: list[tuple[str, bool]] = []
        for event in ("recordingStarted", "recordingStopped"):
            tina.on(event, lambda event=event: told.append((event, tina.is_recording)))
        assert not tina.is_recording
        recording = running.activity.start_recording("minutes")
        await until(lambda: told == [("recordingStarted", True)])
        assert (await place.guest("tom")).isRecording
        running.activity.stop_recording(recording)
        await until(lambda: told[1:] == [("recordingStopped", False)])


@pytest.mark.feature("EVENT-001")
async def test_what_is_said_is_told_to_who_asked_with_sids_and_numbers() -> None:
    transcriber = ScriptedTranscriber()
    async with meeting(transcriber=transcriber) as place:
        tina = await place.guest("tina", tone=440.0)
        tom = await place.guest("tom", receive_transcriptions=True)
        deaf: list[object] = []
        tina.on("transcription", deaf.append)
        heard: list[TranscriptionEvent] = []
        tom.on("transcription", heard.append)
        await until(lambda: transcriber.publications)
        (say,) = transcriber.publications.values()
        say(Transcript("guten", NOON, is_partial=True, language_code="de-DE", stability=0.5))
        say(Transcript("guten Tag", NOON, language_code="de-DE"))
        say(Transcript("hello", NOON))
        await until(lambda: len(heard) == 3)
        (publication,) = tina.local_participant.tracks.values()
        assert heard[0] == TranscriptionEvent(
            participant=tina.local_participant.sid,
            track=publication.track_sid,
            transcription="guten",
            partial_results=True,
            language_code="de-DE",
            timestamp="2025-01-02T12:00:00.250Z",
            sequence_number=1,
            stability=0.5,
        )
        assert [
            (one.transcription, one.partial_results, one.sequence_number) for one in heard[1:]
        ] == [("guten Tag", False, 1), ("hello", False, 2)]
        assert {one.type for one in heard} == {"extension_transcriptions"}
        assert deaf == []


async def test_a_service_that_writes_nothing_down_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with meeting() as place:
        tina = await place.guest("tina", receive_transcriptions=True)
        await until(lambda: "There are no transcriptions" in caplog.text)
        assert tina.state == "connected"


async def test_a_room_that_is_transcribed_from_the_start_says_who_speaks() -> None:
    transcriber = ScriptedTranscriber()
    async with meeting(transcriber=transcriber) as place:
        place.server.rooms.create(unique_name="minutes", options=RoomOptions(is_transcribed=True))
        tina = await place.guest("tina", name="minutes", tone=440.0, receive_transcriptions=True)
        said = next_event(tina, "transcription")
        await until(lambda: transcriber.publications and tina.name != ROOM)
        (say,) = transcriber.publications.values()
        say(Transcript("me", NOON))
        (event,) = await said
        assert event.participant == tina.local_participant.sid
