from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from acs_core.errors import ServiceError
from acs_core.service.media_files import MediaFiles

NAME = f"{'0a' * 16}.mka"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Library:
    """A folder with one file, served."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        (folder / "recordings").mkdir()
        (folder / "recordings" / NAME).write_bytes(bytes(range(256)))
        self.files = MediaFiles(folder, folder, clock=self.clock)
        self.url = ""

    async def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.url}{path}", headers=headers) as answer,
        ):
            return answer.status, await answer.read()


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    made = Library(tmp_path)
    await made.files.start()
    app = web.Application()
    app.router.add_routes(made.files.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


async def test_a_link_gives_the_file_until_it_expires(library: Library) -> None:
    link = library.files.link("recordings", NAME, lifetime=60)
    assert await library.get(link) == (200, bytes(range(256)))
    assert await library.get(link, Range="bytes=-6") == (206, bytes(range(250, 256)))
    library.clock.now += 61
    assert (await library.get(link))[0] == 403


async def test_a_link_outlives_the_service(library: Library) -> None:
    link = library.files.link("recordings", NAME)
    again = MediaFiles(library.folder, library.folder, clock=library.clock)
    await again.start()
    assert again.link("recordings", NAME) == link
    key = library.folder / "media.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    # One that was cut off is no key.
    key.write_bytes(b"short")
    await again.start()
    assert again.link("recordings", NAME) != link
    assert len(key.read_bytes()) == 32


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("recordings", "media.key"),
        ("recordings", "../media.key"),
        ("..", NAME),
        ("recordings", f"{NAME}\0"),
    ],
)
async def test_names_never_become_paths(library: Library, folder: str, file: str) -> None:
    # Signed, as if the service had made a mistake.
    link = library.files.link(folder, file).replace("../", "%2e%2e%2f").replace("\0", "%00")
    assert (await library.get(link))[0] in (403, 404)


@pytest.mark.parametrize("target", [b"/media/recordings/\xff?", b"/media/r/x?signature=\xff"])
async def test_bytes_that_are_no_text_are_refused(library: Library, target: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(library.url.rpartition(":")[2]))
    writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.split()[1] in (b"400", b"403", b"404")
    writer.close()
    await writer.wait_closed()


async def test_a_symbolic_link_is_no_file(library: Library) -> None:
    other = f"{'1b' * 16}.mka"
    (library.folder / "recordings" / other).symlink_to(library.folder / "media.key")
    assert (await library.get(library.files.link("recordings", other)))[0] == 404


async def test_a_key_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServiceError):
        await MediaFiles(tmp_path, tmp_path / "nowhere").start()
