from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acs_core.compositing.job import AudioPart, FileFormat, RenderJob, SourceTrack, VideoPart
from acs_core.compositing.layout import Region
from acs_core.compositing.output import WaveOutput
from acs_core.compositing.render import render
from acs_core.errors import MediaError
from tests.support.track_files import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    colors_at,
    lengths,
    levels,
    write_color,
    write_tone,
)

GRID = (Region(video_sources=("*",)),)


def job(folder: Path, tracks: list[SourceTrack], **changes: Any) -> RenderJob:
    options: dict[str, Any] = {
        "format": FileFormat.MP4,
        "video": VideoPart(width=160, height=120, regions=GRID),
        "audio": AudioPart(),
    }
    options.update(changes)
    output = folder / f"out.{options['format']}"
    return RenderJob(output=str(output), tracks=tuple(tracks), **options)


def rendered(folder: Path, tracks: list[SourceTrack], **changes: Any) -> Path:
    wanted = job(folder, tracks, **changes)
    reports: list[float] = []
    result = render(wanted, reports.append)
    path = Path(wanted.output)
    assert reports == sorted(reports)
    assert reports[-1] == 1.0
    assert result.size == path.stat().st_size
    assert [item.name for item in folder.glob("out*")] == [path.name]
    for length in lengths(path).values():
        assert abs(length - result.duration) < 0.1
    return path


@pytest.mark.parametrize("format", [FileFormat.MP4, FileFormat.WEBM])
def test_pictures_fill_cells_and_sounds_are_mixed(tmp_path: Path, format: FileFormat) -> None:
    tracks = [
        write_color(tmp_path / "ann.mkv", RED, 2.0, start=50.0),
        write_color(tmp_path / "ben.mkv", GREEN, 1.0, start=50.5, codec="libx264", size=(48, 64)),
        write_tone(tmp_path / "ann.mka", 440, 2.0, start=50.0),
        write_tone(tmp_path / "ben.mka", 1000, 1.0, start=50.5),
    ]
    path = rendered(tmp_path, tracks, format=format)
    # A picture of 4:3 in the left cell, one of 3:4 in the right, black around them.
    points = [(40, 60), (120, 60), (40, 10), (82, 60)]
    assert colors_at(path, [0.2, 1.0, 1.8], points) == [
        [RED, BLACK, BLACK, BLACK],
        [RED, GREEN, BLACK, GREEN],
        [RED, BLACK, BLACK, BLACK],
    ]
    for channel in levels(path, 440):
        assert min(channel[1:18]) > 6000
    for channel in levels(path, 1000):
        assert max(channel[1:4] + channel[16:19]) < 400
        assert min(channel[6:14]) > 6000


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9", "libx264", "libsvtav1"])
def test_every_codec_of_browsers_is_read(tmp_path: Path, codec: str) -> None:
    tracks = [write_color(tmp_path / "x.mkv", BLUE, 0.5, codec=codec, size=(128, 96))]
    path = rendered(tmp_path, tracks, audio=None)
    assert colors_at(path, [0.3], [(80, 60)]) == [[BLUE]]
    assert lengths(path).keys() == {"video"}


def test_regions_choose_their_tracks_and_lie_above_each_other(tmp_path: Path) -> None:
    tracks = [
        write_color(tmp_path / "screen.mkv", BLUE, 0.6),
        write_color(tmp_path / "cam-ann.mkv", RED, 0.6),
        write_color(tmp_path / "cam-ben.mkv", GREEN, 0.6),
    ]
    regions = (
        Region(video_sources=("cam-*",), x_pos=80, y_pos=0, width=80, height=60, z_pos=2),
        Region(video_sources=("*",), video_sources_excluded=("cam-*",), z_pos=1),
    )
    path = rendered(
        tmp_path, tracks, video=VideoPart(width=160, height=120, regions=regions), audio=None
    )
    assert colors_at(path, [0.3], [(20, 60), (100, 30), (140, 30), (140, 100)]) == [
        [BLUE, RED, GREEN, BLUE]
    ]


def test_trim_takes_out_when_nobody_is_there(tmp_path: Path) -> None:
    tracks = [
        write_color(tmp_path / "a.mkv", RED, 0.6, start=10.0),
        write_color(tmp_path / "b.mkv", GREEN, 0.6, start=20.0),
        write_tone(tmp_path / "b.mka", 440, 0.6, start=20.0),
    ]
    path = rendered(tmp_path, tracks)
    assert abs(lengths(path)["video"] - 1.2) < 0.1
    assert colors_at(path, [0.3, 0.9], [(80, 60)]) == [[RED], [GREEN]]
    (first, *_), _ = levels(path, 440, window=0.5)
    assert first < 400
    whole = rendered(tmp_path, tracks, is_trimmed=False, periods=((9.0, 20.6),))
    assert abs(lengths(whole)["audio"] - 11.6) < 0.1
    assert colors_at(whole, [0.5, 1.3, 5.0, 11.3], [(80, 60)]) == [[BLACK], [RED], [BLACK], [GREEN]]


