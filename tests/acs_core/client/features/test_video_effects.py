"""Effects on a local video stream without a call; `tests/features/test_effects.py` has calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from acs_core import (
    BackgroundBlurConfig,
    BackgroundBlurEffect,
    BackgroundReplacementConfig,
    BackgroundReplacementEffect,
    CallingError,
    DeadlineError,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    LocalAudioStream,
    LocalVideoStream,
    OnnxSegmenter,
    VideoEffect,
    VideoEffectErrorPayload,
    VideoEffectsFeature,
)
from acs_core.media.frames import VideoFrame
from acs_core.media.sources import PatternSource, SourceReader, ToneSource
from acs_core.models import VideoDeviceInfo, VideoDeviceType
from tests.support.calls import Log
from tests.support.events import next_event, until

IMAGE = np.full((90, 160, 3), (200, 30, 30), dtype=np.uint8)


class Nobody:
    """Finds no person: all is background."""

    is_available = True

    def __init__(self) -> None:
        self.fails = False

    def prepare(self) -> None:
        pass

    def segment(self, frame: VideoFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        if self.fails:
            raise OSError("the model is tired")
        return np.zeros((9, 16), dtype=np.float32)


class Named(VideoEffect):
    """An effect of the application."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def apply(self, frame: VideoFrame) -> VideoFrame:
        return frame


class Slow(Named):
    """Gets ready when the test says so."""

    def __init__(self) -> None:
        super().__init__("Slow")
        self.ready = asyncio.Event()

    async def prepare(self) -> None:
        await self.ready.wait()


def replacement(segmenter: Nobody | None = None) -> BackgroundReplacementEffect:
    config = BackgroundReplacementConfig(background_image=IMAGE)
    return BackgroundReplacementEffect(config, segmenter=segmenter or Nobody())


@pytest.fixture
async def stream() -> AsyncIterator[LocalVideoStream]:
    source = PatternSource(160, 96, 60, color=(30, 30, 200))
    made = LocalVideoStream(source)
    yield made
    await made.dispose()
    await source.close()


@pytest.fixture
def feature(stream: LocalVideoStream) -> VideoEffectsFeature:
    return stream.feature(Features.VIDEO_EFFECTS)


async def is_red(reader: SourceReader) -> bool:
    async with asyncio.timeout(10):
        frame = await reader.read()
    assert isinstance(frame, av.VideoFrame)
    picture = VideoFrame(frame).to_rgb().astype(int)
    return bool(abs(picture - IMAGE[0, 0]).max() < 12)


@pytest.mark.feature("BG-004")
async def test_a_stream_has_one_object_of_the_feature(stream: LocalVideoStream) -> None:
    feature = stream.feature(Features.VIDEO_EFFECTS)
    assert stream.feature(Features.VIDEO_EFFECTS) is feature
    assert feature.name == Features.VIDEO_EFFECTS.name == "VideoEffects"
    other = LocalVideoStream(PatternSource(160, 96))
    assert other.feature(Features.VIDEO_EFFECTS) is not feature
    await other.dispose()


async def test_features_belong_to_their_kind_of_stream(stream: LocalVideoStream) -> None:
    sound = LocalAudioStream(ToneSource())
    with pytest.raises(InvalidArgumentError):
        stream.feature(Features.AUDIO_EFFECTS)  # type: ignore[type-var]
    with pytest.raises(InvalidArgumentError):
        stream.feature(Features.STREAMS)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError):
        sound.feature(Features.VIDEO_EFFECTS)  # type: ignore[type-var]
    await sound.dispose()


@pytest.mark.feature("BG-005", "BG-007", "BG-013", "BG-014")
async def test_effects_start_and_stop_and_say_so(
    stream: LocalVideoStream, feature: VideoEffectsFeature
) -> None:
    log = Log().watch(feature)
    reader = await stream.media_source.open()
    assert feature.active_effects == ()
    await feature.start_effects(replacement())
    assert feature.active_effects == ("BackgroundReplacement",)
    assert log.entries == [("effectsStarted", (("BackgroundReplacement",),))]
    await is_red(reader)  # may have been on its way
    assert await is_red(reader)
    assert feature.stats.frames >= 1
    await feature.stop_effects()
    assert feature.active_effects == ()
    assert log.entries[1:] == [("effectsStopped", (("BackgroundReplacement",),))]
    await is_red(reader)
    assert not await is_red(reader)
    reader.close()


