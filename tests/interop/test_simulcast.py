"""Simulcast of the vendor's client: who gets which layer, and what the publisher may stop."""

from __future__ import annotations

import pytest

from tests.interop.page import Page
from tests.interop.python_side import check_python_sees
from tests.interop.stage import Stage
from tests.interop.values import AUTOMATIC, video
from tests.support.media_checks import RED

SIMULCAST = [{"codec": "VP8", "simulcast": True}]
LAYERS_SENT = """async (room, harness, milliseconds) => {
    const read = async () => new Map((await room.getStats()).flatMap(report =>
        report.localVideoTrackStats.map(one => [one.ssrc, one.packetsSent])));
    const before = await read();
    await new Promise(resolve => setTimeout(resolve, milliseconds));
    const after = await read();
    return [...after].filter(([ssrc, packets]) => packets > (before.get(ssrc) || 0)).length;
}"""


@pytest.mark.proof  # A busy machine encodes one layer only, for longer than the test waits.
@pytest.mark.timeout(90)
async def test_pictures_go_on_while_layers_change(stage: Stage) -> None:
    """The SDK's explicit simulcast gives Chromium's layers one size; they differ in bitrate."""
    alice = await stage.joined(
        "alice", media=(video(RED, width=640, height=480),), preferredVideoCodecs=SIMULCAST
    )
    bob = await stage.joined("bob", bandwidthProfile=AUTOMATIC)
    carol = await stage.joined("carol")
    await bob.sees("alice", RED)
    await carol.sees_width("alice", 640)
    for width, height in ((640, 480), (160, 120), (640, 480)):
        await bob.show("alice", width, height)
        before = await bob.frames_of("alice")
        await bob.sees("alice", RED)
        await bob.until("(_, h, before) => h.framesShown('alice', null) > before + 20", before)
    await _check_sends(alice, 2)


@pytest.mark.timeout(120)
async def test_layers_follow_the_size_that_is_shown(stage: Stage) -> None:
    await stage.joined(
        "alice", media=(video(RED, width=960, height=540),), preferredVideoCodecs="auto"
    )
    bob = await stage.joined("bob", bandwidthProfile=AUTOMATIC)
    carol = await stage.joined("carol")
    for width, height in ((240, 135), (480, 270), (240, 135)):
        await bob.show("alice", width, height)
        await bob.sees_width("alice", width)
        await bob.sees("alice", RED)
    # Carol gives no hints and gets the best that the network carries.
    await carol.sees("alice", RED)
    await carol.sees_width("alice", 480, 960)
    assert "trackSwitchedOff" not in [name for name, *_ in await carol.story()]


@pytest.mark.timeout(90)
async def test_python_gets_a_whole_picture_of_simulcast(stage: Stage) -> None:
    await stage.joined(
        "alice", media=(video(RED, width=640, height=480),), preferredVideoCodecs=SIMULCAST
    )
    room = await stage.guest("pablo")
    await check_python_sees(room, "alice", RED, count=20)


@pytest.mark.timeout(120)
async def test_adaptive_simulcast_sends_what_somebody_shows(stage: Stage) -> None:
    alice = await stage.joined(
        "alice", media=(video(RED, width=960, height=540),), preferredVideoCodecs="auto"
    )
    bob = await stage.joined("bob", bandwidthProfile=AUTOMATIC, attach=False)
    await bob.event("trackSwitchedOff")
    await _check_sends(alice, 0)
    await bob.show("alice", 240, 135)
    await bob.sees("alice", RED)
    await _check_sends(alice, 1)
    await bob.show("alice", 480, 270)
    await _check_sends(alice, 2)
    await bob.hide("alice")
    await _check_sends(alice, 0)


@pytest.mark.proof
@pytest.mark.timeout(120)
async def test_what_everybody_shows_small_is_sent_in_one_layer(stage: Stage) -> None:
    """Of pictures of this size Chromium never sends the third layer; its size stays unknown."""
    alice = await stage.joined(
        "alice", media=(video(RED, width=640, height=480),), preferredVideoCodecs="auto"
    )
    viewers = [await stage.joined(name, bandwidthProfile=AUTOMATIC) for name in ("bob", "carol")]
    for viewer in viewers:
        await viewer.show("alice", 160, 120)
    await alice.is_asked_for("camera", [True, False, False])
    await _check_sends(alice, 1)
    for viewer in viewers:
        await viewer.sees_width("alice", 320)
        await viewer.sees("alice", RED)
    # One who shows it large is enough; whether the network carries it is another question.
    await viewers[0].show("alice", 640, 480)
    await alice.is_asked_for("camera", [True, True, False])


@pytest.mark.timeout(120)
async def test_adaptive_simulcast_stops_for_nobody(stage: Stage) -> None:
    alice = await stage.joined(
        "alice", media=(video(RED, width=960, height=540),), preferredVideoCodecs="auto"
    )
    await _check_sends(alice, 0)
    bob = await stage.joined("bob")
    await bob.sees("alice", RED)


async def _check_sends(page: Page, layers: int) -> None:
    await page.until(
        f"async (room, harness, count) => await ({LAYERS_SENT})(room, harness, 1000) === count",
        layers,
        deadline=35,
    )
