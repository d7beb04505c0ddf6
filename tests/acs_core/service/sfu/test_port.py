from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aioice import stun
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_core.errors import TransportError
from acs_core.rtc.dtls import DtlsEndpoint, SrtpKeys
from acs_core.rtc.feedback import PictureLossIndication, RtcpPacket
from acs_core.rtc.packet import pack_packet
from acs_core.service.sfu.ice_lite import Address, Credentials
from acs_core.service.sfu.plane import PlaneKind, create_plane
from acs_core.service.sfu.plane.messages import (
    AddConsumer,
    AddProducer,
    AddTransport,
    Route,
    SetAddresses,
)
from acs_core.service.sfu.port import QUEUE_LIMIT, LitePath, PathAddresses, UdpPort


class Client(asyncio.DatagramProtocol):
    """A client's socket: sends checks, hands everything else to a DTLS endpoint."""

    role = "controlling"
    state = "completed"

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.answers: asyncio.Queue[stun.Message] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport | None = None
        self.server: Address = ("127.0.0.1", 0)
        self.count = 0

    @classmethod
    async def open(cls, port: UdpPort, host: str = "127.0.0.1") -> Client:
        loop = asyncio.get_running_loop()
        _, client = await loop.create_datagram_endpoint(cls, local_addr=(host, 0))
        client.server = (host, port.number)
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[0] < 4:
            self.answers.put_nowait(stun.parse_message(data))
        else:
            self.inbox.put_nowait(data)

    @property
    def address(self) -> Address:
        assert self.transport is not None
        host, port = self.transport.get_extra_info("sockname")[:2]
        return host, port

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.sendto(data, self.server)

    def check(
        self,
        credentials: Credentials,
        *,
        nominated: bool = True,
        password: str | None = None,
        transaction: bytes | None = None,
    ) -> bytes:
        """Send a Binding request and return its bytes."""
        self.count += 1
        request = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.REQUEST,
            transaction_id=transaction or self.count.to_bytes(12),
            attributes={"USERNAME": f"{credentials.ufrag}:peer"},
        )
        if nominated:
            request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity((password or credentials.password).encode())
        self.send(bytes(request))
        return bytes(request)

    async def answer(self) -> stun.Message:
        return await asyncio.wait_for(self.answers.get(), 2)

    async def _recv(self) -> bytes:
        return await self.inbox.get()

    async def _send(self, data: bytes) -> None:
        self.send(data)

    def close(self) -> None:
        assert self.transport is not None
        self.transport.close()


@pytest.fixture
async def port() -> AsyncIterator[UdpPort]:
    result = await UdpPort.open("127.0.0.1")
    yield result
    await result.close()


@pytest.fixture
async def client(port: UdpPort) -> AsyncIterator[Client]:
    result = await Client.open(port)
    yield result
    result.close()


def ignore(addresses: PathAddresses) -> None:
    pass


async def checked(client: Client, path: LitePath) -> None:
    client.check(path.credentials)
    await client.answer()


async def test_a_check_is_answered_with_the_address_it_came_from(
    port: UdpPort, client: Client
) -> None:
    seen: list[PathAddresses] = []
    path = port.open_path(seen.append)
    assert path.state == "new"
    client.check(path.credentials)
    answer = await client.answer()
    assert answer.message_class is stun.Class.RESPONSE
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == client.address
    assert answer.check_message_integrity(path.credentials.password.encode())
    assert seen == [PathAddresses(client.address, frozenset({client.address}))]
    assert path.addresses == seen[0]
    assert path.state == "completed"
    assert path.silent_for() < 2


async def test_ipv6_works_on_the_same_port_number(port: UdpPort) -> None:
    if len(port.sockets) < 2:
        pytest.skip("this machine has no IPv6 loopback")
    client = await Client.open(port, "::1")
    path = port.open_path(ignore)
    await checked(client, path)
    assert path.ice.selected == client.address
    await path._send(b"\x16hello")
    assert await asyncio.wait_for(client._recv(), 2) == b"\x16hello"
    client.close()


