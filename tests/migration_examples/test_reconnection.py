"""What is lost and what comes back is told, of this program and of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from acs_core.service.sessions import SessionTimes
from tests.migration_examples.conftest import Run
from twilio_compat.server import CompatServer
from twilio_compat.testing import FakeParticipants
from twilio_compat.testing.network import Relay

TOPIC = "06_reconnection"


@pytest.fixture
def calling_server_options() -> dict[str, Any]:
    return {"times": SessionTimes(twilio_window=1.5, acs_window=1.5)}


async def test_all_programs_tell_the_same(
    run: Run,
    told: Callable[[str, list[str]], list[str]],
    calling_server: CompatServer,
    fake_participant: FakeParticipants,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = Relay(calling_server.url)
    await relay.start()
    monkeypatch.setenv("CALLING_SERVICE_URL", relay.url)
    ann = await fake_participant("ann")
    async with run(TOPIC) as program:
        await ann.meets("me")
        relay.cut()
        await program.prints("reconnecting: signaling was lost")
        relay.restore()
        await program.prints("reconnected: connected")
        ann.vanish()
        await program.prints("ann is reconnecting")
        await ann.come_back()
        await program.prints("ann is connected")
        await ann.leave()
        await program.prints("ann is disconnected")
        relay.cut()
        await program.starts_line("disconnected: ")
    await relay.aclose()
    assert told(TOPIC, program.printed) == [
        "reconnecting: signaling was lost",
        "reconnected: connected",
        "ann is reconnecting",
        "ann is connected",
        "ann is disconnected",
        "reconnecting: signaling was lost",
    ]
    assert len(program.printed) == 7
