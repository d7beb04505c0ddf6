"""The service's one UDP port: STUN, DTLS, SRTCP and SRTP of all connections told apart.

Who gets a datagram is decided by its first byte and its source address, before any cryptography:

=============  =========================================  =======================================
first byte     from                                       goes to
=============  =========================================  =======================================
0..3 (STUN)    anybody who knows a valid username         that path's `IceLite`, after the
                                                          signature was verified
20..63 (DTLS)  an accepted address                        that path's queue
128..191       an accepted address                        that path's queue (SRTCP), or
                                                          `on_srtp` (SRTP)
anything else  anybody                                    nobody; it is counted
=============  =========================================  =======================================

Source: RFC 7983 section 7; RFC 5761 section 4 for SRTP and SRTCP.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import string
import struct
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aioice import stun

from acs_core.errors import Stage, TransportError
from acs_core.service.sfu.ice_lite import (
    FOLLOW_AFTER,
    Address,
    AddressAccepted,
    AddressDropped,
    AddressSelected,
    Credentials,
    CredentialsDropped,
    IceLite,
    IceLiteEvent,
)
from acs_core.service.sfu.sockets import advertised, bind

__all__ = ["LitePath", "PathAddresses", "UdpPort"]

logger = logging.getLogger(__name__)

READ_BATCH: Final = 64
"""Datagrams read in one turn of the loop, so that others get their turn too."""
QUEUE_LIMIT: Final = 256
"""DTLS and SRTCP datagrams a path may hold; 60 kB of data channel arrive as about 50."""
MAX_DATAGRAM: Final = 2048
HOUSEKEEPING_INTERVAL: Final = 5.0

_ICE_CHARACTERS: Final = string.ascii_letters + string.digits
_STUN_HEADER: Final = struct.Struct("!HHI")
_BINDING_REQUEST: Final = 0x0001
_OTHER_FAMILY: Final = {"0.0.0.0": "::", "": "::", "127.0.0.1": "::1"}


@dataclass(frozen=True, slots=True)
class PathAddresses:
    """Where a path sends to, and from where datagrams belong to it."""

    selected: Address | None
    accepted: frozenset[Address]


class LitePath:
    """One connection's share of the port; a `DatagramPath` for its DTLS endpoint.

    Made by `UdpPort.open_path`; `close` it after the DTLS endpoint.
    """

    role = "controlled"

    def __init__(
        self,
        port: UdpPort,
        ice: IceLite,
        on_addresses: Callable[[PathAddresses], None],
        *,
        follow_after: float = FOLLOW_AFTER,
    ) -> None:
        self.ice = ice
        self._follow_after = follow_after
        self._port = port
        self._on_addresses = on_addresses
        self._queue: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._is_closed = False
        self.dropped = 0

    @property
    def state(self) -> str:
        """``"new"`` before the first verified check, then ``"completed"``, then ``"closed"``."""
        if self._is_closed:
            return "closed"
        return "new" if self.ice.selected is None else "completed"

    @property
    def credentials(self) -> Credentials:
        """Our ICE credentials for the next description."""
        return self.ice.credentials

    @property
    def addresses(self) -> PathAddresses:
        """The addresses as of now."""
        return PathAddresses(self.ice.selected, frozenset(self.ice.accepted))

    def holds(self, address: Address, now: float) -> bool:
        """Whether an address is this path's and was heard lately, so that no other may have it."""
        heard_at = self.ice.accepted.get(address)
        return heard_at is not None and now - heard_at <= self._follow_after

    def rotate(self) -> Credentials:
        """Begin an ICE restart and return the new credentials."""
        return self._port._rotate(self)

    def silent_for(self) -> float:
        """Seconds since anything was heard from the other end."""
        return self.ice.silent_for(self._port.now())

    def close(self) -> None:
        """Leave the port; `_recv` raises from now on. Closing again does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._arrived.set()
            self._port._forget(self)

    async def _recv(self) -> bytes:
        while not self._queue:
            if self._is_closed:
                raise ConnectionError("the path was closed")
            self._arrived.clear()
            await self._arrived.wait()
        return self._queue.popleft()

    async def _send(self, data: bytes) -> None:
        if self._is_closed or self.ice.selected is None:
            raise ConnectionError("the path has no address to send to")
        self._port.send(data, self.ice.selected)

    def _push(self, data: bytes) -> None:
        if len(self._queue) >= QUEUE_LIMIT:
            self.dropped += 1
            return
        self._queue.append(data)
        self._arrived.set()


class UdpPort:
    """One UDP port number on IPv4 and, where there is one, IPv6.

    Attributes:
        on_srtp: Called with each SRTP datagram from an accepted address, that address and the
            loop's time. The view is only valid during the call.
        counters: How many datagrams were dropped or refused, by reason.
    """

    def __init__(self, sockets: tuple[socket.socket, ...], public_address: str | None) -> None:
        self.on_srtp: Callable[[memoryview, Address, float], None] | None = None
        self.counters: Counter[str] = Counter()
        self._sockets = {item.family: item for item in sockets}
        self._advertised = advertised(sockets, public_address)
        self._loop = asyncio.get_running_loop()
        self._by_ufrag: dict[str, LitePath] = {}
        self._by_address: dict[Address, LitePath] = {}
        self._paths: set[LitePath] = set()
        self._buffer = bytearray(MAX_DATAGRAM)
        self._view = memoryview(self._buffer)
        for item in sockets:
            self._loop.add_reader(item.fileno(), self._readable, item)
        self._timer = self._loop.call_later(HOUSEKEEPING_INTERVAL, self._housekeeping)

    @classmethod
    async def open(
        cls, host: str = "0.0.0.0", port: int = 0, *, public_address: str | None = None
    ) -> UdpPort:
        """Bind the port.

        Args:
            host: An address of this machine, or ``0.0.0.0`` for all. ``0.0.0.0`` and
                ``127.0.0.1`` also bind their IPv6 counterpart where IPv6 is available.
            port: 0 picks a free one.
            public_address: What clients are told instead of the bound address, for a machine
                behind one-to-one NAT.

        Raises:
            TransportError: The address is in use or not ours.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            first = bind(family, host, port)
        except OSError as error:
            raise TransportError(
                f"UDP {host}:{port} cannot be bound: {error}",
                stage=Stage.ICE,
                next_step="Choose another media port or address.",
            ) from error
        sockets = [first]
        if host in _OTHER_FAMILY:
            with contextlib.suppress(OSError):
                number = first.getsockname()[1]
                sockets.append(bind(socket.AF_INET6, _OTHER_FAMILY[host], number))
        return cls(tuple(sockets), public_address)

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The bound sockets, for a data plane that sends by itself."""
        return tuple(self._sockets.values())

    @property
    def number(self) -> int:
        """The port number."""
        return int(next(iter(self._sockets.values())).getsockname()[1])

    @property
    def advertised(self) -> tuple[Address, ...]:
        """Addresses for host candidates, most wanted first."""
        return self._advertised

    def now(self) -> float:
        """The loop's time, which all arrivals are stated in."""
        return self._loop.time()

    def open_path(
        self,
        on_addresses: Callable[[PathAddresses], None],
        *,
        follow_after: float = FOLLOW_AFTER,
    ) -> LitePath:
        """Make a path for a new connection.

        Args:
            on_addresses: Called when the selected or the accepted addresses have changed.
            follow_after: Seconds of silence after which another address may be selected, and
                another path may take an address of this one.
        """
        credentials = self._new_credentials()
        ice = IceLite(credentials, now=self.now(), follow_after=follow_after)
        path = LitePath(self, ice, on_addresses, follow_after=follow_after)
        self._by_ufrag[credentials.ufrag] = path
        self._paths.add(path)
        return path

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram, or lose it when the socket is full."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        out = self._sockets.get(family)
        if out is None:
            self.counters["no_socket_for_family"] += 1
            return
        try:
            out.sendto(data, address)
        except OSError:
            # ECONNREFUSED of an earlier datagram, a full buffer, no route: all are losses.
            self.counters["send_failed"] += 1

    async def close(self) -> None:
        """Close all paths and the sockets. Closing again does nothing."""
        self._timer.cancel()
        for path in tuple(self._paths):
            path.close()
        for item in self._sockets.values():
            if item.fileno() >= 0:
                self._loop.remove_reader(item.fileno())
                item.close()

    def _readable(self, source: socket.socket) -> None:
        receive = source.recvfrom_into
        for _ in range(READ_BATCH):
            try:
                size, address = receive(self._buffer)
            except BlockingIOError:
                return
            except OSError:
                # ECONNREFUSED of something we sent; the next datagram may be fine.
                self.counters["receive_failed"] += 1
                continue
            if size:
                self._dispatch(size, address[:2])

    def _dispatch(self, size: int, address: Address) -> None:
        first = self._buffer[0]
        if first < 4:
            self._check_arrived(bytes(self._view[:size]), address)
            return
        path = self._by_address.get(address)
        if path is None:
            self.counters["unknown_address"] += 1
            return
        if 127 < first < 192 and size >= 12:
            now = self._loop.time()
            path.ice.heard(address, now)
            if 191 < self._buffer[1] < 224:
                path._push(bytes(self._view[:size]))
            elif self.on_srtp is not None:
                self.on_srtp(self._view[:size], address, now)
        elif 19 < first < 64:
            path.ice.heard(address, self._loop.time())
            path._push(bytes(self._view[:size]))
        else:
            self.counters["unknown_protocol"] += 1

    def _check_arrived(self, data: bytes, address: Address) -> None:
        message = self._parse_check(data)
        if message is None:
            return
        ufrag = str(message.attributes["USERNAME"]).partition(":")[0]
        path = self._by_ufrag.get(ufrag)
        password = None if path is None else path.ice.password(ufrag)
        if path is None or password is None:
            self.counters["stun_unknown_username"] += 1
            return
        if not message.check_message_integrity(password.encode()):
            self.counters["stun_bad_integrity"] += 1
            return
        now = self._loop.time()
        owner = self._by_address.get(address)
        if owner is not None and owner is not path and owner.holds(address, now):
            # A source address can be forged: nobody gets another's while that one is alive.
            self.counters["stun_address_taken"] += 1
            return
        answer = path.ice.handle_check(
            ufrag=ufrag,
            transaction_id=message.transaction_id,
            is_nominated="USE-CANDIDATE" in message.attributes,
            address=address,
            now=now,
        )
        if not answer.is_answered:
            self.counters["stun_replayed"] += 1
            return
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=message.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": address},
        )
        response.add_message_integrity(password.encode())
        self.send(bytes(response), address)
        self._perform(path, answer.events)

    def _parse_check(self, data: bytes) -> stun.Message | None:
        """Return a Binding request that names a user, or None for anything else."""
        if len(data) < stun.HEADER_LENGTH:
            self.counters["stun_malformed"] += 1
            return None
        kind, length, cookie = _STUN_HEADER.unpack_from(data)
        if cookie != stun.COOKIE or length + stun.HEADER_LENGTH != len(data):
            self.counters["stun_malformed"] += 1
            return None
        if kind != _BINDING_REQUEST:
            self.counters["stun_not_a_request"] += 1
            return None
        try:
            message = stun.parse_message(data)
        except (ValueError, struct.error):
            self.counters["stun_malformed"] += 1
            return None
        if "USERNAME" not in message.attributes:
            self.counters["stun_unknown_username"] += 1
            return None
        return message

    def _perform(self, path: LitePath, events: tuple[IceLiteEvent, ...]) -> None:
        has_moved = False
        for event in events:
            match event:
                case AddressAccepted(address):
                    self._accept(path, address)
                    has_moved = True
                case AddressDropped(address):
                    if self._by_address.get(address) is path:
                        del self._by_address[address]
                    has_moved = True
                case AddressSelected():
                    has_moved = True
                case CredentialsDropped(ufrag):
                    self._by_ufrag.pop(ufrag, None)
        if has_moved:
            self._report(path)

    def _accept(self, path: LitePath, address: Address) -> None:
        # A client that reconnects from the same socket: the newer connection has the address.
        other = self._by_address.get(address)
        self._by_address[address] = path
        if other is not None and other is not path:
            other.ice.forget(address)
            self._report(other)

    def _report(self, path: LitePath) -> None:
        try:
            path._on_addresses(path.addresses)
        except Exception:
            logger.exception("the address callback of a path failed")

    def _rotate(self, path: LitePath) -> Credentials:
        credentials = self._new_credentials()
        events = path.ice.rotate(credentials)
        self._by_ufrag[credentials.ufrag] = path
        self._perform(path, events)
        return credentials

    def _forget(self, path: LitePath) -> None:
        self._paths.discard(path)
        for ufrag in path.ice.ufrags:
            self._by_ufrag.pop(ufrag, None)
        for address in path.ice.accepted:
            if self._by_address.get(address) is path:
                del self._by_address[address]

    def _housekeeping(self) -> None:
        now = self.now()
        for path in tuple(self._paths):
            self._perform(path, path.ice.expire(now))
        self._timer = self._loop.call_later(HOUSEKEEPING_INTERVAL, self._housekeeping)

    def _new_credentials(self) -> Credentials:
        while True:
            ufrag = "".join(secrets.choice(_ICE_CHARACTERS) for _ in range(8))
            if ufrag not in self._by_ufrag:
                password = "".join(secrets.choice(_ICE_CHARACTERS) for _ in range(24))
                return Credentials(ufrag, password)
