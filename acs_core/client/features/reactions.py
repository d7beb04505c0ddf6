"""`Features.REACTION`: hearts and applause, shown for a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from acs_core import wire
from acs_core.client.features.asking import session_of
from acs_core.client.features.base import CallFeature, News, Noticed
from acs_core.core.moderation import Reaction
from acs_core.errors import InvalidArgumentError, Stage
from acs_core.events import ReactionEvent
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id

__all__ = ["ReactionCallFeature", "ReactionEventPayload", "ReactionMessage"]

_NOT_CONNECTED = (400, 45800)
_NO_SUCH_REACTION = 45808


@dataclass(frozen=True, slots=True)
class ReactionMessage:
    """A reaction; plain strings are taken, too."""

    reaction_type: Reaction | str


@dataclass(frozen=True, slots=True)
class ReactionEventPayload:
    """Who reacted, and how."""

    identifier: CommunicationIdentifier
    reaction_message: ReactionMessage


class ReactionCallFeature(CallFeature):
    """Reactions of everybody in the call, our own included.

    Source: `ReactionCallFeature` of @azure/communication-calling 2.0.0.
    """

    NAME: ClassVar[str] = "Reaction"
    EVENTS: ClassVar[frozenset[str]] = frozenset(ReactionEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45810

    async def send_reaction(self, reaction_message: ReactionMessage) -> None:
        """Show a reaction to everybody.

        Raises:
            InvalidStateError: 400/45800: the call is not connected.
            InvalidArgumentError: 400/45808: it is no reaction.
            ServiceError: 400/45801: not in one-to-one calls; 403/45804: our role does not allow it.
        """
        code, sub_code = _NOT_CONNECTED
        session = session_of(self._context, code=code, sub_code=sub_code)
        try:
            reaction = Reaction(reaction_message.reaction_type)
        except (ValueError, AttributeError):
            raise InvalidArgumentError(
                f"{reaction_message!r} is no reaction.",
                sub_code=_NO_SUCH_REACTION,
                stage=Stage.ARGUMENT,
                next_step="Use ReactionMessage with a member of Reaction.",
            ) from None
        await session.ask(wire.React(endpoint=self._context.endpoint_id, reaction=str(reaction)))

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if not isinstance(news, Noticed) or not isinstance(news.notice, wire.Reaction):
            return
        notice = news.notice
        # Whoever has left meanwhile cannot be named any more.
        sender = self._context.joined_session().roster.endpoints.get(notice.sender)
        if sender is not None and notice.reaction in set(Reaction):
            message = ReactionMessage(Reaction(notice.reaction))
            payload = ReactionEventPayload(parse_raw_id(sender.identity), message)
            self._emit(ReactionEvent.REACTION, payload)
