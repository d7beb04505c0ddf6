"""Encoders: frames in, RTP payloads out. They block; call them in a thread of the pool.

We hold the codec contexts ourselves because aiortc's encoder classes make a new one, and with
it a key frame, at each change of the bit rate by 10 %. H264 takes a new rate while running; VP8
cannot through FFmpeg, so there small changes wait and large ones come at most every 2 s.

Source: RFC 7741 and RFC 6184 (packetizing, done by aiortc), RFC 7587 (Opus over RTP).
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, cast

import av
import av.error
import numpy as np
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from acs_core.errors import InvalidArgumentError, MediaError, Stage
from acs_core.media.frames import (
    AUDIO_RATE,
    FRAME_SAMPLES,
    VIDEO_TIME_BASE,
    AudioFrame,
    Samples,
    av_audio_frame,
)

__all__ = [
    "EncodedPicture",
    "EncodedSound",
    "OpusEncoder",
    "VideoEncoder",
    "audio_level",
]

MIN_VIDEO_BITRATE: Final = 60_000
# FFmpeg takes no rate that does not fit a C int, and bounds buffers by the same.
MAX_VIDEO_BITRATE: Final = 100_000_000
# RFC 6716 section 2: Opus goes from 6 kb/s; FFmpeg (libopusenc.c) takes 256 kb/s per channel.
MIN_SOUND_BITRATE: Final = 6_000
MAX_CHANNEL_BITRATE: Final = 256_000
# Rates closer than this to the present one are not worth a new VP8 encoder.
VP8_RATE_STEP: Final = 0.25
VP8_RATE_INTERVAL: Final = 2.0
H264_RATE_STEP: Final = 0.05
# Key frames come on request only; this bounds the damage if no request arrives.
KEYFRAME_DISTANCE: Final = 3000
# Expected loss that libopus is told, in percent; each step is a new encoder.
LOSS_STEPS: Final = (10, 20, 30)
LOSS_INTERVAL: Final = 5.0
# Discontinuous transmission: sound quieter than this many dB below overload counts as silence,
# and after 200 ms of it only every 20th packet (400 ms, as libopus does) is sent.
SILENCE_LEVEL: Final = 70
DTX_HANGOVER: Final = 10
DTX_REFRESH: Final = 20
# Louder than this many dB below overload counts as voice (RFC 6464 leaves the choice open).
VOICE_LEVEL: Final = 50


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """One coded picture.

    Attributes:
        payloads: RTP payloads, at most 1300 bytes each; empty if the encoder dropped the frame.
        is_keyframe: It can be decoded without anything before it.
        width: Of the coded picture, in pixels.
        height: Of the coded picture, in pixels.
    """

    payloads: tuple[bytes, ...]
    is_keyframe: bool
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class EncodedSound:
    """One Opus packet.

    Attributes:
        payload: The packet; empty when nothing need be sent (discontinuous transmission).
        samples: How long it is, at 48 kHz.
        offset: Samples from the start of the frame to its own; below 0 for what was left over.
        level: RFC 6464 level of the sound before encoding, 0 (loudest) to 127.
        has_voice: The level is one of speech.
    """

    payload: bytes
    samples: int
    offset: int
    level: int
    has_voice: bool


class VideoEncoder:
    """One VP8 or H264 stream.

    `bitrate_bps` and `request_keyframe` may be used from any thread; `encode` from one at a
    time.

    Attributes:
        bitrate_bps: What the encoder should aim at; taken over when the codec allows.
        contexts: How many codec contexts were made; each began with a key frame.
    """

    def __init__(
        self,
        codec_name: str,
        *,
        bitrate_bps: int,
        max_bitrate_bps: int,
        frame_rate: float = 30.0,
        max_height: int | None = None,
    ) -> None:
        """Prepare; the codec is opened with the first frame.

        Args:
            codec_name: "VP8" or "H264".
            bitrate_bps: As the attribute.
            max_bitrate_bps: What `bitrate_bps` never exceeds; 60 kb/s to 100 Mb/s, the nearest
                of which stands for what is beyond.
            frame_rate: What to expect, in pictures per second.
            max_height: Higher pictures are made smaller, their shape kept; None for no limit.

        Raises:
            InvalidArgumentError: Neither VP8 nor H264.
        """
        if codec_name.upper() not in ("VP8", "H264"):
            raise InvalidArgumentError(f"No encoder for {codec_name}; choose VP8 or H264.")
        self.bitrate_bps = bitrate_bps
        self.contexts = 0
        self._is_vp8 = codec_name.upper() == "VP8"
        self._max_bitrate = _video_bitrate(max_bitrate_bps)
        self._frame_rate = frame_rate
        self._max_height = max_height
        self._are_limits_new = False
        self._packetizer = Vp8Encoder() if self._is_vp8 else H264Encoder()
        # The `av` stubs do not tell a video context from an audio one.
        self._codec: Any = None
        self._context_rate = 0
        self._context_made = 0.0
        self._keyframe_requested = False

    def request_keyframe(self) -> None:
        """Make the next picture a key frame."""
        self._keyframe_requested = True

    def set_limits(
        self, *, max_bitrate_bps: int, frame_rate: float, max_height: int | None
    ) -> None:
        """Take other limits with the next picture, which is a key frame then; from any thread."""
        self._max_bitrate = _video_bitrate(max_bitrate_bps)
        self._frame_rate = frame_rate
        self._max_height = max_height
        self._are_limits_new = True

    def encode(self, frame: av.VideoFrame, timestamp: int, now: float) -> EncodedPicture:
        """Encode one frame.

        Args:
            frame: Of any size and pixel format; it is not changed.
            timestamp: In ticks of 1/90000 s, above that of the frame before.
            now: Seconds on any monotonic clock.

        Raises:
            MediaError: The codec failed.
        """
        try:
            picture = self._own_picture(frame)
            self._prepare_codec(picture, now)
            picture.pts = timestamp
            picture.time_base = VIDEO_TIME_BASE
            if self._keyframe_requested:
                self._keyframe_requested = False
                picture.pict_type = av.video.frame.PictureType.I
            packets: list[Any] = self._codec.encode(picture)
        except av.error.FFmpegError as error:
            # A context that failed once is not trusted again.
            self._codec = None
            raise MediaError(f"A picture was not encoded: {error}", stage=Stage.MEDIA) from error
        payloads = [part for packet in packets for part in self._packetizer.pack(packet)[0]]
        return EncodedPicture(
            payloads=tuple(payloads),
            is_keyframe=any(packet.is_keyframe for packet in packets),
            width=picture.width,
            height=picture.height,
        )

    def _own_picture(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Copy: the frame belongs to all readers of the source, and we write into ours."""
        # H264 4:2:0 has even sides (ITU-T H.264 table 6-1); an odd last line is given up.
        width, height = self._fitting(frame.width, frame.height)
        if frame.format.name != "yuv420p" or (width, height) != (frame.width, frame.height):
            return frame.reformat(width=width, height=height, format="yuv420p")
        copy = av.VideoFrame(width, height, "yuv420p")
        for source, target in zip(frame.planes, copy.planes, strict=True):
            lines = np.frombuffer(cast(Any, source), np.uint8).reshape(-1, source.line_size)
            own = np.frombuffer(cast(Any, target), np.uint8).reshape(-1, target.line_size)
            own[: target.height, : target.width] = lines[: target.height, : target.width]
        return copy

    def _fitting(self, width: int, height: int) -> tuple[int, int]:
        limit = self._max_height
        if limit is not None and height > limit:
            even = limit & ~1
            width, height = max(2, round(width * even / height)), even
        return width & ~1, height & ~1

    def _prepare_codec(self, picture: av.VideoFrame, now: float) -> None:
        rate = min(max(self.bitrate_bps, MIN_VIDEO_BITRATE), self._max_bitrate)
        codec = self._codec
        if self._are_limits_new:
            # At once, whatever the codec could follow by itself: it is a rare decision of somebody.
            self._are_limits_new = False
            codec = None
        if codec is None or (codec.width, codec.height) != (picture.width, picture.height):
            self._open(picture, rate, now)
            return
        change = abs(rate - self._context_rate) / self._context_rate
        if not self._is_vp8 and change > H264_RATE_STEP:
            # libx264 takes a changed bit_rate over with the next frame (libx264.c,
            # reconfig_encoder).
            codec.bit_rate = rate
            self._context_rate = rate
        elif (
            self._is_vp8
            and change >= VP8_RATE_STEP
            and now - self._context_made >= VP8_RATE_INTERVAL
        ):
            self._open(picture, rate, now)

    def _open(self, picture: av.VideoFrame, rate: int, now: float) -> None:
        codec: Any = av.CodecContext.create("libvpx" if self._is_vp8 else "libx264", "w")
        codec.width = picture.width
        codec.height = picture.height
        codec.pix_fmt = "yuv420p"
        codec.time_base = VIDEO_TIME_BASE
        codec.framerate = Fraction(self._frame_rate).limit_denominator(1001)
        codec.gop_size = KEYFRAME_DISTANCE
        codec.thread_count = _thread_count(picture.width * picture.height)
        if self._is_vp8:
            codec.qmin, codec.qmax = 2, 56
            codec.bit_rate = rate
            codec.options = self._vp8_options(rate)
        else:
            codec.profile = "Baseline"
            codec.max_b_frames = 0
            # Opened at the limit with an equal maxrate: measured with libx264 165, a changed
            # rate is then followed down and up, but ignored where maxrate was above the rate.
            codec.bit_rate = self._max_bitrate
            codec.options = self._h264_options()
            codec.open()
            codec.bit_rate = rate
        self._codec = codec
        self._context_rate = rate
        self._context_made = now
        self.contexts += 1

    def _vp8_options(self, rate: int) -> dict[str, str]:
        # As aiortc 1.16 (codecs/vpx.py): constant rate, one second of buffer, no look-ahead.
        # Added by us: key frames are bounded to 9 average frames.
        return {
            "minrate": str(rate),
            "maxrate": str(rate),
            "bufsize": str(rate),
            "deadline": "realtime",
            "cpu-used": "-6",
            "lag-in-frames": "0",
            "undershoot-pct": "100",
            "overshoot-pct": "15",
            "max-intra-rate": "900",
            "static-thresh": "1",
        }

    def _h264_options(self) -> dict[str, str]:
        return {
            "preset": "veryfast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "maxrate": str(self._max_bitrate),
            "bufsize": str(self._max_bitrate // 3),
        }


class OpusEncoder:
    """One Opus stream: 48 kHz, 20 ms packets, mono or stereo as the source is.

    Attributes:
        packet_loss: Loss to expect, in percent, from the receiver's reports; more loss makes
            packets carry more of their predecessor (in-band error correction).
    """

    def __init__(self, *, bitrate_bps: int | None = None, dtx: bool = False) -> None:
        """Prepare; the codec is opened with the first frame.

        Args:
            bitrate_bps: 6 to 256 kb/s per channel, the nearest of which stands for what is
                beyond; None for 40 kb/s mono and 64 kb/s stereo; libopus was measured to add
                copies for error correction to speech at 24 to 64 kb/s mono.
            dtx: Send nearly nothing during silence (RFC 7587 section 3.1.3). FFmpeg does not
                offer libopus's own way, so that we leave packets of silence out.
        """
        self.packet_loss = 0.0
        self._bitrate = self._opened_bitrate = bitrate_bps
        self._dtx = dtx
        self._codec: Any = None
        self._channels = 0
        self._expected_loss = LOSS_STEPS[0]
        self._made = 0.0
        self._pts = 0
        self._silent_packets = 0
        self._rest: Samples | None = None
        self._resampler: av.AudioResampler | None = None

    def set_limits(self, *, bitrate_bps: int | None, dtx: bool) -> None:
        """Take other limits from the next packet on; as of `__init__`."""
        self._bitrate = bitrate_bps
        self._dtx = dtx

    def encode(self, frame: av.AudioFrame, now: float) -> list[EncodedSound]:
        """Encode one frame; return none, one or several packets of 20 ms.

        Args:
            frame: Of any rate, layout and sample format; it is not changed.
            now: Seconds on any monotonic clock.

        Raises:
            MediaError: The codec failed.
        """
        try:
            offset = 0 if self._rest is None else -len(self._rest)
            samples = self._native_samples(frame)
            packets: list[EncodedSound] = []
            while len(samples) >= FRAME_SAMPLES:
                piece, samples = samples[:FRAME_SAMPLES], samples[FRAME_SAMPLES:]
                packets.append(self._encode_piece(piece, now, offset))
                offset += FRAME_SAMPLES
        except av.error.FFmpegError as error:
            raise MediaError(f"Sound was not encoded: {error}", stage=Stage.MEDIA) from error
        self._rest = samples
        return packets

    def _native_samples(self, frame: av.AudioFrame) -> Samples:
        """48 kHz samples ``(n, 1 or 2)``, those left over from the last frame first."""
        channels = min(frame.layout.nb_channels, 2)
        frames = [frame]
        if frame.sample_rate != AUDIO_RATE or frame.layout.nb_channels > 2:
            if self._resampler is None:
                layout = "mono" if channels == 1 else "stereo"
                self._resampler = av.AudioResampler(format="s16", layout=layout, rate=AUDIO_RATE)
            frames = self._resampler.resample(frame)
        pieces = [AudioFrame.from_av(part).samples for part in frames]
        if self._rest is not None and self._rest.shape[1] == channels:
            pieces.insert(0, self._rest)
        return np.concatenate(pieces) if pieces else np.zeros((0, channels), np.int16)

    def _encode_piece(self, samples: Samples, now: float, offset: int) -> EncodedSound:
        channels = samples.shape[1]
        expected = next((step for step in LOSS_STEPS if self.packet_loss <= step), LOSS_STEPS[-1])
        is_loss_due = expected != self._expected_loss and now - self._made >= LOSS_INTERVAL
        # FFmpeg takes a bit rate when it opens the codec. Limits come from another thread.
        is_stale = channels != self._channels or self._bitrate != self._opened_bitrate
        if self._codec is None or is_stale or is_loss_due:
            self._expected_loss = expected
            self._open(channels, now)
        level = audio_level(samples)
        self._pts += FRAME_SAMPLES
        frame = av_audio_frame(samples, pts=self._pts)
        payload = b"".join(bytes(packet) for packet in self._codec.encode(frame))
        return EncodedSound(
            payload=b"" if self._is_left_out(level) else payload,
            samples=FRAME_SAMPLES,
            offset=offset,
            level=level,
            has_voice=level <= VOICE_LEVEL,
        )

    def _is_left_out(self, level: int) -> bool:
        self._silent_packets = self._silent_packets + 1 if level >= SILENCE_LEVEL else 0
        since = self._silent_packets - DTX_HANGOVER
        return self._dtx and since > 0 and since % DTX_REFRESH != 0

    def _open(self, channels: int, now: float) -> None:
        codec: Any = av.CodecContext.create("libopus", "w")
        bitrate = self._opened_bitrate = self._bitrate
        wanted = bitrate or (40_000 if channels == 1 else 64_000)
        codec.bit_rate = min(max(wanted, MIN_SOUND_BITRATE), MAX_CHANNEL_BITRATE * channels)
        codec.format = "s16"
        codec.layout = "mono" if channels == 1 else "stereo"
        codec.sample_rate = AUDIO_RATE
        codec.time_base = Fraction(1, AUDIO_RATE)
        codec.options = {
            "application": "voip",
            "frame_duration": "20",
            "fec": "1",
            "packet_loss": str(self._expected_loss),
            # Of 10; browsers use 9 on desktops and 5 on telephones. Halves the processor time.
            "compression_level": "5",
        }
        self._codec = codec
        self._channels = channels
        self._made = now
        self._pts = 0


def _video_bitrate(wanted: int) -> int:
    return min(max(wanted, MIN_VIDEO_BITRATE), MAX_VIDEO_BITRATE)


def audio_level(samples: Samples) -> int:
    """Measure int16 samples of any shape: 0 is the loudest possible, 127 silence.

    Source: RFC 6464 section 3 and RFC 6465 appendix A: the RMS in -dBov.
    """
    if not samples.size:
        return 127
    wide = samples.astype(np.float32).ravel()
    power = float(np.dot(wide, wide)) / wide.size / 32768.0**2
    return 127 if power <= 0 else min(127, max(0, round(-10 * math.log10(power))))


def _thread_count(pixels: int) -> int:
    """Threads of one encoder.

    With two threads on two busy cores, a 720p VP8 picture took 15 to 104 ms of processor time,
    with one thread 10 to 11 ms.

    Source: the table of aiortc 1.16, codecs/vpx.py, without its step for 1080p.
    """
    processors = os.cpu_count() or 1
    if pixels > 1280 * 960 and processors >= 6:
        return 3
    return 2 if pixels > 640 * 480 and processors >= 3 else 1
