"""What is kept of a call: recordings, transcription, captions, consent; on a real service."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from acs_core import (
    CallingError,
    CallRating,
    CallSurvey,
    Features,
    LocalAudioStream,
    LocalVideoStream,
    StartCaptionsOptions,
)
from acs_core.media.sources import ToneSource
from acs_core.service.transcription import Transcript
from tests.support.events import next_event, until
from tests.support.fake_transcriber import ScriptedTranscriber
from tests.support.media_checks import RED
from tests.support.people import meeting, pattern

NOW = datetime(2025, 1, 2, tzinfo=UTC)


@pytest.mark.feature("RECORD-002", "RECORD-003")
async def test_everybody_sees_a_recording_begin_and_end() -> None:
    async with meeting() as place:
        group = {"groupId": str(uuid.uuid4())}
        calls = [await (await place.user(name)).join(group) for name in ("Anna", "Ben")]
        features = [call.feature(Features.RECORDING) for call in calls]
        assert not any(feature.is_recording_active for feature in features)
        (running,) = place.server.calls.live.values()
        for is_active in (True, False):
            changes = [next_event(item, "isRecordingActiveChanged") for item in features]
            if is_active:
                recording = running.activity.start_recording("minutes")
            else:
                running.activity.stop_recording(recording)
            for change in changes:
                assert await change == ()
            assert [item.is_recording_active for item in features] == [is_active] * 2
        late = await (await place.user("Cleo")).join(group)
        assert not late.feature(Features.RECORDING).is_recording_active


async def test_a_call_that_asks_for_consent_waits_for_it() -> None:
    async with meeting(recording_consent=True) as place:
        anna = await place.user("Anna")
        group = {"groupId": str(uuid.uuid4())}
        call = await anna.join(group, muted=True)
        (running,) = place.server.calls.live.values()
        running.activity.start_recording()
        recording = call.feature(Features.RECORDING)
        await until(lambda: recording.is_teams_consent_required)
        camera = LocalVideoStream(pattern(RED))
        codes = []
        for attempt in (
            call.unmute(),
            call.start_video(camera),
            call.start_screen_sharing(LocalVideoStream(pattern(RED))),
        ):
            with pytest.raises(CallingError) as caught:
                await attempt
            codes.append((caught.value.code, caught.value.sub_code))
        assert codes == [(400, 41108), (400, 41109), (400, 41110)]
        newcomer = await place.user("Ben")
        sound = LocalAudioStream(ToneSource(440))
        other = await newcomer.join(group, audio=sound, video=LocalVideoStream(pattern(RED)))
        assert other.is_muted
        assert not other.is_local_video_started
        await recording.grant_teams_consent()
        assert not recording.is_teams_consent_required
        await call.start_video(camera)
        await other.feature(Features.TRANSCRIPTION).grant_teams_consent()
        await other.unmute()
        (remote,) = call.remote_participants
        await until(lambda: not remote.is_muted)


async def test_what_is_said_arrives_as_captions() -> None:
    transcriber = ScriptedTranscriber()
    async with meeting(transcriber=transcriber) as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        group = {"groupId": str(uuid.uuid4())}
        await anna.join(group, audio=LocalAudioStream(ToneSource(440)))
        call = await ben.join(group)
        captions = call.feature(Features.CAPTIONS).captions
        assert captions.supported_spoken_languages == ("en-US", "de-DE")
        await captions.start_captions(StartCaptionsOptions("de-de"))
        assert captions.active_spoken_language == "de-DE"
        received = next_event(captions, "CaptionsReceived")
        await until(lambda: transcriber.publications)
        (say,) = transcriber.publications.values()
        say(Transcript("guten Tag", NOW, language_code="de-DE"))
        (info,) = await received
        assert (info.spoken_text, info.spoken_language) == ("guten Tag", "de-DE")
        assert info.speaker.identifier.raw_id == anna.raw_id
        assert info.timestamp == NOW
        await captions.set_spoken_language("en-US")
        await captions.stop_captions()
        await until(lambda: not transcriber.publications or transcriber.ended)
    assert transcriber.ended


async def test_without_a_transcriber_captions_are_refused_at_once() -> None:
    async with meeting() as place:
        call = await (await place.user("Anna")).join({"groupId": str(uuid.uuid4())})
        captions = call.feature(Features.CAPTIONS).captions
        with pytest.raises(CallingError) as caught:
            await captions.start_captions()
        assert (caught.value.code, caught.value.sub_code) == (412, 45201)
        assert not captions.is_captions_feature_active


async def test_a_survey_reaches_the_service_after_the_call() -> None:
    async with meeting() as place:
        anna = await place.user("Anna")
        call = await anna.join({"groupId": str(uuid.uuid4())})
        await call.hang_up()
        response = await call.feature(Features.CALL_SURVEY).submit_survey(
            CallSurvey(overall_rating=CallRating(5))
        )
        (kept,) = place.server.services.surveys.all
        assert (kept.id, kept.call, kept.endpoint) == (response.id, response.call_id, call.id)
        assert kept.user == anna.raw_id
        assert kept.answers["overall_rating"]["score"] == 5
