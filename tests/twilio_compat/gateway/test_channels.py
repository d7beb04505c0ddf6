from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_core import wire
from acs_core.core.facts import Priority, PublicationKind, SpeakersChanged
from acs_core.core.receiving import (
    Dimensions,
    Forwarding,
    PauseReason,
    ReceiveHint,
    ReceivePriority,
)
from acs_core.errors import InvalidArgumentError, InvalidStateError, TransportError
from acs_core.rtc.data import DataChannel
from acs_core.service.calls import CallLimits, Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms
from acs_core.service.sfu.quality import ClientReport
from acs_core.service.transcription import Transcription
from tests.support.data_ends import data_ends
from tests.support.events import until
from twilio_compat.gateway.channels import Allowance, Channel, MediaSignaling

GROUP = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
ALL = {kind.value: {"transports": [{"type": "data-channel"}]} for kind in Channel}
READY = {"type": "ready"}


def room(limits: CallLimits | None = None) -> tuple[Endpoint, Endpoint, str, str]:
    """We, somebody else, and a video of each."""
    call = Calls(rooms=Rooms(), limits=limits).resolve(GROUP, _principal("anna"))
    ends = []
    for letter, name in (("a", "anna"), ("b", "ben")):
        video = wire.NewPublication(key="v", kind=PublicationKind.VIDEO)
        ends.append(
            call.join(letter * 32, _principal(name), EndpointObserver(), publications=[video])
        )
    ours, theirs = ends
    own, foreign = (next(iter(end.publications)) for end in ends)
    return ours, theirs, own, foreign


def _principal(name: str) -> Principal:
    return Principal(f"8:acs:r_{name}", PrincipalKind.ACS, 2e9)


class Page:
    """What the SDK does with its ends of the channels."""

    def __init__(self, signaling: MediaSignaling, requested: dict[str, Any] = ALL) -> None:
        self.announced = announced(signaling, requested)
        self.channels: dict[str, DataChannel] = {}
        self.inbox: dict[str, asyncio.Queue[Any]] = {kind: asyncio.Queue() for kind in ALL}

    def accept(self, channel: DataChannel) -> None:
        kind = next(key for key, label in self.announced.items() if label == channel.label)
        self.channels[kind] = channel
        channel.on_message = lambda text: self.inbox[kind].put_nowait(json.loads(text))

    def say(self, kind: str, message: object) -> None:
        self.channels[kind].send(message if isinstance(message, bytes) else json.dumps(message))

    async def hear(self, kind: str) -> Any:
        async with asyncio.timeout(10):
            return await self.inbox[kind].get()

    async def is_told_nothing(self, kind: str) -> None:
        await self.has_been_heard()
        assert self.inbox[kind].empty()

    async def has_been_heard(self) -> None:
        """What was said before is handled: the answer to a report comes after it."""
        self.say("network_quality", READY)
        self.say("network_quality", {"type": "network_quality"})
        await self.hear("network_quality")


def announced(signaling: MediaSignaling, requested: dict[str, Any] | None = None) -> dict[str, str]:
    """Labels by feature."""
    answer: dict[str, Any] = signaling.announce(requested)
    assert all(item["transport"]["type"] == "data-channel" for item in answer.values())
    return {kind: item["transport"]["label"] for kind, item in answer.items()}


@asynccontextmanager
async def talking(ours: Endpoint, **options: Any) -> AsyncIterator[tuple[Page, MediaSignaling]]:
    """A page whose channels are open; what it is told before it is ready would be lost."""
    async with data_ends() as (client, service):
        signaling = MediaSignaling(ours, service.data.open, **options)
        page = Page(signaling)
        client.data.on_channel = page.accept
        await until(lambda: len(page.channels) == len(ALL))
        try:
            yield page, signaling
        finally:
            signaling.close()


def demand(ours: Endpoint, signaling: MediaSignaling, own: str, *layers: bool) -> None:
    """What the service does when it has worked out which layers are received."""
    ours.set_layer_demand(own, layers)
    signaling.on_layer_demand(own, layers)


