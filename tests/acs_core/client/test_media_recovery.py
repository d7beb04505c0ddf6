from __future__ import annotations

import asyncio

from acs_core.client.media_recovery import MediaRecovery
from acs_core.errors import TransportError

LOST = TransportError("silent")


class Leg:
    """A connection whose first replacements fail as the test says."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.replaced = 0

    async def replace(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.replaced += 1


def recovery(told: list[str], window: float, **legs: Leg) -> MediaRecovery:
    return MediaRecovery(
        legs,
        lambda: window,
        5.0,
        on_restored=lambda: told.append("restored"),
        on_given_up=lambda: told.append("given up"),
    )


async def test_all_that_is_lost_is_replaced_also_what_fails_at_first() -> None:
    told: list[str] = []
    good, bad = Leg(), Leg(TransportError("no"), RuntimeError("no"))
    made = recovery(told, 10.0, good=good, bad=bad)
    assert made.task is None
    for name in ("bad", "good"):
        made.note(name, LOST)
        made.start()
    task = made.task
    assert set(made.lost) == {"good", "bad"}
    assert task is not None
    await task
    assert (good.replaced, bad.replaced, told) == (1, 1, ["restored"])
    assert not made.lost
    made.note("good", LOST)
    made.start()
    assert made.task is not task
    assert made.task is not None
    await made.task
    assert good.replaced == 2


async def test_after_the_window_it_is_given_up() -> None:
    told: list[str] = []

    class Stuck(Leg):
        async def replace(self) -> None:
            await asyncio.Event().wait()

    made = recovery(told, 0.01, stuck=Stuck())
    made.note("stuck", LOST)
    made.start()
    assert made.task is not None
    await made.task
    assert told == ["given up"]
    assert dict(made.lost) == {"stuck": LOST}
