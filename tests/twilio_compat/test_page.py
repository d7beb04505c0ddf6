from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from acs_core.errors import InvalidArgumentError
from twilio_compat.error_details import DETAILS
from twilio_compat.page import FOLDER, SDK_FILE, TryPage, find_sdk

SDK_TEXT = "globalThis.Twilio = {};"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The folder of the npm package, as npm makes it."""
    package = tmp_path / "node_modules" / "twilio-video"
    (package / "dist").mkdir(parents=True)
    (package / "dist" / SDK_FILE).write_text(SDK_TEXT)
    (package / "package.json").write_text('{"version": "2.36.0"}')
    return package


def make_token(identity: str, room: str) -> str:
    if identity == "nobody":
        raise InvalidArgumentError("Not this one.", next_step="Take another.")
    return f"{identity}@{room}"


class Site:
    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http

    async def get(self, path: str) -> tuple[int, str, Mapping[str, str]]:
        async with self.http.get(self.url + path) as answer:
            return answer.status, await answer.text(), answer.headers

    async def token(
        self, body: object, *, host: str = "127.0.0.1", kind: str = "application/json"
    ) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Host": host, "Content-Type": kind}
        async with self.http.post(f"{self.url}/dev/token", data=data, headers=headers) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def site(sdk: Path | None = None) -> AsyncIterator[Site]:
    page = TryPage(
        make_token,
        find_sdk(sdk, directory=Path("/nonexistent")),
        allowed_hosts=["Video.Example.com"],
    )
    app = web.Application()
    app.router.add_routes(page.routes())
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        yield Site(str(server.make_url("")).rstrip("/"), http)


# ---------------------------------------------------------------- the SDK


def test_sdk_is_found_where_npm_puts_it(package: Path, tmp_path: Path) -> None:
    found = find_sdk(None, directory=tmp_path)
    assert found is not None
    assert (found.path, found.version) == (package / "dist" / SDK_FILE, "2.36.0")


@pytest.mark.parametrize(
    "place",
    ["node_modules/twilio-video/dist/twilio-video.min.js", "node_modules/twilio-video/dist",
     "node_modules/twilio-video", "node_modules", "."],
)  # fmt: skip
def test_sdk_is_found_where_it_is_said_to_be(package: Path, tmp_path: Path, place: str) -> None:
    found = find_sdk(tmp_path / place, directory=Path("/nonexistent"))
    assert found is not None
    assert found.path.read_text() == SDK_TEXT


def test_sdk_may_be_absent_but_not_where_it_is_said_to_be(tmp_path: Path) -> None:
    assert find_sdk(None, directory=tmp_path) is None
    with pytest.raises(InvalidArgumentError, match=r"no twilio-video\.min\.js") as caught:
        find_sdk(tmp_path, directory=tmp_path)
    assert "npm install twilio-video" in caught.value.next_step


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', "{}"])
def test_version_is_left_out_when_it_cannot_be_read(package: Path, text: str) -> None:
    (package / "package.json").write_text(text)
    found = find_sdk(package, directory=package)
    assert found is not None
    assert found.version == ""


# ---------------------------------------------------------------- files


async def test_page_is_served_with_a_policy_that_lets_in_nothing_else() -> None:
    async with site() as page:
        status, text, headers = await page.get("/")
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "<title>twilio-compat" in text
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "'unsafe-inline'" not in policy
        assert f"ws://{page.url.removeprefix('http://')}" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_odd_host_does_not_get_into_the_policy() -> None:
    async with site() as page:
        headers = {"Host": "evil; script-src *"}
        async with page.http.get(page.url, headers=headers) as answer:
            assert "evil" not in answer.headers.get("Content-Security-Policy", "")


async def test_everything_that_the_page_names_is_there() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    named = {name for text in files.values() for name in re.findall(r"/page/([\w.-]+\.\w+)", text)}
    named.discard("sdk.js")
    assert named == set(files) - {"index.html"}
    async with site() as page:
        for name in named:
            status, text, headers = await page.get(f"/page/{name}")
            assert (status, text) == (200, files[name])
            assert headers["Content-Type"].startswith("text/")


async def test_page_needs_no_other_site_and_no_inline_code() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"(?:https?:)?//\w+\.\w", text) == [], path.name
    index = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]* src=)", index) == []
    assert re.findall(r"\s(?:style|on\w+)=", index) == []


@pytest.mark.parametrize("path", ["/page/nothing.js", "/page/index.html", "/page/..%2f__init__.py"])
async def test_nothing_else_is_served(path: str) -> None:
    async with site() as page:
        assert (await page.get(path))[0] == 404


async def test_sdk_is_served_from_where_it_is(package: Path) -> None:
    async with site(package) as page:
        assert (await page.get("/page/sdk.js"))[:2] == (200, SDK_TEXT)
        description = json.loads((await page.get("/dev/page"))[1])
        assert description["sdk"] == {"version": "2.36.0"}
        assert description["advice"]["53205"] == DETAILS[53205].solutions[0]


async def test_page_is_told_that_there_is_no_sdk(package: Path) -> None:
    async with site() as page:
        assert (await page.get("/page/sdk.js"))[0] == 404
        assert json.loads((await page.get("/dev/page"))[1])["sdk"] is None
    async with site(package) as page:
        (package / "dist" / SDK_FILE).unlink()
        assert (await page.get("/page/sdk.js"))[0] == 404
        assert json.loads((await page.get("/dev/page"))[1])["sdk"] is None


# ---------------------------------------------------------------- tokens


@pytest.mark.parametrize(
    "host", ["localhost:7780", "127.0.0.1", "[::1]:7780", "192.0.2.7:80", "a.localhost",
             "video.example.com"],
)  # fmt: skip
async def test_token_is_given_under_names_of_ours(host: str) -> None:
    async with site() as page:
        answer = await page.token({"identity": " ann ", "room": "daily"}, host=host)
        assert answer == (200, {"token": "ann@daily", "identity": "ann", "room": "daily"})


@pytest.mark.parametrize("host", ["rebound.example.org", "localhost.example.org:7780", "[::1", ""])
async def test_token_is_not_given_under_a_foreign_name(host: str) -> None:
    async with site() as page:
        status, body = await page.token({"identity": "ann", "room": "daily"}, host=host)
        assert status == 403
        assert "allowed_origins" in body["error"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"[" * 9000, [], {}, {"identity": "ann"}, {"identity": 1, "room": "x"},
     {"identity": "", "room": "x"}, {"identity": "  ", "room": "x"},
     {"identity": "a" * 129, "room": "x"}, {"identity": "a\n", "room": "x"},
     {"identity": "\ud800", "room": "x"}, {"identity": "nobody", "room": "x"}],
)  # fmt: skip
async def test_token_needs_a_name_and_a_room(body: object) -> None:
    async with site() as page:
        status, answer = await page.token(body)
        assert status == 400
        assert answer["error"]


async def test_token_is_asked_for_with_json_only() -> None:
    # Other pages can send texts and forms without asking first, JSON they cannot.
    async with site() as page:
        assert (await page.token({}, kind="text/plain"))[0] == 415
        assert (await page.token({}, kind="application/json; charset=nonsense"))[0] == 400
