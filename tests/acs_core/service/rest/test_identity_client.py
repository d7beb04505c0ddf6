"""Users and tokens through Microsoft's own client, on a real service.

Source: azure-communication-identity for Python, blocking and not.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.communication.identity import CommunicationTokenScope, CommunicationUserIdentifier
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError

from acs_core import CallClient, CallClientOptions
from acs_core.client.credential import AzureCommunicationTokenCredential, decode_token
from acs_core.identifiers import Cloud
from acs_core.service import ServiceSettings, embedded
from acs_core.service.rest.teams import TeamsUser, issue_dev_teams_token
from acs_core.service.settings import new_access_key
from acs_core.signed_token import refused as token_refused
from tests.acs_core.service.rest.conftest import Azure

HOUR = timedelta(hours=1)
APP, USER = "0f2b1c5e-0000-4000-8000-00000000000a", "7d9c2f3a-0000-4000-8000-00000000000b"


async def status_of(doing: Awaitable[Any]) -> int:
    with pytest.raises(HttpResponseError) as caught:
        await doing
    return caught.value.status_code or 0


@pytest.mark.feature("TOKEN-003", "TOKEN-006")
async def test_the_vendors_client_makes_a_user_whose_token_a_call_agent_takes(azure: Azure) -> None:
    identities = await azure.client("identity")
    user, token = await identities("create_user_and_token", [CommunicationTokenScope.VOIP])
    assert decode_token(token.token).raw_id == user.raw_id
    async with CallClient(CallClientOptions(service_url=azure.service.url)) as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token.token))
        assert agent.connection_state == "Connected"


@pytest.mark.feature("TOKEN-004")
async def test_the_vendors_client_takes_a_user_through_its_life(every_way: Azure) -> None:
    identities = await every_way.client("identity")
    user, token = await identities("create_user_and_token", ["voip"], token_expires_in=2 * HOUR)
    lifetime = datetime.fromisoformat(token.expires_on) - datetime.now(UTC)
    assert abs(lifetime - 2 * HOUR) < timedelta(minutes=1)
    user = await identities("create_user")
    registry = every_way.service.identities
    assert registry is not None
    token = await identities("get_token", user, ["chat", "voip"], token_expires_in=HOUR)
    assert decode_token(token.token).raw_id == user.properties["id"]
    assert abs(decode_token(token.token).expires_on - time.time() - 3600) < 60
    await identities("revoke_tokens", user)
    assert not registry.accepts(user.properties["id"], issued_at=time.time() - 10)
    await identities("get_token", user, ["voip"])
    await identities("delete_user", user)
    for doing in (
        identities("get_token", user, ["voip"]),
        identities("revoke_tokens", user),
        identities("delete_user", user),
    ):
        assert await status_of(doing) == 404


async def test_a_token_lives_for_a_day_unless_told_otherwise(azure: Azure) -> None:
    identities = await azure.client("identity")
    _, token = await identities("create_user_and_token", ["voip.join"])
    lifetime = datetime.fromisoformat(token.expires_on) - datetime.now(UTC)
    assert abs(lifetime - timedelta(days=1)) < timedelta(minutes=1)


@pytest.mark.parametrize("minutes", [-5, 0, 59, 24 * 60 + 1, 10**15])
async def test_a_lifetime_out_of_range_is_a_bad_request(azure: Azure, minutes: int) -> None:
    raw_id, _ = azure.service.issue_user_token()
    path = f"/identities/{raw_id}/:issueAccessToken"
    wish = {"scopes": ["voip"], "expiresInMinutes": minutes}
    status, answer, _ = await azure.ask("POST", path, wish)
    assert (status, answer["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize("scopes", [[], ["sing"], ["voip", "sing"]])
async def test_a_scope_that_there_is_not_is_a_bad_request(azure: Azure, scopes: list[str]) -> None:
    identities = await azure.client("identity")
    user = await identities("create_user")
    assert await status_of(identities("get_token", user, scopes)) == 400


async def test_a_wrong_key_and_an_unknown_user_are_the_vendors_errors(every_way: Azure) -> None:
    if every_way.certificate is None:
        stranger = await every_way.client("identity", AzureKeyCredential(new_access_key()))
        assert await status_of(stranger("create_user")) == 401
    identities = await every_way.client("identity")
    nobody = CommunicationUserIdentifier("8:acs:nobody")
    assert await status_of(identities("get_token", nobody, ["voip"])) == 404


# ---------------------------------------------------------------- Teams users


async def test_a_teams_user_gets_a_token_that_a_call_agent_takes(every_way: Azure) -> None:
    identities = await every_way.client("identity")
    key = every_way.service.settings.access_key_bytes
    assert key is not None
    directory = issue_dev_teams_token(key, USER, APP, now=time.time())
    token = await identities("get_token_for_teams_user", directory, APP, USER)
    assert decode_token(token.token).raw_id == f"8:orgid:{USER}"
    lifetime = datetime.fromisoformat(token.expires_on) - datetime.now(UTC)
    assert abs(lifetime - HOUR) < timedelta(minutes=1)
    if every_way.certificate is None:
        async with CallClient(CallClientOptions(service_url=every_way.service.url)) as client:
            credential = AzureCommunicationTokenCredential(token.token)
            agent = await client.create_teams_call_agent(credential)
            assert agent.connection_state == "Connected"


async def test_a_teams_token_is_good_for_its_application_and_user_only(azure: Azure) -> None:
    identities = await azure.client("identity")
    key, now = azure.service.settings.access_key_bytes, time.time()
    assert key is not None
    good = issue_dev_teams_token(key, USER, APP, now=now)
    old = issue_dev_teams_token(key, USER, APP, now=now - 7200)
    forged = issue_dev_teams_token(b"x" * 64, USER, APP, now=now)
    _, users = azure.service.issue_user_token()
    for token, app, user in (
        (good, USER, USER),
        (good, APP, APP),
        (old, APP, USER),
        (forged, APP, USER),
        (users.token, APP, USER),
        ("x", APP, USER),
    ):
        exchange = identities("get_token_for_teams_user", token, app, user)
        assert await status_of(exchange) == 401
    path = "/teamsUser/:exchangeAccessToken"
    for wish in ({}, {"token": good}, {"token": good, "appId": APP, "userId": 5}):
        assert (await azure.ask("POST", path, wish))[0] == 400


async def test_without_a_directory_the_exchange_is_refused_at_once() -> None:
    settings = ServiceSettings(port=0, media_port=0, acs_access_key=new_access_key())  # type: ignore[arg-type]
    async with embedded(settings) as service, AsyncExitStack() as clients:
        azure = Azure(service, False, None, clients)
        # The client would try again, if that could help.
        identities = await azure.client("identity", retry_total=3)
        exchange = identities("get_token_for_teams_user", "token", APP, USER)
        assert await status_of(exchange) == 501


class Directory:
    """Knows one token."""

    async def verify(self, token: str, *, now: float) -> TeamsUser:
        """Who has it."""
        if token != "good":
            raise token_refused("Nobody has this token.")
        return TeamsUser(USER.upper(), APP, Cloud.DOD)


async def test_a_directory_of_ones_own_is_asked() -> None:
    settings = ServiceSettings(dev=True, port=0, media_port=0)
    async with AsyncExitStack() as clients:
        running = embedded(settings, teams_tokens=Directory())
        azure = Azure(await clients.enter_async_context(running), False, None, clients)
        identities = await azure.client("identity")
        token = await identities("get_token_for_teams_user", "good", APP, USER)
        assert decode_token(token.token).raw_id == f"8:dod:{USER.upper()}"
        exchange = identities("get_token_for_teams_user", "bad", APP, USER)
        assert await status_of(exchange) == 401
