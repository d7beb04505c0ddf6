"""What the service can be told, from flags, the environment and one file, in that order.

A flag and a key in `twilio-compat.toml` have the name of the field. An environment variable has it
in capitals after `CALLING_` (`CALLING_MEDIA_PORT`, `CALLING_LIMITS__ENDPOINTS`); those of the
credentials are `ACS_ACCESS_KEY` and `ACS_RESOURCE_ID`. Secrets are `SecretStr` and print as stars,
in errors too.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import os
import secrets
import tomllib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import (
    Field,
    FilePath,
    IPvAnyAddress,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.service.calls import CallLimits
from acs_core.service.ringing import RingTimes
from acs_core.service.sessions import SessionTimes
from acs_core.service.turn import turn_urls

__all__ = ["CONFIG_FILE", "DEFAULT_RESOURCE_ID", "ServiceSettings", "load_settings"]

CONFIG_FILE: Final = "twilio-compat.toml"
# One service is one tenant, so the id need not tell resources apart; it must be the same after each
# start, because the raw ids of Twilio identities contain it.
DEFAULT_RESOURCE_ID: Final = "5f1d3f0e-3f4b-5c1e-8f43-6c0b1e2a7a10"
# Azure's keys have 64 bytes; RFC 7518 section 3.2 asks for 32 with HS256.
SHORTEST_ACCESS_KEY: Final = 32
DEV_KEY_LENGTH: Final = 64

_Numbers = TypeVar("_Numbers", SessionTimes, CallLimits, RingTimes)
_Settings = TypeVar("_Settings", bound="ServiceSettings")


class ServiceSettings(BaseSettings):
    """Settings of one service.

    Attributes:
        config_file: The TOML file; as environment variable `CALLING_CONFIG_FILE`.
        dev: For a developer's machine: credentials are made where none are configured, plain
            http and private webhook targets are allowed.
        host: Address to listen on; the default cannot be reached from other machines.
        port: TCP port of everything; 0 picks a free one.
        media_port: UDP port of media; 0 picks a free one.
        public_address: The address that clients send media to, where it is not that of `host`.
        turn_url: `turn:` and `turns:` URIs (RFC 7065) of one server, with commas between, handed to
            clients with `turn_secret`'s time-limited credentials.
        data_dir: Where the database and media files are. None: a service that stops forgets its
            users and rooms, and its media files go with it.
        database_url: Instead of SQLite in the data directory: ``postgresql://USER:PASSWORD@HOST/DB``,
            for this service alone.
        retention_days: Days for which a call is remembered after it has ended, with its room and
            participants, and with the files of its recordings as a whole; 0 for ever.
        tls_cert: PEM chain; with `tls_key` the service speaks https.
        plane: How media is forwarded; "auto" takes the fastest that passes its self-test.
        acs_resource_id: UUID; part of every raw id.
        acs_access_key: Base64; signs ACS user tokens and REST requests. None: no ACS personality.
        token_skew: Seconds that clocks of token issuers may be off.
        allowed_origins: Web origins besides the service's own that may talk to it; pages of others
            are answered with 403.
        transfer_timeout: Seconds after which a transfer of a call has failed.
        recording_consent: Whether calls of more than two ask who is recorded or transcribed for
            consent; see `RoomOptions.requires_consent` for who cannot give it.
        free_disk_floor: Bytes that recordings and compositions leave free on the disk; one that
            would take more fails, and the call goes on.
        empty_room_timeout: Seconds for which a Twilio room lives on after its last participant.
        unused_room_timeout: Seconds for which a created Twilio room waits for its first one.
        compositions_at_once: Compositions that are rendered at a time, each in a process.
        ringing: Seconds for which people are called.
        webhook_networks: Networks that webhooks may reach although they are private, and without
            TLS, as ``10.1.0.0/16``.
        event_grid_url: Endpoint that hears of all calls as Event Grid tells of them; None: nobody.
        event_grid_key: Sent along as `aeg-sas-key`.
    """

    model_config = SettingsConfigDict(
        env_prefix="CALLING_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    config_file: Path | None = None
    dev: bool = False
    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(7780, ge=0, le=65535)
    media_port: int = Field(7781, ge=0, le=65535)
    public_address: IPvAnyAddress | None = None
    turn_url: str | None = None
    turn_secret: SecretStr | None = None
    data_dir: Path | None = None
    database_url: SecretStr | None = None
    retention_days: float = Field(30.0, ge=0, allow_inf_nan=False)
    tls_cert: FilePath | None = None
    tls_key: FilePath | None = None
    plane: Literal["auto", "batch", "portable"] = "auto"
    acs_resource_id: str = Field(DEFAULT_RESOURCE_ID, validation_alias="acs_resource_id")
    acs_access_key: SecretStr | None = Field(None, validation_alias="acs_access_key")
    token_skew: float = Field(60.0, ge=0, le=300, allow_inf_nan=False)
    allowed_origins: tuple[str, ...] = ()
    transfer_timeout: float = Field(60.0, gt=0, le=600, allow_inf_nan=False)
    recording_consent: bool = False
    free_disk_floor: int = Field(200_000_000, ge=0)
    empty_room_timeout: float = Field(300.0, ge=0, le=86400, allow_inf_nan=False)
    unused_room_timeout: float = Field(300.0, ge=0, le=86400, allow_inf_nan=False)
    compositions_at_once: int = Field(1, ge=1, le=64)
    times: SessionTimes = SessionTimes()
    limits: CallLimits = CallLimits()
    ringing: RingTimes = RingTimes()
    webhook_networks: tuple[IPvAnyNetwork, ...] = ()
    # Secret, since endpoints take their key in the query.
    event_grid_url: SecretStr | None = None
    event_grid_key: SecretStr | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file."""
        flags = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        file = flags.get("config_file") or os.environ.get("CALLING_CONFIG_FILE")
        if not file:
            return init_settings, env_settings
        # The vendor's source passes over a file that is not there.
        if not Path(file).is_file():
            raise _refused(f"There is no configuration file {file}.")
        try:
            toml = TomlConfigSettingsSource(settings_cls, toml_file=Path(file))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise _refused(f"{file} cannot be read: {error}.") from error
        return init_settings, env_settings, toml

    @field_validator("acs_resource_id")
    @classmethod
    def _check_resource_id(cls, value: str) -> str:
        return str(uuid.UUID(value))

    @field_validator("acs_access_key")
    @classmethod
    def _check_access_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            is_dev = info.data.get("dev", False)
            return SecretStr(new_access_key()) if is_dev else None
        if len(_key_bytes(value)) < SHORTEST_ACCESS_KEY:
            raise ValueError(f"must be base64 of at least {SHORTEST_ACCESS_KEY} bytes")
        return value

    @field_validator("turn_url")
    @classmethod
    def _check_turn_url(cls, value: str | None) -> str | None:
        if value is not None:
            turn_urls(value)
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(origin.startswith(("http://", "https://")) for origin in value):
            raise ValueError("origins begin with http:// or https://")
        return value

    @field_validator("times", "limits", "ringing")
    @classmethod
    def _check_positive(cls, value: _Numbers) -> _Numbers:
        wrong = [name for name, number in dataclasses.asdict(value).items() if not number > 0]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} must be greater than 0")
        return value

    @model_validator(mode="after")
    def _check_pairs(self) -> ServiceSettings:
        if (self.turn_url is None) != (self.turn_secret is None):
            raise ValueError("turn_url and turn_secret belong together")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together")
        return self

    @property
    def access_key_bytes(self) -> bytes | None:
        """The access key, decoded, or None when there is none."""
        return None if self.acs_access_key is None else _key_bytes(self.acs_access_key)

    @property
    def retention(self) -> float | None:
        """Seconds for which ended calls are remembered; None for ever."""
        return self.retention_days * 86400.0 or None

    @property
    def turn_urls(self) -> tuple[str, ...]:
        """The TURN server's URIs, the preferred one first; empty when there is none."""
        return () if self.turn_url is None else turn_urls(self.turn_url)

    def redacted(self) -> dict[str, object]:
        """Everything as JSON values, secrets as stars; for logs and `doctor`."""
        return self.model_dump(mode="json")


