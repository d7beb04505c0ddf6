"""Fake participants are what they say, and their assertions fail with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from acs_core.errors import InvalidStateError
from acs_core.service.sessions import SessionTimes
from tests.support.events import next_event
from twilio_compat.testing import FakeParticipants

BRIEF = 1.0


@pytest.fixture
def calling_server_options() -> dict[str, Any]:
    return {"times": SessionTimes(twilio_window=3.0)}


async def test_they_hear_and_see_each_other(fake_participant: FakeParticipants) -> None:
    ann = await fake_participant("ann", tone=440, color="red")
    bob = await fake_participant("bob", tone=660, color=(30, 30, 200))
    await ann.hears(tone=660, from_="bob")
    await bob.hears(tone=440)
    await ann.sees(color="blue", moving=True, from_="bob")
    await bob.sees(color="red")


async def test_what_they_do_is_noticed(fake_participant: FakeParticipants) -> None:
    ann = await fake_participant("ann", tone=440, color="red")
    bob = await fake_participant("bob")
    await bob.hears(tone=440)
    ann.mute()
    await bob.hears_silence(from_="ann")
    ann.unmute("audio")
    await bob.hears(tone=440)
    await ann.publish(tone=880, color="green")
    await bob.hears(tone=880)
    await bob.sees(color="green")
    with pytest.raises(AssertionError, match=r"did not see a red picture within 1 s\. Saw: gr"):
        await bob.sees(color="red", within=BRIEF)
    gone = next_event(bob.room, "trackUnpublished")
    await ann.unpublish("video")
    await gone
    with pytest.raises(InvalidStateError, match="ann offers no video"):
        ann.mute("video")
    await ann.leave()
    await bob.parts_from("ann")


async def test_messages_are_taken_once_whatever_their_order(
    fake_participant: FakeParticipants,
) -> None:
    ann = await fake_participant("ann")
    bob = await fake_participant("bob")
    await bob.meets("ann")
    subscribed = next_event(bob.room, "trackSubscribed")
    await subscribed
    for message in ("one", {"two": 2}, b"\x00three", "four"):
        ann.send(message)
    assert await bob.receives_message(lambda data: data == b"\x00three") == b"\x00three"
    await bob.receives_message({"two": 2}, from_="ann")
    assert await bob.receives_message() == "one"
    with pytest.raises(AssertionError) as failure:
        await bob.receives_message("one", from_="ann", within=BRIEF)
    assert str(failure.value) == (
        "bob did not receive 'one' from ann within 1 s. Received: 'four' from ann. "
        "In the room: ann."
    )


async def test_who_vanishes_is_missed_and_may_come_back(
    fake_participant: FakeParticipants,
) -> None:
    ann = await fake_participant("ann", tone=440, color="red")
    bob = await fake_participant("bob")
    await bob.sees(color="red", moving=True)
    away = next_event(bob.room, "participantReconnecting")
    ann.vanish()
    await away
    with pytest.raises(InvalidStateError, match="has vanished"):
        ann.send("hello?")
    with pytest.raises(AssertionError, match="did not see a moving picture"):
        await bob.sees(moving=True, from_="ann", within=0.5)
    back = next_event(bob.room, "participantReconnected")
    await ann.come_back()
    await back
    await bob.sees(color="red", moving=True)
    ann.vanish()
    await bob.parts_from("ann")


async def test_a_failure_says_what_was_there_instead(fake_participant: FakeParticipants) -> None:
    ann = await fake_participant("ann", tone=440)
    with pytest.raises(AssertionError) as failure:
        await ann.hears(tone=880, within=BRIEF)
    assert str(failure.value) == (
        "ann did not hear 880 Hz within 1 s. Nobody offers audio. Nobody else is in the room."
    )
    with pytest.raises(AssertionError, match="Nobody else is in the room"):
        await ann.meets("bob", within=BRIEF)
    bob = await fake_participant("bob")
    with pytest.raises(AssertionError, match=r"bob offers no video. In the room: bob"):
        await ann.sees(from_="bob", within=BRIEF)
    with pytest.raises(AssertionError, match=r"zoe is not in the room. In the room: bob"):
        await ann.hears(tone=880, from_="zoe", within=BRIEF)
    with pytest.raises(AssertionError, match=r"did not hear 880 Hz within 1 s\. Heard: 44\d Hz fr"):
        await bob.hears(tone=880, within=BRIEF)
    with pytest.raises(AssertionError, match=r"ann did not leave bob within 1 s\. In"):
        await bob.parts_from("ann", within=BRIEF)


async def test_a_color_has_a_name_that_is_known(fake_participant: FakeParticipants) -> None:
    with pytest.raises(ValueError, match="color must be one of red, green"):
        await fake_participant("ann", color="mauve")


async def test_without_pytest_they_work_as_well(calling_server: Any) -> None:
    async with FakeParticipants(calling_server.access_token, calling_server.url, "daily") as fakes:
        ann = await fakes("ann", tone=440)
        bob = await fakes("bob", room="elsewhere")
        assert (ann.room.name, bob.room.name) == ("daily", "elsewhere")
