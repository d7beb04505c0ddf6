"""Turns what a session says into news, and hands news to those who take them, in order.

Before a call is connected the takers hear nothing: at `Joined` they read the session's whole state.
What that state does not hold, messages and measurements, is kept until then. Only the call hears
how the roster changes meanwhile, because a caller waits for others to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from acs_core import wire
from acs_core.client.features.base import (
    DataReceived,
    ForwardingReported,
    LinkLost,
    LinkRestored,
    News,
    Noticed,
    Over,
    QualityReported,
    RosterChanged,
    Subscribed,
    Unsubscribed,
)
from acs_core.client.ports import RosterChange, SessionState
from acs_core.core.facts import EndReason
from acs_core.errors import CallingError, Stage, TransportError

__all__ = ["NewsDesk", "NewsTaker"]

EARLY_LIMIT: Final = 256
"""News kept while connecting; a call that takes longer than that loses the newest."""


class NewsTaker(Protocol):
    """Who wants news of a call."""

    def handle(self, news: News) -> None:
        """Take news."""


class NewsDesk:
    """The observer of one call's session."""

    def __init__(
        self,
        on_ended: Callable[[EndReason], None],
        on_lobby: Callable[[], None],
        on_early_facts: Callable[[tuple[RosterChange, ...]], None],
    ) -> None:
        self._on_ended = on_ended
        self._on_lobby = on_lobby
        self._on_early_facts = on_early_facts
        self._takers: tuple[NewsTaker, ...] = ()
        self._is_open = False
        self._early: list[News] = []

    def deliver_to(self, takers: Iterable[NewsTaker]) -> None:
        """Name the takers, in the order in which they hear."""
        self._takers = tuple(takers)

    def open(self, first: News) -> None:
        """The call is connected: give out `first`; what was kept follows with `catch_up`."""
        self._is_open = True
        self.publish(first)

    def catch_up(self) -> None:
        """Give out what was kept while connecting."""
        early, self._early = self._early, []
        for news in early:
            self.publish(news)

    def close(self, last: Over) -> None:
        """The call is over: give out `last`, and nothing after it."""
        self._is_open = True
        self.publish(last)
        self._is_open = False
        self._takers = ()
        self._early.clear()

    def publish(self, news: News) -> None:
        """Hand news to all takers, or keep them until the call is connected."""
        if self._is_open:
            for taker in self._takers:
                taker.handle(news)
        elif (
            self._takers
            and len(self._early) < EARLY_LIMIT
            and not isinstance(news, Subscribed | Unsubscribed)
        ):
            self._early.append(news)

    # ------------------------------------------------------------ SessionObserver

    def on_state(self, state: SessionState, error: CallingError | None) -> None:
        """Hear of a lost or restored network."""
        if state is SessionState.RECONNECTING:
            cause = error or TransportError("The connection was lost.", stage=Stage.SIGNALING)
            self.publish(LinkLost(cause))
        elif state is SessionState.JOINED:
            self.publish(LinkRestored())

    def on_facts(self, changes: tuple[RosterChange, ...]) -> None:
        """Hear of a changed roster."""
        if self._is_open:
            self.publish(RosterChanged(changes))
        elif self._takers:
            self._on_early_facts(changes)

    def on_subscribed(self, publication: str) -> None:
        """Hear that a publication is received."""
        self.publish(Subscribed(publication))

    def on_unsubscribed(self, publication: str) -> None:
        """Hear that a publication is received no longer."""
        self.publish(Unsubscribed(publication))

    def on_data(self, publication: str, payload: str | bytes) -> None:
        """Hear a message."""
        self.publish(DataReceived(publication, payload))

    def on_forwarding(self, changes: tuple[wire.Forwarding, ...]) -> None:
        """Hear what the service forwards."""
        self.publish(ForwardingReported(changes))

    def on_quality(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        """Hear of network quality."""
        self.publish(QualityReported(levels))

    def on_lobby(self) -> None:
        """Hear that joining waits in the lobby."""
        self._on_lobby()

    def on_notice(self, notice: wire.Notice) -> None:
        """Hear what the service has to say to this endpoint alone."""
        self.publish(Noticed(notice))

    def on_ended(self, reason: EndReason) -> None:
        """Hear that the session is over."""
        self._on_ended(reason)
