"""Everybody's network has bars, and one that is gone has none."""

from __future__ import annotations

from collections.abc import Callable

from tests.migration_examples.conftest import Run
from twilio_compat.testing import FakeParticipants

TOPIC = "08_network_quality"


async def test_all_programs_tell_the_same(
    run: Run,
    told: Callable[[str, list[str]], list[str]],
    fake_participant: FakeParticipants,
) -> None:
    ann = await fake_participant("ann", tone=440, color="red")
    async with run(TOPIC) as program:
        await program.prints("I have many bars")
        await program.prints("ann has many bars")
        ann.vanish()
        await program.prints("ann has no bars")
    first, second, third = dict.fromkeys(told(TOPIC, program.printed))
    assert {first, second} == {"I have many bars", "ann has many bars"}
    assert third == "ann has no bars"
