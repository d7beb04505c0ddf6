from __future__ import annotations

from dataclasses import replace

import pytest

from acs_core import DiagnosticQuality, Features, JoinCallOptions
from acs_core.client.features.base import Sampled
from acs_core.client.features.diagnostics import DiagnosticChange, judge_loss
from acs_core.errors import Stage, TransportError
from acs_core.media.stats import ReceiverStats, SenderStats
from tests.support.calls import Log, joined

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
            DiagnosticChange("networkReconnect", DiagnosticQuality.BAD, "DiagnosticQuality"),
            DiagnosticChange("noNetwork", True, "DiagnosticFlag"),
            DiagnosticChange("networkReconnect", DiagnosticQuality.GOOD, "DiagnosticQuality"),
            DiagnosticChange("noNetwork", False, "DiagnosticFlag"),
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
