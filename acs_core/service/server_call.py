"""One call as the service knows it.

Theory of operation. Protocol adapters (the native gateway, the Twilio gateway) turn their clients'
messages into the methods of `Endpoint`; every change becomes a fact in the call's roster, and each
endpoint's `EndpointObserver` (its adapter) hears all facts in order. Adapters never talk to each
other. What an endpoint receives follows from its policy and from what is published: the call keeps
`Endpoint.subscriptions` up to date and tells the adapter when they changed.

A call ends when its last endpoint leaves and nobody waits in its lobby. Twilio's rooms live on for
a while without participants, so that a name keeps its room: each call owns the timer of that, and
ends it when it ends.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

import msgspec

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import (
    ActivityChanged,
    AttributesChanged,
    CallType,
    CallTypeChanged,
    ConnectionState,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    Fact,
    PublicationAdded,
    PublicationChanged,
    PublicationInfo,
    PublicationKind,
    RecordingChanged,
    SpeakersChanged,
)
from acs_core.core.roster import Roster
from acs_core.core.rules import EXCLUDE_ALL, TrackRules, includes
from acs_core.service import admission
from acs_core.service.activity import CallActivity
from acs_core.service.admission import CallLimits, check_policy
from acs_core.service.endpoints import Endpoint, EndpointObserver, Publication
from acs_core.service.entering import check_newcomer, check_offer, replaced_by
from acs_core.service.history import CallRecord
from acs_core.service.identity import Principal
from acs_core.service.lobby import Lobby
from acs_core.service.meetings import MeetingRecord
from acs_core.service.publishing import new_publications
from acs_core.service.roles import attributes_of, refresh_permissions
from acs_core.service.rooms import RoomRecord, RoomTimes
from acs_core.service.sfu.router import Router
from acs_core.service.timers import CallLater, Timer, call_later
from acs_core.service.transcription import Transcription

__all__ = ["AT_ONCE", "DIALED", "CallWatcher", "ServerCall"]

AT_ONCE: Final = RoomTimes(empty=0.0, unused=0.0)
"""Such calls end with their last endpoint."""
PROBE_ENDPOINTS: Final = 2
"""In a test call: one sends and one receives. It opens with every token, and is no meeting."""
DIALED: Final = frozenset({CallType.ONE_TO_ONE, CallType.DIAL_OUT})
"""Calls that somebody began by calling others; they end when nobody is left to talk to."""


class CallWatcher(Protocol):
    """Hears who comes and goes, after the call's endpoints were told; must not raise."""

    def joined(self, endpoint: Endpoint) -> None:
        """An endpoint is in the call; its client does not know that yet."""

    def left(self, endpoint: Endpoint, reason: EndReason) -> None:
        """An endpoint is out of the call; it may have been the last one."""

    def ended(self, call: ServerCall, reason: EndReason) -> None:
        """A call ends; nobody is in it."""


OnChange: TypeAlias = Callable[[Endpoint | None], None]
"""Hears that what an endpoint is to receive may have changed; None for everybody's."""


