"""What happens later, by the event loop's clock."""

from __future__ import annotations

import asyncio

from acs_core.service.timers import call_later


async def test_happens_later_unless_it_is_prevented() -> None:
    happened: list[str] = []
    is_over = asyncio.Event()
    prevented = call_later(0.0, lambda: happened.append("prevented"))
    prevented.cancel()

    call_later(0.0, is_over.set)
    await asyncio.wait_for(is_over.wait(), timeout=5.0)

    assert happened == []
