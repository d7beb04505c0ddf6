from __future__ import annotations

import functools
import json
from datetime import UTC, datetime

from acs_core import wire
from acs_core.core.facts import Priority, PublicationKind, SpeakersChanged
from acs_core.core.receiving import (
    Dimensions,
    Forwarding,
    PauseReason,
    ReceiveHint,
    ReceivePriority,
)
from acs_core.errors import InvalidStateError
from acs_core.rtc.data import DataChannel
from acs_core.service.endpoints import Endpoint
from acs_core.service.transcription import Transcription
from tests.support.events import until
from tests.support.signaling_channels import (
    ALL,
    READY,
    Wire,
    announced,
    demand,
    has_heard,
    room,
    talking,
    wired,
)
from twilio_compat.gateway.channels import Channel, MediaSignaling

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
