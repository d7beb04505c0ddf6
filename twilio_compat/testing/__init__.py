"""Participants for tests: they send media of known identity, and check what they receive.

The pytest plugin offers them as fixture `fake_participant`; without pytest::

    async with FakeParticipants(server.access_token, server.url, "daily") as fakes:
        ann = await fakes("ann", tone=440, color="red")
        await ann.hears(tone=880, from_="bot")
"""

from twilio_compat.testing.participants import FakeParticipant, FakeParticipants
from twilio_compat.testing.senses import COLORS, Message

__all__ = ["COLORS", "FakeParticipant", "FakeParticipants", "Message"]
