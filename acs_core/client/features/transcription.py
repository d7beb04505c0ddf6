"""`Features.TRANSCRIPTION`: whether what is said in the call is written down.

Transcription is started and stopped at the service; the texts belong to whoever started it.
Captions, which everybody may ask for, are `Features.CAPTIONS`.

Source: `TranscriptionCallFeature` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from typing import ClassVar

from acs_core.client.features.base import CallContext, CallFeature, Joined, News, RosterChanged
from acs_core.client.features.recording import grant_consent
from acs_core.events import TranscriptionEvent

__all__ = ["TranscriptionCallFeature"]


class TranscriptionCallFeature(CallFeature):
    """The transcription of a call."""

    NAME: ClassVar[str] = "Transcription"
    EVENTS: ClassVar[frozenset[str]] = frozenset(TranscriptionEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._is_active = False

    @property
    def is_transcription_active(self) -> bool:
        """Whether what is said is written down."""
        return self._is_active

    @property
    def is_teams_consent_required(self) -> bool:
        """Whether we must agree before we may unmute, or send a camera or a screen."""
        return self._context.is_consent_missing

    async def grant_teams_consent(self) -> None:
        """Agree to being recorded and transcribed.

        Raises:
            ServiceError: 400/41111: calls between two people have no consent; 400/41113: it is
                not asked for, or was given; 500/41112: the service failed to note it.
            InvalidStateError: The call is not connected.
            CallingError: 500/46001: the service could not be told.
        """
        await grant_consent(self._context, sub_code=46001)

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if not isinstance(news, Joined | RosterChanged):
            return
        is_active = self._context.joined_session().roster.activity.is_transcribing
        if is_active is not self._is_active:
            self._is_active = is_active
            self._emit(TranscriptionEvent.IS_TRANSCRIPTION_ACTIVE_CHANGED)
