from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from acs_core.errors import InvalidArgumentError
from twilio_compat.commands import turn_config
from twilio_compat.settings import ServerSettings


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those of the test."""
    monkeypatch.chdir(tmp_path)
    for name in ("CALLING_TURN_URL", "CALLING_TURN_SECRET", "CALLING_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)


def _run(*arguments: str, **environment: str) -> str:
    app = typer.Typer()
    turn_config.register(app)
    done = CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_file_is_printed_with_what_the_service_is_told() -> None:
    text = _run("--public-address", "192.0.2.7", "--secret", "s3cret", "--realm", "calls.example")
    assert text.startswith("# twilio-compat serve --turn-url 'turn:192.0.2.7:3478?transport=udp,")
    assert "static-auth-secret=s3cret" in text.splitlines()
    assert "realm=calls.example" in text.splitlines()
    assert "external-ip=192.0.2.7" in text.splitlines()
    assert "allow-loopback-peers" not in text


def test_all_addresses_end_up_in_the_file() -> None:
    text = _run(
        *("--public-address", "192.0.2.7", "--listening-address", "10.0.0.7", "--port", "5000"),
        *("--media-address", "10.0.0.8", "--media-address", "10.0.0.9", "--allow-loopback"),
    ).splitlines()
    assert "external-ip=192.0.2.7/10.0.0.7" in text
    assert "listening-port=5000" in text
    assert "allow-loopback-peers" in text
    for address in ("192.0.2.7", "10.0.0.7", "10.0.0.8", "10.0.0.9"):
        assert f"allowed-peer-ip={address}" in text


def test_the_secret_of_the_service_is_used() -> None:
    environment = {"CALLING_TURN_URL": "turn:192.0.2.7:3478", "CALLING_TURN_SECRET": "theirs"}
    report = json.loads(_run("--public-address", "192.0.2.7", "--json", **environment))
    assert report["turn_secret"] == "theirs"


def test_without_a_secret_a_new_one_is_made_and_the_service_takes_the_report() -> None:
    first, second = (json.loads(_run("--public-address", "::1", "--json")) for _ in range(2))
    assert first["turn_secret"] != second["turn_secret"]
    assert f"static-auth-secret={first['turn_secret']}" in first["config"].splitlines()
    settings = ServerSettings(turn_url=first["turn_url"], turn_secret=first["turn_secret"])
    assert settings.turn_urls == ("turn:[::1]:3478?transport=udp", "turn:[::1]:3478?transport=tcp")


def test_an_address_that_is_a_name_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="no IP address"):
        _run("--public-address", "turn.example")
