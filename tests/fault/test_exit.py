"""A program that simply ends, ends in order."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from twilio_compat import connect
from twilio_compat.server import embedded

PROGRAM = """
import asyncio, sys
from twilio_compat import connect

async def main():
    room = await connect(
        sys.argv[1],
        {"name": "exit", "audio": {"source": "tone"}, "video": {"source": "pattern"}},
        service_url=sys.argv[2],
    )
    print("in", flush=True)
    sys.stdin.readline()
    ENDING

asyncio.run(main())
"""


async def check_leaves(tmp_path: Path, ending: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("ENDING", ending), encoding="utf-8")
    async with embedded() as server, asyncio.timeout(40):
        options = {"name": "exit", "audio": False, "video": False}
        async with await connect(
            server.access_token("stays"), options, service_url=server.url
        ) as room:
            left: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            room.on("participantDisconnected", lambda who: left.set_result(who.identity))
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(program),
                server.access_token("goes"),
                server.url,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            assert await process.stdout.readline() == b"in\n"
            _, errors = await process.communicate(b"\n")
            assert (process.returncode, errors.decode()) == (0, "")
            # Its end is a goodbye, not a lost link that others wait for half a minute to pass.
            async with asyncio.timeout(2):
                assert await left == "goes"


async def test_a_program_that_disconnects_and_returns_leaves_at_once(tmp_path: Path) -> None:
    await check_leaves(tmp_path, "room.disconnect()")


async def test_a_program_that_just_returns_leaves_at_once(tmp_path: Path) -> None:
    await check_leaves(tmp_path, "pass")
