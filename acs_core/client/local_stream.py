"""What local streams have in common: a device or source, the effects on it, and who uses it.

A local stream belongs to the application. It may be in a call, shown in a preview, both or neither;
whoever uses it registers as a `StreamUser` and follows its source.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar

from acs_core.client.device_flags import START_TIMED_OUT
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import StreamFeature, StreamFeatureKey
from acs_core.errors import (
    CallingError,
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    SourceUnavailableError,
    Stage,
)
from acs_core.media.effects.chain import EffectChain, EffectSource
from acs_core.media.sources import MediaSource
from acs_core.models import AudioDeviceInfo, VideoDeviceInfo

__all__ = ["LocalMediaStream", "StreamUser"]

_log = logging.getLogger(__name__)

START_TIMEOUT: Final = 10.0

_Device = TypeVar("_Device", VideoDeviceInfo, AudioDeviceInfo)
_Feature = TypeVar("_Feature", bound=StreamFeature)


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
        self._switching = asyncio.Lock()

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
            raise _timed_out(source, timeout) from error
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

    def _feature(
        self,
        key: StreamFeatureKey[_Feature],
        base: type,
        make: Callable[[type[_Feature]], _Feature],
    ) -> _Feature:
        """The feature of a key, if it is one for such streams; made when it is first asked for."""
        if not isinstance(key, StreamFeatureKey) or not issubclass(key.kind, base):
            raise InvalidArgumentError(
                f"Local {self._chain.kind} streams have no feature {key!r}.",
                next_step=f"Use Features.{self._chain.kind.upper()}_EFFECTS.",
            )
        made = self._features.get(key.kind)
        if not isinstance(made, key.kind):
            made = self._features[key.kind] = make(key.kind)
        return made

    def _check_usable(self) -> None:
        if self._is_disposed:
            raise InvalidStateError("The local stream is disposed.", stage=Stage.DEVICE)

    async def _switch(self, device: _Device, source: MediaSource | None) -> None:
        """Change over to another device; when that fails, the old one goes on for all users."""
        async with self._switching:
            self._check_usable()
            before = self._processed
            fresh: MediaSource | None = None
            processed: EffectSource | None = None
            try:
                fresh = source if source is not None else _open(device)
                processed = EffectSource(fresh, self._chain)
                await self._move(processed, before)
            except BaseException as error:
                if processed is not None:
                    await processed.close()
                if fresh is not None and source is None:
                    await fresh.close()
                failure = self._switch_failed(error)
                if failure is error:
                    raise
                raise failure from error
            old, was_owner = self._source, self._is_owner
            self._device, self._source, self._is_owner = device, fresh, source is None
            self._processed = processed
            self._switched.set()
            if before is not None:
                await before.close()
            if old is not None and was_owner:
                await old.close()

    async def _move(self, processed: EffectSource, before: EffectSource | None) -> None:
        """Let all users go on with another source; when one cannot, all return to the one before.

        A stream that is disposed meanwhile has no source to return to.
        """
        try:
            async with asyncio.timeout(START_TIMEOUT):
                reader = await processed.open()
        except TimeoutError as error:
            raise _timed_out(processed, START_TIMEOUT) from error
        moved: list[StreamUser] = []
        # The open reader keeps the device on until the users have it.
        try:
            self._check_usable()
            while waiting := [user for user in self._users if user not in moved]:
                moved.append(waiting[0])
                await waiting[0].replace_source(processed)
                self._check_usable()
        except BaseException:
            for user in moved:
                if before is not None and not self._is_disposed and user in self._users:
                    await self._move_back(user, before)
            raise
        finally:
            reader.close()

    async def _move_back(self, user: StreamUser, before: EffectSource) -> None:
        try:
            await user.replace_source(before)
        except Exception:
            # The others must not stay on the source that is given up.
            _log.exception("a user of %r does not go on with it", before.label)

    def _switch_failed(self, error: BaseException) -> BaseException:
        """Tell the users, and say what a failed switch is raised as."""
        if isinstance(error, Exception) and not isinstance(error, CallingError):
            error = MediaError(
                f"The source could not be switched: {error}",
                sub_code=43002 if isinstance(self._device, VideoDeviceInfo) else 43608,
                stage=Stage.DEVICE,
                next_step="Look at __cause__ for what raised it; the old source goes on.",
            )
        if isinstance(error, MediaError):
            for user in tuple(self._users):
                user.source_failed(error)
        return error


def _timed_out(source: MediaSource, timeout: float) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"{source.label!r} did not open within {timeout:g} s.",
        sub_code=START_TIMED_OUT[source.kind],
        stage=Stage.DEVICE,
        next_step="Check that no other program uses it, and plug it in again.",
    )


def _open(device: VideoDeviceInfo | AudioDeviceInfo) -> MediaSource:
    if device.open_source is None:
        raise SourceUnavailableError(
            f"{device.name!r} cannot be captured.",
            sub_code=43000 if isinstance(device, VideoDeviceInfo) else 43609,
            stage=Stage.DEVICE,
            next_step="Choose one of the devices that DeviceManager lists.",
        )
    return device.open_source()
