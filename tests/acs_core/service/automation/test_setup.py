"""A service as it is: programs are told by its webhooks, and fetch only from where they may."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from azure.communication.callautomation import (
    CommunicationUserIdentifier as AzureUser,
)
from azure.core.exceptions import HttpResponseError

from acs_core import GroupCallLocator, JoinCallOptions
from acs_core.errors import InvalidArgumentError, ServiceError
from acs_core.media.voice import FileVoice
from acs_core.service.webhooks import DeliveryState
from tests.support.automation import program
from tests.support.callers import switch


class Endpoint:
    """Where a program, or Event Grid's events, are told."""

    def __init__(self) -> None:
        self.url = ""
        self._came: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        answer: dict[str, str] = {}
        for event in await request.json():
            if "validationCode" in event["data"]:
                answer["validationResponse"] = event["data"]["validationCode"]
            self._came.put_nowait(event)
        return web.json_response(answer)

    async def event(self, kind: str) -> dict[str, Any]:
        """The next event of a type, by any schema."""
        async with asyncio.timeout(10):
            while True:
                event = await self._came.get()
                name = event.get("type", event.get("eventType", ""))
                if name == f"Microsoft.Communication.{kind}":
                    return event


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    taken = Endpoint()
    app = web.Application()
    app.router.add_post("/events", taken.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    taken.url = f"http://127.0.0.1:{runner.addresses[0][1]}/events"
    yield taken
    await runner.cleanup()


async def test_webhooks_tell_a_program_of_its_call(endpoint: Endpoint) -> None:
    async with switch() as running, program(running.service) as app:
        anna = await running.caller()
        group = str(uuid.uuid4())
        await anna.agent.join(GroupCallLocator(group), JoinCallOptions(streams=())).connected()
        connected = await app.ask("connect_call", endpoint.url, group_call_id=group)
        event = await endpoint.event("CallConnected")
        assert event["data"]["callConnectionId"] == connected.call_connection_id
        await endpoint.event("ParticipantsUpdated")


async def test_a_callback_that_nobody_answers_holds_up_no_other(endpoint: Endpoint) -> None:
    async with switch() as running, program(running.service) as app:
        anna = await running.caller()
        group = str(uuid.uuid4())
        await anna.agent.join(GroupCallLocator(group), JoinCallOptions(streams=())).connected()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and nobody listens
            dead = f"http://127.0.0.1:{taken.getsockname()[1]}/events"
            options = {"recording_state_callback_url": dead, "group_call_id": group}
            await app.ask("start_recording", **options)
            await app.ask("connect_call", endpoint.url, group_call_id=group)
            event = await endpoint.event("CallConnected")
            rows = await running.service.webhooks.rows(state=DeliveryState.PENDING)
        (waiting,) = (row for row in rows if row["url"] == dead)
        assert event["data"]["serverCallId"]
        assert waiting["event"] == "Microsoft.Communication.RecordingStateChanged"


async def test_event_grid_tells_a_program_of_a_call_that_it_may_answer(
    endpoint: Endpoint,
) -> None:
    async with switch(event_grid_url=endpoint.url) as running, program(running.service) as app:
        anna = await running.caller("Anna")
        bot, _ = running.service.issue_user_token()
        call = anna.dial(bot)
        incoming = (await endpoint.event("IncomingCall"))["data"]
        assert incoming["from"]["rawId"] == anna.raw_id
        await app.ask("answer_call", incoming["incomingCallContext"], endpoint.url)
        await call.connected()
        event = await endpoint.event("CallConnected")
        assert event["data"]["serverCallId"] == incoming["serverCallId"]


async def test_outside_of_development_callbacks_and_files_lead_only_outside(
    endpoint: Endpoint,
) -> None:
    keys = {"acs_access_key": "a" * 43 + "=", "acs_resource_id": str(uuid.uuid4())}
    async with (
        switch(dev=False, voices=FileVoice, **keys) as running,
        program(running.service) as app,
    ):
        raw_id, _ = running.service.issue_user_token()
        with pytest.raises(HttpResponseError) as caught:
            await app.ask("create_call", AzureUser(raw_id), endpoint.url)
        assert (caught.value.status_code, caught.value.error.code) == (400, "8523")
        fetch = running.service.automation.playing.fetch
        assert fetch is not None
        for url in (endpoint.url, "https://127.0.0.1/file", "https://localhost/file"):
            with pytest.raises((InvalidArgumentError, ServiceError)):
                await fetch(url)
