"""`twilio-compat webhooks`: what was told to others, what was not, and telling it again."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TypedDict
from urllib.parse import parse_qsl, quote

import typer
from rich.console import Console

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.service.webhooks import DeliveryState
from acs_core.service.webhooks.inspector import WEBHOOKS_PATH
from twilio_compat.commands.client_support import load_access, printable
from twilio_compat.commands.operator_client import Moment, ask

__all__ = ["register"]

_STYLES: Final = {
    DeliveryState.PENDING: "yellow",
    DeliveryState.DELIVERED: "green",
    DeliveryState.FAILED: "red bold",
}

Url = Annotated[str | None, typer.Option(help="Of the service; else $CALLING_SERVICE_URL.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines.")]
Config = Annotated[Path | None, typer.Option("--config", help="TOML file.")]
DeliveryId = Annotated[str, typer.Argument(help="As `list` prints it.")]


class _Row(TypedDict):
    """One webhook as the service lists it."""

    id: str
    group: str
    sequence: int
    event: str
    url: str
    method: str
    replay_of: str | None
    state: DeliveryState
    attempts: int
    next_at: Moment
    status: int | None
    error: str | None
    created_at: Moment
    delivered_at: Moment | None


class _Details(_Row):
    """And as the service shows it alone."""

    headers: dict[str, str]
    body: str
    expected: str


class _List(TypedDict):
    webhooks: list[_Row]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Look at webhooks, and deliver one again.")
    group.command("list")(list_)
    group.command()(show)
    group.command()(replay)
    app.add_typer(group, name="webhooks")


def list_(
    state: Annotated[str, typer.Option(help="Only these: pending, delivered or failed.")] = "",
    group: Annotated[str, typer.Option(help="Only these, as a room's SID.")] = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="So many, the newest.")] = 50,
    url: Url = None,
    as_json: AsJson = False,
    config_file: Config = None,
) -> None:
    """List webhooks, oldest first; the service remembers them for a week."""
    if state and state not in list(DeliveryState):
        raise InvalidArgumentError(
            f"There is no state {state!r}.",
            stage=Stage.ARGUMENT,
            next_step=f"Use {', '.join(DeliveryState)}.",
        )
    access = load_access(url, None, config_file)
    chosen = {"state": state, "group": group, "count": str(count)}
    query = {name: value for name, value in chosen.items() if value}
    found = asyncio.run(ask(access, "GET", WEBHOOKS_PATH, _List, query=query))["webhooks"]
    for row in reversed(found):
        _print(row, as_json=as_json)
    if not found and not as_json:
        print("There are no such webhooks.")


def show(
    delivery_id: DeliveryId, url: Url = None, as_json: AsJson = False, config_file: Config = None
) -> None:
    """Show one with its headers, its body, and how its delivery goes."""
    access = load_access(url, None, config_file)
    row = asyncio.run(ask(access, "GET", _path(delivery_id), _Details))
    if as_json:
        _print(row, as_json=True)
        return
    _print(row, as_json=False)
    print(f"\n{row['method']} {printable(row['url'])}")
    for name, value in row["headers"].items():
        print(f"{name}: {printable(value)}")
    print()
    is_form = "form-urlencoded" in row["headers"].get("Content-Type", "")
    fields = parse_qsl(row["body"], keep_blank_values=True) if is_form else []
    for name, value in fields:
        print(f"{printable(name)} = {printable(value)}")
    if not fields and row["body"]:
        print(printable(row["body"]))


def replay(
    delivery_id: DeliveryId, url: Url = None, as_json: AsJson = False, config_file: Config = None
) -> None:
    """Deliver one once more, as it was, and say how that went.

    Exits 0 only if it was taken.
    """
    access = load_access(url, None, config_file)
    row = asyncio.run(ask(access, "POST", f"{_path(delivery_id)}/replay", _Row))
    _print(row, as_json=as_json)
    if row["state"] != DeliveryState.DELIVERED:
        raise typer.Exit(1)


def _path(delivery_id: str) -> str:
    return f"{WEBHOOKS_PATH}/{quote(delivery_id, safe='')}"


def _print(row: _Row, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**row, "event": "webhook", "name": row["event"]}))
        return
    at = datetime.fromtimestamp(row["created_at"]).astimezone()
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{row['state']:>9}", style=_STYLES[row["state"]], end="  ")
    told = "" if row["status"] is None else f" ({row['status']})"
    tries = f"{row['attempts']} {'try' if row['attempts'] == 1 else 'tries'}{told}"
    wrong = f" - {row['error']}" if row["error"] else ""
    line = f"{row['id']}  {at:%Y-%m-%d %H:%M:%S}  {row['event']} of {row['group']}, {tries}{wrong}"
    console.print(printable(line), markup=False)
