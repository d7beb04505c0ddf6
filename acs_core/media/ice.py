"""The client's ICE leg: one connection to a service that is ICE-lite, as a `DatagramPath`.

It stands on aioice's `Connection` and not on aiortc's wrapper of it, which cannot be told that
we are controlling. Consent is checked every second instead of every five, so that a dead
network is known within a few seconds; besides `query_consent` that needs a private name,
`Connection._nominated`, and reading in batches (`drain.py`) another, `Connection._protocols` (both
read in aioice 0.13).

Source: RFC 8445 (ICE), RFC 7675 (consent), RFC 8839 (candidates in SDP), RFC 8837 (DSCP).
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aioice
from aioice import stun, turn

from acs_core.errors import (
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    Stage,
    TransportError,
)
from acs_core.media.drain import SocketDrain
from acs_core.media.stats import CandidateStats, PathStats
from acs_core.rtc.sdp import IceParameters

__all__ = ["IceLeg", "IceServer", "enlarge_socket_buffers"]

logger = logging.getLogger(__name__)

SOCKET_BUFFER: Final = 4 << 20
"""Bytes; with aioice's 256 KiB, 24 videos in one process lost packets in bursts."""
GATHER_TIMEOUT: Final = 1
"""Seconds for STUN and TURN servers; host candidates are enough for a public service."""
CONSENT_INTERVAL: Final = 1.0
CONSENT_LIFETIME: Final = 30.0
"""Seconds after the last answer during which we may send (RFC 7675 section 5.1)."""

TRAFFIC_CLASS: Final = 34 << 2
"""AF41, of interactive video with sound, above the two bits for congestion (RFC 8837 section 5).
Sound and pictures share a socket, and asyncio cannot mark one datagram otherwise than the next."""