async def test_forged_checks_are_not_answered(port: UdpPort, client: Client) -> None:
    path = port.open_path(ignore)
    client.check(path.credentials, password="wrong" * 6)
    client.check(Credentials("nobody", "x" * 24))
    client.send(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)))
    client.send(bytes(stun.Message(stun.Method.BINDING, stun.Class.INDICATION)))
    client.send(b"\0" * 30)
    client.send(b"\0")
    # An ICE-CONTROLLED attribute of the wrong size: struct.error in aioice 0.13.
    broken = bytes.fromhex("000100082112a442") + bytes(12) + bytes.fromhex("8029000400000000")
    client.send(broken)
    await checked(client, path)
    assert client.answers.empty()
    assert port.counters == {
        "stun_bad_integrity": 1,
        "stun_unknown_username": 2,
        "stun_not_a_request": 1,
        "stun_malformed": 3,
    }


async def test_a_replayed_check_from_elsewhere_moves_nothing(port: UdpPort, client: Client) -> None:
    path = port.open_path(ignore)
    recorded = client.check(path.credentials)
    await client.answer()
    attacker = await Client.open(port)
    attacker.send(recorded)
    await checked(client, path)
    assert path.ice.selected == client.address
    assert attacker.answers.empty()
    assert port.counters == {"stun_replayed": 1}
    attacker.close()


async def test_only_accepted_addresses_are_heard(port: UdpPort, client: Client) -> None:
    media: list[tuple[bytes, Address]] = []
    port.on_srtp = lambda data, address, now: media.append((bytes(data), address))
    path = port.open_path(ignore)
    rtp, rtcp, dtls = b"\x80\x60" + bytes(20), b"\x80\xc8" + bytes(20), b"\x16" + bytes(20)
    stranger = await Client.open(port)
    for sender in (client, stranger):
        if sender is client:
            await checked(client, path)
        for data in (rtp, rtcp, dtls, b"\x80", b"\x50xx"):
            sender.send(data)
    assert await asyncio.wait_for(path._recv(), 2) == rtcp
    assert await asyncio.wait_for(path._recv(), 2) == dtls
    await checked(client, path)
    assert media == [(rtp, client.address)]
    assert port.counters == {"unknown_address": 5, "unknown_protocol": 2}
    stranger.close()


async def test_a_path_holds_a_bounded_number_of_datagrams(port: UdpPort, client: Client) -> None:
    path = port.open_path(ignore)
    await checked(client, path)
    for _ in range(QUEUE_LIMIT + 10):
        client.send(b"\x16" + bytes(10))
    await checked(client, path)
    assert path.dropped == 10


async def test_an_ice_restart_keeps_the_path(port: UdpPort, client: Client) -> None:
    path = port.open_path(ignore)
    old = path.credentials
    await checked(client, path)
    new = path.rotate()
    assert new == path.credentials != old
    client.check(old)
    await client.answer()
    client.check(new)
    await client.answer()
    client.check(old)
    await checked(client, path)
    assert port.counters == {"stun_unknown_username": 1}


async def test_a_client_behind_a_rebinding_nat_is_followed_after_silence(
    port: UdpPort, client: Client
) -> None:
    seen: list[PathAddresses] = []
    path = port.open_path(seen.append, follow_after=0.0)
    await checked(client, path)
    moved = await Client.open(port)
    moved.check(path.credentials, nominated=False, transaction=b"elsewhere..." * 1)
    await moved.answer()
    assert path.ice.selected == moved.address
    assert seen[-1] == PathAddresses(moved.address, frozenset({client.address, moved.address}))
    moved.close()


