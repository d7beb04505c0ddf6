"""The test before a room: over a real service with real media, and where there is none."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from acs_core.core import endings
from tests.support.events import until
from tests.support.people import meeting
from tests.support.proxies import udp_proxy
from twilio_compat import TwilioError
from twilio_compat.preflight import (
    PreflightStoppedError,
    PreflightTest,
    run_preflight,
    runPreflight,
)
from twilio_compat.preflight_report import PreflightProgress, PreflightTestReport

STEPS = [str(step) for step in PreflightProgress]


class Heard:
    """Everything that a test tells."""

    def __init__(self, test: PreflightTest) -> None:
        self.test = test
        self.steps: list[str] = []
        self.reports: list[PreflightTestReport] = []
        self.failures: list[tuple[Any, PreflightTestReport]] = []
        test.on("progress", self.steps.append)
        test.on("completed", self.reports.append)
        test.on("failed", lambda error, report: self.failures.append((error, report)))

    async def end(self, deadline: float = 45.0) -> None:
        async with asyncio.timeout(deadline):
            await self.test.closed()


@pytest.mark.feature("PREFLIGHT-001", "PREFLIGHT-002", "PREFLIGHT-004")
async def test_a_test_goes_through_all_steps_and_reports_in_twilios_units() -> None:
    async with meeting() as place:
        # A token for one room passes, and its participant stays.
        room = await place.guest("alice")
        token = place.server.access_token("alice", room="another")
        heard = Heard(run_preflight(token, duration=1500, service_url=place.url))
        assert heard.steps == []
        await heard.end()
        assert heard.failures == []
        (report,) = heard.reports
        assert heard.steps == STEPS
        assert [event.name for event in report.progressEvents] == STEPS
        durations = [event.duration for event in report.progressEvents]
        assert durations == sorted(durations)
        whole, timing = report.testTiming, report.networkTiming
        assert whole.duration == pytest.approx(whole.end - whole.start, abs=1)
        assert 1500 < whole.duration < 40_000
        for part in (timing.connect, timing.ice, timing.dtls, timing.peerConnection, timing.media):
            assert part is not None
            assert whole.start <= part.start <= part.end <= whole.end
        stats = report.stats
        assert stats.jitter is not None
        assert 0 <= stats.jitter.min <= stats.jitter.average <= stats.jitter.max < 1
        assert stats.rtt is not None
        assert 0 < stats.rtt.min <= stats.rtt.average <= stats.rtt.max < 5000
        assert stats.packetLoss is not None
        assert 0 <= stats.packetLoss.average < 20
        pair = report.selectedIceCandidatePairStats
        assert pair is not None
        assert {pair.localCandidate, pair.remoteCandidate} <= set(report.iceCandidateStats)
        assert pair.remoteCandidate.port == place.server.media_port
        assert (pair.localCandidate.candidateType, pair.localCandidate.protocol) == ("host", "udp")
        assert room.state == "connected"
        await until(lambda: len(place.server.calls.live) == 1)


@pytest.mark.feature("PREFLIGHT-003")
@pytest.mark.parametrize(("token", "code"), [("garbage", 20101), ("", 20101), ("expired", 20104)])
async def test_a_bad_token_fails_once(token: str, code: int) -> None:
    async with meeting(token_skew=0) as place:
        if token == "expired":
            token = place.server.access_token("alice", ttl=1)
            made = time.time()
            await until(lambda: time.time() > made + 2)
        heard = Heard(runPreflight(token, {"duration": 500, "serviceUrl": place.url}))
        await heard.end()
        ((error, report),) = heard.failures
        assert isinstance(error, TwilioError)
        assert error.code == code
        assert heard.reports == []
        assert heard.steps == [event.name for event in report.progressEvents] == STEPS[:1]
        assert report.networkTiming.connect is None
        assert (report.stats.rtt, report.selectedIceCandidatePairStats) == (None, None)


@pytest.mark.feature("PREFLIGHT-003")
async def test_a_service_that_is_not_there_fails_with_53000() -> None:
    heard = Heard(run_preflight(_token(), service_url="http://127.0.0.1:9"))
    await heard.end()
    ((error, _),) = heard.failures
    assert error.code == 53000


@pytest.mark.feature("PREFLIGHT-003")
async def test_media_that_does_not_come_through_fails_with_53405() -> None:
    async with (
        meeting(public_address="127.0.0.2") as place,
        udp_proxy(place.server.media_port) as proxy,
    ):
        proxy.is_cut = True
        heard = Heard(
            run_preflight(place.server.access_token("alice"), service_url=place.url, duration=500)
        )
        await heard.end()
        ((error, report),) = heard.failures
        assert error.code == 53405
        assert [event.name for event in report.progressEvents] == STEPS[:1]


@pytest.mark.feature("PREFLIGHT-001")
async def test_a_test_that_is_stopped_fails_and_leaves_nothing() -> None:
    async with meeting() as place:
        test = run_preflight(place.server.access_token("alice"), service_url=place.url)
        heard = Heard(test)
        await until(lambda: heard.steps == STEPS)
        test.stop()
        test.stop()
        await heard.end()
        ((error, report),) = heard.failures
        assert isinstance(error, PreflightStoppedError)
        assert str(error) == "stopped"
        assert [event.name for event in report.progressEvents] == STEPS
        await until(lambda: not place.server.calls.live)
        assert place.server.sessions == 0


async def test_a_test_that_is_stopped_at_once_says_so() -> None:
    test = run_preflight(_token(), service_url="http://127.0.0.1:9")
    heard = Heard(test)
    test.stop()
    await heard.end()
    ((error, _),) = heard.failures
    assert isinstance(error, PreflightStoppedError)


async def test_a_service_that_goes_during_the_test_fails_it() -> None:
    async with meeting() as place:
        token = place.server.access_token("alice")
        heard = Heard(run_preflight(token, service_url=place.url, duration=60_000))
        await until(lambda: heard.steps == STEPS)
        (live,) = place.server.calls.live.values()
        live.end(endings.ROOM_COMPLETED)
        await heard.end(10.0)
        ((error, report),) = heard.failures
        assert error.code == 53118
        assert report.stats.jitter is not None
        assert heard.reports == []


async def test_media_that_is_lost_at_the_end_of_the_test_fails_it() -> None:
    async with (
        meeting(public_address="127.0.0.2") as place,
        udp_proxy(place.server.media_port) as proxy,
    ):
        token = place.server.access_token("alice")
        heard = Heard(run_preflight(token, service_url=place.url, duration=8_000))
        await until(lambda: heard.steps == STEPS)
        proxy.is_cut = True
        await heard.end()
        ((error, _),) = heard.failures
        assert error.code == 53405
        assert "Check the network" in str(error)
        assert heard.reports == []


@pytest.mark.feature("PREFLIGHT-001")
async def test_arguments_are_checked_at_once() -> None:
    with pytest.raises(TypeError, match="token"):
        run_preflight(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="duration"):
        run_preflight("x", {"duration": "10"})
    with pytest.raises(ValueError, match="duration"):
        run_preflight("x", duration=0)
    with pytest.raises(TypeError, match="durations"):
        run_preflight("x", {"durations": 10})


def _token() -> str:
    from twilio_compat import AccessToken

    return AccessToken(f"AC{'0' * 32}", f"SK{'0' * 32}", "secret" * 8, "alice").to_jwt()
