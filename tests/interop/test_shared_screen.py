"""A shared screen with adaptive simulcast: two layers of one size, sent while somebody looks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interop.page import Page
from tests.interop.stage import Stage
from tests.interop.values import AUTOMATIC, video
from tests.support.media_checks import RED

# The browser's fake devices have a screen too; the SDK knows a screen by its `displaySurface`.
SHARE = """async (room, harness) => {
    const stream = await navigator.mediaDevices.getDisplayMedia({video: {frameRate: 10}});
    const [track] = stream.getVideoTracks();
    const publication = await room.localParticipant.publishTrack(
        new Twilio.Video.LocalVideoTrack(track, {name: 'screen', logLevel: 'off'}));
    harness.watchLocal(publication);
    return track.getSettings();
}"""
# Layers whose packets went on within a second.
LAYERS = """async (room, harness, name) => {
    const {trackSid} = [...room.localParticipant.videoTracks.values()].find(
        one => one.trackName === name);
    const read = async () => new Map((await room.getStats()).flatMap(report =>
        report.localVideoTrackStats.filter(one => one.trackSid === trackSid)
            .map(one => [one.ssrc, one.packetsSent])));
    const before = await read();
    await new Promise(resolve => setTimeout(resolve, 1000));
    return [...await read()].filter(([ssrc, sent]) => sent > (before.get(ssrc) || 0)).length;
}"""


@pytest.mark.feature("SCREEN-001", "MATRIX-028")
@pytest.mark.timeout(120)
async def test_a_shared_screen_is_sent_in_layers_while_it_is_shown(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(video(RED),), preferredVideoCodecs="auto")
    bob = await stage.joined("bob", bandwidthProfile=AUTOMATIC)
    await bob.sees("alice", RED)
    settings = await alice.run(SHARE)
    assert "displaySurface" in settings
    subscribed = await bob.event("trackSubscribed", "track:video:screen")
    assert subscribed.args[1:] == ("publication:video:screen", "participant:alice")
    await _shows(bob, settings)
    # A screen is read: it has two layers, and both have its full size.
    await alice.until(f"async (room, h) => await ({LAYERS})(room, h, 'screen') === 2", deadline=30)
    await bob.run("(_, harness) => harness.hide('alice', 'screen')")
    await bob.event("trackSwitchedOff", "track:video:screen")
    await alice.until(f"async (room, h) => await ({LAYERS})(room, h, 'screen') === 0", deadline=30)
    assert await _demands(alice, "screen") == [False, False, False]
    # The camera, which is shown still, goes on.
    await bob.sees("alice", RED, "camera")
    await bob.run("(_, h) => h.show('alice', 'screen', {width: 640, height: 360})")
    await bob.event("trackSwitchedOn", "track:video:screen")
    await _shows(bob, settings)
    assert any(await _demands(alice, "screen"))
    await alice.unpublish("screen")
    await bob.event("trackUnsubscribed", "track:video:screen")


async def _shows(page: Page, settings: dict[str, Any]) -> None:
    """Wait until the screen is there in its full size, and moves."""
    await page.until(
        """(_, h, width) => {
            const picture = h.picture('alice', 'screen');
            return picture && picture.videoWidth === width;
        }""",
        settings["width"],
        deadline=25,
    )
    before = await page.frames_of("alice", "screen")
    await page.until("(_, h, n) => h.framesShown('alice', 'screen') > n + 5", before, deadline=25)


async def _demands(page: Page, name: str) -> Any:
    """Wait until the service told which layers of a track it wants; what it said last."""
    return await page.until(
        """(room, _, name) => {
            const {trackSid} = [...room.localParticipant.videoTracks.values()].find(
                one => one.trackName === name);
            const hints = tapped.filter(one => one.direction === '>')
                .map(one => { try { return JSON.parse(one.content); } catch { return {}; } })
                .filter(one => one.type === 'publisher_hints')
                .flatMap(one => one.publisher.hints)
                .filter(one => one.track === trackSid && one.encodings);
            return hints.length ? hints.pop().encodings.map(one => one.enabled) : null;
        }""",
        name,
        deadline=25,
    )
