"""The demo as a user starts it: output, files, exit codes."""

from __future__ import annotations

import re
import wave
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.command_line import run, run_process
from twilio_compat.demo.cast import CAST, make_voices, mirror_brown, sample_media, swap_colors
from twilio_compat.demo.checks import check_pair, check_recording, failures
from twilio_compat.demo.recording import inspect_recording
from twilio_compat.demo.sheet import write_text
from twilio_compat.demo.show import pair_up
from twilio_compat.demo.trace import Entry, View

FIGURES = {"viewer": "alice", "sender": "bob", "audible": 1.0, "level": -22.0}


@pytest.mark.timeout(90)
def test_demo_lets_everybody_see_and_hear_everybody(tmp_path: Path) -> None:
    done = run_process("demo", "--out", str(tmp_path), "--seconds", "6", "--json")
    lines = done.lines
    summary = lines[-1]
    assert "checks" in summary, (summary, done.err)
    failed = [check for check in summary["checks"] if not check["ok"]]
    assert (failed, done.code) == ([], 0), done.err
    assert len(summary["pairs"]) == 6
    told = {line["entry"]["event"] for line in lines if line["event"] == "trace"}
    assert {"trackSubscribed", "remoteParticipantsUpdated", "isMutedChanged"} <= told
    pictures = sorted(path.name for path in tmp_path.glob("*-sees-*.png"))
    assert len(pictures) == 12
    assert inspect_recording(tmp_path / "carol-received.mp4").video_seconds > 4
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    # Base64 may spell anything, so only what a browser would load is looked at.
    assert not re.search(r"(src|href)=['\"]?(http|//)", page)
    assert (tmp_path / "trace.jsonl").read_text(encoding="utf-8").count("\n") > 50
    assert (tmp_path / "contact-sheet.png").stat().st_size > 50_000


@pytest.mark.parametrize(
    ("option", "name", "content", "words"),
    [
        ("--video", "none.mp4", None, "does not exist"),
        ("--video", "text.mp4", b"not a video", "cannot be opened"),
        ("--audio", "none.wav", None, "does not exist"),
    ],
)
def test_unusable_file_is_told_before_anything_starts(
    tmp_path: Path, option: str, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = run("demo", "--out", str(tmp_path / "out"), option, str(tmp_path / name))
    assert done.code == 5
    assert words in " ".join(done.err.split())
    assert "what to do" in done.err


def test_file_without_pictures_is_refused_as_video(tmp_path: Path) -> None:
    done = run("demo", "--out", str(tmp_path), "--video", str(sample_media() / "speech.wav"))
    assert done.code == 5
    assert "has no video" in " ".join(done.err.split())


def test_service_that_is_not_there_is_told_with_exit_code_3(tmp_path: Path) -> None:
    credentials = {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_API_KEY_SID": "SK" + "0" * 32,
        "TWILIO_API_KEY_SECRET": "secret",
    }
    done = run(
        "demo", "--out", str(tmp_path), "--url", "http://127.0.0.1:9", environment=credentials
    )
    assert done.code == 3, done.err


def test_missing_credentials_for_url_are_told_with_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("demo", "--out", str(tmp_path), "--url", "http://127.0.0.1:9")
    assert done.code == 2
    assert "TWILIO_API_KEY_SID" in done.err


@pytest.mark.parametrize(
    ("frames", "movement", "audible", "ok"),
    [
        (150, 20.0, 2.0, (True, True)),
        (10, 20.0, 2.0, (False, True)),
        (150, 0.2, 2.0, (False, True)),
        (150, 20.0, 0.0, (True, False)),
    ],
)
def test_still_pictures_few_pictures_and_silence_fail(
    frames: int, movement: float, audible: float, ok: tuple[bool, bool]
) -> None:
    got = SimpleNamespace(**FIGURES | {"frames": frames, "movement": movement, "audible": audible})
    checks = check_pair(got, rate=25, seconds=8)
    assert tuple(check.ok for check in checks) == ok
    assert len(failures(checks)) == 2 - sum(ok)


@pytest.mark.parametrize(
    ("video", "audio", "level", "ok"),
    [(8.0, 8.0, -25.0, True), (8.0, 2.0, -25.0, False), (8.0, 8.0, -127.0, False)],
)
def test_recording_needs_length_and_sound(
    video: float, audio: float, level: float, ok: bool
) -> None:
    check = check_recording(
        "carol", video_seconds=video, audio_seconds=audio, level=level, seconds=8
    )
    assert check.ok is ok


def test_events_of_both_sides_share_lines_when_they_are_close() -> None:
    left = Entry(1.0, View.TWILIO, "alice", "participantConnected")
    right = Entry(1.05, View.ACS, "observer", "remoteParticipantsUpdated")
    hidden = Entry(1.06, View.TWILIO, "bob", "trackStarted")
    later = Entry(2.0, View.STORY, "bob", "speaks")
    assert pair_up([left, right, hidden, later]) == [(left, right), (later, None)]


def test_looks_tell_the_participants_apart() -> None:
    picture = np.zeros((12, 8), dtype=np.uint8)
    picture[:8, 0] = 200
    picture[8:10], picture[10:] = 90, 160
    assert swap_colors(picture)[8:10].tolist() == np.full((2, 8), 160).tolist()
    assert mirror_brown(picture)[:8, 7].tolist() == [200] * 8
    assert not np.array_equal(mirror_brown(picture)[8:], picture[8:])


def test_voices_are_as_long_as_the_room_and_of_different_pitch(tmp_path: Path) -> None:
    voices = make_voices(sample_media() / "speech.wav", tmp_path, 8.0)
    rates = []
    for role in CAST:
        with wave.open(str(voices[role.name]), "rb") as file:
            rates.append(file.getframerate())
            assert file.getnframes() / file.getframerate() > 8
    assert len(set(rates)) == 3


def test_text_is_drawn_and_unknown_characters_are_left_out() -> None:
    picture = np.zeros((20, 40, 3), dtype=np.uint8)
    write_text(picture, "~", 0, 0)
    assert not picture.any()
    write_text(picture, "a1", 0, 0, color=(255, 255, 255))
    assert picture.any()
