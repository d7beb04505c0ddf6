from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from acs_core import (
    CallClient,
    CallClientOptions,
    CallLimits,
    DiagnosticChangedEventArgs,
    DiagnosticQuality,
    Features,
    GroupCallLocator,
    JoinCallOptions,
    LocalAudioStream,
    LocalVideoStream,
    SourceUnavailableError,
    VideoDeviceInfo,
    VideoDeviceType,
    VideoOptions,
)
from acs_core.client.features.base import Sampled
from acs_core.client.features.diagnostics import SilenceWatch, SpeechThrottle, judge_loss
from acs_core.errors import MediaError, Stage, TransportError
from acs_core.media.sources import MediaFrame, MediaSource, PatternSource, ToneSource
from acs_core.media.stats import ReceiverStats, SenderStats
from tests.support.calls import Log, credential, joined
from tests.support.events import next_event, until
from tests.support.fake_session import FakeLink

NOTHING = JoinCallOptions(streams=())


@pytest.mark.parametrize(
    ("lost", "arrived", "quality"),
    [
        (0, 9, None),
        (0, 10, DiagnosticQuality.GOOD),
        (5, 95, DiagnosticQuality.GOOD),
        (6, 94, DiagnosticQuality.POOR),
        (16, 84, DiagnosticQuality.BAD),
        (-3, 100, DiagnosticQuality.GOOD),
    ],
)
@pytest.mark.feature("DIAG-005")
def test_loss_is_judged(lost: int, arrived: int, quality: DiagnosticQuality | None) -> None:
    assert judge_loss(lost, arrived) is quality


@pytest.mark.feature("DIAG-003", "DIAG-004", "DIAG-006")
async def test_a_lost_network_is_told_with_value_and_type() -> None:
    async with joined(NOTHING) as (call, session):
        network = call.feature(Features.USER_FACING_DIAGNOSTICS).network
        log = Log().watch(network)
        session.lose(TransportError("gone", stage=Stage.SIGNALING))
        session.restore()
        assert [args[0] for _, args in log.entries] == [
            DiagnosticChangedEventArgs(
                "networkReconnect", DiagnosticQuality.BAD, "DiagnosticQuality"
            ),
            DiagnosticChangedEventArgs("noNetwork", True, "DiagnosticFlag"),
            DiagnosticChangedEventArgs(
                "networkReconnect", DiagnosticQuality.GOOD, "DiagnosticQuality"
            ),
            DiagnosticChangedEventArgs("noNetwork", False, "DiagnosticFlag"),
        ]


@pytest.mark.feature("DIAG-001")
async def test_loss_that_lasts_is_told_and_taken_back() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.USER_FACING_DIAGNOSTICS)
        log = Log().watch(feature.network)
        stats = ReceiverStats("video", "1")
        for lost in (0, 0, 50, 50, 0, 0):
            stats = replace(
                stats,
                packets_received=stats.packets_received + 100,
                packets_lost=stats.packets_lost + lost,
            )
            session.receiver_stats["1"] = stats
            feature.handle(Sampled(0.0))
        assert [(args[0].diagnostic, args[0].value) for _, args in log.entries] == [
            ("networkReceiveQuality", DiagnosticQuality.BAD),
            ("networkReceiveQuality", DiagnosticQuality.GOOD),
        ]


async def test_devices_that_stand_still_or_speak_unheard_are_told() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.USER_FACING_DIAGNOSTICS)
        session.sender_stats = {
            "camera": SenderStats("video", frames_encoded=9, packets_sent=9),
            "microphone": SenderStats("audio", is_enabled=False, audio_level=20),
        }
        for _ in range(3):
            feature.handle(Sampled(0.0))
        latest = feature.media.get_latest()
        assert latest["cameraFreeze"].value is True
        assert latest["speakingWhileMicrophoneIsMuted"].value is True
        assert latest["microphoneNotFunctioning"].value is False
        assert "noMicrophoneDevicesEnumerated" in latest


def test_speech_into_a_muted_microphone_is_told_once_per_interval() -> None:
    throttle = SpeechThrottle(180.0)
    script = [(0.0, True), (1.0, True), (2.0, False), (3.0, True), (179.0, True), (180.0, True)]
    assert [throttle.see(speaks, now) for now, speaks in script] == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]


def test_a_microphone_is_dead_after_the_window_of_silence() -> None:
    watch = SilenceWatch(5.0)
    script = [(0.0, True), (4.9, True), (5.0, True), (6.0, False), (7.0, True), (11.0, True)]
    assert [watch.see(silent, now) for now, silent in script] == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]


async def test_a_dead_microphone_and_relays_out_of_reach_are_told_and_taken_back() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.USER_FACING_DIAGNOSTICS)
        silent = SenderStats("audio", audio_level=127, input_frames_per_second=50)
        session.sender_stats = {"microphone": silent}
        session.has_relay_failed = True
        for now in (0.0, 5.0):
            feature.handle(Sampled(now))
        media, network = feature.media.get_latest(), feature.network.get_latest()
        assert media.microphone_not_mute_but_silent is not None
        assert media.microphone_not_mute_but_silent.value is True
        assert network["networkRelaysNotReachable"].value is True
        session.sender_stats = {"microphone": replace(silent, audio_level=50)}
        session.has_relay_failed = False
        feature.handle(Sampled(6.0))
        assert media["microphoneNotMuteButSilent"].value is False
        assert network["networkRelaysNotReachable"].value is False
        assert media.camera_start_failed is None


