"""`twilio-compat insights`: what the browsers in a room have told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypedDict

import typer

from twilio_compat.commands.client_support import Access, load_access, printable
from twilio_compat.commands.operator_client import Moment, ask
from twilio_compat.gateway.insights import BATCH, INSIGHTS_PATH

__all__ = ["register"]

WAIT: Final = 20.0
"""Seconds that the service waits for news in one request."""
SLACK: Final = 10.0
WIDEST: Final = 160
"""Characters of a payload in a line for people."""


class _Event(TypedDict):
    """One event as the service tells it."""

    sequence: int
    received_at: Moment
    room_sid: str
    room: str
    participant_sid: str
    identity: str
    sdk: str
    group: str
    name: str
    level: str
    timestamp: float
    payload: dict[str, Any]


class _Events(TypedDict):
    events: list[_Event]
    next: int


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(insights)


def insights(
    url: Annotated[str | None, typer.Option(help="Of the service.")] = None,
    room: Annotated[str | None, typer.Option(help="Only this room: SID or name.")] = None,
    participant: Annotated[
        str | None, typer.Option(help="Only this participant: SID or identity.")
    ] = None,
    follow: Annotated[bool, typer.Option(help="Wait for what comes, until interrupted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file.")] = None,
) -> None:
    """Print the events that twilio-video.js has sent to Insights.

    The service keeps the newest 500 of each participant in memory, for an hour.
    """
    chosen = {"room": room, "participant": participant}
    query = {name: value for name, value in chosen.items() if value is not None}
    access = load_access(url, None, config_file)
    asyncio.run(_run(access, query, follow=follow, as_json=as_json))


async def _run(access: Access, query: Mapping[str, str], *, follow: bool, as_json: bool) -> None:
    wait = WAIT if follow else 0.0
    after = 0
    while True:
        asked = {**query, "after": str(after), "wait": str(wait)}
        answer = await ask(
            access, "GET", INSIGHTS_PATH, _Events, query=asked, deadline=wait + SLACK
        )
        for event in answer["events"]:
            print(json.dumps({"event": "insight", **event}) if as_json else _line(event))
        after = answer["next"]
        if not follow and len(answer["events"]) < BATCH:
            return


def _line(event: _Event) -> str:
    at = datetime.fromtimestamp(event["received_at"]).astimezone()
    payload = {name: value for name, value in event["payload"].items() if name != "level"}
    text = json.dumps(payload, ensure_ascii=False)
    shown = text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
    where = event["room"] or event["room_sid"]
    return printable(
        f"{at:%H:%M:%S} {where} {event['identity']} {event['level'] or '-'} "
        f"{event['group']} {event['name']} {shown}"
    )
