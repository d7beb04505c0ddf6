"""Reachability of an endpoint: who changes it, and when waiting for it ends.

Theory of operation. The service feeds one `EndpointCore` per endpoint with what it sees of its
transports and its WebSocket; observers see the resulting `ConnectionState` as facts. A lost
endpoint is kept for the session window, so that it can come back with everything it had; after the
window it is `DISCONNECTED`, which is final.

Source: ACS keeps a lost participant for 120 s, Twilio for 30 s; the window is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from acs_core.core.facts import ConnectionState
from acs_core.errors import InvalidStateError

__all__ = ["TRANSITIONS", "EndpointCore", "EndpointInput"]


class EndpointInput(StrEnum):
    """What happens to an endpoint."""

    CONNECTED = "connected"
    LOST = "lost"
    RESTORED = "restored"
    LEFT = "left"


TRANSITIONS: Final[Mapping[tuple[ConnectionState, EndpointInput], ConnectionState]] = (
    MappingProxyType(
        {
            (ConnectionState.CONNECTING, EndpointInput.CONNECTED): ConnectionState.CONNECTED,
            (ConnectionState.CONNECTING, EndpointInput.LOST): ConnectionState.RECONNECTING,
            (ConnectionState.CONNECTING, EndpointInput.LEFT): ConnectionState.DISCONNECTED,
            (ConnectionState.CONNECTED, EndpointInput.LOST): ConnectionState.RECONNECTING,
            (ConnectionState.CONNECTED, EndpointInput.LEFT): ConnectionState.DISCONNECTED,
            (ConnectionState.RECONNECTING, EndpointInput.RESTORED): ConnectionState.CONNECTED,
            (ConnectionState.RECONNECTING, EndpointInput.LEFT): ConnectionState.DISCONNECTED,
        }
    )
)
"""Every legal change of reachability; what is not here is refused."""


class EndpointCore:
    """Whether one endpoint can be reached, and until when it may come back."""

    def __init__(
        self, *, window: float, state: ConnectionState = ConnectionState.CONNECTING
    ) -> None:
        """Start in a state.

        Args:
            window: Seconds for which a lost endpoint is kept.
            state: Where it starts; a client that is in by the time it is known is connected.
        """
        self._window = window
        self._state = state
        self._deadline: float | None = None

    @property
    def state(self) -> ConnectionState:
        """Whether the endpoint can be reached."""
        return self._state

    @property
    def next_deadline(self) -> float | None:
        """When `tick` would end the endpoint, or None while nothing is awaited."""
        return self._deadline

    def handle(self, input_: EndpointInput, *, now: float) -> ConnectionState:
        """Apply one input and return the new state.

        Raises:
            InvalidStateError: The table has no such row; nothing changed.
        """
        target = TRANSITIONS.get((self._state, input_))
        if target is None:
            raise InvalidStateError(f"An endpoint that is {self._state} cannot be {input_}.")
        self._state = target
        lost = target is ConnectionState.RECONNECTING
        self._deadline = now + self._window if lost else None
        return target

    def tick(self, now: float) -> bool:
        """End an endpoint whose window is over; say whether that happened just now."""
        if self._deadline is None or now < self._deadline:
            return False
        self.handle(EndpointInput.LEFT, now=now)
        return True
