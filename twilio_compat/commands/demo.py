"""`twilio-compat demo`: the whole thing on real media, by itself, in less than half a minute."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from acs_core.media.files import FileSource
from twilio_compat.demo.cast import CAST, make_voices, open_clip, sample_media
from twilio_compat.demo.checks import failures
from twilio_compat.demo.report import Files, prepare_folder, result_table, write_report
from twilio_compat.demo.scenario import Outcome, Plan, Scenario
from twilio_compat.demo.service import ServiceAccess, configured_access, separate_service
from twilio_compat.demo.show import JsonScreen, LiveScreen, PlainScreen, Screen
from twilio_compat.demo.trace import Trace

__all__ = ["register"]

REFRESH: Final = 0.25
BUSY: Final = 1.2
"""Load per processor above which missing pictures are no surprise; the demo itself makes 0.8."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    """What the command line asks for."""

    url: str | None
    out: Path
    video: Path | None
    audio: Path | None
    seconds: float


def demo(
    url: Annotated[
        str | None,
        typer.Option(help="A service that runs already; credentials from the environment."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for pictures, recording and page.")] = Path(
        "demo-out"
    ),
    video: Annotated[
        Path | None, typer.Option(help="Alice sends the pictures of this file.")
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="Alice sends the sound of this file.")] = None,
    seconds: Annotated[
        float, typer.Option(min=3, max=15, help="How long everybody stays in the room.")
    ] = 8.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Let three Twilio-style programs meet in a room, with an ACS-style program watching.

    Starts the service, plays real media, shows what both kinds of program hear, and leaves
    pictures, a recording and a page. Exit code 0 only if everybody saw and heard everybody.
    """
    wishes = _Wishes(url=url, out=out, video=video, audio=audio, seconds=seconds)
    console = Console()
    if as_json:
        screen: Screen = JsonScreen()
    elif console.is_terminal:
        screen = LiveScreen(console)
    else:
        screen = PlainScreen(console)
    files = prepare_folder(out)
    outcome = asyncio.run(_run(wishes, files, screen))
    if as_json:
        print(json.dumps(_summary(outcome, files)))
    else:
        _print_result(console, outcome, files)
    if failures(outcome.checks):
        raise typer.Exit(1)


async def _run(wishes: _Wishes, files: Files, screen: Screen) -> Outcome:
    media = sample_media()
    sample = await open_clip(media / "clip.mp4")
    own = sample if wishes.video is None else await open_clip(wishes.video)
    if wishes.audio is not None:
        await _check_sound(wishes.audio)
    with tempfile.TemporaryDirectory(prefix="twilio-compat-voices-") as folder:
        voices = await asyncio.to_thread(
            make_voices, media / "speech.wav", Path(folder), wishes.seconds
        )
        if wishes.audio is not None:
            voices["alice"] = wishes.audio
        async with _service(wishes.url, screen) as access:
            plan = Plan(
                access=access,
                room=f"demo-{uuid.uuid4().hex[:8]}",
                seconds=wishes.seconds,
                clips={role.name: sample for role in CAST} | {"alice": own},
                voices=voices,
                recording=files.recording,
            )
            return await _play(plan, files, screen)


async def _play(plan: Plan, files: Files, screen: Screen) -> Outcome:
    trace = Trace(asyncio.get_running_loop().time, screen.add)
    scenario = Scenario(plan, trace)
    refreshing = asyncio.create_task(_refresh(screen, scenario), name="screen of the demo")
    try:
        outcome = await scenario.run()
    finally:
        refreshing.cancel()
        await asyncio.gather(refreshing, return_exceptions=True)
        screen.close()
    await asyncio.to_thread(write_report, outcome, trace.entries, files)
    return outcome


async def _refresh(screen: Screen, scenario: Scenario) -> None:
    while True:
        screen.refresh(scenario.watches)
        await asyncio.sleep(REFRESH)


async def _check_sound(path: Path) -> None:
    """Open a file's sound once, so that a mistake is told before anything starts."""
    source = FileSource(path, "audio")
    await source.open()
    await source.close()


@contextlib.asynccontextmanager
async def _service(url: str | None, screen: Screen) -> AsyncIterator[ServiceAccess]:
    if url is not None:
        yield configured_access(url)
        return
    async with separate_service() as access:
        screen.note(f"The service runs as process {access.pid} at {access.url}.")
        yield access


def _print_result(console: Console, outcome: Outcome, files: Files) -> None:
    console.print()
    console.print(result_table(outcome))
    console.print()
    for check in failures(outcome.checks):
        console.print(f"[red bold]failed:[/] {check.who} {check.what}: {check.detail}")
    busy = os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 0.0
    if failures(outcome.checks) and busy > BUSY:
        console.print(
            f"[dim]what to do:[/] this machine has {busy:.1f} programs waiting per processor; "
            "stop other programs and try again.",
            highlight=False,
        )
    recorded = outcome.recorded
    console.print(
        f"Recording: {recorded.video_seconds:.1f} s of pictures, {recorded.audio_seconds:.1f} s "
        f"of sound at {recorded.level:.0f} dBov.",
        highlight=False,
    )
    if not failures(outcome.checks):
        console.print("[green bold]Everybody saw and heard everybody.[/]")
    console.print(f"Open {files.page}", highlight=False, soft_wrap=True)
    console.print(f"Play {files.recording}", highlight=False, soft_wrap=True)


def _summary(outcome: Outcome, files: Files) -> dict[str, object]:
    return {
        "event": "summary",
        "ok": not failures(outcome.checks),
        "checks": [asdict(check) for check in outcome.checks],
        "pairs": [
            {
                "viewer": watch.viewer,
                "sender": watch.sender,
                "frames": watch.frames,
                "fps": round(watch.fps, 2),
                "audible_seconds": round(watch.audible, 2),
                "level_dbov": round(watch.level, 1),
                "first_frame_seconds": outcome.first_frames.get((watch.viewer, watch.sender)),
            }
            for watch in outcome.watches
        ],
        "recording": {"path": str(files.recording), **asdict(outcome.recorded)},
        "page": str(files.page),
    }
