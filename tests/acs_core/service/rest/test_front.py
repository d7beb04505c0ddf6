"""What all Azure interfaces have in common, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from acs_core import AccessKeyCredential, ServiceError, signed_headers
from acs_core.service.rest import AzureAnswer, AzureFront, AzureRequest, AzureRoute
from acs_core.service.rest.gate import Gate, issue_operator_token
from acs_core.service.rest.messages import not_found
from tests.acs_core.service.rest.conftest import Azure
from tests.support.events import until
from tests.support.tls import tls_front

KEY = b"k" * 64
ROOMS, IDENTITY = "2025-03-13", "2023-10-01"
Handler = Callable[[AzureRequest], Awaitable[AzureAnswer]]


class Site:
    """A front with one resource, `/things/{name}`, whose clock and disk are the test's."""

    def __init__(self) -> None:
        self.handler: Handler = self.echo
        self.ahead = 0.0
        self.disk = self.works
        self.url = ""
        self.runner: web.AppRunner | None = None
        self.asked: list[AzureRequest] = []
        self._front = AzureFront(
            Gate(KEY),
            durable=self.durable,
            clock=lambda: time.time() + self.ahead,
            body_deadline=1.0,
        )

    async def echo(self, request: AzureRequest) -> AzureAnswer:
        self.asked.append(request)
        return AzureAnswer(200, {"number": len(self.asked)})

    @contextlib.asynccontextmanager
    async def durable(self) -> AsyncIterator[None]:
        yield
        await self.disk()

    async def works(self) -> None:
        """The disk is fine."""

    async def is_full(self) -> None:
        """The disk is not."""
        raise ServiceError("The disk is full.", code=503)

    def is_deserted(self) -> bool:
        """Whether no client is connected."""
        return self.runner is None or not (self.runner.server and self.runner.server.connections)

    def routes(self) -> list[web.RouteDef]:
        async def handle(request: AzureRequest) -> AzureAnswer:
            return await self.handler(request)

        methods = ("GET", "POST", "PATCH", "DELETE")
        return self._front.serve(
            AzureRoute(method, "/things/{name}", handle, ("v1", "v2")) for method in methods
        )

    def sign(self, method: str, data: bytes = b"", *, query: str = "?api-version=v1") -> Any:
        """A request that can be sent as it is, also twice."""
        url = f"{self.url}/things/a{query}"
        credential = AccessKeyCredential(base64.b64encode(KEY).decode())
        headers = signed_headers(
            credential, method, url, data, now=time.time() + self.ahead, request_id="one"
        )
        return {"method": method, "url": url, "data": data, "headers": headers}

    async def send(self, request: Any, **headers: str) -> tuple[int, Any, Any]:
        """Status, JSON and headers."""
        request = request | {"headers": request["headers"] | headers}
        async with aiohttp.ClientSession() as http, http.request(**request) as answer:
            return answer.status, await answer.json(), answer.headers


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()
    app = web.Application(client_max_size=1000)
    app.router.add_routes(found.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0)
    await tcp.start()
    found.runner = runner
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


async def test_a_resource_is_asked_with_everything_in_it(site: Site) -> None:
    status, answer, _ = await site.send(site.sign("POST", b'{"x": 1}', query="?api-version=v2&q=z"))
    assert (status, answer) == (200, {"number": 1})
    (asked,) = site.asked
    assert (dict(asked.path), asked.body) == ({"name": "a"}, {"x": 1})
    assert asked.query == {"api-version": "v2", "q": "z"}
    assert asked.base_url == site.url
    assert abs(asked.now - time.time()) < 30


async def test_a_replayed_request_is_refused_and_not_carried_out(site: Site) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        request = site.sign(method)
        before = len(site.asked)
        assert (await site.send(request))[0] == 200
        status, refusal, headers = await site.send(request)
        assert (status, refusal["error"]["code"]) == (401, "Unauthorized")
        assert headers["x-ms-error-code"] == "Unauthorized"
        assert headers["WWW-Authenticate"] == "HMAC-SHA256"
        repeatable = {
            "Repeatability-Request-ID": "mine",
            "Repeatability-First-Sent": formatdate(usegmt=True),
        }
        assert (await site.send(request, **repeatable))[0] == 401
        assert len(site.asked) == before + 1


async def test_what_reads_may_be_sent_twice_but_not_a_while_later(site: Site) -> None:
    request = site.sign("GET")
    assert [(await site.send(request))[0] for _ in range(2)] == [200, 200]
    site.ahead = 60
    assert (await site.send(request))[0] == 401


