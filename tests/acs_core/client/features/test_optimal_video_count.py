from __future__ import annotations

import pytest

from acs_core import Features, Forwarding, InvalidArgumentError, JoinCallOptions, PauseReason
from acs_core.client.features.base import Sampled
from acs_core.media.stats import ReceiverStats
from tests.support.calls import Log, endpoint, joined, publication
from tests.support.fake_session import FakeReceiver, FakeSession

VIDEOS = [publication(number) for number in range(1, 4)]


def prepare(session: FakeSession) -> None:
    session.others.append(endpoint("a", *VIDEOS))
    for item in VIDEOS:
        session.receivers[item.id] = FakeReceiver(str(item.number))
        session.subscribed.add(item.id)


async def test_videos_that_the_service_holds_back_lower_the_count() -> None:
    async with joined(JoinCallOptions(streams=()), prepare=prepare) as (call, session):
        feature = call.feature(Features.OPTIMAL_VIDEO_COUNT)
        log = Log().watch(feature)
        assert (feature.optimal_video_count, feature.last_ovc_change_reason) == (9, "unknown")
        held = Forwarding(publication=VIDEOS[0].id, reason=PauseReason.BUDGET)
        session.observer.on_forwarding((held,))
        for now in (0.0, 1.0):
            feature.handle(Sampled(now))
        assert (feature.optimal_video_count, feature.last_ovc_change_reason) == (2, "bandwidth")
        session.observer.on_forwarding((Forwarding(publication=VIDEOS[0].id),))
        for now in (2.0, 8.0):
            feature.handle(Sampled(now))
        assert feature.optimal_video_count == 3
        assert log.entries == [("optimalVideoCountChanged", ())] * 2
        with pytest.raises(InvalidArgumentError) as caught:
            feature.on("countChanged", lambda: None)
        assert caught.value.sub_code == 45600


async def test_loss_and_a_slow_decoder_are_measured_between_two_looks() -> None:
    for lost, decoded, reason in ((20, 100, "bandwidth"), (0, 50, "performance")):
        async with joined(JoinCallOptions(streams=()), prepare=prepare) as (call, session):
            feature = call.feature(Features.OPTIMAL_VIDEO_COUNT)
            for number in range(4):
                session.receiver_stats["1"] = ReceiverStats(
                    "video",
                    "1",
                    is_read=True,
                    packets_received=100 * number,
                    packets_lost=lost * number,
                    frames_received=100 * number,
                    frames_decoded=decoded * number,
                )
                feature.handle(Sampled(float(number)))
            assert feature.optimal_video_count == 2
            assert feature.last_ovc_change_reason == reason