def load_settings(
    settings: type[_Settings],
    flags: Mapping[str, object],
    *,
    directory: Path,
) -> _Settings:
    """Read the settings of a program.

    Args:
        settings: The class to fill; `ServiceSettings` or one that adds to it.
        flags: From the command line; None means not given.
        directory: Where `twilio-compat.toml` is taken from if it is there and no other file is
            named.

    Raises:
        InvalidArgumentError: A value is wrong, a name unknown or the file unreadable; says which
            and why, without the value.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    default = directory / CONFIG_FILE
    if "config_file" not in given and "CALLING_CONFIG_FILE" not in os.environ and default.is_file():
        given["config_file"] = default
    try:
        # The sources, not the caller, supply what is missing, so the names cannot be checked here.
        return settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise _refused(_describe(error)) from None
    except SettingsError as error:
        raise _refused(f"These settings are not usable: {error}.") from None


def new_access_key() -> str:
    """A random access key, base64."""
    return base64.b64encode(secrets.token_bytes(DEV_KEY_LENGTH)).decode("ascii")


def _key_bytes(key: SecretStr) -> bytes:
    try:
        return base64.b64decode(key.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64") from None


def _describe(error: ValidationError) -> str:
    lines = [
        f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg']}"
        for item in error.errors(include_input=False, include_context=False, include_url=False)
    ]
    return "These settings are not usable: " + "; ".join(lines) + "."


def _refused(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        message,
        stage=Stage.ARGUMENT,
        next_step=f"Correct the flag, the environment variable or {CONFIG_FILE}.",
    )
