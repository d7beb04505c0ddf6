"""Remote participants: the endpoints of one identity, merged into what ACS shows.

Theory of operation. After each change of the roster `Participants` groups the endpoints of
`Features.STREAMS` by identity, gives each participant what is now true of them, and tells what
changed: one event per property, one `remoteParticipantsUpdated` per change of the roster. Who was
in the call at first has no event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
from acs_core.client.publications import RemoteEndpoint, RemotePublication
from acs_core.client.remote_video import RemoteVideoStream, ViewSlots
from acs_core.core.facts import EndpointLeft, EndReason, PublicationKind
from acs_core.core.participant import ParticipantCore, RemoteParticipantState, observe
from acs_core.events import CollectionUpdate, RemoteParticipantEvent
from acs_core.identifiers import CommunicationIdentifier, raw_id
from acs_core.models import CallLimits, DisplayNameChange, EndpointDetails

__all__ = ["Participants", "RemoteParticipant"]

_VIDEO_KINDS = (PublicationKind.VIDEO, PublicationKind.SCREEN)


class RemoteParticipant(Emitter):
    """Somebody else in the call, with all their endpoints."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(RemoteParticipantEvent)
    EVENT_SUB_CODE: ClassVar[int] = 42002

    def __init__(
        self, identifier: CommunicationIdentifier, owner: TaskOwner, views: ViewSlots
    ) -> None:
        super().__init__(owner)
        self._views = views
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

    def update(
        self,
        endpoints: tuple[RemoteEndpoint, ...],
        speaking: frozenset[str],
        reason: EndReason | None,
    ) -> None:
        """Take what is now true of the participant, then tell what changed."""
        input_ = observe(endpoint.state for endpoint in endpoints)
        has_state = self._core.accepts(input_)
        if has_state:
            self._core.handle(input_)
        if self.state is RemoteParticipantState.DISCONNECTED:
            self._end_reason = reason or EndReason()
        old_name = self._display_name
        self._endpoints = endpoints
        if endpoints:
            self._display_name = endpoints[-1].display_name
        muted = all(not publication.is_enabled for publication in audio_of(endpoints))
        has_muted, self._is_muted = muted is not self._is_muted, muted
        streams = self._take_streams(endpoints)
        has_speaking = self._take_speaking(speaking)
        if has_state:
            self._emit(RemoteParticipantEvent.STATE_CHANGED)
        if self._display_name != old_name:
            self._emit(
                RemoteParticipantEvent.DISPLAY_NAME_CHANGED,
                DisplayNameChange(self._display_name, old_name),
            )
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
                self._streams[key] = RemoteVideoStream(publication, self._owner, self._views)
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
    ) -> None:
        self._context = context
        self._streams = streams
        self._views = ViewSlots(limits)
        self._on_updated = on_updated
        self._by_identity: dict[str, RemoteParticipant] = {}

    @property
    def all(self) -> tuple[RemoteParticipant, ...]:
        """Everybody else, in order of arrival."""
        return tuple(self._by_identity.values())

    def by_endpoint(self, endpoint_id: str) -> RemoteParticipant | None:
        """Whose endpoint it is."""
        endpoint = self._streams.endpoint(endpoint_id)
        return None if endpoint is None else self._by_identity.get(raw_id(endpoint.identifier))

    def handle(self, news: News) -> None:
        """Take news; called by the call, after the streams have taken them."""
        match news:
            case Joined():
                self._reconcile({})
            case RosterChanged(changes=changes):
                reasons = {
                    change.fact.endpoint: change.fact.reason
                    for change in changes
                    if isinstance(change.fact, EndpointLeft)
                }
                gone = {
                    change.endpoint.identity: reasons[change.endpoint.id]
                    for change in changes
                    if change.endpoint is not None and change.endpoint.id in reasons
                }
                update = self._reconcile(gone)
                if update.added or update.removed:
                    self._on_updated(update)
            case Sampled():
                for participant in self.all:
                    participant.sample()
            case Over():
                for participant in self.all:
                    for stream in participant.video_streams:
                        stream.set_available(False)
            case _:
                pass

    def _reconcile(self, gone: Mapping[str, EndReason]) -> CollectionUpdate[RemoteParticipant]:
        groups: dict[str, list[RemoteEndpoint]] = {}
        for endpoint in self._streams.endpoints:
            groups.setdefault(raw_id(endpoint.identifier), []).append(endpoint)
        speaking = frozenset(self._context.joined_session().roster.speakers.speaking)
        before = dict(self._by_identity)
        added = []
        for identity, endpoints in groups.items():
            if identity not in before:
                fresh = RemoteParticipant(
                    endpoints[0].identifier, self._context.listeners, self._views
                )
                self._by_identity[identity] = fresh
                added.append(fresh)
        removed = [self._by_identity.pop(key) for key in before if key not in groups]
        # State first: whoever listens finds the collection as it is now.
        for identity, participant in self._by_identity.items():
            participant.update(tuple(groups[identity]), speaking, None)
        for participant in removed:
            participant.update((), speaking, gone.get(raw_id(participant.identifier)))
        return CollectionUpdate(tuple(added), tuple(removed))
