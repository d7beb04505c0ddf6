from __future__ import annotations

import time
from pathlib import Path

import aiohttp
import pytest

from acs_core.client.call_client import CallClient
from acs_core.client.credential import AzureCommunicationTokenCredential
from acs_core.client.options import StartCallOptions
from acs_core.errors import InvalidArgumentError
from acs_core.identifiers import PhoneNumberIdentifier
from acs_core.models import CallClientOptions
from tests.support.events import until
from tests.support.telephones import Loopback
from twilio_compat.connect import connect
from twilio_compat.server import CompatServer, embedded
from twilio_compat.settings import ServerSettings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


async def test_embedded_server_is_ready_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.perf_counter()
    async with embedded() as server:
        took = time.perf_counter() - begun
        async with aiohttp.ClientSession() as http, http.get(f"{server.url}/readyz") as answer:
            assert answer.status == 200
    with capsys.disabled():
        print(f"\nembedded server ready in {took * 1000:.0f} ms")
    assert took < 3.0


async def test_both_personalities_are_let_in() -> None:
    async with embedded() as server:
        room = await connect(
            server.access_token("ann"), name="both", audio=False, video=False,
            service_url=server.url,
        )  # fmt: skip
        async with room:
            assert room.local_participant.identity == "ann"
            _, issued = server.issue_user_token()
            credential = AzureCommunicationTokenCredential(issued.token)
            async with CallClient(CallClientOptions(service_url=server.url)) as client:
                agent = await client.create_call_agent(credential)
                assert agent.connection_state == "Connected"
            credential.dispose()


async def test_acs_clients_call_telephones_through_the_gateway_that_is_given() -> None:
    network = Loopback()
    async with embedded(telephones=network) as server:
        _, issued = server.issue_user_token()
        async with CallClient(CallClientOptions(service_url=server.url)) as client:
            credential = AzureCommunicationTokenCredential(issued.token)
            agent = await client.create_call_agent(credential)
            options = StartCallOptions(
                streams=(), alternate_caller_id=PhoneNumberIdentifier("+15550199")
            )
            call = agent.start_call([PhoneNumberIdentifier("+15550100")], options)
            await until(lambda: network.placed)
            network.placed[0].leg.answered()
            await call.connected()
            assert [item.identifier for item in call.remote_participants] == [
                PhoneNumberIdentifier("+15550100")
            ]
            await call.hang_up()
        credential.dispose()


async def test_servers_do_not_know_each_others_tokens() -> None:
    async with embedded() as one, embedded() as other:
        assert one.port != other.port
        with pytest.raises(Exception, match="20103"):
            await connect(
                other.access_token("ann"), name="x", audio=False, video=False,
                service_url=one.url,
            )  # fmt: skip


async def test_token_is_for_one_room_when_asked() -> None:
    async with embedded() as server:
        token = server.access_token("ann", room="this", ttl=60)
        with pytest.raises(Exception, match="20106"):
            await connect(token, name="that", audio=False, video=False, service_url=server.url)


async def test_options_are_those_of_the_settings() -> None:
    async with embedded(options={"plane": "portable"}) as server:
        assert server.engine.plane_name == "portable"


async def test_server_without_twilio_credentials_makes_no_access_tokens() -> None:
    settings = ServerSettings(port=0, media_port=0, twilio_account_sid=None)
    async with CompatServer(settings) as server:
        with pytest.raises(InvalidArgumentError, match="no Twilio credentials") as caught:
            server.access_token("ann")
    assert "TWILIO_ACCOUNT_SID" in caught.value.next_step
