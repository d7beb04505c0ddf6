"""`twilio-compat insights`: what the browsers in a room have told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import aiohttp
import typer

from acs_core.errors import (
    AuthenticationError,
    ServiceError,
    Stage,
    TransportError,
)
from twilio_compat.commands.client_support import load_access
from twilio_compat.commands.operator_client import authorization
from twilio_compat.gateway.insights import BATCH, INSIGHTS_PATH

__all__ = ["register"]

WAIT: Final = 20.0
"""Seconds that the service waits for news in one request."""
SLACK: Final = 10.0
WIDEST: Final = 160
"""Characters of a payload in a line for people."""


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
    access = load_access(url, None, config_file)
    chosen = {"room": room, "participant": participant}
    query = {name: value for name, value in chosen.items() if value is not None}
    headers = {"Authorization": authorization(access.settings)}
    asyncio.run(_run(access.url, headers, query, follow=follow, as_json=as_json))


async def _run(
    url: str, headers: Mapping[str, str], query: Mapping[str, str], *, follow: bool, as_json: bool
) -> None:
    wait = WAIT if follow else 0.0
    timeout = aiohttp.ClientTimeout(total=wait + SLACK)
    after = 0
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
        while True:
            asked = {**query, "after": str(after), "wait": str(wait)}
            answer = await _ask(http, url, asked)
            for event in answer["events"]:
                print(json.dumps({"event": "insight", **event}) if as_json else _line(event))
            after = answer["next"]
            if not follow and len(answer["events"]) < BATCH:
                return


async def _ask(http: aiohttp.ClientSession, url: str, query: Mapping[str, str]) -> Any:
    try:
        async with http.get(f"{url}{INSIGHTS_PATH}", params=query) as answer:
            if answer.status == 401:
                raise AuthenticationError(
                    "The service does not accept these credentials.",
                    stage=Stage.TOKEN,
                    next_step="Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN as the service has "
                    "them.",
                )
            if answer.status != 200:
                raise ServiceError(
                    f"{url}{INSIGHTS_PATH} answers {answer.status}.",
                    code=answer.status,
                    stage=Stage.SIGNALING,
                    next_step="Check --url, and that the service has Twilio credentials.",
                )
            return await answer.json()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TransportError(
            f"{url} cannot be reached: {str(error) or type(error).__name__}.",
            stage=Stage.SIGNALING,
            next_step="Check --url or CALLING_SERVICE_URL; `twilio-compat doctor` looks closer.",
        ) from error


def _line(event: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(event["received_at"]).astimezone()
    payload = {name: value for name, value in event["payload"].items() if name != "level"}
    text = json.dumps(payload, ensure_ascii=False)
    shown = text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
    where = event["room"] or event["room_sid"]
    # A client chooses these texts; what is not printable could steer the terminal.
    line = (
        f"{at:%H:%M:%S} {where} {event['identity']} {event['level'] or '-'} "
        f"{event['group']} {event['name']} {shown}"
    )
    return "".join(letter if letter.isprintable() else "?" for letter in line)
