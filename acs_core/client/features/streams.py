"""`Features.STREAMS`: endpoints and their publications, in the service's words.

This feature is ours, ACS has none like it. ACS shows participants with at most one camera and one
screen; the service knows endpoints with any number of named audio, video and data publications. The
ACS objects of `participants.py` and `local_media.py` stand on it, and so does the Twilio facade.

What an endpoint brings when it comes, and what goes with it when it leaves, has no
`publicationAdded` or `publicationRemoved` of its own: `endpointAdded` and `endpointRemoved` say it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from acs_core import wire
from acs_core.client.arguments import check_type
from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    DataReceived,
    Joined,
    News,
    Noticed,
    Over,
    RosterChanged,
    Subscribed,
    Unsubscribed,
)
from acs_core.client.ports import LocalStream, NewStream, RosterChange, SendOptions
from acs_core.client.publications import (
    LocalPublication,
    RemoteEndpoint,
    RemotePublication,
    opened,
)
from acs_core.client.streams import LocalAudioStream, LocalVideoStream
from acs_core.core.facts import (
    ActivityChanged,
    AttributesChanged,
    CallTypeChanged,
    DataReliability,
    EndpointChanged,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    MediaAccessChanged,
    PendingChanged,
    PendingGone,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationInfo,
    PublicationKind,
    PublicationRemoved,
    RecordingChanged,
    SpeakersChanged,
)
from acs_core.errors import CallingError, ServiceError, Stage
from acs_core.events import StreamsEvent
from acs_core.media.sources import MediaSource
from acs_core.media.stats import PeerStats

__all__ = ["StreamsFeature"]


class StreamsFeature(CallFeature):
    """Everybody's streams, and ours (not an ACS feature)."""

    NAME: ClassVar[str] = "Streams"
    EVENTS: ClassVar[frozenset[str]] = frozenset(StreamsEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._endpoints: dict[str, RemoteEndpoint] = {}
        self._publications: dict[str, RemotePublication] = {}
        self._locals: dict[str, LocalPublication] = {}
        self._is_held = False

    @property
    def local_endpoint_id(self) -> str:
        """The endpoint that is this call; equals `Call.id`."""
        return self._context.endpoint_id

    @property
    def endpoints(self) -> tuple[RemoteEndpoint, ...]:
        """The other endpoints, in order of arrival."""
        return tuple(self._endpoints.values())

    @property
    def publications(self) -> Mapping[str, RemotePublication]:
        """All publications of the others by id; a live, read-only view."""
        return MappingProxyType(self._publications)

    @property
    def local_publications(self) -> tuple[LocalPublication, ...]:
        """What we publish, in the order of publishing."""
        return tuple(self._locals.values())

    @property
    def is_recording(self) -> bool:
        """Whether the service records the call; after its end, as it was then."""
        session = self._context.session
        return session is not None and session.roster.is_recording

    @property
    def connections(self) -> tuple[PeerStats, ...]:
        """Measurements of our media connections: the one that sends, the one that receives."""
        session = self._context.session
        if session is None:
            return ()
        stats = session.stats()
        return tuple(one for one in (stats.publish, stats.subscribe) if one is not None)

    def endpoint(self, endpoint_id: str) -> RemoteEndpoint | None:
        """One of `endpoints` by id."""
        return self._endpoints.get(endpoint_id)

    async def publish(
        self,
        source: MediaSource | LocalVideoStream | LocalAudioStream,
        *,
        name: str = "",
        enabled: bool = True,
        priority: Priority = Priority.STANDARD,
        screen: bool = False,
        encoding: SendOptions | None = None,
    ) -> LocalPublication:
        """Offer a stream of sound or pictures to the call.

        Args:
            source: Where it comes from; it stays the caller's and is not closed here.
            name: Unique among our publications; the service makes one up for an empty name.
            enabled: Whether it sends from the start.
            priority: What matters when not everything can be sent.
            screen: Pictures of a screen rather than of a camera.
            encoding: Codec, bit rates and sizes.

        Raises:
            InvalidArgumentError: 400: it is no source and no stream.
            InvalidStateError: The call is not connected.
            SourceUnavailableError: The source cannot be opened.
            ServiceError: The service refuses it, for instance because the name is taken.
        """
        check_type(source, (MediaSource, LocalVideoStream, LocalAudioStream), "The source")
        media = source if isinstance(source, MediaSource) else source.media_source
        kind = PublicationKind(media.kind)
        if screen and kind is PublicationKind.VIDEO:
            kind = PublicationKind.SCREEN
        return await self.publish_stream(
            NewStream(
                kind=kind,
                source=media,
                name=name,
                enabled=enabled,
                priority=priority,
                encoding=encoding or SendOptions(),
            )
        )

    async def publish_data(
        self,
        *,
        name: str = "",
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time_ms: int | None = None,
    ) -> LocalPublication:
        """Offer a stream of messages to the call.

        Args:
            name: As for `publish`.
            ordered: Messages arrive in the order in which they were sent.
            max_retransmits: Give a message up after so many resends; 0 to 65535.
            max_packet_life_time_ms: Give a message up after so many milliseconds; 0 to 65535.

        Raises:
            InvalidArgumentError: Both limits are given, or one is out of range.
            InvalidStateError: The call is not connected.
            ServiceError: The service refuses it.
        """
        reliability = DataReliability(
            ordered=ordered,
            max_retransmits=max_retransmits,
            max_packet_life_time_ms=max_packet_life_time_ms,
        )
        return await self.publish_stream(
            NewStream(kind=PublicationKind.DATA, name=name, reliability=reliability)
        )

    async def publish_stream(self, new: NewStream) -> LocalPublication:
        """Publish in the session's own words; `publish` and `publish_data` are for people.

        Raises:
            CallingError: As those.
        """
        check_type(new, NewStream, "A new stream")
        session = self._context.joined_session()
        async with opened(new.source):
            return self.adopt(await session.publish(new))

    async def unpublish(self, publication: LocalPublication) -> None:
        """Withdraw a stream; its source goes on. Withdrawing it again does nothing.

        Raises:
            InvalidArgumentError: 400: it is no publication of ours.
            CallingError: The service could not be told.
        """
        check_type(publication, LocalPublication, "A publication of ours")
        if self._locals.pop(publication.id, None) is not None:
            publication.end()
            await self._context.joined_session().unpublish(publication.stream)

    def adopt(self, stream: LocalStream) -> LocalPublication:
        """The publication of one of the session's streams; the call does this after joining."""
        publication = self._locals.get(stream.id)
        if publication is None:
            publication = LocalPublication(self._context, stream, self._publication_failed)
            self._locals[stream.id] = publication
            stream.set_held(self._is_held)
        return publication

    def set_held(self, is_held: bool) -> None:
        """Send no sound and no pictures while the call is on hold; the call does this."""
        self._is_held = is_held
        for publication in self._locals.values():
            publication.stream.set_held(is_held)

    # ------------------------------------------------------------ news

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case Joined():
                self._restore()
            case RosterChanged(changes=changes):
                for change in changes:
                    self._change(change)
            case Subscribed(publication=publication_id):
                self._subscribe(publication_id)
            case Unsubscribed(publication=publication_id):
                self._unsubscribe(self._publications.get(publication_id))
            case DataReceived(publication=publication_id, payload=payload):
                if publication_id in self._publications:
                    source = self._publications[publication_id]
                    self._emit(StreamsEvent.DATA_RECEIVED, source, payload)
            case Noticed(notice=wire.MediaMissing() as missing):
                local = self._locals.get(missing.publication)
                if local is not None:
                    self._emit(StreamsEvent.RECORDED_MEDIA_CHANGED, local, missing.is_missing)
            case Over():
                for publication in self._publications.values():
                    publication.set_subscribed(False)
                for local in self._locals.values():
                    local.end()
            case _:
                pass

    def _restore(self) -> None:
        session = self._context.joined_session()
        for info in session.roster.endpoints.values():
            if info.id != self.local_endpoint_id:
                self._add_endpoint(info)
        for publication in self._publications.values():
            publication.set_subscribed(session.is_subscribed(publication.id))

    def _change(self, change: RosterChange) -> None:
        """Apply one fact; facts about ourselves are the local publications' own business."""
        owner = change.endpoint
        if owner is not None and owner.id == self.local_endpoint_id:
            if isinstance(change.fact, PublicationRemoved):
                self._withdrawn(change.fact.publication)
            return
        match change.fact:
            case EndpointJoined(endpoint=info):
                self._emit(StreamsEvent.ENDPOINT_ADDED, self._add_endpoint(info))
            case EndpointLeft(endpoint=endpoint_id, reason=reason):
                self._remove_endpoint(endpoint_id, reason)
            case EndpointChanged(endpoint=endpoint_id, state=state):
                endpoint = self._endpoints[endpoint_id]
                endpoint.set_state(state)
                self._emit(StreamsEvent.ENDPOINT_STATE_CHANGED, endpoint)
            case PublicationAdded(endpoint=endpoint_id, publication=info):
                publication = self._add_publication(self._endpoints[endpoint_id], info)
                self._emit(StreamsEvent.PUBLICATION_ADDED, publication)
            case PublicationChanged(publication=publication_id, enabled=enabled, priority=priority):
                publication = self._publications[publication_id]
                changed = publication.set_facts(enabled=enabled, priority=priority)
                if changed:
                    self._emit(StreamsEvent.PUBLICATION_CHANGED, publication, changed)
            case PublicationRemoved(publication=publication_id):
                self._remove_publication(publication_id)
            case RecordingChanged():
                self._emit(StreamsEvent.RECORDING_CHANGED)
            case (
                SpeakersChanged()
                | ActivityChanged()
                | AttributesChanged()
                | PendingChanged()
                | PendingGone()
                | MediaAccessChanged()
                | CallTypeChanged()
            ):
                pass

    def _add_endpoint(self, info: EndpointInfo) -> RemoteEndpoint:
        endpoint = RemoteEndpoint(info)
        self._endpoints[info.id] = endpoint
        for item in info.publications:
            self._add_publication(endpoint, item)
        return endpoint

    def _add_publication(self, owner: RemoteEndpoint, info: PublicationInfo) -> RemotePublication:
        publication = RemotePublication(self._context, owner, info)
        self._publications[info.id] = publication
        owner.add(publication)
        return publication

    def _remove_endpoint(self, endpoint_id: str, reason: EndReason) -> None:
        endpoint = self._endpoints.pop(endpoint_id)
        for publication in endpoint.publications:
            self._unsubscribe(publication)
            del self._publications[publication.id]
        endpoint.end()
        self._emit(StreamsEvent.ENDPOINT_REMOVED, endpoint, reason)

    def _remove_publication(self, publication_id: str) -> None:
        publication = self._publications[publication_id]
        self._unsubscribe(publication)
        del self._publications[publication_id]
        publication.endpoint.remove(publication)
        self._emit(StreamsEvent.PUBLICATION_REMOVED, publication)

    def _subscribe(self, publication_id: str) -> None:
        publication = self._publications.get(publication_id)
        if publication is not None and publication.set_subscribed(True):
            self._emit(StreamsEvent.SUBSCRIBED, publication)

    def _unsubscribe(self, publication: RemotePublication | None) -> None:
        if publication is not None and publication.set_subscribed(False):
            self._emit(StreamsEvent.UNSUBSCRIBED, publication)

    def _withdrawn(self, publication_id: str) -> None:
        """Take that others ended a stream of ours; what we end ourselves is gone already."""
        publication = self._locals.pop(publication_id, None)
        if publication is None:
            return
        publication.end()
        session = self._context.joined_session()
        self._context.enqueue(lambda: session.unpublish(publication.stream), "end withdrawn stream")
        error = ServiceError(
            f"Publication {publication.name!r} was withdrawn: it is not allowed any more.",
            stage=Stage.ADMISSION,
            next_step="Look at Features.CAPABILITIES.",
        )
        self._publication_failed(publication, error)

    def _publication_failed(self, publication: LocalPublication, error: CallingError) -> None:
        self._emit(StreamsEvent.LOCAL_PUBLICATION_FAILED, publication, error)
