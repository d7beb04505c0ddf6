"""The sample media that ship with the examples are what their README says."""

from pathlib import Path

import av
import numpy as np
import pytest

from acs_core.media.frames import AudioFrame

MEDIA = Path(__file__).parents[2] / "migration_examples" / "media"


def test_speech_is_audible_for_most_of_eight_seconds() -> None:
    with av.open(str(MEDIA / "speech.wav")) as container:
        frames = [AudioFrame.from_av(frame) for frame in container.decode(audio=0)]
    samples = np.concatenate([frame.samples for frame in frames])
    rate = frames[0].sample_rate
    assert len(samples) / rate == pytest.approx(8, abs=1)
    tenths = [
        AudioFrame(samples[at : at + rate // 10]) for at in range(0, len(samples), rate // 10)
    ]
    assert np.mean([tenth.level_dbov > -40 for tenth in tenths]) > 0.6


def test_clip_moves_and_meets_its_beginning() -> None:
    with av.open(str(MEDIA / "clip.mp4")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == 200
    assert frames[0].shape == (360, 640)
    first, middle, last = (frames[at].astype(int) for at in (0, 100, 199))
    assert np.abs(first - middle).mean() > 20
    assert np.abs(first - last).mean() < 5


@pytest.mark.parametrize("name", ["speech.wav", "clip.mp4"])
def test_files_are_small_enough_to_be_committed(name: str) -> None:
    assert (MEDIA / name).stat().st_size < 600_000
