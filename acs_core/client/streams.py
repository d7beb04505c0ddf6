"""Streams as ACS knows them: local cameras, screens and microphones.

`local_stream.py` holds what they have in common, `remote_video.py` the video of others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import av

from acs_core.client.features.base import StreamFeature, StreamFeatureKey
from acs_core.client.local_stream import LocalMediaStream
from acs_core.client.volume import Volume
from acs_core.errors import InvalidArgumentError, MediaError
from acs_core.events import LocalAudioStreamEvent, LocalVideoStreamEvent
from acs_core.media.effects.chain import AudioEffect, EffectChain, VideoEffect
from acs_core.media.frames import AudioFrame
from acs_core.media.sources import MediaSource
from acs_core.models import (
    AudioDeviceInfo,
    AudioDeviceType,
    MediaStreamType,
    VideoDeviceInfo,
    VideoDeviceType,
)

__all__ = [
    "AudioStreamFeature",
    "LocalAudioStream",
    "LocalAudioStreamOptions",
    "LocalVideoStream",
    "LocalVideoStreamOptions",
    "VideoStreamFeature",
]

_VideoFeature = TypeVar("_VideoFeature", bound="VideoStreamFeature")
_AudioFeature = TypeVar("_AudioFeature", bound="AudioStreamFeature")


@dataclass(frozen=True, slots=True)
class LocalVideoStreamOptions:
    """What becomes of a `LocalVideoStream`.

    Attributes:
        auto_dispose_on_call_end: A call that ends disposes the stream that is in it.
    """

    auto_dispose_on_call_end: bool = False


@dataclass(frozen=True, slots=True)
class LocalAudioStreamOptions:
    """What becomes of a `LocalAudioStream`.

    Attributes:
        auto_dispose_on_call_end: A call that ends disposes the stream that is in it.
    """

    auto_dispose_on_call_end: bool = False


class LocalVideoStream(LocalMediaStream[VideoDeviceInfo]):
    """A camera or screen of ours."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(LocalVideoStreamEvent)
    EVENT_SUB_CODE: ClassVar[int] = 43011

    def __init__(
        self,
        source: VideoDeviceInfo | MediaSource,
        options: LocalVideoStreamOptions | None = None,
    ) -> None:
        """Make a stream; the device is opened when the stream is used.

        Args:
            source: A device of `DeviceManager.get_cameras`, or any source of pictures, which
                stays the caller's.
            options: What becomes of the stream with the call.

        Raises:
            InvalidArgumentError: 400/43003: neither of them.
        """
        self._effects: EffectChain[VideoEffect] = EffectChain("video")
        chosen = options or LocalVideoStreamOptions()
        super().__init__(
            *_video(source, 43003),
            self._effects,
            auto_dispose_on_call_end=chosen.auto_dispose_on_call_end,
        )
        self._is_screen = self._device.device_type is VideoDeviceType.SCREEN_SHARING

    @property
    def media_stream_type(self) -> MediaStreamType:
        """`Video`, or `ScreenSharing` for a screen."""
        return MediaStreamType.SCREEN_SHARING if self._is_screen else MediaStreamType.VIDEO

    @property
    def effects(self) -> EffectChain[VideoEffect]:
        """What is done to its frames (ours); `Features.VIDEO_EFFECTS` fills it."""
        return self._effects

    def feature(self, key: StreamFeatureKey[_VideoFeature]) -> _VideoFeature:
        """An extension of this stream: a member of `Features`; always the same object.

        Raises:
            InvalidArgumentError: Such streams have no such feature.
        """
        return self._feature(key, VideoStreamFeature, lambda kind: kind(self))

    async def switch_source(self, source: VideoDeviceInfo | MediaSource) -> None:
        """Go on with another camera; the others keep the same stream.

        Raises:
            InvalidArgumentError: 400/43005: it is the same; 400/43004: it is no camera.
            SourceUnavailableError: 412/43000: it cannot be opened; the old one goes on.
            InvalidStateError: The stream is disposed.
        """
        device, media = _video(source, 43004)
        if device.id == self._device.id:
            raise InvalidArgumentError(f"{device.name!r} is the source already.", sub_code=43005)
        await self._switch(device, media)
        self._emit(LocalVideoStreamEvent.VIDEO_SOURCE_CHANGED, self)

    async def get_media_stream(self) -> MediaSource:
        """Where the pictures come from, with the effects that are on; `open` it to read them.

        A call may send them at the same time. It ends when the source is switched.

        Raises:
            SourceUnavailableError: The device cannot be captured, or must not.
            InvalidStateError: The stream is disposed.
        """
        return self.media_source

    async def set_media_stream(self, source: MediaSource) -> None:
        """Go on with pictures of the program; the others keep the same stream.

        Args:
            source: Stays the caller's.

        Raises:
            InvalidArgumentError: 400/43008: it is no source of pictures.
            SourceUnavailableError: It cannot be opened; the old one goes on.
            InvalidStateError: The stream is disposed.
        """
        _check_media(source, "video", 43008)
        await self._switch(*_video(source, 43008))
        self._emit(LocalVideoStreamEvent.VIDEO_SOURCE_CHANGED, self)

    def share_as_screen(self) -> None:
        """From now on this stream counts as a screen; `Call.start_screen_sharing` does this."""
        self._is_screen = True


