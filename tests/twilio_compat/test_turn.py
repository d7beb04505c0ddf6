from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aioice import stun, turn

from acs_core.errors import InvalidArgumentError
from acs_core.wire import IceServer
from tests.support.events import DEADLINE
from tests.support.turn_server import TurnServer, turn_server
from twilio_compat.server import embedded
from twilio_compat.turn import DENIED_PEERS, CoturnConfig

HERE = ipaddress.ip_address("127.0.0.1")
OUTSIDE = ipaddress.ip_address("8.8.4.4")
INSIDE = ipaddress.ip_address("10.0.0.5")


class Received(asyncio.DatagramProtocol):
    """A UDP socket, or a relayed one, and what came to it."""

    def __init__(self) -> None:
        self.packets: asyncio.Queue[tuple[bytes, Any]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.packets.put_nowait((data, addr))

    async def next(self) -> tuple[bytes, Any]:
        async with asyncio.timeout(DEADLINE):
            return await self.packets.get()


@asynccontextmanager
async def allocation(
    server: TurnServer, ice: IceServer, *, transport: str = "udp"
) -> AsyncIterator[tuple[turn.TurnTransport, Received]]:
    async with asyncio.timeout(DEADLINE):
        relayed, received = await turn.create_turn_endpoint(
            Received, server.address, ice.username, ice.credential, transport=transport
        )
    try:
        yield relayed, received
    finally:
        async with asyncio.timeout(DEADLINE):
            # Its `close` deletes the allocation in a task of its own.
            await relayed._TurnTransport__inner_protocol.delete()


@asynccontextmanager
async def peer() -> AsyncIterator[tuple[asyncio.DatagramTransport, Received]]:
    loop = asyncio.get_running_loop()
    transport, received = await loop.create_datagram_endpoint(Received, local_addr=(str(HERE), 0))
    try:
        yield transport, received
    finally:
        transport.close()


# ---------------------------------------------------------------- the file


def config(**changes: Any) -> CoturnConfig:
    return CoturnConfig(**{"public_address": OUTSIDE, "secret": "s3cret", **changes})


def lines(**changes: Any) -> list[str]:
    return config(**changes).text().splitlines()


def test_the_file_asks_for_credentials_and_bounds_what_they_give() -> None:
    text = lines(realm="calls.example", user_quota=7, total_quota=70)
    for line in (
        "use-auth-secret",
        "static-auth-secret=s3cret",
        "realm=calls.example",
        "user-quota=7",
        "total-quota=70",
        "max-allocate-lifetime=3600",
        "no-cli",
        "no-tcp-relay",
        "fingerprint",
    ):
        assert line in text


def test_the_file_denies_every_network_that_is_not_public() -> None:
    denied = [line.partition("=")[2] for line in lines() if line.startswith("denied-peer-ip=")]
    assert len(denied) == len(DENIED_PEERS)
    for address in ("127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "100.100.100.200"):
        assert any(is_in(address, item) for item in denied)
    for address in ("168.63.129.16", "172.31.255.255", "::1", "fd00:ec2::254", "::ffff:127.0.0.1"):
        assert any(is_in(address, item) for item in denied)
    for address in ("8.8.8.8", "172.32.0.1", "2606:4700::1111"):
        assert not any(is_in(address, item) for item in denied)


def is_in(address: str, item: str) -> bool:
    first, _, last = item.partition("-")
    value, low = ipaddress.ip_address(address), ipaddress.ip_address(first)
    high = ipaddress.ip_address(last or first)
    return value.version == low.version and int(low) <= int(value) <= int(high)


def test_loopback_is_relayed_to_only_when_asked_for() -> None:
    assert "allow-loopback-peers" not in lines()
    assert "denied-peer-ip=127.0.0.0-127.255.255.255" in lines()
    told = lines(is_loopback_allowed=True)
    assert "allow-loopback-peers" in told
    assert "denied-peer-ip=127.0.0.0-127.255.255.255" not in told
    assert "denied-peer-ip=10.0.0.0-10.255.255.255" in told


def test_the_addresses_of_the_service_are_allowed_and_loopback_is_not_one() -> None:
    text = lines(media_addresses=(INSIDE, OUTSIDE), listening_address=HERE)
    allowed = [line for line in text if line.startswith("allowed-peer-ip=")]
    assert allowed == [f"allowed-peer-ip={OUTSIDE}", f"allowed-peer-ip={INSIDE}"]


def test_behind_nat_the_private_address_is_mapped() -> None:
    assert f"external-ip={OUTSIDE}" in lines()
    behind = lines(listening_address=INSIDE)
    assert f"listening-ip={INSIDE}" in behind
    assert f"external-ip={OUTSIDE}/{INSIDE}" in behind
    assert not [line for line in lines(listening_address=OUTSIDE) if "external-ip" in line]


def test_the_urls_name_both_transports() -> None:
    assert config().turn_url == "turn:8.8.4.4:3478?transport=udp,turn:8.8.4.4:3478?transport=tcp"
    six = config(public_address=ipaddress.ip_address("2001:4860::1"), port=99)
    assert six.turn_url.startswith("turn:[2001:4860::1]:99?transport=udp,")


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": ""},
        {"secret": "a\ncli-password=x"},
        {"secret": "two words"},
        {"realm": "r\n"},
        {"port": 0},
        {"port": 70_000},
        {"relay_ports": (10, 2000)},
        {"relay_ports": (3000, 2000)},
    ],
    ids=str,
)
def test_what_cannot_be_written_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        config(**wrong)
    assert caught.value.next_step


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(config())


