"""`twilio-compat token`: access tokens from the command line."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Annotated

import typer

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.service.identity import issue_token
from acs_core.service.rest.gate import OPERATOR_AUDIENCE, issue_operator_token
from acs_core.service.rest.teams import issue_dev_teams_token
from acs_core.service.settings import load_settings
from twilio_compat.commands.client_support import make_token
from twilio_compat.settings import ServerSettings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(token)


def token(
    identity: Annotated[
        str | None, typer.Option(help="Who the participant is; required for Twilio tokens.")
    ] = None,
    room: Annotated[str | None, typer.Option(help="The only room that it opens.")] = None,
    acs: Annotated[bool, typer.Option(help="An ACS user token instead.")] = False,
    operator: Annotated[
        bool, typer.Option(help="A token for clients of Azure's REST interfaces instead.")
    ] = False,
    teams_user: Annotated[
        str | None,
        typer.Option(help="Instead: what a directory gives this Teams user; needs --teams-app."),
    ] = None,
    teams_app: Annotated[str | None, typer.Option(help="The application it is for.")] = None,
    ttl: Annotated[int, typer.Option(help="Seconds.")] = 3600,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file.")] = None,
) -> None:
    """Print an access token, signed with the configured credentials."""
    flags = {"config_file": config_file}
    settings = load_settings(ServerSettings, flags, directory=Path.cwd())
    if operator:
        report = _operator(settings, ttl)
    elif teams_user is not None:
        report = _teams(settings, teams_user, teams_app or "", ttl)
    elif acs:
        report = _acs(settings, ttl)
    else:
        report = _twilio(settings, identity, room, ttl)
    print(json.dumps(report) if as_json else report["token"])


def _twilio(
    settings: ServerSettings, identity: str | None, room: str | None, ttl: int
) -> dict[str, object]:
    if identity is None:
        raise InvalidArgumentError(
            "A Twilio token needs an identity.",
            stage=Stage.ARGUMENT,
            next_step="Add --identity NAME, or --acs for an ACS user token.",
        )
    text = make_token(settings, identity, room, ttl)
    return {"token": text, "identity": identity, "room": room, "ttl": ttl}


def _acs(settings: ServerSettings, ttl: int) -> dict[str, object]:
    raw_id = f"8:acs:{settings.acs_resource_id}_{uuid.uuid4()}"
    issued = issue_token(
        raw_id,
        ["voip"],
        access_key=_key(settings),
        resource_id=settings.acs_resource_id,
        now=time.time(),
        lifetime=ttl,
    )
    return {"token": issued.token, "identity": raw_id, "scopes": ["voip"], "ttl": ttl}


def _operator(settings: ServerSettings, ttl: int) -> dict[str, object]:
    text = issue_operator_token(_key(settings), now=time.time(), lifetime=ttl)
    return {"token": text, "audience": OPERATOR_AUDIENCE, "ttl": ttl}


def _teams(settings: ServerSettings, user: str, app: str, ttl: int) -> dict[str, object]:
    """A token that only a service with --dev takes for a directory's."""
    if not app:
        raise InvalidArgumentError(
            "A token of a directory is for one application.",
            stage=Stage.ARGUMENT,
            next_step="Add --teams-app ID.",
        )
    text = issue_dev_teams_token(_key(settings), user, app, now=time.time(), lifetime=ttl)
    return {"token": text, "user": user, "app": app, "ttl": ttl}


def _key(settings: ServerSettings) -> bytes:
    key = settings.access_key_bytes
    if key is None:
        raise InvalidArgumentError(
            "No ACS access key is configured.",
            stage=Stage.TOKEN,
            next_step="Set ACS_ACCESS_KEY; `twilio-compat serve --dev` prints one.",
        )
    return key
