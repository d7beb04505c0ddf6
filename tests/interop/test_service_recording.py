"""What the service records of a browser, in each codec that it sends, with the unmodified SDK."""

from __future__ import annotations

import pytest

from tests.interop.stage import Stage
from tests.interop.test_refused_codecs import ONLY
from tests.interop.values import microphone, video
from tests.support.events import until
from tests.support.media_checks import RED, is_color
from tests.support.recordings import completed, media_flows, news_of, pictures_of, pitch_of


@pytest.mark.parametrize(
    ("codec", "sound"),
    [("VP8", "opus"), ("H264", "opus"), ("VP9", "opus"), ("AV1", "opus"), ("VP8", "PCMU")],
)
async def test_a_browser_is_recorded_in_the_codecs_that_it_sends(
    stage: Stage, codec: str, sound: str
) -> None:
    await stage.create_room(RecordParticipantsOnConnect="true")
    (call,) = stage.server.calls.live.values()
    news = news_of(stage.server)
    alice = await stage.page("alice")
    if not await alice.run(ONLY, [codec, "RTX"]):
        pytest.skip(f"this browser has no {codec}")
    await alice.connect(media=(microphone(440), video(RED)), preferredAudioCodecs=[sound])
    await until(lambda: len(news) == 2)
    await media_flows(stage.server, 60)
    call.complete()
    found = {info.kind: info for info in (await completed(stage.server, call, 2)).values()}
    assert (found["video"].codec, found["audio"].codec) == (codec, sound.upper())
    paths = {kind: stage.server.recordings.path_of(info) for kind, info in found.items()}
    pictures = pictures_of(paths["video"])
    assert len(pictures) >= 10
    assert all(is_color(picture.color, RED, tolerance=60) for picture in pictures)
    times = [picture.time for picture in pictures]
    assert times == sorted(set(times))
    assert abs(times[-1] - (found["video"].duration or 0)) < 0.5
    assert pitch_of(paths["audio"]) == pytest.approx(440, abs=10)
    # Both tracks began within the time that a browser takes to open its devices.
    assert abs(found["video"].offset_ms - found["audio"].offset_ms) < 3000
