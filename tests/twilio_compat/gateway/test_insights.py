from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.test_utils import TestServer

from tests.support.events import until
from twilio_compat.gateway.insights import (
    INSIGHTS_PATH,
    VIDEO_EVENTS_PATH,
    InsightsEndpoint,
    InsightsTimes,
)
from twilio_compat.gateway.insights_log import MESSAGE_LIMIT
from twilio_compat.rest.credentials import RestCredentials
from twilio_compat.tokens import AccessToken
from twilio_compat.verifier import ApiKey, TwilioTokenVerifier

ACCOUNT, KEY, SECRET = "AC" + "1" * 32, "SK" + "2" * 32, "a secret of more than thirty-two bytes"
RESOURCE = "5f1d3f0e-3f4b-5c1e-8f43-6c0b1e2a7a10"
PASSWORD = "the account's token"
OPERATOR = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, PASSWORD)}


def token(identity: str = "ann", *, secret: str = SECRET) -> str:
    return AccessToken(ACCOUNT, KEY, secret, identity, None, 60).to_jwt()


class Insights:
    """An endpoint on a real port, and a client's and an operator's way to it."""

    def __init__(self, endpoint: InsightsEndpoint, http: aiohttp.ClientSession, base: str) -> None:
        self.endpoint = endpoint
        self.http = http
        self._base = base
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def open(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self.http.ws_connect(f"{self._base}{VIDEO_EVENTS_PATH}")
        self._sockets.append(socket)
        return socket

    async def leave(self) -> None:
        for socket in self._sockets:
            await socket.close()

    async def connect(
        self, identity: str = "ann", participant: str = "PA1"
    ) -> tuple[aiohttp.ClientWebSocketResponse, str]:
        socket = await self.open()
        publisher = {"name": "js", "sdkVersion": "2", "roomSid": "RM1"}
        await socket.send_json({
            "type": "connect", "version": 1, "token": token(identity),
            "publisher": {**publisher, "participantSid": participant},
        })  # fmt: skip
        answer = await socket.receive_json(timeout=5)
        assert answer == {"type": "connected", "version": 1, "session": answer["session"]}
        return socket, answer["session"]

    async def show(self, **query: str) -> Any:
        async with self.http.get(
            f"{self._base}{INSIGHTS_PATH}", params=query, headers=OPERATOR, raise_for_status=True
        ) as answer:
            return await answer.json()

    async def status(self, headers: Mapping[str, str] = OPERATOR, /, **query: str) -> int:
        async with self.http.get(
            f"{self._base}{INSIGHTS_PATH}", params=query, headers=headers
        ) as answer:
            return answer.status

    async def names(self, **query: str) -> list[str]:
        return [event["name"] for event in (await self.show(**query))["events"]]


def event(session: str, name: str = "connected", **payload: Any) -> dict[str, Any]:
    return {
        "type": "event", "version": 1, "session": session, "group": "room", "name": name,
        "timestamp": 1_700_000_000_000, "payload": {"level": "info", **payload},
    }  # fmt: skip


@contextlib.asynccontextmanager
async def running(times: InsightsTimes | None = None) -> AsyncIterator[Insights]:
    endpoint = InsightsEndpoint(
        [TwilioTokenVerifier({KEY: ApiKey(SECRET)}, ACCOUNT, resource_id=RESOURCE)],
        check_operator=RestCredentials(ACCOUNT, PASSWORD, {}).check,
        room_name={"RM1": "daily"}.get,  # type: ignore[arg-type]
        times=times,
    )
    app = web.Application()
    app.router.add_routes(endpoint.routes())
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        insights = Insights(endpoint, http, str(server.make_url("")).rstrip("/"))
        try:
            yield insights
        finally:
            await insights.leave()
            await endpoint.close()


async def ended(socket: aiohttp.ClientWebSocketResponse) -> tuple[list[dict[str, Any]], int | None]:
    """What still comes, and the close code."""
    messages = []
    while (message := await socket.receive(timeout=5)).type is WSMsgType.TEXT:
        messages.append(json.loads(message.data))
    return messages, socket.close_code


async def test_events_of_a_client_are_shown_to_an_operator() -> None:
    async with running() as insights:
        socket, session = await insights.connect()
        await socket.send_json(event(session, elapsedTime=4))
        shown = await insights.show(wait="5")
        (one,) = shown["events"]
        assert one["received_at"] > 1_700_000_000
        assert {**one, "received_at": 0} == {
            "sequence": 1, "received_at": 0, "room_sid": "RM1", "room": "daily",
            "participant_sid": "PA1", "identity": "ann", "sdk": "js 2", "group": "room",
            "name": "connected", "level": "info", "timestamp": 1_700_000_000_000,
            "payload": {"level": "info", "elapsedTime": 4},
        }  # fmt: skip
        assert (shown["next"], shown["dropped"]) == (1, 0)


async def test_events_are_logged_for_debugging_without_their_payload(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "twilio_compat.gateway.insights")
    async with running() as insights:
        socket, session = await insights.connect()
        await socket.send_json(event(session, address="192.0.2.1"))
        await insights.show(wait="5")
    assert "PA1 in RM1: room connected" in caplog.text
    assert "192.0.2.1" not in caplog.text


async def test_operator_chooses_by_room_and_participant() -> None:
    async with running() as insights:
        for identity, participant in (("ann", "PA1"), ("bob", "PA2")):
            socket, session = await insights.connect(identity, participant)
            await socket.send_json(event(session, identity))
        assert await insights.names(participant="bob", wait="5") == ["bob"]
        assert await insights.names(participant="PA1", wait="5") == ["ann"]
        assert sorted(await insights.names(room="daily")) == ["ann", "bob"]
        assert sorted(await insights.names(room="RM1")) == ["ann", "bob"]
        assert await insights.names(room="other") == []


async def test_operator_goes_on_where_it_was() -> None:
    async with running() as insights:
        socket, session = await insights.connect()
        await socket.send_json(event(session, "one"))
        following = (await insights.show(wait="5"))["next"]
        assert await insights.show(after=str(following)) == {
            "events": [], "next": following, "dropped": 0
        }  # fmt: skip
        await socket.send_json(event(session, "two"))
        assert await insights.names(after=str(following), wait="5") == ["two"]
        # A number of an earlier process.
        assert await insights.names(after="1000") == ["one", "two"]


async def test_waiting_operator_gets_nothing_when_nothing_comes() -> None:
    async with running() as insights:
        assert await insights.names(wait="0.05") == []


async def test_only_an_operator_reads_events() -> None:
    async with running() as insights:
        assert await insights.status({}) == 401
        assert await insights.status({"Authorization": "Basic guess"}) == 401


@pytest.mark.parametrize(
    "query",
    [{"after": "x"}, {"after": "-1"}, {"limit": "0"}, {"limit": "501"}, {"wait": "31"},
     {"wait": "nan"}],
)  # fmt: skip
async def test_wrong_question_is_answered_with_400(query: dict[str, str]) -> None:
    async with running() as insights:
        assert await insights.status(**query) == 400


@pytest.mark.parametrize(
    ("text", "code"),
    [("no token", "44117"), (token(secret="another secret of thirty-two bytes"), "20107")],
)
async def test_token_that_is_not_believed_ends_with_an_error(text: str, code: str) -> None:
    async with running() as insights:
        socket = await insights.open()
        await socket.send_json({"type": "connect", "version": 1, "token": text})
        (error,), close_code = await ended(socket)
        assert (error["type"], error["version"]) == ("error", 1)
        assert error["message"].startswith(code)
        assert text not in error["message"]
        assert close_code == WSCloseCode.POLICY_VIOLATION


async def test_expired_token_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as insights:
        socket = await insights.open()
        old = AccessToken(ACCOUNT, KEY, SECRET, "ann", None, 60).to_jwt(now=1_600_000_000)
        await socket.send_json({"type": "connect", "version": 1, "token": old})
        (error,), close_code = await ended(socket)
        assert error["message"].startswith("20104")
        assert close_code == WSCloseCode.POLICY_VIOLATION


@pytest.mark.parametrize("first", ["{", "[]", '{"type":"event","group":"g","name":"n"}'])
async def test_client_that_does_not_begin_with_connect_is_refused(first: str) -> None:
    async with running() as insights:
        socket = await insights.open()
        await socket.send_str(first)
        (error,), close_code = await ended(socket)
        assert error["type"] == "error"
        assert close_code == WSCloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("text", ["{", '{"type":"event"}', " " * (MESSAGE_LIMIT + 1)])
async def test_malformed_message_ends_the_connection(text: str) -> None:
    async with running() as insights:
        socket, _ = await insights.connect()
        await socket.send_str(text)
        assert (await ended(socket))[1] == WSCloseCode.PROTOCOL_ERROR


async def test_huge_message_is_not_read() -> None:
    async with running() as insights:
        socket, _ = await insights.connect()
        await socket.send_str(" " * (5 * MESSAGE_LIMIT))
        assert (await ended(socket))[1] == WSCloseCode.MESSAGE_TOO_BIG


async def test_binary_message_ends_the_connection() -> None:
    async with running() as insights:
        socket, _ = await insights.connect()
        await socket.send_bytes(b"{}")
        assert (await ended(socket))[1] == WSCloseCode.PROTOCOL_ERROR


async def test_unknown_messages_and_those_of_other_sessions_are_passed_over() -> None:
    async with running() as insights:
        socket, session = await insights.connect()
        await socket.send_json({"type": "novelty"})
        await socket.send_json(event("another", "stale"))
        await socket.send_json(event(session, "mine"))
        shown = await insights.show(wait="5")
        assert [one["name"] for one in shown["events"]] == ["mine"]
        assert shown["dropped"] == 2


async def test_flood_is_dropped_and_then_ended() -> None:
    times = InsightsTimes(events_per_second=3)
    async with running(times) as insights:
        socket, session = await insights.connect()
        for number in range(31):
            await socket.send_json(event(session, str(number)))
        (error,), code = await ended(socket)
        assert error["message"].startswith("429")
        assert code == WSCloseCode.TRY_AGAIN_LATER
        assert (await insights.names())[:3] == ["0", "1", "2"]
        assert len(await insights.names()) < 10


async def test_silent_client_is_sent_away() -> None:
    async with running(InsightsTimes(hello=0.05)) as insights:
        socket = await insights.open()
        assert (await ended(socket))[1] == WSCloseCode.PROTOCOL_ERROR


async def test_client_may_leave_before_it_says_anything() -> None:
    async with running() as insights:
        socket = await insights.open()
        assert insights.endpoint.client_count == 1
        await socket.close()
        await until(lambda: not insights.endpoint.client_count)


async def test_user_has_a_bounded_number_of_connections() -> None:
    async with running(InsightsTimes(user_sockets=1)) as insights:
        await insights.connect("ann")
        await insights.connect("bob")
        socket = await insights.open()
        await socket.send_json({"type": "connect", "version": 1, "token": token("ann")})
        (error,), code = await ended(socket)
        assert error["message"].startswith("429")
        assert code == WSCloseCode.TRY_AGAIN_LATER


async def test_connections_altogether_are_bounded() -> None:
    async with running(InsightsTimes(sockets=1)) as insights:
        await insights.open()
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await insights.open()
        assert caught.value.status == 503


async def test_close_ends_clients_and_answers_operators() -> None:
    async with running() as insights:
        socket, _ = await insights.connect()
        await insights.endpoint.close()
        assert (await ended(socket))[1] == WSCloseCode.GOING_AWAY
        assert await insights.names(wait="30") == []
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await insights.open()
