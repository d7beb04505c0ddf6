"""ICE-lite for one connection behind the service's port, without sockets.

Theory of operation. A lite agent has host candidates only, sends no checks and answers those of
the full agent at the other end, which is always controlling. Who sends a check that carries our
username and is signed with our password is the other end; where it comes from is an address we
may hear from (*accepted*), and one of those is the address we send to (*selected*):

* the first verified check selects its address provisionally, since browsers nominate only later;
* a nominating check with the current credentials selects its address;
* any verified check selects its address once the selected one has been silent for a while,
  because aioice never repeats its nomination after a NAT has given it a new address;
* a transaction id that was seen before moves nothing, and is not answered elsewhere than where
  it was seen first: the signature does not cover the source address, so a recorded check would
  otherwise pull the media to whoever replays it.

The shell verifies signatures (with `password`), calls `handle_check` for each verified check and
`heard` for every other datagram from an accepted address, and performs the returned events.

Source: RFC 8445 sections 2.4, 7.3 and 9; RFC 8489 section 9.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = [
    "Address",
    "AddressAccepted",
    "AddressDropped",
    "AddressSelected",
    "Answer",
    "Credentials",
    "CredentialsDropped",
    "IceLite",
    "IceLiteEvent",
]

Address: TypeAlias = tuple[str, int]
"""IP address in its usual text form, and UDP port."""

FOLLOW_AFTER: Final = 2.0
"""Seconds of silence after which the selected address no longer holds against a valid check."""
REPLAY_MEMORY: Final = 60.0
"""Seconds for which transaction ids are remembered; a STUN client gives up after 39.5 s."""
ADDRESS_LIFETIME: Final = 60.0
"""Seconds of silence after which an accepted address that is not selected is forgotten."""
MAX_ADDRESSES: Final = 16
"""Accepted addresses of one connection; browsers use one per network interface."""
MAX_TRANSACTIONS: Final = 4096
"""Remembered transaction ids; a client sends about one check every 2.5 s."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One pair of ICE credentials of ours.

    Source: RFC 8445 section 5.3: at least 4 and 22 characters of ``ice-char``.
    """

    ufrag: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(ufrag={self.ufrag!r})"


@dataclass(frozen=True, slots=True)
class AddressAccepted:
    """Datagrams from `address` belong to this connection from now on."""

    address: Address


@dataclass(frozen=True, slots=True)
class AddressDropped:
    """Datagrams from `address` no longer belong to this connection."""

    address: Address


@dataclass(frozen=True, slots=True)
class AddressSelected:
    """Send to `address` from now on; `previous` is None for the first one."""

    address: Address
    previous: Address | None


@dataclass(frozen=True, slots=True)
class CredentialsDropped:
    """An ICE restart is complete: `ufrag` is not valid any more."""

    ufrag: str


IceLiteEvent: TypeAlias = AddressAccepted | AddressDropped | AddressSelected | CredentialsDropped


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do about a check: answer it or stay silent, then perform the events in order."""

    is_answered: bool
    events: tuple[IceLiteEvent, ...] = ()


