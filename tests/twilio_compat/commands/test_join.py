from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import jwt
import pytest

from tests.support.command_line import Served, clean_environment, command
from twilio_compat.connect import connect
from twilio_compat.tokens import AccessToken

CLIP = Path(__file__).parents[3] / "migration_examples" / "media"


def _token(service: Served, identity: str, **changes: str) -> str:
    known = service.credentials
    return AccessToken(
        known["TWILIO_ACCOUNT_SID"],
        known["TWILIO_API_KEY_SID"],
        changes.get("secret", known["TWILIO_API_KEY_SECRET"]),
        identity,
        changes.get("room"),
    ).to_jwt()


def _expired(service: Served) -> str:
    claims = jwt.decode(_token(service, "late"), options={"verify_signature": False})
    claims.update(nbf=int(time.time()) - 7200, exp=int(time.time()) - 3600)
    return jwt.encode(
        claims,
        service.credentials["TWILIO_API_KEY_SECRET"],
        headers={"cty": "twilio-fpa;v=1"},
    )


async def _start(service: Served, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command("join", *arguments),
        env=clean_environment(service.credentials),
        stdout=asyncio.subprocess.PIPE,
    )


async def _next(process: asyncio.subprocess.Process, name: str) -> dict[str, Any]:
    """The next JSON line of an event."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while True:
            line = await process.stdout.readline()
            assert line, f"the command ended without {name}"
            found: dict[str, Any] = json.loads(line)
            if found["event"] == name:
                return found


async def test_what_arrives_is_counted_and_recorded(service: Served, tmp_path: Path) -> None:
    path = tmp_path / "seen.webm"
    ann = await connect(
        _token(service, "ann"),
        name="arrivals",
        audio={"source": "tone"},
        video={"source": "pattern"},
        service_url=service.url,
    )
    async with ann:
        process = await _start(
            service, "arrivals", "--identity", "bob", "--seconds", "4",
            "--record", str(path), "--json",
        )  # fmt: skip
        assert (await _next(process, "connected"))["identity"] == "bob"
        assert (await _next(process, "participant"))["identity"] == "ann"
        summary = await _next(process, "summary")
        assert await process.wait() == 0
    tracks = {track["kind"]: track for track in summary["tracks"]}
    assert summary["participants"] == ["ann"]
    assert (tracks["video"]["width"], tracks["video"]["height"]) == (640, 360)
    assert tracks["video"]["frames"] > 20
    assert tracks["audio"]["frames"] > 75
    assert tracks["audio"]["level_dbov"] > -60
    assert summary["recording"]["path"] == str(path)
    with av.open(str(path)) as recorded:
        assert recorded.streams.video
        assert recorded.streams.audio


async def test_each_participant_is_recorded_into_a_folder(service: Served, tmp_path: Path) -> None:
    ann = await connect(
        _token(service, "ann"),
        name="folder",
        audio={"source": "tone"},
        video=False,
        service_url=service.url,
    )
    async with ann:
        process = await _start(
            service, "folder", "--identity", "bob", "--seconds", "2",
            "--record", str(tmp_path / "calls"), "--json",
        )  # fmt: skip
        summary = await _next(process, "summary")
        assert await process.wait() == 0
    (file,) = summary["recordings"]
    assert (file["identity"], file["path"]) == ("ann", str(tmp_path / "calls" / "ann.mp4"))
    assert (tmp_path / "calls" / "ann.mp4").stat().st_size > 0
    assert file["duration"] > 0.5


async def test_files_are_sent(service: Served) -> None:
    process = await _start(
        service, "files", "--identity", "filer", "--json",
        "--video", str(CLIP / "clip.mp4"), "--audio", str(CLIP / "speech.wav"),
    )  # fmt: skip
    await _next(process, "connected")
    watcher = await connect(
        _token(service, "watcher"),
        name="files",
        audio=False,
        video=False,
        service_url=service.url,
    )
    async with watcher:
        filer = next(iter(watcher.participants.values()))
        assert filer.identity == "filer"
        kinds = sorted(publication.kind for publication in filer.tracks.values())
        assert kinds == ["audio", "video"]
        process.send_signal(signal.SIGTERM)
        assert (await _next(process, "summary"))["identity"] == "filer"
        assert await process.wait() == 0


async def test_ctrl_c_leaves_the_room_and_exits_0(service: Served) -> None:
    process = await _start(service, "leaving", "--json")
    await _next(process, "connected")
    process.send_signal(signal.SIGINT)
    await _next(process, "disconnected")
    assert (await _next(process, "summary"))["tracks"] == []
    assert await process.wait() == 0


@pytest.mark.feature("AUTH-001")
async def test_acs_token_of_the_command_line_opens_a_room(service: Served) -> None:
    printed = await asyncio.to_thread(service.run_process, "token", "--acs")
    token = printed.out.strip()
    assert "voip" in jwt.decode(token, options={"verify_signature": False})["acsScope"]
    # ACS users enter rooms that are there; this one is made by who comes first.
    ann = await connect(
        _token(service, "ann"), name="native", audio=False, video=False, service_url=service.url
    )
    async with ann:
        process = await _start(service, "native", "--token", token, "--seconds", "0", "--json")
        assert (await _next(process, "summary"))["participants"] == ["ann"]
        assert await process.wait() == 0


def test_without_a_terminal_and_without_json_it_prints_lines(service: Served) -> None:
    done = service.run("join", "alone", "--identity", "ann", "--seconds", "0.3")
    assert done.code == 0
    assert done.out.startswith("connected room=alone")
    assert "left alone after 0." in done.out
    assert "\x1b" not in done.out


REFUSED: list[tuple[str, Callable[[Served], str], int, int]] = [
    ("no token at all", lambda _: "rubbish", 20101, 4),
    ("expired", _expired, 20104, 4),
    ("foreign", lambda service: _token(service, "eve", secret="x" * 32), 20107, 4),
    ("other room", lambda service: _token(service, "eve", room="elsewhere"), 20106, 4),
]


@pytest.mark.parametrize(
    ("token", "code", "exit_code"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_token_that_is_not_good_is_refused(
    service: Served, token: Callable[[Served], str], code: int, exit_code: int
) -> None:
    done = service.run("join", "daily", "--token", token(service), "--json")
    (error,) = done.events("error")
    assert (error["code"], done.code) == (code, exit_code)
    assert error["next_step"]
    assert "Traceback" not in done.err


def test_long_room_name_is_refused(service: Served) -> None:
    done = service.run("join", "x" * 129, "--json")
    (error,) = done.events("error")
    assert (error["code"], done.code) == (53101, 4)
    assert "128" in error["message"]


def test_service_that_is_not_there_is_said_so(service: Served) -> None:
    done = service.run("join", "daily", "--url", "http://127.0.0.1:9")
    assert done.code == 3
    assert "127.0.0.1:9" in done.err
    assert "(signaling)" in done.err
    assert "twilio-compat serve" in done.err


@pytest.mark.parametrize(("name", "content"), [("missing.mp4", None), ("noise.mp4", b"\0x" * 999)])
def test_file_that_cannot_be_played_is_a_media_error(
    service: Served, tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = service.run("join", "daily", "--video", str(path), "--json")
    (error,) = done.events("error")
    assert (error["code"], error["stage"], done.code) == (43000, "device", 5)
    assert name in error["message"]
