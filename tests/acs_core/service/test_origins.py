from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from acs_core.service.origins import origin_check

CHECK = origin_check(["https://app.example/"], except_below=["/v1/Rooms"])


async def status(path: str, origin: str | None) -> int:
    async def handler(_: web.Request) -> web.Response:
        return web.Response()

    headers = {"Host": "here.example:80"} | ({} if origin is None else {"Origin": origin})
    answer = await CHECK(make_mocked_request("GET", path, headers), handler)
    return answer.status


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (None, True),
        ("https://app.example", True),
        ("http://HERE.example:80", True),
        ("https://evil.example", False),
        ("null", False),
        ("http://[", False),
    ],
)
async def test_own_and_listed_pages_are_let_in(origin: str | None, is_let_in: bool) -> None:
    assert await status("/calls/ws", origin) == (200 if is_let_in else 403)


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/v1/Rooms", True),
        ("/v1/Rooms/RM1/Participants", True),
        ("/v1/Roomsy", False),
        ("/v1", False),
        ("/signaling", False),
    ],
)
async def test_pages_of_any_origin_reach_what_authenticates_itself(
    path: str, is_open: bool
) -> None:
    assert await status(path, "https://evil.example") == (200 if is_open else 403)