class IceLite:
    """State of one connection: credentials, addresses, and who was heard when."""

    def __init__(
        self, credentials: Credentials, *, now: float, follow_after: float = FOLLOW_AFTER
    ) -> None:
        self._credentials = {credentials.ufrag: credentials}
        self._current = credentials
        self._follow_after = follow_after
        self._heard: dict[Address, float] = {}
        self._selected: Address | None = None
        self._transactions: dict[bytes, tuple[Address, float]] = {}
        self._last_heard = now

    @property
    def credentials(self) -> Credentials:
        """The pair that our next description carries."""
        return self._current

    @property
    def ufrags(self) -> tuple[str, ...]:
        """All valid username fragments; two during an ICE restart."""
        return tuple(self._credentials)

    @property
    def selected(self) -> Address | None:
        """Where to send; None before the first verified check."""
        return self._selected

    @property
    def accepted(self) -> Mapping[Address, float]:
        """Addresses that passed a check, with the time each was heard last."""
        return self._heard

    def password(self, ufrag: str) -> str | None:
        """Return the password that belongs to `ufrag`, or None when it is not ours."""
        credentials = self._credentials.get(ufrag)
        return None if credentials is None else credentials.password

    def rotate(self, credentials: Credentials) -> tuple[CredentialsDropped, ...]:
        """Begin an ICE restart; the old pair stays valid until the new one is nominated.

        Only the newest two pairs are kept: an earlier restart that was not completed is void.

        Source: RFC 8445 section 9.
        """
        kept = {self._current.ufrag: self._current, credentials.ufrag: credentials}
        dropped = tuple(CredentialsDropped(old) for old in self._credentials if old not in kept)
        self._credentials = kept
        self._current = credentials
        return dropped

    def handle_check(
        self, *, ufrag: str, transaction_id: bytes, is_nominated: bool, address: Address, now: float
    ) -> Answer:
        """Take a check whose signature was verified with `password(ufrag)`.

        Args:
            ufrag: Our part of the USERNAME attribute.
            transaction_id: 12 bytes.
            is_nominated: The check carries USE-CANDIDATE.
            address: Where it came from.
            now: Seconds.
        """
        if ufrag not in self._credentials:
            return Answer(is_answered=False)
        seen = self._transactions.get(transaction_id)
        if seen is not None and now - seen[1] <= REPLAY_MEMORY:
            # Our answer was lost and the check is repeated, or somebody replays it.
            return Answer(is_answered=seen[0] == address)
        self._remember(transaction_id, address, now)
        events: list[IceLiteEvent] = []
        if address not in self._heard:
            events += self._make_room()
            events.append(AddressAccepted(address))
        if self._may_select(ufrag, is_nominated, address, now):
            events.append(AddressSelected(address, self._selected))
            self._selected = address
        self.heard(address, now, is_new=True)
        if is_nominated and ufrag == self._current.ufrag:
            events += self._finish_restart()
        return Answer(is_answered=True, events=tuple(events))

    def heard(self, address: Address, now: float, *, is_new: bool = False) -> None:
        """Note a datagram; from an address that is not accepted it means nothing."""
        if is_new or address in self._heard:
            self._heard[address] = now
            self._last_heard = now

    def silent_for(self, now: float) -> float:
        """Seconds since anything arrived from an accepted address, or since the beginning."""
        return max(0.0, now - self._last_heard)

    def forget(self, address: Address) -> None:
        """Give `address` up, because it now belongs to another connection."""
        self._heard.pop(address, None)
        if address == self._selected:
            self._selected = None

    def expire(self, now: float) -> tuple[AddressDropped, ...]:
        """Forget what is too old; call it every few seconds."""
        self._transactions = {
            key: value
            for key, value in self._transactions.items()
            if now - value[1] <= REPLAY_MEMORY
        }
        old = [
            address
            for address, last in self._heard.items()
            if address != self._selected and now - last > ADDRESS_LIFETIME
        ]
        for address in old:
            del self._heard[address]
        return tuple(AddressDropped(address) for address in old)

    def _may_select(self, ufrag: str, is_nominated: bool, address: Address, now: float) -> bool:
        if self._selected is None:
            return True
        if address == self._selected:
            return False
        is_stale = now - self._heard[self._selected] > self._follow_after
        return is_stale or (is_nominated and ufrag == self._current.ufrag)

    def _finish_restart(self) -> list[CredentialsDropped]:
        dropped = [ufrag for ufrag in self._credentials if ufrag != self._current.ufrag]
        self._credentials = {self._current.ufrag: self._current}
        return [CredentialsDropped(ufrag) for ufrag in dropped]

    def _make_room(self) -> list[AddressDropped]:
        if len(self._heard) < MAX_ADDRESSES:
            return []
        others = (address for address in self._heard if address != self._selected)
        oldest = min(others, key=self._heard.__getitem__)
        del self._heard[oldest]
        return [AddressDropped(oldest)]

    def _remember(self, transaction_id: bytes, address: Address, now: float) -> None:
        # Re-inserted, so that the first key is always the oldest.
        self._transactions.pop(transaction_id, None)
        if len(self._transactions) >= MAX_TRANSACTIONS:
            del self._transactions[next(iter(self._transactions))]
        self._transactions[transaction_id] = (address, now)
