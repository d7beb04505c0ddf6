"""What this program sends: a microphone, a camera, a screen, in the words of `acs_core`.

The streams belong to the meeting, and so do the devices they open; sources that the program gave
stay the program's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from acs_core import (
    Call,
    DeviceManager,
    LocalAudioStream,
    LocalVideoStream,
    MediaStreamType,
    SourceUnavailableError,
    Stage,
)
from acs_core.media.sources import MediaSource

__all__ = ["LocalMedia"]

_Local: TypeAlias = LocalAudioStream | LocalVideoStream
_Stream = TypeVar("_Stream", LocalAudioStream, LocalVideoStream)


class LocalMedia:
    """Starts and stops the streams of one call; what is on is read from the call.

    Attributes:
        microphone: Where sound comes from; None for the default microphone.
        camera: Where pictures come from; None for the first camera.
    """

    def __init__(
        self, devices: DeviceManager, microphone: MediaSource | None, camera: MediaSource | None
    ) -> None:
        self.microphone = microphone
        self.camera = camera
        self._devices = devices
        self._made: set[_Local] = set()

    async def open_microphone(self, source: MediaSource | None = None) -> LocalAudioStream:
        """Make a stream of a microphone, and check that it can be opened.

        Args:
            source: None for `microphone`.

        Raises:
            SourceUnavailableError: There is no microphone, or it cannot be opened.
        """
        await self._devices.refresh()
        chosen = source or self.microphone or self._devices.selected_microphone
        if chosen is None:
            raise _missing("microphone")
        stream = LocalAudioStream(chosen)
        await self._opened(stream)
        return stream

    async def open_camera(self, source: MediaSource | None = None) -> LocalVideoStream:
        """Make a stream of a camera, and check that it can be opened.

        Args:
            source: None for `camera`.

        Raises:
            SourceUnavailableError: There is no camera, or it cannot be opened.
        """
        first = next(iter(await self._devices.get_cameras()), None)
        chosen = source or self.camera or first
        if chosen is None:
            raise _missing("camera")
        stream = LocalVideoStream(chosen)
        await self._opened(stream)
        return stream

    async def unmute(self, call: Call, source: MediaSource | None) -> None:
        """Send sound, from now on of `source` if there is one; raises as `open_microphone`."""
        stream = next(iter(call.local_audio_streams), None)
        if stream is None:
            await self._start(await self.open_microphone(source), call.start_audio)
        elif source is not None and source is not self.microphone:
            await stream.set_media_stream(source)
        self.microphone = source or self.microphone
        await call.unmute()

    async def mute(self, call: Call) -> None:
        """Send no sound; the microphone stays open, and nothing happens without one."""
        if call.is_local_audio_started:
            await call.mute()

    async def start_camera(self, call: Call, source: MediaSource | None) -> None:
        """Send pictures, from now on of `source` if there is one; raises as `open_camera`."""
        stream = _video(call, MediaStreamType.VIDEO)
        if stream is None:
            await self._start(await self.open_camera(source), call.start_video)
        elif source is not None and source is not self.camera:
            await stream.set_media_stream(source)
        self.camera = source or self.camera

    async def stop_camera(self, call: Call) -> None:
        """Send no pictures and let go of the camera; nothing happens without one."""
        stream = _video(call, MediaStreamType.VIDEO)
        if stream is not None:
            await call.stop_video(stream)
            await self._dispose(stream)

    async def start_screen(self, call: Call, source: MediaSource | None) -> None:
        """Share a screen, by default the first one; nothing happens when one is shared.

        Raises:
            SourceUnavailableError: There is no screen, or it cannot be opened.
        """
        if not call.is_screen_sharing_on:
            stream = LocalVideoStream(source or await self._devices.default_screen())
            await self._opened(stream)
            await self._start(stream, call.start_screen_sharing)

    async def stop_screen(self, call: Call) -> None:
        """Share no screen; nothing happens without one."""
        stream = _video(call, MediaStreamType.SCREEN_SHARING)
        if stream is not None:
            await call.stop_screen_sharing()
            await self._dispose(stream)

    async def aclose(self) -> None:
        """Let go of all devices."""
        while self._made:
            await self._made.pop().dispose()

    async def _opened(self, stream: _Stream) -> None:
        self._made.add(stream)
        await self._start(stream, lambda one: one.start())

    async def _start(self, stream: _Stream, start: Callable[[_Stream], Awaitable[None]]) -> None:
        """Do something with a stream, and let go of it if that fails."""
        try:
            await start(stream)
        except BaseException:
            await self._dispose(stream)
            raise

    async def _dispose(self, stream: _Local) -> None:
        self._made.discard(stream)
        await stream.dispose()


def _video(call: Call, kind: MediaStreamType) -> LocalVideoStream | None:
    streams = call.local_video_streams
    return next((one for one in streams if one.media_stream_type is kind), None)


def _missing(what: str) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"There is no {what} on this computer.",
        stage=Stage.DEVICE,
        next_step="Give a MediaSource, as PatternSource or ToneSource of acs_core.media.sources.",
    )
