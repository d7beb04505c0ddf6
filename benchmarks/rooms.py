"""How many requests about rooms the service answers when its database holds many."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from acs_core.core.facts import CallType
from acs_core.service.rooms import RoomRecord
from acs_core.service.rows import room_row, rules_row
from acs_core.service.store.calls import CALLS, VISITS
from acs_core.service.store.database import Database
from acs_core.service.store.directory import DataDirectory
from acs_core.service.store.rooms import ROOMS
from benchmarks.processes import python_child, two_cores
from benchmarks.report import Cell, Result, Spread

__all__ = ["measure_rooms"]

CLIENTS = (1, 16)
FILL_DEADLINE = 60.0
TIMEOUT = aiohttp.ClientTimeout(total=60.0)

Request = Callable[[int], Awaitable[None]]


async def measure_rooms(
    *, rooms: int = 10_000, requests: int = 500, repetitions: int = 3
) -> Result:
    """Create, fetch and list rooms over REST.

    Args:
        rooms: Completed ones that are there before, with two participants each.
        requests: Of one measurement.
        repetitions: Of each measurement.
    """
    core, _ = two_cores()
    with tempfile.TemporaryDirectory() as folder:
        await _fill(Path(folder), rooms)
        arguments = ("--tokens", "0", "--data-dir", folder)
        async with (
            python_child("benchmarks.service", *arguments, core=core) as (_, ready),
            aiohttp.ClientSession(
                auth=aiohttp.BasicAuth(*ready["api_key"]), timeout=TIMEOUT
            ) as http,
        ):
            table = await _requests(http, f"{ready['url']}/v1/Rooms")
            rows: list[tuple[Cell, ...]] = []
            for name, request in table.items():
                cells = [
                    Spread.of(
                        [await _rate(request, clients, requests) for _ in range(repetitions)], 0
                    )
                    for clients in CLIENTS
                ]
                rows.append((name, *cells))
    return Result(
        "rooms",
        f"requests per second with {rooms} completed rooms in SQLite on this disk",
        ("request", *(f"{clients} at a time" for clients in CLIENTS)),
        tuple(rows),
        (
            f"{requests} requests, {repetitions} times each; the client is not free either",
            "what changes something is answered when it is on the disk (synchronous=FULL)",
        ),
    )


async def _fill(folder: Path, rooms: int) -> None:
    """Store rooms that ended a second ago, one each millisecond, with two participants each."""
    directory = DataDirectory(folder)
    database = await Database.open(directory.database_url)
    now = datetime.now(UTC)
    for number in range(rooms):
        began = now.timestamp() - 1.0 - 0.001 * (rooms - number)
        room = RoomRecord(
            uuid.uuid4().hex, now, now, now, unique_name=f"before-{number}", is_session=True
        )
        call = {
            "id": uuid.uuid4().hex,
            "type": CallType.ROOM,
            "room_id": room.id,
            "started_at": began,
            "ended_at": began,
            "recording_rules": rules_row(room.options.recording_rules),
        }
        database.put(ROOMS, room_row(room, deleted_at=began))
        database.put(CALLS, call)
        for name in ("anna", "ben"):
            visit = {"call_id": call["id"], "id": uuid.uuid4().hex, "identity": name}
            database.put(VISITS, visit | {"arrived_at": began, "left_at": began})
        if number % 1000 == 0:
            await database.flush(deadline=FILL_DEADLINE)
    await database.flush(deadline=FILL_DEADLINE)
    await database.close()


async def _requests(http: aiohttp.ClientSession, url: str) -> Mapping[str, Request]:
    """What is measured; each takes a number that was not used before."""

    async def ask(method: str, path: str = "", **options: Any) -> dict[str, Any]:
        async with http.request(method, f"{url}{path}", **options) as answer:
            answer.raise_for_status()
            body: dict[str, Any] = await answer.json()
            return body

    live = await ask("POST", data={"UniqueName": "live"})
    (ended,) = (await ask("GET", "?Status=completed&PageSize=1"))["rooms"]

    async def create_and_complete(number: int) -> None:
        made = await ask("POST", data={"UniqueName": f"new-{number}"})
        await ask("POST", f"/{made['sid']}", data={"Status": "completed"})

    async def get(path: str) -> None:
        await ask("GET", path)

    return {
        "create and complete a room (two requests)": create_and_complete,
        "fetch a room in progress": lambda _: get(f"/{live['sid']}"),
        "fetch a completed room": lambda _: get(f"/{ended['sid']}"),
        "list the 50 newest completed rooms": lambda _: get("?Status=completed"),
        "find completed rooms by name": lambda n: get(f"?Status=completed&UniqueName=before-{n}"),
        "list the participants of a completed room": lambda _: get(f"/{ended['sid']}/Participants"),
    }


_numbers = itertools.count()


async def _rate(request: Request, clients: int, requests: int) -> float:
    """Requests per second of some clients who ask one after the other."""
    left = iter([next(_numbers) for _ in range(requests)])

    async def client() -> None:
        for number in left:
            await request(number)

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return requests / (time.perf_counter() - start)
