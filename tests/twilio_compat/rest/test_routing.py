"""The table of operations, and what is said of paths that are not in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from acs_core.service.calls import Calls
from acs_core.service.history import History
from acs_core.service.rooms import Rooms
from acs_core.service.store.database import Database
from tests.twilio_compat.rest.conftest import Rest, basic
from twilio_compat.rest import REST_PATHS, RestApi
from twilio_compat.rest.credentials import RestCredentials
from twilio_compat.rest.parameters import Form
from twilio_compat.rest.refusals import wrong_parameter
from twilio_compat.rest.routing import delete, get, post

PATH = "/v1/Recordings/{name}"


async def _answer(request: web.Request, form: Form) -> web.Response:
    if form.text("Wrong"):
        raise wrong_parameter("Wrong.", 53107)
    return web.json_response({"name": request.match_info["name"], "text": form.text("Text")})


async def _nothing(_: web.Request, form: Form) -> web.Response:
    return web.Response(status=204)


async def _nobody(*_: str) -> None:
    """Keeps no names."""


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    opened = await Database.open()
    yield opened
    await opened.close()


@pytest.fixture
def rows(database: Database) -> RestApi:
    api = RestApi(
        Calls(rooms=Rooms()),
        history=History(lambda: database),
        database=lambda: database,
        account_sid="AC1",
        credentials=RestCredentials("AC1", "token", {}),
        renamed=_nobody,
    )
    api.add(
        [
            get("FetchThing", PATH, _answer, "thing", {"Full": {}}),
            post(
                "UpdateThing", PATH, _answer, "thing", {"Text": {}}, status=202, required=["Text"]
            ),
            delete("DeleteThing", PATH, _nothing),
        ],
        {"thing": {"type": "object"}},
    )
    return api


async def test_rows_say_what_an_operation_takes_and_answers(rows: RestApi) -> None:
    (family,) = rows.described()
    found = {item.name: item for item in family.operations if item.name.endswith("Thing")}
    assert [(row.method, row.status, row.answer) for row in found.values()] == [
        ("GET", 200, "thing"),
        ("POST", 202, "thing"),
        ("DELETE", 204, None),
    ]
    assert found["UpdateThing"].required == frozenset({"Text"})
    assert family.schemas["thing"] == {"type": "object"}


async def test_resources_of_others_are_served_like_the_rest(rows: RestApi) -> None:
    app = web.Application()
    app.add_routes(rows.routes())
    headers = {"Authorization": basic("AC1", "token")}
    async with TestServer(app) as server, aiohttp.ClientSession(headers=headers) as http:
        url = server.make_url("/v1/Recordings/r1")
        async with http.get(url) as answer:
            assert await answer.json() == {"name": "r1", "text": None}
        async with http.post(url, data={"Text": "t"}) as answer:
            assert await answer.json() == {"name": "r1", "text": "t"}
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        async with http.post(url, data={"Wrong": "t"}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, 53107)
        async with http.delete(url) as answer:
            assert answer.status == 204
        async with http.delete(url, headers={"Authorization": "no"}) as answer:
            assert answer.status == 401


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/Nothing", "/v1/Recordings/x/y/z/Media"])
async def test_what_is_in_no_table_is_not_found_as_twilio_tells_it(rest: Rest, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "PUT"):
        status, body, _ = await rest.ask(method, path)
        assert (status, body["code"]) == (404, 20404)


async def test_pages_may_ask_for_every_resource(rest: Rest) -> None:
    page = {"Origin": "http://example.com", "Access-Control-Request-Method": "DELETE"}
    for path in REST_PATHS:
        status, _, headers = await rest.ask("OPTIONS", f"{path}/x", headers=page)
        assert status == 204
        assert "DELETE" in headers["Access-Control-Allow-Methods"]
