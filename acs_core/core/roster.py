"""Who is in a call and what they offer, as a value that facts change.

Theory of operation. The service owns one `Roster` per call: it `commit`s facts, which gives each a
revision. Every endpoint starts from a snapshot (`Roster.restore`) and `apply`s what follows. Facts
that were already applied (a resumed session may replay them) change nothing; a gap in the
revisions, or a fact about something unknown, is refused as a whole, so a roster is never half
changed. Both ends run this code, so they cannot disagree about what a fact means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from acs_core.core.facts import (
    ActivityChanged,
    AttributesChanged,
    CallType,
    CallTypeChanged,
    EndpointChanged,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    Fact,
    MediaAccessChanged,
    PendingChanged,
    PendingGone,
    PendingParticipant,
    PublicationAdded,
    PublicationChanged,
    PublicationInfo,
    PublicationRemoved,
    RecordingChanged,
    SpeakersChanged,
)
from acs_core.errors import ProtocolError

__all__ = ["Roster"]


class Roster:
    """Endpoints and publications of one call at one revision, in order of arrival."""

    def __init__(self, call_type: CallType = CallType.GROUP) -> None:
        self._revision = 0
        self._call_type = call_type
        self._endpoints: dict[str, EndpointInfo] = {}
        self._owners: dict[str, str] = {}
        self._pending: dict[str, PendingParticipant] = {}
        self._speakers = SpeakersChanged()
        self._is_recording = False
        self._activity = ActivityChanged()
        self._media_access = MediaAccessChanged()

    @classmethod
    def restore(
        cls,
        revision: int,
        endpoints: Iterable[EndpointInfo],
        speakers: SpeakersChanged | None = None,
        *,
        pending: Iterable[PendingParticipant] = (),
        is_recording: bool = False,
        activity: ActivityChanged | None = None,
        media_access: MediaAccessChanged | None = None,
        call_type: CallType = CallType.GROUP,
    ) -> Roster:
        """A roster as a snapshot describes it.

        Args:
            revision: The revision of the last fact that the snapshot contains.
            endpoints: Everybody in the call, in order of arrival.
            speakers: Who speaks, when known.
            pending: Who is called or waits in the lobby.
            is_recording: Whether the call is being recorded.
            activity: What else is kept of the call, when known.
            media_access: What attendees may send; by default everything.
            call_type: How the call came about.
        """
        roster = cls(call_type)
        for endpoint in endpoints:
            roster._change(EndpointJoined(endpoint=endpoint))
        roster._pending = {participant.identity: participant for participant in pending}
        roster._speakers = speakers or SpeakersChanged()
        roster._is_recording = is_recording
        roster._activity = activity or ActivityChanged()
        roster._media_access = media_access or MediaAccessChanged()
        roster._revision = revision
        return roster

    @property
    def revision(self) -> int:
        """How many facts made this roster."""
        return self._revision

    @property
    def endpoints(self) -> Mapping[str, EndpointInfo]:
        """Everybody in the call by endpoint id, in order of arrival; a live, read-only view."""
        return MappingProxyType(self._endpoints)

    @property
    def pending(self) -> Mapping[str, PendingParticipant]:
        """Who is expected, by raw id, in the order of being called; a live, read-only view."""
        return MappingProxyType(self._pending)

    @property
    def call_type(self) -> CallType:
        """How the call came about; a call of two grows when a third is called."""
        return self._call_type

    @property
    def speakers(self) -> SpeakersChanged:
        """Who speaks."""
        return self._speakers

    @property
    def is_recording(self) -> bool:
        """Whether the call is being recorded."""
        return self._is_recording

    @property
    def activity(self) -> ActivityChanged:
        """Recordings, transcription, captions and consent."""
        return self._activity

    @property
    def media_access(self) -> MediaAccessChanged:
        """What attendees of the call may send by themselves."""
        return self._media_access

    def owner(self, publication: str) -> EndpointInfo | None:
        """The endpoint that offers a publication, or None when it is not offered."""
        owner = self._owners.get(publication)
        return None if owner is None else self._endpoints[owner]

    def publication(self, publication: str) -> PublicationInfo | None:
        """What is known of a publication, or None when it is not offered."""
        owner = self.owner(publication)
        if owner is None:
            return None
        return next(item for item in owner.publications if item.id == publication)

    def commit(self, fact: Fact) -> int:
        """Apply a new fact and return the revision it got.

        Raises:
            ProtocolError: The fact is about something that is not in the call.
        """
        self._change(fact)
        self._revision += 1
        return self._revision

    def apply(self, revision: int, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """Apply facts that arrived from the service.

        Args:
            revision: The revision of the last of `facts`.
            facts: Changes in order.

        Returns:
            The facts that were new, in order.

        Raises:
            ProtocolError: Facts are missing in between, or one cannot be true; nothing changed.
        """
        first = revision - len(facts) + 1
        if first > self._revision + 1:
            raise ProtocolError(
                f"Roster facts {self._revision + 1} to {first - 1} are missing.",
                next_step="Join again to get a fresh roster.",
            )
        new = tuple(facts[max(0, self._revision + 1 - first) :])
        others = (
            self._is_recording,
            self._activity,
            self._media_access,
            self._call_type,
        )
        before = (dict(self._endpoints), dict(self._owners), dict(self._pending), self._speakers)
        try:
            for fact in new:
                self._change(fact)
        except ProtocolError:
            self._endpoints, self._owners, self._pending, self._speakers = before
            (
                self._is_recording,
                self._activity,
                self._media_access,
                self._call_type,
            ) = others
            raise
        self._revision = max(self._revision, revision)
        return new

    def about(self, fact: Fact) -> EndpointInfo | None:
        """The endpoint that a fact is about, as it is now; None if it is about the call or gone."""
        match fact:
            case EndpointJoined(endpoint=endpoint):
                return endpoint
            case PublicationAdded(endpoint=endpoint_id) | EndpointLeft(endpoint=endpoint_id):
                return self._endpoints.get(endpoint_id)
            case (
                PublicationChanged(publication=publication)
                | PublicationRemoved(publication=publication)
            ):
                return self.owner(publication)
            case (
                SpeakersChanged()
                | RecordingChanged()
                | ActivityChanged()
                | PendingChanged()
                | PendingGone()
                | MediaAccessChanged()
                | CallTypeChanged()
            ):
                return None
            case _:
                return self._endpoints.get(fact.endpoint)

    def _change(self, fact: Fact) -> None:
        match fact:
            case EndpointJoined(endpoint=endpoint):
                self._join(endpoint)
            case EndpointChanged(endpoint=endpoint_id, state=state):
                self._endpoints[endpoint_id] = replace(self._known(endpoint_id), state=state)
            case AttributesChanged(endpoint=endpoint_id, attributes=attributes):
                known = self._known(endpoint_id)
                self._endpoints[endpoint_id] = replace(known, attributes=attributes)
            case PendingChanged(participant=participant):
                self._pending[participant.identity] = participant
            case PendingGone(identity=identity):
                if self._pending.pop(identity, None) is None:
                    raise ProtocolError(f"{identity} is not expected in the call.")
            case EndpointLeft(endpoint=endpoint_id):
                for publication in self._known(endpoint_id).publications:
                    del self._owners[publication.id]
                del self._endpoints[endpoint_id]
            case PublicationAdded(endpoint=endpoint_id, publication=publication):
                self._add(self._known(endpoint_id), publication)
            case PublicationChanged(publication=publication_id, enabled=enabled, priority=priority):
                self._edit(publication_id, enabled=enabled, priority=priority)
            case PublicationRemoved(publication=publication_id):
                self._remove(publication_id)
            case SpeakersChanged():
                self._speakers = fact
            case RecordingChanged(is_recording=is_recording):
                self._is_recording = is_recording
            case ActivityChanged():
                self._activity = fact
            case MediaAccessChanged():
                self._media_access = fact
            case CallTypeChanged(call_type=call_type):
                self._call_type = call_type

    def _known(self, endpoint_id: str) -> EndpointInfo:
        try:
            return self._endpoints[endpoint_id]
        except KeyError:
            raise ProtocolError(f"Endpoint {endpoint_id} is not in the call.") from None

    def _owner_of(self, publication_id: str) -> EndpointInfo:
        try:
            return self._endpoints[self._owners[publication_id]]
        except KeyError:
            raise ProtocolError(f"Publication {publication_id} is not offered.") from None

    def _join(self, endpoint: EndpointInfo) -> None:
        ids = [publication.id for publication in endpoint.publications]
        if endpoint.id in self._endpoints or len(set(ids)) < len(ids):
            raise ProtocolError(f"Endpoint {endpoint.id} is in the call already.")
        if any(publication_id in self._owners for publication_id in ids):
            raise ProtocolError(f"Endpoint {endpoint.id} brings a publication that is taken.")
        self._endpoints[endpoint.id] = endpoint
        self._owners.update(dict.fromkeys(ids, endpoint.id))

    def _add(self, owner: EndpointInfo, publication: PublicationInfo) -> None:
        if publication.id in self._owners:
            raise ProtocolError(f"Publication {publication.id} is offered already.")
        self._owners[publication.id] = owner.id
        self._endpoints[owner.id] = replace(owner, publications=(*owner.publications, publication))

    def _edit(self, publication_id: str, **changes: object) -> None:
        owner = self._owner_of(publication_id)
        self._endpoints[owner.id] = replace(
            owner,
            publications=tuple(
                replace(item, **changes) if item.id == publication_id else item
                for item in owner.publications
            ),
        )

    def _remove(self, publication_id: str) -> None:
        owner = self._owner_of(publication_id)
        del self._owners[publication_id]
        self._endpoints[owner.id] = replace(
            owner,
            publications=tuple(item for item in owner.publications if item.id != publication_id),
        )
