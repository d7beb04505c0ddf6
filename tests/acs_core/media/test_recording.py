from pathlib import Path

import av
import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError, MediaError
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.patterns import PatternPainter, read_counter, tone
from acs_core.media.recording import RecordingFile, RecordingOptions, check_recording_path

SUFFIXES = ["webm", "mkv", "mp4"]


def flat(value: int, width: int = 160, height: int = 90) -> VideoFrame:
    return VideoFrame.from_ndarray(np.full((height, width, 3), value, dtype=np.uint8))


def put_video(file: RecordingFile, time: float, frame: VideoFrame) -> None:
    frame.time = time
    file.write_video("v", "", frame, 100.0 + time)


def put_sound(
    file: RecordingFile, time: float, samples: np.ndarray, name: str = "a", rate: int = 48_000
) -> None:
    frame = AudioFrame.from_ndarray(samples, time=time, sample_rate=rate)
    file.write_audio(name, "", frame, 100.0 + time)


def beep(start: float, seconds: float = 0.02, hertz: float = 1000, rate: int = 48_000):
    return tone(
        round(start * rate), round(seconds * rate), frequency_hz=hertz, level_dbov=-12, rate=rate
    )


def read(path: Path) -> tuple[list[tuple[float, np.ndarray]], np.ndarray]:
    """Return the pictures with their times, and the sound with silence put into holes."""
    pictures, parts = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(*container.streams.video[:1], *container.streams.audio[:1]):
            if isinstance(frame, av.VideoFrame):
                pictures.append((frame.time, frame.to_ndarray(format="rgb24")))
            else:
                parts.append((frame.time, AudioFrame.from_av(frame).samples))
    end = max((time + len(part) / 48_000 for time, part in parts), default=0.0)
    sound = np.zeros((round(end * 48_000) + 960, 1), dtype=np.int16)
    for time, part in parts:
        start = max(0, round(time * 48_000))
        sound[start : start + len(part)] = part[:, :1]
    return pictures, sound


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_flash_and_beep_stay_within_80_ms(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"skew.{suffix}"
    file = RecordingFile(path, RecordingOptions())
    for tick in range(100):
        time = tick * 0.02
        is_on = 50 <= tick < 60
        samples = beep(time) if is_on else np.zeros(960, np.int16)
        put_sound(file, time, samples)
        if tick % 2 == 0:
            put_video(file, time, flat(235 if is_on else 16))
    summary = file.finish()
    pictures, sound = read(path)
    flash = next(time for time, picture in pictures if picture.mean() > 128)
    loud = np.flatnonzero(np.abs(sound[:, 0]) > 2000)[0] / 48_000
    assert abs(flash - loud) <= 0.08
    assert flash == pytest.approx(1.0, abs=0.08)
    assert summary.duration == pytest.approx(2.0, abs=0.05)
    with av.open(str(path)) as container:
        assert container.duration / 1e6 == pytest.approx(2.0, abs=0.1)
        names = {stream.codec_context.name for stream in container.streams}
    assert names == ({"h264", "aac"} if suffix == "mp4" else {"vp8", "opus"})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_hole_is_held_picture_and_silence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"hole.{suffix}"
    file = RecordingFile(path, RecordingOptions())
    painter = PatternPainter(160, 90, (200, 40, 60))
    for tick in range(150):
        time = tick * 0.02
        if 25 <= tick < 125:
            continue  # Half a second, a hole of two seconds, half a second.
        put_sound(file, time, beep(time))
        put_video(file, time, VideoFrame.from_ndarray(painter.draw(tick)))
    file.finish()
    pictures, sound = read(path)
    inside = [read_counter(picture) for time, picture in pictures if 0.55 < time < 2.45]
    assert inside
    assert set(inside) == {24}
    assert np.abs(sound[28_800:115_200]).max() < 1000
    assert np.abs(sound[4_800:19_200]).max() > 5000
    assert np.abs(sound[124_800:139_200]).max() > 5000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_another_resolution_is_fitted_into_the_first(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"size.{suffix}"
    file = RecordingFile(path, RecordingOptions(has_audio=False))
    for tick in range(10):
        put_video(file, tick / 25, flat(235))
    for tick in range(10, 20):
        put_video(file, tick / 25, flat(235, 91, 91))
    file.finish()
    pictures, _ = read(path)
    assert {picture.shape for _, picture in pictures} == {(90, 160, 3)}
    last = pictures[-1][1].mean(axis=2)
    assert last[45, 80] > 200
    assert last[45, 10] < 40


def test_two_sounds_of_different_rates_are_mixed(tmp_path: Path) -> None:
    path = tmp_path / "mix.webm"
    file = RecordingFile(path, RecordingOptions(has_video=False))
    for tick in range(50):
        time = tick * 0.02
        put_sound(file, time, beep(time, hertz=400), "a")
        put_sound(file, time, beep(time, hertz=1500, rate=16_000), "b", rate=16_000)
    summary = file.finish()
    _, sound = read(path)
    spectrum = np.abs(np.fft.rfft(sound[9_600:38_400, 0] * np.hanning(28_800)))
    peaks = sorted(np.argsort(spectrum)[-2:] * 48_000 / 28_800)
    assert peaks == pytest.approx([400, 1500], abs=4)
    assert summary.late_audio == 0


def test_sound_may_come_before_and_overlap(tmp_path: Path) -> None:
    path = tmp_path / "early.mkv"
    file = RecordingFile(path, RecordingOptions())
    put_video(file, 0.0, flat(128))
    put_sound(file, -0.03, beep(0, 0.05))
    put_sound(file, 0.02, beep(0.02))
    put_sound(file, -0.1, beep(0))
    summary = file.finish()
    assert 0.04 <= summary.duration <= 0.1


@pytest.mark.parametrize("has_video", [True, False])
@pytest.mark.parametrize("has_audio", [True, False])
def test_recording_without_media_is_still_a_file(
    tmp_path: Path, has_video: bool, has_audio: bool
) -> None:
    options = RecordingOptions(has_video=has_video, has_audio=has_audio)
    if not has_video and not has_audio:
        with pytest.raises(InvalidArgumentError):
            check_recording_path(tmp_path / "none.webm", options)
        return
    path = tmp_path / "empty.mkv"
    assert RecordingFile(path, options).finish().duration == 0
    with av.open(str(path)) as container:
        assert len(container.streams.video) == has_video
        assert len(container.streams.audio) == has_audio


def test_late_video_begins_with_black(tmp_path: Path) -> None:
    path = tmp_path / "late.webm"
    file = RecordingFile(path, RecordingOptions())
    for tick in range(40):
        put_sound(file, tick * 0.02, beep(tick * 0.02))
        if tick >= 20:
            put_video(file, tick * 0.02, flat(235))
    file.finish()
    pictures, _ = read(path)
    assert pictures[0][0] == pytest.approx(0, abs=0.01)
    assert pictures[0][1].mean() < 30
    assert pictures[1][0] == pytest.approx(0.4, abs=0.02)
    assert pictures[1][1].mean() > 200


def test_sound_does_not_wait_for_a_picture_for_ever(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "sound.webm", RecordingOptions())
    for second in range(8):
        put_sound(file, float(second), np.zeros(48_000, np.int16))
    put_video(file, 7.5, flat(235, 100, 100))
    summary = file.finish()
    assert summary.duration == pytest.approx(8, abs=0.1)
    pictures, _ = read(summary.path)
    assert pictures[-1][1].shape == (360, 640, 3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avi", RecordingOptions()),
        ("a", RecordingOptions()),
        ("a.webm", RecordingOptions(channels=3)),
        ("a.webm", RecordingOptions(size=(0, 10))),
    ],
)
def test_what_cannot_be_recorded_is_refused(name: str, options: RecordingOptions) -> None:
    with pytest.raises(InvalidArgumentError):
        check_recording_path(Path(name), options)


def test_folder_that_is_not_there_is_a_media_error(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "none" / "a.webm", RecordingOptions(has_video=False))
    with pytest.raises(MediaError, match="cannot be written"):
        file.finish()
    file.close()


def test_a_recording_that_was_begun_lasts_from_then_until_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    file = RecordingFile(path, RecordingOptions(size=(64, 48)))
    file.begin(10.0)
    picture = VideoFrame.from_ndarray(np.full((72, 64), 200, dtype=np.uint8))
    file.write_video("video", "", picture, 10.5)
    assert file.finish(until=2.0).duration == 2.0
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    # Black until it came, then it stays.
    assert frames[0].pts == 0
    assert frames[0].to_ndarray(format="gray").mean() < 30
    assert frames[1].time == pytest.approx(0.5)
    assert (frames[-1].time or 0) > 1.9
