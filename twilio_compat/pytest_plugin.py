"""Fixtures for programs that use Twilio Video or ACS Calling: a server inside the test.

Installed with the package; no import needed. Every server is on free ports of its own, with
made-up credentials, and gone after the test::

    async def test_my_bot(calling_server, access_token, room_name):
        room = await connect(access_token("bot"), name=room_name, service_url=calling_server.url)

And others to be in the room with the program that is tested::

    async def test_my_bot_answers(fake_participant, room_name):
        ann = await fake_participant("ann", tone=440)
        async with my_bot(room_name):
            await ann.hears(tone=880, from_="bot")

The fixtures are asynchronous and need pytest-asyncio (`asyncio_mode = auto`, or its marks).
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from twilio_compat.server import CompatServer
    from twilio_compat.testing import FakeParticipants

async_fixture: Any
try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:
    # Every pytest run loads this plugin; who does not use it need not have pytest-asyncio.
    async_fixture = pytest.fixture

__all__ = [
    "access_token",
    "calling_server",
    "calling_server_options",
    "fake_participant",
    "room_name",
    "user_token",
]


@pytest.fixture
def calling_server_options() -> dict[str, Any]:
    """Settings of `calling_server` by name; a project that wants others has a fixture like it.

    With `{"times": SessionTimes(twilio_window=2.0)}` (`acs_core.service.sessions`), somebody who
    lost the network is gone after 2 seconds instead of 30.
    """
    return {}


@async_fixture  # type: ignore[untyped-decorator]
async def calling_server(
    monkeypatch: pytest.MonkeyPatch, calling_server_options: dict[str, Any]
) -> AsyncIterator[CompatServer]:
    """A running server; `CALLING_SERVICE_URL` points to it while the test runs."""
    from twilio_compat.server import embedded

    async with embedded(options=calling_server_options) as server:
        monkeypatch.setenv("CALLING_SERVICE_URL", server.url)
        yield server


@pytest.fixture
def access_token(calling_server: CompatServer) -> Callable[[str], str]:
    """Makes Twilio access tokens: `access_token("alice")`."""
    return lambda identity: calling_server.access_token(identity)


@pytest.fixture
def user_token(calling_server: CompatServer) -> Callable[[], str]:
    """Makes ACS user tokens, each for a new user."""
    return lambda: calling_server.issue_user_token()[1].token


@pytest.fixture
def room_name() -> str:
    """A name that no other test uses."""
    return f"room-{uuid.uuid4().hex[:12]}"


@async_fixture  # type: ignore[untyped-decorator]
async def fake_participant(
    calling_server: CompatServer, room_name: str
) -> AsyncIterator[FakeParticipants]:
    """Makes participants with media of known identity.

    `ann = await fake_participant("ann", tone=440, color="red")` is in the room at once.
    All leave when the test ends; `twilio_compat.testing.FakeParticipant` has what they can do.
    """
    from twilio_compat.testing import FakeParticipants

    async with FakeParticipants(
        calling_server.access_token, calling_server.url, room_name
    ) as participants:
        yield participants