# ---------------------------------------------------------------- the server


@pytest.mark.interop
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_our_credentials_open_a_relay_that_carries_packets_both_ways(transport: str) -> None:
    async with turn_server() as server, peer() as (outside, at_peer):
        ice = server.credentials.issue("8:acs:anna", now=time.time())
        async with allocation(server, ice, transport=transport) as (relayed, at_client):
            relayed.sendto(b"there", outside.get_extra_info("sockname"))
            data, source = await at_peer.next()
            assert data == b"there"
            assert source[1] in range(*server.config.relay_ports)
            outside.sendto(b"back", source)
            assert (await at_client.next())[0] == b"back"


@pytest.mark.interop
async def test_wrong_and_expired_credentials_are_refused() -> None:
    async with turn_server() as server:
        good, now = server.credentials, time.time()
        for ice in (
            replace(good, secret="another").issue("anna", now=now),
            good.issue("anna", now=now - good.lifetime - 60),
        ):
            with pytest.raises(stun.TransactionFailed) as caught:
                async with allocation(server, ice):
                    pass
            assert caught.value.response.error_code == 401


@pytest.mark.interop
async def test_one_user_opens_so_many_relays() -> None:
    async with turn_server(user_quota=1) as server:
        now = time.time()
        anna = server.credentials.issue("anna", now=now)
        async with allocation(server, anna):
            with pytest.raises(stun.TransactionFailed) as caught:
                async with allocation(server, server.credentials.issue("anna", now=now + 5)):
                    pass
            assert caught.value.response.error_code == 486
            async with allocation(server, server.credentials.issue("ben", now=now)):
                pass


@pytest.mark.interop
@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254"]
)
async def test_nothing_is_relayed_to_this_machine_or_private_networks(address: str) -> None:
    async with turn_server(is_loopback_allowed=False) as server:
        ice = server.credentials.issue("anna", now=time.time())
        async with allocation(server, ice) as (relayed, _):
            protocol = relayed._TurnTransport__inner_protocol
            with pytest.raises(stun.TransactionFailed) as caught:
                await protocol.channel_bind(0x4000, (address, 9))
            assert caught.value.response.error_code == 403


@pytest.mark.interop
@pytest.mark.parametrize("is_loopback_allowed", [False, True])
async def test_the_public_internet_is_relayed_to(is_loopback_allowed: bool) -> None:
    async with turn_server(is_loopback_allowed=is_loopback_allowed) as server:
        ice = server.credentials.issue("anna", now=time.time())
        async with allocation(server, ice) as (relayed, _):
            # Binding a channel sends nothing to the peer.
            protocol = relayed._TurnTransport__inner_protocol
            for channel, address in ((0x4000, "8.8.8.8"), (0x4001, "172.32.0.1")):
                async with asyncio.timeout(DEADLINE):
                    # A refusal would raise, as above.
                    assert await protocol.channel_bind(channel, (address, 9)) is None


@pytest.mark.interop
async def test_the_service_is_relayed_to_wherever_it_is_and_its_neighbors_are_not() -> None:
    async with turn_server(is_loopback_allowed=False, media_address="10.0.0.5") as server:
        ice = server.credentials.issue("anna", now=time.time())
        async with allocation(server, ice) as (relayed, _):
            protocol = relayed._TurnTransport__inner_protocol
            for channel, address in ((0x4000, "10.0.0.5"), (0x4001, "8.8.8.8")):
                async with asyncio.timeout(DEADLINE):
                    await protocol.channel_bind(channel, (address, 9))
            with pytest.raises(stun.TransactionFailed) as caught:
                await protocol.channel_bind(0x4002, ("10.0.0.6", 9))
            assert caught.value.response.error_code == 403


# ---------------------------------------------------------------- preflight


@pytest.mark.interop
async def test_a_preflight_gets_credentials_that_work_and_closes() -> None:
    async with (
        turn_server() as turn_side,
        embedded(options=turn_side.settings) as server,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{server.url}/signaling") as socket,
    ):
        token = server.access_token("anna")
        # As twilio-video.js 2.36 asks in `runPreflight`: no version.
        body = {"edge": "roaming", "preflight": True, "token": token, "type": "ice"}
        hello = {"type": "hello", "id": "1", "timeout": 5000, "version": 2, "body": body}
        await socket.send_str(json.dumps(hello))
        assert json.loads((await socket.receive(DEADLINE)).data)["type"] == "welcome"
        answer = json.loads((await socket.receive(DEADLINE)).data)["body"]
        assert answer["type"] == "iced"
        (ice,) = answer["ice_servers"]
        assert ice["urls"] == turn_side.config.turn_url.split(",")
        await socket.send_str('{"type":"bye"}')
        await socket.close(code=1000)
        assert socket.close_code == 1000
        async with allocation(turn_side, IceServer(**ice)) as (relayed, _):
            assert relayed.get_extra_info("sockname") is not None
