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
        self.connection = 1
        self.is_connected = False
        self.silence = 0.0

    async def replace(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.replaced += 1
        self.connection += 1
        self.is_connected = True


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
        made.note(name, LOST, 1)
        made.start()
    task = made.task
    assert set(made.lost) == {"good", "bad"}
    assert task is not None
    await task
    assert (good.replaced, bad.replaced, told) == (1, 1, ["restored"])
    assert not made.lost
    assert not made.note("good", LOST, 1), "that connection was replaced already"
    assert made.note("good", LOST, 2)
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
    made.note("stuck", LOST, 1)
    made.start()
    assert made.task is not None
    await made.task
    assert told == ["given up"]
    assert dict(made.lost) == {"stuck": LOST}


async def test_what_is_silent_for_long_is_lost_with_the_others() -> None:
    told: list[str] = []
    publish, subscribe = Leg(), Leg()
    subscribe.is_connected, subscribe.silence = True, 2.5
    made = recovery(told, 10.0, publish=publish, subscribe=subscribe)
    assert made.note("publish", LOST, 1)
    assert set(made.lost) == {"publish", "subscribe"}
    made.start()
    assert made.task is not None
    await made.task
    assert (publish.replaced, subscribe.replaced) == (1, 1)


async def test_an_attempt_begins_anew_when_signaling_is_back() -> None:
    told: list[str] = []
    begun = asyncio.Event()

    class Moving(Leg):
        async def replace(self) -> None:
            if not begun.is_set():
                begun.set()
                await asyncio.Event().wait()
            await super().replace()

    leg = Moving()
    made = recovery(told, 10.0, moving=leg)
    made.note("moving", LOST, 1)
    made.start()
    await begun.wait()
    made.signaling_resumed()
    assert made.task is not None
    await asyncio.wait_for(made.task, 2.0)
    assert (leg.replaced, told) == (1, ["restored"])


async def test_signaling_may_come_back_again_while_an_attempt_is_being_ended() -> None:
    told: list[str] = []
    begun, ending, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Slow(Leg):
        async def replace(self) -> None:
            if not begun.is_set():
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    ending.set()
                    await ended.wait()
            await super().replace()

    leg = Slow()
    made = recovery(told, 10.0, slow=leg)
    made.note("slow", LOST, 1)
    made.start()
    await begun.wait()
    made.signaling_resumed()
    await ending.wait()
    made.signaling_resumed()
    ended.set()
    assert made.task is not None
    await asyncio.wait_for(made.task, 2.0)
    assert (leg.replaced, told) == (1, ["restored"])
