from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from acs_core import (
    AzureCommunicationTokenCredential,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    JoinCallOptions,
    RoomCallLocator,
)
from mapping.compare import Recorder, Trace, compare, failure_text, record
from tests.support.events import until
from twilio_compat import connect
from twilio_compat.server import CompatServer
from twilio_compat.testing import FakeParticipants


async def be_recorded(recorder: Recorder, fakes: FakeParticipants) -> None:
    """A program that greets, and what goes on beside it, one thing after the other."""

    async def heard(event: str) -> None:
        await until(lambda: event in [one.name for one in recorder.trace.entries])

    recorder.call("greet", whom="ann")
    ann = await fakes("ann")
    await heard("trackSubscribed")
    ann.send("hello")
    await heard("trackMessage")
    recorder.note("sees", of="ann", color="red")
    await ann.leave()
    await heard("participantDisconnected")
    recorder.result("greet")


async def test_a_program_moved_from_the_facade_to_the_calling_sdk_tells_the_same(
    calling_server: CompatServer,
    access_token: Callable[[str], str],
    fake_participant: FakeParticipants,
    room_name: str,
    tmp_path: Path,
) -> None:
    before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    async with await connect(access_token("bot"), name=room_name, tracks=[]) as room:
        async with record(room, before, actor="bot") as recorder:
            await be_recorded(recorder, fake_participant)
        # The recorder is closed: this is not in the trace.
        room.disconnect()
    async with CallClient(CallClientOptions(service_url=calling_server.url)) as client:
        agent = await client.create_call_agent(
            AzureCommunicationTokenCredential(access_token("bot")), CallAgentOptions("bot")
        )
        call = agent.join(RoomCallLocator(room_name), JoinCallOptions(streams=()))
        await call.connected()
        async with record(call, after, actor="bot") as recorder:
            await be_recorded(recorder, fake_participant)
        await call.hang_up()
    one, two = Trace.read(before), Trace.read(after)
    comparison = compare(one, two)
    assert comparison.is_alike, failure_text(comparison)
    assert (one.header.implementation, two.header.implementation) == ("twilio", "native")
    told = [entry.name for entry in one.entries if entry.kind == "event"]
    assert (told[0], told[-1]) == ("participantConnected", "participantDisconnected")


async def test_what_is_there_already_is_heard_at_once(
    access_token: Callable[[str], str], fake_participant: FakeParticipants, room_name: str
) -> None:
    await fake_participant("ann")
    async with await connect(access_token("bot"), name=room_name, tracks=[]) as room:
        await until(lambda: all(p.is_subscribed for r in room.participants.values()
                                for p in r.tracks.values()))  # fmt: skip
        async with record(room) as recorder:
            assert [entry.name for entry in recorder.trace.entries] == ["trackSubscribed"]
