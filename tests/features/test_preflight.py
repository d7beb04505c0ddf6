"""The test of a Twilio program before it enters a room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.events import next_event
from tests.support.people import Meeting, meeting
from twilio_compat import (
    PreflightStoppedError,
    PreflightTest,
    PreflightTestReport,
    TwilioError,
    runPreflight,
)

STEPS = ["mediaAcquired", "connected", "mediaSubscribed", "mediaStarted"]


@pytest.fixture
async def place() -> AsyncIterator[Meeting]:
    async with meeting() as running:
        yield running


def written(test: PreflightTest) -> list[tuple[str, Any]]:
    """What a test tells."""
    story: list[tuple[str, Any]] = []
    for event in ("progress", "completed", "failed"):
        test.on(event, lambda *given, event=event: story.append((event, given)))
    return story


@pytest.mark.feature("PREFLIGHT-001", "PREFLIGHT-002", "PREFLIGHT-004")
async def test_a_test_measures_the_way_and_enters_no_room(place: Meeting) -> None:
    room = await place.guest("ann")
    token = place.server.access_token("ann")
    test = runPreflight(token, {"duration": 1500, "serviceUrl": place.url})
    story = written(test)
    (report,) = await next_event(test, "completed")
    assert isinstance(report, PreflightTestReport)
    await test.closed()
    assert [given[0] for event, given in story if event == "progress"] == STEPS
    assert [event for event, _ in story if event != "progress"] == ["completed"]
    assert [one.name for one in report.progressEvents] == STEPS
    durations = [one.duration for one in report.progress_events]
    assert durations == sorted(durations)
    assert report.testTiming.duration is not None
    assert report.testTiming.duration >= 1500
    assert report.networkTiming.connect is not None
    assert report.network_timing.media is not None
    assert report.stats.packetLoss is not None
    assert report.stats.packet_loss is not None
    assert report.stats.packetLoss.average < 20
    assert report.stats.jitter is not None
    assert 0 <= report.stats.jitter.min <= report.stats.jitter.average <= report.stats.jitter.max
    assert report.stats.jitter.max < 1
    pair = report.selectedIceCandidatePairStats
    assert pair is not None
    assert (pair.localCandidate.candidateType, pair.remote_candidate.candidate_type) == (
        "host",
        "host",
    )
    assert report.iceCandidateStats == [pair.local_candidate, pair.remoteCandidate]
    # The identity is in a room meanwhile, and stays there.
    assert room.state == "connected"


@pytest.mark.feature("PREFLIGHT-003")
async def test_a_bad_token_fails_once_and_never_completes(place: Meeting) -> None:
    test = runPreflight("garbage", duration=1000, service_url=place.url)
    story = written(test)
    error, report = await next_event(test, "failed")
    await test.closed()
    assert isinstance(error, TwilioError)
    assert error.code == 20101
    assert error.__cause__ is not None
    assert report.networkTiming.connect is None
    assert report.stats.jitter is None
    assert report.selectedIceCandidatePairStats is None
    assert [event for event, _ in story if event != "progress"] == ["failed"]


@pytest.mark.feature("PREFLIGHT-001")
async def test_a_test_can_be_stopped(place: Meeting) -> None:
    token = place.server.access_token("ann")
    test = runPreflight(token, duration=60_000, service_url=place.url)
    await next_event(test, "progress", lambda name: name == "connected")
    told = next_event(test, "failed")
    test.stop()
    error, report = await told
    assert isinstance(error, PreflightStoppedError)
    assert str(error) == "stopped"
    assert report.networkTiming.connect is not None
    await test.closed()
    test.stop()


@pytest.mark.parametrize(
    ("token", "options", "error"),
    [
        (3, {}, TypeError),
        ("t", {"durations": 1}, TypeError),
        ("t", {"duration": "long"}, TypeError),
        ("t", {"duration": True}, TypeError),
        ("t", {"duration": 0}, ValueError),
    ],
)
async def test_what_is_no_test_is_refused(
    token: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        runPreflight(token, options)
