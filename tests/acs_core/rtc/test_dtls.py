from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from acs_core.errors import (
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    Stage,
    TransportError,
)
from acs_core.rtc.dtls import DtlsEndpoint, SrtpKeys, SrtpProfile
from acs_core.rtc.feedback import PictureLossIndication, ReceiverReport, RtcpPacket
from acs_core.rtc.packet import pack_packet
from acs_core.rtc.sdp import Fingerprint
from acs_core.rtc.srtp import PREFERRED_PROFILES


class MemoryPath:
    """One end of a lossless pair of queues; what arrives first can be looked at or dropped."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.state = "completed"
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.peer: MemoryPath | None = None
        self.drop: Callable[[bytes], bool] = lambda data: False

    async def _recv(self) -> bytes:
        data = await self.inbox.get()
        if data is None:
            raise ConnectionError("closed")
        return data

    async def _send(self, data: bytes) -> None:
        if self.state == "closed":
            raise ConnectionError("closed")
        if self.peer is not None and not self.drop(data):
            self.peer.inbox.put_nowait(data)

    def close(self) -> None:
        self.state = "closed"
        self.inbox.put_nowait(None)


def memory_paths() -> tuple[MemoryPath, MemoryPath]:
    client, server = MemoryPath("controlling"), MemoryPath("controlled")
    client.peer, server.peer = server, client
    return client, server


class End:
    """An endpoint with everything it reported."""

    def __init__(
        self,
        path: MemoryPath,
        role: str,
        profiles: tuple[SrtpProfile, ...] = PREFERRED_PROFILES,
    ) -> None:
        self.path = path
        self.rtp: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue()
        self.rtcp: asyncio.Queue[list[RtcpPacket]] = asyncio.Queue()
        self.states: list[str] = []
        self.endpoint = DtlsEndpoint(
            path,
            role=role,
            on_rtp=lambda data, arrival: self.rtp.put_nowait((data, arrival)),
            on_rtcp=self.rtcp.put_nowait,
            on_state=self.states.append,
            profiles=profiles,
        )


async def connect(client: End, server: End) -> tuple[SrtpKeys, SrtpKeys]:
    first, second = await asyncio.gather(
        client.endpoint.connect([server.endpoint.fingerprint], timeout=5),
        server.endpoint.connect([client.endpoint.fingerprint], timeout=5),
    )
    return first, second


@asynccontextmanager
async def connected(
    client_profiles: tuple[SrtpProfile, ...] = PREFERRED_PROFILES,
) -> AsyncIterator[tuple[End, End]]:
    client_path, server_path = memory_paths()
    client = End(client_path, "client", client_profiles)
    server = End(server_path, "server")
    await connect(client, server)
    try:
        yield client, server
    finally:
        for end in (client, server):
            await end.endpoint.close()


PACKET = pack_packet(
    payload_type=96, marker=True, sequence_number=7, timestamp=9, ssrc=1, payload=b"frame"
)


async def test_handshake_negotiates_gcm_and_both_ends_hold_each_others_keys() -> None:
    client_path, server_path = memory_paths()
    client, server = End(client_path, "client"), End(server_path, "server")
    client_keys, server_keys = await connect(client, server)
    assert client_keys.profile is SrtpProfile.GCM_128
    assert (client_keys.local, client_keys.remote) == (server_keys.remote, server_keys.local)
    assert len(client_keys.local) == 28
    assert client.states == ["connecting", "connected"]
    assert client.endpoint.state == "connected"
    for end in (client, server):
        await end.endpoint.close()
    assert client.endpoint.state == server.endpoint.state == "closed"


async def test_a_client_without_gcm_gets_counter_mode() -> None:
    async with connected((SrtpProfile.CM_SHA1_80,)) as (client, _):
        keys = client.endpoint._transport.keys
        assert keys is not None
        assert keys.profile is SrtpProfile.CM_SHA1_80
        assert len(keys.local) == 30


async def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(SrtpKeys(SrtpProfile.GCM_128, local=b"secret", remote=b"secret"))


async def test_rtp_and_rtcp_arrive_decrypted_in_both_directions() -> None:
    async with connected() as (client, server):
        before = asyncio.get_running_loop().time()
        client.endpoint.send_rtp(PACKET)
        data, arrival = await asyncio.wait_for(server.rtp.get(), 1)
        assert data == PACKET
        assert arrival >= before
        server.endpoint.send_rtcp([PictureLossIndication(1, 2)])
        assert await asyncio.wait_for(client.rtcp.get(), 1) == [PictureLossIndication(1, 2)]


async def test_many_rtcp_packets_are_split_to_fit_the_path() -> None:
    async with connected() as (client, server):
        packets = [ReceiverReport(ssrc) for ssrc in range(400)]
        server.endpoint.send_rtcp(packets)
        received: list[RtcpPacket] = []
        while len(received) < len(packets):
            received += await asyncio.wait_for(client.rtcp.get(), 1)
        assert received == packets


async def test_nothing_is_sent_before_connecting_or_after_closing() -> None:
    client_path, server_path = memory_paths()
    end = End(client_path, "client")
    end.endpoint.send_rtp(PACKET)
    end.endpoint.send_rtcp([PictureLossIndication(1, 2)])
    await end.endpoint.close()
    end.endpoint.send_rtp(PACKET)
    assert server_path.inbox.empty()


async def test_an_oversized_rtp_packet_is_refused() -> None:
    async with connected() as (client, _):
        with pytest.raises(InvalidArgumentError):
            client.endpoint.send_rtp(bytes([128]) + bytes(1400))


@pytest.mark.parametrize("liar", ["client", "server"])
async def test_a_wrong_fingerprint_is_a_typed_error(liar: str) -> None:
    client_path, server_path = memory_paths()
    client, server = End(client_path, "client"), End(server_path, "server")
    wrong = Fingerprint("sha-256", ":".join(["00"] * 32))
    right = client.endpoint.fingerprint
    client_expects, server_expects = (wrong, right) if liar == "server" else (right, wrong)
    outcomes = await asyncio.gather(
        client.endpoint.connect([client_expects], timeout=5),
        server.endpoint.connect([server_expects], timeout=5),
        return_exceptions=True,
    )
    victim = client if liar == "server" else server
    error = outcomes[0 if liar == "server" else 1]
    assert isinstance(error, TransportError)
    assert not isinstance(error, DeadlineError)
    assert error.stage is Stage.DTLS
    assert "announced" in error.message
    assert victim.endpoint.state == "failed"
    assert victim.states[-1] == "failed"
    for end in (client, server):
        await end.endpoint.close()


async def test_a_refused_certificate_ends_the_other_end_too() -> None:
    client_path, server_path = memory_paths()
    client, server = End(client_path, "client"), End(server_path, "server")
    closed = asyncio.Event()
    client.endpoint._on_state = lambda state: closed.set() if state == "closed" else None
    wrong = Fingerprint("sha-256", ":".join(["00"] * 32))
    _, refused = await asyncio.gather(
        client.endpoint.connect([server.endpoint.fingerprint], timeout=5),
        server.endpoint.connect([wrong], timeout=5),
        return_exceptions=True,
    )
    assert isinstance(refused, TransportError)
    await asyncio.wait_for(closed.wait(), 2)
    await client.endpoint.close()


async def test_no_fingerprint_is_a_misuse() -> None:
    end = End(memory_paths()[0], "client")
    with pytest.raises(InvalidArgumentError):
        await end.endpoint.connect([], timeout=1)


async def test_an_unknown_role_is_a_misuse() -> None:
    with pytest.raises(InvalidArgumentError):
        End(memory_paths()[0], "auto")


async def test_a_silent_peer_is_a_deadline_error() -> None:
    end = End(memory_paths()[0], "client")
    with pytest.raises(DeadlineError) as caught:
        await end.endpoint.connect([end.endpoint.fingerprint], timeout=0.05)
    assert caught.value.stage is Stage.DTLS
    assert end.states == ["connecting", "failed"]
    assert len(asyncio.all_tasks()) == 1


async def test_connecting_twice_is_a_misuse() -> None:
    async with connected() as (client, _):
        with pytest.raises(InvalidStateError):
            await client.endpoint.connect([client.endpoint.fingerprint], timeout=1)


async def test_closing_while_connecting_ends_the_attempt() -> None:
    end = End(memory_paths()[0], "client")
    attempt = asyncio.create_task(end.endpoint.connect([end.endpoint.fingerprint], timeout=60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await end.endpoint.close()
    with pytest.raises(TransportError):
        await attempt
    assert end.endpoint.state == "closed"


async def test_a_closed_path_fails_the_attempt() -> None:
    path, _ = memory_paths()
    end = End(path, "client")
    path.close()
    with pytest.raises(TransportError) as caught:
        await end.endpoint.connect([end.endpoint.fingerprint], timeout=5)
    assert not isinstance(caught.value, DeadlineError)


async def test_cancelling_connect_leaves_no_task() -> None:
    end = End(memory_paths()[0], "client")
    attempt = asyncio.create_task(end.endpoint.connect([end.endpoint.fingerprint], timeout=60))
    await asyncio.sleep(0)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    await end.endpoint.close()
    assert len(asyncio.all_tasks()) == 1


async def test_a_lost_flight_is_repeated() -> None:
    client_path, server_path = memory_paths()
    client, server = End(client_path, "client"), End(server_path, "server")
    lost: list[bytes] = []

    def drop_first(data: bytes) -> bool:
        lost.append(data)
        return len(lost) == 1

    client_path.drop = drop_first
    client_keys, server_keys = await connect(client, server)
    assert len(lost) > 1
    assert (client_keys.local, client_keys.remote) == (server_keys.remote, server_keys.local)
    for end in (client, server):
        await end.endpoint.close()


async def test_closing_tells_the_other_end_and_leaves_no_task() -> None:
    async with connected() as (client, server):
        closed = asyncio.Event()
        server.endpoint._on_state = lambda state: closed.set() if state == "closed" else None
        client.endpoint.data.start(5000, 65536)
        server.endpoint.data.start(5000, 65536)
        async with asyncio.timeout(2):
            await client.endpoint.close()
            await closed.wait()
            await server.endpoint.close()
        await client.endpoint.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("garbage", [b"", b"\x16", b"\x80", bytes(200), b"\x80\xc8" + bytes(40)])
async def test_garbage_on_the_path_changes_nothing(garbage: bytes) -> None:
    async with connected() as (client, server):
        for end in (client, server):
            end.path.inbox.put_nowait(garbage)
        client.endpoint.send_rtp(PACKET)
        data, _ = await asyncio.wait_for(server.rtp.get(), 1)
        assert data == PACKET


async def test_a_failing_callback_does_not_end_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected() as (client, server):

        def fail(*arguments: object) -> None:
            raise RuntimeError("listener")

        queue = server.rtp
        server.endpoint._on_rtp = fail
        server.endpoint._on_rtcp = fail
        server.endpoint._on_state = fail
        client.endpoint.send_rtp(PACKET)
        client.endpoint.send_rtcp([PictureLossIndication(1, 2)])
        await _turns(10)
        server.endpoint._on_rtp = lambda data, arrival: queue.put_nowait((data, arrival))
        client.endpoint.send_rtp(PACKET[:3] + b"\x08" + PACKET[4:])
        await asyncio.wait_for(queue.get(), 1)
    assert caplog.text.count("RuntimeError: listener") >= 3


async def test_malformed_rtcp_is_counted() -> None:
    async with connected() as (client, server):
        client.endpoint._transport.send_rtcp(b"\x80\xc9\x00\x01\x00\x00\x00\x01\x80\xc9\xff\xff")
        client.endpoint.send_rtp(PACKET)
        await asyncio.wait_for(server.rtp.get(), 1)
        assert server.endpoint.malformed_rtcp == 1


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
