"""Streams as ACS knows them: local cameras, screens and microphones.

A local stream belongs to the application. It may be in a call, shown in a preview, both or neither;
whoever uses it registers as a `StreamUser` and follows its source.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, Protocol, TypeVar

import av

from acs_core.client.device_flags import START_TIMED_OUT
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.volume import Volume
from acs_core.errors import (
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    SourceUnavailableError,
    Stage,
)
from acs_core.events import LocalAudioStreamEvent, LocalVideoStreamEvent
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
    "LocalAudioStream",
    "LocalAudioStreamOptions",
    "LocalMediaStream",
    "LocalVideoStream",
    "LocalVideoStreamOptions",
    "StreamUser",
]

START_TIMEOUT: Final = 10.0

_Device = TypeVar("_Device", VideoDeviceInfo, AudioDeviceInfo)


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


class StreamUser(Protocol):
    """Who uses a local stream."""

    async def replace_source(self, source: MediaSource) -> None:
        """Go on with another source."""

    def source_failed(self, error: MediaError) -> None:
        """A source could not be started; the old one, if there is one, goes on."""


class LocalMediaStream(Emitter, Generic[_Device]):
    """What local streams have in common: a device or source, and a way to exchange it.

    Attributes:
        auto_dispose_on_call_end: A call that ends disposes this stream.
    """

    def __init__(
        self, device: _Device, source: MediaSource | None, *, auto_dispose_on_call_end: bool
    ) -> None:
        super().__init__(TaskOwner())
        self.auto_dispose_on_call_end = auto_dispose_on_call_end
        self._device: _Device = device
        self._source = source
        self._is_owner = source is None
        self._users: list[StreamUser] = []
        self._is_disposed = False
        self._switched = asyncio.Event()

    @property
    def source(self) -> _Device:
        """The device; for a stream made of a `MediaSource`, one that stands for it."""
        return self._device

    @property
    def media_source(self) -> MediaSource:
        """Where the frames come from (ours).

        Raises:
            SourceUnavailableError: The device cannot be captured, or not by us.
            InvalidStateError: The stream is disposed.
        """
        if self._is_disposed:
            raise InvalidStateError("The local stream is disposed.", stage=Stage.DEVICE)
        if self._source is None:
            self._source = _open(self._device)
        return self._source

    def use(self, user: StreamUser) -> None:
        """Tell `user` when the source changes."""
        self._users.append(user)

    def release(self, user: StreamUser) -> None:
        """Tell `user` nothing more."""
        if user in self._users:
            self._users.remove(user)

    async def start(self, timeout: float = START_TIMEOUT) -> None:
        """Check that the source opens within `timeout` seconds; before a call depends on it.

        Raises:
            SourceUnavailableError: 412/43000 or 403/43001: it cannot be opened, or must not;
                412/43015 or, for sound, 412/43613: not in time.
        """
        source = self.media_source
        try:
            async with asyncio.timeout(timeout):
                reader = await source.open()
        except TimeoutError as error:
            raise SourceUnavailableError(
                f"{source.label!r} did not open within {timeout:g} s.",
                sub_code=START_TIMED_OUT[source.kind],
                stage=Stage.DEVICE,
                next_step="Check that no other program uses it, and plug it in again.",
            ) from error
        reader.close()

    async def dispose(self) -> None:
        """Close the source if this stream made it, and end listener tasks."""
        self._is_disposed = True
        if self._is_owner and self._source is not None:
            await self._source.close()
        await self._owner.aclose()

    async def _switch(self, device: _Device, source: MediaSource | None) -> None:
        """Change over to another device; when that fails, the old one goes on."""
        try:
            fresh = source if source is not None else _open(device)
            reader = await fresh.open()
        except MediaError as error:
            for user in tuple(self._users):
                user.source_failed(error)
            raise
        # The open reader keeps the device on until the users have it.
        try:
            for user in tuple(self._users):
                await user.replace_source(fresh)
        finally:
            reader.close()
        old, was_owner = self._source, self._is_owner
        self._device, self._source, self._is_owner = device, fresh, source is None
        self._switched.set()
        if old is not None and was_owner:
            await old.close()


def _open(device: VideoDeviceInfo | AudioDeviceInfo) -> MediaSource:
    if device.open_source is None:
        raise SourceUnavailableError(
            f"{device.name!r} cannot be captured.",
            sub_code=43000 if isinstance(device, VideoDeviceInfo) else 43609,
            stage=Stage.DEVICE,
            next_step="Choose one of the devices that DeviceManager lists.",
        )
    return device.open_source()


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
        chosen = options or LocalVideoStreamOptions()
        super().__init__(
            *_video(source, 43003), auto_dispose_on_call_end=chosen.auto_dispose_on_call_end
        )
        self._is_screen = self._device.device_type is VideoDeviceType.SCREEN_SHARING

    @property
    def media_stream_type(self) -> MediaStreamType:
        """`Video`, or `ScreenSharing` for a screen."""
        return MediaStreamType.SCREEN_SHARING if self._is_screen else MediaStreamType.VIDEO

    async def switch_source(self, source: VideoDeviceInfo | MediaSource) -> None:
        """Go on with another camera; the others keep the same stream.

        Raises:
            InvalidArgumentError: 400/43005: it is the same; 400/43004: it is no camera.
            SourceUnavailableError: 412/43000: it cannot be opened; the old one goes on.
        """
        device, media = _video(source, 43004)
        if device.id == self._device.id:
            raise InvalidArgumentError(f"{device.name!r} is the source already.", sub_code=43005)
        await self._switch(device, media)
        self._emit(LocalVideoStreamEvent.VIDEO_SOURCE_CHANGED, self)

    async def get_media_stream(self) -> MediaSource:
        """Where the pictures come from; `open` it to read them, also while a call sends them.

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
        chosen = options or LocalAudioStreamOptions()
        super().__init__(
            *_audio(source, 43601), auto_dispose_on_call_end=chosen.auto_dispose_on_call_end
        )
        self._volume: Volume | None = None
        self._meter: asyncio.Task[None] | None = None

    @property
    def media_stream_type(self) -> MediaStreamType:
        """Always `Audio`."""
        return MediaStreamType.AUDIO

    async def switch_source(self, source: AudioDeviceInfo | MediaSource) -> None:
        """Go on with another microphone.

        Raises:
            InvalidArgumentError: 400/43607: it is the same; 400/43604: it is no microphone.
            SourceUnavailableError: It cannot be opened; the old one goes on.
        """
        device, media = _audio(source, 43604)
        if device.id == self._device.id:
            raise InvalidArgumentError(f"{device.name!r} is the source already.", sub_code=43607)
        await self._switch(device, media)
        self._emit(LocalAudioStreamEvent.AUDIO_SOURCE_CHANGED, self)

    async def get_media_stream(self) -> MediaSource:
        """Where the sound comes from; `open` it to read it, also while a call sends it.

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
                volume.silence()
                if self._source is source:
                    await self._switched.wait()

    async def _measure_source(self, source: MediaSource, volume: Volume) -> None:
        reader = await source.open()
        try:
            while self._source is source:
                frame = await reader.read()
                if isinstance(frame, av.AudioFrame):
                    volume.take(AudioFrame.from_av(frame).samples)
        finally:
            reader.close()


def _check_media(source: object, kind: str, sub_code: int) -> None:
    if not isinstance(source, MediaSource) or source.kind != kind:
        raise InvalidArgumentError(f"This is no source of {kind}.", sub_code=sub_code)


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
