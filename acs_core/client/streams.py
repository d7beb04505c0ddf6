"""Streams as ACS knows them: local cameras, screens and microphones, and the video of others.

A local stream belongs to the application. It may be in a call, shown in a preview, both or neither;
whoever uses it registers as a `StreamUser` and follows its source.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from acs_core.client.device_flags import START_TIMED_OUT
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.frame_reader import FrameReader
from acs_core.client.ports import FrameMode
from acs_core.client.publications import RemotePublication
from acs_core.core.facts import PublicationKind
from acs_core.errors import (
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    SourceUnavailableError,
    Stage,
)
from acs_core.events import LocalAudioStreamEvent, LocalVideoStreamEvent, RemoteVideoStreamEvent
from acs_core.media.sources import MediaSource
from acs_core.models import (
    AudioDeviceInfo,
    AudioDeviceType,
    CallLimits,
    MediaStreamType,
    StreamSize,
    VideoDeviceInfo,
    VideoDeviceType,
)

__all__ = [
    "LocalAudioStream",
    "LocalMediaStream",
    "LocalVideoStream",
    "RemoteVideoStream",
    "StreamUser",
    "ViewSlots",
]

START_TIMEOUT: Final = 10.0

_Device = TypeVar("_Device", VideoDeviceInfo, AudioDeviceInfo)


class StreamUser(Protocol):
    """Who uses a local stream."""

    async def replace_source(self, source: MediaSource) -> None:
        """Go on with another source."""

    def source_failed(self, error: MediaError) -> None:
        """A source could not be started; the old one, if there is one, goes on."""


class LocalMediaStream(Emitter, Generic[_Device]):
    """What local streams have in common: a device or source, and a way to exchange it."""

    def __init__(self, device: _Device, source: MediaSource | None) -> None:
        super().__init__(TaskOwner())
        self._device: _Device = device
        self._source = source
        self._is_owner = source is None
        self._users: list[StreamUser] = []
        self._is_disposed = False

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

    def __init__(self, source: VideoDeviceInfo | MediaSource) -> None:
        """Make a stream; the device is opened when the stream is used.

        Args:
            source: A device of `DeviceManager.get_cameras`, or any source of pictures, which
                stays the caller's.

        Raises:
            InvalidArgumentError: 400/43003: neither of them.
        """
        super().__init__(*_video(source, 43003))
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

    def share_as_screen(self) -> None:
        """From now on this stream counts as a screen; `Call.start_screen_sharing` does this."""
        self._is_screen = True


class LocalAudioStream(LocalMediaStream[AudioDeviceInfo]):
    """A microphone of ours."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(LocalAudioStreamEvent)
    EVENT_SUB_CODE: ClassVar[int] = 43605

    def __init__(self, source: AudioDeviceInfo | MediaSource) -> None:
        """Make a stream; the device is opened when the stream is used.

        Args:
            source: A device of `DeviceManager.get_microphones`, or any source of sound, which
                stays the caller's.

        Raises:
            InvalidArgumentError: 400/43601: neither of them.
        """
        super().__init__(*_audio(source, 43601))

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


class ViewSlots:
    """How many streams of others a call shows at the same time."""

    def __init__(self, limits: CallLimits) -> None:
        self._free = {
            MediaStreamType.VIDEO: limits.rendered_video,
            MediaStreamType.SCREEN_SHARING: limits.rendered_screen,
        }

    def acquire(self, kind: MediaStreamType) -> None:
        """Take a slot.

        Raises:
            InvalidStateError: 400/43220: all are taken.
        """
        if self._free[kind] < 1:
            raise InvalidStateError(
                f"No more {kind} streams can be shown.",
                code=400,
                sub_code=43220,
                next_step="Dispose a view, or raise CallClientOptions.limits.",
            )
        self._free[kind] -= 1

    def release(self, kind: MediaStreamType) -> None:
        """Give a slot back."""
        self._free[kind] += 1


class RemoteVideoStream(Emitter):
    """Video of a remote participant: what ACS shows of one publication."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(RemoteVideoStreamEvent)
    EVENT_SUB_CODE: ClassVar[int] = 43100

    def __init__(self, publication: RemotePublication, owner: TaskOwner, views: ViewSlots) -> None:
        super().__init__(owner)
        self._publication = publication
        self._views = views
        self._is_available = publication.is_enabled
        self._is_receiving = False
        self._size = StreamSize(0, 0)
        self._packets = 0

    @property
    def id(self) -> int:
        """Small integer, unique in the call."""
        return self._publication.number

    @property
    def media_stream_type(self) -> MediaStreamType:
        """`Video` or `ScreenSharing`."""
        if self._publication.kind is PublicationKind.SCREEN:
            return MediaStreamType.SCREEN_SHARING
        return MediaStreamType.VIDEO

    @property
    def is_available(self) -> bool:
        """Whether the participant sends it."""
        return self._is_available

    @property
    def is_receiving(self) -> bool:
        """Whether pictures arrived lately; looked at about once a second."""
        return self._is_receiving

    @property
    def size(self) -> StreamSize:
        """Size of the newest decoded picture; 0 x 0 before it."""
        return self._size

    @property
    def views(self) -> ViewSlots:
        """The slots that views of this call share (ours)."""
        return self._views

    @property
    def publication(self) -> RemotePublication:
        """The same stream in `Features.STREAMS`' words (ours)."""
        return self._publication

    def frames(self, *, mode: FrameMode = "latest", maximum: int | None = None) -> FrameReader:
        """Read its pictures (ours); as `RemotePublication.frames`."""
        return self._publication.frames(mode=mode, maximum=maximum)

    def set_available(self, is_available: bool) -> None:
        """Take whether the participant sends it; who does not send is not received."""
        if is_available is not self._is_available:
            self._is_available = is_available
            self._emit(RemoteVideoStreamEvent.IS_AVAILABLE_CHANGED)
        if not is_available:
            self._set_receiving(False)

    def sample(self) -> None:
        """Look at the statistics; the call does this about once a second."""
        stats = self._publication.stats
        if stats is None:
            self._set_receiving(False)
            return
        has_new, self._packets = stats.packets_received != self._packets, stats.packets_received
        self.show_size(StreamSize(stats.frame_width, stats.frame_height))
        self._set_receiving(has_new and self._is_available)

    def show_size(self, size: StreamSize) -> None:
        """Take the size of a decoded picture."""
        if size.width > 0 and size != self._size:
            self._size = size
            self._emit(RemoteVideoStreamEvent.SIZE_CHANGED)

    def _set_receiving(self, is_receiving: bool) -> None:
        if is_receiving is not self._is_receiving:
            self._is_receiving = is_receiving
            self._emit(RemoteVideoStreamEvent.IS_RECEIVING_CHANGED)
