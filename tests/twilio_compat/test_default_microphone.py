from __future__ import annotations

import asyncio

import pytest

from acs_core import DeviceManager, SourceUnavailableError
from acs_core.media.sources import MediaSource, ToneSource
from tests.support.events import next_event, until
from twilio_compat import LocalAudioTrack, create_local_audio_track

CHANGED = "selectedMicrophoneChanged"


class Desk:
    """Two microphones of the program, and who follows them."""

    def __init__(self) -> None:
        self.devices = DeviceManager(enumerate_devices=list)
        self.made: list[str] = []
        self.broken = False
        self.first = self.devices.add_virtual_microphone("first", lambda: self._make("first"))
        self.second = self.devices.add_virtual_microphone("second", lambda: self._make("second"))

    @property
    def followers(self) -> int:
        return self.devices.listener_count(CHANGED)

    async def track(self) -> LocalAudioTrack:
        track = await create_local_audio_track(devices=self.devices)
        await until(lambda: self.followers == 1)
        return track

    def _make(self, name: str) -> MediaSource:
        if self.broken:
            raise SourceUnavailableError("It is broken.", sub_code=43000)
        self.made.append(name)
        return ToneSource(440)


async def test_selecting_and_unplugging_restart_the_track() -> None:
    desk = Desk()
    track = await desk.track()
    again = next_event(track, "started", lambda _: desk.made == ["first", "second"])
    await desk.devices.select_microphone(desk.second)
    await again
    again = next_event(track, "started", lambda _: desk.made == ["first", "second", "first"])
    desk.devices.remove_virtual_device(desk.second)
    await again
    assert not track.is_stopped
    track.stop()
    await track.closed()
    assert desk.followers == 0


async def test_a_stopped_track_is_not_restarted() -> None:
    desk = Desk()
    track = await desk.track()
    track.stop()
    await desk.devices.select_microphone(desk.second)
    await track.closed()
    assert (desk.made, desk.followers, track.is_stopped) == (["first"], 0, True)


async def test_restarting_on_a_device_of_choice_ends_following() -> None:
    desk = Desk()
    track = await desk.track()
    await track.restart(devices=desk.devices, device_id=desk.first.id)
    await until(lambda: desk.followers == 0)
    await track.restart({"devices": desk.devices})
    await until(lambda: desk.followers == 1)
    assert desk.made == ["first"] * 3
    track.stop()
    await track.closed()


async def test_without_a_microphone_the_track_waits_for_the_next_one() -> None:
    desk = Desk()
    track = await desk.track()
    desk.devices.remove_virtual_device(desk.second)
    desk.devices.remove_virtual_device(desk.first)
    await asyncio.sleep(0)
    third = next_event(track, "started")
    desk.devices.add_virtual_microphone("third", lambda: ToneSource(880))
    assert await third == (track,)
    assert not track.is_stopped
    track.stop()
    await track.closed()


async def test_a_new_default_that_fails_is_logged_and_the_next_one_is_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    track = await desk.track()
    stopped = next_event(track, "stopped")
    desk.broken = True
    await desk.devices.select_microphone(desk.second)
    await stopped
    await until(lambda: "cannot be used" in caplog.text)
    desk.broken = False
    started = next_event(track, "started")
    await desk.devices.select_microphone(desk.first)
    await started
    assert not track.is_stopped
    track.stop()
    await track.closed()


async def test_a_mode_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of auto, manual"):
        await create_local_audio_track({"defaultDeviceCaptureMode": "always"})
