from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.service.settings import (
    CONFIG_FILE,
    DEFAULT_RESOURCE_ID,
    ServiceSettings,
    load_settings,
)

KEY = base64.b64encode(bytes(range(64))).decode()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CALLING_PORT", "CALLING_CONFIG_FILE", "ACS_ACCESS_KEY", "ACS_RESOURCE_ID"):
        monkeypatch.delenv(name, raising=False)


def load(directory: Path, **flags: Any) -> ServiceSettings:
    return load_settings(ServiceSettings, flags, directory=directory)


def test_defaults_listen_on_this_machine_only_and_have_no_credentials(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert (settings.host, settings.port, settings.media_port) == ("127.0.0.1", 7780, 7781)
    assert settings.acs_access_key is None
    assert settings.access_key_bytes is None
    assert settings.acs_resource_id == DEFAULT_RESOURCE_ID
    assert settings.plane == "auto"
    assert not settings.dev


def test_flag_beats_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / CONFIG_FILE).write_text(
        'port = 1\nmedia_port = 1\nhost = "::1"\n[limits]\nendpoints = 3\npublications = 4\n'
    )
    monkeypatch.setenv("CALLING_PORT", "2")
    monkeypatch.setenv("CALLING_MEDIA_PORT", "2")
    monkeypatch.setenv("CALLING_LIMITS__ENDPOINTS", "5")
    settings = load(tmp_path, port=3, media_port=None)
    assert (settings.port, settings.media_port, settings.host) == (3, 2, "::1")
    assert (settings.limits.endpoints, settings.limits.publications) == (5, 4)


def test_credentials_have_their_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = str(uuid.uuid4())
    monkeypatch.setenv("ACS_ACCESS_KEY", KEY)
    monkeypatch.setenv("ACS_RESOURCE_ID", resource.upper())
    settings = load(tmp_path)
    assert settings.access_key_bytes == bytes(range(64))
    assert settings.acs_resource_id == resource


def test_another_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / CONFIG_FILE).write_text("port = 1\n")
    other = tmp_path / "other.toml"
    other.write_text("port = 2\n")
    assert load(tmp_path, config_file=other).port == 2
    monkeypatch.setenv("CALLING_CONFIG_FILE", str(other))
    assert load(tmp_path).port == 2


def test_dev_makes_an_access_key_where_none_is_given(tmp_path: Path) -> None:
    first, second = load(tmp_path, dev=True), load(tmp_path, dev=True)
    assert first.access_key_bytes != second.access_key_bytes
    assert len(first.access_key_bytes or b"") == 64
    assert first.acs_resource_id == second.acs_resource_id
    assert load(tmp_path, dev=True, acs_access_key=KEY).access_key_bytes == bytes(range(64))


def test_secrets_print_as_stars(tmp_path: Path) -> None:
    settings = load(
        tmp_path, acs_access_key=KEY, turn_url="turn:192.0.2.1:3478", turn_secret="canary"
    )
    shown = json.dumps(settings.redacted()) + repr(settings) + str(settings)
    assert KEY not in shown
    assert "canary" not in shown
    assert settings.redacted()["turn_url"] == "turn:192.0.2.1:3478"


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ({"port": "canary"}, "port"),
        ({"port": 65536}, "port"),
        ({"media_port": -1}, "media_port"),
        ({"host": ""}, "host"),
        ({"nope": "canary"}, "nope"),
        ({"plane": "canary"}, "plane"),
        ({"public_address": "canary"}, "public_address"),
        ({"turn_url": "turn:canary"}, "turn_secret"),
        ({"turn_secret": "canary"}, "turn_url"),
        ({"turn_url": "http://canary", "turn_secret": "canary"}, "turn_url"),
        ({"tls_cert": "/canary"}, "tls_cert"),
        ({"acs_resource_id": "canary"}, "acs_resource_id"),
        ({"acs_access_key": "canary!"}, "acs_access_key"),
        ({"acs_access_key": base64.b64encode(b"canary").decode()}, "acs_access_key"),
        ({"token_skew": float("nan")}, "token_skew"),
        ({"times": {"heartbeat": 0}}, "heartbeat"),
        ({"times": {"canary": 1}}, "times.canary"),
        ({"limits": {"endpoints": -1}}, "endpoints"),
        ({"allowed_origins": ["canary.example"]}, "allowed_origins"),
        ({"config_file": "/nowhere.toml"}, "/nowhere.toml"),
    ],
)
def test_a_bad_value_is_named_and_not_quoted(
    flags: dict[str, Any], names: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        load(tmp_path, **flags)
    assert names in str(caught.value)
    assert str(caught.value).count("canary") == names.count("canary")
    assert caught.value.next_step
    assert caught.value.__cause__ is None


def test_certificate_and_key_belong_together(tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.touch()
    with pytest.raises(InvalidArgumentError, match="belong together"):
        load(tmp_path, tls_cert=certificate)
    assert load(tmp_path, tls_cert=certificate, tls_key=certificate).tls_key == certificate


@pytest.mark.parametrize("content", [b"port =", b"port = 1\nport = 2\n", b"\xff"])
def test_an_unreadable_file_is_a_typed_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_bytes(content)
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        load(tmp_path)


def test_an_unreadable_environment_variable_is_a_typed_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLING_ALLOWED_ORIGINS", "canary, not JSON")
    with pytest.raises(InvalidArgumentError, match="allowed_origins") as caught:
        load(tmp_path)
    assert "canary" not in str(caught.value)
    monkeypatch.setenv("CALLING_ALLOWED_ORIGINS", '["https://app.example"]')
    assert load(tmp_path).allowed_origins == ("https://app.example",)


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings = load(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]
