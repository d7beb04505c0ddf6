"""`Features.SPOTLIGHT`: who everybody should look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from acs_core import wire
from acs_core.client.features.asking import attributes_by_identity, in_order, raw_ids
from acs_core.client.features.base import CallContext, CallFeature, Joined, News, RosterChanged
from acs_core.core.moderation import MOST_SPOTLIGHTED
from acs_core.events import CollectionUpdate, SpotlightEvent
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id

__all__ = ["SpotlightCallFeature", "SpotlightedParticipant"]


@dataclass(frozen=True, slots=True)
class SpotlightedParticipant:
    """Somebody in the spotlight.

    Attributes:
        order: Place in the order of coming into the spotlight, from 1; None in `removed`.
    """

    identifier: CommunicationIdentifier
    order: int | None = None


class SpotlightCallFeature(CallFeature):
    """The spotlight of the call; what a program shows bigger is its own business.

    Source: `SpotlightCallFeature` of @azure/communication-calling 2.0.0.
    """

    NAME: ClassVar[str] = "Spotlight"
    EVENTS: ClassVar[frozenset[str]] = frozenset(SpotlightEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._lit: tuple[str, ...] = ()

    @property
    def max_participants_to_spotlight(self) -> int:
        """How many participants the spotlight holds."""
        return MOST_SPOTLIGHTED

    def get_spotlighted_participants(self) -> list[SpotlightedParticipant]:
        """Who is in the spotlight, in the order of coming there."""
        return [self._participant(identity) for identity in self._lit]

    async def start_spotlight(
        self, participants: Sequence[CommunicationIdentifier] | None = None
    ) -> None:
        """Put people in the spotlight, in this order; by default ourselves.

        Raises:
            InvalidStateError: The call is not connected.
            InvalidArgumentError: 400/45900: one of them is there already; 400/45902: there would
                be more than `max_participants_to_spotlight`; 400: one of them is not in the call.
            ServiceError: 403/45903: our role does not allow it; 400/45906: not in one-to-one calls.
        """
        await self._ask(True, participants)

    async def stop_spotlight(
        self, participants: Sequence[CommunicationIdentifier] | None = None
    ) -> None:
        """Take people out of the spotlight; by default ourselves, which everybody may.

        Raises:
            InvalidStateError: The call is not connected.
            InvalidArgumentError: 400: one of them is not in the call.
            ServiceError: 403/45903: our role does not allow it; 400/45906: not in one-to-one calls.
        """
        await self._ask(False, participants)

    async def stop_all_spotlight(self) -> None:
        """Leave nobody in the spotlight.

        Raises:
            InvalidStateError: The call is not connected.
            ServiceError: 403/45903: our role does not allow it; 400/45906: not in one-to-one calls.
        """
        await self._send(is_on=False, identities=None)

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if isinstance(news, Joined):
            self._lit = self._read()
        elif isinstance(news, RosterChanged):
            before, after = self._lit, self._read()
            gone = tuple(
                SpotlightedParticipant(parse_raw_id(identity))
                for identity in before
                if identity not in after
            )
            self._lit = after
            added = tuple(self._participant(item) for item in after if item not in before)
            if added or gone:
                self._emit(SpotlightEvent.SPOTLIGHT_CHANGED, CollectionUpdate(added, gone))

    def _read(self) -> tuple[str, ...]:
        known = attributes_by_identity(self._context.joined_session().roster)
        return in_order({key: [item.spotlight for item in items] for key, items in known.items()})

    def _participant(self, identity: str) -> SpotlightedParticipant:
        return SpotlightedParticipant(parse_raw_id(identity), self._lit.index(identity) + 1)

    async def _ask(
        self, is_on: bool, participants: Sequence[CommunicationIdentifier] | None
    ) -> None:
        identities = raw_ids(participants or ())
        # To the service no names mean ourselves; an empty list means nobody.
        if identities or participants is None:
            await self._send(is_on=is_on, identities=identities)

    async def _send(self, *, is_on: bool, identities: tuple[str, ...] | None) -> None:
        session = self._context.joined_session()
        endpoint = self._context.endpoint_id
        await session.ask(wire.Spotlight(endpoint=endpoint, is_on=is_on, identities=identities))
