"""A back end in Node: one process that calls functions of a test with the vendors' clients.

Theory of operation: `node_side.mjs` reads a line, calls the function in it, and writes a line; so
there is one call at a time, and no ids. A call that is late leaves the two out of step, and ends
the process. It also ends when its input does, even where this process was killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

__all__ = ["NodeError", "NodeSide", "missing_node", "node_side", "operations_of"]

HERE: Final = Path(__file__).parent
PACKAGES: Final = ("twilio", "@azure/communication-call-automation")
DEADLINE: Final = 20.0
LONGEST_LINE: Final = 1 << 22


def missing_node() -> str | None:
    """What the tests with Node's clients lack on this machine; None when nothing."""
    if shutil.which("node") is None:
        return "there is no node; install Debian's package nodejs"
    for package in PACKAGES:
        if not (HERE / "node_modules" / package).is_dir():
            return f"{package} is not installed; run npm ci in tests/interop"
    return None


class NodeError(Exception):
    """What the function threw.

    Attributes:
        name: Class of the error there.
        status: Of the HTTP answer, where it was one.
        code: The vendor's code: Twilio's number, Microsoft's word.
        message: What it said.
    """

    def __init__(self, error: Mapping[str, Any]) -> None:
        self.name = str(error["name"])
        self.status: int | None = error["status"]
        self.code: int | str | None = error["code"]
        self.message = str(error["message"])
        super().__init__(f"{self.name} {self.status} {self.code}: {self.message}")


class NodeSide:
    """The Node process; made by `node_side`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def run(self, source: str, *args: Any, deadline: float = DEADLINE) -> Any:
        """Call a JavaScript function of (clients, *args) and return what it resolves to.

        Dates come as `datetime`, and `datetime` arguments arrive as dates; what is undefined
        there is None, or missing in a dict.

        Raises:
            NodeError: It threw, or rejected.
            TimeoutError: It is late; the process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"source": source, "args": args}, default=_written)
        async with self._turn:
            try:
                async with asyncio.timeout(deadline):
                    self._process.stdin.write(line.encode() + b"\n")
                    await self._process.stdin.drain()
                    answer = await self._process.stdout.readline()
            except TimeoutError:
                self._process.kill()
                raise
        assert answer, "Node has ended; its error output says why"
        outcome = json.loads(answer, object_hook=_read)
        if "error" in outcome:
            raise NodeError(outcome["error"])
        return outcome["value"]

    async def take_requests(self) -> list[tuple[str, str, int]]:
        """Method, path and status of each request since the last call."""
        found = await self.run("clients => clients.takeRequests()")
        return [(method, path, status) for method, path, status in found]

    async def aclose(self) -> None:
        """End the process, which must go by itself."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(DEADLINE):
                await process.stdout.read()
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise


@asynccontextmanager
async def node_side(url: str, **credentials: str) -> AsyncIterator[NodeSide]:
    """A Node process with clients of a service; what it writes as errors is in the test's output.

    Args:
        url: Of the service.
        **credentials: `TWILIO_ACCOUNT`, `TWILIO_KEY` and `TWILIO_SECRET`, `ACS_KEY` or both.
    """
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / "node_side.mjs"),
        stdin=PIPE,
        stdout=PIPE,
        limit=LONGEST_LINE,
        # Nothing else of ours: proxies, regions and credentials in it would change the clients.
        env={"PATH": os.environ["PATH"], "SERVICE_URL": url, **credentials},
    )
    node = NodeSide(process)
    try:
        yield node
    finally:
        await node.aclose()


def operations_of(document: Mapping[str, Any], requests: list[tuple[str, str, int]]) -> set[str]:
    """The operations of an OpenAPI document that some requests carried out."""
    known = [
        (method.upper(), _pattern(path), str(operation["operationId"]))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return {
        name
        for asked, path, status in requests
        for method, pattern, name in known
        if asked == method and status < 400 and pattern.fullmatch(path.partition("?")[0])
    }


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(
        "".join(
            "[^/:]+" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{\w+\})", path)
        )
    )


def _written(value: object) -> dict[str, str]:
    if isinstance(value, datetime):
        return {"$date": value.isoformat()}
    raise TypeError(f"{type(value).__name__} cannot be told to Node")


def _read(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value["$date"]) if "$date" in value else value
