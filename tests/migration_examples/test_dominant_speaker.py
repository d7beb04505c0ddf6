"""Who speaks has the first tile."""

from __future__ import annotations

from tests.migration_examples.conftest import Run
from twilio_compat.testing import FakeParticipants


async def test_all_programs_tell_the_same(run: Run, fake_participant: FakeParticipants) -> None:
    ann = await fake_participant("ann", tone=440, color="red")
    ann.mute()
    ben = await fake_participant("ben", tone=660, color="blue")
    ben.mute()
    async with run("05_dominant_speaker") as program:
        await program.prints("tiles: ann ben")
        ben.unmute()
        await program.prints("tiles: ben ann")
        ben.mute()
        ann.unmute()
        await program.prints("tiles: ann ben", times=2)
        await ben.leave()
        await program.prints("tiles: ann")
        await fake_participant("cleo")
        await program.prints("tiles: ann cleo")
    assert program.printed == [
        "tiles: ann ben",
        "tiles: ben ann",
        "tiles: ann ben",
        "tiles: ann",
        "tiles: ann cleo",
    ]
