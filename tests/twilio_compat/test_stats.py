from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from acs_core.client.emitter import TaskOwner
from acs_core.core.facts import PublicationKind
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.media.stats import ReceiverStats, SenderStats
from twilio_compat import LocalAudioTrack, LocalVideoTrack
from twilio_compat.option_bags import snake_case
from twilio_compat.publication import make_local_publication, make_remote_publication
from twilio_compat.receiving import ReceiveControl
from twilio_compat.stats import (
    LocalAudioTrackStats,
    LocalVideoTrackStats,
    RemoteAudioTrackStats,
    RemoteVideoTrackStats,
    StatsReport,
    audio_level,
    stats_report,
)

RECORDS = (
    LocalAudioTrackStats,
    LocalVideoTrackStats,
    RemoteAudioTrackStats,
    RemoteVideoTrackStats,
    StatsReport,
)


def core(kind: PublicationKind, stats: object, source: object = None) -> Any:
    return SimpleNamespace(
        id="1" * 32,
        name="x",
        kind=kind,
        priority="standard",
        is_enabled=True,
        stats=stats,
        source=source,
        set_enabled=lambda is_enabled: None,
    )


@pytest.mark.feature("STATS-002")
async def test_a_report_has_four_lists_in_twilios_units() -> None:
    owner: Any = None
    sent = SenderStats(
        kind="x", codec_name="VP8", ssrc=7, round_trip=0.02, jitter=0.003, audio_level=0,
        frame_width=320, frame_height=180, packets_lost=2, input_width=640, input_height=360,
        input_frames_per_second=30.0, frames_per_second=15.0, is_bandwidth_limited=True,
    )  # fmt: skip
    received = ReceiverStats(kind="x", mid="0", jitter=0.004, audio_level=127, freeze_count=3)
    tasks = TaskOwner()
    policy: Any = None
    control = ReceiveControl(policy, None, tasks)
    local = [
        make_local_publication(
            core(PublicationKind.AUDIO, sent, track.sent_source), track, owner, tasks
        )
        if isinstance(track, LocalAudioTrack)
        else make_local_publication(
            core(PublicationKind.VIDEO, sent, track.sent_source), track, owner, tasks
        )
        for track in (LocalAudioTrack(ToneSource()), LocalVideoTrack(PatternSource()))
    ]
    remote = [
        make_remote_publication(core(kind, received), tasks, control)
        for kind in (PublicationKind.AUDIO, PublicationKind.SCREEN)
    ]
    nothing = make_remote_publication(core(PublicationKind.VIDEO, None), tasks, control)
    report = stats_report("PC1", local, [*remote, nothing], now=1.5)
    (audio,) = report.localAudioTrackStats
    (video,) = report.localVideoTrackStats
    (heard,) = report.remoteAudioTrackStats
    (seen,) = report.remoteVideoTrackStats
    assert (audio.audioLevel, audio.roundTripTime, audio.jitter) == (32767, 20.0, 3.0)
    assert (audio.ssrc, audio.codec, audio.timestamp) == ("7", "VP8", 1500.0)
    assert video.dimensions is not None
    assert (video.dimensions.width, video.jitter, video.packetsLost) == (320, None, 2)
    assert video.captureDimensions is not None
    assert (video.captureDimensions.width, video.captureDimensions.height) == (640, 360)
    assert (video.captureFrameRate, video.frameRate) == (30.0, 15.0)
    assert video.qualityLimitationReason == "bandwidth"
    assert (heard.audioLevel, heard.jitter, heard.codec) == (0, 4.0, None)
    assert (seen.freezeCount, seen.dimensions, seen.trackSid) == (3, None, "MT" + "1" * 32)


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_each_field_is_read_in_either_spelling(kind: type) -> None:
    names = [field.name for field in fields(kind)]
    record = kind(**{name: number for number, name in enumerate(names)})
    for number, name in enumerate(names):
        assert getattr(record, name) == getattr(record, snake_case(name)) == number


def test_audio_levels() -> None:
    assert audio_level(None) is None
    assert audio_level(20) == 3277