async def test_a_repeated_request_gets_its_first_answer(site: Site) -> None:
    request = site.sign("POST")
    wish = {
        "Repeatability-Request-Id": str(uuid.uuid4()),
        "Repeatability-First-Sent": formatdate(usegmt=True),
    }
    _, first, headers = await site.send(request, **wish)
    assert headers["Repeatability-Result"] == "accepted"
    assert (await site.send(request, **wish))[1] == first
    site.ahead = 30
    assert (await site.send(site.sign("POST"), **wish))[1] == first
    assert len(site.asked) == 1
    status, _, _ = await site.send(site.sign("POST", b'{"another": "request"}'), **wish)
    assert status == 400


async def test_what_is_not_durable_is_not_acknowledged_and_may_be_sent_again(site: Site) -> None:
    site.disk = site.is_full
    request = site.sign("POST")
    status, refusal, _ = await site.send(request)
    assert (status, refusal["error"]["code"]) == (503, "ServiceUnavailable")
    assert (await site.send(site.sign("GET")))[0] == 200
    site.disk = site.works
    assert (await site.send(request))[0] == 200


async def test_errors_have_the_documented_form(site: Site) -> None:
    async def missing(_: AzureRequest) -> AzureAnswer:
        raise not_found("thing")

    async def broken(_: AzureRequest) -> AzureAnswer:
        raise RuntimeError("secret")

    site.handler = missing
    status, answer, headers = await site.send(site.sign("DELETE"))
    assert status == 404
    assert answer == {"error": {"code": "NotFound", "message": "There is no thing."}}
    assert headers["x-ms-error-code"] == "NotFound"
    site.handler = broken
    status, answer, _ = await site.send(site.sign("POST"))
    assert (status, answer["error"]["code"]) == (500, "InternalServerError")
    assert "secret" not in answer["error"]["message"]


@pytest.mark.parametrize(
    "query", ["", "?api-version=", "?api-version=v3", "?api-version=v3&api-version=v1"]
)
async def test_another_version_is_refused(site: Site, query: str) -> None:
    status, answer, _ = await site.send(site.sign("GET", query=query))
    assert (status, answer["error"]["code"]) == (400, "BadRequest")
    assert "v1, v2" in answer["error"]["message"]


@pytest.mark.parametrize("data", [b"{", b"[]", b'"x"', b"\xff", b"[" * 900])
async def test_a_body_that_is_no_object_is_refused(site: Site, data: bytes) -> None:
    status, answer, _ = await site.send(site.sign("POST", data))
    assert (status, answer["error"]["code"]) == (400, "BadRequest")


async def test_a_body_that_is_too_large_is_refused(site: Site) -> None:
    status, answer, _ = await site.send(site.sign("POST", b" " * 2000))
    assert (status, answer["error"]["code"]) == (413, "PayloadTooLarge")


async def test_a_body_in_chunks_is_compared_whole(site: Site) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for part in (b'{"x"', b": 1}"):
            yield part
            await asyncio.sleep(0)

    request = site.sign("POST", b'{"x": 1}')
    assert (await site.send(request | {"data": chunks()}))[0] == 200
    request = site.sign("POST", b'{"x": 2}')
    assert (await site.send(request | {"data": chunks()}))[0] == 401


async def test_the_body_of_a_stranger_is_not_waited_for(site: Site) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /things/a?api-version=v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"
    )
    assert b" 401 " in await asyncio.wait_for(reader.readline(), 5)
    writer.write(b"x" * 900)  # The connection is kept until then, for a while.
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await until(site.is_deserted)


async def test_a_body_that_does_not_come_is_not_waited_for_long(site: Site) -> None:
    headers = site.sign("POST", b"x" * 900)["headers"]
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = [f"Host: {host}:{port}", "Content-Length: 900", *lines]
    request = "\r\n".join(["POST /things/a?api-version=v1 HTTP/1.1", *head, "", ""])
    writer.write(request.encode())
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    writer.write(b"x" * 900)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await until(site.is_deserted)


async def test_the_clients_name_of_its_request_comes_back_when_it_asks(site: Site) -> None:
    wish = {"x-ms-return-client-request-id": "true"}
    request = site.sign("GET")
    assert (await site.send(request, **wish))[2]["x-ms-client-request-id"] == "one"
    assert "x-ms-client-request-id" not in (await site.send(request))[2]
    for name in ("x" * 200, "\udcff"):
        wish["x-ms-client-request-id"] = name
        assert "x-ms-client-request-id" not in (await site.send(request, **wish))[2]


