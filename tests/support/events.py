"""Waiting for events with a deadline, for any emitter with `on` and `off`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

DEADLINE = 10.0


def next_event(
    emitter: Any, event: str, accepts: Callable[..., bool] = lambda *_: True
) -> asyncio.Future[tuple[Any, ...]]:
    """The arguments of the next such event; listens from now on, await it when you like."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[Any, ...]] = loop.create_future()

    def listener(*arguments: Any) -> None:
        if not future.done() and accepts(*arguments):
            future.set_result(arguments)

    emitter.on(event, listener)
    timer = loop.call_later(
        DEADLINE,
        lambda: (
            future.done()
            or future.set_exception(TimeoutError(f"no {event!r} within {DEADLINE:g} s"))
        ),
    )

    def done(_: object) -> None:
        timer.cancel()
        emitter.off(event, listener)

    future.add_done_callback(done)
    return future


async def until(condition: Callable[[], Any], *, deadline: float = DEADLINE) -> None:
    """Wait for a state that has no event of its own."""
    async with asyncio.timeout(deadline):
        while not condition():  # noqa: ASYNC110 - there is nothing to be told by
            await asyncio.sleep(0.01)
