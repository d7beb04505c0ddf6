from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path

import jwt
import pytest
import typer
from typer.testing import CliRunner

from acs_core.errors import InvalidArgumentError
from acs_core.service.rest.gate import Gate
from acs_core.service.rest.teams import DevTeamsTokens, TeamsUser
from acs_core.service.settings import new_access_key
from twilio_compat.commands import token

TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_API_KEY_SID": "SK" + "2" * 32,
    "TWILIO_API_KEY_SECRET": "a secret of more than thirty-two bytes",
}


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those of the test."""
    monkeypatch.chdir(tmp_path)
    for name in (*TWILIO, "TWILIO_AUTH_TOKEN", "ACS_ACCESS_KEY", "ACS_RESOURCE_ID"):
        monkeypatch.delenv(name, raising=False)


def _run(*arguments: str, **environment: str) -> str:
    app = typer.Typer()
    token.register(app)
    done = CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def test_twilio_token_is_signed_with_the_configured_key() -> None:
    text = _run("--identity", "ann", "--room", "daily", **TWILIO)
    claims = jwt.decode(text, TWILIO["TWILIO_API_KEY_SECRET"], algorithms=["HS256"])
    assert claims["grants"] == {"identity": "ann", "video": {"room": "daily"}}
    assert claims["sub"] == TWILIO["TWILIO_ACCOUNT_SID"]


def test_ttl_is_kept() -> None:
    text = _run("--identity", "ann", "--ttl", "60", **TWILIO)
    claims = jwt.decode(text, options={"verify_signature": False})
    assert claims["exp"] - claims["nbf"] == 60


def test_json_holds_the_token_and_what_it_is_for() -> None:
    report = json.loads(_run("--identity", "ann", "--json", **TWILIO))
    assert report["identity"] == "ann"
    assert report["token"].count(".") == 2


def test_acs_token_is_for_a_user_of_the_resource() -> None:
    resource = "5f1d3f0e-3f4b-5c1e-8f43-6c0b1e2a7a10"
    key = new_access_key()
    report = json.loads(_run("--acs", "--json", ACS_ACCESS_KEY=key, ACS_RESOURCE_ID=resource))
    assert report["identity"].startswith(f"8:acs:{resource}_")
    claims = jwt.decode(report["token"], options={"verify_signature": False})
    assert claims["exp"] > time.time()


@pytest.mark.parametrize(
    ("arguments", "environment", "advice"),
    [
        (("--identity", "ann"), {}, "TWILIO_ACCOUNT_SID"),
        ((), TWILIO, "--identity"),
        (("--acs",), {}, "ACS_ACCESS_KEY"),
    ],
)
def test_what_is_missing_is_named(
    arguments: tuple[str, ...], environment: dict[str, str], advice: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        _run(*arguments, **environment)
    assert advice in caught.value.next_step


def test_an_operator_token_opens_azures_interfaces() -> None:
    key = new_access_key()
    text = _run("--operator", "--ttl", "60", ACS_ACCESS_KEY=key)
    gate = Gate(base64.b64decode(key))
    gate.admit("GET", "/rooms", {"Authorization": f"Bearer {text}"}, now=time.time())
    report = json.loads(_run("--operator", "--json", ACS_ACCESS_KEY=key))
    assert report["audience"] == "https://communication.azure.com"


async def test_a_teams_token_is_one_that_a_developers_service_believes() -> None:
    key = new_access_key()
    text = await asyncio.to_thread(
        lambda: _run("--teams-user", "u", "--teams-app", "a", ACS_ACCESS_KEY=key)
    )
    directory = DevTeamsTokens(base64.b64decode(key))
    assert await directory.verify(text, now=time.time()) == TeamsUser("u", "a")


@pytest.mark.parametrize("arguments", [["--operator"], ["--teams-user", "u"]])
def test_what_is_missing_for_azures_tokens_is_named(arguments: list[str]) -> None:
    with pytest.raises(InvalidArgumentError):
        _run(*arguments)
