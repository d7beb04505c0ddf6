import asyncio
import socket

import aioice
import pytest
from aioice import turn

from acs_core.errors import DeadlineError, InvalidArgumentError, InvalidStateError, TransportError
from acs_core.media.ice import (
    SOCKET_BUFFER,
    TRAFFIC_CLASS,
    IceLeg,
    IceServer,
    _Connection,
    _mark,
    _server_options,
)
from acs_core.rtc.sdp import IceParameters
from acs_core.service.sfu.port import UdpPort


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_the_private_names_still_exist() -> None:
    connection = aioice.Connection(ice_controlling=True)
    assert connection._nominated == {}
    assert connection._protocols == []
    assert isinstance(turn.UDP_SOCKET_BUFFER_SIZE, int)
    for name in ("query_consent", "get_component_candidates", "data_received"):
        assert callable(getattr(connection, name))
    await connection.close()


async def test_datagrams_go_both_ways_and_silence_is_measured() -> None:
    port = await UdpPort.open()
    path = port.open_path(lambda addresses: None)
    leg = IceLeg()
    await leg.gather()
    assert leg.candidates
    assert all(" typ host" in candidate for candidate in leg.candidates)
    assert leg.silent_for(now()) is None
    host, number = port.advertised[0]
    remote = IceParameters(path.credentials.ufrag, path.credentials.password, lite=True)
    await leg.connect(remote, [f"1 1 udp 100 {host} {number} typ host"], timeout=5)
    assert (leg.state, leg.role) == ("completed", "controlling")
    assert leg.silent_for(now()) < 0.5
    await leg._send(bytes([22]) + b"to the service")
    async with asyncio.timeout(2):
        assert await path._recv() == bytes([22]) + b"to the service"
    await path._send(bytes([22]) + b"to the client")
    async with asyncio.timeout(2):
        assert await leg._recv() == bytes([22]) + b"to the client"
    with pytest.raises(InvalidStateError):
        await leg.connect(remote, [], timeout=1)
    await leg.close()
    await leg.close()
    with pytest.raises(ConnectionError):
        await leg._send(b"x")
    path.close()
    await port.close()


async def test_sockets_hold_bursts() -> None:
    leg = IceLeg()
    assert turn.UDP_SOCKET_BUFFER_SIZE == SOCKET_BUFFER
    await leg.close()


async def test_no_answer_is_a_deadline() -> None:
    leg = IceLeg()
    await leg.gather()
    with pytest.raises(DeadlineError, match=r"did not answer at 192\.0\.2\.99:9 within"):
        await leg.connect(
            IceParameters("abcd", "p" * 22, lite=True),
            ["1 1 udp 100 192.0.2.99 9 typ host"],
            timeout=0.2,
        )
    assert leg.state == "failed"
    await leg.close()


async def test_no_usable_candidate_is_a_transport_error() -> None:
    leg = IceLeg()
    await leg.gather()
    with pytest.raises(TransportError) as caught:
        await leg.connect(
            IceParameters("abcd", "p" * 22, lite=True),
            ["rubbish", "1 1 tcp 100 192.0.2.99 9 typ host tcptype active"],
            timeout=5,
        )
    assert not isinstance(caught.value, DeadlineError)
    await leg.close()


async def test_where_only_relays_may_be_used_there_must_be_one() -> None:
    leg = IceLeg(is_relay_only=True)
    with pytest.raises(TransportError, match="no TURN server gave an address") as caught:
        await leg.gather()
    assert "TURN" in caught.value.next_step
    assert leg.candidates == ()
    await leg.close()


@pytest.mark.parametrize(("is_enabled", "traffic_class"), [(True, TRAFFIC_CLASS), (False, 0)])
async def test_packets_are_marked_where_that_is_asked_for(
    is_enabled: bool, traffic_class: int
) -> None:
    leg = IceLeg(is_dscp_enabled=is_enabled)
    await leg.gather()
    sockets = [one.transport.get_extra_info("socket") for one in leg._connection._protocols]
    assert sockets
    for own in sockets:
        if own.family == socket.AF_INET:
            assert own.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == traffic_class
        else:
            assert own.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS) == traffic_class
    await leg.close()


def test_marking_fails_without_harm(caplog: pytest.LogCaptureFixture) -> None:
    class Socket:
        family = socket.AF_INET

        def setsockopt(self, *_: object) -> None:
            raise PermissionError("not allowed")

    class Transport:
        def __init__(self, own: object) -> None:
            self.own = own

        def get_extra_info(self, _: str) -> object:
            return self.own

    with caplog.at_level("INFO"):
        _mark(Transport(None))
        assert not caplog.text
        _mark(Transport(Socket()))
    assert "packets cannot be marked: not allowed" in caplog.text


async def test_a_machine_without_network_uses_loopback() -> None:
    connection = _Connection(on_heard=lambda: None, may_send=lambda: True)
    (candidate,) = await connection.get_component_candidates(1, [])
    assert candidate.host == "127.0.0.1"
    await connection.close()


def test_servers_are_translated() -> None:
    options = _server_options(
        [
            IceServer("stun:stun.example.org"),
            IceServer("stun:other.example.org:99"),
            IceServer("turns:turn.example.org?transport=tcp", "user", "secret"),
        ]
    )
    assert options == {
        "stun_server": ("stun.example.org", 3478),
        "turn_server": ("turn.example.org", 5349),
        "turn_username": "user",
        "turn_password": "secret",
        "turn_ssl": True,
        "turn_transport": "tcp",
    }
    assert _server_options([IceServer("turn:[::1]:4000")])["turn_server"] == ("::1", 4000)


@pytest.mark.parametrize("url", ["http://example.org", "stun:", "turn:host:port", "turn:a?b"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError):
        _server_options([IceServer(url)])
