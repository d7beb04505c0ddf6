from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from acs_core.errors import AuthenticationError
from acs_core.service.webhooks import DeliveryTimes, Webhooks
from acs_core.service.webhooks.inspector import WEBHOOKS_PATH, WebhookInspector
from tests.support.webhook_sink import Got, webhook_sink
from tests.support.webhooks import settled, telling, webhooks

PASSWORD = "operator"


class Operator:
    """Somebody who looks at a service's webhooks."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def ask(
        self, path: str = "", method: str = "GET", password: str = PASSWORD
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": password}
        url = f"{self._url}{WEBHOOKS_PATH}{path}"
        async with self._http.request(method, url, headers=headers) as answer:
            return answer.status, await answer.json()


def check(header: str | None) -> None:
    if header != PASSWORD:
        raise AuthenticationError("Who are you?")


@asynccontextmanager
async def operator(part: Webhooks) -> AsyncIterator[Operator]:
    app = web.Application()
    app.router.add_routes(WebhookInspector(part, check).routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as http:
            yield Operator(http, url)
    finally:
        await runner.cleanup()


async def answer(got: Got) -> web.StreamResponse:
    return web.Response(status=500 if got.body == "bad" else 200)


async def test_webhooks_are_listed_shown_and_repeated_without_passwords() -> None:
    times = DeliveryTimes(pauses=())
    async with (
        webhook_sink(answer) as sink,
        webhooks(times=times) as part,
        operator(part) as someone,
    ):
        secret = sink.url.replace("//", "//user:password@")
        headers = {"X-Own": "1", "aeg-sas-key": "of a topic"}
        good = part.post(telling(f"{secret}/x", "good", group="a", headers=headers))
        bad = part.post(telling(sink.url, "bad", group="b"))
        await settled(part, good)
        await settled(part, bad)
        status, found = await someone.ask()
        assert status == 200
        assert {row["event"]: row["state"] for row in found["webhooks"]} == {
            "good": "delivered",
            "bad": "failed",
        }
        assert "password" not in str(found)
        assert all("body" not in row for row in found["webhooks"])
        for query, events in (
            ("?state=failed", ["bad"]),
            ("?group=a", ["good"]),
            ("?count=1&state=delivered", ["good"]),
            ("?before=1", []),
        ):
            _, found = await someone.ask(query)
            assert [row["event"] for row in found["webhooks"]] == events
        _, shown = await someone.ask(f"/{good.request.id}")
        assert (shown["body"], shown["headers"]) == ("good", {"X-Own": "1", "aeg-sas-key": "*"})
        assert shown["url"] == f"{sink.url.replace('//', '//user:*@')}/x"
        status, again = await someone.ask(f"/{good.request.id}/replay", "POST")
        assert (status, again["state"], again["replay_of"]) == (200, "delivered", good.request.id)
        _, again = await someone.ask(f"/{bad.request.id}/replay", "POST")
        assert (again["state"], again["status"]) == ("failed", 500)
        assert len(sink.got) == 4
        keys = [got.headers["aeg-sas-key"] for got in sink.got if got.body == "good"]
        assert keys == ["of a topic"] * 2


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("?state=lost", "GET", 400),
        ("?count=many", "GET", 400),
        ("?before=nan", "GET", 400),
        ("?before=inf", "GET", 400),
        ("/unknown", "GET", 404),
        ("/unknown/replay", "POST", 404),
    ],
)
async def test_what_is_wrong_is_told_with_what_to_do(path: str, method: str, status: int) -> None:
    async with webhooks() as part, operator(part) as someone:
        answered, body = await someone.ask(path, method)
        assert answered == status
        assert body["error"]["message"]
        assert body["error"]["next_step"]


async def test_only_operators_may_look() -> None:
    async with webhooks() as part, operator(part) as someone:
        for path, method in (("", "GET"), ("/x", "GET"), ("/x/replay", "POST")):
            assert (await someone.ask(path, method, "guess"))[0] == 401
