import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError, MediaError
from acs_core.media.frames import (
    AudioFrame,
    VideoFrame,
    av_audio_frame,
    picture_format,
    save_rgb,
)


def solid(width: int, height: int, color: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), color, dtype=np.uint8)


def test_frame_keeps_a_copy_of_the_picture() -> None:
    picture = solid(8, 4, (10, 20, 30))
    frame = VideoFrame.from_ndarray(picture, time=1.5, capture_time=99.0)
    picture[:] = 0
    assert (frame.width, frame.height, frame.time, frame.capture_time) == (8, 4, 1.5, 99.0)
    assert frame.to_rgb()[0, 0].tolist() == [10, 20, 30]
    assert frame.to_ndarray("bgr24")[0, 0].tolist() == [30, 20, 10]
    frame.to_rgb()[:] = 0
    assert frame.to_rgb()[0, 0].tolist() == [10, 20, 30]
    assert repr(frame) == "<VideoFrame 8x4 at 1.500 s>"


def test_planes_have_no_line_padding_and_round_chroma_up() -> None:
    frame = VideoFrame(av.VideoFrame(33, 17, "yuv420p"))
    assert [plane.shape for plane in frame.planes] == [(17, 33), (9, 17), (9, 17)]
    assert frame.to_rgb().shape == (17, 33, 3)
    with pytest.raises(InvalidArgumentError, match="planes"):
        frame.to_ndarray("yuv420p")


def test_every_format_round_trips_a_gray_picture() -> None:
    planes = np.full((48, 32), 128, dtype=np.uint8)
    frame = VideoFrame.from_ndarray(planes)
    assert (frame.width, frame.height, frame.time) == (32, 32, 0.0)
    assert np.array_equal(frame.to_ndarray("yuv420p"), planes)
    assert frame.to_ndarray("gray").shape == (32, 32)
    again = VideoFrame.from_ndarray(frame.to_ndarray("gray"), format="gray")
    assert [plane.shape for plane in again.planes] == [(32, 32), (16, 16), (16, 16)]


@pytest.mark.parametrize(
    ("shape", "dtype", "format_"),
    [
        ((4, 4, 4), np.uint8, None),
        ((4, 4, 3), np.float32, None),
        ((0, 4, 3), np.uint8, None),
        ((4, 4), np.uint8, None),
        ((6, 5), np.uint8, None),
        ((4, 4, 3), np.uint8, "gray"),
        ((4,), np.uint8, None),
    ],
)
def test_what_is_no_picture_is_refused(shape: tuple[int, ...], dtype: type, format_: str) -> None:
    with pytest.raises(InvalidArgumentError):
        picture_format(np.zeros(shape, dtype=dtype), format_)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_saved_picture_reads_back(tmp_path, suffix: str) -> None:
    picture = np.concatenate([solid(32, 32, (0, 0, 0)), solid(32, 32, (200, 30, 60))], axis=1)
    path = tmp_path / f"picture.{suffix}"
    save_rgb(picture, path)
    with av.open(str(path)) as container:
        read = next(container.decode(video=0)).to_ndarray(format="rgb24")
    tolerance = 0 if suffix == "png" else 4
    assert np.abs(read[:, 4:28].astype(int) - picture[:, 4:28]).max() <= tolerance
    assert np.abs(read[:, 36:60].astype(int) - picture[:, 36:60]).max() <= tolerance


def test_picture_with_an_unknown_suffix_or_folder_is_a_typed_error(tmp_path) -> None:
    with pytest.raises(InvalidArgumentError, match="png"):
        save_rgb(solid(8, 8, (0, 0, 0)), tmp_path / "picture.bmp")
    with pytest.raises(MediaError):
        save_rgb(solid(8, 8, (0, 0, 0)), tmp_path / "none" / "picture.png")


def test_audio_frame_keeps_a_copy_and_knows_its_length() -> None:
    samples = np.ones(960, dtype=np.int16)
    frame = AudioFrame.from_ndarray(samples, time=0.5)
    samples[:] = 0
    assert frame.samples.shape == (960, 1)
    assert frame.samples.all()
    assert (frame.channels, frame.duration, frame.time) == (1, 0.02, 0.5)
    assert repr(frame) == "<AudioFrame 960x1 at 48000 Hz, 0.500 s>"


@pytest.mark.parametrize("array", [np.zeros(4), np.zeros((1, 2, 3), dtype=np.int16)])
def test_what_are_no_samples_is_refused(array: np.ndarray) -> None:
    with pytest.raises(InvalidArgumentError):
        AudioFrame.from_ndarray(array)


@given(st.lists(st.integers(-32768, 32767), min_size=2, max_size=40), st.sampled_from([1, 2]))
def test_samples_survive_the_way_through_pyav(values: list[int], channels: int) -> None:
    values = values[: len(values) // 2 * 2]
    samples = np.array(values, dtype=np.int16).reshape(-1, channels)
    frame = av_audio_frame(samples, pts=480)
    back = AudioFrame.from_av(frame)
    assert np.array_equal(back.samples, samples)
    assert back.time == pytest.approx(0.01)


def test_planar_float_samples_are_converted() -> None:
    wave = np.array([[0.0, 0.5, -0.5, 0.25], [0.0, 0.0, 0.0, 0.0]], dtype=np.float32)
    frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
    frame.sample_rate = 16_000
    back = AudioFrame.from_av(frame, time=2.0)
    assert back.sample_rate == 16_000
    assert back.samples[:, 0].tolist() == [0, 16384, -16384, 8192]
    assert back.time == 2.0


@pytest.mark.parametrize(("value", "level"), [(0, -127.0), (32767, 0.0), (3277, -20.0), (1, -90.3)])
def test_level_is_relative_to_a_full_scale_square_wave(value: int, level: float) -> None:
    square = np.tile(np.array([value, -value], dtype=np.int16), 480)
    assert AudioFrame.from_ndarray(square).level_dbov == pytest.approx(level, abs=0.05)
    assert AudioFrame.from_ndarray(square[:0]).level_dbov == -127.0