_SERVER_URL: Final = re.compile(
    r"(?P<scheme>stun|turns?):(?P<host>\[[0-9a-fA-F:]+\]|[^:?]+)(:(?P<port>\d{1,5}))?"
    r"(\?transport=(?P<transport>udp|tcp))?"
)
_DEFAULT_PORTS: Final = {"stun": 3478, "turn": 3478, "turns": 5349}


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server.

    Attributes:
        url: As in RFC 7064 and RFC 7065, for instance ``turn:host:3478?transport=tcp``.
        username: For TURN.
        credential: For TURN.
    """

    url: str
    username: str | None = None
    credential: str | None = None


def enlarge_socket_buffers() -> None:
    """Make the sockets that aioice opens from now on hold a burst of many videos."""
    turn.UDP_SOCKET_BUFFER_SIZE = SOCKET_BUFFER


class _Connection(aioice.Connection):
    """`aioice.Connection` that is told by each datagram, and works without a network."""

    def __init__(
        self,
        *,
        on_heard: Callable[[], None],
        may_send: Callable[[], bool],
        is_relay_only: bool = False,
        is_dscp_enabled: bool = False,
        **options: object,
    ) -> None:
        policy = aioice.TransportPolicy.RELAY if is_relay_only else aioice.TransportPolicy.ALL
        super().__init__(ice_controlling=True, transport_policy=policy, **options)  # type: ignore[arg-type]
        self._on_heard = on_heard
        self._may_send = may_send
        self._is_relay_only = is_relay_only
        self._is_dscp_enabled = is_dscp_enabled
        self.round_trip: float | None = None
        self._drains: list[SocketDrain] = []

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = GATHER_TIMEOUT
    ) -> list[aioice.Candidate]:
        # aioice leaves loopback out; on a machine without any network it is all there is.
        usable = addresses if addresses or self._is_relay_only else ["127.0.0.1"]
        candidates = await super().get_component_candidates(component, usable, timeout)
        for protocol in self._protocols:
            if self._is_dscp_enabled:
                _mark(protocol.transport)
            drain = SocketDrain.of(protocol.transport, protocol)
            if drain is not None:
                self._drains.append(drain)
        return candidates

    async def close(self) -> None:
        while self._drains:
            self._drains.pop().close()
        await super().close()

    def data_received(self, data: bytes, component: int) -> None:
        self._on_heard()
        super().data_received(data, component)

    async def query_consent(self) -> None:
        assert self.remote_password is not None
        key = self.remote_password.encode()
        while self._may_send():
            await asyncio.sleep(CONSENT_INTERVAL)
            for pair in list(self._nominated.values()):
                request = self.build_request(pair, nominate=False)
                sent = asyncio.get_running_loop().time()
                try:
                    await pair.protocol.request(
                        request, pair.remote_addr, integrity_key=key, retransmissions=0
                    )
                except stun.TransactionError:
                    logger.debug("a consent check was not answered")
                else:
                    self.round_trip = asyncio.get_running_loop().time() - sent
                    self._on_heard()

    @property
    def selected(self) -> tuple[aioice.Candidate, aioice.Candidate] | None:
        """The pair in use, ours first; None before there is one."""
        for pair in self._nominated.values():
            return pair.local_candidate, pair.remote_candidate
        return None


class IceLeg:
    """One ICE connection; `gather`, `connect` and `close` it once, in this order.

    Attributes:
        role: "controlling": the other end is lite (RFC 8445 section 6.1.1).
    """

    role = "controlling"

    def __init__(
        self,
        servers: Sequence[IceServer] = (),
        *,
        is_relay_only: bool = False,
        is_dscp_enabled: bool = False,
    ) -> None:
        """Prepare; sockets are opened by `gather`.

        Args:
            servers: STUN and TURN servers.
            is_relay_only: Go by way of a TURN server or not at all (RFC 9429 section 3.5.3).
            is_dscp_enabled: Mark packets with `TRAFFIC_CLASS`.

        Raises:
            InvalidArgumentError: The URL of a server cannot be read.
        """
        enlarge_socket_buffers()
        self._loop = asyncio.get_running_loop()
        self._state = "new"
        self._wants_relay = any(item.url.startswith("turn") for item in servers)
        self._last_heard: float | None = None
        self._connection = _Connection(
            on_heard=self._heard,
            may_send=self._may_send,
            is_relay_only=is_relay_only,
            is_dscp_enabled=is_dscp_enabled,
            **_server_options(servers),
        )
        self._is_relay_only = is_relay_only

    @property
    def state(self) -> str:
        """As the W3C's `RTCIceTransportState`."""
        return self._state

    @property
    def parameters(self) -> IceParameters:
        """Our user name fragment and password, for the SDP."""
        return IceParameters(self._connection.local_username, self._connection.local_password)

    @property
    def candidates(self) -> tuple[str, ...]:
        """Our candidates as after ``candidate:`` in the SDP; empty before `gather`."""
        return tuple(candidate.to_sdp() for candidate in self._connection.local_candidates)

    @property
    def round_trip(self) -> float | None:
        """Seconds that the newest consent check took (RFC 7675); None before the first."""
        return self._connection.round_trip

    @property
    def candidate_types(self) -> tuple[str, str]:
        """Types of the candidates in use, ours first (RFC 8445 section 5.1.1); empty before."""
        selected = self._connection.selected
        return ("", "") if selected is None else (selected[0].type, selected[1].type)

    @property
    def path(self) -> PathStats:
        """Candidates of both ends, and those in use; without times."""
        connection, selected = self._connection, self._connection.selected
        return PathStats(
            local=tuple(_stats_of(one) for one in connection.local_candidates),
            remote=tuple(_stats_of(one) for one in connection.remote_candidates),
            selected=None if selected is None else (_stats_of(selected[0]), _stats_of(selected[1])),
        )

    @property
    def has_relay_failed(self) -> bool:
        """Whether a TURN server was named and gave us no address; False before `gather`."""
        candidates = self._connection.local_candidates
        is_relayed = any(item.type == "relay" for item in candidates)
        return self._wants_relay and bool(candidates) and not is_relayed

    def silent_for(self, now: float) -> float | None:
        """Give the seconds since anything was heard; None before the first datagram."""
        return None if self._last_heard is None else now - self._last_heard

    async def gather(self) -> None:
        """Open sockets and find candidates; a dead STUN or TURN server costs a second.

        Raises:
            TransportError: No socket could be opened, or there is no relay where one is a must.
        """
        await self._connection.gather_candidates()
        if self._connection.local_candidates:
            return
        if self._is_relay_only:
            raise TransportError(
                "Media may be relayed only, and no TURN server gave an address.",
                stage=Stage.ICE,
                next_step="Check the TURN servers' URLs and credentials, or allow all ways.",
            )
        raise TransportError(
            "No UDP socket could be opened.",
            stage=Stage.ICE,
            next_step="Check that this program may use the network.",
        )

    async def connect(
        self, remote: IceParameters, candidates: Sequence[str], *, timeout: float
    ) -> None:
        """Find a way to the other end.

        Args:
            remote: From its SDP.
            candidates: From its SDP; all of them.
            timeout: Seconds.

        Raises:
            DeadlineError: Nothing was answered in time.
            TransportError: No pair of addresses works, or the leg was closed meanwhile.
            InvalidStateError: Called before, or closed.
        """
        if self._state != "new":
            raise InvalidStateError(f"The ICE leg is {self._state}.", stage=Stage.ICE)
        self._state = "checking"
        connection = self._connection
        parsed = _parsed(candidates)
        connection.remote_is_lite = remote.lite
        connection.remote_username = remote.ufrag
        connection.remote_password = remote.pwd
        try:
            async with asyncio.timeout(timeout):
                for candidate in parsed:
                    await connection.add_remote_candidate(candidate)
                await connection.add_remote_candidate(None)
                await connection.connect()
        except TimeoutError as error:
            self._fail()
            raise DeadlineError(
                f"The service did not answer at {_addresses(parsed)} within {timeout:g} s.",
                stage=Stage.ICE,
                next_step="Check that UDP reaches the service's media port.",
            ) from error
        except ConnectionError as error:
            self._fail()
            raise TransportError(
                f"No way to the service at {_addresses(parsed)} was found: {error}.",
                stage=Stage.ICE,
                next_step="Check that UDP reaches the service's media port, or use TURN.",
            ) from error
        self._state = "completed"
        self._heard()

    async def close(self) -> None:
        """Close the sockets. Safe to repeat."""
        if self._state != "closed":
            self._state = "closed"
            await self._connection.close()

    async def _recv(self) -> bytes:
        return await self._connection.recv()

    async def _send(self, data: bytes) -> None:
        if not self._may_send():
            raise ConnectionError("There is no consent to send.")
        await self._connection.send(data)

    def _fail(self) -> None:
        if self._state == "checking":
            self._state = "failed"

    def _heard(self) -> None:
        self._last_heard = self._loop.time()

    def _may_send(self) -> bool:
        silence = self.silent_for(self._loop.time())
        return self._state != "closed" and (silence is None or silence < CONSENT_LIFETIME)


