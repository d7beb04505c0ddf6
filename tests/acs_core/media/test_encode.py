import av
import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.media.decode import VideoDecoder
from acs_core.media.encode import OpusEncoder, VideoEncoder, audio_level
from acs_core.media.frames import VideoFrame, av_audio_frame
from acs_core.media.jitter import VideoJitterBuffer
from acs_core.media.opus import create_opus_decoder
from acs_core.media.patterns import PatternPainter, dominant_color, read_counter, tone
from acs_core.media.sources import av_picture

CODECS = ["VP8", "H264"]
COLOR = (32, 120, 136)


class Chain:
    """Encoder, jitter buffer and decoder, without a network."""

    def __init__(self, codec: str, **options) -> None:
        self.encoder = VideoEncoder(
            codec, **{"bitrate_bps": 500_000, "max_bitrate_bps": 1_500_000, **options}
        )
        self.buffer = VideoJitterBuffer(codec)
        self.decoder = VideoDecoder(codec)
        self.sequence = 0
        self.number = 0
        self.bytes = 0
        self.keyframes: list[int] = []

    def run(self, frame: av.VideoFrame) -> list[VideoFrame]:
        timestamp, now = self.number * 3000, self.number / 30
        encoded = self.encoder.encode(frame, timestamp, now)
        if encoded.is_keyframe:
            self.keyframes.append(self.number)
        self.number += 1
        out = []
        for index, payload in enumerate(encoded.payloads):
            assert len(payload) <= 1300
            self.bytes += len(payload)
            marker = index == len(encoded.payloads) - 1
            for whole in self.buffer.add(self.sequence, timestamp, marker, payload, now):
                out += [VideoFrame(item) for item in self.decoder.decode(whole)]
            self.sequence = self.sequence + 1 & 0xFFFF
        return out


