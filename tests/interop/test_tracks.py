"""Publishing, unpublishing, muting and priorities, from page to page."""

from __future__ import annotations

import pytest

from tests.interop.stage import Stage
from tests.interop.values import PageError, microphone, video
from tests.support.media_checks import BLUE, GREEN, RED


async def test_a_track_published_later_arrives(stage: Stage) -> None:
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    published = await alice.publish(video(RED))
    told = await bob.event("trackPublished", "publication:video:camera")
    assert told.args == ("publication:video:camera", "participant:alice")
    await bob.event("trackSubscribed", "track:video:camera")
    assert (
        await bob.run("(_, harness) => harness.publication('alice', 'video', null).trackSid")
        == (published["sid"])
    )
    await alice.event("trackPublished", "publication:video:camera", emitter="local")
    await bob.sees("alice", RED)
    await alice.publish(microphone(440))
    await bob.hears("alice", 440)
    names = [name for name, *_ in await bob.story("participant:alice")]
    assert names.index("trackPublished") < names.index("trackSubscribed")
    assert names.index("trackSubscribed") < names.index("trackStarted")


async def test_both_publish_in_the_same_moment(stage: Stage) -> None:
    """Offers of both ends cross."""
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    for page, color in ((alice, RED), (bob, BLUE)):
        await page.run(
            """(room, harness, color) => {
                setTimeout(() => room.localParticipant.publishTrack(
                    harness.makeTrack({kind: 'video', name: 'camera', color})), 50);
            }""",
            list(color),
        )
    await bob.sees("alice", RED)
    await alice.sees("bob", BLUE)
    for page in (alice, bob):
        assert [name for name, *_ in await page.story()].count("trackSubscribed") == 1


async def test_unpublishing_and_publishing_again(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(video(RED),))
    bob = await stage.joined("bob")
    await bob.sees("alice", RED)
    for color in (GREEN, BLUE):
        since = await bob.mark()
        await alice.unpublish("camera")
        await bob.event("trackUnpublished", "publication:video:camera", since=since)
        story = [item for item in await bob.story(since=since) if item[0] != "trackDisabled"]
        assert story == [
            (
                "trackUnsubscribed",
                "track:video:camera",
                "publication:video:camera",
                "participant:alice",
            ),
            ("trackUnpublished", "publication:video:camera", "participant:alice"),
        ]
        await alice.publish(video(color))
        await bob.event("trackSubscribed", "track:video:camera", since=since)
        await bob.sees("alice", color)


async def test_two_videos_of_one_participant_are_not_mixed_up(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(video(RED), video(GREEN, "screen")))
    bob = await stage.joined("bob")
    await bob.sees("alice", RED, "camera")
    await bob.sees("alice", GREEN, "screen")
    await alice.unpublish("camera")
    await bob.event("trackUnpublished", "publication:video:camera")
    await alice.publish(video(BLUE, "third"))
    await bob.sees("alice", BLUE, "third")
    await bob.sees("alice", GREEN, "screen")
    names = """(_, harness) =>
        [...harness.participant('alice').videoTracks.values()].map(one => one.trackName).sort()"""
    assert await bob.run(names) == ["screen", "third"]


@pytest.mark.feature("AUDIO-003")
async def test_a_disabled_track_stays_published(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(microphone(440), video(RED)))
    bob = await stage.joined("bob")
    await bob.sees("alice", RED)
    await bob.hears("alice", 440)
    since = await bob.mark()
    await alice.run("room => room.localParticipant.tracks.forEach(one => one.track.disable())")
    for kind in ("audio:microphone", "video:camera"):
        told = await bob.event("trackDisabled", f"publication:{kind}", since=since)
        assert told.args == (f"publication:{kind}", "participant:alice")
    await bob.hears("alice", 0)
    assert (
        await bob.run(
            """(_, harness) => [...harness.participant('alice').tracks.values()].map(
            one => [one.isTrackEnabled, one.isSubscribed, one.track.isEnabled])"""
        )
        == [[False, True, False]] * 2
    )
    await alice.run("room => room.localParticipant.tracks.forEach(one => one.track.enable())")
    for kind in ("audio:microphone", "video:camera"):
        await bob.event("trackEnabled", f"publication:{kind}", since=since)
    await bob.hears("alice", 440)
    await bob.sees("alice", RED)


async def test_who_comes_later_sees_what_is_disabled(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(video(RED),))
    await alice.run("room => room.localParticipant.tracks.forEach(one => one.track.disable())")
    bob = await stage.joined("bob")
    await bob.event("trackSubscribed")
    is_enabled = "(_, harness) => harness.publication('alice', 'video', null).isTrackEnabled"
    assert not await bob.run(is_enabled)


async def test_priorities_are_told(stage: Stage) -> None:
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    await alice.publish(video(RED), priority="low")
    await bob.event("trackSubscribed")
    assert await bob.run(
        "(_, harness) => harness.publication('alice', 'video', null).publishPriority"
    ) == ("low")
    await alice.run("room => room.localParticipant.tracks.forEach(one => one.setPriority('high'))")
    told = await bob.event("trackPublishPriorityChanged")
    assert told.args == ("high", "publication:video:camera", "participant:alice")


async def test_a_name_is_used_once(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(video(RED),))
    with pytest.raises(PageError) as caught:
        await alice.publish(microphone(440, "camera"))
    assert caught.value.code == 53304
    failed = await alice.event("trackPublicationFailed", emitter="local")
    assert failed.code == 53304
    assert failed.args[1] == "track:audio:camera"
    # Others are not disturbed.
    await alice.publish(microphone(440, "microphone"))


async def test_a_name_is_not_too_long(stage: Stage) -> None:
    alice = await stage.joined("alice")
    with pytest.raises(PageError) as caught:
        await alice.publish(video(RED, "x" * 129))
    assert caught.value.code == 53302


async def test_without_automatic_subscription_tracks_are_only_known(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(video(RED),))
    bob = await stage.joined("bob", automaticSubscription=False)
    await alice.publish(microphone(440))
    await bob.event("trackPublished", "publication:audio:microphone")
    assert await bob.run(
        "(_, harness) => [...harness.participant('alice').tracks.values()].map(o => o.isSubscribed)"
    ) == [False, False]
    assert await bob.run("(_, harness) => harness.participant('alice').videoTracks.size") == 1
