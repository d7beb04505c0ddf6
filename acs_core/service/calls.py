"""Calls as the service knows them.

Theory of operation. Protocol adapters (the native gateway, the Twilio gateway) turn their clients'
messages into the methods of `Endpoint`; every change becomes a fact in the call's roster, and each
endpoint's `EndpointObserver` (its adapter) hears all facts in order. Adapters never talk to each
other. What an endpoint receives follows from its policy and from what is published: the call keeps
`Endpoint.subscriptions` up to date and tells the adapter when they changed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import (
    ConnectionState,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    Fact,
    PublicationAdded,
    PublicationChanged,
    PublicationInfo,
    SpeakersChanged,
)
from acs_core.core.roster import Roster
from acs_core.errors import InvalidArgumentError, ServiceError, Stage
from acs_core.service.endpoints import Endpoint, EndpointObserver, Publication
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import RoomRecord, Rooms
from acs_core.service.sfu.router import Router

__all__ = ["CallLimits", "Calls", "ServerCall"]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What one call may hold.

    Attributes:
        endpoints: Endpoints in a call (Twilio allows 50 participants in a room).
        publications: Publications of one endpoint.
        name_length: Characters in a room, participant or track name (Twilio: 128).
        policy_length: Publications that a receive policy may name.
    """

    endpoints: int = 50
    publications: int = 32
    name_length: int = 128
    policy_length: int = 1000


