"""`twilio-compat serve`: the server, until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer
from rich.console import Console

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.service.settings import load_settings
from twilio_compat.commands.client_support import make_token
from twilio_compat.page import TryPage, find_sdk
from twilio_compat.server import CompatServer
from twilio_compat.settings import ServerSettings

__all__ = ["register"]

DATA_DIRECTORY: Final = "twilio-compat-data"
TOKEN_LIFETIME: Final = 4 * 3600
"""Seconds; a page that stays open joins again with a new one."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    dev: Annotated[
        bool, typer.Option(help="Make credentials where none are configured, and show them.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help="TCP port of HTTP and signaling; 0 picks a free one.")
    ] = None,
    media_port: Annotated[
        int | None, typer.Option(help="UDP port of all media; 0 picks a free one.")
    ] = None,
    public_address: Annotated[
        str | None, typer.Option(help="Address that clients send media to, behind NAT.")
    ] = None,
    turn_url: Annotated[str | None, typer.Option(help="turn: or turns: URI.")] = None,
    turn_secret: Annotated[
        str | None, typer.Option(help="Shared secret of the TURN server (static-auth-secret).")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help=f"For the database and media files; else {DATA_DIRECTORY}/ here, with --dev "
            "nothing is kept."
        ),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM chain.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM key.")] = None,
    plane: Annotated[
        str | None, typer.Option(help="How media is forwarded: auto, batch or portable.")
    ] = None,
    sdk_path: Annotated[
        Path | None,
        typer.Option(
            help="twilio-video.min.js, or the folder of the npm package, for the page to try; "
            "else it is looked for in node_modules here."
        ),
    ] = None,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file.")] = None,
) -> None:
    """Run the service with both personalities.

    When it is ready it prints one JSON line with its addresses. SIGTERM ends the calls and exits 0.
    With --dev there is a page to try it in a browser, at its URL.
    """
    flags: dict[str, Any] = dict(locals())
    flags["dev"] = dev or None
    del flags["sdk_path"]
    settings = load_settings(ServerSettings, flags, directory=Path.cwd())
    if settings.data_dir is None and not settings.dev:
        settings = settings.model_copy(update={"data_dir": Path.cwd() / DATA_DIRECTORY})
    page = _make_page(settings, sdk_path)
    asyncio.run(_run(settings, page))


def _make_page(settings: ServerSettings, sdk_path: Path | None) -> TryPage | None:
    if not settings.dev:
        if sdk_path is not None:
            raise InvalidArgumentError(
                "--sdk-path is for the page to try, which exists with --dev only.",
                stage=Stage.ARGUMENT,
                next_step="Add --dev, or leave --sdk-path out.",
            )
        return None
    hosts = [urlsplit(origin).hostname or "" for origin in settings.allowed_origins]
    return TryPage(
        lambda identity, room: make_token(settings, identity, room, TOKEN_LIFETIME),
        find_sdk(sdk_path, directory=Path.cwd()),
        allowed_hosts=hosts,
    )


async def _run(settings: ServerSettings, page: TryPage | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    routes = [] if page is None else page.routes()
    async with CompatServer(settings, routes=routes) as server:
        if settings.dev:
            _show_credentials(settings, server.url)
        if page is not None:
            _show_page(page, server.url)
        print(json.dumps(_ready_line(server, page)), flush=True)
        await stopped.wait()
        print(json.dumps({"event": "draining", "calls": len(server.calls.live)}), flush=True)
    print(json.dumps({"event": "stopped"}), flush=True)


def _ready_line(server: CompatServer, page: TryPage | None) -> dict[str, object]:
    place = {} if page is None else {"page": f"{server.url}/", "sdk": page.has_sdk}
    return {
        "event": "ready",
        "url": server.url,
        "port": server.port,
        "media_port": server.media_port,
        "media_addresses": [host for host, _ in server.engine.port.advertised],
        "plane": server.engine.plane_name,
        **place,
    }


def _show_page(page: TryPage, url: str) -> None:
    """Where to look at it, on stderr."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[dim]# try it in a browser:[/] [bold]{url}/[/]")
    if not page.has_sdk:
        console.print("[dim]# the page needs the SDK: npm install twilio-video, or --sdk-path[/]")


def _show_credentials(settings: ServerSettings, url: str) -> None:
    """For a developer's terminal, on stderr, as lines that a shell can take."""
    names = (
        "twilio_account_sid",
        "twilio_api_key_sid",
        "twilio_api_key_secret",
        "twilio_auth_token",
        "acs_access_key",
        "acs_resource_id",
    )
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("[dim]# development credentials, for the clients' environment:[/]")
    for name in names:
        value = getattr(settings, name)
        if value is not None:
            text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            print(f"export {name.upper()}={text}", file=sys.stderr)
    print(f"export CALLING_SERVICE_URL={url}", file=sys.stderr, flush=True)
