"""The settings of recordings and of compositions: one resource each, `Default`.

They are about where Twilio keeps media: in somebody's S3 bucket, or encrypted with somebody's key.
Here media is in the data directory of the service, and nowhere else; so a name, a bucket and keys
are kept, and switching one of them on is refused, which is better than to forget it.

Source: Twilio Video, External S3 Recordings and Encrypted Recordings, and the same of compositions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from acs_core.service.admission import is_sid
from acs_core.service.openapi import FLAG, TEXT, Schema, nullable
from acs_core.service.store.database import Database
from acs_core.service.store.media_settings import MEDIA_SETTINGS, settings_of
from twilio_compat.rest.pages import address
from twilio_compat.rest.parameters import Form
from twilio_compat.rest.refusals import wrong_parameter
from twilio_compat.rest.routing import Operation, get, post
from twilio_compat.rest.schemas import ACCOUNT, URL, exactly, sid

__all__ = ["SETTINGS_SCHEMAS", "MediaSettingsResource"]

LONGEST_NAME: Final = 256
LONGEST_URL: Final = 2048
_CREDENTIAL: Final = sid("CR")
_FIELDS: Final[Mapping[str, Schema]] = {
    "FriendlyName": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    "AwsCredentialsSid": _CREDENTIAL,
    "EncryptionKeySid": _CREDENTIAL,
    "AwsS3Url": {"type": "string", "format": "uri", "maxLength": LONGEST_URL},
    "AwsStorageEnabled": FLAG,
    "EncryptionEnabled": FLAG,
}
SETTINGS_SCHEMAS: Final[Mapping[str, Schema]] = {
    "media_settings": exactly(
        account_sid=ACCOUNT,
        friendly_name=nullable(TEXT),
        aws_credentials_sid=nullable(sid("CR")),
        aws_s3_url=nullable(URL),
        aws_storage_enabled=FLAG,
        encryption_key_sid=nullable(sid("CR")),
        encryption_enabled=FLAG,
        url=URL,
    )
}
"""What both resources answer."""


class MediaSettingsResource:
    """The settings of one kind of media.

    Args:
        name: Twilio's, `RecordingSettings` or `CompositionSettings`.
        kind: Which row of the table holds them.
        database: Where they are kept.
        account: The account that they belong to.
    """

    def __init__(
        self, name: str, kind: str, database: Callable[[], Database], account: str
    ) -> None:
        self._name = name
        self._path = f"/v1/{name}/Default"
        self._kind = kind
        self._database = database
        self._account = account

    def operations(self) -> tuple[Operation, ...]:
        """Its rows of the table."""
        name, path, answer = self._name, self._path, "media_settings"
        return (
            get(f"Fetch{name}", path, self.fetch, answer),
            post(f"Create{name}", path, self.create, answer, _FIELDS, required=["FriendlyName"]),
        )

    async def fetch(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/.../Default`; Twilio's defaults where nobody made any."""
        row = await self._database().first(settings_of(self._kind))
        return web.json_response(self._write(request, {} if row is None else dict(row._mapping)))

    async def create(self, request: web.Request, form: Form) -> web.Response:
        """`POST /v1/.../Default`: takes the place of those before."""
        row = {
            "kind": self._kind,
            "friendly_name": _friendly_name(form),
            "aws_credentials_sid": _credential(form, "AwsCredentialsSid"),
            "aws_s3_url": _bucket(form),
            "encryption_key_sid": _credential(form, "EncryptionKeySid"),
        }
        for name, what in (
            ("AwsStorageEnabled", "keeps media in its data directory only, not in S3"),
            ("EncryptionEnabled", "does not encrypt media; encrypt the disk it is on"),
        ):
            if form.flag(name):
                raise wrong_parameter(f"{name} cannot be true: this service {what}.")
        self._database().put(MEDIA_SETTINGS, row)
        return web.json_response(self._write(request, row))

    def _write(self, request: web.Request, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "account_sid": self._account,
            "friendly_name": row.get("friendly_name"),
            "aws_credentials_sid": row.get("aws_credentials_sid"),
            "aws_s3_url": row.get("aws_s3_url"),
            "aws_storage_enabled": False,
            "encryption_key_sid": row.get("encryption_key_sid"),
            "encryption_enabled": False,
            "url": address(request, self._path),
        }


def _friendly_name(form: Form) -> str:
    text = form.text("FriendlyName")
    if text is None or len(text) > LONGEST_NAME or not text.isprintable():
        raise wrong_parameter(f"FriendlyName is needed, and has at most {LONGEST_NAME} characters.")
    return text


def _credential(form: Form, name: str) -> str | None:
    text = form.text(name)
    if text is not None and not is_sid(text, "CR"):
        raise wrong_parameter(f"{name} is CR and 32 hex digits in lower case.")
    return text


def _bucket(form: Form) -> str | None:
    text = form.text("AwsS3Url")
    if text is None:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    # RFC 3986 section 2: nothing but printable ASCII, and no space.
    is_uri = text.isascii() and text.isprintable() and " " not in text
    if parts.scheme != "https" or not parts.netloc or not is_uri or len(text) > LONGEST_URL:
        raise wrong_parameter("AwsS3Url is an https URL.")
    return text
