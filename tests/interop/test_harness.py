"""The harness itself: what it draws and plays can be told apart, and events are kept in order."""

from __future__ import annotations

import pytest

from tests.interop.stage import Stage
from tests.interop.values import PageError
from tests.support.media_checks import BLUE, is_color

LOOPBACK = """async (_, harness, {color, frequency}) => {
    const video = harness.makeTrack({kind: 'video', name: 'camera', color});
    const audio = harness.makeTrack({kind: 'audio', name: 'microphone', frequency});
    harness.room = {participants: new Map([['PA1', {identity: 'me', tracks: new Map([
        ['MT1', {kind: 'video', trackName: 'camera', track: video}],
        ['MT2', {kind: 'audio', trackName: 'microphone', track: audio}],
    ])}]])};
    harness.show('me', 'camera', {});
}"""


async def test_the_page_has_the_sdk_in_a_secure_context(stage: Stage) -> None:
    page = await stage.page("alice")
    assert await page.run("() => [isSecureContext, Twilio.Video.version]") == [True, "2.36.0"]
    assert await page.run("() => Twilio.Video.isSupported")


async def test_pictures_and_tones_can_be_told_apart(stage: Stage) -> None:
    page = await stage.page("alice")
    await page.run(LOOPBACK, {"color": list(BLUE), "frequency": 880})
    picture = await page.sees("me", BLUE)
    assert (picture.width, picture.height) == (320, 240)
    assert is_color(picture.color, BLUE, tolerance=12)
    await page.hears("me", 880)
    before = await page.frames_of("me")
    await page.until("(_, harness, n) => harness.framesShown('me', null) > n + 5", before)


async def test_the_journal_keeps_order_and_waits(stage: Stage) -> None:
    page = await stage.page("alice")
    await page.run(
        """(_, harness) => {
            harness.journal.write('room', 'first', [{code: 1, extra: 2}]);
            setTimeout(() => harness.journal.write('room', 'second', ['x']), 100);
        }"""
    )
    assert (await page.event("first", {"code": 1})).code == 1
    assert (await page.event("second", "x")).index == 1
    assert await page.story() == [("first", {"code": 1, "extra": 2}), ("second", "x")]
    with pytest.raises(AssertionError, match="heard no 'first'"):
        await page.event("first", since=1, deadline=0.1)


async def test_errors_of_the_page_arrive_with_their_code(stage: Stage) -> None:
    page = await stage.page("alice")
    with pytest.raises(PageError) as caught:
        await page.run("() => { const e = new RangeError('no'); e.code = 7; throw e; }")
    assert (caught.value.name, caught.value.code, caught.value.message) == ("RangeError", 7, "no")
