"""Tests of `doorman.py`: a real server and real media, in seconds, without an account."""

from __future__ import annotations

import pytest
from doorman import Doorman

from acs_core.service.sessions import SessionTimes

pytestmark = pytest.mark.asyncio  # not needed with asyncio_mode = auto


@pytest.fixture
def calling_server_options():
    """Who loses the network is given up after 2 seconds instead of 30."""
    return {"times": SessionTimes(twilio_window=2.0)}


async def test_it_hums_for_who_is_there(fake_participant, access_token, room_name):
    async with Doorman(access_token("doorman"), room_name):
        ann = await fake_participant("ann", tone=440, color="red")
        await ann.hears(tone=880, from_="doorman")


async def test_it_answers(fake_participant, access_token, room_name):
    async with Doorman(access_token("doorman"), room_name):
        ann = await fake_participant("ann")
        await ann.hears(tone=880)
        ann.send("good evening")
        await ann.receives_message("ann said good evening", from_="doorman")


async def test_it_stays_when_a_guest_loses_the_network(fake_participant, access_token, room_name):
    async with Doorman(access_token("doorman"), room_name):
        ann = await fake_participant("ann")
        bob = await fake_participant("bob")
        await ann.meets("bob")
        bob.vanish()
        await ann.parts_from("bob")
        await ann.hears(tone=880, from_="doorman")