def _stats_of(candidate: aioice.Candidate) -> CandidateStats:
    return CandidateStats(
        id=candidate.foundation,
        type=candidate.type,
        address=candidate.host,
        port=candidate.port,
        protocol=candidate.transport.lower(),
        priority=candidate.priority,
    )


def _parsed(candidates: Sequence[str]) -> list[aioice.Candidate]:
    """Read those candidates that we can use; others (TCP, names) are left out."""
    parsed: list[aioice.Candidate] = []
    for text in candidates:
        try:
            candidate = aioice.Candidate.from_sdp(text)
        except ValueError as error:
            logger.info("a candidate was left out: %s", error)
        else:
            if candidate.transport.lower() == "udp":
                parsed.append(candidate)
    return parsed


def _addresses(candidates: Sequence[aioice.Candidate]) -> str:
    """For people."""
    return ", ".join(f"{one.host}:{one.port}" for one in candidates) or "no address"


def _mark(transport: Any) -> None:
    """Give the packets of a socket the traffic class; a relay's own packets are not marked."""
    own = transport.get_extra_info("socket")
    if own is None:
        return
    try:
        if own.family == socket.AF_INET6:
            own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, TRAFFIC_CLASS)
        else:
            own.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, TRAFFIC_CLASS)
    except OSError as error:
        logger.info("packets cannot be marked: %s", error)


def _server_options(servers: Sequence[IceServer]) -> dict[str, object]:
    """Translate to aioice, which knows one STUN and one TURN server: the first of each."""
    options: dict[str, object] = {}
    for server in servers:
        match = _SERVER_URL.fullmatch(server.url)
        if match is None:
            raise InvalidArgumentError(
                f"{server.url!r} is not the URL of a STUN or TURN server.",
                next_step="Write it like stun:host:3478 or turn:host:3478?transport=tcp.",
            )
        scheme = match["scheme"]
        address = (match["host"].strip("[]"), int(match["port"] or _DEFAULT_PORTS[scheme]))
        if scheme == "stun":
            options.setdefault("stun_server", address)
        elif "turn_server" not in options:
            options.update(
                turn_server=address,
                turn_username=server.username,
                turn_password=server.credential,
                turn_ssl=scheme == "turns",
                turn_transport=match["transport"] or ("tcp" if scheme == "turns" else "udp"),
            )
    return options
