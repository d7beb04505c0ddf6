from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acs_core.service.recording.info import RecordingStatus
from tests.support.events import until
from tests.support.media_checks import RED, is_color
from tests.support.people import Meeting, meeting
from tests.support.recordings import completed, news_of, pictures_of, pitch_of, studio


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Meeting]:
    async with meeting(data_dir=tmp_path, free_disk_floor=0) as made:
        yield made


@pytest.mark.feature("MATRIX-021")
async def test_each_track_becomes_a_file_that_plays(place: Meeting) -> None:
    server = place.server
    call = studio(server)
    news = news_of(server)
    guest = await place.guest("anna", name="studio", color=RED, tone=440.0)
    await until(lambda: len(news) == 2)
    assert all(info.status is RecordingStatus.PROCESSING for _, info in news)
    await asyncio.sleep(2.0)
    guest.disconnect()
    await until(lambda: len(news) == 4)
    call.complete()
    found = await completed(server, call, 2)
    video = next(info for info in found.values() if info.kind == "video")
    audio = next(info for info in found.values() if info.kind == "audio")
    assert (video.codec, video.container, audio.codec, audio.container) == (
        "VP8",
        "mkv",
        "OPUS",
        "mka",
    )
    for info in (video, audio):
        assert info.call == call.id
        assert info.identity == "anna"
        assert info.size == server.recordings.path_of(info).stat().st_size
        assert info.duration is not None
        assert 1.8 < info.duration < 4.0
    pictures = pictures_of(server.recordings.path_of(video))
    assert all(is_color(picture.color, RED) for picture in pictures)
    counters = [picture.counter for picture in pictures]
    assert len(pictures) > 20
    assert counters == sorted(set(counters))  # type: ignore[type-var]
    assert abs(pictures[-1].time - (video.duration or 0)) < 0.3
    assert pitch_of(server.recordings.path_of(audio)) == pytest.approx(440, abs=5)
