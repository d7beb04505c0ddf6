"""Users and tokens over REST, on a real service."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from acs_core import AccessKeyCredential, CallClient, CallClientOptions, signed_headers
from acs_core.client.credential import AzureCommunicationTokenCredential, decode_token
from acs_core.service import embedded
from acs_core.service.app import CallingService

VERSION = "?api-version=2023-10-01"


@pytest.fixture
async def service() -> AsyncIterator[CallingService]:
    async with embedded() as running:
        yield running


async def ask(
    service: CallingService,
    path: str,
    body: Any = None,
    *,
    method: str = "POST",
    version: str = VERSION,
    **changed: str,
) -> tuple[int, Any]:
    secret = service.settings.acs_access_key
    assert secret is not None
    url = f"{service.url}{path}{version}"
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    credential = AccessKeyCredential(secret.get_secret_value())
    signed = signed_headers(
        credential, method, url, data, now=time.time(), request_id=str(uuid.uuid4())
    )
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, data=data, headers=signed | changed) as answer,
    ):
        return answer.status, await answer.json() if answer.status != 204 else None


@pytest.mark.feature("TOKEN-003", "TOKEN-006", "MATRIX-029")
async def test_a_user_is_made_with_a_token_that_a_call_agent_takes(service: CallingService) -> None:
    status, made = await ask(service, "/identities", {"createTokenWithScopes": ["voip"]})
    assert status == 201
    token = made["accessToken"]["token"]
    assert decode_token(token).raw_id == made["identity"]["id"]
    async with CallClient(CallClientOptions(service_url=service.url)) as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token))
        assert agent.connection_state == "Connected"


async def test_a_user_gets_more_tokens_until_it_is_deleted(service: CallingService) -> None:
    status, made = await ask(service, "/identities")
    assert (status, set(made)) == (201, {"identity"})
    user = f"/identities/{made['identity']['id']}"
    wish = {"scopes": ["voip"], "expiresInMinutes": 60}
    status, token = await ask(service, f"{user}/:issueAccessToken", wish)
    assert (status, set(token)) == (200, {"token", "expiresOn"})
    assert abs(decode_token(token["token"]).expires_on - time.time() - 3600) < 30
    assert (await ask(service, f"{user}/:revokeAccessTokens"))[0] == 204
    assert (await ask(service, user, method="DELETE"))[0] == 204
    status, refusal = await ask(service, f"{user}/:issueAccessToken", wish)
    assert (status, refusal["error"]["code"]) == (404, "NotFound")


@pytest.mark.feature("TOKEN-006", "MATRIX-026")
async def test_requests_that_are_not_signed_are_refused(service: CallingService) -> None:
    for changed in (
        {"Authorization": ""},
        {"Authorization": "Bearer x"},
        {"x-ms-date": "Sat, 21 Nov 2026 01:06:03 GMT"},
        {"x-ms-content-sha256": "AAAA"},
    ):
        status, refusal = await ask(service, "/identities", {}, **changed)
        assert (status, refusal["error"]["code"]) == (401, "Unauthorized")


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        [],
        {"createTokenWithScopes": "voip"},
        {"createTokenWithScopes": ["sing"]},
        {"createTokenWithScopes": ["voip"], "expiresInMinutes": 5},
        {"createTokenWithScopes": ["voip"], "expiresInMinutes": "60"},
        {"createTokenWithScopes": ["voip"], "expiresInMinutes": True},
    ],
)
async def test_what_cannot_be_granted_is_a_bad_request(service: CallingService, body: Any) -> None:
    status, refusal = await ask(service, "/identities", body)
    assert (status, refusal["error"]["code"]) == (400, "BadRequest")


async def test_an_unknown_version_of_the_interface_is_refused(service: CallingService) -> None:
    status, refusal = await ask(service, "/identities", version="?api-version=1999-01-01")
    assert status == 400
    assert "2023-10-01" in refusal["error"]["message"]
