from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path

import av
import pytest

from acs_core.errors import MediaError
from acs_core.service.recording.container import CODECS, MatroskaFile, measure_file
from tests.support.coding import CODED, coded_pictures
from tests.support.recordings import pictures_of

SILENCE = b"\xf8\xff\xfe"


def write(
    path: Path, codec: str = "VP8", count: int = 30, *, is_closed: bool = True, note: str = ""
) -> None:
    """One picture each 0.1 s."""
    file = MatroskaFile(path, CODECS[codec], size=(320, 180), note=note)
    for index, picture in enumerate(coded_pictures(codec, count)):
        file.write(picture, 100 * index, is_keyframe=index == 0)
    if is_closed:
        file.close()
    else:
        copy = path.read_bytes()
        file.abandon()
        path.write_bytes(copy)


@pytest.mark.parametrize("codec", sorted(CODED))
def test_pictures_of_every_codec_play_to_the_end(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write(path, codec)
    pictures = pictures_of(path)
    assert [picture.counter for picture in pictures] == list(range(30))
    assert [round(10 * picture.time) for picture in pictures] == list(range(30))
    measured = measure_file(path)
    assert measured.samples == 30
    assert measured.size == path.stat().st_size
    assert 2.9 <= measured.duration <= 3.1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("codec", sorted(CODED))
def test_a_file_that_was_not_closed_plays_up_to_its_last_second(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write(path, codec, is_closed=False)
    counters = [picture.counter for picture in pictures_of(path)]
    assert counters == list(range(len(counters)))
    assert len(counters) >= 18
    assert measure_file(path).samples == len(counters)


@pytest.mark.parametrize(
    ("codec", "rate", "data"), [("OPUS", 48000, SILENCE), ("PCMU", 8000, bytes(320))]
)
def test_sound_keeps_its_gaps(codec: str, rate: int, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mka"
    file = MatroskaFile(path, CODECS[codec], clock_rate=rate)
    for index in range(100):
        at = 20 * index + (3000 if index >= 50 else 0)
        file.write(data, at, is_keyframe=True, duration_ms=20)
    file.close()
    assert measure_file(path).duration == pytest.approx(5.0, abs=0.03)
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(audio=0) if frame.time is not None]
        context = container.streams.audio[0].codec_context
        assert context.sample_rate == rate
        if codec == "OPUS":
            assert (context.extradata or b"")[:8] == b"OpusHead"
    gaps = [two - one for one, two in itertools.pairwise(times)]
    assert max(gaps) == pytest.approx(3.02, abs=0.03)
    assert len(times) == 100


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(b"mine")
    with pytest.raises(MediaError):
        MatroskaFile(path, CODECS["VP8"], size=(320, 180))
    assert path.read_bytes() == b"mine"
    os.symlink(path, tmp_path / "b.mkv")
    with pytest.raises(MediaError):
        MatroskaFile(tmp_path / "b.mkv", CODECS["VP8"], size=(320, 180))


@pytest.mark.parametrize("content", [None, b"", b"no file of this kind" * 20])
def test_what_cannot_be_played_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError):
        measure_file(path)


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    file = MatroskaFile(path, CODECS["VP8"], size=(320, 180))
    file.write(coded_pictures("VP8", 1)[0], 0, is_keyframe=True)
    file.close()
    path.write_bytes(path.read_bytes()[:420])
    with pytest.raises(MediaError):
        measure_file(path)