class Wire:
    """Channels without a connection: what is said is written down, what is heard is handed in."""

    def __init__(self) -> None:
        self.opened: list[FakeChannel] = []

    def open(self, label: str) -> Any:
        self.opened.append(FakeChannel(label))
        return self.opened[-1]


class FakeChannel:
    def __init__(self, label: str) -> None:
        self.label = label
        self.state = "open"
        self.sent: list[Any] = []
        self.is_full = False
        self.limit = 262_144
        self.on_message: Callable[[str | bytes], None] | None = None

    def send(self, data: str) -> None:
        if self.is_full:
            raise TransportError("full")
        if len(data) > self.limit:
            raise InvalidArgumentError("too long")
        self.sent.append(json.loads(data))

    def close(self) -> None:
        self.state = "closed"

    def hear(self, *said: object) -> None:
        for message in said:
            assert self.on_message is not None
            self.on_message(message if isinstance(message, str | bytes) else json.dumps(message))


def wired(ours: Endpoint, **options: Any) -> tuple[dict[str, FakeChannel], MediaSignaling]:
    wires = Wire()
    signaling = MediaSignaling(ours, wires.open, **options)
    labels = announced(signaling, ALL)
    by_label = {channel.label: channel for channel in wires.opened}
    return {kind: by_label[label] for kind, label in labels.items()}, signaling


def has_heard(channel: FakeChannel, count: int) -> bool:
    return len(channel.sent) == count


# ------------------------------------------------------------------ announcements


async def test_what_is_asked_for_and_known_is_announced_and_nothing_else() -> None:
    ours, *_ = room()
    wires = Wire()
    signaling = MediaSignaling(ours, wires.open, supported=set(Channel) - {"publisher_hints"})
    wanted = {
        "active_speaker": {"transports": [{"type": "data-channel"}]},
        "track_priority": {"transports": [{"type": "carrier-pigeon"}]},
        "render_hints": None,
        "track_switch_off": {"transports": 7},
        "publisher_hints": {"transports": [{"type": "data-channel"}]},
        "telepathy": {"transports": [{"type": "data-channel"}]},
    }
    assert set(announced(signaling, wanted)) == {"active_speaker"}
    assert not ours.policy.quality


async def test_labels_stay_while_their_channels_live_and_are_new_afterwards() -> None:
    ours, *_ = room()
    wires = Wire()
    signaling = MediaSignaling(ours, wires.open)
    first = announced(signaling, ALL)
    assert set(first) == set(ALL)
    assert announced(signaling) == first
    wires.opened[0].close()
    second = announced(signaling)
    assert len(set(second.values()) - set(first.values())) == 1
    for channel in wires.opened[1:]:
        channel.hear({"type": "ready"})
    signaling.forget()
    third = announced(signaling)
    assert not set(third.values()) & (set(first.values()) | set(second.values()))
    # Nobody has seen these: the client goes on waiting for the labels that it was told.
    signaling.forget()
    assert announced(signaling) == third
    signaling.close()
    assert all(channel.state == "closed" for channel in wires.opened)
    assert announced(signaling) == {}


async def test_a_channel_that_cannot_be_opened_leaves_its_feature_out() -> None:
    ours, *_ = room()

    def refuse(_: str) -> DataChannel:
        raise InvalidStateError("full")

    assert announced(MediaSignaling(ours, refuse), ALL) == {}


async def test_nothing_is_said_before_the_client_is_ready() -> None:
    ours, theirs, _, publication = room()
    channels, signaling = wired(ours)
    signaling.on_speakers(SpeakersChanged(dominant=theirs.id))
    signaling.on_forwarding((Forwarding(publication=publication, reason=PauseReason.BUDGET),))
    signaling.on_transcription(_said(theirs.id, publication))
    demand(ours, signaling, next(iter(ours.publications)), True, False)
    assert not any(channel.sent for channel in channels.values())


# ------------------------------------------------------------------ each feature, on real channels


