"""Access tokens that the service does not believe, each with its code."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from tests.interop.stage import Stage
from tests.interop.values import PageError

HEADER = {"cty": "twilio-fpa;v=1"}


def _claims(stage: Stage) -> dict[str, Any]:
    good = jwt.decode(stage.server.access_token("alice"), options={"verify_signature": False})
    assert isinstance(good, dict)
    return good


def _token(stage: Stage, *, secret: str | None = None, header: Any = HEADER, **claims: Any) -> str:
    (key, *_) = stage.server.settings.api_keys.values()  # type: ignore[attr-defined]
    return jwt.encode(
        {**_claims(stage), **claims}, secret or key.secret, algorithm="HS256", headers=header
    )


async def _refusal(stage: Stage, token: str) -> int | None:
    page = await stage.page("alice", token=token)
    with pytest.raises(PageError) as caught:
        await page.connect()
    return caught.value.code


async def test_a_token_that_is_none(stage: Stage) -> None:
    assert await _refusal(stage, "garbage") == 20101


async def test_a_token_of_another_kind(stage: Stage) -> None:
    header = {"cty": "twilio-fpa;v=99"}
    assert await _refusal(stage, _token(stage, header=header)) == 20102


@pytest.mark.parametrize("claim", ["iss", "sub"])
async def test_a_token_of_somebody_else(stage: Stage, claim: str) -> None:
    prefix = "SK" if claim == "iss" else "AC"
    assert await _refusal(stage, _token(stage, **{claim: prefix + "0" * 32})) == 20103


async def test_an_expired_token(stage: Stage) -> None:
    now = int(time.time())
    assert await _refusal(stage, _token(stage, iat=now - 7200, nbf=now - 7200, exp=now - 3600)) == (
        20104
    )


async def test_a_token_of_tomorrow(stage: Stage) -> None:
    assert await _refusal(stage, _token(stage, nbf=int(time.time()) + 3000)) == 20105


async def test_a_token_without_grants(stage: Stage) -> None:
    assert await _refusal(stage, _token(stage, grants={"identity": "alice"})) == 20106


async def test_a_token_with_a_wrong_signature(stage: Stage) -> None:
    assert await _refusal(stage, _token(stage, secret="x" * 32)) == 20107
