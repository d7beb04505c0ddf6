"""Fixtures that compare: a scenario with two implementations, or a program with its golden trace.

Installed with the package; no import needed. A scenario of one's own, or a packaged one::

    async def test_the_facade_is_the_sdk(alike):
        await alike("tests/hand-raising.yaml", left="page", right="twilio")

A program of one's own, against what it did when the trace was recorded
(`pytest --record-golden` writes `golden/bot.jsonl` beside the test)::

    async def test_the_bot_still_behaves(calling_server, access_token, room_name, golden_trace):
        room = await connect(access_token("bot"), name=room_name)
        async with record(room, actor="bot") as recorder:
            await bot.run(room)
        golden_trace(recorder.trace, "bot")

What goes on beside the program, such as who joins, is the test's: let it wait for each thing before
it does the next, so that two runs hear the same in the same order.

Every pytest run loads this module, so what it needs is imported when a fixture is used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mapping.compare import Comparison, Scenario, Trace

__all__ = ["alike", "golden_trace", "pytest_addoption"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--record-golden`."""
    parser.addoption(
        "--record-golden",
        action="store_true",
        help="write the golden traces that golden_trace compares with",
    )


@pytest.fixture
def alike() -> Callable[..., Awaitable[Comparison]]:
    """Runs a scenario with two implementations, and fails with what is different.

    `await alike(scenario, left="twilio", right="native", **options)`: the scenario is a name, a
    file or a `Scenario`, options are those of `mapping.compare.RunOptions`. Gives the comparison.
    """

    async def run(
        scenario: str | Scenario, *, left: str = "twilio", right: str = "native", **options: Any
    ) -> Comparison:
        from mapping.compare import (
            RunOptions,
            compare,
            failure_text,
            find_scenario,
            run_scenario,
        )

        __tracebackhide__ = True
        story = find_scenario(scenario) if isinstance(scenario, str) else scenario
        chosen = RunOptions(**options)
        one, two = [await run_scenario(story, side, chosen) for side in (left, right)]
        comparison = compare(one, two, story)
        assert comparison.is_alike, failure_text(comparison)
        return comparison

    return run


@pytest.fixture
def golden_trace(request: pytest.FixtureRequest) -> Callable[[Trace, str], None]:
    """Compares a trace with the one recorded under a name, and fails with what is different.

    `golden_trace(recorder.trace, "bot")`; with `--record-golden` it writes that one instead.
    """

    def check(trace: Trace, name: str) -> None:
        from mapping.compare import Trace, compare, failure_text, normalize

        __tracebackhide__ = True
        path = request.path.parent / "golden" / f"{name}.jsonl"
        if request.config.getoption("record_golden"):
            normalize(trace).write(path)
            return
        if not path.is_file():
            pytest.fail(f"There is no {path}: record it with pytest --record-golden.")
        golden = Trace.read(path)
        # Only the words for people differ when a program moved from one implementation to another.
        named = replace(golden, header=replace(golden.header, scenario=name))
        comparison = compare(named, trace)
        assert comparison.is_alike, failure_text(comparison)

    return check