async def test_a_reused_client_socket_belongs_to_the_newer_connection(
    port: UdpPort, client: Client
) -> None:
    seen: list[PathAddresses] = []
    first, second = port.open_path(seen.append, follow_after=0.0), port.open_path(ignore)
    await checked(client, first)
    await checked(client, second)
    assert seen[-1] == PathAddresses(None, frozenset())
    client.send(b"\x16x")
    assert await asyncio.wait_for(second._recv(), 2) == b"\x16x"
    first.close()
    client.send(b"\x16y")
    assert await asyncio.wait_for(second._recv(), 2) == b"\x16y"


async def test_an_address_of_a_living_connection_is_not_taken_by_another(
    port: UdpPort, client: Client
) -> None:
    first, second = port.open_path(ignore), port.open_path(ignore)
    await checked(client, first)
    client.check(second.credentials)
    client.send(b"\x16x")
    assert await asyncio.wait_for(first._recv(), 2) == b"\x16x"
    assert client.answers.empty()
    assert port.counters == {"stun_address_taken": 1}
    assert second.ice.selected is None
    first.close()
    await checked(client, second)


async def test_a_closed_path_raises_and_leaves_the_port(port: UdpPort, client: Client) -> None:
    path = port.open_path(ignore)
    with pytest.raises(ConnectionError):
        await path._send(b"nowhere")
    await checked(client, path)
    waiting = asyncio.create_task(path._recv())
    await asyncio.sleep(0)
    path.close()
    path.close()
    with pytest.raises(ConnectionError):
        await waiting
    with pytest.raises(ConnectionError):
        await path._send(b"nowhere")
    assert path.state == "closed"
    other = port.open_path(ignore)
    client.check(path.credentials)
    client.send(b"\x16")
    await checked(client, other)
    assert port.counters == {"stun_unknown_username": 1, "unknown_address": 1}


async def test_housekeeping_forgets_addresses(port: UdpPort, client: Client) -> None:
    path = port.open_path(ignore)
    await checked(client, path)
    other = await Client.open(port)
    other.check(path.credentials, nominated=False, transaction=b"elsewhere...")
    await other.answer()
    path.ice.heard(other.address, path.ice.accepted[other.address] - 3600)
    port._timer.cancel()
    port._housekeeping()
    assert set(path.ice.accepted) == {client.address}
    other.send(b"\x16")
    await checked(client, path)
    assert port.counters == {"unknown_address": 1}
    other.close()


