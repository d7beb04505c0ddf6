from __future__ import annotations

import pytest

from acs_core import (
    AudioOptions,
    CallingError,
    Features,
    InvalidStateError,
    JoinCallOptions,
    LocalAudioStream,
    LocalVideoStream,
    RecordingState,
    ServiceError,
    TransportError,
    VideoOptions,
    wire,
)
from acs_core.core.facts import (
    ActivityChanged,
    AttributesChanged,
    EndpointAttributes,
    RecordingEntry,
)
from acs_core.media.sources import PatternSource, ToneSource
from tests.support.calls import Log, joined
from tests.support.events import until
from tests.support.fake_session import FakeSession

NOTHING = JoinCallOptions(streams=())
RUNNING = RecordingEntry(id="r", name="minutes")
PAUSED = RecordingEntry(id="r", name="minutes", is_paused=True)


async def test_a_recording_is_one_object_from_start_to_end() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.RECORDING)
        log = Log().watch(feature)
        session.say(ActivityChanged(recordings=(RUNNING,)))
        (info,) = feature.recordings
        assert (info.display_name, info.state) == ("minutes", RecordingState.STARTED)
        assert feature.is_recording_active
        told = Log().watch(info)
        session.say(ActivityChanged(recordings=(PAUSED,)))
        assert info.state is RecordingState.PAUSED
        assert not feature.is_recording_active
        session.say(ActivityChanged())
        assert info.state is RecordingState.ENDED
        assert feature.recordings == ()
        assert told.names == ["recordingStateChanged"] * 2
        assert log.names == [
            "recordingsUpdated",
            "isRecordingActiveChanged",
            "isRecordingActiveChanged",
            "recordingsUpdated",
        ]
        assert log.entries[0][1][0].added == (info,)
        assert log.entries[-1][1][0].removed == (info,)


async def test_a_call_that_is_recorded_already_says_so_when_it_is_joined() -> None:
    def prepare(session: FakeSession) -> None:
        session.activity = ActivityChanged(recordings=(RUNNING,), is_transcribing=True)

    async with joined(NOTHING, prepare=prepare) as (call, session):
        assert call.feature(Features.RECORDING).is_recording_active
        transcription = call.feature(Features.TRANSCRIPTION)
        assert transcription.is_transcription_active
        log = Log().watch(transcription)
        session.say(ActivityChanged(is_transcribing=True))
        session.say(ActivityChanged())
        assert log.names == ["isTranscriptionActiveChanged"]
        assert not transcription.is_transcription_active


async def test_who_has_not_agreed_sends_nothing() -> None:
    async with joined(NOTHING) as (call, session):
        recording, transcription = (
            call.feature(Features.RECORDING),
            call.feature(Features.TRANSCRIPTION),
        )
        await call.mute()
        assert not recording.is_teams_consent_required
        session.say(ActivityChanged(is_transcribing=True, needs_consent=True))
        assert recording.is_teams_consent_required
        assert transcription.is_teams_consent_required
        with pytest.raises(InvalidStateError) as caught:
            await call.unmute()
        assert (caught.value.code, caught.value.sub_code) == (400, 41108)
        assert call.is_muted
        await transcription.grant_teams_consent()
        assert session.asked == [wire.Consent(endpoint=call.id)]
        agreed = EndpointAttributes(has_consented=True)
        session.say(AttributesChanged(endpoint=call.id, attributes=agreed))
        assert not recording.is_teams_consent_required
        await call.unmute()
        assert not call.is_muted


async def test_a_recording_that_begins_ends_what_is_sent_without_consent() -> None:
    camera, screen = (LocalVideoStream(PatternSource(96, 48, 5)) for _ in range(2))
    sound = LocalAudioStream(ToneSource(440))
    options = JoinCallOptions(
        video_options=VideoOptions((camera,)),
        audio_options=AudioOptions(local_audio_streams=(sound,)),
    )
    async with joined(options) as (call, session):
        await call.start_screen_sharing(screen)
        assert len(session.streams) == 3
        log = Log().watch(call)
        session.say(ActivityChanged(recordings=(RUNNING,), needs_consent=True))
        assert call.is_muted
        assert call.local_video_streams == ()
        assert log.names == [
            "isMutedChanged",
            "localVideoStreamsUpdated",
            "isLocalVideoStartedChanged",
            "localVideoStreamsUpdated",
            "isScreenSharingOnChanged",
        ]
        await until(lambda: len(session.streams) == 1)
        (stream,) = session.streams.values()
        assert not stream.enabled
        agreed = EndpointAttributes(has_consented=True)
        session.say(AttributesChanged(endpoint=call.id, attributes=agreed))
        await call.unmute()
        await call.start_video(camera)
        assert stream.enabled


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (ServiceError("no", code=400, sub_code=41113), [(400, 41113), (400, 41113)]),
        (ServiceError("a bug", code=500), [(500, 41112), (500, 41112)]),
        (TransportError("gone"), [(500, 45853), (500, 46001)]),
    ],
)
async def test_a_consent_that_cannot_be_given_says_why(
    answer: CallingError, codes: list[tuple[int, int]]
) -> None:
    async with joined(NOTHING) as (call, session):
        session.answers[wire.Consent] = answer
        seen = []
        for feature in (call.feature(Features.RECORDING), call.feature(Features.TRANSCRIPTION)):
            with pytest.raises(CallingError) as caught:
                await feature.grant_teams_consent()
            seen.append((caught.value.code, caught.value.sub_code))
        assert seen == codes
