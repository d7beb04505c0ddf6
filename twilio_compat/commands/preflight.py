"""`twilio-compat preflight`: how well media goes from here to the service and back."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from twilio_compat.commands.client_support import Access, load_access
from twilio_compat.preflight import PreflightEvent, run_preflight
from twilio_compat.preflight_report import PreflightTestReport, Stats, TimeMeasurement

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(preflight)


def preflight(
    url: Annotated[
        str | None, typer.Option(help="Of the service; else $CALLING_SERVICE_URL.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help="Access token to try; else one is made from the credentials."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long to measure.", min=0.5)] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file.")] = None,
) -> None:
    """Send a test picture and a tone through the service and back, and say how that went."""
    access = load_access(url, token, config_file)
    report = asyncio.run(_run(access, seconds, as_json=as_json))
    if as_json:
        print(json.dumps({"event": "completed", "report": asdict(report)}))
    else:
        _show(report)


async def _run(access: Access, seconds: float, *, as_json: bool) -> PreflightTestReport:
    """The report of a test.

    Raises:
        TwilioError: Why the test failed.
    """
    test = run_preflight(
        access.token(f"preflight-{secrets.token_hex(3)}"),
        duration=seconds * 1000,
        service_url=access.url,
    )
    outcome: asyncio.Future[PreflightTestReport] = asyncio.get_running_loop().create_future()

    def failed(error: Exception, _: PreflightTestReport) -> None:
        if not outcome.done():  # After Ctrl-C nobody waits for it.
            outcome.set_exception(error)

    if as_json:
        test.on(
            PreflightEvent.PROGRESS,
            lambda name: print(json.dumps({"event": "progress", "name": name}), flush=True),
        )
    test.on(PreflightEvent.COMPLETED, outcome.set_result)
    test.on(PreflightEvent.FAILED, failed)
    try:
        return await outcome
    finally:
        test.stop()
        await test.closed()


def _show(report: PreflightTestReport) -> None:
    table = Table(box=None, show_header=False)
    timing, stats = report.networkTiming, report.stats
    for name, part in (
        ("service reached", timing.connect),
        ("way for media", timing.ice),
        ("keys for media", timing.dtls),
        ("first picture", timing.media),
    ):
        table.add_row(name, _duration(part))
    table.add_row("round trip", _range(stats.rtt, "ms"))
    table.add_row("jitter", _range(stats.jitter, "ms", factor=1000))
    table.add_row("packets lost", _range(stats.packetLoss, "%"))
    pair = report.selectedIceCandidatePairStats
    if pair is not None:
        near, far = pair.localCandidate, pair.remoteCandidate
        way = f"{near.candidateType} {near.ip} to {far.candidateType} {far.ip}:{far.port}"
        table.add_row("way", way)
    Console(highlight=False, soft_wrap=True).print(table)


def _duration(part: TimeMeasurement | None) -> str:
    return "-" if part is None else f"{part.duration:.0f} ms"


def _range(stats: Stats | None, unit: str, *, factor: float = 1.0) -> str:
    if stats is None:
        return "-"
    low, mean, high = (factor * value for value in (stats.min, stats.average, stats.max))
    return f"{mean:.1f} {unit} ({low:.1f} to {high:.1f})"
