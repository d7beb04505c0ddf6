"""The Participants of a room, their tracks and their subscribe rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiohttp import web

from acs_core.core import endings
from acs_core.core.facts import ConnectionState, PublicationKind
from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL, TrackRule, TrackRules
from acs_core.service.admission import is_sid
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.endpoints import Endpoint, Publication
from acs_core.service.history import CallRecord, Visit
from acs_core.service.openapi import TEXT, Schema, one_of
from twilio_compat.rest.pages import address, date_filter, iso_date, page
from twilio_compat.rest.parameters import SUBSCRIBE_RULES, Form, parse_rules, rules_as_json
from twilio_compat.rest.refusals import not_found, wrong_parameter
from twilio_compat.rest.rooms import CREATED, ROOM_PATH, RoomsResource
from twilio_compat.rest.routing import Operation, get, post
from twilio_compat.rest.schemas import JSON_TEXT, PAGING

__all__ = ["PARTICIPANT_PATH", "ParticipantsResource"]

PARTICIPANTS_PATH: Final = f"{ROOM_PATH}/Participants"
PARTICIPANT_PATH: Final = f"{PARTICIPANTS_PATH}/{{participant}}"
"""By SID or identity."""
_FILTERS: Final[Mapping[str, Schema]] = {
    "Status": one_of("connected", "reconnecting", "disconnected"),
    "Identity": TEXT,
    **CREATED,
    **PAGING,
}


class ParticipantsResource:
    """Participants: endpoints that are or were in a call.

    Args:
        rooms: Finds the room of a path.
        calls: The live calls.
        account_sid: The account that everything belongs to.
    """

    def __init__(self, rooms: RoomsResource, calls: Callable[[], Calls], account_sid: str) -> None:
        self._rooms = rooms
        self._calls = calls
        self._account_sid = account_sid

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
        record = self._rooms.record(request)
        status, identity = request.query.get("Status"), request.query.get("Identity")
        is_in_time = date_filter(request)
        chosen = [
            visit
            for visit in record.visits.values()
            if status in (None, "", self._state(record, visit))
            and identity in (None, "", visit.identity)
            and is_in_time(visit.arrived_at)
        ]
        return page(
            request, "participants", chosen, lambda visit: self._write(request, record, visit)
        )

    async def fetch(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../Participants/{participant}`."""
        record = self._rooms.record(request)
        return web.json_response(self._write(request, record, _visit(request, record)))

    async def update(self, request: web.Request, form: Form) -> web.Response:
        """`POST .../Participants/{participant}`: `Status=disconnected` removes it."""
        record = self._rooms.record(request)
        visit = _visit(request, record)
        status = form.text("Status")
        if status != "disconnected":
            raise wrong_parameter(f"The status of a participant cannot become {status!r}.")
        call = self._calls().live.get(record.id)
        endpoint = call.endpoints.get(visit.id) if call is not None else None
        if call is not None and endpoint is not None:
            call.remove(endpoint, endings.REMOVED)
        return web.json_response(self._write(request, record, visit), status=202)

    # ------------------------------------------------------------ tracks

    async def list_published(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../PublishedTracks`; empty for who has left."""
        endpoint = self._endpoint(request)
        tracks = [] if endpoint is None else list(endpoint.publications.values())
        return page(request, "published_tracks", tracks, lambda item: self._track(request, item))

    async def fetch_published(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../PublishedTracks/{track}`."""
        endpoint = self._endpoint(request)
        tracks = [] if endpoint is None else list(endpoint.publications.values())
        return web.json_response(self._track(request, _named(request, tracks)))

    async def list_subscribed(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../SubscribedTracks`; empty for who has left."""
        tracks = _subscribed(self._endpoint(request))
        return page(
            request, "subscribed_tracks", tracks, lambda item: self._subscription(request, item)
        )

    async def fetch_subscribed(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../SubscribedTracks/{track}`."""
        tracks = _subscribed(self._endpoint(request))
        return web.json_response(self._subscription(request, _named(request, tracks)))

    async def update_subscribed(self, request: web.Request, form: Form) -> web.Response:
        """`POST .../SubscribedTracks`: `Track` and `Status`, subscribed or unsubscribed."""
        call, endpoint = self._subscriber(request)
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
        return web.json_response(self._subscription(request, publication), status=202)

    # ------------------------------------------------------------ subscribe rules

    async def fetch_rules(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../SubscribeRules`."""
        return self._write_rules(*self._subscriber(request))

    async def update_rules(self, request: web.Request, form: Form) -> web.Response:
        """`POST .../SubscribeRules`: takes the place of what the participant chose itself."""
        call, endpoint = self._subscriber(request)
        code, kinds = SUBSCRIBE_RULES
        endpoint.set_rules(parse_rules(form.json("Rules", code), code, kinds))
        return self._write_rules(call, endpoint)

    # ------------------------------------------------------------ look-ups

    def _endpoint(self, request: web.Request) -> Endpoint | None:
        """The participant that a path names; None when it has left."""
        record = self._rooms.record(request)
        visit = _visit(request, record)
        call = self._calls().live.get(record.id)
        return call.endpoints.get(visit.id) if call is not None else None

    def _subscriber(self, request: web.Request) -> tuple[ServerCall, Endpoint]:
        """A participant whose subscriptions can be changed.

        Raises:
            ServiceError: It has left.
            InvalidArgumentError: 53117, the room is peer-to-peer.
        """
        endpoint = self._endpoint(request)
        if endpoint is None:
            raise not_found(request.path.removeprefix("/v1"))
        room = endpoint.call.room
        if room is not None and room.options.kind.is_relayed:
            raise wrong_parameter("Participants of this room subscribe to each other.", 53117)
        return endpoint.call, endpoint

    def _state(self, record: CallRecord, visit: Visit) -> str:
        call = self._calls().live.get(record.id)
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
            "date_created": iso_date(owner.call.record.visits[owner.id].arrived_at),
            "date_updated": None,
            "enabled": info.enabled,
            "kind": "data" if info.kind is PublicationKind.DATA else info.kind.media,
            "url": address(request, path),
        }

    def _subscription(self, request: web.Request, publication: Publication) -> dict[str, Any]:
        answer = self._track(request, publication)
        subscriber = _visit(request, publication.owner.call.record)
        path = f"/v1/Rooms/{answer['room_sid']}/Participants/PA{subscriber.id}"
        return answer | {
            "publisher_sid": answer["participant_sid"],
            "participant_sid": f"PA{subscriber.id}",
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


def _visit(request: web.Request, record: CallRecord) -> Visit:
    """The participant that a path names, by SID or identity; the newest of an identity."""
    name = request.match_info["participant"]
    # Before identities: one may look like the SID of somebody else.
    visit = record.visits.get(name.removeprefix("PA")) if is_sid(name, "PA") else None
    if visit is None:
        of_name = (item for item in record.visits.values() if item.identity == name)
        visit = max(of_name, key=lambda item: item.arrived_at, default=None)
    if visit is None:
        raise not_found(f"/Rooms/RM{record.id}/Participants/{name}")
    return visit


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
