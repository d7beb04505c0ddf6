from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from rich.console import Console

from twilio_compat.commands.arrivals import Arrival
from twilio_compat.commands.join_output import (
    JsonOutput,
    PlainOutput,
    TableOutput,
    make_output,
    present_people,
)

VIDEO = Arrival(
    participant="[ann]", track_sid="MT1", kind="video", codec="VP8", frames=48, width=640,
    height=360, frames_per_second=24.0, bitrate_bps=512_000, bytes=9000, loss=0.01,
)  # fmt: skip
SOUND = Arrival(participant="[ann]", track_sid="MT2", kind="audio", codec="opus", level_dbov=-20)
DATA = Arrival(participant="[ann]", track_sid="MT3", kind="data", frames=3)
SUMMARY: dict[str, Any] = {
    "room": "daily",
    "seconds": 2.0,
    "tracks": [asdict(VIDEO), asdict(DATA)],
    "recording": {"path": "x.webm", "duration": 1.5},
}


def test_json_is_a_line_per_event_and_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    output = make_output(as_json=True)
    assert isinstance(output, JsonOutput)
    output.event("connected", room="daily")
    output.sample(["ann"], [VIDEO])
    output.close(SUMMARY)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["connected", "summary"]
    assert lines[1]["tracks"][0]["frames"] == 48


def test_plain_lines_come_every_five_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    output = make_output(as_json=False)
    assert isinstance(output, PlainOutput)
    for _ in range(4):
        output.sample(["ann"], [VIDEO])
    assert capsys.readouterr().out == ""
    output.sample(["ann"], [VIDEO, SOUND, DATA, replace(VIDEO, is_here=False)])
    assert capsys.readouterr().out.splitlines() == [
        "  [ann]: video, VP8, 640x360, 24 fps, 512 kbit/s, loss 1.0%",
        "  [ann]: audio, opus, 0 fps, 0 kbit/s, -20 dB, loss 0.0%",
        "  [ann]: data, 3 messages",
    ]


def test_what_others_chose_does_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = PlainOutput()
    name = "\x1b[2Jeve"
    output.event("participantConnected", identity=name)
    for _ in range(5):
        output.sample([name], [replace(VIDEO, participant=name)])
    output.close(SUMMARY | {"tracks": [asdict(VIDEO) | {"participant": name}], "room": name})
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=200, color_system=None)
    table = TableOutput(console)
    table.sample([name], [replace(VIDEO, participant=name)])
    table.close(SUMMARY)
    for shown in (capsys.readouterr().out, stream.getvalue()):
        assert "?[2Jeve" in shown
        assert name not in shown


def test_plain_end_says_what_came(capsys: pytest.CaptureFixture[str]) -> None:
    PlainOutput().close(SUMMARY)
    assert capsys.readouterr().out.splitlines() == [
        "left daily after 2.0 s; recorded 1.5 s to x.webm",
        "  [ann]: video 640x360, 48 frames, 9 kB, loss 1.0%",
        "  [ann]: data, 3 messages, 0 kB, loss 0.0%",
    ]


def test_plain_end_names_the_file_of_each_participant(capsys: pytest.CaptureFixture[str]) -> None:
    files = [{"path": f"calls/{name}.mp4", "duration": 1.5} for name in ("ann", "bob")]
    summary = {key: value for key, value in SUMMARY.items() if key != "recording"}
    PlainOutput().close(summary | {"recordings": files})
    assert capsys.readouterr().out.splitlines()[0] == (
        "left daily after 2.0 s; recorded 1.5 s to calls/ann.mp4; recorded 1.5 s to calls/bob.mp4"
    )


def test_table_shows_names_as_they_are_and_stays_at_the_end() -> None:
    screen = io.StringIO()
    output = TableOutput(Console(file=screen, force_terminal=True, width=100, color_system=None))
    output.event("participantConnected", identity="[ann]")
    output.sample(["[ann]"], [VIDEO, replace(SOUND, is_enabled=False)])
    output.close(SUMMARY)
    shown = screen.getvalue().rpartition("here: ")[2]
    assert shown.startswith("[ann]")
    assert "640x360" in shown
    assert "audio (off)" in shown
    assert "left daily" in shown


def test_people_are_named() -> None:
    assert present_people(["ann", "bob"]) == "here: ann, bob"
    assert present_people([]) == "nobody else is here"
