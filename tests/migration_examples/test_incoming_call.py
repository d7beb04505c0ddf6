"""A call is declined, answered, and given up by the caller; each is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acs_core import (
    AzureCommunicationTokenCredential,
    Call,
    CallAgentOptions,
    CallClient,
    CommunicationUserIdentifier,
    StartCallOptions,
)
from tests.migration_examples.conftest import Run
from tests.support.events import next_event, until
from tests.support.example_programs import EXAMPLES, main_of, running
from tests.support.media_checks import until_loudness
from twilio_compat.server import CompatServer
from twilio_compat.testing import FakeParticipants

TOPIC = "12_incoming_call"
TRACE = [
    "ann calls",
    "declined",
    "ann calls",
    "in a call with ann",
    "ann hung up",
    "ann calls",
    "ann gave up",
]


@pytest.mark.parametrize("program", ["before.py", "compat.py"], indirect=True)
async def test_programs_of_twilio_ring_in_a_lobby(
    run: Run,
    told: Callable[[str, list[str]], list[str]],
    fake_participant: FakeParticipants,
) -> None:
    ann = await fake_participant("ann")
    subscribed = next_event(ann.room, "trackSubscribed")
    async with run(TOPIC) as program:
        await subscribed
        await program.prints("ann can call")
        ann.send({"call": "me", "room": "first"})
        await program.prints("ann calls")
        program.types("decline")
        await ann.receives_message({"declined": "first"}, from_="me")
        ann.send({"call": "me", "room": "second"})
        await program.prints("ann calls", times=2)
        caller = await fake_participant("ann", room="second")
        program.types("answer")
        await caller.hears(tone=440, from_="me")
        await caller.leave()
        await program.prints("ann hung up")
        ann.send({"call": "me", "room": "third"})
        await program.prints("ann calls", times=3)
        ann.send({"cancel": "third"})
        await program.prints("ann gave up")
    assert told(TOPIC, program.printed) == TRACE


async def test_the_native_program_tells_the_same(
    calling_server: CompatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    me, issued = calling_server.issue_user_token()
    main = main_of(EXAMPLES / TOPIC / "native.py")
    async with CallClient() as client, running(main, capsys, issued.token) as program:
        _, token = calling_server.issue_user_token()
        ann = await client.create_call_agent(
            AzureCommunicationTokenCredential(token.token), CallAgentOptions(display_name="ann")
        )

        async def rings(times: int) -> Call:
            call = ann.start_call([CommunicationUserIdentifier(me)], StartCallOptions(streams=()))
            await program.prints("ann calls", times=times)
            return call

        declined = await rings(1)
        program.types("decline")
        assert (await declined.ended()).code == 603
        answered = await rings(2)
        program.types("answer")
        await answered.connected()
        await program.prints("in a call with ann")
        await until(lambda: answered.remote_audio_streams)
        await until_loudness(answered.remote_audio_streams[0].frames(), loud=True)
        await answered.hang_up()
        await program.prints("ann hung up")
        given_up = await rings(3)
        await given_up.hang_up()
        await program.prints("ann gave up")
    assert program.printed == TRACE
