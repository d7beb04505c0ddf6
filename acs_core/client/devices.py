"""Cameras, microphones, speakers and screens: those of the computer and those of the program.

A program adds devices of its own (a media file, a test picture, frames it writes) by
`add_virtual_camera` and `add_virtual_microphone`; they are listed, selected and used like real
ones. Nothing is opened until a stream of a device is used.

Source: `DeviceManager` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from itertools import chain
from typing import ClassVar, Final

from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.errors import InvalidArgumentError, SourceUnavailableError, Stage
from acs_core.events import CollectionUpdate, DeviceManagerEvent
from acs_core.media.capture import CaptureSource
from acs_core.media.devices import DeviceDescription, DeviceKind, list_devices
from acs_core.media.files import SOURCE_UNAVAILABLE
from acs_core.media.sources import MediaSource
from acs_core.models import (
    AudioDeviceInfo,
    AudioDeviceType,
    DeviceAccess,
    PermissionConstraints,
    PermissionPolicy,
    SourceFactory,
    VideoDeviceInfo,
    VideoDeviceType,
)

__all__ = ["DeviceManager"]

_PERMISSION_DENIED: Final = {"video": 43001, "audio": 43610}

WATCH_INTERVAL: Final = 2.0
"""Seconds between two looks at the devices while somebody follows them; no system tells us."""


class DeviceManager(Emitter):
    """Lists and selects devices; made by `CallClient`."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(DeviceManagerEvent)
    EVENT_SUB_CODE: ClassVar[int] = 40603

    def __init__(
        self,
        permissions: PermissionPolicy | None = None,
        logger: logging.Logger | None = None,
        *,
        enumerate_devices: Callable[[], list[DeviceDescription]] = list_devices,
    ) -> None:
        super().__init__(TaskOwner(logger))
        self._permissions = permissions or PermissionPolicy()
        self._enumerate = enumerate_devices
        self._listed: list[DeviceDescription] | None = None
        self._virtual_cameras: dict[str, VideoDeviceInfo] = {}
        self._virtual_microphones: dict[str, AudioDeviceInfo] = {}
        self._microphone: AudioDeviceInfo | None = None
        self._speaker: AudioDeviceInfo | None = None
        self._told_microphone: AudioDeviceInfo | None = None
        self._seen: tuple[tuple[VideoDeviceInfo, ...], tuple[AudioDeviceInfo, ...]] | None = None

    @property
    def is_speaker_selection_available(self) -> bool:
        """Whether there is a speaker to select; sound is played by the program, if at all."""
        return bool(self._speakers())

    @property
    def selected_microphone(self) -> AudioDeviceInfo | None:
        """The microphone that calls use by default; None without one."""
        return self.default_microphone()

    @property
    def selected_speaker(self) -> AudioDeviceInfo | None:
        """The speaker that was selected, or the default one; None without one."""
        return self._speaker or next(iter(self._speakers()), None)

    async def get_cameras(self) -> list[VideoDeviceInfo]:
        """Cameras of the computer, then those of the program; screens are `get_screens`."""
        await self.refresh()
        return self._cameras()

    async def get_screens(self) -> list[VideoDeviceInfo]:
        """Screens of the computer (ours); share one by `Call.start_screen_sharing`."""
        await self.refresh()
        return self._video(DeviceKind.SCREEN)

    async def get_microphones(self) -> list[AudioDeviceInfo]:
        """Microphones of the computer, then those of the program."""
        await self.refresh()
        return self._microphones()

    async def get_speakers(self) -> list[AudioDeviceInfo]:
        """Speakers of the computer."""
        await self.refresh()
        return self._speakers()

    async def select_microphone(self, device: AudioDeviceInfo) -> None:
        """Use a microphone in calls to come.

        Raises:
            InvalidArgumentError: 400/40615: it is none of the listed ones.
        """
        # Not by equality: which one is the system's default changes.
        kinds = {(item.id, item.device_type) for item in self._microphones()}
        is_device = isinstance(device, AudioDeviceInfo)
        if not is_device or (device.id, device.device_type) not in kinds:
            raise InvalidArgumentError("This is no microphone of this manager.", sub_code=40615)
        before, self._microphone = self.default_microphone(), device
        self._told_microphone = device
        if _id_of(before) != device.id:
            self._emit(DeviceManagerEvent.SELECTED_MICROPHONE_CHANGED)

    async def microphone_changes(
        self, since: AudioDeviceInfo | None, *, interval: float = WATCH_INTERVAL
    ) -> AsyncGenerator[AudioDeviceInfo | None, None]:
        """Yield the selected microphone each time that it is another one (ours); never ends.

        It changes when the program selects one, and when the default one comes or goes, for which
        the devices are looked at again and again. Close the generator when done.

        Args:
            since: The microphone that is known already.
            interval: Seconds between two looks.
        """
        changed = asyncio.Event()
        self.on(DeviceManagerEvent.SELECTED_MICROPHONE_CHANGED, changed.set)
        try:
            while True:
                now = self.selected_microphone
                if _id_of(now) != _id_of(since):
                    since = now
                    yield now
                elif not await _is_set_within(changed, interval):
                    await self.refresh()
                changed.clear()
        finally:
            self.off(DeviceManagerEvent.SELECTED_MICROPHONE_CHANGED, changed.set)

    async def select_speaker(self, device: AudioDeviceInfo) -> None:
        """Remember a speaker; programs that play sound ask for it.

        Raises:
            InvalidArgumentError: 405/40611: there are no speakers; 400/40615: not one of them.
        """
        speakers = self._speakers()
        if not speakers:
            raise InvalidArgumentError("There is no speaker.", code=405, sub_code=40611)
        if device not in speakers:
            raise InvalidArgumentError("This is no speaker of this manager.", sub_code=40615)
        before, self._speaker = self.selected_speaker, device
        if before != device:
            self._emit(DeviceManagerEvent.SELECTED_SPEAKER_CHANGED)

    async def ask_device_permission(self, constraints: PermissionConstraints) -> DeviceAccess:
        """What may be captured, by the client's `PermissionPolicy`.

        Raises:
            InvalidArgumentError: 400/40612: neither audio nor video is asked for.
        """
        if not constraints.audio and not constraints.video:
            raise InvalidArgumentError("Ask for audio, video or both.", sub_code=40612)
        return DeviceAccess(
            audio=constraints.audio and self._permissions.audio,
            video=constraints.video and self._permissions.video,
        )

    def add_virtual_camera(self, name: str, source: SourceFactory) -> VideoDeviceInfo:
        """Offer pictures of the program as a camera (ours).

        Args:
            name: For people.
            source: Makes a source of pictures for each stream of the device.
        """
        device = VideoDeviceInfo(
            name,
            f"virtual:{uuid.uuid4().hex}",
            VideoDeviceType.VIRTUAL,
            self._permitted("video", source),
        )
        self._virtual_cameras[device.id] = device
        self._tell_changes()
        return device

    def add_virtual_microphone(self, name: str, source: SourceFactory) -> AudioDeviceInfo:
        """Offer sound of the program as a microphone (ours); as `add_virtual_camera`."""
        device = AudioDeviceInfo(
            name,
            f"virtual:{uuid.uuid4().hex}",
            False,
            AudioDeviceType.VIRTUAL,
            self._permitted("audio", source),
        )
        self._virtual_microphones[device.id] = device
        self._tell_changes()
        return device

    def remove_virtual_device(self, device: VideoDeviceInfo | AudioDeviceInfo) -> None:
        """Take a device of the program back (ours); streams that use it go on."""
        self._virtual_cameras.pop(device.id, None)
        self._virtual_microphones.pop(device.id, None)
        self._tell_changes()

    def default_microphone(self) -> AudioDeviceInfo | None:
        """The selected microphone if it is still there, else the default one, else none."""
        microphones = self._microphones()
        # By id: whether it is the system's default may have changed since it was selected.
        selected = (item for item in microphones if item.id == _id_of(self._microphone))
        default = (item for item in microphones if item.is_system_default)
        return next(chain(selected, default, microphones), None)

    def picture_source(
        self,
        device: VideoDeviceInfo,
        *,
        width: int | None = None,
        height: int | None = None,
        frame_rate: int = 30,
    ) -> MediaSource:
        """Make a source of a camera or screen (ours); it is not opened yet.

        The wishes are for devices of the computer; those of the program deliver what they deliver.

        Args:
            device: One that was listed.
            width: Wished width in pixels, with `height`.
            height: Wished height in pixels.
            frame_rate: Wished frames per second.

        Raises:
            SourceUnavailableError: 403/43001: it must not be captured; 412/43000: it is not there.
        """
        if device.id in self._virtual_cameras and device.open_source is not None:
            return device.open_source()
        for item in self._last_listed():
            if item.id == device.id:
                self._check_permitted("video")
                return CaptureSource(item, width=width, height=height, frame_rate=frame_rate)
        raise SourceUnavailableError(
            f"{device.name!r} is not there.",
            sub_code=SOURCE_UNAVAILABLE,
            stage=Stage.DEVICE,
            next_step="Choose one of the devices that DeviceManager lists.",
        )

    async def default_screen(self) -> VideoDeviceInfo:
        """The first screen.

        Raises:
            SourceUnavailableError: There is none.
        """
        screens = await self.get_screens()
        if not screens:
            raise SourceUnavailableError(
                "This computer has no screen that can be captured.",
                sub_code=43013,
                stage=Stage.DEVICE,
                next_step="Pass a LocalVideoStream to start_screen_sharing.",
            )
        return screens[0]

    def flags(self) -> Mapping[str, bool]:
        """Diagnostics about missing devices, by ACS's names; of the devices listed last."""
        return {
            "noMicrophoneDevicesEnumerated": not self._microphones(),
            "noSpeakerDevicesEnumerated": not self._speakers(),
        }

    async def refresh(self) -> None:
        """Look for devices that came or went, and tell; listing devices does it too."""
        # On a thread: drivers may take their time, and a system tool may have to be run.
        self._listed = await asyncio.to_thread(self._enumerate)
        self._tell_changes()

    async def aclose(self) -> None:
        """End listener tasks; the call client does this."""
        await self._owner.aclose()

    # ------------------------------------------------------------ inside

    def _last_listed(self) -> list[DeviceDescription]:
        """The devices as they were listed last."""
        if self._listed is None:
            self._listed = self._enumerate()
        return self._listed

    def _tell_changes(self) -> None:
        now = (tuple(self._cameras()), tuple(self._all_audio()))
        before, self._seen = self._seen, now
        microphone, self._told_microphone = self._told_microphone, self.default_microphone()
        if before is None:
            return
        for event, old, new in (
            (DeviceManagerEvent.VIDEO_DEVICES_UPDATED, before[0], now[0]),
            (DeviceManagerEvent.AUDIO_DEVICES_UPDATED, before[1], now[1]),
        ):
            added = tuple(item for item in new if item not in old)
            removed = tuple(item for item in old if item not in new)
            if added or removed:
                self._emit(event, CollectionUpdate(added, removed))
        if _id_of(microphone) != _id_of(self._told_microphone):
            self._emit(DeviceManagerEvent.SELECTED_MICROPHONE_CHANGED)

    def _cameras(self) -> list[VideoDeviceInfo]:
        return [*self._video(DeviceKind.CAMERA), *self._virtual_cameras.values()]

    def _microphones(self) -> list[AudioDeviceInfo]:
        real = self._audio(DeviceKind.MICROPHONE)
        virtual = list(self._virtual_microphones.values())
        if not real and virtual:
            # Somebody must be the default.
            virtual[0] = replace(virtual[0], is_system_default=True)
        return [*real, *virtual]

    def _speakers(self) -> list[AudioDeviceInfo]:
        return self._audio(DeviceKind.SPEAKER)

    def _all_audio(self) -> list[AudioDeviceInfo]:
        return [*self._microphones(), *self._speakers()]

    def _video(self, kind: DeviceKind) -> list[VideoDeviceInfo]:
        is_screen = kind is DeviceKind.SCREEN
        device_type = VideoDeviceType.SCREEN_SHARING if is_screen else VideoDeviceType.USB_CAMERA
        return [
            VideoDeviceInfo(item.name, item.id, device_type, self._capture("video", item))
            for item in self._last_listed()
            if item.kind is kind
        ]

    def _audio(self, kind: DeviceKind) -> list[AudioDeviceInfo]:
        is_speaker = kind is DeviceKind.SPEAKER
        device_type = AudioDeviceType.SPEAKER if is_speaker else AudioDeviceType.MICROPHONE
        return [
            AudioDeviceInfo(
                item.name,
                item.id,
                item.is_system_default,
                device_type,
                None if is_speaker else self._capture("audio", item),
            )
            for item in self._last_listed()
            if item.kind is kind
        ]

    def _capture(self, kind: str, device: DeviceDescription) -> SourceFactory:
        return self._permitted(kind, lambda: CaptureSource(device))

    def _permitted(self, kind: str, source: SourceFactory) -> SourceFactory:
        """A factory that respects the policy at the moment when a stream is used."""

        def make() -> MediaSource:
            self._check_permitted(kind)
            return source()

        return make

    def _check_permitted(self, kind: str) -> None:
        if self._permissions.audio if kind == "audio" else self._permissions.video:
            return
        raise SourceUnavailableError(
            f"Capturing {kind} is not permitted.",
            code=403,
            sub_code=_PERMISSION_DENIED[kind],
            stage=Stage.DEVICE,
            next_step="Permit it in CallClientOptions.permissions, or in the PermissionPolicy of "
            "the DeviceManager.",
        )


def _id_of(device: AudioDeviceInfo | None) -> str | None:
    return None if device is None else device.id


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
