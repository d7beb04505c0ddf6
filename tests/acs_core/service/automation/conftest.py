"""A service with people, telephones and a program that runs calls with the asynchronous client."""

from __future__ import annotations

from collections.abc import AsyncIterator
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


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with (
        switch() as running,
        callbacks(running.service) as sink,
        program(running.service) as app,
    ):
        yield Site(running, sink, app)
