"""`runPreflight`: a TURN server of ours, with credentials of ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interop.stage import MakeStage, Stage
from tests.interop.values import PageError
from tests.support.turn_server import turn_server

RUN = """(_, harness, {token, wsServer, duration}) => new Promise((resolve, reject) => {
    const steps = [];
    const test = Twilio.Video.runPreflight(token, {wsServer, duration, logLevel: 'off'});
    test.on('progress', step => steps.push(step));
    test.on('completed', report => resolve({steps, report}));
    test.on('failed', error => reject(error));
})"""
STEPS = [
    "mediaAcquired",
    "connected",
    "mediaSubscribed",
    "iceConnected",
    "dtlsConnected",
    "peerConnectionConnected",
    "mediaStarted",
]


@pytest.mark.timeout(90)
async def test_preflight_passes_through_coturn(make_stage: MakeStage) -> None:
    async with turn_server() as turn:
        stage = await make_stage(**turn.settings)
        page = await stage.page("alice")
        outcome = await page.run(
            RUN,
            {
                "token": stage.server.access_token("alice"),
                "wsServer": page.options["wsServer"],
                "duration": 3000,
            },
            deadline=60,
        )
        assert sorted(outcome["steps"]) == sorted(STEPS)
        report = outcome["report"]
        assert report["selectedIceCandidatePairStats"]["localCandidate"]["candidateType"] == "relay"
        assert report["stats"]["packetLoss"]["average"] < 20
        _check_report(report)
        await page.close()


def _check_report(report: dict[str, Any]) -> None:
    """Every part of it that the declarations of the vendor's client have."""
    network = report["networkTiming"]
    assert set(network) == {"connect", "dtls", "ice", "peerConnection", "media"}
    for timing in (report["testTiming"], *network.values()):
        assert timing["end"] - timing["start"] == timing["duration"] >= 0
    for figures in (report["stats"][name] for name in ("jitter", "rtt", "packetLoss")):
        assert figures["min"] <= figures["average"] <= figures["max"]
    assert sorted(step["name"] for step in report["progressEvents"]) == sorted(STEPS)
    assert all(step["duration"] >= 0 for step in report["progressEvents"])
    pair = report["selectedIceCandidatePairStats"]
    for candidate in (*pair.values(), *report["iceCandidateStats"]):
        assert candidate["transportId"]
        assert candidate["address"]
        assert candidate["port"] > 0
        assert candidate["priority"] > 0
        assert candidate["protocol"] in ("tcp", "udp")
    relay = pair["localCandidate"]
    assert relay["relayProtocol"] in ("tcp", "udp")
    assert relay["url"].startswith("turn:")
    assert pair["remoteCandidate"]["candidateType"]


async def test_preflight_tells_of_a_bad_token(stage: Stage) -> None:
    page = await stage.page("alice")
    with pytest.raises(PageError) as caught:
        await page.run(
            RUN,
            {"token": "garbage", "wsServer": page.options["wsServer"], "duration": 3000},
            deadline=40,
        )
    assert caught.value.code == 20101


async def test_a_room_is_joined_through_coturn(make_stage: MakeStage) -> None:
    """A page that may use relays only."""
    async with turn_server() as turn:
        stage = await make_stage(**turn.settings)
        alice = await stage.joined("alice", media=None, iceTransportPolicy="relay")
        bob = await stage.joined("bob")
        await bob.until("(_, harness) => harness.framesShown('alice', null) > 5")
        pairs = await alice.run(
            """async room => (await room.getStats()).map(
                () => room.localParticipant.networkQualityLevel)"""
        )
        assert len(pairs) == 1
        await alice.close()
        await bob.close()
