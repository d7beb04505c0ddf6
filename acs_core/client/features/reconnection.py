"""`Features.RECONNECTION`: whether the network is lost and being restored (ours).

In ACS a lost network shows only in diagnostics, the call stays `Connected`; Twilio has events.
"""

from __future__ import annotations

from typing import ClassVar

from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    LinkLost,
    LinkRestored,
    News,
    Over,
)
from acs_core.errors import CallingError
from acs_core.events import ReconnectionEvent

__all__ = ["ReconnectionFeature"]


class ReconnectionFeature(CallFeature):
    """Whether the call is reconnecting, and why (not an ACS feature)."""

    NAME: ClassVar[str] = "Reconnection"
    EVENTS: ClassVar[frozenset[str]] = frozenset(ReconnectionEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._cause: CallingError | None = None

    @property
    def is_reconnecting(self) -> bool:
        """Whether the network is lost and being restored."""
        return self._cause is not None

    @property
    def cause(self) -> CallingError | None:
        """What was lost: its stage is SIGNALING for the service, ICE for media."""
        return self._cause

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case LinkLost(error=error):
                is_new, self._cause = self._cause is None, error
                if is_new:
                    self._emit(ReconnectionEvent.RECONNECTING, error)
            case LinkRestored():
                was_lost, self._cause = self._cause is not None, None
                if was_lost:
                    self._emit(ReconnectionEvent.RECONNECTED)
            case Over():
                self._cause = None
            case _:
                pass