def noise(seed: int, width: int = 320, height: int = 180) -> av.VideoFrame:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (height // 4, width // 4, 3), dtype=np.uint8)
    return av.VideoFrame.from_ndarray(small.repeat(4, 0).repeat(4, 1)[:height, :width], "rgb24")


@pytest.mark.parametrize("codec", CODECS)
def test_pictures_keep_their_identity(codec: str) -> None:
    chain = Chain(codec, bitrate_bps=250_000)
    painter = PatternPainter(320, 180, COLOR, counter=True)
    for number in range(20):
        (frame,) = chain.run(av_picture(painter.draw(number), time=number / 30))
        assert read_counter(frame.to_rgb()) == number
        assert np.abs(np.subtract(dominant_color(frame.to_rgb()), COLOR)).max() < 16
    assert chain.keyframes == [0]


@pytest.mark.parametrize("codec", CODECS)
def test_a_keyframe_comes_when_asked_for(codec: str) -> None:
    chain = Chain(codec)
    for number in range(10):
        if number == 6:
            chain.encoder.request_keyframe()
        chain.run(noise(number))
    assert chain.keyframes == [0, 6]
    assert chain.encoder.contexts == 1


def test_h264_takes_a_new_rate_without_a_keyframe() -> None:
    chain = Chain("H264", bitrate_bps=1_000_000)
    still = noise(0, 640, 360).to_ndarray(format="rgb24")
    moving = [av.VideoFrame.from_ndarray(np.roll(still, n * 5, 1), "rgb24") for n in range(120)]
    for frame in moving[:60]:
        chain.run(frame)
    before, chain.bytes = chain.bytes, 0
    chain.encoder.bitrate_bps = 300_000
    for frame in moving[60:]:
        chain.run(frame)
    assert chain.bytes < before / 2
    assert chain.keyframes == [0]


def test_vp8_changes_its_rate_in_large_steps_and_seldom() -> None:
    chain = Chain("VP8", bitrate_bps=500_000)
    for number in range(30 * 5):
        # Small and frequent changes, as a bandwidth estimate makes them.
        chain.encoder.bitrate_bps = 500_000 + number * 100
        chain.run(noise(number))
    assert chain.encoder.contexts == 1
    for number in range(30 * 3):
        chain.encoder.bitrate_bps = 200_000 if number % 2 else 1_000_000
        chain.run(noise(number))
    assert 2 <= chain.encoder.contexts <= 3


@pytest.mark.parametrize("codec", CODECS)
def test_a_new_size_is_a_new_keyframe(codec: str) -> None:
    chain = Chain(codec)
    assert [(f.width, f.height) for f in chain.run(noise(0))] == [(320, 180)]
    assert [(f.width, f.height) for f in chain.run(noise(1, 640, 360))] == [(640, 360)]
    assert chain.keyframes == [0, 1]


@pytest.mark.parametrize("codec", CODECS)
def test_the_callers_frame_is_not_changed(codec: str) -> None:
    frame = noise(1).reformat(format="yuv420p")
    frame.pts = 12345
    before = frame.to_ndarray().copy()
    chain = Chain(codec)
    chain.encoder.request_keyframe()
    chain.run(frame)
    assert frame.pts == 12345
    assert frame.pict_type == av.video.frame.PictureType.NONE
    assert np.array_equal(frame.to_ndarray(), before)


@pytest.mark.parametrize("codec", CODECS)
def test_odd_sides_lose_a_line(codec: str) -> None:
    (frame,) = Chain(codec).run(noise(0, 161, 121).reformat(161, 121, "yuv420p"))
    assert (frame.width, frame.height) == (160, 120)


def test_unknown_codecs_are_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        VideoEncoder("AV1", bitrate_bps=1, max_bitrate_bps=1)
    with pytest.raises(InvalidArgumentError):
        VideoDecoder("AV1")


def sound(start: int, samples: int = 960, channels: int = 1, level: float = -20.0):
    wave = tone(start, samples, frequency_hz=440.0, level_dbov=level, rate=48000)
    return av_audio_frame(wave.reshape(-1, 1).repeat(channels, 1), pts=start)


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_of_any_frame_length_becomes_packets_of_20_ms(channels: int) -> None:
    encoder, decoder = OpusEncoder(), create_opus_decoder()
    packets = [p for n in range(10) for p in encoder.encode(sound(n * 700, 700, channels), 0.0)]
    assert len(packets) == 7
    assert all(packet.samples == 960 and abs(packet.level - 20) <= 1 for packet in packets)
    assert all(packet.has_voice for packet in packets)
    assert sum(len(decoder.decode(packet.payload)) for packet in packets) == 7 * 960


def test_other_rates_are_resampled() -> None:
    encoder = OpusEncoder()
    wave = tone(0, 320, frequency_hz=440.0, level_dbov=-20, rate=16000)
    packets = []
    for number in range(20):
        frame = av_audio_frame(wave.reshape(-1, 1), pts=number * 320, sample_rate=16000)
        packets += encoder.encode(frame, 0.0)
    assert 18 <= len(packets) <= 20


def test_silence_costs_next_to_nothing_with_dtx() -> None:
    encoder = OpusEncoder(dtx=True)
    silent = [
        packet
        for n in range(100)
        for packet in encoder.encode(sound(n * 960, level=-127.0), n * 0.02)
    ]
    assert all(packet.level > 100 and not packet.has_voice for packet in silent)
    later = silent[50:]
    assert sum(len(packet.payload) for packet in later) * 8 < 6000
    assert sum(not packet.payload for packet in later) > 30


def test_loss_reports_make_another_encoder_but_seldom() -> None:
    encoder = OpusEncoder()
    encoder.encode(sound(0), 0.0)
    first = encoder._codec
    encoder.packet_loss = 15.0
    encoder.encode(sound(960), 1.0)
    assert encoder._codec is first
    encoder.encode(sound(1920), 6.0)
    assert encoder._codec is not first


def test_audio_level_spans_the_scale() -> None:
    assert audio_level(np.zeros((960, 1), np.int16)) == 127
    assert audio_level(np.zeros((0, 1), np.int16)) == 127
    assert audio_level(np.full((960, 2), -32768, np.int16)) == 0
    assert audio_level(np.full((960, 2), 328, np.int16)) == 40


@pytest.mark.parametrize("codec", CODECS)
def test_other_limits_hold_from_the_next_picture_which_is_a_key_frame(codec: str) -> None:
    chain = Chain(codec, max_height=120)
    sizes = []
    for number in range(9):
        if number == 3:
            chain.encoder.set_limits(max_bitrate_bps=200_000, frame_rate=15, max_height=91)
        if number == 6:
            chain.encoder.set_limits(max_bitrate_bps=200_000, frame_rate=15, max_height=None)
        (frame,) = chain.run(noise(number))
        sizes.append((frame.width, frame.height))
    assert sizes == [(212, 120)] * 3 + [(160, 90)] * 3 + [(320, 180)] * 3
    assert chain.keyframes == [0, 3, 6]
    assert chain.encoder.contexts == 3


def test_another_rate_of_sound_holds_from_the_next_packet() -> None:
    encoder = OpusEncoder(bitrate_bps=64_000)

    def size(first: int) -> int:
        packets = [p for n in range(50) for p in encoder.encode(sound((first + n) * 960), 0.0)]
        return sum(len(packet.payload) for packet in packets)

    before = size(0)
    encoder.set_limits(bitrate_bps=12_000, dtx=False)
    assert size(50) < before / 2
    encoder.set_limits(bitrate_bps=None, dtx=True)
    assert size(100) > before / 3
    assert size(150) > before / 3


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("bitrate", [1, 2_000_000, 10**30])
def test_a_rate_of_sound_that_opus_has_not_is_the_nearest_one(bitrate: int, channels: int) -> None:
    encoder = OpusEncoder(bitrate_bps=bitrate)
    packets = [p for n in range(5) for p in encoder.encode(sound(n * 960, 960, channels), 0.0)]
    assert len(packets) == 5
    assert all(packet.payload for packet in packets)


@pytest.mark.parametrize("codec", CODECS)
def test_a_limit_of_pictures_beyond_all_measure_is_none(codec: str) -> None:
    chain = Chain(codec, max_bitrate_bps=10**30)
    chain.run(noise(1))
    assert chain.bytes > 0
