"""The Participants of a room, their tracks and their subscribe rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, Final, TypeAlias

from aiohttp import web

from acs_core.core import endings
from acs_core.core.facts import ConnectionState, PublicationKind
from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL, TrackRule, TrackRules
from acs_core.service.admission import is_sid
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.endpoints import Endpoint, Publication
from acs_core.service.history import CallRecord, History, Visit
from acs_core.service.openapi import TEXT, Schema, one_of
from acs_core.service.store.calls import VisitFilter
from twilio_compat.rest.pages import (
    address,
    date_bounds,
    iso_date,
    page,
    stored_page,
    window,
)
from twilio_compat.rest.parameters import SUBSCRIBE_RULES, Form, parse_rules, rules_as_json
from twilio_compat.rest.refusals import not_found, wrong_parameter
from twilio_compat.rest.rooms import CREATED, ROOM_PATH, RoomsResource
from twilio_compat.rest.routing import Operation, get, post
from twilio_compat.rest.schemas import JSON_TEXT, PAGING

__all__ = ["PARTICIPANT_PATH", "ParticipantsResource", "Renamed"]

PARTICIPANTS_PATH: Final = f"{ROOM_PATH}/Participants"
PARTICIPANT_PATH: Final = f"{PARTICIPANTS_PATH}/{{participant}}"
"""By SID or identity."""
_STATES: Final = (
    ConnectionState.CONNECTED,
    ConnectionState.RECONNECTING,
    ConnectionState.DISCONNECTED,
)
_FILTERS: Final[Mapping[str, Schema]] = {
    "Status": one_of(*_STATES),
    "Identity": TEXT,
    **CREATED,
    **PAGING,
}

Renamed: TypeAlias = Callable[[str, str, str], Awaitable[None]]


class ParticipantsResource:
    """Participants: endpoints that are or were in a call.

    Args:
        rooms: Finds the room of a path.
        calls: The live calls.
        history: Who was there.
        account_sid: The account that everything belongs to.
        renamed: Is told who has another identity in what is kept: the room's id, the participant's,
            and the identity.
    """

    def __init__(
        self,
        rooms: RoomsResource,
        calls: Calls,
        history: History,
        account_sid: str,
        renamed: Renamed,
    ) -> None:
        self._rooms = rooms
        self._calls = calls
        self._history = history
        self._account_sid = account_sid
        self._renamed = renamed

    def operations(self) -> tuple[Operation, ...]:
        """Its rows of the table."""
        here, one, kind = PARTICIPANTS_PATH, PARTICIPANT_PATH, "RoomParticipant"
        status, posted = {"Status": one_of("disconnected")}, {"Rules": JSON_TEXT}
        update, answer = self.update, "participant"
        rules, set_rules = f"{one}/SubscribeRules", self.update_rules
        return (
            get(f"List{kind}", here, self.list, "participants", _FILTERS),
            get(f"Fetch{kind}", one, self.fetch, answer),
            post(f"Update{kind}", one, update, answer, status, status=202, required=status),
            post(f"Update{kind}Anonymize", f"{one}/Anonymize", self.anonymize, answer),
            *self._track_operations(),
            get(f"Fetch{kind}SubscribeRule", rules, self.fetch_rules, "subscribe_rules"),
            post(
                f"Update{kind}SubscribeRule",
                rules,
                set_rules,
                "subscribe_rules",
                posted,
                required=posted,
            ),
        )

    def _track_operations(self) -> tuple[Operation, ...]:
        published, subscribed = (
            f"{PARTICIPANT_PATH}/PublishedTracks",
            f"{PARTICIPANT_PATH}/SubscribedTracks",
        )
        kind, answer = "RoomParticipant", "subscribed_track"
        change = {"Track": TEXT, "Status": one_of("subscribed", "unsubscribed")}
        return (
            get(
                f"List{kind}PublishedTrack",
                published,
                self.list_published,
                "published_tracks",
                PAGING,
            ),
            get(
                f"Fetch{kind}PublishedTrack",
                f"{published}/{{track}}",
                self.fetch_published,
                "published_track",
            ),
            get(
                f"List{kind}SubscribedTrack",
                subscribed,
                self.list_subscribed,
                "subscribed_tracks",
                PAGING,
            ),
            get(
                f"Fetch{kind}SubscribedTrack",
                f"{subscribed}/{{track}}",
                self.fetch_subscribed,
                answer,
            ),
            # Twilio's helper libraries had it once; programs that use it are served.
            post(
                f"Update{kind}SubscribedTrack",
                subscribed,
                self.update_subscribed,
                answer,
                change,
                status=202,
                required=change,
            ),
        )

    # ------------------------------------------------------------ participants

    async def list(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../Participants`: who is and who was there."""
        record = await self._rooms.record(request)
        status = request.query.get("Status") or None
        if status not in (None, *_STATES):
            raise wrong_parameter(f"There are no participants that are {str(status)[:40]!r}.")
        is_gone = status == ConnectionState.DISCONNECTED
        after, before = date_bounds(request)
        wanted = VisitFilter(
            identity=request.query.get("Identity") or None,
            is_over=is_gone if status else None,
            ids=self._in_state(record, status) if status and not is_gone else None,
            after=after,
            before=before,
        )
        return stored_page(
            request,
            "participants",
            await self._history.visits(record.id, wanted, window(request)),
            lambda visit: self._write(request, record, visit),
            lambda visit: (visit.arrived_at, visit.id),
        )

    async def fetch(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../Participants/{participant}`."""
        record = await self._rooms.record(request)
        visit = await self._visit(request, record)
        return web.json_response(self._write(request, record, visit))

    async def update(self, request: web.Request, form: Form) -> web.Response:
        """`POST .../Participants/{participant}`: `Status=disconnected` removes it."""
        record = await self._rooms.record(request)
        visit = await self._visit(request, record)
        status = form.text("Status")
        if status != "disconnected":
            raise wrong_parameter(f"The status of a participant cannot become {status!r}.")
        call = self._calls.live.get(record.id)
        endpoint = call.endpoints.get(visit.id) if call is not None else None
        if call is not None and endpoint is not None:
            call.remove(endpoint, endings.REMOVED)
            visit = await self._visit(request, record)
        return web.json_response(self._write(request, record, visit), status=202)

    async def anonymize(self, request: web.Request, _: Form) -> web.Response:
        """`POST .../Anonymize`: in what is kept the SID takes the place of the identity.

        So it does in recordings, and in callbacks that wait or can be replayed.

        Who is in the room is still called by their identity there, as their token has it.
        """
        record = await self._rooms.record(request)
        visit = await self._visit(request, record)
        identity = f"PA{visit.id}"
        # Of a room in progress first: its record is written again when the participant leaves.
        record.rename(visit.id, identity)
        self._history.rename(record.id, visit.id, identity)
        await self._renamed(record.id, visit.id, identity)
        anonymous = dataclasses.replace(visit, identity=identity)
        return web.json_response(self._write(request, record, anonymous))

    # ------------------------------------------------------------ tracks

    async def list_published(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../PublishedTracks`; empty for who has left."""
        endpoint = (await self._participant(request))[1]
        tracks = [] if endpoint is None else list(endpoint.publications.values())
        return page(request, "published_tracks", tracks, lambda item: self._track(request, item))

    async def fetch_published(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../PublishedTracks/{track}`."""
        endpoint = (await self._participant(request))[1]
        tracks = [] if endpoint is None else list(endpoint.publications.values())
        return web.json_response(self._track(request, _named(request, tracks)))

    async def list_subscribed(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../SubscribedTracks`; empty for who has left."""
        visit, endpoint = await self._participant(request)
        return page(
            request,
            "subscribed_tracks",
            _subscribed(endpoint),
            lambda item: self._subscription(request, visit.id, item),
        )

    async def fetch_subscribed(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../SubscribedTracks/{track}`."""
        visit, endpoint = await self._participant(request)
        publication = _named(request, _subscribed(endpoint))
        return web.json_response(self._subscription(request, visit.id, publication))

    async def update_subscribed(self, request: web.Request, form: Form) -> web.Response:
        """`POST .../SubscribedTracks`: `Track` and `Status`, subscribed or unsubscribed."""
        call, endpoint = await self._subscriber(request)
        track, status = form.text("Track"), form.text("Status")
        if status not in ("subscribed", "unsubscribed", "subscribe", "unsubscribe"):
            raise wrong_parameter(f"The status of a subscription cannot become {status!r}.")
        others_tracks = [item for item in call.publications if item.owner is not endpoint]
        publication = _find(track, others_tracks)
        if publication is None:
            raise not_found(f"{request.path.removeprefix('/v1')}/{track}")
        named = f"MT{publication.id}"
        others = tuple(rule for rule in _rules(endpoint) if rule.track != named)
        rule = TrackRule(is_include=status.startswith("sub"), track=named)
        if len(others) >= call.limits.policy_length:
            raise wrong_parameter("The participant has too many subscribe rules.", 53215)
        endpoint.set_rules((*others, rule))
        return web.json_response(self._subscription(request, endpoint.id, publication), status=202)

    # ------------------------------------------------------------ subscribe rules

    async def fetch_rules(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../SubscribeRules`."""
        return self._write_rules(*await self._subscriber(request))

    async def update_rules(self, request: web.Request, form: Form) -> web.Response:
        """`POST .../SubscribeRules`: takes the place of what the participant chose itself."""
        call, endpoint = await self._subscriber(request)
        code, kinds = SUBSCRIBE_RULES
        endpoint.set_rules(parse_rules(form.json("Rules", code), code, kinds))
        return self._write_rules(call, endpoint)

    # ------------------------------------------------------------ look-ups

    async def _visit(self, request: web.Request, record: CallRecord) -> Visit:
        """The participant that a path names, by SID or identity; the newest of an identity."""
        name = request.match_info["participant"]
        visit = None
        # Before identities: one may look like the SID of somebody else.
        if is_sid(name, "PA"):
            visit = await self._history.visit(record.id, name.removeprefix("PA"))
        visit = visit or await self._history.newest_visit(record.id, name)
        if visit is None:
            raise not_found(f"/Rooms/RM{record.id}/Participants/{name}")
        return visit

    async def _participant(self, request: web.Request) -> tuple[Visit, Endpoint | None]:
        """The participant that a path names, and its endpoint; None when it has left."""
        record = await self._rooms.record(request)
        visit = await self._visit(request, record)
        call = self._calls.live.get(record.id)
        return visit, None if call is None else call.endpoints.get(visit.id)

    async def _subscriber(self, request: web.Request) -> tuple[ServerCall, Endpoint]:
        """A participant whose subscriptions can be changed.

        Raises:
            ServiceError: It has left.
            InvalidArgumentError: 53117, the room is peer-to-peer.
        """
        _, endpoint = await self._participant(request)
        if endpoint is None:
            raise not_found(request.path.removeprefix("/v1"))
        room = endpoint.call.room
        if room is not None and room.options.kind.is_relayed:
            raise wrong_parameter("Participants of this room subscribe to each other.", 53117)
        return endpoint.call, endpoint

    def _in_state(self, record: CallRecord, state: str | None) -> Collection[str]:
        """Endpoints that are in the call and in this state."""
        call = self._calls.live.get(record.id)
        endpoints = () if call is None else call.endpoints.values()
        return tuple(endpoint.id for endpoint in endpoints if endpoint.state == state)

    def _state(self, record: CallRecord, visit: Visit) -> str:
        call = self._calls.live.get(record.id)
        endpoint = call.endpoints.get(visit.id) if call is not None else None
        return ConnectionState.DISCONNECTED if endpoint is None else endpoint.state

    # ------------------------------------------------------------ answers

    def _write(self, request: web.Request, record: CallRecord, visit: Visit) -> dict[str, Any]:
        sid, left = f"PA{visit.id}", visit.left_at
        url = address(request, f"/v1/Rooms/RM{record.id}/Participants/{sid}")
        return {
            "sid": sid,
            "room_sid": f"RM{record.id}",
            "account_sid": self._account_sid,
            "status": self._state(record, visit),
            "identity": visit.identity,
            "date_created": iso_date(visit.arrived_at),
            "date_updated": iso_date(left or visit.arrived_at),
            "start_time": iso_date(visit.arrived_at),
            "end_time": iso_date(left),
            "duration": None if left is None else int(left - visit.arrived_at),
            "url": url,
            "links": {
                "published_tracks": f"{url}/PublishedTracks",
                "subscribed_tracks": f"{url}/SubscribedTracks",
                "subscribe_rules": f"{url}/SubscribeRules",
                "anonymize": f"{url}/Anonymize",
            },
        }

    def _track(self, request: web.Request, publication: Publication) -> dict[str, Any]:
        owner, info = publication.owner, publication.info
        sid, room, participant = f"MT{info.id}", f"RM{owner.call.id}", f"PA{owner.id}"
        path = f"/v1/Rooms/{room}/Participants/{participant}/PublishedTracks/{sid}"
        return {
            "sid": sid,
            "participant_sid": participant,
            "room_sid": room,
            "name": info.name,
            "date_created": iso_date(publication.offered_at),
            "date_updated": None,
            "enabled": info.enabled,
            "kind": "data" if info.kind is PublicationKind.DATA else info.kind.media,
            "url": address(request, path),
        }

    def _subscription(
        self, request: web.Request, subscriber_id: str, publication: Publication
    ) -> dict[str, Any]:
        answer, participant = self._track(request, publication), f"PA{subscriber_id}"
        path = f"/v1/Rooms/{answer['room_sid']}/Participants/{participant}"
        return answer | {
            "publisher_sid": answer["participant_sid"],
            "participant_sid": participant,
            "url": address(request, f"{path}/SubscribedTracks/{answer['sid']}"),
        }

    def _write_rules(self, call: ServerCall, endpoint: Endpoint) -> web.Response:
        body = {
            "participant_sid": f"PA{endpoint.id}",
            "room_sid": f"RM{call.id}",
            "rules": rules_as_json(_rules(endpoint)),
            "date_created": iso_date(call.record.visits[endpoint.id].arrived_at),
            "date_updated": None,
        }
        return web.json_response(body)


def _named(request: web.Request, publications: list[Publication]) -> Publication:
    """The publication that a path names, by SID or name."""
    publication = _find(request.match_info["track"], publications)
    if publication is None:
        raise not_found(request.path.removeprefix("/v1"))
    return publication


def _find(name: str | None, publications: Iterable[Publication]) -> Publication | None:
    """The publication of this SID or, if there is none, the first of this name."""
    by_name = None
    for publication in publications:
        if name == f"MT{publication.id}":
            return publication
        if by_name is None and name == publication.info.name:
            by_name = publication
    return by_name


def _subscribed(endpoint: Endpoint | None) -> list[Publication]:
    if endpoint is None:
        return []
    return [subscription.publication for subscription in endpoint.subscriptions.values()]


def _rules(endpoint: Endpoint) -> TrackRules:
    """The rules in force: those that were set, else what the participant chose, as rules."""
    if endpoint.rules is not None:
        return endpoint.rules
    policy = endpoint.policy
    named = policy.without if policy.automatic else policy.only
    exceptions = (
        TrackRule(is_include=not policy.automatic, track=f"MT{publication}")
        for publication in named
    )
    return (*(INCLUDE_ALL if policy.automatic else EXCLUDE_ALL), *exceptions)
