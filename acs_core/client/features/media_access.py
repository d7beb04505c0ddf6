"""`Features.MEDIA_ACCESS`: which attendees may speak and show themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from acs_core import wire
from acs_core.client.features.asking import attributes_by_identity, raw_ids, session_of
from acs_core.client.features.base import CallContext, CallFeature, Joined, News, RosterChanged
from acs_core.core.facts import MediaAccessChanged
from acs_core.errors import InvalidArgumentError
from acs_core.events import MediaAccessEvent
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id

__all__ = [
    "BaseMediaAccess",
    "MediaAccess",
    "MediaAccessCallFeature",
    "MediaAccessChangedEvent",
    "MeetingMediaAccess",
    "MeetingMediaAccessChangedEvent",
]

_NOT_CONNECTED = (412, 46505)
_INVALID_PARTICIPANTS = 46508


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseMediaAccess:
    """What may be sent.

    Attributes:
        is_audio_permitted: Sound.
        is_video_permitted: Pictures of a camera.
    """

    is_audio_permitted: bool
    is_video_permitted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaAccess(BaseMediaAccess):
    """What somebody may send."""

    participant: CommunicationIdentifier


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingMediaAccess(BaseMediaAccess):
    """What attendees may send, those included who come later."""


@dataclass(frozen=True, slots=True)
class MediaAccessChangedEvent:
    """What others may send, of those for whom it changed."""

    media_accesses: tuple[MediaAccess, ...]


@dataclass(frozen=True, slots=True)
class MeetingMediaAccessChangedEvent:
    """What attendees may send now."""

    meeting_media_access: MeetingMediaAccess


class MediaAccessCallFeature(CallFeature):
    """Permits and forbids attendees to send sound and pictures.

    The methods that name participants work in all calls but those between two (ACS: in meetings),
    those for all others in meetings only. They raise:

    * InvalidStateError: 412/46505: the call is not connected.
    * InvalidArgumentError: 400/46508: nobody is named, somebody who is not in the call, or somebody
      who is no attendee.
    * ServiceError: 403/46504: our role does not allow it; 403/46503, 403/46509: not in this call.

    Source: `MediaAccessCallFeature` of @azure/communication-calling 2.0.0.
    """

    NAME: ClassVar[str] = "MediaAccess"
    EVENTS: ClassVar[frozenset[str]] = frozenset(MediaAccessEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._others: dict[str, MediaAccess] = {}
        self._meeting = MediaAccessChanged()

    async def permit_audio(self, participants: Sequence[CommunicationIdentifier]) -> None:
        """Let some attendees unmute."""
        await self._some(participants, "audio", is_permitted=True)

    async def forbid_audio(self, participants: Sequence[CommunicationIdentifier]) -> None:
        """Mute some attendees, who cannot unmute then."""
        await self._some(participants, "audio", is_permitted=False)

    async def permit_others_audio(self) -> None:
        """Let all attendees unmute, those included who come later."""
        await self._ask(None, "audio", is_permitted=True)

    async def forbid_others_audio(self) -> None:
        """Mute all attendees, who cannot unmute then; who comes later cannot, either."""
        await self._ask(None, "audio", is_permitted=False)

    async def permit_video(self, participants: Sequence[CommunicationIdentifier]) -> None:
        """Let some attendees start their cameras."""
        await self._some(participants, "video", is_permitted=True)

    async def forbid_video(self, participants: Sequence[CommunicationIdentifier]) -> None:
        """Stop the cameras of some attendees, who cannot start them then."""
        await self._some(participants, "video", is_permitted=False)

    async def permit_others_video(self) -> None:
        """Let all attendees start their cameras, those included who come later."""
        await self._ask(None, "video", is_permitted=True)

    async def forbid_others_video(self) -> None:
        """Stop all attendees' cameras, which cannot be started then; later ones neither."""
        await self._ask(None, "video", is_permitted=False)

    def get_all_others_media_access(self) -> list[MediaAccess]:
        """What everybody else may send, in order of arrival; presenters always everything."""
        return list(self._others.values())

    def get_meeting_media_access(self) -> MeetingMediaAccess:
        """What attendees may send, those included who come later."""
        return MeetingMediaAccess(
            is_audio_permitted=self._meeting.is_audio_permitted,
            is_video_permitted=self._meeting.is_video_permitted,
        )

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if not isinstance(news, Joined | RosterChanged):
            return
        known, meeting = self._others, self._meeting
        self._others = self._read()
        self._meeting = self._context.joined_session().roster.media_access
        if isinstance(news, Joined):
            return
        changed = tuple(
            access
            for identity, access in self._others.items()
            if identity in known and known[identity] != access
        )
        if changed:
            event = MediaAccessChangedEvent(changed)
            self._emit(MediaAccessEvent.MEDIA_ACCESS_CHANGED, event)
        if meeting != self._meeting:
            self._emit(
                MediaAccessEvent.MEETING_MEDIA_ACCESS_CHANGED,
                MeetingMediaAccessChangedEvent(self.get_meeting_media_access()),
            )

    def _read(self) -> dict[str, MediaAccess]:
        roster = self._context.joined_session().roster
        own = roster.endpoints.get(self._context.endpoint_id)
        return {
            identity: MediaAccess(
                participant=parse_raw_id(identity),
                is_audio_permitted=all(item.is_audio_permitted for item in items),
                is_video_permitted=all(item.is_video_permitted for item in items),
            )
            for identity, items in attributes_by_identity(roster).items()
            if own is None or identity != own.identity
        }

    async def _some(
        self, participants: Sequence[CommunicationIdentifier], media: str, *, is_permitted: bool
    ) -> None:
        identities = raw_ids(participants)
        if not identities:
            raise InvalidArgumentError("No participant is named.", sub_code=_INVALID_PARTICIPANTS)
        await self._ask(identities, media, is_permitted=is_permitted)

    async def _ask(
        self, identities: tuple[str, ...] | None, media: str, *, is_permitted: bool
    ) -> None:
        code, sub_code = _NOT_CONNECTED
        session = session_of(self._context, code=code, sub_code=sub_code)
        await session.ask(
            wire.PermitMedia(
                endpoint=self._context.endpoint_id,
                identities=identities,
                media=media,
                is_permitted=is_permitted,
            )
        )
