from __future__ import annotations

from pathlib import Path

import pytest

from acs_core.compositing.job import AudioPart, FileFormat
from acs_core.service.automation.recordings import (
    CallRecording,
    RecordingChannels,
    RecordingContent,
    RecordingFormat,
    RecordingState,
)
from acs_core.service.compositions import Purpose
from acs_core.service.compositions.call_recordings import (
    call_recording_observer,
    kept_periods,
    render_call_recording,
)
from acs_core.service.compositions.process import render_apart
from tests.support.composing import CALL, Studio
from tests.support.events import until
from tests.support.recorded_calls import EPOCH
from tests.support.track_files import lengths, levels


async def test_the_file_of_a_call_recording_has_no_pauses(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.recordings.tone(CALL, 440, 2.0, offset_ms=0)
    studio.recordings.tone(CALL, 1000, 2.0, offset_ms=0, identity="ben")
    async with studio.open(render=render_apart) as part:
        periods = kept_periods(EPOCH, EPOCH + 2.0, [(EPOCH + 0.5, EPOCH + 1.0)])
        made = await render_call_recording(
            part,
            "e" * 32,
            CALL,
            format=FileFormat.WAV,
            periods=periods,
            is_unmixed=True,
            channels=["ben"],
        )
        again = await render_call_recording(part, "e" * 32, CALL, format=FileFormat.WAV, periods=())
        assert again.order == made.order
        await until(lambda: studio.events[-1] == "available", deadline=40)
        _, done = studio.news[-1]
        assert (done.id, done.purpose) == ("e" * 32, Purpose.CALL_RECORDING)
        path = part.path_of(done)
        assert abs(lengths(path)["audio"] - 1.5) < 0.1
        ben, ann = levels(path, 1000)
        assert min(ben[1:14]) > 6000
        assert max(ann[1:14]) < 400


async def test_a_recording_of_a_call_that_stops_becomes_a_file(studio: Studio) -> None:
    studio.recordings.tone(CALL, 440, 2.0, offset_ms=0)
    recording = CallRecording(
        id="e" * 32,
        call_id=CALL,
        content=RecordingContent.AUDIO,
        channels=RecordingChannels.UNMIXED,
        format=RecordingFormat.WAV,
        started_at=EPOCH,
        participants=("ann",),
        pauses=[(EPOCH + 0.5, EPOCH + 1.0)],
    )
    async with studio.open() as part:
        observe = call_recording_observer(part)
        observe(recording)
        recording.state, recording.stopped_at = RecordingState.STOPPED, EPOCH + 9.0
        observe(recording)
        observe(recording)
        await until(lambda: studio.desk.jobs)
        (job,) = studio.desk.jobs
        # Not longer than what was recorded.
        assert job.periods == ((EPOCH, EPOCH + 0.5), (EPOCH + 1.0, EPOCH + 2.0))
        assert job.audio == AudioPart(channels=1, rate=16_000, unmixed=("ann",))
        assert (job.format, job.video, job.is_trimmed) == (FileFormat.WAV, None, False)


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        ([], ((10.0, 20.0),)),
        ([(12.0, 13.0)], ((10.0, 12.0), (13.0, 20.0))),
        ([(10.0, 13.0), (15.0, None)], ((13.0, 15.0),)),
        ([(10.0, None)], ()),
    ],
)
def test_pauses_are_what_is_not_kept(
    pauses: list[tuple[float, float | None]], expected: tuple[tuple[float, float], ...]
) -> None:
    assert kept_periods(10.0, 20.0, pauses) == expected