async def test_the_active_speaker_is_told_on_ready_and_on_change() -> None:
    ours, theirs, *_ = room()
    ours.call.speakers_changed(SpeakersChanged(dominant=theirs.id))
    async with talking(ours) as (page, signaling):
        page.say("active_speaker", READY)
        told = {"type": "active_speaker", "participant": f"PA{theirs.id}"}
        assert await page.hear("active_speaker") == told
        signaling.on_speakers(SpeakersChanged(dominant=theirs.id, speaking=(theirs.id,)))
        signaling.on_speakers(SpeakersChanged())
        assert await page.hear("active_speaker") == {**told, "participant": None}


async def test_priorities_become_part_of_the_policy_and_go_again() -> None:
    ours, _, own, publication = room()
    async with talking(ours) as (page, _):
        for track, priority in (
            (f"MT{publication}", "high"),
            ("MT" + "0" * 32, "high"),
            (f"MT{own}", "low"),
            (f"MT{publication}", "urgent"),
        ):
            message = {"type": "track_priority", "track": track, "subscribe": priority}
            page.say("track_priority", message)
        expected = (ReceivePriority(publication=publication, priority=Priority.HIGH),)
        await until(lambda: ours.policy.priorities == expected)
        page.say(
            "track_priority",
            {"type": "track_priority", "track": f"MT{publication}", "subscribe": None},
        )
        await until(lambda: ours.policy.priorities == ())


async def test_render_hints_are_merged_into_the_policy_and_answered_each() -> None:
    ours, _, own, publication = room()
    sid = f"MT{publication}"
    async with talking(ours) as (page, _):

        async def hint(number: int, *hints: object) -> list[dict[str, str]]:
            message = {"type": "render_hints", "subscriber": {"id": number, "hints": hints}}
            page.say("render_hints", message)
            answer = await page.hear("render_hints")
            assert (answer["type"], answer["subscriber"]["id"]) == ("render_hints", number)
            results: list[dict[str, str]] = answer["subscriber"]["hints"]
            return results

        page.say("render_hints", READY)
        assert await hint(7, {"track": sid, "enabled": False}) == [{"track": sid, "result": "OK"}]
        assert ours.policy.hints == (ReceiveHint(publication=publication, enabled=False),)
        await hint(8, {"track": sid, "render_dimensions": {"width": 320.2, "height": 0}})
        size = Dimensions(width=321, height=1)
        assert ours.policy.hints == (
            ReceiveHint(publication=publication, enabled=False, size=size),
        )
        await hint(9, {"track": sid, "enabled": True})
        expected = (ReceiveHint(publication=publication, enabled=True, size=size),)
        assert ours.policy.hints == expected
        answers = await hint(
            10,
            {"track": f"MT{own}", "enabled": True},
            {"track": "MT" + "0" * 32, "enabled": True},
            {"track": sid, "enabled": "yes"},
            {"track": sid, "render_dimensions": {"width": -1, "height": 2}},
            {"enabled": True},
            5,
        )
        assert [item["result"] for item in answers] == ["UNKNOWN_TRACK"] * 2 + ["INVALID_HINT"] * 2
        assert ours.policy.hints == expected


async def test_what_was_unpublished_leaves_the_policy_with_the_next_hint() -> None:
    ours, theirs, _, publication = room()
    channels, _ = wired(ours)
    sid = f"MT{publication}"
    prioritize = {"type": "track_priority", "track": sid, "subscribe": "low"}
    channels["track_priority"].hear(prioritize)
    hints = {"type": "render_hints", "subscriber": {"id": 1, "hints": [{"track": sid}]}}
    channels["render_hints"].hear(hints)
    assert ours.policy.hints
    assert ours.policy.priorities
    theirs.unpublish(publication)
    (other,) = theirs.publish([wire.NewPublication(key="w", kind=PublicationKind.VIDEO)])
    for kind, message in (("track_priority", prioritize), ("render_hints", hints)):
        text = json.dumps(message).replace(publication, other.id)
        channels[kind].hear(text)
    assert [item.publication for item in ours.policy.hints] == [other.id]
    assert [item.publication for item in ours.policy.priorities] == [other.id]


