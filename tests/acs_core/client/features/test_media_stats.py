from __future__ import annotations

import pytest

from acs_core import (
    Features,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    MediaStatsCollectorOptions,
    StreamOptions,
)
from acs_core.client.features.base import Sampled
from acs_core.core.facts import PublicationKind
from acs_core.media.sources import ToneSource
from acs_core.media.stats import ReceiverStats, SenderStats
from tests.support.calls import Log, endpoint, joined, publication
from tests.support.fake_session import FakeReceiver, FakeSession

VIDEO = publication(1)
SCREEN = publication(2, PublicationKind.SCREEN)


def prepare(session: FakeSession) -> None:
    session.others.append(endpoint("a", VIDEO, SCREEN))
    session.receivers[VIDEO.id] = FakeReceiver("0")
    session.subscribed.add(VIDEO.id)


def voice() -> JoinCallOptions:
    """Options to join with a tone; a source belongs to one event loop."""
    return JoinCallOptions(streams=(StreamOptions(ToneSource(440), name="voice"),))


@pytest.mark.feature("STATS-001", "STATS-004", "STATS-005", "STATS-007")
async def test_samples_become_summaries() -> None:
    async with joined(voice(), prepare=prepare) as (call, session):
        feature = call.feature(Features.MEDIA_STATS)
        collector = feature.create_collector(MediaStatsCollectorOptions(2, 2))
        log = Log().watch(collector)
        key = session.stream("voice").key
        for index in range(1, 5):
            session.sender_stats[key] = SenderStats(
                "audio", codec_name="opus", packets_sent=50 * index, audio_level=0
            )
            session.receiver_stats["0"] = ReceiverStats(
                "video",
                "0",
                packets_received=100 * index,
                frame_width=640,
                frames_received=10 * index,
                keyframes_decoded=1,
                longest_freeze=0.25,
            )
            feature.handle(Sampled(float(index)))
        assert log.names == ["sampleReported"] * 4 + ["summaryReported"]
        sample = log.entries[1][1][0]
        assert sample.audio.send[0].packets == 100
        assert sample.audio.send[0].audio_input_level == 65535
        assert sample.audio.send[0].packets_per_second > 0
        assert sample.video.receive[0].frame_width_received == 640
        assert sample.video.receive[0].stream_id == VIDEO.number
        assert sample.video.receive[0].frames_received == 20
        assert sample.video.receive[0].key_frames_decoded == 1
        assert sample.video.receive[0].longest_freeze_duration_in_ms == 250
        assert sample.video.receive[0].jitter_buffer_delay_in_ms is None
        assert sample.screen_share.receive == ()
        summary = log.entries[4][1][0]
        packets = summary.video.receive[0].packets
        assert packets.raw == (200, 400)
        assert packets.aggregation.sum == (300, 700)
        assert packets.aggregation.count == (2, 2)
        assert summary.video.receive[0].frames_received.raw == (20, 40)
        assert summary.audio.receive == ()
        assert [item.id for item in summary.transports] == ["publish", "subscribe"]
        codec = summary.audio.send[0].codec_name
        assert (codec.raw, codec.aggregation) == (("opus", "opus"), None)
        collector.dispose()
        collector.dispose()
        feature.handle(Sampled(9.0))
        assert len(log.entries) == 5


@pytest.mark.feature("STATS-003", "STATS-006")
async def test_intervals_below_one_are_refused() -> None:
    assert MediaStatsCollectorOptions() == MediaStatsCollectorOptions(10, 6)
    async with joined(voice()) as (call, _):
        feature = call.feature(Features.MEDIA_STATS)
        for options, code in (
            (MediaStatsCollectorOptions(0, 6), 45550),
            (MediaStatsCollectorOptions(10, 0), 45551),
        ):
            with pytest.raises(InvalidArgumentError) as caught:
                feature.create_collector(options)
            assert caught.value.sub_code == code


@pytest.mark.feature("STATS-008")
async def test_collectors_end_with_the_call() -> None:
    async with joined(voice()) as (call, _):
        feature = call.feature(Features.MEDIA_STATS)
        log = Log().watch(feature.create_collector())
        await call.hang_up()
        feature.handle(Sampled(1.0))
        assert log.names == []
        with pytest.raises(InvalidStateError) as caught:
            feature.create_collector()
        assert caught.value.sub_code == 45552
