"""A service with people, telephones and a program that runs calls, once with each client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from tests.support.automation import Callbacks, Program, callbacks, program
from tests.support.callers import Caller, Switch, switch


@dataclass
class Site:
    """Everything that a test needs."""

    switch: Switch
    callbacks: Callbacks
    program: Program

    async def person(self, name: str = "") -> Caller:
        return await self.switch.caller(name)


@pytest.fixture(params=["async", "sync"])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(switch())
        sink = await stack.enter_async_context(callbacks(running.service))
        app = await stack.enter_async_context(
            program(running.service, is_async=request.param == "async")
        )
        yield Site(running, sink, app)