def forwarded(ours: Endpoint, signaling: MediaSignaling, *changes: Forwarding) -> None:
    """What the service forwards to us changed."""
    ours.set_forwardings({**ours.forwardings, **{item.publication: item for item in changes}})
    signaling.on_forwarding(changes)


async def test_switching_off_is_told_as_it_changes_and_in_whole_on_ready() -> None:
    ours, theirs, _, publication = room()
    (second,) = theirs.publish([wire.NewPublication(key="w", kind=PublicationKind.VIDEO)])
    off = Forwarding(publication=publication, reason=PauseReason.HIDDEN)
    async with talking(ours) as (page, signaling):
        forwarded(ours, signaling, off, Forwarding(publication=second.id, layer=1))
        page.say("track_switch_off", READY)
        told = {"type": "track_switch_off", "off": [f"MT{publication}"], "on": []}
        assert await page.hear("track_switch_off") == told
        # Another reason or another layer is no news for the client.
        over = Forwarding(publication=publication, reason=PauseReason.BUDGET)
        forwarded(ours, signaling, over)
        forwarded(ours, signaling, Forwarding(publication=second.id, layer=0))
        forwarded(
            ours,
            signaling,
            Forwarding(publication=publication),
            Forwarding(publication=second.id, reason=PauseReason.MAX_TRACKS),
        )
        assert await page.hear("track_switch_off") == {
            "type": "track_switch_off",
            "off": [f"MT{second.id}"],
            "on": [f"MT{publication}"],
        }
        await page.is_told_nothing("track_switch_off")


async def test_what_was_switched_off_before_there_were_channels_is_told_on_ready() -> None:
    ours, _, _, publication = room()
    ours.set_forwardings(
        {publication: Forwarding(publication=publication, reason=PauseReason.BUDGET)}
    )
    channels, signaling = wired(ours)
    channels["track_switch_off"].hear(READY)
    forwarded(ours, signaling, Forwarding(publication=publication))
    told = {"type": "track_switch_off", "off": [f"MT{publication}"], "on": []}
    assert channels["track_switch_off"].sent == [told, {**told, "off": [], "on": told["off"]}]


async def test_a_video_that_is_on_again_is_told_to_a_client_that_missed_it() -> None:
    ours, _, _, publication = room()
    channels, signaling = wired(ours)
    channel = channels["track_switch_off"]
    channel.hear(READY)
    forwarded(ours, signaling, Forwarding(publication=publication, reason=PauseReason.HIDDEN))
    channel.is_full = True
    forwarded(ours, signaling, Forwarding(publication=publication))
    channel.is_full = False
    channel.hear(READY)
    assert channel.sent[-1] == {
        "type": "track_switch_off",
        "off": [],
        "on": [f"MT{publication}"],
    }


async def test_a_client_that_reports_without_end_is_answered_now_and_then() -> None:
    ours, *_ = room()
    channels, _ = wired(ours)
    channel = channels["network_quality"]
    channel.hear(READY, *[{"type": "network_quality", "reportLevel": 1}] * 40)
    assert 0 < len(channel.sent) <= 12


async def test_publisher_hints_follow_the_demand_and_are_repeated_after_a_reset() -> None:
    ours, _, own, _ = room()
    async with talking(ours) as (page, signaling):
        demand(ours, signaling, own, True, True, False)
        page.say("publisher_hints", READY)

        def told(number: int, *layers: bool) -> dict[str, object]:
            encodings = [{"layer_index": i, "enabled": on} for i, on in enumerate(layers)]
            hints = [{"track": f"MT{own}", "encodings": encodings}]
            return {"type": "publisher_hints", "publisher": {"id": number, "hints": hints}}

        assert await page.hear("publisher_hints") == told(2, True, True, False)
        page.say(
            "publisher_hints",
            {"type": "publisher_hints", "id": 2, "hints": [{"track": f"MT{own}", "result": "OK"}]},
        )
        demand(ours, signaling, own, False, False, False)
        assert await page.hear("publisher_hints") == told(3, False, False, False)
        page.say("publisher_hints", {"type": "client_reset", "track": f"MT{own}", "id": 4})
        assert await page.hear("publisher_hints") == told(4, False, False, False)
        ours.unpublish(own)
        page.say("publisher_hints", {"type": "client_reset", "track": f"MT{own}", "id": 5})
        await page.is_told_nothing("publisher_hints")


