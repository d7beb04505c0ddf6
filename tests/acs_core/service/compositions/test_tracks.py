from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from acs_core.service.compositions.tracks import NothingRecorded, source_tracks
from tests.support.recorded_calls import EPOCH, Recorded


async def test_nothing_recorded_has_no_tracks() -> None:
    nothing = NothingRecorded()
    await nothing.settled("call")
    assert await nothing.of_call("call") == ()
    with pytest.raises(LookupError):
        nothing.path_of(None)


def test_tracks_keep_their_distances() -> None:
    first = Recorded(Path("/a"), "audio", "mic", 2.0, offset_ms=10)
    second = replace(first, kind="video", name="cam", offset_ms=1_234, identity="ben")
    audio, video = source_tracks([second, first], lambda info: info.path)
    assert (audio.is_video, video.is_video) == (False, True)
    assert audio.start == pytest.approx(EPOCH + 0.01)
    assert video.start - audio.start == pytest.approx(1.224)
    assert audio.labels == (
        "mic",
        f"MT{first.publication}",
        f"PA{first.endpoint}",
        f"RT{first.id}",
    )
    assert (audio.group, video.group, audio.path, audio.duration) == ("ann", "ben", "/a", 2.0)