class ServerCall:
    """One live session of a room or a group.

    `is_resumed` says that it began before the service was restarted.
    """

    def __init__(
        self,
        call_id: str,
        *,
        limits: CallLimits,
        type_: CallType = CallType.GROUP,
        on_ended: Callable[[ServerCall], None],
        watcher: CallWatcher | None = None,
        on_fact: Callable[[ServerCall, Fact], None] | None = None,
        room: RoomRecord | None = None,
        meeting: MeetingRecord | None = None,
        new_id: Callable[[], str],
        thread_id: str = "",
        group_id: str = "",
        is_probe: bool = False,
        times: RoomTimes = AT_ONCE,
        later: CallLater = call_later,
        clock: Callable[[], float] = time.time,
        resumed: CallRecord | None = None,
    ) -> None:
        self.id = call_id
        self.is_resumed = resumed is not None
        self.is_probe = is_probe
        self.room = room
        self.meeting = meeting
        self.group_id = group_id
        self.thread_id = thread_id if meeting is None else meeting.thread_id
        self.limits = limits
        self.roster = Roster(type_)
        self.router = Router(self.speakers_changed)
        self.activity = CallActivity(self, new_id)
        self.record = resumed or CallRecord(call_id, room, clock())
        self.on_change: OnChange | None = None
        self.on_left: Callable[[Endpoint], None] | None = None
        self.on_rules_changed: Callable[[], None] | None = None
        self.on_recording: Callable[[ServerCall], None] | None = None
        # By raw id, for who comes again; who is here has it in their attributes.
        self.forbidden: dict[str, set[str]] = {"audio": set(), "video": set()}
        self._on_ended = on_ended
        self._watcher = watcher
        self._on_fact = on_fact
        self._new_id = new_id
        self._times = times
        self._later = later
        self._clock = clock
        self._waiting: Timer | None = None
        self._stays: dict[str, Timer] = {}
        self._recording_rules = EXCLUDE_ALL if room is None else room.options.recording_rules
        self._endpoints: dict[str, Endpoint] = {}
        self._quality: dict[str, wire.QualityLevel] = {}
        self._numbers = itertools.count(1)
        self.lobby = None if meeting is None else Lobby(self, meeting, later)

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """Everybody in the call by endpoint id, in order of arrival."""
        return MappingProxyType(self._endpoints)

    @property
    def type(self) -> CallType:
        """How the call came about."""
        return self.roster.call_type

    @property
    def publications(self) -> list[Publication]:
        """Everything offered, in order of arrival of the endpoints."""
        return [
            publication
            for endpoint in self._endpoints.values()
            for publication in endpoint.publications.values()
        ]

    def join(
        self,
        endpoint_id: str,
        principal: Principal,
        observer: EndpointObserver,
        *,
        name: str = "",
        policy: wire.ReceivePolicy | None = None,
        publications: Iterable[wire.NewPublication] = (),
    ) -> Endpoint:
        """Let a client in.

        A Twilio participant that connects again replaces its earlier endpoint; ACS endpoints of
        one identity, and all endpoints of a test call, live side by side.

        Raises:
            ServiceError: The call is full, or has just ended; the role allows less than is to be
                published.
            InvalidArgumentError: A name is unusable, an id is taken.
        """
        check_newcomer(self, endpoint_id, {name, principal.display_name})
        policy = policy or wire.ReceivePolicy()
        check_policy(policy, self.limits)
        replaced = replaced_by(self, principal)
        if len(self._endpoints) - len(replaced) >= self.max_endpoints:
            raise admission.call_full(len(self._endpoints))
        endpoint = Endpoint(endpoint_id, principal, self, observer, policy)
        offered = tuple(self._new_publications(endpoint, tuple(publications)))
        # Nothing can be refused any more; a call whose only member is replaced goes on.
        for other in replaced:
            self._take_out(other, endings.DUPLICATE_IDENTITY)
        self._endpoints[endpoint_id] = endpoint
        self._begin_stay(endpoint)
        info = EndpointInfo(
            id=endpoint_id,
            identity=principal.raw_id,
            name=name or principal.display_name,
            publications=tuple(publication.info for publication in offered),
            attributes=attributes_of(self, endpoint),
        )
        self.commit(EndpointJoined(endpoint=info), silent_for=endpoint)
        if self.lobby is not None:
            self.lobby.entered(endpoint)
        if self._watcher is not None:
            self._watcher.joined(endpoint)
        return endpoint

    def set_thread(self, thread_id: str) -> None:
        """Give the call a chat, and tell everybody."""
        if thread_id == self.thread_id:
            return
        self.thread_id = thread_id
        for endpoint in list(self._endpoints.values()):
            notice = wire.ThreadChanged(endpoint=endpoint.id, thread_id=thread_id)
            endpoint.notify(notice)

    def set_attributes(self, endpoint: Endpoint, **changes: object) -> None:
        """Change what is known of an endpoint: fields of `EndpointAttributes`."""
        before = self.roster.endpoints[endpoint.id].attributes
        after = msgspec.structs.replace(before, **changes)
        if after != before:
            self.commit(AttributesChanged(endpoint=endpoint.id, attributes=after))
            if refresh_permissions(endpoint):
                self.refresh_subscriptions()

    @property
    def max_endpoints(self) -> int:
        """How many endpoints fit: the room's own maximum, within the service's."""
        if self.is_probe:
            return PROBE_ENDPOINTS
        if self.room is None:
            return self.limits.endpoints
        return self.room.options.participant_limit(
            usual=self.limits.endpoints, large=self.limits.large_endpoints
        )

    def publish(
        self, endpoint: Endpoint, wanted: tuple[wire.NewPublication, ...]
    ) -> tuple[PublicationInfo, ...]:
        """Offer streams of an endpoint; see `Endpoint.publish`."""
        self.activity.check_may_send(endpoint, (item.kind for item in wanted if item.enabled))
        fresh = []
        for publication in self._new_publications(endpoint, wanted):
            fresh.append(publication)
            self.commit(PublicationAdded(endpoint=endpoint.id, publication=publication.info))
        return tuple(publication.info for publication in fresh)

    def remove(self, endpoint: Endpoint, reason: EndReason, *, tell: bool = True) -> None:
        """Take an endpoint out of the call; does nothing when it is out already.

        Args:
            endpoint: Who.
            reason: Why, for itself and for the others.
            tell: Whether its adapter must be told; not when it asked for it.
        """
        if self._endpoints.get(endpoint.id) is not endpoint:
            return
        self._take_out(endpoint, reason, tell=tell)
        if self._watcher is not None:
            self._watcher.left(endpoint, reason)
        self.end_if_deserted(reason)

    def end_if_deserted(self, reason: EndReason) -> None:
        """End the call, after its time without participants, if nobody is or waits to be there.

        Args:
            reason: Why the last one is gone.
        """
        if self._endpoints or self.is_waiting or self.record.ended_at is not None:
            return
        if self._times.empty > 0:
            self.wait(self._times.empty)
        else:
            self._finish(reason)

    def wait(self, seconds: float) -> None:
        """Live on without participants, so long at most."""
        self._stop_waiting()
        self._waiting = self._later(seconds, self.complete)

    @property
    def is_waiting(self) -> bool:
        """Whether it lives on although nobody is there: for a while, or for its lobby."""
        return self._waiting is not None or (self.lobby is not None and not self.lobby.is_empty)

    def end(self, reason: EndReason, *, by: Endpoint | None = None) -> None:
        """End the call for everybody, at once: nobody sees the others go first."""
        everybody = list(self._endpoints.values())
        for endpoint in everybody:
            self._strike(endpoint)
        for endpoint in everybody:
            if endpoint is not by:
                endpoint.tell(lambda observer: observer.on_ended(reason))
        for endpoint in everybody:
            self.commit(EndpointLeft(endpoint=endpoint.id, reason=reason))
            self.router.forget(endpoint.id)
        if self.lobby is not None:
            self.lobby.close(reason)
        self._finish(reason)

    def complete(self) -> None:
        """End the room for everybody, as Twilio completes rooms."""
        self.end(endings.ROOM_COMPLETED)

    def speakers_changed(self, speakers: SpeakersChanged) -> None:
        """Tell everybody who speaks."""
        if speakers != self.roster.speakers:
            self.commit(speakers)

    @property
    def quality(self) -> tuple[wire.QualityLevel, ...]:
        """The network quality levels of everybody here, as far as they are known."""
        return tuple(self._quality.values())

    def quality_measured(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        """Remember details of network quality levels that are as they were; nobody is told."""
        self._quality |= {level.endpoint: level for level in levels}

    def quality_changed(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        """Tell network quality levels to the endpoints that want to know."""
        self.quality_measured(levels)
        for endpoint in list(self._endpoints.values()):
            if endpoint.policy.quality:
                endpoint.tell(lambda observer: observer.on_quality(levels))

    def transcribed(self, transcription: Transcription) -> None:
        """Tell everybody what somebody said."""
        for endpoint in list(self._endpoints.values()):
            endpoint.tell(lambda observer: observer.on_transcription(transcription))

    def commit(self, fact: Fact, *, silent_for: Endpoint | None = None) -> None:
        """Make a fact true and tell everybody, except an endpoint that gets it in a snapshot."""
        dominant = self.roster.speakers.dominant
        revision = self.roster.commit(fact)
        if isinstance(fact, PublicationChanged):
            self._publication_changed(fact.publication)
        for endpoint in list(self._endpoints.values()):
            if endpoint is not silent_for:
                endpoint.tell(lambda observer: observer.on_facts(revision, (fact,)))
        if self._on_fact is not None:
            self._on_fact(self, fact)
        if isinstance(fact, PublicationChanged) and any(
            endpoint.rules for endpoint in self._endpoints.values()
        ):
            # Rules may be about priorities.
            self.refresh_subscriptions()
        if not isinstance(fact, SpeakersChanged | RecordingChanged | ActivityChanged):
            self.refresh_recording(silent_for)
        if isinstance(fact, ActivityChanged | CallTypeChanged):
            self.activity.await_consent(silent_for)
        # Who else speaks, raises a hand or is recorded matters to nobody's videos.
        is_other_speaker = isinstance(fact, SpeakersChanged) and fact.dominant == dominant
        if not is_other_speaker and not isinstance(fact, AttributesChanged | ActivityChanged):
            self.changed()

    def changed(self, endpoint: Endpoint | None = None) -> None:
        """Tell `on_change` that what an endpoint is to receive may be something else.

        Args:
            endpoint: Whose; None for everybody's.
        """
        if self.on_change is not None:
            self.on_change(endpoint)

    @property
    def recording_rules(self) -> TrackRules:
        """Which publications are recorded."""
        return self._recording_rules

    def set_recording_rules(self, rules: TrackRules) -> None:
        """Choose which publications are recorded, from now on."""
        self._recording_rules = rules
        if self.on_rules_changed is not None:
            self.on_rules_changed()
        self.refresh_recording()
        self.changed()

    def is_recorded(self, publication: Publication) -> bool:
        """Whether this publication is kept: by the rules, or with the whole call.

        Where the call asks for consent, nothing is kept of who has not given it.
        """
        is_media = publication.info.kind is not PublicationKind.DATA
        is_wanted = self.activity.is_recorded_whole or self._is_in_rules(publication)
        return is_media and is_wanted and not self.activity.is_consent_missing(publication.owner)

    def refresh_recording(self, silent_for: Endpoint | None = None) -> None:
        """Work out again whether the call is recorded, and tell when that changed.

        Args:
            silent_for: Who learns it from a snapshot.
        """
        by_rules = any(map(self._is_in_rules, self.publications))
        self.activity.recorded_by_rules(by_rules, silent_for)
        is_recording = self.roster.activity.is_recording
        if is_recording is not self.roster.is_recording:
            self.commit(RecordingChanged(is_recording=is_recording), silent_for=silent_for)
        self.tell_recording()

    def tell_recording(self) -> None:
        """Tell `on_recording` that what is recorded, or where it comes from, may have changed."""
        if self.on_recording is not None:
            self.on_recording(self)

    def refresh_subscriptions(self) -> None:
        """Work out again what everybody receives."""
        for endpoint in list(self._endpoints.values()):
            endpoint.refresh_subscriptions()

    def check_publications(
        self, endpoint: Endpoint, wanted: tuple[wire.NewPublication, ...]
    ) -> None:
        """Refuse publications that `publish` would refuse; see `Endpoint.publish`.

        Args:
            endpoint: In the call or about to join it: then those that it replaces do not count.
            wanted: What it wants to offer.
        """
        check_offer(self, endpoint, wanted)

    def _take_out(self, endpoint: Endpoint, reason: EndReason, *, tell: bool = True) -> None:
        self._strike(endpoint)
        self.commit(EndpointLeft(endpoint=endpoint.id, reason=reason))
        # After it is gone: who dominated has left before nobody dominates.
        self.router.forget(endpoint.id)
        if tell:
            endpoint.tell(lambda observer: observer.on_ended(reason))
        self.refresh_subscriptions()

    def _strike(self, endpoint: Endpoint) -> None:
        """Count an endpoint as gone; nobody in the call is told."""
        del self._endpoints[endpoint.id]
        self._quality.pop(endpoint.id, None)
        self.record.left(endpoint.id, now=self._clock())
        stay = self._stays.pop(endpoint.id, None)
        if stay is not None:
            stay.cancel()
        endpoint.state = ConnectionState.DISCONNECTED
        if self.on_left is not None:
            self.on_left(endpoint)

    def _begin_stay(self, endpoint: Endpoint) -> None:
        """Somebody is there: nothing to wait for any more, and perhaps a limit to the visit."""
        self._stop_waiting()
        self.record.arrived(endpoint.id, endpoint.identity, now=self._clock())
        longest = None if self.room is None else self.room.options.max_participant_duration
        if longest is not None:
            self._stays[endpoint.id] = self._later(
                longest, lambda: self.remove(endpoint, endings.STAYED_TOO_LONG)
            )

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _finish(self, reason: EndReason) -> None:
        self._stop_waiting()
        if self.record.ended_at is None:
            self.record.ended_at, self.record.end_reason = self._clock(), reason
            if self._watcher is not None:
                self._watcher.ended(self, reason)
            self._on_ended(self)

    def _is_in_rules(self, publication: Publication) -> bool:
        return publication.info.kind is not PublicationKind.DATA and includes(
            self._recording_rules, publication.as_rule_subject()
        )

    def _publication_changed(self, publication_id: str) -> None:
        info = self.roster.publication(publication_id)
        owner = self.roster.owner(publication_id)
        if info is not None and owner is not None:
            self._endpoints[owner.id].publications[publication_id].info = info

    def _new_publications(
        self, endpoint: Endpoint, wanted: tuple[wire.NewPublication, ...]
    ) -> Iterator[Publication]:
        """What an endpoint offers, added to it one after the other; checked before the first."""
        self.check_publications(endpoint, wanted)
        made = new_publications(
            endpoint, wanted, numbers=self._numbers, new_id=self._new_id, now=self._clock()
        )
        for publication in made:
            endpoint.add(publication)
            yield publication
