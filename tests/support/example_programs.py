"""Runs the programs of `migration_examples` as a user would, and compares what they print."""

from __future__ import annotations

import asyncio
import contextlib
import re
import runpy
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.events import until

__all__ = [
    "EXAMPLES",
    "Main",
    "Program",
    "allowed_differences",
    "main_of",
    "migrate_all",
    "migrated_page",
    "running",
]

EXAMPLES: Final = Path(__file__).parents[2] / "migration_examples"
END: Final = 10.0
"""Seconds that a program may take to end after its input did."""
ONLY: Final = re.compile(r"^- Only `(?P<program>[\w.]+)` prints `(?P<line>[^`]+)`", re.MULTILINE)

Main = Callable[..., Coroutine[Any, Any, None]]


class Program:
    """A running example: what its user types, and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._printed: list[str] = []
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()
        self.has_ended = False

    @property
    def printed(self) -> list[str]:
        """All lines until now."""
        self._printed += self._capsys.readouterr().out.splitlines()
        return self._printed

    async def prints(self, line: str, *, times: int = 1) -> None:
        """Wait until a line was printed so many times in all."""

        def is_printed() -> bool:
            return self.printed.count(line) >= times

        with contextlib.suppress(TimeoutError):
            await until(lambda: is_printed() or self.has_ended)
        if not is_printed():
            raise AssertionError(f"{line!r} was not printed, but {self.printed}")

    async def starts_line(self, text: str) -> None:
        """Wait until a line was printed that begins so."""
        await until(lambda: any(line.startswith(text) for line in self.printed))

    def types(self, line: str | None) -> None:
        """Type a line; None ends the input."""
        self._typed.put_nowait(line)

    def end(self, _: object) -> None:
        """The program has ended, as nobody waits for lines of it any more."""
        self.has_ended = True

    async def lines(self) -> AsyncIterator[str]:
        """What is typed, for the program."""
        while (line := await self._typed.get()) is not None:
            yield line


def main_of(path: Path) -> Main:
    """The `main` of a program, which is not run as a script."""
    main: Main = runpy.run_path(str(path))["main"]
    return main


@asynccontextmanager
async def running(
    main: Main, capsys: pytest.CaptureFixture[str], *arguments: object
) -> AsyncIterator[Program]:
    """Run a program; leaving the block ends its input, and the program must end by that.

    Args:
        main: Called with the arguments and, at last, the lines that are typed.
        arguments: Mostly the token and the name of the room.
    """
    program = Program(capsys)
    task = asyncio.create_task(main(*arguments, program.lines()))
    task.add_done_callback(program.end)
    try:
        yield program
        program.types(None)
        async with asyncio.timeout(END):
            await task
    except BaseException:
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error from None
        raise
    finally:
        task.cancel()
        await asyncio.wait([task])


def migrate_all(folder: Path) -> None:
    """Copies of every `before.py`, after `twilio-compat migrate apply` in the folder of all."""
    from mapping.rewrite.applying import apply_plan
    from mapping.rewrite.choices import read_choices
    from mapping.rewrite.project import plan_project

    for program in EXAMPLES.glob("*/before.py"):
        copy = folder / program.relative_to(EXAMPLES)
        copy.parent.mkdir()
        copy.write_text(program.read_text(encoding="utf-8"), encoding="utf-8")
    apply_plan(plan_project(folder, read_choices()))


def migrated_page(text: str, *, server: str | None = None) -> str:
    """JavaScript as `twilio-compat migrate apply` makes it, for a server or for the usual one."""
    from mapping.rewrite.choices import read_choices
    from mapping.rewrite.planner import plan_text

    options = read_choices() if server is None else read_choices(server=server)
    after: str = plan_text("page.js", text, options).after
    return after


def allowed_differences(topic: Path, program: str) -> Callable[[str], bool]:
    """Whether the README of a topic says that only this program prints a line.

    It says so in a list: "Only `compat.py` prints `audio of ... ends`", where dots are anything.
    """
    readme = (topic / "README.md").read_text(encoding="utf-8")
    patterns = [
        re.escape(match["line"]).replace(r"\.\.\.", ".+")
        for match in ONLY.finditer(readme)
        if match["program"] == program
    ]
    return lambda line: any(re.fullmatch(pattern, line) for pattern in patterns)
