"""A connection that is replaced, a track that sends something else, media that never comes."""

from __future__ import annotations

import pytest

from tests.interop.stage import Stage
from tests.interop.values import AUTOMATIC, MANUAL, PageError, data, microphone, video
from tests.support.media_checks import BLUE, RED

CAPTURE = """async (room, harness, {width, height}) => {
    const track = await Twilio.Video.createLocalVideoTrack({name: 'camera', width, height});
    await room.localParticipant.publishTrack(track);
}"""
RESTART = """async (room, _, constraints) => {
    const [publication] = room.localParticipant.videoTracks.values();
    await publication.track.restart(constraints);
}"""


async def test_a_page_moves_to_a_new_connection(stage: Stage) -> None:
    """The service lost the media of one participant: the room does not end."""
    alice = await stage.joined(
        "alice",
        media=(video(RED), microphone(440, gain=0), data()),
        dominantSpeaker=True,
        bandwidthProfile=MANUAL,
    )
    bob = await stage.joined("bob", media=(video(BLUE), microphone(660, gain=0)))
    await bob.sees("alice", RED)
    await alice.sees("bob", BLUE)
    since = {page: await page.mark() for page in (alice, bob)}
    (call,) = stage.server.calls.live.values()
    (transport,) = call.endpoints[alice.sid.removeprefix("PA")].observer.transports
    await transport.close()

    # The page tells that by the end of DTLS, or by silence; then it asks for another path.
    await alice.event("reconnected", since=since[alice], deadline=30)
    await alice.event("trackSubscribed", "track:video:camera", since=since[alice])
    await bob.sees("alice", RED)
    await alice.speak(0.5)
    await bob.hears("alice", 440)
    await alice.speak(0)
    await alice.sees("bob", BLUE)
    # The SDK drops what is sent while its new channel is opening, and tells nobody when it is open.
    heard = "() => harness.journal.entries.some(one => one.event === 'trackMessage')"
    while not await bob.run(heard):
        await alice.send("moved")
        await bob.pause(100)
    # Media signaling came along.
    await bob.speak(0.5)
    await alice.event("dominantSpeakerChanged", "participant:bob", since=since[alice])
    await alice.run("(_, h) => { h.publication('bob', 'video', null).track.switchOff(); }")
    await alice.event("trackSwitchedOff", since=since[alice])
    for page in (alice, bob):
        names = [name for name, *_ in await page.story(since=since[page])]
        assert not {"disconnected", "participantDisconnected", "trackUnpublished"} & set(names)


async def test_a_track_that_is_restarted_goes_on(stage: Stage) -> None:
    alice = await stage.joined("alice")
    bob = await stage.joined("bob")
    await alice.run(CAPTURE, {"width": 640, "height": 480})
    await bob.sees_width("alice", 640)
    since = await bob.mark()
    await alice.run(RESTART, {"width": 320, "height": 240})
    await bob.sees_width("alice", 320)
    assert "trackUnpublished" not in [name for name, *_ in await bob.story(since=since)]


@pytest.mark.timeout(90)
async def test_restarting_an_adaptive_track_asks_for_its_layers_again(stage: Stage) -> None:
    alice = await stage.joined("alice", preferredVideoCodecs="auto")
    bob = await stage.joined("bob", bandwidthProfile=AUTOMATIC)
    await alice.run(CAPTURE, {"width": 960, "height": 540})
    await bob.event("trackSubscribed")
    # The element of the harness is so small that the smallest layer will do.
    await alice.until("() => tapped.some(one => one.content.includes('publisher_hints'))")
    await alice.run(RESTART, {"width": 960, "height": 540})
    reset = await alice.until(
        "() => tapped.find(one => one.direction === '<' && one.content.includes('client_reset'))"
    )
    await alice.until(
        """(_, harness, after) => tapped.some(one => one.at >= after && one.direction === '>'
            && one.content.includes('publisher_hints'))""",
        reset["at"],
    )
    before = await bob.frames_of("alice")
    await bob.until("(_, harness, n) => harness.framesShown('alice', null) > n + 10", before)
    assert "trackUnsubscribed" not in [name for name, *_ in await bob.story()]


@pytest.mark.timeout(90)
async def test_recorded_media_that_does_not_arrive_is_warned_of(stage: Stage) -> None:
    await stage.create_room(RecordParticipantsOnConnect="true")
    alice = await stage.joined("alice", notifyWarnings=["recording-media-lost"])
    await alice.run(
        """async (room, harness) => {
            const canvas = document.createElement('canvas');
            canvas.getContext('2d').fillRect(0, 0, 9, 9);
            // It has frames only when they are asked for.
            const [still] = canvas.captureStream(0).getVideoTracks();
            const track = new Twilio.Video.LocalVideoTrack(still, {name: 'still'});
            harness.still = setInterval(() => {
                if (harness.isMoving) {
                    canvas.getContext('2d').fillRect(0, 0, 9, 9);
                    still.requestFrame();
                }
            }, 50);
            await room.localParticipant.publishTrack(track);
        }"""
    )
    warned = await alice.event("trackWarning", emitter="local", deadline=40)
    assert warned.args == ("recording-media-lost", "publication:video:still")
    await alice.run("(_, harness) => { harness.isMoving = true; }")
    await alice.event("trackWarningsCleared", emitter="local", deadline=40)


async def test_tracks_of_a_large_room_are_limited(stage: Stage) -> None:
    await stage.create_room(MaxParticipants="51")
    alice = await stage.joined("alice", media=tuple(data(f"track {n}") for n in range(16)))
    with pytest.raises(PageError) as caught:
        await alice.publish(data("one too many"))
    assert caught.value.code == 53203
    failed = await alice.event("trackPublicationFailed", emitter="local")
    assert failed.code == 53203