# ---------------------------------------------------------------- on a real service


async def test_each_family_of_interfaces_has_its_versions(azure: Azure) -> None:
    assert (await azure.ask("GET", "/rooms", version=IDENTITY))[0] == 400
    assert (await azure.ask("POST", "/identities", version=ROOMS))[0] == 400
    for version in ("2023-06-14", "2024-04-15", "2025-03-13"):
        assert (await azure.ask("GET", "/rooms", version=version))[0] == 200
    for version in ("2021-03-07", "2022-06-01", "2022-10-01", "2023-10-01"):
        assert (await azure.ask("POST", "/identities", version=version))[0] == 201


async def test_no_room_and_no_user_is_made_while_the_database_cannot_be_written(
    azure: Azure,
) -> None:
    database = azure.service.database
    await database.flush()
    # As the task that writes does after an attempt that failed.
    database._tell(failure=OSError("disk full"))
    for path, version in (("/rooms", ROOMS), ("/identities", IDENTITY)):
        status, refusal, _ = await azure.ask("POST", path, {}, version=version)
        assert (status, "disk full" in refusal["error"]["message"]) == (503, True)
    database._tell(failure=None)
    _, rooms, _ = await azure.ask("GET", "/rooms", version=ROOMS)
    assert rooms["value"] == []
    assert (await azure.ask("POST", "/rooms", {}, version=ROOMS))[0] == 201


class Credential:
    """What Azure's clients take for a token; for the blocking ones and the others."""

    def __init__(self, token: str, *, is_blocking: bool) -> None:
        self._token = AccessToken(token, int(time.time()) + 3600)
        if not is_blocking:
            self.get_token = self._get_token  # type: ignore[method-assign]

    def get_token(self, *_: Any, **__: Any) -> Any:
        return self._token

    async def _get_token(self, *_: Any, **__: Any) -> AccessToken:
        return self._token

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("is_blocking", [False, True])
async def test_the_vendors_clients_come_in_with_an_operator_token(
    azure: Azure, is_blocking: bool
) -> None:
    azure.is_blocking = is_blocking
    key = azure.service.settings.access_key_bytes
    assert key is not None
    good = Credential(issue_operator_token(key, now=time.time()), is_blocking=is_blocking)
    identities = await azure.client("identity", good)
    user = await identities("create_user", enforce_https=False)
    rooms = await azure.client("rooms", good)
    assert await rooms("list_rooms", enforce_https=False) == []
    _, token = azure.service.issue_user_token()
    wrong = Credential(token.token, is_blocking=is_blocking)
    identities = await azure.client("identity", wrong)
    with pytest.raises(ClientAuthenticationError):
        await identities("delete_user", user, enforce_https=False)


async def test_many_equal_calls_of_the_vendors_client_at_once_are_all_carried_out(
    azure: Azure,
) -> None:
    """They sign alike: whole seconds are all that tells them apart."""
    identities = await azure.client("identity")
    users = await asyncio.gather(*(identities("create_user") for _ in range(40)))
    assert len({user.properties["id"] for user in users}) == 40


async def test_the_vendors_client_gets_the_room_that_it_made_when_it_asks_again(
    azure: Azure,
) -> None:
    rooms = await azure.client("rooms")
    first_sent = formatdate(usegmt=True)
    again = {"Repeatability-Request-ID": "1", "Repeatability-First-Sent": first_sent}
    wish = {"validFrom": None, "validUntil": None}
    answers = [
        await azure.ask("POST", "/rooms", wish, version=ROOMS, headers=again) for _ in range(2)
    ]
    assert answers[0][:2] == answers[1][:2]
    assert [item.id for item in await rooms("list_rooms")] == [answers[0][1]["id"]]


@pytest.mark.parametrize("is_blocking", [False, True])
async def test_the_vendors_clients_come_in_behind_a_proxy_that_speaks_tls(
    azure: Azure, tmp_path: Path, is_blocking: bool
) -> None:
    """They sign the name of the proxy, which it passes on."""
    azure.is_blocking = is_blocking
    async with tls_front(azure.service.port, tmp_path) as (url, certificate):
        azure.certificate, azure.url = certificate, url
        identities, rooms = await azure.client("identity"), await azure.client("rooms")
        assert (await identities("create_user")).properties["id"].startswith("8:acs:")
        assert await rooms("list_rooms") == []
        await azure.clients.aclose()
