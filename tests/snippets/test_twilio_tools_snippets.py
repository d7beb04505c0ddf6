"""The Twilio programs of the migration guides: processors of videos, and preflight tests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from acs_core.media.sinks import FrameSurface
from tests.features.test_effects import near, shirt, wall
from tests.features.test_video_processors import detail
from tests.support.events import next_event, until
from tests.support.people import Meeting
from tests.support.person import SHIRT, WALL, PersonScene, PersonSource
from twilio_compat import LocalVideoTrack, runPreflight
from twilio_compat.processors import GaussianBlurBackgroundProcessor

STEPS = ["mediaAcquired", "connected", "mediaSubscribed", "iceConnected", "dtlsConnected"]
STEPS += ["peerConnectionConnected", "mediaStarted"]


@pytest.mark.feature("BG-001", "BG-002", "BG-003")
async def test_bg_001_bg_002_bg_003_blur_the_background(place: Meeting) -> None:
    """The guide adds a processor under a name that it has not defined, with types of old ones."""
    other = await place.guest("tom")
    subscribed = next_event(other, "trackSubscribed")
    video_track = LocalVideoTrack(PersonSource(PersonScene(320, 180, sway=0.04)))
    await place.guest("tina", tracks=[video_track])
    surface = (await subscribed)[0].attach()
    assert isinstance(surface, FrameSurface)
    await until(lambda: not surface.is_blank and near(wall(surface.image), WALL))
    sharp = detail(surface.image)

    blur_processor = GaussianBlurBackgroundProcessor({"assetsPath": "virtualbackground/"})
    await blur_processor.loadModel()
    options = {
        "inputFrameBufferType": "videoframe",
        "outputFrameBufferContextType": "bitmaprenderer",
    }
    with pytest.raises(ValueError, match="inputFrameBufferType"):
        video_track.addProcessor(blur_processor, {"inputFrameBufferType": "nonsense"})
    video_track.addProcessor(blur_processor, options)

    assert video_track.processor is blur_processor
    assert video_track.processedTrack is not None
    with pytest.raises(RuntimeError):
        video_track.addProcessor(blur_processor, options)
    await until(lambda: detail(surface.image) < sharp / 2)
    assert near(shirt(surface.image), SHIRT)
    video_track.stop()
    await video_track.closed()


@pytest.mark.feature("PREFLIGHT-001", "PREFLIGHT-002", "PREFLIGHT-004")
async def test_preflight_001_preflight_002_preflight_004_test_the_way(place: Meeting) -> None:
    token = place.server.access_token("tina")
    steps: list[str] = []
    failed: list[Any] = []

    preflight_test = runPreflight(token, {"duration": 500, "serviceUrl": place.url})
    preflight_test.on("progress", steps.append)
    preflight_test.on("failed", lambda error, _report: failed.append(error))
    (report,) = await next_event(preflight_test, "completed")

    assert (steps, failed) == (STEPS, [])
    assert report.testTiming.duration > 500
    assert report.networkTiming.media.duration > 0
    assert report.stats.rtt.average > 0
    assert report.iceCandidateStats
    assert report.selectedIceCandidatePairStats.localCandidate.candidateType == "host"
    assert [event.name for event in report.progressEvents] == STEPS
    await preflight_test.closed()


@pytest.mark.feature("PREFLIGHT-003")
async def test_preflight_003_a_wrong_token_fails_once(place: Meeting) -> None:
    told: list[str] = []
    preflight_test = runPreflight("no token", {"serviceUrl": place.url})
    preflight_test.on("completed", lambda _report: told.append("completed"))
    preflight_test.on("failed", lambda error, report: told.append(f"{error.code} {report.stats}"))
    async with asyncio.timeout(10):
        await preflight_test.closed()
    (only,) = told
    assert only.startswith("20101 ")
