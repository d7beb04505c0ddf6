"""One video at a time is received, and which one can be chosen."""

from __future__ import annotations

from tests.migration_examples.conftest import Run
from twilio_compat.testing import FakeParticipants


async def test_all_programs_tell_the_same(run: Run, fake_participant: FakeParticipants) -> None:
    await fake_participant("ann", color="red")
    ben = await fake_participant("ben", color="blue")
    (publication,) = ben.room.local_participant.video_tracks.values()
    publication.set_priority("low")
    async with run("09_bandwidth_profile") as program:
        await program.prints("ben is switched off")
        program.types("prefer ben")
        await program.prints("ben is switched on")
        await program.prints("ann is switched off")
        program.types("prefer nobody")
        await program.prints("ann is switched on")
        await program.prints("ben is switched off", times=2)
    printed = program.printed
    assert printed[0] == "ben is switched off"
    assert set(printed[1:3]) == {"ann is switched off", "ben is switched on"}
    assert set(printed[3:]) == {"ann is switched on", "ben is switched off"}
    assert len(printed) == 5
