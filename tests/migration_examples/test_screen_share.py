"""A shared screen is seen in its color, and its end is told."""

from __future__ import annotations

from collections.abc import Callable

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    Features,
    JoinCallOptions,
    RoomCallLocator,
)
from acs_core.media.sources import PatternSource
from tests.migration_examples.conftest import Run
from twilio_compat.testing import FakeParticipants


async def test_all_programs_tell_the_same(
    run: Run,
    room_name: str,
    access_token: Callable[[str], str],
    fake_participant: FakeParticipants,
) -> None:
    ann = await fake_participant("ann")
    green = PatternSource(320, 192, 15, color=(0, 180, 0))
    async with CallClient() as client:
        agent = await client.create_call_agent(
            AzureCommunicationTokenCredential(access_token("ben"))
        )
        call = agent.join(RoomCallLocator(room_name), JoinCallOptions(streams=()))
        await call.connected()
        streams = call.feature(Features.STREAMS)
        screen = await streams.publish(green, name="screen", screen=True)
        async with run("07_screen_share") as program:
            await program.prints("ben shows something green")
            await streams.unpublish(screen)
            await program.prints("ben does not share")
            program.types("share")
            await ann.sees(color=(0, 0, 200), from_="me")
            program.types("unshare")
            await program.prints("I do not share")
    await green.close()
    assert program.printed == [
        "ben shares",
        "ben shows something green",
        "ben does not share",
        "I share",
        "I do not share",
    ]