class Camera(PatternSource):
    """A camera that hangs while it opens, or fails when told to."""

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__(96, 48)
        self.fails = asyncio.Event()
        self._hangs = hangs

    async def _prepare(self) -> None:
        if self._hangs:
            await asyncio.Event().wait()

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        await self.fails.wait()
        raise MediaError("unplugged")
        yield


def device(source: MediaSource) -> VideoDeviceInfo:
    return VideoDeviceInfo("camera", "camera", VideoDeviceType.USB_CAMERA, lambda: source)


def denied() -> MediaSource:
    raise SourceUnavailableError("no", code=403, sub_code=43001)


async def test_devices_that_must_not_be_used_or_hang_are_told_apart() -> None:
    limits = CallClientOptions(sample_interval=3600.0, limits=CallLimits(device_start=0.01))
    async with joined(NOTHING, client=limits) as (call, _):
        latest = call.feature(Features.USER_FACING_DIAGNOSTICS).media.get_latest()
        forbidden = LocalVideoStream(VideoDeviceInfo("x", "x", VideoDeviceType.USB_CAMERA, denied))
        with pytest.raises(SourceUnavailableError):
            await call.start_video(forbidden)
        assert latest["cameraPermissionDenied"].value is True
        with pytest.raises(SourceUnavailableError):
            await call.start_screen_sharing(forbidden)
        assert latest["screenshareRecordingDisabled"].value is True
        with pytest.raises(SourceUnavailableError) as caught:
            await call.start_video(LocalVideoStream(device(Camera(hangs=True))))
        assert (caught.value.code, caught.value.sub_code) == (412, 43015)
        assert latest["cameraStartTimedOut"].value is True
        assert "cameraStartFailed" not in latest
        camera = LocalVideoStream(device(Camera()))
        await call.start_video(camera)
        assert latest["cameraPermissionDenied"].value is False
        assert latest["cameraStartTimedOut"].value is False
        assert latest["screenshareRecordingDisabled"].value is True
        await camera.dispose()


async def test_a_camera_that_fails_in_the_call_is_told_until_it_is_stopped() -> None:
    source = Camera()
    camera = LocalVideoStream(device(source))
    async with joined(JoinCallOptions(VideoOptions((camera,)), streams=())) as (call, session):
        media = call.feature(Features.USER_FACING_DIAGNOSTICS).media
        assert media.get_latest()["cameraStoppedUnexpectedly"].value is False
        reader = await source.open()
        told = next_event(media, "diagnosticChanged")
        source.fails.set()
        (change,) = await told
        assert (change.diagnostic, change.value) == ("cameraStoppedUnexpectedly", True)
        reader.close()
        await call.stop_video(camera)
        assert media.get_latest()["cameraStoppedUnexpectedly"].value is False
        await camera.dispose()
    del session


async def test_a_missing_microphone_is_told_until_there_is_one() -> None:
    options = CallClientOptions(sample_interval=0.01)
    link = FakeLink()
    async with CallClient(options, link_factory=link.factory) as client:
        the_agent = await client.create_call_agent(credential())
        devices = await client.get_device_manager()
        call = await the_agent.join(GroupCallLocator(str(uuid.uuid4())), NOTHING).connected()
        latest = call.feature(Features.USER_FACING_DIAGNOSTICS).media.get_latest()
        name = "noMicrophoneDevicesEnumerated"
        was_missing = not await devices.get_microphones()
        assert latest[name].value is was_missing
        devices.add_virtual_microphone("tone", ToneSource)
        await until(lambda: latest[name].value is False)


async def test_what_the_service_misses_of_ours_is_bad_sending() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.USER_FACING_DIAGNOSTICS)
        values = []
        for number, lost in enumerate((0.0, 0.0, 0.2, 0.2, 0.0, 0.0)):
            session.sender_stats = {
                "camera": SenderStats(
                    "video",
                    packets_sent=100 * (number + 1),
                    fraction_lost=lost,
                    input_frames_per_second=30,
                )
            }
            feature.handle(Sampled(float(number)))
            latest = feature.network.get_latest().network_send_quality
            values.append(None if latest is None else latest.value)
        good, bad = DiagnosticQuality.GOOD, DiagnosticQuality.BAD
        assert values == [None, good, good, bad, bad, good]


class Microphone(ToneSource):
    """A microphone that fails when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = asyncio.Event()

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        await self.fails.wait()
        raise MediaError("unplugged")
        yield


async def test_a_microphone_or_screen_that_fails_in_the_call_is_told() -> None:
    microphone, screen = Microphone(), Camera()
    async with joined(NOTHING) as (call, _):
        await call.start_audio(LocalAudioStream(microphone))
        await call.start_screen_sharing(LocalVideoStream(screen))
        latest = call.feature(Features.USER_FACING_DIAGNOSTICS).media.get_latest()
        for source, name in (
            (microphone, "microphoneMuteUnexpectedly"),
            (screen, "capturerStoppedUnexpectedly"),
        ):
            assert latest[name].value is False
            reader = await source.open()
            source.fails.set()
            await until(lambda told=name: latest[told].value is True)
            reader.close()
        await call.stop_audio()
        await call.stop_screen_sharing()
        assert latest["microphoneMuteUnexpectedly"].value is False
        assert latest["capturerStoppedUnexpectedly"].value is False
