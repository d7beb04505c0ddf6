"""Tracks of this program: made from a source, published in any number of rooms.

A local track lives on its own: it can be looked at before it is published, and unpublishing does
not stop it. `stop` ends its source for good.

Source: twilio-video.js 2.36, `lib/media/track/local*track.js`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self, TypeAlias, final

import av

from acs_core.errors import InvalidStateError
from acs_core.media.frames import AUDIO_RATE, AudioFrame, Picture, Samples, VideoFrame
from acs_core.media.program import ProgramAudioSource, ProgramVideoSource
from acs_core.media.sources import MediaFrame, MediaKind, MediaSource
from twilio_compat.default_microphone import DefaultMicrophone
from twilio_compat.frame_pump import AudioSink
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.local_media_track import LocalMediaTrack
from twilio_compat.media_sources import OpenedSource
from twilio_compat.noise_cancellation import NoiseCancellation
from twilio_compat.options import OptionBag, TrackOptions
from twilio_compat.processed_video import ProcessedSource
from twilio_compat.sinks import FrameSink
from twilio_compat.track import AudioTrack, VideoTrack

__all__ = ["LocalAudioTrack", "LocalMediaTrack", "LocalTrack", "LocalVideoTrack"]


@final
class LocalAudioTrack(LocalMediaTrack[AudioFrame], AudioTrack):
    """Sound of this program."""

    MEDIA_KIND: ClassVar[MediaKind] = "audio"
    _noise: NoiseCancellation | None = None

    def __init__(
        self, source: MediaSource, options: OptionBag | None = None, *, name: str | None = None
    ) -> None:
        super().__init__(source, options, name=name)
        self._default = DefaultMicrophone(self._tasks, self.restart)

    @property
    def noise_cancellation(self) -> NoiseCancellation | None:
        """Switches its noise cancellation; None unless it was asked for and is there."""
        return self._noise

    def cancel_noise(self, noise: NoiseCancellation | None) -> None:
        """Send the sound through a noise cancellation; for `create_local_audio_track`."""
        self._noise = noise
        self._sent = self._seen_through(self._source)

    def made_from(self, options: TrackOptions, opened: OpenedSource) -> Self:
        """As of every track; then follow the default microphone, if that was asked for."""
        super().made_from(options, opened)
        is_automatic = options.default_device_capture_mode == "auto"
        self._default.follow(opened.default if is_automatic else None)
        return self

    def stop(self) -> Self:
        """End the source, for good; the publication stays."""
        self._default.follow(None)
        return super().stop()

    def write(self, samples: Samples | AudioFrame, *, sample_rate: int = AUDIO_RATE) -> bool:
        """Copy samples into a track made with `source="program"`; False when not taken.

        May be called from any thread; listeners are called on the event loop.

        Args:
            samples: int16, ``(n,)`` or ``(n, channels)``.
            sample_rate: Of the samples.

        Raises:
            InvalidStateError: The track has another source.
        """
        if not isinstance(self._source, ProgramAudioSource):
            raise _not_written(self)
        if self._is_stopped or not self._source.write(samples, sample_rate=sample_rate):
            return False
        if not self._is_started:
            self._on_loop(self._start)
        return True

    async def put(self, samples: Samples | AudioFrame, *, sample_rate: int = AUDIO_RATE) -> None:
        """As `write`, for a program that is faster than real time: wait for room, lose nothing.

        Samples of any length are taken; it returns when the last ones wait to be sent, which
        `drained` waits for. It waits, too, while the track is not published.

        Raises:
            InvalidStateError: The track has another source.
            SourceEndedError: It is stopped.
        """
        source = self._source
        if not isinstance(source, ProgramAudioSource):
            raise _not_written(self)
        await source.put(samples, sample_rate=sample_rate)
        if not self._is_started:
            self._start()

    async def drained(self) -> None:
        """Wait until everything that was written is sent, or the track is stopped.

        Raises:
            InvalidStateError: The track has another source.
        """
        if not isinstance(self._source, ProgramAudioSource):
            raise _not_written(self)
        await self._source.drained()

    def _new_sink(self) -> FrameSink[AudioFrame]:
        # Who speaks does not want to hear himself: Twilio mutes local elements, too.
        return AudioSink(muted=True)

    def _seen_through(self, source: MediaSource) -> MediaSource:
        return source if self._noise is None else self._noise.clean(source)

    def _to_frame(self, frame: MediaFrame, start: float) -> AudioFrame:
        assert isinstance(frame, av.AudioFrame)
        return AudioFrame.from_av(frame, time=start)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    isEnabled = LocalMediaTrack.is_enabled
    isMuted = LocalMediaTrack.is_muted
    isStopped = LocalMediaTrack.is_stopped
    mediaStreamTrack = LocalMediaTrack.media_stream_track
    noiseCancellation = noise_cancellation


@final
class LocalVideoTrack(LocalMediaTrack[VideoFrame], VideoTrack):
    """Pictures of this program."""

    MEDIA_KIND: ClassVar[MediaKind] = "video"
    _processed: ProcessedSource

    @property
    def processed_track(self) -> MediaSource | None:
        """The source after the processor; None without one."""
        return None if self._run is None else self._processed

    def write(self, frame: Picture | VideoFrame | av.VideoFrame) -> bool:
        """Copy a picture into a track made with `source="program"`; False when not taken.

        May be called from any thread; listeners are called on the event loop.

        Args:
            frame: ``(h, w, 3)`` uint8 RGB, a `VideoFrame`, or one of PyAV.

        Raises:
            InvalidStateError: The track has another source.
        """
        if not isinstance(self._source, ProgramVideoSource):
            raise _not_written(self)
        if self._is_stopped or not self._source.write(frame):
            return False
        size = _size(frame)
        if not self._is_started or size != (self._dimensions.width, self._dimensions.height):
            self._on_loop(self._saw_size, *size)
        return True

    async def put(self, frame: Picture | VideoFrame | av.VideoFrame) -> None:
        """As `write`, for a program that is faster than real time: wait for its turn.

        `frameRate` pictures are sent in a second, 60 unless it was given. It waits, too, while the
        track is not published.

        Raises:
            InvalidStateError: The track has another source.
            SourceEndedError: It is stopped.
        """
        source = self._source
        if not isinstance(source, ProgramVideoSource):
            raise _not_written(self)
        await source.put(frame)
        self._saw_size(*_size(frame))

    async def drained(self) -> None:
        """Wait until the last picture is on its way, or the track is stopped.

        Raises:
            InvalidStateError: The track has another source.
        """
        if not isinstance(self._source, ProgramVideoSource):
            raise _not_written(self)
        await self._source.drained()

    def _seen_through(self, source: MediaSource) -> MediaSource:
        self._processed = ProcessedSource(source, self._run)
        return self._processed

    def _processor_changed(self) -> None:
        self._processed.run = self._run

    def _to_frame(self, frame: MediaFrame, start: float) -> VideoFrame:
        assert isinstance(frame, av.VideoFrame)
        return VideoFrame(frame, time=start)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    processedTrack = processed_track
    isEnabled = LocalMediaTrack.is_enabled
    isMuted = LocalMediaTrack.is_muted
    isStopped = LocalMediaTrack.is_stopped
    mediaStreamTrack = LocalMediaTrack.media_stream_track


LocalTrack: TypeAlias = LocalAudioTrack | LocalVideoTrack | LocalDataTrack


def _size(frame: Picture | VideoFrame | av.VideoFrame) -> tuple[int, int]:
    """Width and height of a written picture as it is sent: even."""
    if isinstance(frame, VideoFrame | av.VideoFrame):
        return frame.width & ~1, frame.height & ~1
    # I420 has its half-size chroma planes below the luma plane.
    height = frame.shape[0] if frame.ndim == 3 else frame.shape[0] * 2 // 3
    return frame.shape[1] & ~1, height & ~1


def _not_written(track: LocalMediaTrack[Any]) -> InvalidStateError:
    return InvalidStateError(
        f"The track {track.name!r} has its own source.",
        next_step='Make a track with source="program" to write frames.',
    )
