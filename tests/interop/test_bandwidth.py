"""Bandwidth profiles: what is switched off and on, and that nothing is sent of what is off."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interop.page import Page
from tests.interop.stage import Stage
from tests.interop.values import AUTOMATIC, MANUAL, microphone, video
from tests.support.media_checks import BLUE, GREEN, RED

IS_OFF = (
    "(_, harness, identity) => harness.publication(identity, 'video', null).track.isSwitchedOff"
)


async def is_silent(page: Page, identity: str) -> bool:
    """Whether no more packets of a video arrive within a second."""
    # What was under way may still arrive.
    await page.pause(300)
    before = await page.bytes_of(identity)
    await page.pause(1000)
    return await page.bytes_of(identity) == before


async def test_a_video_that_is_not_shown_is_not_sent(stage: Stage) -> None:
    await stage.joined("alice", media=(video(RED),))
    bob = await stage.joined("bob", bandwidthProfile=AUTOMATIC)
    await bob.sees("alice", RED)
    await bob.hide("alice")
    off = await bob.event("trackSwitchedOff")
    assert off.args[:3] == (
        "track:video:camera",
        "publication:video:camera",
        "participant:alice",
    )
    assert await bob.run(IS_OFF, "alice")
    assert await is_silent(bob, "alice")
    await bob.show("alice")
    on = await bob.event("trackSwitchedOn", since=off.index)
    assert on.args[:1] == ("track:video:camera",)
    await bob.sees("alice", RED)


async def test_a_video_that_was_never_shown_is_off(stage: Stage) -> None:
    await stage.joined("alice", media=(video(RED),))
    bob = await stage.joined("bob", attach=False, bandwidthProfile=AUTOMATIC)
    await bob.event("trackSwitchedOff")
    assert await is_silent(bob, "alice")


async def test_the_application_switches_off_and_on(stage: Stage) -> None:
    await stage.joined("alice", media=(video(RED),))
    bob = await stage.joined("bob", bandwidthProfile=MANUAL)
    await bob.sees("alice", RED)
    for _ in range(2):
        since = await bob.mark()
        await bob.run("(_, h) => { h.publication('alice', 'video', null).track.switchOff(); }")
        await bob.event("trackSwitchedOff", since=since)
        assert await is_silent(bob, "alice")
        await bob.run("(_, h) => { h.publication('alice', 'video', null).track.switchOn(); }")
        await bob.event("trackSwitchedOn", since=since)
        await bob.sees("alice", RED)


async def test_a_video_of_python_is_switched_off_too(stage: Stage) -> None:
    await stage.guest("pablo", color=GREEN)
    bob = await stage.joined("bob", bandwidthProfile=MANUAL)
    await bob.sees("pablo", GREEN)
    await bob.run("(_, h) => { h.publication('pablo', 'video', null).track.switchOff(); }")
    off = await bob.event("trackSwitchedOff")
    assert await is_silent(bob, "pablo")
    await bob.run("(_, h) => { h.publication('pablo', 'video', null).track.switchOn(); }")
    await bob.event("trackSwitchedOn", since=off.index)
    await bob.sees("pablo", GREEN)


async def _three(stage: Stage, profile: dict[str, Any], **options: Any) -> tuple[Page, Page, Page]:
    """Alice and bob publish, carol receives with a profile."""
    alice = await stage.joined("alice", media=(video(RED), microphone(440, gain=0)))
    bob = await stage.joined("bob", media=(video(BLUE), microphone(660, gain=0)))
    carol = await stage.joined("carol", bandwidthProfile={"video": profile}, **options)
    for page in (alice, bob):
        await carol.event("trackSubscribed", "track:video:camera", f"participant:{page.identity}")
    return alice, bob, carol


async def check_only_on(page: Page, identity: str, other: str) -> None:
    """Wait until the video of one is on and that of another off."""
    await page.until(
        """(_, harness, {identity, other}) => {
            const [on, off] = [identity, other].map(
                it => harness.publication(it, 'video', null).track);
            return on && off && !on.isSwitchedOff && off.isSwitchedOff;
        }""",
        {"identity": identity, "other": other},
    )


async def test_only_so_many_videos_and_those_of_priority(stage: Stage) -> None:
    alice, bob, carol = await _three(stage, {"mode": "grid", "maxTracks": 1})
    for page, other, color in ((alice, bob, RED), (bob, alice, BLUE)):
        for priority, someone in (("low", other), ("high", page)):
            await someone.set_priority(priority)
        await check_only_on(carol, page.identity, other.identity)
        await carol.sees(page.identity, color)
        assert await is_silent(carol, other.identity)


async def test_the_receivers_priority_counts_more(stage: Stage) -> None:
    alice, bob, carol = await _three(stage, {"mode": "presentation", "maxTracks": 1})
    await alice.set_priority("low")
    await check_only_on(carol, "bob", "alice")
    await carol.run("(_, h) => h.publication('alice', 'video', null).track.setPriority('high')")
    await check_only_on(carol, "alice", "bob")
    await carol.run("(_, h) => h.publication('alice', 'video', null).track.setPriority(null)")
    await check_only_on(carol, "bob", "alice")
    assert bob.identity == "bob"


async def test_too_little_bandwidth_leaves_the_best(stage: Stage) -> None:
    alice, _, carol = await _three(stage, {"mode": "grid", "maxSubscriptionBitrate": 400})
    await alice.set_priority("high")
    await check_only_on(carol, "alice", "bob")
    assert await is_silent(carol, "bob")


async def test_the_dominant_speaker_may_have_priority(stage: Stage) -> None:
    alice, bob, carol = await _three(
        stage,
        {"mode": "collaboration", "maxTracks": 1, "dominantSpeakerPriority": "high"},
        dominantSpeaker=True,
    )
    for page, other in ((alice, bob), (bob, alice)):
        await other.speak(0)
        await page.speak(0.5)
        await check_only_on(carol, page.identity, other.identity)


async def test_nothing_is_off_where_that_is_disabled(stage: Stage) -> None:
    *_, carol = await _three(
        stage,
        {
            "mode": "grid",
            "maxSubscriptionBitrate": 20_000,
            "trackSwitchOffMode": "disabled",
            "clientTrackSwitchOffControl": "manual",
        },
    )
    await carol.sees("alice", RED)
    await carol.sees("bob", BLUE)
    assert not await carol.run(IS_OFF, "alice")
    assert not await carol.run(IS_OFF, "bob")
    assert "trackSwitchedOff" not in [name for name, *_ in await carol.story()]


@pytest.mark.parametrize("mode", ["grid", "collaboration", "presentation"])
async def test_with_enough_of_everything_nothing_is_off(stage: Stage, mode: str) -> None:
    *_, carol = await _three(stage, {"mode": mode})
    await carol.sees("alice", RED)
    await carol.sees("bob", BLUE)
    assert not await carol.run(IS_OFF, "alice")
    assert not await carol.run(IS_OFF, "bob")


async def test_a_profile_can_be_changed(stage: Stage) -> None:
    """The SDK's public method does nothing yet; its signaling can say it already."""
    change = """(room, _, video) => {
        room.localParticipant._signaling.setBandwidthProfile({video});
    }"""
    alice, _, carol = await _three(stage, {"mode": "grid", "clientTrackSwitchOffControl": "manual"})
    await carol.sees("bob", BLUE)
    await alice.set_priority("high")
    await carol.run(change, {"mode": "grid", "maxSubscriptionBitrate": 400})
    await check_only_on(carol, "alice", "bob")
    await carol.run(change, {"mode": "grid"})
    await carol.event("trackSwitchedOn", "participant:bob")
    await carol.sees("bob", BLUE)
