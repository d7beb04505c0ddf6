"""Settings of recordings and compositions, with the unmodified helper library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException

from tests.twilio_compat.rest.conftest import Rest
from twilio_compat.server import embedded

CREDENTIAL = "CR" + "a" * 32
BUCKET = "https://bucket.example.com/recordings"


def contexts(rest: Rest) -> tuple[Any, Any]:
    video = rest.client.video.v1
    return video.recording_settings(), video.composition_settings()


async def test_settings_are_twilios_defaults_until_somebody_makes_them(rest: Rest) -> None:
    for context in contexts(rest):
        found = await rest.call(context.fetch)
        assert (found.friendly_name, found.aws_s3_url, found.encryption_key_sid) == (None,) * 3
        assert (found.aws_storage_enabled, found.encryption_enabled) == (False, False)
        assert found.account_sid == rest.server.settings.twilio_account_sid  # type: ignore[attr-defined]


async def test_settings_are_kept_apart_for_recordings_and_compositions(rest: Rest) -> None:
    recordings, compositions = contexts(rest)
    made = await rest.call(
        lambda: recordings.create(
            friendly_name="Ours",
            aws_credentials_sid=CREDENTIAL,
            aws_s3_url=BUCKET,
            aws_storage_enabled=False,
            encryption_enabled=False,
        )
    )
    assert (made.friendly_name, made.aws_credentials_sid, made.aws_s3_url) == (
        "Ours",
        CREDENTIAL,
        BUCKET,
    )
    assert made.url == f"{rest.server.url}/v1/RecordingSettings/Default"
    found = await rest.call(recordings.fetch)
    assert (found.friendly_name, found.aws_s3_url) == ("Ours", BUCKET)
    assert (await rest.call(compositions.fetch)).friendly_name is None
    # What is not given is as it was at first, not as it was before.
    again = await rest.call(lambda: recordings.create(friendly_name="Others"))
    assert (again.friendly_name, again.aws_s3_url) == ("Others", None)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"aws_storage_enabled": True}, "data directory"),
        ({"encryption_enabled": True}, "does not encrypt"),
        ({"aws_s3_url": "ftp://x/"}, "https"),
        ({"aws_credentials_sid": "CR1"}, "32 hex digits"),
    ],
)
async def test_what_cannot_be_honored_is_refused_and_changes_nothing(
    rest: Rest, fields: dict[str, Any], said: str
) -> None:
    for context in contexts(rest):
        await rest.call(lambda context=context: context.create(friendly_name="kept"))
        with pytest.raises(TwilioRestException, match=said) as caught:
            await rest.call(lambda context=context: context.create(friendly_name="x", **fields))
        assert caught.value.status == 400
        assert (await rest.call(context.fetch)).friendly_name == "kept"


async def test_settings_need_a_name(rest: Rest) -> None:
    for name in ({}, {"FriendlyName": ""}, {"FriendlyName": "x" * 257}, {"FriendlyName": "a\0"}):
        assert (await rest.post("/v1/RecordingSettings/Default", name))[0] == 400


async def test_settings_survive_a_restart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"data_dir": tmp_path / "data"}
    async with embedded(options=options) as server, aiohttp.ClientSession() as http:
        recordings, _ = contexts(Rest(server, http))
        await Rest(server, http).call(lambda: recordings.create(friendly_name="Ours"))
    async with embedded(options=options) as server, aiohttp.ClientSession() as http:
        rest = Rest(server, http)
        assert (await rest.call(contexts(rest)[0].fetch)).friendly_name == "Ours"
