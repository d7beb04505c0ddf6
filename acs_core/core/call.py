"""Life of a call: its states, what changes them, and what must then be done.

Theory of operation. `client/call.py` feeds one `CallCore` per call: what the application asks for
(`JoinRequested`, `HangUpRequested`), what the service says (`Admitted`, `LobbyEntered`, `Ended`).
Who calls somebody is `Admitted` when somebody else is in the call; `core/dialing.py` says when. The
table below is every legal change; an input that has no row raises and changes nothing. A lost
network is not an input: the session repairs it or ends the call, and meanwhile the call stays
`Connected`, as the ACS Calling SDK does it.

Source: `CallState` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from acs_core.core.endings import HUNG_UP
from acs_core.core.facts import EndReason
from acs_core.errors import InvalidStateError

__all__ = [
    "TRANSITIONS",
    "Accepted",
    "Admitted",
    "CallCore",
    "CallState",
    "CloseCall",
    "DialRequested",
    "EarlyMediaStarted",
    "Effect",
    "Ended",
    "HangUpRequested",
    "HeldLocally",
    "HeldRemotely",
    "Input",
    "JoinRequested",
    "LeaveSession",
    "LobbyEntered",
    "ReleasedLocally",
    "ReleasedRemotely",
    "ReleasedWhileHeldRemotely",
    "RingingStarted",
    "StartSession",
    "StateChanged",
]


class CallState(StrEnum):
    """State of a call, in ACS's spelling."""

    NONE = "None"
    CONNECTING = "Connecting"
    RINGING = "Ringing"
    EARLY_MEDIA = "EarlyMedia"
    IN_LOBBY = "InLobby"
    CONNECTED = "Connected"
    LOCAL_HOLD = "LocalHold"
    REMOTE_HOLD = "RemoteHold"
    DISCONNECTING = "Disconnecting"
    DISCONNECTED = "Disconnected"


@dataclass(frozen=True, slots=True)
class JoinRequested:
    """The application joins a group call or a room."""


@dataclass(frozen=True, slots=True)
class DialRequested:
    """The application calls somebody."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The application accepts an incoming call."""


@dataclass(frozen=True, slots=True)
class RingingStarted:
    """The other side rings."""


@dataclass(frozen=True, slots=True)
class EarlyMediaStarted:
    """An announcement plays before the call is answered."""


@dataclass(frozen=True, slots=True)
class LobbyEntered:
    """Somebody must let us in first."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """We are in the call, and media can flow."""


@dataclass(frozen=True, slots=True)
class HeldLocally:
    """The application put the call on hold."""


@dataclass(frozen=True, slots=True)
class HeldRemotely:
    """The other side put the call on hold."""


@dataclass(frozen=True, slots=True)
class ReleasedLocally:
    """The application resumed the call."""


@dataclass(frozen=True, slots=True)
class ReleasedWhileHeldRemotely:
    """The application resumed the call, and the other side still holds it."""


@dataclass(frozen=True, slots=True)
class ReleasedRemotely:
    """The other side resumed the call."""


@dataclass(frozen=True, slots=True)
class HangUpRequested:
    """The application leaves."""

    for_everyone: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over for us."""

    reason: EndReason = HUNG_UP


Input: TypeAlias = (
    JoinRequested
    | DialRequested
    | Accepted
    | RingingStarted
    | EarlyMediaStarted
    | LobbyEntered
    | Admitted
    | HeldLocally
    | HeldRemotely
    | ReleasedLocally
    | ReleasedWhileHeldRemotely
    | ReleasedRemotely
    | HangUpRequested
    | Ended
)


@dataclass(frozen=True, slots=True)
class StateChanged:
    """Tell the listeners: the call has this state now."""

    state: CallState


@dataclass(frozen=True, slots=True)
class StartSession:
    """Start the session with the service."""


@dataclass(frozen=True, slots=True)
class LeaveSession:
    """Leave the session, or break off joining it."""

    for_everyone: bool


@dataclass(frozen=True, slots=True)
class CloseCall:
    """Release everything that the call owns."""

    reason: EndReason


Effect: TypeAlias = StateChanged | StartSession | LeaveSession | CloseCall

_SETUP: Final = (
    CallState.CONNECTING,
    CallState.RINGING,
    CallState.EARLY_MEDIA,
    CallState.IN_LOBBY,
)
_ESTABLISHED: Final = (CallState.CONNECTED, CallState.LOCAL_HOLD, CallState.REMOTE_HOLD)


def _table() -> dict[tuple[CallState, type[Input]], CallState]:
    state = CallState
    table: dict[tuple[CallState, type[Input]], CallState] = {
        (state.NONE, JoinRequested): state.CONNECTING,
        (state.NONE, DialRequested): state.CONNECTING,
        (state.NONE, Accepted): state.CONNECTING,
        (state.NONE, HangUpRequested): state.DISCONNECTING,
        (state.NONE, Ended): state.DISCONNECTED,
        (state.CONNECTING, RingingStarted): state.RINGING,
        (state.CONNECTING, EarlyMediaStarted): state.EARLY_MEDIA,
        (state.RINGING, EarlyMediaStarted): state.EARLY_MEDIA,
        (state.CONNECTING, LobbyEntered): state.IN_LOBBY,
        (state.CONNECTED, HeldLocally): state.LOCAL_HOLD,
        (state.REMOTE_HOLD, HeldLocally): state.LOCAL_HOLD,
        (state.CONNECTED, HeldRemotely): state.REMOTE_HOLD,
        (state.LOCAL_HOLD, ReleasedLocally): state.CONNECTED,
        (state.LOCAL_HOLD, ReleasedWhileHeldRemotely): state.REMOTE_HOLD,
        (state.REMOTE_HOLD, ReleasedRemotely): state.CONNECTED,
        (state.DISCONNECTING, Ended): state.DISCONNECTED,
    }
    for setup in _SETUP:
        table[setup, Admitted] = state.CONNECTED
    for active in (*_SETUP, *_ESTABLISHED):
        table[active, HangUpRequested] = state.DISCONNECTING
        table[active, Ended] = state.DISCONNECTED
    return table


TRANSITIONS: Final[Mapping[tuple[CallState, type[Input]], CallState]] = MappingProxyType(_table())
"""Every legal change of state; what is not here is refused."""


class CallCore:
    """The state of one call."""

    def __init__(self) -> None:
        self._state = CallState.NONE
        self._end_reason: EndReason | None = None

    @property
    def state(self) -> CallState:
        """Where the call is now."""
        return self._state

    @property
    def end_reason(self) -> EndReason | None:
        """Why the call is over, or None while it is not."""
        return self._end_reason

    def accepts(self, kind: type[Input]) -> bool:
        """Whether an input of this kind has a row in the table now."""
        return (self._state, kind) in TRANSITIONS

    def handle(self, input_: Input) -> list[Effect]:
        """Apply one input; return what the shell must now do, in order.

        The new state is always the first effect. Time plays no part in this table.

        Raises:
            InvalidStateError: The table has no such row; nothing changed.
        """
        target = TRANSITIONS.get((self._state, type(input_)))
        if target is None:
            raise InvalidStateError(
                f"{type(input_).__name__} is not possible in a call that is {self._state}."
            )
        self._state = target
        effects: list[Effect] = [StateChanged(target)]
        match input_:
            case JoinRequested() | DialRequested() | Accepted():
                effects.append(StartSession())
            case HangUpRequested(for_everyone=for_everyone):
                effects.append(LeaveSession(for_everyone))
            case Ended(reason=reason):
                self._end_reason = reason
                effects.append(CloseCall(reason))
            case _:
                pass
        return effects
