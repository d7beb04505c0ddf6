"""What a session is in, and what it tells its observer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from acs_core import wire
from acs_core.core.facts import EndpointInfo, EndReason, Fact
from acs_core.errors import CallingError
from acs_core.media.stats import PeerStats

__all__ = ["RosterChange", "SessionObserver", "SessionState", "SessionStats"]


class SessionState(StrEnum):
    """Where a session is in its life; `RECONNECTING` returns to `JOINED` or ends."""

    IDLE = "idle"
    JOINING = "joining"
    JOINED = "joined"
    RECONNECTING = "reconnecting"
    LEAVING = "leaving"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RosterChange:
    """A fact, with the endpoint it is about: as it was before what left, else as it is now."""

    fact: Fact
    endpoint: EndpointInfo | None


@dataclass(frozen=True, slots=True)
class SessionStats:
    """Measurements of both media connections; None while there is none."""

    publish: PeerStats | None
    subscribe: PeerStats | None


class SessionObserver(Protocol):
    """Who listens to a session; called on the event loop, one call at a time."""

    def on_state(self, state: SessionState, error: CallingError | None) -> None:
        """The state changed; `RECONNECTING` says why."""

    def on_facts(self, changes: tuple[RosterChange, ...]) -> None:
        """The roster changed; it already holds the changes."""

    def on_subscribed(self, publication: str) -> None:
        """`CallSession.receiver` now gives this publication's frames, or its data flows."""

    def on_unsubscribed(self, publication: str) -> None:
        """Nothing more comes of this publication."""

    def on_data(self, publication: str, payload: str | bytes) -> None:
        """A message of a data publication."""

    def on_quality(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        """Network quality levels changed."""

    def on_forwarding(self, changes: tuple[wire.Forwarding, ...]) -> None:
        """What the service forwards of the subscribed videos changed."""

    def on_lobby(self) -> None:
        """Joining waits for somebody who lets us in."""

    def on_notice(self, notice: wire.Notice) -> None:
        """News for this endpoint that is no part of the roster."""

    def on_ended(self, reason: EndReason) -> None:
        """The session is over; exactly once, and last."""