@pytest.mark.feature("BG-014")
async def test_after_stopping_the_very_frames_of_the_source_are_shown() -> None:
    source = PatternSource(160, 96, 60)
    stream = LocalVideoStream(source)
    feature = stream.feature(Features.VIDEO_EFFECTS)
    await feature.start_effects(replacement())
    ours, theirs = await stream.media_source.open(), await source.open()
    assert await is_red(ours)
    await feature.stop_effects()
    shown, captured = [], []
    async with asyncio.timeout(10):
        for _ in range(6):
            shown.append(await ours.read())
            captured.append(await theirs.read())
    assert any(frame is other for frame in shown for other in captured)
    ours.close()
    theirs.close()
    await stream.dispose()
    await source.close()


@pytest.mark.feature("BG-012")
async def test_starting_another_effect_switches(feature: VideoEffectsFeature) -> None:
    await feature.start_effects(replacement())
    await feature.start_effects(BackgroundBlurEffect(segmenter=Nobody()))
    assert feature.active_effects == ("BackgroundBlur",)


async def test_several_effects_and_effects_of_the_application_work_in_order(
    feature: VideoEffectsFeature,
) -> None:
    await feature.start_effects([Named("Mine"), BackgroundBlurEffect(segmenter=Nobody())])
    assert feature.active_effects == ("Mine", "BackgroundBlur")


@pytest.mark.feature("BG-011")
async def test_configure_takes_effect_without_a_restart(
    stream: LocalVideoStream, feature: VideoEffectsFeature
) -> None:
    effect = replacement()
    await feature.start_effects(effect)
    log = Log().watch(feature)
    reader = await stream.media_source.open()
    green = np.full((90, 160, 3), (30, 180, 30), dtype=np.uint8)
    assert await is_red(reader)
    await effect.configure(BackgroundReplacementConfig(background_image=green))
    await is_red(reader)
    assert not await is_red(reader)
    assert feature.active_effects == ("BackgroundReplacement",)
    assert log.entries == []
    reader.close()


@pytest.mark.feature("BG-005")
async def test_a_segmenter_that_fails_is_told_and_shows_nothing_it_was_to_hide(
    stream: LocalVideoStream, feature: VideoEffectsFeature
) -> None:
    segmenter = Nobody()
    await feature.start_effects(replacement(segmenter))
    reader = await stream.media_source.open()
    told = next_event(feature, "effectsError")
    log = Log().watch(feature)
    assert await is_red(reader)
    segmenter.fails = True
    (payload,) = await told
    assert isinstance(payload, VideoEffectErrorPayload)
    assert (payload.code, payload.sub_code, payload.error) == (500, 46164, "FailedToProcess")
    assert payload.message == "FailedToProcess: BackgroundReplacement: the model is tired"
    failed = feature.stats.failed
    await until(lambda: feature.stats.failed > failed + 3)
    assert log.names == ["effectsError"]
    assert feature.active_effects == ("BackgroundReplacement",)
    segmenter.fails = False
    assert await is_red(reader)
    assert await is_red(reader)
    reader.close()


@pytest.mark.feature("BG-008")
async def test_an_image_that_cannot_be_fetched_is_told_and_changes_nothing(
    feature: VideoEffectsFeature, tmp_path: Path
) -> None:
    await feature.start_effects(Named("Before"))
    log = Log().watch(feature)
    config = BackgroundReplacementConfig(background_image_url=tmp_path / "none.png")
    with pytest.raises(CallingError, match="FailedToFetchImage"):
        await feature.start_effects(BackgroundReplacementEffect(config))
    assert feature.active_effects == ("Before",)
    ((name, (payload,)),) = log.entries
    assert (name, payload.error) == ("effectsError", "FailedToFetchImage")


