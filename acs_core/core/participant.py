"""States of a remote participant, who may be in the call with several endpoints.

Theory of operation. A participant is an identity; `client/participants.py` merges the endpoints of
that identity and feeds what it sees here. As in ACS, a participant whose network is lost stays
`Connected` until the service gives the endpoint up, and then is `Disconnected`, which is final: who
comes back is a new participant object.

Source: `RemoteParticipantState` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from acs_core.core.facts import ConnectionState, PendingState
from acs_core.errors import InvalidStateError

__all__ = [
    "TRANSITIONS",
    "ParticipantCore",
    "ParticipantInput",
    "RemoteParticipantState",
    "observe",
]


class RemoteParticipantState(StrEnum):
    """State of a remote participant, in ACS's spelling."""

    IDLE = "Idle"
    CONNECTING = "Connecting"
    RINGING = "Ringing"
    EARLY_MEDIA = "EarlyMedia"
    IN_LOBBY = "InLobby"
    CONNECTED = "Connected"
    HOLD = "Hold"
    DISCONNECTED = "Disconnected"


class ParticipantInput(StrEnum):
    """What happens to a participant."""

    INVITED = "invited"
    RANG = "rang"
    EARLY_MEDIA = "early media"
    WAITS = "waits"
    ENTERED = "entered"
    HELD = "held"
    RELEASED = "released"
    GONE = "gone"


def _table() -> dict[tuple[RemoteParticipantState, ParticipantInput], RemoteParticipantState]:
    state, seen = RemoteParticipantState, ParticipantInput
    table = {
        (state.IDLE, seen.INVITED): state.CONNECTING,
        (state.CONNECTING, seen.RANG): state.RINGING,
        (state.CONNECTING, seen.EARLY_MEDIA): state.EARLY_MEDIA,
        (state.RINGING, seen.EARLY_MEDIA): state.EARLY_MEDIA,
        (state.IDLE, seen.WAITS): state.IN_LOBBY,
        (state.CONNECTING, seen.WAITS): state.IN_LOBBY,
        (state.CONNECTED, seen.HELD): state.HOLD,
        (state.HOLD, seen.RELEASED): state.CONNECTED,
    }
    for before in (
        state.IDLE,
        state.CONNECTING,
        state.RINGING,
        state.EARLY_MEDIA,
        state.IN_LOBBY,
    ):
        table[before, seen.ENTERED] = state.CONNECTED
    for active in RemoteParticipantState:
        if active is not state.DISCONNECTED:
            table[active, seen.GONE] = state.DISCONNECTED
    return table


TRANSITIONS: Final[
    Mapping[tuple[RemoteParticipantState, ParticipantInput], RemoteParticipantState]
] = MappingProxyType(_table())
"""Every legal change of state; what is not here is refused."""


class ParticipantCore:
    """The state of one remote participant."""

    def __init__(self) -> None:
        self._state = RemoteParticipantState.IDLE

    @property
    def state(self) -> RemoteParticipantState:
        """Where the participant is now."""
        return self._state

    def accepts(self, input_: ParticipantInput) -> bool:
        """Whether the table has a row for this input now."""
        return (self._state, input_) in TRANSITIONS

    def handle(self, input_: ParticipantInput) -> RemoteParticipantState:
        """Apply one input and return the new state.

        Raises:
            InvalidStateError: The table has no such row; nothing changed.
        """
        target = TRANSITIONS.get((self._state, input_))
        if target is None:
            raise InvalidStateError(f"A participant who is {self._state} cannot be {input_}.")
        self._state = target
        return target

    def follow(self, inputs: Iterable[ParticipantInput]) -> bool:
        """Apply the inputs that have a row, in order; return whether the state is another now."""
        before = self._state
        for input_ in inputs:
            self._state = TRANSITIONS.get((self._state, input_), self._state)
        return self._state is not before


_STEPS: Final[Mapping[PendingState, tuple[ParticipantInput, ...]]] = MappingProxyType(
    {
        PendingState.CONNECTING: (ParticipantInput.INVITED,),
        PendingState.RINGING: (ParticipantInput.INVITED, ParticipantInput.RANG),
        PendingState.EARLY_MEDIA: (ParticipantInput.INVITED, ParticipantInput.EARLY_MEDIA),
        PendingState.IN_LOBBY: (ParticipantInput.WAITS,),
    }
)


def observe(
    states: Iterable[ConnectionState],
    pending: PendingState | None = None,
    *,
    is_on_hold: bool = False,
) -> tuple[ParticipantInput, ...]:
    """What is known of one identity says about the participant: inputs in order.

    Not all of them have a row in every state; those that have none say nothing new.

    Args:
        states: Of the endpoints of that identity.
        pending: How far it is on its way into the call; counts only without endpoints.
        is_on_hold: Whether all endpoints are on hold.
    """
    present = set(states) - {ConnectionState.DISCONNECTED}
    if present == {ConnectionState.CONNECTING}:
        return (ParticipantInput.INVITED,)
    if present:
        held = ParticipantInput.HELD if is_on_hold else ParticipantInput.RELEASED
        return (ParticipantInput.ENTERED, held)
    return (ParticipantInput.GONE,) if pending is None else _STEPS[pending]
