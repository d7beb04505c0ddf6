"""One recording file: which codecs, which streams, which packet when. Blocks, for one thread.

A recording has one video and one audio track that begin at 0. A video frame holds until the next;
a hole in the sound is silence. A picture of another size is scaled into the first one's, since
a track has one size only.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import av
import numpy as np

from acs_core.errors import InvalidArgumentError, MediaError, Stage
from acs_core.media.backdating import HOLD
from acs_core.media.frames import (
    AUDIO_RATE,
    FRAME_SAMPLES,
    AudioFrame,
    VideoFrame,
    av_audio_frame,
)
from acs_core.media.mixing import AudioMixer, Timeline
from acs_core.media.placed_sound import PlacedSound
from acs_core.media.scaling import ScalingMode, place

__all__ = ["RecordingFile", "RecordingOptions", "RecordingSummary", "check_recording_path"]

_MILLISECOND: Final = Fraction(1, 1000)
_FRAME: Final = 1 / 30
"""Seconds that the last picture lasts."""
_HOLD: Final = 1.0
"""Seconds after which a held picture is written again, so that players can seek and mux."""
_MIX_LAG: Final = 0.5
"""Seconds of sound kept back for streams that come later than others."""
_WAIT_FOR_PICTURE: Final = 5.0
"""Seconds of sound to wait for the first picture, whose size the file must begin with."""
_FALLBACK_SIZE: Final = (640, 360)


class _Format(NamedTuple):
    video_codec: str
    video_options: dict[str, str]
    audio_codec: str
    container_options: dict[str, str]


# A negative cpu-used is a fixed speed; a positive one is what libvpx makes of a busy machine.
_VP8_OPTIONS: Final = {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0"}
# What was written before a process died can be played; a closed file is an ordinary one.
# Source: FFmpeg documentation of the mov muxer.
_FRAGMENTED: Final = {
    "movflags": "hybrid_fragmented+frag_keyframe+delay_moov",
    "frag_duration": "1000000",  # Microseconds.
    "flush_packets": "1",
}
_FORMATS: Final = {
    ".webm": _Format("libvpx", _VP8_OPTIONS, "libopus", {}),
    ".mkv": _Format("libvpx", _VP8_OPTIONS, "libopus", {}),
    ".mp4": _Format("libx264", {"preset": "veryfast", "tune": "zerolatency"}, "aac", _FRAGMENTED),
}


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """What a recording contains.

    Attributes:
        has_video: Write a video track; black when no picture ever comes.
        has_audio: Write an audio track; silence where no sound comes.
        size: Width and height of the picture; by default those of the first frame.
        channels: 1 or 2 channels of sound.
        video_bitrate_bps: Target of the video encoder.
        audio_bitrate_bps: Target of the audio encoder.
    """

    has_video: bool = True
    has_audio: bool = True
    size: tuple[int, int] | None = None
    channels: int = 1
    video_bitrate_bps: int = 1_500_000
    audio_bitrate_bps: int = 96_000


@dataclass(frozen=True, slots=True)
class RecordingSummary:
    """What a finished recording holds.

    Attributes:
        path: The file.
        duration: Seconds.
        video_frames: Frames written, repeated ones included.
        late_audio: Seconds of sound that came too late to be mixed.
    """

    path: Path
    duration: float
    video_frames: int
    late_audio: float


def check_recording_path(path: Path, options: RecordingOptions) -> None:
    """Refuse what cannot be recorded.

    Raises:
        InvalidArgumentError: No track, a wrong number of channels, or an unknown suffix.
    """
    if path.suffix.lower() not in _FORMATS:
        raise InvalidArgumentError(
            f"Cannot record to {path.name!r}.", next_step="Use .webm, .mkv or .mp4."
        )
    if not (options.has_video or options.has_audio) or options.channels not in (1, 2):
        raise InvalidArgumentError("A recording has video or audio, with 1 or 2 channels.")
    if options.size is not None and min(options.size) < 2:
        raise InvalidArgumentError(f"A picture of {options.size} is too small to record.")


class RecordingFile:
    """Places, mixes, encodes and writes; every method from one thread, `finish` last."""

    def __init__(self, path: Path, options: RecordingOptions) -> None:
        self._path = path
        self._options = options
        self._format = _FORMATS[path.suffix.lower()]
        self._timeline = Timeline()
        self._mix_lag = _MIX_LAG
        self._mixer = AudioMixer(options.channels)
        self._sound = PlacedSound(self._mixer, self._timeline)
        self._container: av.container.OutputContainer | None = None
        self._video: av.VideoStream | None = None
        self._audio: av.AudioStream | None = None
        self._size = _FALLBACK_SIZE
        self._held: av.VideoFrame | None = None
        self._last_video_ms = -1
        self._video_frames = 0

    def begin(self, at: float) -> None:
        """Let the recording begin here, on the clock of `arrival`, and not with its first frame."""
        self._timeline.begin(at)
        self._mix_lag = _MIX_LAG + HOLD

    def write_video(self, stream: str, clock: str, frame: VideoFrame, arrival: float) -> None:
        """Write a picture; see `Timeline.place` for the arguments."""
        time = self._place(stream, clock, frame, arrival)
        if self._container is None:
            self._start((frame.width, frame.height))
        if time < 0 or self._video is None:
            return
        if self._held is None and time > 0:
            self._encode_video(self._black(), 0.0)
        self._hold_until(time)
        self._encode_video(self._fitted(frame.av_frame), time)

    def write_audio(self, stream: str, clock: str, frame: AudioFrame, arrival: float) -> None:
        """Mix in some sound; see `Timeline.place` for the arguments."""
        time = self._sound.add(stream, clock, frame, arrival)
        if self._container is None and (not self._options.has_video or time > _WAIT_FOR_PICTURE):
            self._start(_FALLBACK_SIZE)
        if self._container is not None:
            self._encode_audio(self._sound.newest - round(self._mix_lag * AUDIO_RATE))

    def finish(self, *, until: float = 0.0) -> RecordingSummary:
        """Write what is kept back, bring both tracks to one length and close the file.

        Args:
            until: Seconds that the recording lasts at least.
        """
        if self._container is None:
            self._start(_FALLBACK_SIZE)
        video_end = 0.0 if self._held is None else self._last_video_ms / 1000 + _FRAME
        end = max(video_end, self._mixer.end / AUDIO_RATE, until)
        if self._video is not None:
            if self._held is None:
                self._encode_video(self._black(), 0.0)
            self._hold_until(end)
            if end - self._last_video_ms / 1000 > 2 * _FRAME:
                self._encode_video(self._held, end - _FRAME)
        # Rounded up: the last words are not worth less than a whole frame.
        # At least one: a file with nothing but a header is not one that players open.
        frames = max(1, -(-round(end * AUDIO_RATE) // FRAME_SAMPLES))
        self._encode_audio(frames * FRAME_SAMPLES)
        self.close(is_flushing=True)
        late = self._mixer.late_samples / AUDIO_RATE
        return RecordingSummary(self._path, end, self._video_frames, late)

    def close(self, *, is_flushing: bool = False) -> None:
        """Close the file; without flushing it is whatever reached it. Safe to repeat."""
        container, self._container = self._container, None
        if container is None:
            return
        if is_flushing:
            for stream in (self._video, self._audio):
                if stream is not None:
                    container.mux(stream.encode(None))
        container.close()

    def _start(self, size: tuple[int, int]) -> None:
        width, height = self._options.size or size
        self._size = (max(2, width & ~1), max(2, height & ~1))
        try:
            container = av.open(str(self._path), "w", options=self._format.container_options)
            video = self._video_stream(container) if self._options.has_video else None
            audio = self._audio_stream(container) if self._options.has_audio else None
            # Writes the header: a full disk or a missing folder shows now and not at the end.
            container.start_encoding()
        except (av.FFmpegError, OSError) as error:
            raise MediaError(
                f"The recording {self._path} cannot be written: {error}.",
                stage=Stage.MEDIA,
                next_step="Check that the folder exists, is writable and not full.",
            ) from error
        self._container, self._video, self._audio = container, video, audio

    def _audio_stream(self, container: av.container.OutputContainer) -> av.AudioStream:
        audio = container.add_stream(self._format.audio_codec, rate=AUDIO_RATE)
        assert isinstance(audio, av.AudioStream)
        audio.layout = "mono" if self._options.channels == 1 else "stereo"
        audio.bit_rate = self._options.audio_bitrate_bps
        return audio

    def _video_stream(self, container: av.container.OutputContainer) -> av.VideoStream:
        video = container.add_stream(
            self._format.video_codec, rate=30, options=self._format.video_options
        )
        assert isinstance(video, av.VideoStream)
        video.width, video.height = self._size
        video.pix_fmt = "yuv420p"
        video.bit_rate = self._options.video_bitrate_bps
        # Frames come when they come; Matroska counts milliseconds.
        video.codec_context.time_base = _MILLISECOND
        video.codec_context.gop_size = 60
        return video

    def _place(
        self, stream: str, clock: str, frame: VideoFrame | AudioFrame, arrival: float
    ) -> float:
        return self._timeline.place(
            stream, clock, time=frame.time, capture_time=frame.capture_time, arrival=arrival
        )

    def _hold_until(self, time: float) -> None:
        """Repeat the last picture once a second through a hole that ends at `time`."""
        while self._held is not None and time - self._last_video_ms / 1000 > _HOLD * 1.5:
            self._encode_video(self._held, self._last_video_ms / 1000 + _HOLD)

    def _encode_video(self, picture: av.VideoFrame | None, time: float) -> None:
        if self._video is None or self._container is None or picture is None:
            return
        self._held = picture
        # Strictly rising: two frames in one millisecond become neighbors.
        self._last_video_ms = max(round(time * 1000), self._last_video_ms + 1)
        picture.pts = self._last_video_ms
        picture.time_base = _MILLISECOND
        picture.pict_type = 0
        self._container.mux(self._video.encode(picture))
        self._video_frames += 1

    def _encode_audio(self, until: int) -> None:
        position = self._mixer.position
        for samples in self._mixer.take(until):
            if self._audio is not None and self._container is not None:
                self._container.mux(self._audio.encode(av_audio_frame(samples, pts=position)))
            position += FRAME_SAMPLES

    def _black(self) -> av.VideoFrame:
        width, height = self._size
        planes = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
        planes[:height] = 16
        return av.VideoFrame.from_ndarray(planes, format="yuv420p")

    def _fitted(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return a copy of the picture in the size of the track, with bars if need be."""
        if (frame.width, frame.height) == self._size:
            same = frame.reformat(format="yuv420p").to_ndarray()
            return av.VideoFrame.from_ndarray(same, format="yuv420p")
        spot = place((frame.width, frame.height), self._size, ScalingMode.FIT)
        width, height = spot.width & ~1 or 2, spot.height & ~1 or 2
        scaled = frame.reformat(width=width, height=height, format="yuv420p")
        view = self._black().to_ndarray()
        part = VideoFrame(scaled, time=0.0).planes
        left, top = spot.left & ~1, spot.top & ~1
        view[top : top + height, left : left + width] = part[0]
        rows, columns = slice(top // 2, (top + height) // 2), slice(left // 2, (left + width) // 2)
        chroma = view[self._size[1] :].reshape(2, self._size[1] // 2, self._size[0] // 2)
        chroma[0, rows, columns], chroma[1, rows, columns] = part[1], part[2]
        return av.VideoFrame.from_ndarray(view, format="yuv420p")
