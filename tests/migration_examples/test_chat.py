"""What is typed reaches the others, and what they send is shown."""

from __future__ import annotations

from tests.migration_examples.conftest import Run
from tests.support.events import next_event
from twilio_compat.testing import FakeParticipants


async def test_all_programs_tell_the_same(run: Run, fake_participant: FakeParticipants) -> None:
    ann = await fake_participant("ann")
    subscribed = next_event(ann.room, "trackSubscribed")
    async with run("04_chat") as program:
        await subscribed
        await program.prints("ann can be read")
        ann.send({"text": "hello"})
        await program.prints("ann: hello")
        program.types("good morning")
        await ann.receives_message({"text": "good morning"}, from_="me")
        await ann.leave()
        await program.prints("ann left")
    assert program.printed == ["ann can be read", "ann: hello", "me: good morning", "ann left"]
