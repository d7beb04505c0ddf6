"""Reports of network quality and their answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from acs_core import wire
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.sfu.quality import ClientReport
from tests.support.signaling_channels import READY, principal, room, talking, wired

STREAM = wire.StreamQuality(
    bandwidth=5,
    latency=4,
    loss=3,
    actual_bps=1000.0,
    available_bps=2000.0,
    jitter=0.01,
    round_trip=0.2,
    fraction_lost=0.05,
)
STATS = {
    "bandwidth": {"actual": 1000.0, "available": 2000.0, "level": 5},
    "latency": {"jitter": 0.01, "rtt": 0.2, "level": 4},
    "fractionLost": {"fractionLost": 0.05, "level": 3},
}
NO_STATS = {
    "bandwidth": {"actual": None, "available": None, "level": 5},
    "latency": {"jitter": None, "rtt": None, "level": 5},
    "fractionLost": {"fractionLost": None, "level": 5},
}


def level_of(endpoint: Endpoint, level: int) -> wire.QualityLevel:
    details = wire.QualityDetails(video_send=STREAM)
    return wire.QualityLevel(endpoint=endpoint.id, level=level, video_send=3, details=details)


MEDIA = {"audio": {"send": 5, "recv": 5}, "video": {"send": 3, "recv": 5}}
FULL = {
    "audio": {"send": 5, "recv": 5, "sendStats": NO_STATS, "recvStats": NO_STATS},
    "video": {"send": 3, "recv": 5, "sendStats": STATS, "recvStats": NO_STATS},
}


@pytest.mark.parametrize(
    ("local", "remote", "own", "others"),
    [
        (1, 0, 3, None),
        (1, 1, 3, {"level": 4}),
        (2, 2, {"level": 3, **MEDIA}, {"level": 4, **MEDIA}),
        (3, 3, {"level": 3, **FULL}, {"level": 4, **FULL}),
        (9, -1, {"level": 3, **FULL}, None),
    ],
)
async def test_each_report_is_answered_as_verbosely_as_it_asks(
    local: int, remote: int, own: object, others: dict[str, Any] | None
) -> None:
    ours, theirs, *_ = room()
    ours.call.quality_changed((level_of(ours, 3), level_of(theirs, 4)))
    async with talking(ours) as (page, signaling):
        assert ours.policy.quality
        page.say("network_quality", READY)
        page.say(
            "network_quality",
            {
                "type": "network_quality",
                "ice": {"availableSend": 300000, "recv": 0, "rtt": 0.05, "send": 0},
                "send": {"bitrate": 0},
                "recv": {"bitrate": 0},
                "audio": {"send": {}, "recv": {}},
                "video": {"send": {}, "recv": {}},
                "reportLevel": local,
                "remoteReportLevel": remote,
            },
        )
        answer = await page.hear("network_quality")
        expected: dict[str, Any] = {"type": "network_quality", "local": own}
        if others is not None:
            expected["remotes"] = [{"sid": f"PA{theirs.id}", **others}]
        assert answer == expected
        assert signaling.client_report == ClientReport(300000, 0.05)


async def test_details_that_are_too_long_for_the_client_are_left_out_and_levels_are_not() -> None:
    ours, *_ = room()
    call = ours.call
    others = [
        call.join(f"{number:032x}", principal(f"guest {number}"), EndpointObserver())
        for number in range(48)
    ]
    everybody = list(call.endpoints.values())
    assert len(everybody) == 50
    call.quality_changed(tuple(level_of(end, 4) for end in everybody))
    channels, _ = wired(ours)
    channel = channels["network_quality"]
    report = {"type": "network_quality", "reportLevel": 3, "remoteReportLevel": 3}
    channel.hear(READY, report)
    whole = channel.sent.pop()
    assert whole["remotes"][-1] == {"sid": f"PA{others[-1].id}", "level": 4, **FULL}
    # To which RFC 8831 section 6.6 advises to keep messages.
    channel.limit = 16 * 1024
    assert len(json.dumps(whole)) > channel.limit
    channel.hear(report)
    (short,) = channel.sent
    assert short["local"] == {"level": 4, **FULL}
    assert short["remotes"] == [
        {"sid": f"PA{end.id}", "level": 4} for end in everybody if end is not ours
    ]


async def test_what_is_not_known_yet_is_left_out_of_the_answer() -> None:
    ours, theirs, *_ = room()
    channels, signaling = wired(ours)
    channel = channels["network_quality"]
    report = {"type": "network_quality", "reportLevel": 3, "remoteReportLevel": 1}
    channel.hear(READY, report)
    bare = [wire.QualityLevel(endpoint=end.id, level=0) for end in (ours, theirs)]
    ours.call.quality_changed(tuple(bare))
    channel.hear(report, {**report, "reportLevel": 2, "ice": {"rtt": -1, "availableSend": 0}})
    remotes = [{"sid": f"PA{theirs.id}", "level": 0}]
    nothing = {"send": 0, "recv": 0}
    assert channel.sent == [
        {"type": "network_quality", "remotes": []},
        {"type": "network_quality", "remotes": remotes},
        {
            "type": "network_quality",
            "local": {"level": 0, "audio": nothing, "video": nothing},
            "remotes": remotes,
        },
    ]
    assert signaling.client_report == ClientReport()