async def test_a_hint_that_overtook_the_publication_is_repeated_a_few_times() -> None:
    ours, _, own, _ = room()
    channels, signaling = wired(ours, repeat_after=0.0)
    channel = channels["publisher_hints"]
    channel.hear(READY)
    demand(ours, signaling, own, True, False)
    tracks = [f"MT{own}", "MT" + "0" * 32]
    results = [{"track": track, "result": "UNKNOWN_TRACK"} for track in tracks]
    for count in (1, 2, 3, 4):
        await until(functools.partial(has_heard, channel, count))
        channel.hear({"type": "publisher_hints", "id": count, "hints": results})
    assert len(channel.sent) == 4
    demand(ours, signaling, own, True, True)
    channel.hear({"type": "publisher_hints", "id": 5, "hints": results})
    signaling.close()
    assert [item["publisher"]["id"] for item in channel.sent] == [1, 2, 3, 4, 5]


async def test_transcriptions_are_handed_on() -> None:
    ours, theirs, _, publication = room()
    async with talking(ours) as (page, signaling):
        page.say("extension_transcriptions", READY)
        await page.has_been_heard()
        signaling.on_transcription(_said(theirs.id, publication, stability=0.5))
        told = {
            "type": "extension_transcriptions",
            "participant": f"PA{theirs.id}",
            "track": f"MT{publication}",
            "transcription": "Guten Tag",
            "partial_results": True,
            "language_code": "de-DE",
            "timestamp": "2025-01-02T03:04:05.678Z",
            "sequence_number": 9,
            "stability": 0.5,
        }
        assert await page.hear("extension_transcriptions") == told
        signaling.on_transcription(_said(theirs.id, publication))
        del told["stability"]
        assert await page.hear("extension_transcriptions") == told


def _said(endpoint: str, publication: str, stability: float | None = None) -> Transcription:
    at = datetime(2025, 1, 2, 3, 4, 5, 678_000, UTC)
    return Transcription(endpoint, publication, "Guten Tag", True, "de-DE", at, 9, stability)


# ------------------------------------------------------------------ network quality

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
        call.join(f"{number:032x}", _principal(f"guest {number}"), EndpointObserver())
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


# ------------------------------------------------------------------ abuse


def texts() -> st.SearchStrategy[str | bytes]:
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
    types = st.sampled_from([*Channel, "ready", "client_reset", "x"])
    names = ["track", "subscribe", "subscriber", "id", "hints", "ice", "reportLevel"]
    messages = st.dictionaries(st.sampled_from(names), json_values)
    typed = st.builds(lambda name, rest: {**rest, "type": name}, types, messages)
    hints = st.builds(
        lambda number, hints: {
            "type": "render_hints",
            "subscriber": {"id": number, "hints": hints},
        },
        st.integers(),
        st.lists(
            st.dictionaries(st.sampled_from(["track", "enabled", "render_dimensions"]), json_values)
        ),
    )
    return (json_values | typed | hints).map(json.dumps) | st.text() | st.binary()


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(Channel)), texts()), max_size=8))
def test_nothing_that_is_said_on_any_channel_raises(said: Iterable[tuple[Channel, Any]]) -> None:
    async def run() -> None:
        ours, *_ = room()
        channels, signaling = wired(ours)
        for kind, message in said:
            channels[kind].hear(READY, message)
            assert channels[kind].state == "open"
        signaling.close()

    asyncio.run(run())


async def test_deep_and_long_messages_are_passed_over() -> None:
    ours, *_ = room()
    channels, _ = wired(ours)
    channel = channels["render_hints"]
    deep = "[" * 20_000 + "]" * 20_000
    hints = f'{{"type":"render_hints","subscriber":{{"id":1,"hints":{deep}}}}}'
    channel.hear(READY, hints, json.dumps({**READY, "x": "y" * 70_000}), b'{"type":"ready"}')
    assert channel.sent == []


