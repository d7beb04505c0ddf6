"""`Features.DOMINANT_SPEAKERS`: who speaks, the most recent dominant speaker first.

The service decides it from audio levels; here endpoints become identifiers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    Joined,
    News,
    RosterChanged,
)
from acs_core.core.facts import SpeakersChanged
from acs_core.events import DominantSpeakersEvent
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id
from acs_core.models import DominantSpeakersInfo

__all__ = ["DominantSpeakersCallFeature"]


class DominantSpeakersCallFeature(CallFeature):
    """Who dominates the conversation.

    Source: `DominantSpeakersCallFeature` of @azure/communication-calling 2.0.0; `ranking` and
    `dominant_endpoint` are ours.
    """

    NAME: ClassVar[str] = "DominantSpeakers"
    EVENTS: ClassVar[frozenset[str]] = frozenset(DominantSpeakersEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._info = DominantSpeakersInfo((), datetime.now(UTC))
        self._speakers = SpeakersChanged()

    @property
    def dominant_speakers(self) -> DominantSpeakersInfo:
        """Identifiers of those who spoke, and when the list changed last."""
        return self._info

    @property
    def ranking(self) -> tuple[str, ...]:
        """Endpoint ids of those who spoke; the local endpoint may be among them."""
        return self._speakers.ranking

    @property
    def dominant_endpoint(self) -> str | None:
        """The endpoint that dominates now, or None after a silence."""
        return self._speakers.dominant

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if isinstance(news, Joined):
            self._take(is_first=True)
        elif isinstance(news, RosterChanged) and any(
            isinstance(change.fact, SpeakersChanged) for change in news.changes
        ):
            self._take(is_first=False)

    def _take(self, *, is_first: bool) -> None:
        roster = self._context.joined_session().roster
        before, self._speakers = self._speakers, roster.speakers
        identities = dict.fromkeys(
            roster.endpoints[endpoint].identity
            for endpoint in self._speakers.ranking
            if endpoint in roster.endpoints
        )
        speakers: tuple[CommunicationIdentifier, ...] = tuple(
            parse_raw_id(identity) for identity in identities
        )
        changed = speakers != self._info.speakers_list
        if changed:
            self._info = DominantSpeakersInfo(speakers, datetime.now(UTC))
        if not is_first and (changed or before.dominant != self._speakers.dominant):
            self._emit(DominantSpeakersEvent.DOMINANT_SPEAKERS_CHANGED)
