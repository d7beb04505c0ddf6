from __future__ import annotations

import asyncio
from typing import Any

import pytest

from acs_core import wire
from acs_core.client.entry import Entry, roster_of
from acs_core.core.facts import CallType
from acs_core.errors import ProtocolError
from tests.support.events import until

JOIN: Any = object()
JOINED = wire.Joined(call="c", revision=3, endpoints=(), call_type=CallType.GROUP)


class Service:
    """Answers as it is told to, and sees who waits."""

    def __init__(self, *answers: wire.DeliveryBody) -> None:
        self._answers = list(answers)
        self.lobbies = 0

    async def request(self, body: object) -> wire.DeliveryBody:
        assert body is JOIN
        return self._answers.pop(0)

    def on_lobby(self) -> None:
        self.lobbies += 1


def entry(*answers: wire.DeliveryBody) -> tuple[Entry, Service]:
    service: Any = Service(*answers)
    return Entry(service, service), service


async def test_who_waits_in_the_lobby_asks_again_once_admitted() -> None:
    way, service = entry(wire.InLobby(), wire.InLobby(), JOINED)
    asking = asyncio.create_task(way.ask(JOIN))
    for lobbies in (1, 2):
        await until(lambda seen=lobbies: service.lobbies == seen)
        assert not asking.done()
        way.delivered(wire.Admitted(endpoint="e"))
    assert await asking is JOINED
    assert roster_of(JOINED).revision == 3


async def test_what_is_said_before_the_answer_is_taken_once_and_in_order() -> None:
    way, _ = entry(JOINED)
    said = [wire.Facts(endpoint="e", revision=number, facts=()) for number in (4, 5)]
    for body in said:
        way.delivered(body)
    assert await way.ask(JOIN) is JOINED
    assert way.take_early() == said
    assert way.take_early() == []


async def test_another_answer_is_a_broken_protocol() -> None:
    way, _ = entry(wire.Answered())
    with pytest.raises(ProtocolError):
        await way.ask(JOIN)
