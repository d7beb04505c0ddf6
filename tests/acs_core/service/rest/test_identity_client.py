"""Users and tokens through Microsoft's own client, on a real service.

Source: azure-communication-identity for Python, sync and async.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.communication.identity import (
    CommunicationIdentityClient,
    CommunicationTokenScope,
    CommunicationUserIdentifier,
)
from azure.communication.identity.aio import CommunicationIdentityClient as AsyncIdentityClient
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)

from acs_core import CallClient, CallClientOptions
from acs_core.client.credential import AzureCommunicationTokenCredential, decode_token
from acs_core.service import embedded
from acs_core.service.app import CallingService
from tests.support.tls import tls_front


@dataclass(frozen=True)
class Site:
    """A service, and how the vendor's client, which insists on TLS, finds it."""

    service: CallingService
    endpoint: str
    certificate: Path

    def client(self, key: str = "") -> AsyncIdentityClient:
        return AsyncIdentityClient.from_connection_string(self._address(key), **self._options)

    def blocking_client(self) -> CommunicationIdentityClient:
        return CommunicationIdentityClient.from_connection_string(self._address(), **self._options)

    def _address(self, key: str = "") -> str:
        secret = self.service.settings.acs_access_key
        assert secret is not None
        return f"endpoint={self.endpoint};accesskey={key or secret.get_secret_value()}"

    @property
    def _options(self) -> dict[str, Any]:
        return {"connection_verify": str(self.certificate), "retry_total": 0}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with embedded() as service, tls_front(service.port, tmp_path) as (url, certificate):
        yield Site(service, url, certificate)


@pytest.mark.feature("TOKEN-003", "TOKEN-006")
async def test_the_vendors_client_makes_a_user_whose_token_a_call_agent_takes(site: Site) -> None:
    async with site.client() as identities:
        user, token = await identities.create_user_and_token([CommunicationTokenScope.VOIP])
    assert decode_token(token.token).raw_id == user.raw_id
    lifetime = datetime.fromisoformat(token.expires_on) - datetime.now(UTC)
    assert abs(lifetime - timedelta(days=1)) < timedelta(minutes=1)
    async with CallClient(CallClientOptions(service_url=site.service.url)) as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(token.token))
        assert agent.connection_state == "Connected"


async def test_the_vendors_client_in_a_thread_takes_a_user_through_its_life(site: Site) -> None:
    def live() -> None:
        identities = site.blocking_client()
        user = identities.create_user()
        hour = timedelta(hours=1)
        token = identities.get_token(user, ["voip"], token_expires_in=hour)
        assert abs(decode_token(token.token).expires_on - time.time() - 3600) < 60
        identities.revoke_tokens(user)
        identities.delete_user(user)
        with pytest.raises(ResourceNotFoundError):
            identities.get_token(user, ["voip"])

    await asyncio.to_thread(live)


@pytest.mark.parametrize("minutes", [59, 24 * 60 + 1])
async def test_a_lifetime_out_of_range_is_the_vendors_error(site: Site, minutes: int) -> None:
    async with site.client() as identities:
        user = await identities.create_user()
        with pytest.raises(HttpResponseError) as caught:
            await identities.get_token(user, ["voip"], token_expires_in=timedelta(minutes=minutes))
    assert caught.value.status_code == 400


async def test_a_wrong_key_and_an_unknown_user_are_the_vendors_errors(site: Site) -> None:
    async with site.client("d3Jvbmc=") as identities:
        with pytest.raises(ClientAuthenticationError):
            await identities.create_user()
    async with site.client() as identities:
        with pytest.raises(ResourceNotFoundError):
            await identities.get_token(CommunicationUserIdentifier("8:acs:nobody"), ["voip"])