@pytest.mark.parametrize("wrong", [None, "BackgroundBlur", [], [Named("a"), 1]])
async def test_what_is_no_effect_is_refused(
    feature: VideoEffectsFeature, wrong: Sequence[VideoEffect]
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await feature.start_effects(wrong)
    assert (caught.value.code, caught.value.sub_code) == (400, 46159)


@pytest.mark.feature("BG-006")
async def test_support_is_told_honestly(feature: VideoEffectsFeature, tmp_path: Path) -> None:
    assert await feature.is_supported(BackgroundBlurEffect())
    modelled = BackgroundBlurEffect(segmenter=OnnxSegmenter(tmp_path / "none.onnx"))
    assert not await feature.is_supported(modelled)
    with pytest.raises(InvalidArgumentError) as caught:
        await feature.start_effects(modelled)
    assert (caught.value.code, caught.value.sub_code) == (501, 46156)


async def test_screens_have_no_effects() -> None:
    screen = VideoDeviceInfo("screen", "screen:1", VideoDeviceType.SCREEN_SHARING)
    stream = LocalVideoStream(screen)
    feature = stream.feature(Features.VIDEO_EFFECTS)
    assert not await feature.is_supported(BackgroundBlurEffect())
    with pytest.raises(InvalidArgumentError) as caught:
        await feature.start_effects(BackgroundBlurEffect())
    assert (caught.value.code, caught.value.sub_code) == (415, 46152)
    await stream.dispose()


async def test_a_disposed_stream_has_no_effects(stream: LocalVideoStream) -> None:
    feature = stream.feature(Features.VIDEO_EFFECTS)
    await feature.start_effects(Named("Mine"))
    await stream.dispose()
    assert feature.active_effects == ()
    with pytest.raises(InvalidStateError) as started:
        await feature.start_effects(Named("Mine"))
    assert (started.value.code, started.value.sub_code) == (400, 46151)
    with pytest.raises(InvalidStateError) as stopped:
        await feature.stop_effects()
    assert (stopped.value.code, stopped.value.sub_code) == (400, 46157)


async def test_an_effect_that_never_gets_ready_runs_out_of_time(
    feature: VideoEffectsFeature,
) -> None:
    feature.prepare_deadline = 0.01
    with pytest.raises(DeadlineError) as caught:
        await feature.start_effects(Slow())
    assert (caught.value.code, caught.value.sub_code) == (408, 46162)
    assert feature.active_effects == ()


async def test_an_effect_that_fails_to_get_ready_gives_a_typed_error(
    feature: VideoEffectsFeature,
) -> None:
    class Bad(Named):
        async def prepare(self) -> None:
            raise KeyError("weights")

    with pytest.raises(CallingError) as caught:
        await feature.start_effects(Bad("Bad"))
    assert (caught.value.code, caught.value.sub_code) == (500, 46164)


async def test_stopping_waits_for_the_effect_that_is_starting(
    feature: VideoEffectsFeature,
) -> None:
    slow = Slow()
    starting = asyncio.ensure_future(feature.start_effects(slow))
    stopping = asyncio.ensure_future(feature.stop_effects())
    await asyncio.sleep(0)
    slow.ready.set()
    await asyncio.gather(starting, stopping)
    assert feature.active_effects == ()


async def test_a_start_that_takes_long_and_a_low_rate_are_warned_of(
    stream: LocalVideoStream, feature: VideoEffectsFeature
) -> None:
    feature.rate_window = 0.2
    config = BackgroundBlurConfig(effect_init_time_threshold_in_ms=0, fps_warning_threshold=500)
    slow_start = next_event(feature, "timeForEffectsWarningReached")
    low_rate = next_event(feature, "fpsWarningThresholdReached")
    await feature.start_effects(BackgroundBlurEffect(config, segmenter=Nobody()))
    assert await slow_start == (("BackgroundBlur",),)
    reader = await stream.media_source.open()
    assert await low_rate == (("BackgroundBlur",),)
    reader.close()


async def test_effects_stay_when_the_camera_is_switched(
    stream: LocalVideoStream, feature: VideoEffectsFeature
) -> None:
    await feature.start_effects(replacement())
    other = PatternSource(320, 180, 30, color=(30, 180, 30))
    await stream.switch_source(other)
    reader = await stream.media_source.open()
    assert await is_red(reader)
    reader.close()
    await stream.dispose()
    await other.close()
