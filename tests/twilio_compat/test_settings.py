from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.service.settings import CONFIG_FILE, load_settings
from twilio_compat.settings import ServerSettings
from twilio_compat.verifier import ApiKey

NAMES = ("ACCOUNT_SID", "AUTH_TOKEN", "API_KEY_SID", "API_KEY_SECRET")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"TWILIO_{name}", raising=False)


def load(directory: Path, **flags: Any) -> ServerSettings:
    return load_settings(ServerSettings, flags, directory=directory)


def test_nothing_is_configured_by_default(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.twilio_account_sid is None
    assert settings.twilio_auth_token is None
    assert settings.api_keys == {}


def test_twilios_names_are_read_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(NAMES, ("AC1", "token", "SK1", "secret"), strict=True):
        monkeypatch.setenv(f"TWILIO_{name}", value)
    settings = load(tmp_path)
    assert settings.twilio_account_sid == "AC1"
    assert settings.api_keys == {"SK1": ApiKey("secret")}


def test_the_file_adds_keys_that_open_certain_rooms_only(tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_text(
        'twilio_account_sid = "AC1"\n'
        '[[twilio_api_keys]]\nsid = "SK2"\nsecret = "s2"\nrooms = ["daily"]\n'
        '[[twilio_api_keys]]\nsid = "SK3"\nsecret = "s3"\n'
    )
    settings = load(tmp_path, twilio_api_key_sid="SK1", twilio_api_key_secret="s1")
    assert settings.api_keys == {
        "SK1": ApiKey("s1"),
        "SK2": ApiKey("s2", frozenset({"daily"})),
        "SK3": ApiKey("s3"),
    }
    assert next(iter(settings.api_keys)) == "SK1"


def test_dev_makes_all_credentials_and_keeps_what_is_given(tmp_path: Path) -> None:
    settings = load(tmp_path, dev=True)
    assert settings.twilio_account_sid is not None
    assert settings.twilio_account_sid.startswith("AC")
    assert len(settings.twilio_account_sid) == 34
    assert settings.twilio_auth_token is not None
    assert len(settings.api_keys) == 1
    assert settings.access_key_bytes
    assert load(tmp_path, dev=True, twilio_account_sid="AC1").twilio_account_sid == "AC1"


def test_secrets_print_as_stars(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        twilio_auth_token="canary",
        twilio_api_key_sid="SK1",
        twilio_api_key_secret="canary",
        twilio_api_keys=[{"sid": "SK2", "secret": "canary"}],
    )
    shown = json.dumps(settings.redacted()) + repr(settings) + repr(settings.api_keys)
    assert "canary" not in shown


@pytest.mark.parametrize(
    "flags",
    [
        {"twilio_api_key_sid": "SK1"},
        {"twilio_account_sid": "canary/.."},
        {"twilio_auth_token": ""},
        {"twilio_api_keys": [{"sid": "SK1"}]},
        {"twilio_api_keys": [{"sid": "SK1", "secret": ""}]},
        {"twilio_api_keys": [{"sid": "SK1", "secret": "canary", "room": "daily"}]},
        {"twilio_api_keys": [{"sid": "SK1", "secret": "a"}, {"sid": "SK1", "secret": "b"}]},
    ],
)
def test_bad_values_are_typed_errors(flags: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        load(tmp_path, **flags)
    assert "canary" not in str(caught.value)
