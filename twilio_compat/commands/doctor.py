"""`twilio-compat doctor`: what works from here to the service, and what to do about the rest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from twilio_compat.commands.checks import (
    Check,
    Status,
    check_here,
    check_service,
    check_signaling,
)
from twilio_compat.commands.client_support import Access, load_access
from twilio_compat.commands.media_check import check_media

__all__ = ["register"]

_STYLES: Final = {
    Status.OK: "green",
    Status.WARN: "yellow",
    Status.FAIL: "red bold",
    Status.SKIPPED: "dim",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    url: Annotated[
        str | None, typer.Option(help="Of the service; else $CALLING_SERVICE_URL.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help="Access token to try; else one is made from the credentials."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file.")] = None,
) -> None:
    """Check what works from here to the service: address, clock, token, signaling, media, codecs.

    Exits 0 only if nothing failed; warnings do not count.
    """
    access = load_access(url, token, config_file)
    show = _show_json if as_json else _show
    checks = asyncio.run(_run(access, show))
    failures = sum(check.status is Status.FAIL for check in checks)
    if as_json:
        print(json.dumps({"event": "summary", "ok": failures == 0, "failed": failures}))
    elif failures:
        print(f"{failures} of {len(checks)} checks failed.")
    else:
        print(f"Nothing failed in {len(checks)} checks.")
    if failures:
        raise typer.Exit(1)


async def _run(access: Access, show: Callable[[Check], None]) -> list[Check]:
    """Check one thing after the other; what stands on something that failed is skipped."""
    checks: list[Check] = []

    def add(new: list[Check]) -> bool:
        for check in new:
            show(check)
        checks.extend(new)
        return not any(check.status is Status.FAIL for check in new)

    add(await asyncio.to_thread(check_here, access))
    is_reached = add(await check_service(access))
    if not is_reached:
        add([Check("signaling", Status.SKIPPED, "the service is not there")])
    is_in = is_reached and add(await check_signaling(access))
    if is_in:
        add(await check_media(access))
    else:
        add([Check("media", Status.SKIPPED, "the service does not let us in")])
    return checks


def _show(check: Check) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{check.status:>7}", style=_STYLES[check.status], end="  ")
    console.print(f"{check.name}: {check.detail}", markup=False)
    if check.advice and check.status is not Status.OK:
        console.print(f"         {check.advice}", markup=False, style="dim")


def _show_json(check: Check) -> None:
    print(json.dumps({"event": "check", **asdict(check)}), flush=True)
