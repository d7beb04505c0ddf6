"""A participant's recording: sound and picture together, in real time, whatever happens.

The publisher flashes and beeps with each full second. What a player would show and play is compared
with that: the offset of beep and flash, the gaps, and the length.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from acs_core.media.frames import AudioFrame
from tests.support.events import next_event
from tests.support.people import meeting
from tests.support.recordings import Onsets
from tests.support.sources import BeepSource, FlashSource
from twilio_compat import LocalAudioTrack, LocalVideoTrack
from twilio_compat.recording import record

TOLERANCE = 0.080
"""Seconds; ITU-R BT.1359-1 puts the threshold of detection at 45 ms early and 125 ms late."""

BUSY = 0.5
"""Where other programs take the processors, a publisher loses sound unsent, and its stamps
follow real time by 250 ms only (`acs_core.media.clock.MAX_SOUND_GAP`)."""


@dataclass(frozen=True)
class Played:
    """What a player makes of a file: when it flashes and beeps, and how long it lasts, seconds."""

    flashes: list[float]
    beeps: list[float]
    video_end: float
    audio_end: float

    def pairs(self) -> list[float]:
        """For each flash: how much later the nearest beep is; flashes without one are left out."""
        nearest = [min(self.beeps, key=lambda beep: abs(beep - flash)) for flash in self.flashes]
        pairs = zip(self.flashes, nearest, strict=True)
        return [beep - flash for flash, beep in pairs if abs(beep - flash) < 0.4]

    def quiet(self, start: float, end: float) -> bool:
        return not any(start < onset < end for onset in (*self.flashes, *self.beeps))


def played(path: Path) -> Played:
    flashes, beeps = Onsets(), Onsets()
    video_end = audio_end = 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                video_end = frame.time or 0.0
                flashes.tell(bool(frame.to_ndarray(format="gray").mean() > 128), video_end)
            elif isinstance(frame, av.AudioFrame):
                sound = AudioFrame.from_av(frame)
                loud = np.abs(sound.samples[:, 0].astype(np.int32)) > 1000
                beeps.tell(bool(loud.any()), sound.time + int(loud.argmax()) / sound.sample_rate)
                audio_end = sound.time + sound.duration
    return Played(flashes.found, beeps.found, video_end, audio_end)


@pytest.mark.parametrize("tolerance", [BUSY, pytest.param(TOLERANCE, marks=pytest.mark.proof)])
async def test_sound_and_picture_stay_together_over_a_mute_and_a_new_publication(
    tmp_path: Path, tolerance: float
) -> None:
    path = tmp_path / "out.mp4"
    loop = asyncio.get_running_loop()
    async with meeting() as place:
        tracks = [LocalVideoTrack(FlashSource()), LocalAudioTrack(BeepSource())]
        recorder = await place.guest("recorder")
        sender = await place.guest("sender", tracks=tracks)
        moments = [loop.time()]

        async def spend(seconds: float) -> None:
            await asyncio.sleep(seconds)
            moments.append(loop.time())

        async with record(recorder, path) as recording:
            await spend(3.2)
            for track in tracks:
                track.disable()
            await spend(2.0)
            for track in tracks:
                track.enable()
            await spend(2.3)
            sender.local_participant.unpublish_tracks(tracks)
            await spend(2.0)
            again = next_event(recorder, "trackSubscribed", lambda track, *_: track.kind == "audio")
            await sender.local_participant.publish_tracks(tracks)
            await again
            await spend(3.0)
            ended = loop.time() - moments[0]
        (file,) = recording.files
        for track in tracks:
            track.stop()
            await track.closed()
    result = played(path)
    assert (file.identity, file.path, file.offset) == ("sender", path, 0.0)
    pairs = result.pairs()
    assert len(pairs) >= 6
    assert max(map(abs, pairs)) <= tolerance, result
    # Before the mute, between the gaps, and after the track was published anew.
    _, muted, unmuted, unpublished, published, _ = [moment - moments[0] for moment in moments]
    for start, end in ((0.0, muted), (unmuted, unpublished), (published, ended)):
        assert any(start < flash < end for flash in result.flashes)
    assert result.quiet(muted + 0.5, unmuted)
    assert result.quiet(unpublished + 0.5, published)
    # Real time: every onset is as far from the first one as full seconds are.
    for onsets in (result.flashes, result.beeps):
        assert max(abs((onset - onsets[-1] + 0.5) % 1 - 0.5) for onset in onsets) < tolerance
    for length in (file.duration, result.video_end, result.audio_end):
        assert abs(length - ended) < max(0.1, tolerance)
