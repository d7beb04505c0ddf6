"""The mute buttons work, and those of the others are seen."""

from __future__ import annotations

from tests.migration_examples.conftest import Run
from tests.support.events import next_event
from twilio_compat.testing import FakeParticipants


async def test_all_programs_tell_the_same(run: Run, fake_participant: FakeParticipants) -> None:
    ann = await fake_participant("ann", tone=660, color="red")
    ann.mute("video")
    async with run("03_mute_buttons") as program:
        await program.prints("video of ann is off")
        await ann.hears(tone=440, from_="me")
        told = next_event(ann.room, "trackDisabled")
        program.types("mute audio")
        publication, participant = await told
        assert (publication.kind, participant.identity) == ("audio", "me")
        await ann.hears_silence(from_="me")
        program.types("unmute audio")
        await ann.hears(tone=440, from_="me")
        ann.unmute("video")
        await program.prints("video of ann is on")
        ann.mute("audio")
        await program.prints("audio of ann is off")
        program.types("mute video")
        await program.prints("my video is off")
        program.types("unmute video")
        await ann.sees(from_="me")
        program.types("leave")
        await ann.parts_from("me")
    assert program.printed == [
        "video of ann is off",
        "my audio is off",
        "my audio is on",
        "video of ann is on",
        "audio of ann is off",
        "my video is off",
        "my video is on",
    ]
