"""Bandwidth estimates reach those who can act on them, in both directions (REMB)."""

from __future__ import annotations

import asyncio

import pytest

from acs_core.media.sender import SendOptions
from acs_core.media.sources import PatternSource
from acs_core.media.stats import SenderStats
from acs_core.service.app import CallingService
from acs_core.service.sfu.plane import PlaneKind
from acs_core.service.sfu.transport import MediaTransport
from tests.support.events import until
from tests.support.lossy_path import service_behind
from tests.support.media_checks import watch
from tests.support.service_client import Participant, group, participant
from tests.support.session_clients import received, stream
from tests.support.sources import SnowSource

NARROW_BPS = 400_000
PATIENCE = 20.0


def sending(someone: Participant) -> SenderStats:
    publish = someone.session.stats().publish
    assert publish is not None
    (stats,) = publish.senders.values()
    return stats


def downlink(service: CallingService) -> MediaTransport:
    (transport,) = [item for item in service.engine.transports.values() if item.consumers]
    return transport


async def test_a_publisher_takes_the_first_estimate_up_to_its_own_limit(
    service: CallingService,
) -> None:
    options = SendOptions(max_bitrate_bps=1_200_000)
    picture = stream(PatternSource(160, 90, 15), options=options)
    async with participant(service, group(), [picture]) as publisher:
        assert sending(publisher).target_bitrate_bps == 800_000
        # The service grants more than anybody wants until it has measured something.
        await until(lambda: sending(publisher).target_bitrate_bps == 1_200_000)
        publish = publisher.session.stats().publish
        assert publish is not None
        assert publish.available_bitrate_bps is not None
        assert publish.available_bitrate_bps > 1_200_000


@pytest.mark.proof
async def test_a_narrow_uplink_makes_a_publisher_send_less(plane: PlaneKind) -> None:
    place = group()
    async with service_behind(plane.value) as (service, proxy):
        proxy.up.rate_bps = NARROW_BPS
        async with (
            participant(service, place, [stream(SnowSource())]) as publisher,
            participant(service, place) as viewer,
        ):
            await until(
                lambda: (
                    sending(publisher).target_bitrate_bps < NARROW_BPS
                    and proxy.up.free_at < asyncio.get_running_loop().time()
                ),
                deadline=PATIENCE,
            )
            video = await received(viewer, "video")
            frames = video.frames("queue")
            # With the key frame that the reader asks for the queue is full once more.
            await watch(frames, count=15)  # type: ignore[arg-type]
            lost, passed = proxy.up.lost, proxy.up.passed
            await watch(frames, count=45)  # type: ignore[arg-type]
            # Neither pictures nor repairs fill it from then on; before, half of all was lost.
            lost, passed = proxy.up.lost - lost, proxy.up.passed - passed
            assert lost / (lost + passed) < 0.2


async def test_what_a_subscriber_can_receive_is_known_to_the_service() -> None:
    # The subscriber estimates and the transport listens: no plane has a part in it.
    plane = PlaneKind.BATCH
    place = group()
    async with (
        service_behind(plane.value) as (service, proxy),
        participant(service, place, [stream(SnowSource())]),
        participant(service, place) as viewer,
    ):
        await received(viewer, "video")
        await until(lambda: downlink(service).downlink_bps is not None)
        proxy.down.rate_bps = NARROW_BPS
        await until(
            lambda: (downlink(service).downlink_bps or NARROW_BPS) < 1.2 * NARROW_BPS,
            deadline=PATIENCE,
        )
        subscribe = viewer.session.stats().subscribe
        assert subscribe is not None
        assert subscribe.available_bitrate_bps is not None
        assert subscribe.available_bitrate_bps < 1.3 * NARROW_BPS
