"""`twilio-compat openapi`: the OpenAPI document of the service's REST interfaces."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer

from twilio_compat.server import embedded

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(openapi)


def openapi(
    url: Annotated[
        str, typer.Option(help="Where the service is; goes into the document.")
    ] = "http://127.0.0.1:7780",
) -> None:
    """Print the OpenAPI document that a running service has at /openapi.json."""
    print(json.dumps(asyncio.run(_document(url)), indent=2))


async def _document(url: str) -> dict[str, Any]:
    # A service of its own, for a moment: the document is made of the routes that it serves.
    async with embedded() as server:
        return server.document.make(url.rstrip("/"))