class LocalAudioStream(LocalMediaStream[AudioDeviceInfo]):
    """A microphone of ours."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(LocalAudioStreamEvent)
    EVENT_SUB_CODE: ClassVar[int] = 43605

    def __init__(
        self,
        source: AudioDeviceInfo | MediaSource,
        options: LocalAudioStreamOptions | None = None,
    ) -> None:
        """Make a stream; the device is opened when the stream is used.

        Args:
            source: A device of `DeviceManager.get_microphones`, or any source of sound, which
                stays the caller's.
            options: What becomes of the stream with the call.

        Raises:
            InvalidArgumentError: 400/43601: neither of them.
        """
        self._effects: EffectChain[AudioEffect] = EffectChain("audio")
        chosen = options or LocalAudioStreamOptions()
        super().__init__(
            *_audio(source, 43601),
            self._effects,
            auto_dispose_on_call_end=chosen.auto_dispose_on_call_end,
        )
        self._volume: Volume | None = None
        self._meter: asyncio.Task[None] | None = None

    @property
    def media_stream_type(self) -> MediaStreamType:
        """Always `Audio`."""
        return MediaStreamType.AUDIO

    @property
    def effects(self) -> EffectChain[AudioEffect]:
        """What is done to its frames (ours); `Features.AUDIO_EFFECTS` fills it."""
        return self._effects

    def feature(self, key: StreamFeatureKey[_AudioFeature]) -> _AudioFeature:
        """An extension of this stream: a member of `Features`; always the same object.

        Raises:
            InvalidArgumentError: Such streams have no such feature.
        """
        return self._feature(key, AudioStreamFeature, lambda kind: kind(self))

    async def switch_source(self, source: AudioDeviceInfo | MediaSource) -> None:
        """Go on with another microphone.

        Raises:
            InvalidArgumentError: 400/43607: it is the same; 400/43604: it is no microphone.
            SourceUnavailableError: It cannot be opened; the old one goes on.
            InvalidStateError: The stream is disposed.
        """
        device, media = _audio(source, 43604)
        if device.id == self._device.id:
            raise InvalidArgumentError(f"{device.name!r} is the source already.", sub_code=43607)
        await self._switch(device, media)
        self._emit(LocalAudioStreamEvent.AUDIO_SOURCE_CHANGED, self)

    async def get_media_stream(self) -> MediaSource:
        """Where the sound comes from, with the effects that are on; `open` it to read it.

        A call may send it at the same time. It ends when the source is switched.

        Raises:
            SourceUnavailableError: The device cannot be captured, or must not.
            InvalidStateError: The stream is disposed.
        """
        return self.media_source

    async def set_media_stream(self, source: MediaSource) -> None:
        """Go on with sound of the program.

        Args:
            source: Stays the caller's.

        Raises:
            InvalidArgumentError: 400/43603: it is no source of sound.
            SourceUnavailableError: It cannot be opened; the old one goes on.
            InvalidStateError: The stream is disposed.
        """
        _check_media(source, "audio", 43603)
        await self._switch(*_audio(source, 43603))
        self._emit(LocalAudioStreamEvent.AUDIO_SOURCE_CHANGED, self)

    async def get_volume(self) -> Volume:
        """How loud it is, muted in a call or not; always the same object.

        From the first call on the microphone is open, until the stream is disposed.

        Raises:
            SourceUnavailableError: The device cannot be opened.
            InvalidStateError: The stream is disposed.
        """
        if self._volume is None:
            await self.start()
        if self._volume is None:  # Somebody else may have asked meanwhile.
            self._volume = Volume(self._owner)
            self._meter = self._owner.start(self._measure(self._volume), "measure microphone")
        return self._volume

    async def dispose(self) -> None:
        """Close the source if this stream made it, and end listener tasks."""
        if self._meter is not None:
            self._meter.cancel()
        await super().dispose()

    async def _measure(self, volume: Volume) -> None:
        while True:
            self._switched.clear()
            source = self.media_source
            try:
                await self._measure_source(source, volume)
            except MediaError:
                if self._processed is source:  # And not one that was switched, and closed.
                    volume.silence()
                    await self._switched.wait()

    async def _measure_source(self, source: MediaSource, volume: Volume) -> None:
        reader = await source.open()
        try:
            while self._processed is source:
                frame = await reader.read()
                if isinstance(frame, av.AudioFrame):
                    volume.take(AudioFrame.from_av(frame).samples)
        finally:
            reader.close()


def _check_media(source: object, kind: str, sub_code: int) -> None:
    if not isinstance(source, MediaSource) or source.kind != kind:
        raise InvalidArgumentError(f"This is no source of {kind}.", sub_code=sub_code)


class VideoStreamFeature(StreamFeature):
    """An extension of a local video stream."""

    def __init__(self, stream: LocalVideoStream) -> None:
        super().__init__(stream.tasks)
        self._stream = stream


class AudioStreamFeature(StreamFeature):
    """An extension of a local audio stream."""

    def __init__(self, stream: LocalAudioStream) -> None:
        super().__init__(stream.tasks)
        self._stream = stream


def _video(
    source: VideoDeviceInfo | MediaSource, sub_code: int
) -> tuple[VideoDeviceInfo, MediaSource | None]:
    if isinstance(source, VideoDeviceInfo):
        return source, None
    if isinstance(source, MediaSource) and source.kind == "video":
        name = source.label
        return VideoDeviceInfo(name, f"source:{id(source):x}", VideoDeviceType.VIRTUAL), source
    raise InvalidArgumentError("A local video stream needs a camera.", sub_code=sub_code)


def _audio(
    source: AudioDeviceInfo | MediaSource, sub_code: int
) -> tuple[AudioDeviceInfo, MediaSource | None]:
    if isinstance(source, AudioDeviceInfo) and source.device_type is not AudioDeviceType.SPEAKER:
        return source, None
    if isinstance(source, MediaSource) and source.kind == "audio":
        key = f"source:{id(source):x}"
        return AudioDeviceInfo(source.label, key, False, AudioDeviceType.VIRTUAL), source
    raise InvalidArgumentError("A local audio stream needs a microphone.", sub_code=sub_code)