async def test_too_many_messages_and_hints_are_not_handled() -> None:
    ours, theirs, *_ = room()
    now = 0.0
    allowance = Allowance(rate=1, burst=2, now=lambda: now)
    ours.call.speakers_changed(SpeakersChanged(dominant=theirs.id))
    channels, _ = wired(ours, allowance=allowance)
    channel = channels["active_speaker"]
    channel.hear(READY, READY, READY)
    assert len(channel.sent) == 2
    now = 1.5
    channel.hear(READY, READY)
    assert len(channel.sent) == 3
    assert theirs.is_in_call


async def test_hints_beyond_the_limit_are_answered_and_not_kept() -> None:
    ours, theirs, _, publication = room()
    (second,) = theirs.publish([wire.NewPublication(key="w", kind=PublicationKind.VIDEO)])
    channels, _ = wired(ours, max_hints=1)
    for number, track in enumerate((publication, second.id)):
        hints = [{"track": f"MT{track}"}] * 2
        message = {"type": "render_hints", "subscriber": {"id": number, "hints": hints}}
        channels["render_hints"].hear(READY, message)
        priority = {"type": "track_priority", "track": f"MT{track}", "subscribe": "low"}
        channels["track_priority"].hear(priority)
    results = [item["subscriber"]["hints"][0]["result"] for item in channels["render_hints"].sent]
    assert results == ["OK", "COULD_NOT_APPLY_HINT"]
    assert [item.publication for item in ours.policy.hints] == [publication]
    assert [item.publication for item in ours.policy.priorities] == [publication]


async def test_a_policy_that_the_service_refuses_is_told_as_not_applied() -> None:
    ours, _, _, publication = room(CallLimits(policy_length=0))
    channels, _ = wired(ours)
    hints = [{"track": f"MT{publication}"}]
    channels["render_hints"].hear(
        READY, {"type": "render_hints", "subscriber": {"id": 1, "hints": hints}}
    )
    (answer,) = channels["render_hints"].sent
    assert answer["subscriber"]["hints"][0]["result"] == "COULD_NOT_APPLY_HINT"
    assert ours.policy.hints == ()


async def test_a_channel_that_is_full_loses_what_is_said() -> None:
    ours, theirs, *_ = room()
    channels, signaling = wired(ours)
    channels["active_speaker"].hear(READY)
    channels["active_speaker"].is_full = True
    signaling.on_speakers(SpeakersChanged(dominant=theirs.id))
    assert channels["active_speaker"].sent == []


async def test_a_client_that_has_left_is_not_listened_to() -> None:
    ours, *_ = room()
    channels, signaling = wired(ours)
    ours.leave()
    channels["active_speaker"].hear(READY)
    assert channels["active_speaker"].sent == []
    signaling.close()
    signaling.close()


async def test_channels_whose_client_is_not_ready_are_announced_again_until_it_is() -> None:
    ours, *_ = room()
    told: list[dict[str, Any]] = []
    channels, signaling = wired(ours, on_unheard=told.append, remind_after=0.01)
    await until(lambda: len(told) == 2)
    # The same labels: a client that has set a channel up already passes it over.
    assert told[0] == told[1] == signaling.announce()
    for channel in channels.values():
        channel.hear(READY)
    await until(lambda: signaling._reminder._timer is None)
    count = len(told)
    signaling.announce()
    await until(lambda: signaling._reminder._timer is None)
    assert len(told) == count
    signaling.close()


async def test_nothing_is_announced_again_over_a_connection_that_is_not_there() -> None:
    ours, *_ = room()
    told: list[dict[str, Any]] = []
    channels, signaling = wired(ours, on_unheard=told.append, remind_after=0.01)
    for channel in channels.values():
        channel.state = "connecting"
    await until(lambda: signaling._reminder._left == 3)
    signaling.forget()
    assert signaling._reminder._timer is None
    assert told == []
    signaling.close()
