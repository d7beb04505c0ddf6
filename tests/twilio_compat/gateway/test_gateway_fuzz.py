"""Any JSON into the gateway gives a protocol answer or a typed close, and disturbs nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.wire_client import PaperPeer, WireClient, wire_client
from twilio_compat.gateway.tcmp import CloseCode
from twilio_compat.server import CompatServer, embedded

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "type", "revision", "tracks", "kind", "name", "sdp", "description", "video"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(["ice", "connect", "update", "sync", "disconnect", "connected", "x", 7])
FIELDS = st.sampled_from(
    [
        "token",
        "participant",
        "peer_connections",
        "session",
        "subscribe",
        "bandwidth_profile",
        "media_signaling",
        "name",
    ]
)


def offer() -> dict[str, Any]:
    peer = PaperPeer()
    peer.receive("audio")
    return peer.offer()


@dataclass
class Place:
    """One server for all scripts; each has a room of its own in it."""

    runner: asyncio.Runner
    server: CompatServer
    rooms: int = 0


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield Place(runner, runner.run(stack.enter_async_context(embedded())))
        runner.run(stack.aclose())


def good(kind: Any, token: str, session: str, room: str) -> dict[str, Any]:
    return {
        "type": kind,
        "version": 2,
        "token": token,
        "session": session,
        "name": room,
        "participant": {"revision": 2, "tracks": []},
        "peer_connections": [offer()],
    }


BODIES = st.lists(
    st.tuples(TYPES, st.dictionaries(FIELDS, JSON, max_size=2), st.booleans()),
    min_size=1,
    max_size=8,
)


# No deadline: sockets take the time that a busy machine gives them.
@settings(max_examples=40, deadline=None)
@given(BODIES)
def test_any_body_is_answered_or_closed_with_a_code(
    place: Place, bodies: list[tuple[Any, dict[str, Any], bool]]
) -> None:
    place.rooms += 1
    place.runner.run(check_scenario(place.server, f"fuzzed {place.rooms}", bodies))


async def check_scenario(
    server: CompatServer, room: str, bodies: list[tuple[Any, dict[str, Any], bool]]
) -> None:
    errors = Errors()
    logging.getLogger("twilio_compat").addHandler(errors)
    try:
        async with (
            wire_client(server.url, server.access_token("eve")) as eve,
            wire_client(server.url, server.access_token("alice")) as alice,
        ):
            await alice.connect(room)
            await eve.hello()
            for kind, changes, is_frame in bodies:
                body = good(kind, eve.token, str(eve.state.get("session")), room) | changes
                await (eve.raw(body) if is_frame else eve.say(body))
            await settled(eve)
            # Whoever spoke nonsense, somebody else's session goes on.
            alice.publish("audio", name="mic")
            await alice.update(participant=alice.participant())
            await alice.until(lambda: alice.state["published"]["revision"] == 2)
    finally:
        logging.getLogger("twilio_compat").removeHandler(errors)
    assert not errors.records


class Errors(logging.Handler):
    """Keeps what was logged as an error: an exception that nobody expected."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(self.format(record))


async def settled(client: WireClient) -> None:
    """Everything that was said has been handled: the last thing said is answered, or it closed."""
    try:
        await client.say({"type": "ice", "version": 1, "token": "the last"})
        while True:
            body = await client.body("error", "iced")
            if body.get("code") == 20101:
                return
    except ConnectionError:
        assert client.socket.close_code in {*CloseCode, 1000, 1001}


@pytest.mark.parametrize("text", ["{", "[]", "7", '"x"', "{}", "[" * 5000, "\x00", "null"])
async def test_frames_that_are_no_messages_end_the_socket_with_a_code(text: str) -> None:
    async with embedded() as server, wire_client(server.url, "") as client:
        await client.socket.send_str(text)
        assert await client.close_code() in set(CloseCode)
