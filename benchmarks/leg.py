"""A bare end of a media connection, whose socket a load generator can take over.

The other end of ICE is lite, as our service, or full, as Janus. The leg checks one address, and
repeats the check every second as a sign of life.

Source: RFC 8445 sections 7 and 8; RFC 8839 for candidates in SDP.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections import deque
from collections.abc import Callable

import aioice
from aioice import stun

from acs_core.errors import DeadlineError, Stage
from acs_core.rtc.dtls import DtlsEndpoint, process_certificate
from acs_core.rtc.feedback import RtcpPacket
from acs_core.rtc.sdp import Fingerprint, IceParameters, LocalTransport, RemoteTransport, Setup
from acs_core.rtc.srtp import SrtpKeys

__all__ = ["Leg"]

HOST = "127.0.0.1"
SOCKET_BUFFER = 8 << 20
SO_RCVBUFFORCE = 33
FIRST_INTERVAL = 0.01
INTERVAL = 1.0
MAX_DATAGRAM = 2048
PRIORITY = 2130706431


class Leg:
    """One connection; a `DatagramPath` of its own DTLS endpoint. `connect` once, `close` once.

    Attributes:
        socket: Where everything arrives.
        keys: The keys of the media, once connected.
        remote: The address that was found.
    """

    def __init__(self, on_rtcp: Callable[[list[RtcpPacket]], None] | None = None) -> None:
        """Open the socket.

        Args:
            on_rtcp: Called with each compound packet, as long as the socket is not handed over.
        """
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        # Linux' SO_RCVBUFFORCE goes beyond the usual limit, and needs a privilege.
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER)
        self.socket.setblocking(False)
        self.socket.bind((HOST, 0))
        self.keys: SrtpKeys | None = None
        self.remote = (HOST, 0)
        self._ufrag, self._password = secrets.token_hex(4), secrets.token_hex(12)
        self._remote_ice = IceParameters("", "")
        self._arrived: deque[bytes] = deque()
        self._has_arrived = asyncio.Event()
        self._is_answered = asyncio.Event()
        self._state = "new"
        self._is_controlling = True
        self._checks: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.socket.fileno(), self._readable)
        self.endpoint: DtlsEndpoint | None = None
        self._on_rtcp = on_rtcp or _ignore

    @property
    def role(self) -> str:
        """Role of the path."""
        return "controlling" if self._is_controlling else "controlled"

    @property
    def state(self) -> str:
        """State of the path."""
        return self._state

    @property
    def local(self) -> LocalTransport:
        """What our description says."""
        candidate = f"1 1 udp {PRIORITY} {HOST} {self.socket.getsockname()[1]} typ host"
        return LocalTransport(self._ufrag, self._password, (candidate,), _fingerprint())

    async def connect(
        self, remote: RemoteTransport, *, is_offerer: bool, timeout: float = 10.0
    ) -> None:
        """Find the other end and perform the handshake.

        Args:
            remote: What its description says.
            is_offerer: We offered; between two full ends the offerer controls (RFC 8445
                section 6.1.1).
            timeout: Seconds for each of the two.

        Raises:
            DeadlineError: Nothing was answered in time.
            CallingError: The handshake failed.
        """
        self._remote_ice = remote.ice
        self._is_controlling = is_offerer or remote.ice.lite
        self.remote = _usable(remote.candidates)
        self._checks = asyncio.create_task(self._check(), name="checks")
        try:
            async with asyncio.timeout(timeout):
                await self._is_answered.wait()
        except TimeoutError as error:
            raise DeadlineError(f"no answer from {self.remote}", stage=Stage.ICE) from error
        self._state = "completed"
        # RFC 5763 section 5: who is active sends the first message.
        role = "server" if remote.setup is Setup.ACTIVE else "client"
        self.endpoint = DtlsEndpoint(self, role=role, on_rtcp=self._on_rtcp)
        self.keys = await self.endpoint.connect(remote.fingerprints, timeout=timeout)

    def hand_over(self) -> None:
        """Stop reading the socket; from now on `feed` brings what is not SRTP."""
        self._loop.remove_reader(self.socket.fileno())

    def feed(self, data: bytes) -> None:
        """Take one datagram."""
        if data and data[0] < 4:
            self._stun_arrived(data)
        elif data:
            self._arrived.append(data)
            self._has_arrived.set()

    async def close(self) -> None:
        """Tell the other end and close the socket."""
        if self._checks is not None:
            self._checks.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._checks
        if self.endpoint is not None:
            await self.endpoint.close()
        self._state = "closed"
        self._has_arrived.set()
        self._loop.remove_reader(self.socket.fileno())
        self.socket.close()

    async def _recv(self) -> bytes:
        while not self._arrived:
            if self._state == "closed":
                raise ConnectionError("the leg was closed")
            self._has_arrived.clear()
            await self._has_arrived.wait()
        return self._arrived.popleft()

    async def _send(self, data: bytes) -> None:
        # A full buffer or an unreachable port is a loss, as on any network.
        with contextlib.suppress(OSError):
            self.socket.sendto(data, self.remote)

    def _readable(self) -> None:
        while True:
            try:
                data = self.socket.recv(MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                continue
            self.feed(data)

    async def _check(self) -> None:
        while True:
            request = self._request()
            request.add_message_integrity(self._remote_ice.pwd.encode())
            await self._send(bytes(request))
            await asyncio.sleep(INTERVAL if self._is_answered.is_set() else FIRST_INTERVAL)

    def _request(self) -> stun.Message:
        attributes: dict[str, object] = {
            "USERNAME": f"{self._remote_ice.ufrag}:{self._ufrag}",
            "PRIORITY": PRIORITY,
        }
        if self._is_controlling:
            attributes |= {"ICE-CONTROLLING": 1, "USE-CANDIDATE": None}
        else:
            attributes["ICE-CONTROLLED"] = 1
        return stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.REQUEST,
            attributes=attributes,
        )

    def _stun_arrived(self, data: bytes) -> None:
        message = stun.parse_message(data)
        if message.message_class is stun.Class.RESPONSE:
            self._is_answered.set()
        elif message.message_class is stun.Class.REQUEST:
            response = stun.Message(
                message_method=stun.Method.BINDING,
                message_class=stun.Class.RESPONSE,
                transaction_id=message.transaction_id,
                attributes={"XOR-MAPPED-ADDRESS": self.remote},
            )
            response.add_message_integrity(self._password.encode())
            with contextlib.suppress(OSError):
                self.socket.sendto(bytes(response), self.remote)


def _ignore(_: list[RtcpPacket]) -> None:
    """Reports are not what is measured."""


def _fingerprint() -> Fingerprint:
    prints = process_certificate().getFingerprints()
    return next(
        Fingerprint(item.algorithm, item.value) for item in prints if item.algorithm == "sha-256"
    )


def _usable(candidates: tuple[str, ...]) -> tuple[str, int]:
    for text in candidates:
        candidate = aioice.Candidate.from_sdp(text)
        if candidate.transport.lower() == "udp" and candidate.host == HOST:
            return candidate.host, candidate.port
    raise DeadlineError(f"no candidate at {HOST}", stage=Stage.ICE)