async def test_a_failing_address_callback_is_contained(
    port: UdpPort, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(addresses: PathAddresses) -> None:
        raise RuntimeError("listener")

    path = port.open_path(fail)
    await checked(client, path)
    assert "listener" in caplog.text


async def test_sending_without_a_socket_for_the_family_is_counted(port: UdpPort) -> None:
    single = await UdpPort.open("127.0.0.2")
    single.send(b"x", ("::1", 9))
    single.send(b"x", ("255.255.255.255", 9))
    assert single.counters == {"no_socket_for_family": 1, "send_failed": 1}
    await single.close()
    await single.close()


async def test_a_port_in_use_is_a_typed_error(port: UdpPort) -> None:
    with pytest.raises(TransportError) as caught:
        await UdpPort.open("127.0.0.1", port.number)
    assert str(port.number) in caught.value.message


async def test_advertised_addresses() -> None:
    for host, public, expected in (
        ("127.0.0.2", None, "127.0.0.2"),
        ("127.0.0.1", "203.0.113.5", "203.0.113.5"),
    ):
        port = await UdpPort.open(host, public_address=public)
        assert port.advertised == ((expected, port.number),)
        await port.close()
    port = await UdpPort.open()
    hosts = [host for host, _ in port.advertised]
    assert hosts
    assert not {"0.0.0.0", "::"} & set(hosts)
    await port.close()


async def established(
    port: UdpPort, client: Client, path: LitePath
) -> tuple[DtlsEndpoint, DtlsEndpoint, SrtpKeys, SrtpKeys, asyncio.Queue[list[RtcpPacket]]]:
    reports: asyncio.Queue[list[RtcpPacket]] = asyncio.Queue()
    near = DtlsEndpoint(client, role="client", on_rtcp=lambda packets: None)
    far = DtlsEndpoint(path, role="server", on_rtcp=reports.put_nowait)
    await checked(client, path)
    near_keys, far_keys = await asyncio.gather(
        near.connect([far.fingerprint], timeout=5), far.connect([near.fingerprint], timeout=5)
    )
    return near, far, near_keys, far_keys, reports


async def test_dtls_media_and_rtcp_of_one_connection_share_the_port(
    port: UdpPort, client: Client
) -> None:
    """A publisher's packet goes through port and plane to a subscriber, both real sockets."""
    plane = create_plane(PlaneKind.AUTO, port.sockets, lambda event: None)
    port.on_srtp = plane.receive
    paths = {
        name: port.open_path(
            lambda addresses, name=name: plane.handle(  # type: ignore[misc]
                SetAddresses(name, addresses.selected, addresses.accepted), port.now()
            )
        )
        for name in ("publish", "subscribe")
    }
    subscriber = await Client.open(port)
    media: asyncio.Queue[bytes] = asyncio.Queue()
    near, far, _, far_keys, reports = await established(port, client, paths["publish"])
    near2, far2, _, far2_keys, _ = await established(port, subscriber, paths["subscribe"])
    near2._on_rtp = lambda data, arrival: media.put_nowait(data)
    near2._transport._on_rtp = near2._rtp_arrived
    now = port.now()
    for name, keys in (("publish", far_keys), ("subscribe", far2_keys)):
        addresses = paths[name].addresses
        plane.handle(AddTransport(name, keys), now)
        plane.handle(SetAddresses(name, addresses.selected, addresses.accepted), now)
    plane.handle(AddProducer("a", "publish", 10, "audio", 48000, {111: "opus"}), now)
    plane.handle(AddConsumer("c", "a", "subscribe", 20, Route({111: 96})), now)
    near.send_rtp(
        pack_packet(
            payload_type=111,
            marker=False,
            sequence_number=5,
            timestamp=6,
            ssrc=10,
            payload=b"sound",
        )
    )
    assert await asyncio.wait_for(media.get(), 2) == pack_packet(
        payload_type=96, marker=False, sequence_number=1, timestamp=6, ssrc=20, payload=b"sound"
    )
    near.send_rtcp([PictureLossIndication(1, 2)])
    assert await asyncio.wait_for(reports.get(), 2) == [PictureLossIndication(1, 2)]
    for endpoint in (near, far, near2, far2):
        await endpoint.close()
    plane.close()
    subscriber.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=100),
            st.builds(
                lambda head, rest: bytes([head]) + rest,
                st.sampled_from([0, 1, 20, 22, 63, 64, 128, 144, 191, 192]),
                st.binary(max_size=60),
            ),
            st.binary(max_size=60).map(
                lambda body: (
                    b"\0\1" + len(body).to_bytes(2) + stun.COOKIE.to_bytes(4) + bytes(12) + body
                )
            ),
        ),
        max_size=20,
    ),
    st.booleans(),
)
def test_no_garbage_disturbs_a_connection(garbage: list[bytes], is_known: bool) -> None:
    asyncio.run(_check_flood(garbage, is_known))


async def _check_flood(garbage: list[bytes], is_known: bool) -> None:
    port = await UdpPort.open("127.0.0.1")
    client, stranger = await Client.open(port), await Client.open(port)
    path = port.open_path(ignore)
    plane = create_plane(PlaneKind.PORTABLE, port.sockets, lambda event: None)
    port.on_srtp = plane.receive
    await checked(client, path)
    for data in garbage:
        (client if is_known else stranger).send(data)
    await checked(client, path)
    assert path.ice.selected == client.address
    for item in (client, stranger):
        item.close()
    await port.close()


async def test_sockets_have_large_buffers(port: UdpPort) -> None:
    for item in port.sockets:
        assert item.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= 200_000