class ServerCall:
    """One live session of a room or a group; ended when its last endpoint leaves."""

    def __init__(
        self,
        call_id: str,
        *,
        limits: CallLimits,
        on_ended: Callable[[ServerCall], None],
        room: RoomRecord | None = None,
        new_id: Callable[[], str],
    ) -> None:
        self.id = call_id
        self.room = room
        self.limits = limits
        self.roster = Roster()
        self.router = Router(self.speakers_changed)
        self._on_ended = on_ended
        self._new_id = new_id
        self._endpoints: dict[str, Endpoint] = {}
        self._quality: dict[str, wire.QualityLevel] = {}
        self._numbers = 0

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """Everybody in the call by endpoint id, in order of arrival."""
        return MappingProxyType(self._endpoints)

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
        one identity live side by side.

        Raises:
            ServiceError: The call is full.
            InvalidArgumentError: A name is too long, an id is taken.
        """
        if endpoint_id in self._endpoints:
            raise InvalidArgumentError(f"Endpoint id {endpoint_id} is taken.", code=409)
        self._check_name("participant", name)
        policy = policy or wire.ReceivePolicy()
        self.check_policy(policy)
        replaced = self._replaced_by(principal)
        if len(self._endpoints) - len(replaced) >= self.max_endpoints:
            raise ServiceError(
                f"The call has {len(self._endpoints)} participants, its maximum.",
                sub_code=endings.CALL_FULL.sub_code,
                stage=Stage.ADMISSION,
                next_step="Wait until somebody leaves, or raise the room's maximum.",
            )
        endpoint = Endpoint(endpoint_id, principal, self, observer, policy)
        infos = self._new_publications(endpoint, tuple(publications))
        # Nothing can be refused any more; a call whose only member is replaced goes on.
        for other in replaced:
            self._take_out(other, endings.DUPLICATE_IDENTITY)
        self._endpoints[endpoint_id] = endpoint
        info = EndpointInfo(
            id=endpoint_id,
            identity=principal.raw_id,
            name=name or principal.display_name,
            publications=infos,
        )
        self.commit(EndpointJoined(endpoint=info), silent_for=endpoint)
        return endpoint

    @property
    def max_endpoints(self) -> int:
        """How many endpoints fit: the room's own maximum, within the service's."""
        own = self.room.options.max_participants if self.room else None
        return min(own or self.limits.endpoints, self.limits.endpoints)

    def publish(
        self, endpoint: Endpoint, wanted: tuple[wire.NewPublication, ...]
    ) -> tuple[PublicationInfo, ...]:
        """Offer streams of an endpoint; see `Endpoint.publish`."""
        infos = self._new_publications(endpoint, wanted)
        for info in infos:
            self.commit(PublicationAdded(endpoint=endpoint.id, publication=info))
        return infos

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
        if not self._endpoints:
            self._on_ended(self)

    def abandon(self) -> None:
        """End a call that has nobody in it."""
        if not self._endpoints:
            self._on_ended(self)

    def end(self, reason: EndReason, *, by: Endpoint | None = None) -> None:
        """End the call for everybody."""
        for endpoint in list(self._endpoints.values()):
            self.remove(endpoint, reason, tell=endpoint is not by)

    def speakers_changed(self, speakers: SpeakersChanged) -> None:
        """Tell everybody who speaks."""
        if speakers != self.roster.speakers:
            self.commit(speakers)

    @property
    def quality(self) -> tuple[wire.QualityLevel, ...]:
        """The network quality levels of everybody here, as far as they are known."""
        return tuple(self._quality.values())

    def quality_changed(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        """Tell network quality levels to the endpoints that want to know."""
        self._quality |= {level.endpoint: level for level in levels}
        for endpoint in list(self._endpoints.values()):
            if endpoint.policy.quality:
                endpoint.observer.on_quality(levels)

    def commit(self, fact: Fact, *, silent_for: Endpoint | None = None) -> None:
        """Make a fact true and tell everybody, except an endpoint that gets it in a snapshot."""
        revision = self.roster.commit(fact)
        if isinstance(fact, PublicationChanged):
            self._publication_changed(fact.publication)
        for endpoint in list(self._endpoints.values()):
            if endpoint is not silent_for:
                endpoint.observer.on_facts(revision, (fact,))

    def refresh_subscriptions(self) -> None:
        """Work out again what everybody receives."""
        for endpoint in list(self._endpoints.values()):
            endpoint.refresh_subscriptions()

    def check_policy(self, policy: wire.ReceivePolicy) -> None:
        """Refuse a receive policy that names more publications than there can be sense in.

        Raises:
            InvalidArgumentError: It is too long.
        """
        if max(len(policy.only), len(policy.without)) > self.limits.policy_length:
            raise InvalidArgumentError(
                f"A receive policy may name {self.limits.policy_length} publications.",
                stage=Stage.ARGUMENT,
                next_step="Receive automatically and name the exceptions, or the other way round.",
            )

    def check_publications(
        self, endpoint: Endpoint, wanted: tuple[wire.NewPublication, ...]
    ) -> None:
        """Refuse publications that `publish` would refuse; see `Endpoint.publish`."""
        if len(endpoint.publications) + len(wanted) > self.limits.publications:
            raise ServiceError(
                f"A participant may publish {self.limits.publications} streams.",
                sub_code=53203,
                stage=Stage.ADMISSION,
                next_step="Unpublish one first.",
            )
        names = {publication.info.name for publication in endpoint.publications.values()}
        for item in wanted:
            self._check_name("track", item.name)
            if item.name in names:
                raise InvalidArgumentError(
                    f"A track named {item.name!r} is published already.",
                    sub_code=53304,
                    stage=Stage.ARGUMENT,
                )
            names |= {item.name} - {""}

    def _replaced_by(self, principal: Principal) -> list[Endpoint]:
        if principal.kind is not PrincipalKind.TWILIO:
            return []
        return [
            other
            for other in self._endpoints.values()
            if other.principal.raw_id == principal.raw_id
            and other.principal.kind is PrincipalKind.TWILIO
        ]

    def _take_out(self, endpoint: Endpoint, reason: EndReason, *, tell: bool = True) -> None:
        del self._endpoints[endpoint.id]
        self._quality.pop(endpoint.id, None)
        endpoint.state = ConnectionState.DISCONNECTED
        self.commit(EndpointLeft(endpoint=endpoint.id, reason=reason))
        # After it is gone: who dominated has left before nobody dominates.
        self.router.forget(endpoint.id)
        if tell:
            endpoint.observer.on_ended(reason)
        self.refresh_subscriptions()

    def _publication_changed(self, publication_id: str) -> None:
        info = self.roster.publication(publication_id)
        owner = self.roster.owner(publication_id)
        if info is not None and owner is not None:
            self._endpoints[owner.id].publications[publication_id].info = info

    def _new_publications(
        self, endpoint: Endpoint, wanted: tuple[wire.NewPublication, ...]
    ) -> tuple[PublicationInfo, ...]:
        self.check_publications(endpoint, wanted)
        infos = []
        for item in wanted:
            publication_id = self._new_id()
            self._numbers += 1
            infos.append(
                PublicationInfo(
                    id=publication_id,
                    number=self._numbers,
                    kind=item.kind,
                    name=item.name or publication_id,
                    enabled=item.enabled,
                    priority=item.priority,
                    reliability=item.reliability,
                )
            )
        for info in infos:
            endpoint.add(Publication(info, endpoint))
        return tuple(infos)

    def _check_name(self, what: str, name: str) -> None:
        if len(name) > self.limits.name_length:
            raise InvalidArgumentError(
                f"A {what} name may have {self.limits.name_length} characters, "
                f"this one has {len(name)}.",
                sub_code=53201 if what == "participant" else 53302,
                stage=Stage.ARGUMENT,
            )


class Calls:
    """Every live call of this service."""

    def __init__(
        self,
        *,
        rooms: Rooms,
        limits: CallLimits | None = None,
        on_started: Callable[[ServerCall], None] | None = None,
        on_ended: Callable[[ServerCall], None] | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.rooms = rooms
        self._limits = limits or CallLimits()
        self._observers = (on_started, on_ended)
        self._new_id = new_id
        self._live: dict[str, ServerCall] = {}
        self._by_place: dict[tuple[str, str], ServerCall] = {}

    @property
    def live(self) -> Mapping[str, ServerCall]:
        """Calls by id."""
        return MappingProxyType(self._live)

    def resolve(self, locator: wire.Locator, principal: Principal) -> ServerCall:
        """The call that a locator means for this user, started if it does not run yet.

        Raises:
            InvalidArgumentError: The group id is no GUID, the room name is too long.
            ServiceError: The user may not go there, or there is no such room.
        """
        match locator:
            case wire.GroupLocator(group_id=group_id):
                guid = _guid(group_id)
                if principal.rooms is not None:
                    raise _not_granted(f"group {guid}")
                return self._place(("group", guid), None)
            case wire.RoomLocator(room=name):
                return self._resolve_room(name, principal)

    def end_all(self, reason: EndReason) -> None:
        """End every call."""
        for call in list(self._live.values()):
            call.end(reason)

    def _resolve_room(self, name: str, principal: Principal) -> ServerCall:
        if len(name) > self._limits.name_length:
            raise InvalidArgumentError(
                f"A room name may have {self._limits.name_length} characters, "
                f"this one has {len(name)}.",
                sub_code=53101,
                stage=Stage.ARGUMENT,
            )
        live = self._live.get(name.removeprefix("RM"))
        if live is not None and live.room is None:
            # The id of a group call names no room.
            live = None
        record = live.room if live is not None else self.rooms.find(name)
        # Before a room is made: a token that opens one room must not leave others behind.
        _check_grant(name, record, live, principal)
        if record is None:
            if principal.kind is not PrincipalKind.TWILIO:
                raise ServiceError(
                    f"There is no room {name!r}.",
                    code=404,
                    sub_code=53106,
                    stage=Stage.ADMISSION,
                    next_step="Create the room first, or join a group call.",
                )
            record = self.rooms.open(name)
        record.check_admission(principal.raw_id)
        return live or self._place(("room", record.id), record)

    def _place(self, place: tuple[str, str], room: RoomRecord | None) -> ServerCall:
        call = self._by_place.get(place)
        if call is None:
            call = ServerCall(
                self._new_id(),
                limits=self._limits,
                room=room,
                new_id=self._new_id,
                on_ended=lambda ended: self._ended(place, ended),
            )
            self._by_place[place] = self._live[call.id] = call
            if self._observers[0] is not None:
                self._observers[0](call)
        return call

    def discard_if_empty(self, call: ServerCall) -> None:
        """Forget a call that nobody managed to join."""
        if not call.endpoints and call.id in self._live:
            call.abandon()

    def _ended(self, place: tuple[str, str], call: ServerCall) -> None:
        if self._live.pop(call.id, None) is None:
            return
        del self._by_place[place]
        if call.room is not None:
            self.rooms.session_ended(call.room)
        if self._observers[1] is not None:
            self._observers[1](call)


def _check_grant(
    name: str, record: RoomRecord | None, live: ServerCall | None, principal: Principal
) -> None:
    if principal.rooms is None:
        return
    names = {name} if record is None else {record.id, record.unique_name}
    if live is not None:
        names |= {live.id, f"RM{live.id}"}
    if not names & principal.rooms:
        raise _not_granted(f"room {name!r}")


def _not_granted(place: str) -> ServiceError:
    return ServiceError(
        f"The token does not allow {place}.",
        sub_code=20106,
        stage=Stage.ADMISSION,
        next_step="Issue a token whose grant names this room, or none.",
    )


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidArgumentError(
            f"Group id {text!r} is not a GUID.",
            sub_code=40209,
            stage=Stage.ARGUMENT,
            next_step="Use uuid.uuid4() once and share it with the members of the group.",
        ) from None
