"""Remote participants: the endpoints of one identity, merged into what ACS shows.

Theory of operation. After each change of the roster `Participants` groups the endpoints of
`Features.STREAMS` by identity, adds who is called or waits in the lobby, gives each participant
what is now true of them, and tells what changed: one event per property, one
`remoteParticipantsUpdated` per change of the roster. Who was in the call before us comes with one
such event when the call is connected: a program that looked while it was connecting saw nobody. Who
is called is the same object before and after they answer; a caller sees them (`anticipate`) while
the call is not connected yet.

Source: the vendor's how-to "Subscribe to SDK events" (learn.microsoft.com): a collection's event
is raised every time that something is added to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import (
    CallContext,
    Joined,
    News,
    Over,
    RosterChanged,
    Sampled,
)
from acs_core.client.features.streams import StreamsFeature
from acs_core.client.mixing import RemoteAudio
from acs_core.client.ports import RosterChange
from acs_core.client.publications import RemoteEndpoint, RemotePublication
from acs_core.client.remote_video import RemoteVideoStream, ViewSlots
from acs_core.core.facts import (
    EndpointAttributes,
    EndpointLeft,
    EndReason,
    ParticipantRole,
    PendingGone,
    PendingParticipant,
    PublicationKind,
)
from acs_core.core.participant import ParticipantCore, RemoteParticipantState, observe
from acs_core.core.roster import Roster
from acs_core.events import CollectionUpdate, RemoteParticipantEvent
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id, raw_id
from acs_core.models import CallLimits, DisplayNameChange, EndpointDetails

__all__ = ["Participants", "Presence", "RemoteParticipant", "audio_of"]

_VIDEO_KINDS = (PublicationKind.VIDEO, PublicationKind.SCREEN)


@dataclass(frozen=True, slots=True)
class Presence:
    """All that is known of one identity in a call.

    Attributes:
        endpoints: Its endpoints, in order of arrival.
        attributes: What the roster says of each of them.
        pending: How far it is on its way, while it has no endpoint.
        speaking: Ids of all endpoints in the call whose voice is heard.
        reason: Why it is gone, when it is.
    """

    endpoints: tuple[RemoteEndpoint, ...] = ()
    attributes: tuple[EndpointAttributes, ...] = ()
    pending: PendingParticipant | None = None
    speaking: frozenset[str] = frozenset()
    reason: EndReason | None = None


class RemoteParticipant(Emitter):
    """Somebody else in the call, with all their endpoints.

    Attributes:
        VIDEO_STREAM: What shows their cameras and screens.
    """

    VIDEO_STREAM: ClassVar[type[RemoteVideoStream]] = RemoteVideoStream
    EVENTS: ClassVar[frozenset[str]] = frozenset(RemoteParticipantEvent)
    EVENT_SUB_CODE: ClassVar[int] = 42002

    def __init__(
        self,
        identifier: CommunicationIdentifier,
        owner: TaskOwner,
        views: ViewSlots,
        mute: Callable[[RemoteParticipant], Awaitable[None]],
    ) -> None:
        super().__init__(owner)
        self._views = views
        self._mute = mute
        self._role = ParticipantRole.UNKNOWN
        self._identifier = identifier
        self._core = ParticipantCore()
        self._display_name = ""
        self._is_muted = True
        self._is_speaking = False
        self._endpoints: tuple[RemoteEndpoint, ...] = ()
        self._streams: dict[str, RemoteVideoStream] = {}
        self._end_reason: EndReason | None = None

    @property
    def identifier(self) -> CommunicationIdentifier:
        """Who it is."""
        return self._identifier

    @property
    def display_name(self) -> str:
        """What they want to be called."""
        return self._display_name

    @property
    def state(self) -> RemoteParticipantState:
        """Whether they are in the call; a lost network shows only when they are given up."""
        return self._core.state

    @property
    def call_end_reason(self) -> EndReason | None:
        """Why they are not in the call any longer; None while they are."""
        return self._end_reason

    @property
    def role(self) -> ParticipantRole:
        """What they may do in the call; `Unknown` until they are in it."""
        return self._role

    @property
    def is_muted(self) -> bool:
        """Whether none of their audio is enabled."""
        return self._is_muted

    @property
    def is_speaking(self) -> bool:
        """Whether their voice is heard now."""
        return self._is_speaking

    @property
    def video_streams(self) -> tuple[RemoteVideoStream, ...]:
        """Their cameras and screens, in the order of publishing; some may be unavailable."""
        return tuple(self._streams.values())

    @property
    def endpoint_details(self) -> tuple[EndpointDetails, ...]:
        """Their endpoints, in order of arrival."""
        return tuple(EndpointDetails(endpoint.id) for endpoint in self._endpoints)

    def audio_frames(self, *, maximum: int = 10) -> RemoteAudio:
        """Read their sound (ours): frames of 20 ms at 48 kHz, mixed if there are several streams.

        Args:
            maximum: Frames kept for a slow reader before the oldest is dropped.
        """
        return RemoteAudio(lambda: audio_of(self._endpoints), maximum=maximum)

    async def mute(self) -> None:
        """Mute their microphone; they see it, and may unmute.

        Raises:
            InvalidStateError: 405/42004: it is a telephone; 405/42005: they are not in the call, or
                the call is not connected; 405/42006: it is a call between two.
            ServiceError: 403/42000: our role does not allow it.
        """
        await self._mute(self)

    def update(self, presence: Presence) -> None:
        """Take what is now true of the participant, then tell what changed."""
        has_state = self._take_state(presence)
        old_name, has_role = self._display_name, self._take_role(presence)
        self._endpoints = endpoints = presence.endpoints
        if endpoints:
            self._display_name = endpoints[-1].display_name
        elif presence.pending is not None:
            self._display_name = presence.pending.name
        muted = all(not publication.is_enabled for publication in audio_of(endpoints))
        has_muted, self._is_muted = muted is not self._is_muted, muted
        streams = self._take_streams(endpoints)
        has_speaking = self._take_speaking(presence.speaking)
        if has_state:
            self._emit(RemoteParticipantEvent.STATE_CHANGED)
        if self._display_name != old_name:
            self._emit(
                RemoteParticipantEvent.DISPLAY_NAME_CHANGED,
                DisplayNameChange(self._display_name, old_name),
            )
        if has_role:
            self._emit(RemoteParticipantEvent.ROLE_CHANGED)
        if has_muted:
            self._emit(RemoteParticipantEvent.IS_MUTED_CHANGED)
        if streams.added or streams.removed:
            self._emit(RemoteParticipantEvent.VIDEO_STREAMS_UPDATED, streams)
        for stream in streams.removed:
            stream.set_available(False)
        for stream in self._streams.values():
            stream.set_available(stream.publication.is_enabled)
        if has_speaking:
            self._emit(RemoteParticipantEvent.IS_SPEAKING_CHANGED)

    def sample(self) -> None:
        """Look at the statistics of the streams; the call does this about once a second."""
        for stream in self._streams.values():
            stream.sample()

    def _take_state(self, presence: Presence) -> bool:
        held = [attributes.is_on_hold for attributes in presence.attributes]
        changed = self._core.follow(
            observe(
                (endpoint.state for endpoint in presence.endpoints),
                None if presence.pending is None else presence.pending.state,
                is_on_hold=bool(held) and all(held),
            )
        )
        if changed and self.state is RemoteParticipantState.DISCONNECTED:
            self._end_reason = presence.reason or EndReason()
        return changed

    def _take_role(self, presence: Presence) -> bool:
        # Who has gone keeps the role they had.
        role = presence.attributes[-1].role if presence.attributes else self._role
        changed, self._role = role is not self._role, role
        return changed

    def _take_speaking(self, speaking: frozenset[str]) -> bool:
        is_speaking = any(endpoint.id in speaking for endpoint in self._endpoints)
        changed = is_speaking is not self._is_speaking
        self._is_speaking = is_speaking
        return changed

    def _take_streams(
        self, endpoints: Iterable[RemoteEndpoint]
    ) -> CollectionUpdate[RemoteVideoStream]:
        wanted = {
            publication.id: publication
            for endpoint in endpoints
            for publication in endpoint.publications
            if publication.kind in _VIDEO_KINDS
        }
        removed = [self._streams.pop(key) for key in [*self._streams] if key not in wanted]
        added = []
        for key, publication in wanted.items():
            if key not in self._streams:
                self._streams[key] = self.VIDEO_STREAM(publication, self._owner, self._views)
                added.append(self._streams[key])
        return CollectionUpdate(tuple(added), tuple(removed))


def audio_of(endpoints: Iterable[RemoteEndpoint]) -> list[RemotePublication]:
    """The audio publications of some endpoints."""
    return [
        publication
        for endpoint in endpoints
        for publication in endpoint.publications
        if publication.kind is PublicationKind.AUDIO
    ]


class Participants:
    """Everybody else in a call, in order of arrival, one object per identity."""

    def __init__(
        self,
        context: CallContext,
        streams: StreamsFeature,
        limits: CallLimits,
        on_updated: Callable[[CollectionUpdate[RemoteParticipant]], None],
        mute: Callable[[RemoteParticipant], Awaitable[None]],
        kind: type[RemoteParticipant] = RemoteParticipant,
    ) -> None:
        self._kind = kind
        self._context = context
        self._streams = streams
        self._views = ViewSlots(limits)
        self._on_updated = on_updated
        self._mute = mute
        self._by_identity: dict[str, RemoteParticipant] = {}
        self._expected: set[str] = set()

    @property
    def all(self) -> tuple[RemoteParticipant, ...]:
        """Everybody else, in order of arrival; then who is called or waits in the lobby."""
        return tuple(self._by_identity.values())

    def by_identity(self, identity: str) -> RemoteParticipant | None:
        """Who has this raw id."""
        return self._by_identity.get(identity)

    def by_endpoint(self, endpoint_id: str) -> RemoteParticipant | None:
        """Whose endpoint it is."""
        endpoint = self._streams.endpoint(endpoint_id)
        return None if endpoint is None else self._by_identity.get(raw_id(endpoint.identifier))

    def dial(self, identifiers: Iterable[CommunicationIdentifier]) -> None:
        """Show the people for whom a call is begun; the service says nothing of them yet."""
        for identifier in identifiers:
            pending = PendingParticipant(identity=raw_id(identifier))
            self.expect(identifier).update(Presence(pending=pending))

    def expect(self, identifier: CommunicationIdentifier) -> RemoteParticipant:
        """Show somebody who is about to be called, and is neither here nor called."""
        identity = raw_id(identifier)
        self._expected.add(identity)
        participant = self._by_identity[identity] = self._make(identifier)
        self._on_updated(CollectionUpdate((participant,)))
        return participant

    def give_up(self, identity: str, reason: EndReason) -> None:
        """They could not be called."""
        self._expected.discard(identity)
        self._tell(self._reconcile({identity: reason}))

    def anticipate(self, changes: tuple[RosterChange, ...] = ()) -> None:
        """Take who is called from the roster of a call that is not connected yet."""
        self._tell(self._reconcile(_reasons(changes)))

    def handle(self, news: News) -> None:
        """Take news; called by the call, after the streams have taken them."""
        match news:
            case Joined():
                # Whoever looked while the call was connecting saw nobody, and is told now.
                self._tell(self._reconcile({}))
            case RosterChanged(changes=changes):
                self._tell(self._reconcile(_reasons(changes)))
            case Sampled():
                for participant in self.all:
                    participant.sample()
            case Over(reason=reason):
                for participant in self.all:
                    for stream in participant.video_streams:
                        stream.set_available(False)
                    if not participant.endpoint_details:
                        participant.update(Presence(reason=reason))  # They will not come now.
            case _:
                pass

    def _tell(self, update: CollectionUpdate[RemoteParticipant]) -> None:
        if update.added or update.removed:
            self._on_updated(update)

    def _make(self, identifier: CommunicationIdentifier) -> RemoteParticipant:
        return self._kind(identifier, self._context.listeners, self._views, self._mute)

    def _reconcile(self, gone: Mapping[str, EndReason]) -> CollectionUpdate[RemoteParticipant]:
        session = self._context.session
        roster = Roster() if session is None else session.roster
        groups: dict[str, list[RemoteEndpoint]] = {}
        for endpoint in self._streams.endpoints:
            groups.setdefault(raw_id(endpoint.identifier), []).append(endpoint)
        # Before the call is connected nobody has endpoints here, who has answered included.
        present = {info.identity for info in roster.endpoints.values()}
        self._expected -= {*groups, *present, *roster.pending}
        before = dict(self._by_identity)
        here = {*groups, *roster.pending, *self._expected, *(present & before.keys())}
        # Gone with the last endpoint: another client that waits in the lobby is a new participant.
        left = {key for key, item in before.items() if item.endpoint_details and key not in groups}
        removed = [self._by_identity.pop(key) for key in before if key not in here or key in left]
        fresh = {
            identity: self._make(parse_raw_id(identity))
            for identity in (*groups, *roster.pending)
            if identity not in self._by_identity
        }
        self._by_identity |= fresh
        speaking = frozenset(roster.speakers.speaking)
        # State first: whoever listens finds the collection as it is now.
        for identity, participant in self._by_identity.items():
            endpoints = tuple(groups.get(identity, ()))
            pending = roster.pending.get(identity)
            if endpoints or pending:
                infos = [roster.endpoints.get(endpoint.id) for endpoint in endpoints]
                attributes = tuple(info.attributes for info in infos if info is not None)
                participant.update(Presence(endpoints, attributes, pending, speaking))
        for participant in removed:
            reason = gone.get(raw_id(participant.identifier))
            participant.update(Presence(speaking=speaking, reason=reason))
        return CollectionUpdate(tuple(fresh.values()), tuple(removed))


def _reasons(changes: Iterable[RosterChange]) -> dict[str, EndReason]:
    """Why identities are gone, as far as these facts say it."""
    reasons = {}
    for change in changes:
        match change.fact:
            case EndpointLeft(reason=reason) if change.endpoint is not None:
                reasons[change.endpoint.identity] = reason
            case PendingGone(identity=identity, reason=reason) if reason is not None:
                reasons[identity] = reason
            case _:
                pass
    return reasons
