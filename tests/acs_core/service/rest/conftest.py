"""A service, and Microsoft's own clients, in all the ways in which they can reach it."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from azure.communication.identity import CommunicationIdentityClient
from azure.communication.identity.aio import CommunicationIdentityClient as AsyncIdentityClient
from azure.communication.rooms import RoomsClient
from azure.communication.rooms.aio import RoomsClient as AsyncRoomsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.pipeline.transport import RequestsTransport

from acs_core import AccessKeyCredential, signed_headers
from acs_core.service import ServiceSettings, embedded
from acs_core.service.app import CallingService
from tests.support.events import until
from tests.support.tls import self_signed

CLIENTS = {
    "identity": (CommunicationIdentityClient, AsyncIdentityClient),
    "rooms": (RoomsClient, AsyncRoomsClient),
}


class VendorClient:
    """One of Microsoft's clients; a blocking one works in a thread.

    `await client("create_room", ...)` calls a method; lists come whole.
    """

    def __init__(self, client: Any, *, is_blocking: bool) -> None:
        self.client = client
        self.is_blocking = is_blocking

    async def __call__(self, method: str, *args: Any, **options: Any) -> Any:
        call = getattr(self.client, method)
        if self.is_blocking:
            return await asyncio.wait_for(
                asyncio.to_thread(lambda: _whole(call(*args, **options))), 20
            )
        answer = call(*args, **options)
        if inspect.isawaitable(answer):
            return await asyncio.wait_for(answer, 20)
        return [item async for item in answer]


def _transport(clients: AsyncExitStack, certificate: Path | None) -> RequestsTransport:
    """The usual one, whose connections end with their answers: errors keep theirs otherwise."""
    session = clients.enter_context(requests.Session())
    session.headers["Connection"] = "close"
    trusted = {} if certificate is None else {"connection_verify": str(certificate)}
    return RequestsTransport(session=session, session_owner=False, **trusted)


def _whole(answer: Any) -> Any:
    return list(answer) if hasattr(answer, "by_page") else answer


@dataclass
class Azure:
    """A service as Azure's clients see it.

    Attributes:
        is_blocking: Whether clients block, and work in threads.
        certificate: What clients must trust; None without TLS.
        clients: Closes them.
        url: Of the service, unless something stands before it.
    """

    service: CallingService
    is_blocking: bool
    certificate: Path | None
    clients: AsyncExitStack
    url: str = ""

    def __post_init__(self) -> None:
        self.url = self.url or self.service.url

    @property
    def key(self) -> str:
        secret = self.service.settings.acs_access_key
        assert secret is not None
        return secret.get_secret_value()

    async def client(self, kind: str, credential: Any = None, **options: Any) -> VendorClient:
        """A client; over TLS from a connection string, else by endpoint and credential."""
        options = {"retry_total": 0, **options}
        if self.is_blocking:
            options["transport"] = _transport(self.clients, self.certificate)
        maker: Any = CLIENTS[kind][not self.is_blocking]
        if self.certificate is not None:
            options["connection_verify"] = str(self.certificate)
            text = f"endpoint={self.url};accesskey={self.key}"
            client = maker.from_connection_string(text, **options)
        else:
            credential = credential or AzureKeyCredential(self.key)
            client = maker(self.url, credential, **options)
        if not self.is_blocking:
            await self.clients.enter_async_context(client)
        return VendorClient(client, is_blocking=self.is_blocking)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str = "2023-10-01",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, Any]:
        """Status, JSON and headers of the answer to a signed request of one's own making."""
        url = f"{self.service.url}{path}{'&' if '?' in path else '?'}api-version={version}"
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        signed = signed_headers(
            AccessKeyCredential(self.key),
            method,
            url,
            data,
            now=time.time(),
            request_id=str(uuid.uuid4()),
        )
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, url, data=data, headers=signed | (headers or {})) as answer,
        ):
            text = await answer.text()
            return answer.status, json.loads(text) if text else None, answer.headers


@pytest.fixture
async def azure() -> AsyncIterator[Azure]:
    """A service without TLS, and clients that wait."""
    async with embedded() as service, AsyncExitStack() as clients:
        yield Azure(service, False, None, clients)


@pytest.fixture(params=["http", "http blocking", "tls", "tls blocking"])
async def every_way(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Azure]:
    """A service for each way to reach it."""
    files = self_signed(tmp_path) if "tls" in request.param else {}
    settings = ServiceSettings(dev=True, port=0, media_port=0, **files)  # type: ignore[arg-type]
    async with embedded(settings) as service:
        async with AsyncExitStack() as clients:
            yield Azure(service, "blocking" in request.param, files.get("tls_cert"), clients)
        await _deserted(service)


async def _deserted(service: CallingService) -> None:
    """Return when all clients have disconnected; a blocking one does not say goodbye with TLS."""
    # Private on purpose: nobody but a test's loop, which ends at once, needs to know.
    await until(lambda: not service._web.connections)
