"""A browser without a codec: what it cannot receive is said, and costs it nothing else."""

from __future__ import annotations

from tests.interop.page import Page
from tests.interop.python_side import check_python_sees
from tests.interop.stage import Stage
from tests.interop.values import microphone, video
from tests.support.media_checks import BLUE, RED

NO_COMMON_CODEC = 53404
ALICE = "participant:alice"

# As a browser that was built with other codecs: each description leaves the others out. The SDK is
# as it was published.
ONLY = """(_, harness, only) => {
    const of = transceiver => (transceiver.sender.track || transceiver.receiver.track).kind;
    const codecs = RTCRtpReceiver.getCapabilities('video').codecs.filter(
        ({mimeType}) => only.includes(mimeType.split('/')[1].toUpperCase()));
    for (const name of ['createOffer', 'createAnswer']) {
        const create = RTCPeerConnection.prototype[name];
        RTCPeerConnection.prototype[name] = async function(...args) {
            // Once in vain: `offerToReceiveVideo` makes the transceiver that is meant.
            await create.apply(this, args);
            this.getTransceivers().filter(one => of(one) === 'video' && one.direction !== 'stopped')
                .forEach(one => one.setCodecPreferences(codecs));
            return create.apply(this, args);
        };
    }
    return codecs.length;
}"""


async def _page_with(stage: Stage, identity: str, *codecs: str) -> Page:
    page = await stage.page(identity)
    assert await page.run(ONLY, [*codecs, "RTX"]) >= 2
    return page


async def test_a_track_without_a_common_codec_fails_alone(stage: Stage) -> None:
    """The publisher has only H264, the subscriber only VP8."""
    alice = await _page_with(stage, "alice", "H264")
    await alice.connect(media=(microphone(440), video(RED)))
    carol = await stage.joined("carol", media=(video(BLUE),))
    await carol.sees("alice", RED)
    bob = await _page_with(stage, "bob", "VP8")
    await bob.connect()
    await _check_refused(bob)
    await bob.hears("alice", 440)
    await bob.sees("carol", BLUE)
    # What comes later is not lost either, nor is the failure told again.
    await alice.publish(microphone(660, "second"))
    await bob.hears("alice", 660, "second")
    story = await bob.story()
    assert [name for name, *_ in story].count("trackSubscriptionFailed") == 1
    assert "trackUnsubscribed" not in [name for name, *_ in story]
    await carol.sees("alice", RED)


async def test_a_room_of_a_codec_that_the_browser_lacks(stage: Stage) -> None:
    await stage.create_room(VideoCodecs="H264")
    await stage.joined("alice", media=(microphone(440), video(RED)))
    room = await stage.guest("pablo")
    bob = await _page_with(stage, "bob", "VP8")
    await bob.connect()
    await _check_refused(bob)
    await bob.hears("alice", 440)
    await check_python_sees(room, "alice", RED)


async def _check_refused(bob: Page) -> None:
    failed = await bob.event("trackSubscriptionFailed")
    # Its first offer showed it, so it was never told the contrary.
    story = await bob.story()
    assert ("trackSubscribed", "track:video:camera", "publication:video:camera", ALICE) not in story
    assert failed.code == NO_COMMON_CODEC
    assert failed.args[1:] == ("publication:video:camera", ALICE)
    publication = await bob.event("subscriptionFailed", emitter="alice/publication:video:camera")
    assert publication.code == NO_COMMON_CODEC
    assert not await bob.run("(_, h) => h.publication('alice', 'video', null).isSubscribed")
