"""The settings of the server with both personalities: those of the service, and Twilio's.

Names are Twilio's own, `TWILIO_ACCOUNT_SID` and so on; more than one API key, and keys that open
certain rooms only, come from the file::

    [[twilio_api_keys]]
    sid = "SK..."
    secret = "..."
    rooms = ["daily"]
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from acs_core.service.settings import ServiceSettings
from twilio_compat.verifier import ApiKey

__all__ = ["ApiKeySettings", "ServerSettings"]

_SID: Final = r"^(AC|SK)[0-9A-Za-z]{1,64}$"


class ApiKeySettings(BaseModel):
    """One API key in the file.

    Attributes:
        rooms: The only rooms that tokens of this key open; None for all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    sid: str = Field(pattern=_SID)
    secret: SecretStr = Field(min_length=1)
    rooms: frozenset[str] | None = None


class ServerSettings(ServiceSettings):
    """Settings of `twilio-compat serve`.

    Attributes:
        twilio_account_sid: The one account; None: no Twilio personality.
        twilio_auth_token: Password of the REST API, and key of webhooks' signatures.
        twilio_api_key_sid: The first API key.
        twilio_api_key_secret: Its secret.
        twilio_api_keys: Further API keys.
        audio_processors: Noise cancellation vendors that browsers may load, as Twilio names them.
        rest_reads: Requests a second to the REST API that read; Twilio's quota.
        rest_writes: The same that make or change something.
        signaling_sockets: So many sockets of the wire gateway; further clients are asked to wait.
        room_status_callback: URL that hears of what happens in rooms without one of their own, as
            those are that participants make; None: nobody.
        room_status_callback_method: GET or POST.
    """

    twilio_account_sid: str | None = Field(
        None, pattern=_SID, validation_alias="twilio_account_sid"
    )
    twilio_auth_token: SecretStr | None = Field(None, validation_alias="twilio_auth_token")
    twilio_api_key_sid: str | None = Field(
        None, pattern=_SID, validation_alias="twilio_api_key_sid"
    )
    twilio_api_key_secret: SecretStr | None = Field(None, validation_alias="twilio_api_key_secret")
    twilio_api_keys: tuple[ApiKeySettings, ...] = Field((), validation_alias="twilio_api_keys")
    audio_processors: tuple[str, ...] = ()
    rest_reads: float = Field(80.0, gt=0, allow_inf_nan=False)
    rest_writes: float = Field(20.0, gt=0, allow_inf_nan=False)
    signaling_sockets: int = Field(2000, ge=1)
    room_status_callback: str | None = None
    room_status_callback_method: Literal["GET", "POST"] = "POST"

    @field_validator("twilio_account_sid", "twilio_api_key_sid")
    @classmethod
    def _make_sid(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None or not info.data.get("dev", False):
            return value
        prefix = "AC" if info.field_name == "twilio_account_sid" else "SK"
        return prefix + secrets.token_hex(16)

    @field_validator("twilio_auth_token", "twilio_api_key_secret")
    @classmethod
    def _make_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and not value.get_secret_value():
            raise ValueError("must not be empty")
        if value is not None or not info.data.get("dev", False):
            return value
        return SecretStr(secrets.token_hex(16))

    @model_validator(mode="after")
    def _check_twilio(self) -> ServerSettings:
        if (self.twilio_api_key_sid is None) != (self.twilio_api_key_secret is None):
            raise ValueError("twilio_api_key_sid and twilio_api_key_secret belong together")
        sids = [key.sid for key in self.twilio_api_keys]
        if len({*sids, self.twilio_api_key_sid}) != len(sids) + 1:
            raise ValueError("an API key is configured twice")
        return self

    @property
    def api_keys(self) -> Mapping[str, ApiKey]:
        """All API keys by SID, the one outside `twilio_api_keys` first."""
        keys: dict[str, ApiKey] = {}
        if self.twilio_api_key_sid is not None and self.twilio_api_key_secret is not None:
            secret = self.twilio_api_key_secret.get_secret_value()
            keys[self.twilio_api_key_sid] = ApiKey(secret)
        for key in self.twilio_api_keys:
            keys[key.sid] = ApiKey(key.secret.get_secret_value(), key.rooms)
        return keys
