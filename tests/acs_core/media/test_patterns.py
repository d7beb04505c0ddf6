from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.media.frames import AudioFrame, VideoFrame, av_audio_frame
from acs_core.media.patterns import (
    PatternPainter,
    dominant_color,
    dominant_frequency,
    read_counter,
    rgb_to_yuv,
    tone,
)
from acs_core.media.sources import av_picture

COLORS = [(32, 120, 136), (200, 40, 60), (20, 20, 20), (230, 230, 40), (40, 60, 220)]


@given(st.integers(0, 200_000))
def test_counter_is_read_back(number: int) -> None:
    painter = PatternPainter(96, 48, (200, 40, 60))
    frame = VideoFrame.from_ndarray(painter.draw(number))
    assert read_counter(frame.to_rgb()) == number % 65536
    assert read_counter(frame.to_ndarray("gray")) == number % 65536


def test_counter_survives_scaling() -> None:
    frame = av_picture(PatternPainter(640, 360, (200, 40, 60)).draw(4711), time=0.0)
    for width, height in [(160, 90), (320, 180), (480, 270), (1280, 720)]:
        assert read_counter(VideoFrame(frame.reformat(width, height)).to_rgb()) == 4711


@given(st.integers(0, 2**32 - 1))
def test_noise_is_almost_never_a_counter_and_never_an_error(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (60, 120, 3), dtype=np.uint8)
    assert read_counter(noise) is None


@pytest.mark.parametrize("picture", [np.zeros((4, 4)), np.full((90, 160), 16), np.ones((90, 20))])
def test_a_picture_without_barcode_has_no_counter(picture: np.ndarray) -> None:
    assert read_counter(picture.astype(np.uint8)) is None
    assert (
        read_counter(
            VideoFrame.from_ndarray(
                PatternPainter(320, 180, (0, 0, 0), counter=False).draw(3)
            ).to_rgb()
        )
        is None
    )


@pytest.mark.parametrize(
    ("color", "yuv"),
    [((0, 0, 0), (16, 128, 128)), ((255, 255, 255), (235, 128, 128)), ((255, 0, 0), (81, 90, 240))],
)
def test_colors_are_those_of_bt601(color: tuple[int, ...], yuv: tuple[int, ...]) -> None:
    assert rgb_to_yuv(color) == yuv


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (1280, 720)])
@pytest.mark.parametrize("codec", ["libvpx", "libx264"])
@pytest.mark.feature("DEVICE-001")
def test_identity_survives_a_video_codec_at_250_kbps(codec: str, size: tuple[int, int]) -> None:
    color = COLORS[size[0] % len(COLORS)]
    numbers, colors = through_video_codec(codec, PatternPainter(*size, color), count=10)
    assert numbers == list(range(10))
    for seen in colors:
        assert np.abs(np.subtract(seen, color)).max() <= 12


def through_video_codec(codec: str, painter: PatternPainter, count: int):
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = painter.width, painter.height, "yuv420p"
    encoder.bit_rate, encoder.time_base = 250_000, Fraction(1, 30)
    encoder.framerate = Fraction(30)
    encoder.options = (
        {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0", "minrate": "250000",
         "maxrate": "250000", "bufsize": "100000"}
        if codec == "libvpx"
        else {"preset": "ultrafast", "tune": "zerolatency"}
    )  # fmt: skip
    decoder = av.CodecContext.create({"libvpx": "vp8", "libx264": "h264"}[codec], "r")
    numbers, colors = [], []
    packets = []
    for number in range(count):
        frame = av_picture(painter.draw(number), time=0.0)
        frame.pts, frame.time_base = number, Fraction(1, 30)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    for packet in [*packets, None]:
        for frame in decoder.decode(packet):
            picture = VideoFrame(frame).to_rgb()
            numbers.append(read_counter(picture))
            colors.append(dominant_color(picture))
    return numbers, colors


@pytest.mark.parametrize("frequency", [220.0, 440.0, 1000.0])
def test_pitch_and_level_survive_opus(frequency: float) -> None:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    decoder = av.CodecContext.create("opus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    decoder.extradata = encoder.extradata
    parts = []
    for start in range(0, 24_000, 960):
        wave = tone(start, 960, frequency_hz=frequency, level_dbov=-20, rate=48_000)
        for packet in encoder.encode(av_audio_frame(wave.reshape(-1, 1), pts=start)):
            parts += [AudioFrame.from_av(frame).samples for frame in decoder.decode(packet)]
    heard = np.concatenate(parts)[4800:]
    assert dominant_frequency(heard, 48_000) == pytest.approx(frequency, rel=0.005)
    assert AudioFrame.from_ndarray(heard).level_dbov == pytest.approx(-20, abs=1)


@given(st.floats(50, 8000), st.integers(0, 10**7))
def test_tone_is_found_at_any_pitch_and_phase(frequency: float, start: int) -> None:
    wave = tone(start, 9600, frequency_hz=frequency, level_dbov=-20, rate=48_000)
    assert dominant_frequency(wave, 48_000) == pytest.approx(frequency, abs=1.0)


def test_pieces_of_a_tone_join_without_a_click() -> None:
    whole = tone(0, 1920, frequency_hz=333.0, level_dbov=-6, rate=48_000)
    halves = [tone(at, 960, frequency_hz=333.0, level_dbov=-6, rate=48_000) for at in (0, 960)]
    assert np.array_equal(whole, np.concatenate(halves))


def test_silence_has_no_pitch() -> None:
    assert dominant_frequency(np.zeros((960, 2), dtype=np.int16), 48_000) == 0.0
    assert dominant_frequency(np.ones(4, dtype=np.int16), 48_000) == 0.0