def test_what_was_paused_is_not_kept(tmp_path: Path) -> None:
    tracks = [
        write_color(tmp_path / "a.mkv", RED, 3.0),
        write_tone(tmp_path / "a.mka", 440, 3.0),
    ]
    path = rendered(tmp_path, tracks, periods=((0.5, 1.0), (2.0, 2.3)), is_trimmed=False)
    assert abs(lengths(path)["video"] - 0.8) < 0.1


def test_gaps_are_silent_and_a_picture_is_held_for_a_while(tmp_path: Path) -> None:
    tracks = [
        write_color(tmp_path / "a.mkv", RED, 9.0, gap=(1.0, 8.0)),
        write_tone(tmp_path / "a.mka", 440, 9.0, gap=(1.0, 8.0)),
    ]
    path = rendered(tmp_path, tracks)
    assert colors_at(path, [3.0, 7.0, 8.5], [(80, 60)]) == [[RED], [BLACK], [RED]]
    for channel in levels(path, 440):
        assert min(channel[1:9]) > 6000
        assert max(channel[11:79]) < 400
        assert min(channel[82:89]) > 6000


def test_loud_sounds_together_do_not_clip(tmp_path: Path) -> None:
    tracks = [
        write_tone(tmp_path / f"{hz}.mka", hz, 1.0, amplitude=20_000) for hz in (440, 1000, 1500)
    ]
    path = rendered(tmp_path, tracks, video=None, format=FileFormat.WAV)
    for channel in levels(path, 440) + levels(path, 1500):
        assert 8_000 < min(channel[1:9]) <= max(channel[1:9]) < 12_000
    # Clipping would make the tone that is between them.
    for channel in levels(path, 440 + 2 * 280):
        assert max(channel[1:9]) < 12_000
    for channel in levels(path, 2 * 1000 - 440):
        assert max(channel[2:9]) < 300


def test_sound_alone_chooses_its_tracks(tmp_path: Path) -> None:
    tracks = [
        write_tone(tmp_path / "ann-mic.mka", 440, 1.0),
        write_tone(tmp_path / "ben-mic.mka", 1000, 1.0),
    ]
    audio = AudioPart(sources=("*-mic",), sources_excluded=("ben*",), channels=1)
    path = rendered(tmp_path, tracks, video=None, audio=audio, format=FileFormat.MP3)
    (wanted,), (excluded,) = levels(path, 440), levels(path, 1000)
    assert min(wanted[1:9]) > 6000
    assert max(excluded[1:9]) < 400


def test_unmixed_sound_has_a_channel_for_each_person(tmp_path: Path) -> None:
    tracks = [
        write_tone(tmp_path / "a.mka", 440, 1.0, group="ann"),
        write_tone(tmp_path / "b.mka", 1000, 0.5, start=0.5, group="ben"),
        write_tone(tmp_path / "c.mka", 1500, 0.5, start=0.0, group="ben"),
    ]
    audio = AudioPart(unmixed=("ben",), rate=16_000)
    path = rendered(tmp_path, tracks, video=None, audio=audio, format=FileFormat.WAV)
    ben, ann = levels(path, 440)
    assert max(ben[1:9]) < 400
    assert min(ann[1:9]) > 6000
    ben, _ = levels(path, 1000)
    assert max(ben[1:4]) < 400
    assert min(ben[6:9]) > 6000
    assert min(levels(path, 1500)[0][1:4]) > 6000


def test_a_track_that_was_cut_off_is_rendered_as_far_as_it_goes(tmp_path: Path) -> None:
    track = write_color(tmp_path / "a.mkv", RED, 4.0)
    whole = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    path = rendered(tmp_path, [track], audio=None)
    assert colors_at(path, [0.5], [(80, 60)]) == [[RED]]


def test_what_cannot_be_rendered_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "broken.mkv").write_bytes(b"no video")
    broken = SourceTrack(
        path=str(tmp_path / "broken.mkv"), is_video=True, start=0.0, duration=1.0, labels=("x",)
    )
    missing = SourceTrack(
        path=str(tmp_path / "missing.mka"), is_video=False, start=0.0, duration=1.0, labels=("x",)
    )
    sound = write_tone(tmp_path / "a.mka", 440, 0.5)
    kind = SourceTrack(path=sound.path, is_video=True, start=0.0, duration=0.5, labels=("x",))
    for tracks in ([broken], [missing], [], [kind]):
        with pytest.raises(MediaError):
            render(job(tmp_path, tracks), lambda _: None)
    with pytest.raises(MediaError, match="pictures"):
        render(job(tmp_path, [broken], format=FileFormat.WAV), lambda _: None)
    wanted = job(tmp_path / "not there", [sound], video=None)
    with pytest.raises(MediaError):
        render(wanted, lambda _: None)
    assert list(tmp_path.glob("out*")) == []


def test_a_wav_file_that_would_be_too_long_for_its_header_is_refused(tmp_path: Path) -> None:
    output = WaveOutput(tmp_path / "a.wav", channels=1, rate=48_000, largest=200)
    output.write_sound(np.zeros((100, 1), np.int16))
    with pytest.raises(MediaError, match="4 GiB"):
        output.write_sound(np.zeros((1, 1), np.int16))
    output.close()
