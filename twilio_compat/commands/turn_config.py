"""`twilio-compat turn-config`: the configuration file of a coturn server for this service."""

from __future__ import annotations

import ipaddress
import json
import secrets
from pathlib import Path
from typing import Annotated

import typer

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.service.settings import load_settings
from twilio_compat.settings import ServerSettings
from twilio_compat.turn import Address, CoturnConfig

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("turn-config")(turn_config)


def turn_config(
    public_address: Annotated[
        str, typer.Option(help="IP address at which clients reach the TURN server.")
    ],
    secret: Annotated[
        str | None,
        typer.Option(help="Shared with the service; else its turn_secret, else a new one."),
    ] = None,
    realm: Annotated[str, typer.Option(help="Name that clients are shown.")] = "twilio-compat",
    listening_address: Annotated[
        str | None, typer.Option(help="Address of the interface, behind NAT a private one.")
    ] = None,
    media_address: Annotated[
        list[str] | None,
        typer.Option(help="Address of the service's media, if it is another; can be repeated."),
    ] = None,
    port: Annotated[int, typer.Option(help="UDP and TCP port of the TURN server.")] = 3478,
    allow_loopback: Annotated[
        bool, typer.Option(help="Relay to this machine too; for tests only.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file.")] = None,
) -> None:
    """Print a configuration file for coturn, and what to tell the service.

    As `turnserver.conf` it makes a TURN server that serves users of the service only and relays
    neither into private networks nor to the machine itself.
    """
    config = CoturnConfig(
        public_address=_address(public_address),
        secret=secret or _configured_secret(config_file) or secrets.token_urlsafe(32),
        realm=realm,
        media_addresses=tuple(_address(text) for text in media_address or ()),
        listening_address=None if listening_address is None else _address(listening_address),
        port=port,
        is_loopback_allowed=allow_loopback,
    )
    if as_json:
        report = {
            "config": config.text(),
            "turn_url": config.turn_url,
            "turn_secret": config.secret,
        }
        print(json.dumps(report))
        return
    print(f"# twilio-compat serve --turn-url '{config.turn_url}' --turn-secret '{config.secret}'")
    print(config.text(), end="")


def _configured_secret(config_file: Path | None) -> str | None:
    settings = load_settings(ServerSettings, {"config_file": config_file}, directory=Path.cwd())
    return None if settings.turn_secret is None else settings.turn_secret.get_secret_value()


def _address(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise InvalidArgumentError(
            f"{text!r} is no IP address.",
            stage=Stage.ARGUMENT,
            next_step="Give a numeric address, IPv4 or IPv6.",
        ) from None
