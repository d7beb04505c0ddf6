"""`Features.RAISE_HAND`: who wants to speak, in the order of asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from acs_core import wire
from acs_core.client.features.asking import attributes_by_identity, in_order, raw_ids
from acs_core.client.features.base import CallContext, CallFeature, Joined, News, RosterChanged
from acs_core.events import RaiseHandEvent
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id

__all__ = ["RaiseHandCallFeature", "RaisedHand", "RaisedHandChangedEvent"]


@dataclass(frozen=True, slots=True)
class RaisedHand:
    """A hand that is up.

    Attributes:
        order: Place in the line, from 1; the first was raised first.
    """

    identifier: CommunicationIdentifier
    order: int


@dataclass(frozen=True, slots=True)
class RaisedHandChangedEvent:
    """Whose hand was raised or lowered."""

    identifier: CommunicationIdentifier


class RaiseHandCallFeature(CallFeature):
    """Hands of everybody in the call, our own included.

    Source: `RaiseHandCallFeature` of @azure/communication-calling 2.0.0.
    """

    NAME: ClassVar[str] = "RaiseHand"
    EVENTS: ClassVar[frozenset[str]] = frozenset(RaiseHandEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._hands: tuple[str, ...] = ()

    def get_raised_hands(self) -> list[RaisedHand]:
        """Hands that are up, first come first."""
        places = enumerate(self._hands, start=1)
        return [RaisedHand(parse_raw_id(identity), order) for order, identity in places]

    async def raise_hand(self) -> None:
        """Raise our hand; nothing happens when it is up.

        Raises:
            InvalidStateError: The call is not connected.
            ServiceError: 400/45758: not in one-to-one calls; 403/45752: our role does not allow it.
        """
        await self._ask(is_raised=True)

    async def lower_hand(self) -> None:
        """Lower our hand; nothing happens when it is down.

        Raises:
            InvalidStateError: The call is not connected.
        """
        await self._ask(is_raised=False)

    async def lower_hands(self, identifiers: Sequence[CommunicationIdentifier]) -> None:
        """Lower the hands of some people; of nobody when there are none.

        Raises:
            InvalidStateError: The call is not connected.
            InvalidArgumentError: 400/45754: one of them is not in the call.
            ServiceError: 403/45754: our role does not allow it.
        """
        identities = raw_ids(identifiers)
        if identities:
            await self._ask(is_raised=False, identities=identities)

    async def lower_all_hands(self) -> None:
        """Lower everybody's hand.

        Raises:
            InvalidStateError: The call is not connected.
            ServiceError: 403/45755: our role does not allow it.
        """
        await self._ask(is_raised=False, identities=None)

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if isinstance(news, Joined):
            self._hands = self._read()
        elif isinstance(news, RosterChanged):
            before, self._hands = self._hands, self._read()
            for identity in before:
                if identity not in self._hands:
                    self._tell(RaiseHandEvent.LOWERED_HAND_EVENT, identity)
            for identity in self._hands:
                if identity not in before:
                    self._tell(RaiseHandEvent.RAISED_HAND_EVENT, identity)

    def _read(self) -> tuple[str, ...]:
        known = attributes_by_identity(self._context.joined_session().roster)
        return in_order({key: [item.hand for item in items] for key, items in known.items()})

    def _tell(self, event: RaiseHandEvent, identity: str) -> None:
        self._emit(event, RaisedHandChangedEvent(parse_raw_id(identity)))

    async def _ask(self, *, is_raised: bool, identities: tuple[str, ...] | None = ()) -> None:
        session = self._context.joined_session()
        request = wire.RaiseHand(
            endpoint=self._context.endpoint_id, is_raised=is_raised, identities=identities
        )
        await session.ask(request)
