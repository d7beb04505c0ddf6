"""What local streams have in common: a device or source, the effects on it, and who uses it.

A local stream belongs to the application. It may be in a call, shown in a preview, both or neither;
whoever uses it registers as a `StreamUser` and follows its source.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Generic, Protocol, TypeVar

from acs_core.client.device_flags import START_TIMED_OUT
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import StreamFeature
from acs_core.errors import InvalidStateError, MediaError, SourceUnavailableError, Stage
from acs_core.media.effects.chain import EffectChain, EffectSource
from acs_core.media.sources import MediaSource
from acs_core.models import AudioDeviceInfo, VideoDeviceInfo

__all__ = ["LocalMediaStream", "StreamUser"]

START_TIMEOUT: Final = 10.0

_Device = TypeVar("_Device", VideoDeviceInfo, AudioDeviceInfo)


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
        self,
        device: _Device,
        source: MediaSource | None,
        chain: EffectChain[Any],
        *,
        auto_dispose_on_call_end: bool,
    ) -> None:
        super().__init__(TaskOwner())
        self.auto_dispose_on_call_end = auto_dispose_on_call_end
        self._device: _Device = device
        self._source = source
        self._chain = chain
        self._processed: EffectSource | None = None
        self._features: dict[type[StreamFeature], StreamFeature] = {}
        self._is_owner = source is None
        self._users: list[StreamUser] = []
        self._is_disposed = False
        self._switched = asyncio.Event()

    @property
    def source(self) -> _Device:
        """The device; for a stream made of a `MediaSource`, one that stands for it."""
        return self._device

    @property
    def is_disposed(self) -> bool:
        """Whether the stream was disposed (ours)."""
        return self._is_disposed

    @property
    def media_source(self) -> MediaSource:
        """Where the frames come from, with the effects that are on (ours).

        Raises:
            SourceUnavailableError: The device cannot be captured, or not by us.
            InvalidStateError: The stream is disposed.
        """
        self._check_usable()
        if self._processed is None:
            if self._source is None:
                self._source = _open(self._device)
            self._processed = EffectSource(self._source, self._chain)
        return self._processed

    @property
    def is_in_use(self) -> bool:
        """Whether a call has the stream (ours)."""
        return bool(self._users)

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
        for feature in self._features.values():
            feature.dispose()
        if self._processed is not None:
            await self._processed.close()
        if self._is_owner and self._source is not None:
            await self._source.close()
        await self._owner.aclose()

    def _check_usable(self) -> None:
        if self._is_disposed:
            raise InvalidStateError("The local stream is disposed.", stage=Stage.DEVICE)

    async def _switch(self, device: _Device, source: MediaSource | None) -> None:
        """Change over to another device; when that fails, the old one goes on."""
        self._check_usable()
        try:
            fresh = source if source is not None else _open(device)
            processed = EffectSource(fresh, self._chain)
            reader = await processed.open()
        except MediaError as error:
            for user in tuple(self._users):
                user.source_failed(error)
            raise
        # The open reader keeps the device on until the users have it.
        try:
            for user in tuple(self._users):
                await user.replace_source(processed)
        finally:
            reader.close()
        old, was_owner, old_processed = self._source, self._is_owner, self._processed
        self._device, self._source, self._is_owner = device, fresh, source is None
        self._processed = processed
        self._switched.set()
        if old_processed is not None:
            await old_processed.close()
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
