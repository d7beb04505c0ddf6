"""Child processes of a benchmark: started on a core, measured, and ended with the block."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

__all__ = ["Child", "cpu_seconds", "pin", "python_child", "resident_bytes", "two_cores"]

START_TIMEOUT = 30.0
ANSWER_TIMEOUT = 120.0
STOP_TIMEOUT = 10.0
LINE_LIMIT = 1 << 20


class Child:
    """A Python child that prints one line of JSON per question it is asked."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def read(self, timeout: float = ANSWER_TIMEOUT) -> dict[str, Any]:
        """The next line that it prints.

        Raises:
            RuntimeError: It ended instead.
        """
        assert self._process.stdout is not None
        async with asyncio.timeout(timeout):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the child ended with code {await self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def ask(self, question: str) -> dict[str, Any]:
        """Write one line and read the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{question}\n".encode())
        return await self.read()

    async def stop(self) -> None:
        """Close its input, which ends it; kill it if it does not end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def python_child(
    module: str, *arguments: str, core: int | None = None
) -> AsyncIterator[tuple[Child, dict[str, Any]]]:
    """Run `python -m module` and give it with the first line that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_LIMIT,
    )
    child = Child(process)
    try:
        pin(process.pid, core)
        yield child, await child.read(START_TIMEOUT)
    finally:
        await child.stop()


def two_cores() -> tuple[int | None, int | None]:
    """A core for what is measured and one for the generator; None, None with one core only."""
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def pin(pid: int, core: int | None) -> None:
    """Keep a process (0: this one) on a core; None leaves it as it is."""
    if core is not None:
        os.sched_setaffinity(pid, {core})


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process, to the nanosecond.

    Source: Documentation/scheduler/sched-stats.rst of Linux, /proc/<pid>/schedstat.
    """
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
