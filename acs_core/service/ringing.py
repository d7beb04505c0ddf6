"""What the switchboard knows of somebody who is called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from acs_core import wire
from acs_core.core.custom_context import CustomContext
from acs_core.core.facts import CallType
from acs_core.service.callees import number_of
from acs_core.service.server_call import ServerCall
from acs_core.service.timers import Timer

__all__ = ["Line", "Lines", "Ring", "RingTimes", "SilentLine"]


@dataclass(frozen=True, slots=True)
class RingTimes:
    """Seconds for which somebody is called at most.

    Attributes:
        one_to_one: The only one who is called.
        group: One of several, or one who is called into a call.
        telephone: A telephone.

    Source: the establishment time-outs in ACS's service limits.
    """

    one_to_one: float = 85.0
    group: float = 85.0
    telephone: float = 115.0

    def of(self, callee: str, *, is_pair: bool = True) -> float:
        """Seconds for which somebody is called, by raw id and whether nobody else is."""
        if number_of(callee):
            return self.telephone
        return self.one_to_one if is_pair else self.group


class Line(Protocol):
    """A client that can ring: a session of the user, or a telephone."""

    @property
    def raw_id(self) -> str:
        """Whose it is."""

    def deliver(self, body: wire.DeliveryBody) -> None:
        """Tell the client something; must neither block nor raise."""


class SilentLine:
    """The line of somebody who was sent to a call: it does not ring."""

    def __init__(self, raw_id: str) -> None:
        self.raw_id = raw_id

    def deliver(self, body: wire.DeliveryBody) -> None:
        """Say nothing: their other call tells them how it goes."""


class Lines:
    """Who is online, by raw id."""

    def __init__(self) -> None:
        self._by_user: dict[str, list[Line]] = {}

    def of(self, raw_id: str) -> tuple[Line, ...]:
        """The clients of a user, in order of arrival."""
        return tuple(self._by_user.get(raw_id, ()))

    def add(self, line: Line) -> None:
        """A client came."""
        self._by_user.setdefault(line.raw_id, []).append(line)

    def remove(self, line: Line) -> None:
        """A client is gone for good; does nothing when it is not known."""
        left = [other for other in self.of(line.raw_id) if other is not line]
        if left:
            self._by_user[line.raw_id] = left
        else:
            self._by_user.pop(line.raw_id, None)


@dataclass(slots=True, eq=False)
class Ring:
    """That somebody is called into a call.

    Attributes:
        callee: Raw id.
        caller: Raw id of who calls.
        caller_id: The number that a telephone sees; empty for that of a Teams user.
        caller_name: As the call knows them.
        context: What the caller sends along.
        transferor: Raw id and display name of who sent the caller; empty when nobody did.
        invitations: The clients that ring, by invitation id; none before it begins.
        is_busy: One of them was busy.
        lasting: Seconds for which it rings; None for as long as usual.
        timer: Begins it, then ends it; None before the caller is in the call.
    """

    call: ServerCall
    callee: str
    caller: str
    caller_id: str = ""
    caller_name: str = ""
    context: CustomContext = field(default_factory=CustomContext)
    transferor: tuple[str, str] = ("", "")
    invitations: dict[str, Line] = field(default_factory=dict)
    is_busy: bool = False
    lasting: float | None = None
    timer: Timer | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Nobody is called twice into one call."""
        return self.call.id, self.callee

    @property
    def number(self) -> str:
        """The telephone number; empty for a user."""
        return number_of(self.callee)

    def timeout(self, times: RingTimes) -> float:
        """Seconds for which it rings."""
        if self.lasting is not None:
            return self.lasting
        return times.of(self.callee, is_pair=self.call.type is CallType.ONE_TO_ONE)

    def invitations_of(self, line: Line) -> Iterable[str]:
        """By which invitations a client rings."""
        return [key for key, other in self.invitations.items() if other is line]

    def stop_timer(self) -> None:
        """It neither begins nor times out any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
