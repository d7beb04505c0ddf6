"""The token backend gives users of an application tokens that calls are made with."""

from __future__ import annotations

import asyncio
import runpy
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from acs_core import AzureCommunicationTokenCredential, CallClient, CallClientOptions
from acs_core.service import embedded
from tests.support.example_programs import EXAMPLES
from twilio_compat import TwilioError, connect

TOPIC = EXAMPLES / "02_token_backend"


@pytest.mark.feature("TOKEN-001", "TOKEN-002", "TOKEN-006")
async def test_a_user_gets_tokens_and_stays_the_same_user() -> None:
    create_app = runpy.run_path(str(TOPIC / "native.py"))["create_app"]
    async with embedded() as service:
        secret = service.settings.acs_access_key
        assert secret is not None
        connection = f"endpoint={service.url}/;accesskey={secret.get_secret_value()}"
        async with TestClient(TestServer(create_app(connection))) as backend:

            async def token(body: Any) -> Any:
                answer = await backend.post("/api/token", json=body)
                assert answer.status == 200, await answer.text()
                return await answer.json()

            first, at_once, other = await asyncio.gather(
                token({"userId": "ann"}), token({"userId": "ann"}), token({"userId": "bob"})
            )
            again = await token({"userId": "ann"})
            assert set(first) == {"token", "userId"}
            assert first["userId"] == at_once["userId"] == again["userId"] != other["userId"]
            for wrong in ({}, {"userId": 1}, []):
                assert (await backend.post("/api/token", json=wrong)).status == 400
        for answer in (first, again):
            async with CallClient(CallClientOptions(service_url=service.url)) as client:
                credential = AzureCommunicationTokenCredential(answer["token"])
                agent = await client.create_call_agent(credential)
                assert agent.connection_state == "Connected"


@pytest.mark.usefixtures("twilio_environment")
@pytest.mark.parametrize("program", ["before.py", "compat.py"])
async def test_twilio_tokens_open_the_room_they_name_and_no_other(
    program: str,
) -> None:
    create_app = runpy.run_path(str(TOPIC / program))["create_app"]
    async with TestClient(TestServer(create_app())) as backend:
        answer = await backend.post("/api/token", json={"userId": "ann", "room": "daily"})
        token = (await answer.json())["token"]
        for wrong in ({}, {"userId": 1}, []):
            assert (await backend.post("/api/token", json=wrong)).status == 400
    async with await connect(token, name="daily", tracks=[]) as room:
        assert room.local_participant.identity == "ann"
    with pytest.raises(TwilioError):
        await connect(token, name="weekly", tracks=[])
