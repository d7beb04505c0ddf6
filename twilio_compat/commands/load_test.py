"""`twilio-compat load-test`: many participants at once, and how they fare."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from acs_core.errors import InvalidArgumentError, Stage
from twilio_compat.commands.client_support import Access, load_access, stop_signals
from twilio_compat.commands.load_run import LoadPlan, LoadReport, run_load

__all__ = ["register"]

MOST_PUBLISHERS: Final = 50
MOST_SUBSCRIBERS: Final = 200
MOST_TRACKS: Final = 2000
LONGEST: Final = 3600.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("load-test")(load_test)


def load_test(
    url: Annotated[
        str | None, typer.Option(help="Of the service; else $CALLING_SERVICE_URL.")
    ] = None,
    room: Annotated[
        str | None, typer.Option(help="Where to meet; a new room if not given.")
    ] = None,
    publishers: Annotated[
        int, typer.Option(min=1, max=MOST_PUBLISHERS, help="Participants that send.")
    ] = 2,
    subscribers: Annotated[
        int, typer.Option(min=1, max=MOST_SUBSCRIBERS, help="Participants that receive.")
    ] = 4,
    seconds: Annotated[
        float, typer.Option(min=0.5, max=LONGEST, help="How long to measure.")
    ] = 10.0,
    video: Annotated[bool, typer.Option(help="Send test pictures, 640x360 at 24 fps.")] = True,
    audio: Annotated[bool, typer.Option(help="Send tones.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file.")] = None,
) -> None:
    """Let publishers and subscribers meet in a room and measure what arrives.

    All of them run in this process, which needs the service's credentials. Exits 1 when somebody
    did not get in or a track did not come.
    """
    plan = LoadPlan(
        room=room or f"load-{secrets.token_hex(4)}",
        publishers=publishers,
        subscribers=subscribers,
        seconds=seconds,
        has_video=video,
        has_audio=audio,
    )
    if not (video or audio):
        raise InvalidArgumentError(
            "There is nothing to send.",
            stage=Stage.ARGUMENT,
            next_step="Leave out --no-video or --no-audio.",
        )
    if plan.tracks_expected > MOST_TRACKS:
        raise InvalidArgumentError(
            f"{plan.tracks_expected} received tracks are more than one process can judge.",
            stage=Stage.ARGUMENT,
            next_step=f"Stay below {MOST_TRACKS}; run the command several times at once.",
        )
    report = asyncio.run(_run(plan, load_access(url, None, config_file)))
    if as_json:
        summary = {"event": "load-test", "room": plan.room, "complete": report.is_complete}
        print(json.dumps({**summary, **asdict(report)}))
    else:
        _print(plan, report)
    if not report.is_complete:
        raise typer.Exit(1)


async def _run(plan: LoadPlan, access: Access) -> LoadReport:
    with stop_signals() as stopped:
        return await run_load(plan, access, stopped)


def _print(plan: LoadPlan, report: LoadReport) -> None:
    table = Table(
        title=f"{plan.publishers} publishers, {plan.subscribers} subscribers, "
        f"{report.seconds:.1f} s",
        title_justify="left",
        show_header=False,
    )
    missing = "" if report.is_complete else "  incomplete"
    rows = {
        "tracks": f"{report.tracks_received} of {report.tracks_expected}{missing}",
        "joins that failed": str(report.failed_joins),
        "received": f"{report.received_bps / 1e6:.2f} Mbit/s, {report.received_packets} packets",
        "packet loss": f"{report.loss:.3%}",
        "connect to first picture": _pair(report.first_frame_p50, report.first_frame_p95),
        "capture to decoded": _pair(report.latency_p50, report.latency_p95),
        "processor, this process": f"{report.cpu:.0%} of one core",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console = Console(highlight=False, markup=False)
    console.print(table)
    for error in report.errors:
        console.print(f"join failed: {error}")


def _pair(median: float | None, high: float | None) -> str:
    if median is None or high is None:
        return "not measured"
    return f"p50 {median * 1000:.0f} ms, p95 {high * 1000:.0f} ms"
