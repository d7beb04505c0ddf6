from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from acs_core.errors import InvalidStateError
from acs_core.media.effects.chain import AudioEffect
from acs_core.media.frames import av_audio_frame
from acs_core.media.sources import MediaFrame, MediaSource, SourceReader, ToneSource
from tests.support.events import until
from tests.support.sources import HissSource
from twilio_compat import LocalAudioTrack, create_local_audio_track
from twilio_compat.noise_cancellation import (
    NoiseCancellation,
    NoiseCancellationOptions,
    read_noise_cancellation,
    register_noise_cancellation,
)


class Silencer(AudioEffect):
    """Takes everything for noise; can be told to fail."""

    def __init__(self) -> None:
        self.fails = False

    @property
    def name(self) -> str:
        return "Silencer"

    def process(self, frame: MediaFrame) -> Sequence[MediaFrame]:
        if self.fails:
            raise RuntimeError("broken")
        return (av_audio_frame(np.zeros((960, 1), np.int16), pts=frame.pts or 0),)


async def levels_until(track: LocalAudioTrack, accepts: Any) -> None:
    frames = track.frames()
    async for frame in frames:
        if accepts(frame.level_dbov):
            break
    frames.close()


async def finish(track: LocalAudioTrack) -> None:
    track.stop()
    await track.closed()


async def test_our_own_vendor_takes_steady_noise_away() -> None:
    track = await create_local_audio_track(
        {"source": HissSource(), "noiseCancellationOptions": {"vendor": "spectral"}}
    )
    noise = track.noiseCancellation
    assert noise is not None
    assert (noise.vendor, noise.isEnabled) == ("spectral", True)
    assert noise.sourceTrack is track.media_stream_track
    assert track.sent_source is not noise.source_track
    await levels_until(track, lambda level: level < -62)
    await noise.disable()
    assert not noise.is_enabled
    await levels_until(track, lambda level: level > -53)
    await noise.enable()
    await levels_until(track, lambda level: level < -62)
    await finish(track)


async def test_a_program_adds_vendors() -> None:
    asked: list[NoiseCancellationOptions] = []
    effect = Silencer()

    def make(options: NoiseCancellationOptions) -> AudioEffect:
        asked.append(options)
        return effect

    register_noise_cancellation("quiet", make)
    track = await create_local_audio_track(
        source=ToneSource(),
        noise_cancellation_options={"vendor": "quiet", "sdkAssetsPath": "/assets"},
    )
    assert asked == [NoiseCancellationOptions(vendor="quiet", sdk_assets_path="/assets")]
    await levels_until(track, lambda level: level == -127)
    await track.restart(source=ToneSource())
    assert track.noise_cancellation is not None
    assert track.noise_cancellation.source_track is track.media_stream_track
    await levels_until(track, lambda level: level == -127)
    await finish(track)


async def test_sound_goes_on_when_a_vendor_fails(caplog: pytest.LogCaptureFixture) -> None:
    effect = Silencer()
    effect.fails = True
    register_noise_cancellation("broken", lambda _: effect)
    track = await create_local_audio_track(
        source=ToneSource(), noise_cancellation_options={"vendor": "broken"}
    )
    await levels_until(track, lambda level: level > -30)
    await until(lambda: "The noise cancellation of broken failed" in caplog.text)
    await finish(track)


@pytest.mark.parametrize("vendor", ["krisp", "rnnoise", "raises"])
async def test_without_its_vendor_a_track_has_no_noise_cancellation(
    vendor: str, caplog: pytest.LogCaptureFixture
) -> None:
    def raises(_options: NoiseCancellationOptions) -> AudioEffect:
        raise OSError("no such file")

    register_noise_cancellation("raises", raises)
    track = await create_local_audio_track(
        {"source": "tone", "noiseCancellationOptions": {"vendor": vendor, "sdkAssetsPath": "/k"}}
    )
    assert track.noiseCancellation is None
    assert track.sent_source is track.mediaStreamTrack
    assert f"noise cancellation by '{vendor}'" in caplog.text
    await finish(track)


def test_options_and_vendors_are_checked() -> None:
    assert read_noise_cancellation(None) is None
    options = NoiseCancellationOptions(vendor="spectral")
    assert read_noise_cancellation(options) is options
    for bag in ({}, {"vendor": 3}, {"vendor": "krisp", "path": "/"}, "krisp"):
        with pytest.raises(TypeError):
            read_noise_cancellation(bag)
    for vendor, factory in (("", Silencer), (3, Silencer), ("name", None)):
        with pytest.raises(TypeError):
            register_noise_cancellation(vendor, factory)  # type: ignore[arg-type]


def test_a_noise_cancellation_without_a_track_has_no_source() -> None:
    noise = NoiseCancellation("quiet", Silencer())
    with pytest.raises(InvalidStateError):
        _ = noise.source_track
    names = vars(NoiseCancellation)
    assert (names["sourceTrack"], names["isEnabled"]) == (
        names["source_track"],
        names["is_enabled"],
    )


async def test_who_is_canceled_while_it_is_made_ready_holds_no_device() -> None:
    begun = asyncio.Event()

    class Endless(Silencer):
        async def prepare(self) -> None:
            begun.set()
            await asyncio.Event().wait()

    register_noise_cancellation("endless", lambda _: Endless())
    opened: list[MediaSource] = []

    class Seen(ToneSource):
        async def open(self) -> SourceReader:
            opened.append(self)
            return await super().open()

    making = asyncio.create_task(
        create_local_audio_track(source=Seen(), noise_cancellation_options={"vendor": "endless"})
    )
    await begun.wait()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert opened == []
