"""The Rooms resource and its recording rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from aiohttp import web

from acs_core.service.calls import Calls, ServerCall
from acs_core.service.history import CallRecord, History
from acs_core.service.openapi import FLAG, TEXT, Schema, one_of
from acs_core.service.rooms import RoomRecord
from acs_core.service.store.rooms import RoomFilter
from twilio_compat.rest.pages import address, date_bounds, iso_date, stored_page, window
from twilio_compat.rest.parameters import (
    RECORDING_RULES,
    VIDEO_CODECS,
    CheckCallback,
    Form,
    check_status_callback,
    parse_rules,
    room_options,
    rules_as_json,
)
from twilio_compat.rest.refusals import not_found, wrong_parameter
from twilio_compat.rest.routing import Operation, get, post
from twilio_compat.rest.schemas import JSON_TEXT, PAGING

__all__ = ["CREATED", "ROOM_PATH", "FindRoom", "RoomsResource"]

ROOMS_PATH: Final = "/v1/Rooms"
ROOM_PATH: Final = f"{ROOMS_PATH}/{{room}}"
"""By SID, or by unique name while it is in progress."""
CREATED: Final[Mapping[str, Schema]] = {"DateCreatedAfter": TEXT, "DateCreatedBefore": TEXT}
"""The fields that `date_bounds` reads."""
FindRoom: TypeAlias = Callable[[str], Awaitable[CallRecord | None]]
"""A room by the id of its call, also one that is over; None when there never was one."""
_MINUTES: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 60}
_CREATION: Final[Mapping[str, Schema]] = {
    "EnableTurn": FLAG,
    "Type": one_of("group", "group-small", "peer-to-peer", "go"),
    "UniqueName": {"type": "string", "maxLength": 128},
    "StatusCallback": {"type": "string", "format": "uri"},
    "StatusCallbackMethod": one_of("GET", "POST"),
    "MaxParticipants": {"type": "integer", "minimum": 1, "maximum": 250},
    "RecordParticipantsOnConnect": FLAG,
    "TranscribeParticipantsOnConnect": FLAG,
    "VideoCodecs": {"type": "array", "items": one_of("VP8", "H264")},
    "MediaRegion": TEXT,
    "RecordingRules": JSON_TEXT,
    "TranscriptionsConfiguration": JSON_TEXT,
    "AudioOnly": FLAG,
    "MaxParticipantDuration": {"type": "integer", "minimum": 600, "maximum": 86400},
    "EmptyRoomTimeout": _MINUTES,
    "UnusedRoomTimeout": _MINUTES,
    "LargeRoom": FLAG,
}


class RoomsResource:
    """Rooms: each is a call of the service that takes place in a room.

    Args:
        calls: The live calls.
        history: The ended ones, too.
        account_sid: The account that they belong to.
        check_callback: Refuses URLs that status callbacks must not go to.
    """

    def __init__(
        self,
        calls: Calls,
        history: History,
        account_sid: str,
        check_callback: CheckCallback = lambda _: None,
    ) -> None:
        self._calls = calls
        self._history = history
        self._account_sid = account_sid
        self._check_callback = check_callback

    def operations(self) -> tuple[Operation, ...]:
        """Its rows of the table."""
        create, update, fetch = self.create, self.update, self.fetch
        filters = {"Status": one_of("in-progress", "completed", "failed"), "UniqueName": TEXT}
        status = {"Status": one_of("completed")}
        rules, answer = f"{ROOM_PATH}/RecordingRules", "recording_rules"
        posted = {"Rules": JSON_TEXT}
        get_rules, set_rules = self.fetch_recording_rules, self.update_recording_rules
        return (
            post("CreateRoom", ROOMS_PATH, create, "room", _CREATION, status=201),
            get("ListRoom", ROOMS_PATH, self.list, "rooms", {**filters, **CREATED, **PAGING}),
            get("FetchRoom", ROOM_PATH, fetch, "room"),
            post("UpdateRoom", ROOM_PATH, update, "room", status, status=202, required=status),
            get("FetchRoomRecordingRule", rules, get_rules, answer),
            post("UpdateRoomRecordingRule", rules, set_rules, answer, posted, required=posted),
        )

    # ------------------------------------------------------------ handlers

    async def create(self, request: web.Request, form: Form) -> web.Response:
        """`POST /v1/Rooms`."""
        options = room_options(form, largest=self._calls.limits.large_endpoints)
        check_status_callback(options.status_callback, self._check_callback)
        call = self._calls.create(unique_name=form.text("UniqueName"), options=options)
        return web.json_response(self._write(request, call.record), status=201)

    async def fetch(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Rooms/{room}`."""
        return web.json_response(self._write(request, await self.record(request)))

    async def list(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Rooms`: those in progress, unless `Status` says otherwise; newest first."""
        status = request.query.get("Status") or "in-progress"
        if status not in ("in-progress", "completed", "failed"):
            raise wrong_parameter(f"There are no rooms that are {status[:40]!r}.", 53112)
        after, before = date_bounds(request)
        wanted = RoomFilter(
            is_over=status == "completed",
            name=request.query.get("UniqueName") or None,
            after=after,
            before=before,
        )
        where = window(request)
        # No room fails: what cannot be made is refused.
        found = [] if status == "failed" else await self._history.in_rooms(wanted, where)
        return stored_page(
            request,
            "rooms",
            found,
            lambda record: self._write(request, record),
            lambda record: (record.started_at, record.id),
        )

    async def update(self, request: web.Request, form: Form) -> web.Response:
        """`POST /v1/Rooms/{room}`: `Status=completed` ends it for everyone."""
        record = await self.record(request)
        status = form.text("Status")
        if status != "completed":
            raise wrong_parameter(f"The status of a room cannot become {status!r}.", 53112)
        live = self._calls.live.get(record.id)
        if live is not None:
            live.complete()
        return web.json_response(self._write(request, record), status=202)

    async def fetch_recording_rules(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Rooms/{room}/RecordingRules`."""
        return self._recording_rules(self.live(request))

    async def update_recording_rules(self, request: web.Request, form: Form) -> web.Response:
        """`POST /v1/Rooms/{room}/RecordingRules`."""
        call = self.live(request)
        code, kinds = RECORDING_RULES
        rules = parse_rules(form.json("Rules", code), code, kinds)
        if call.room is not None and call.room.options.kind.is_relayed:
            raise wrong_parameter("The service does not see this room's media.", 53114)
        call.set_recording_rules(rules)
        return self._recording_rules(call)

    # ------------------------------------------------------------ rooms by name

    async def record(self, request: web.Request) -> CallRecord:
        """The room that a path names: by SID, or by unique name while it is in progress.

        Raises:
            ServiceError: 404/20404, there is none.
        """
        name = request.match_info["room"]
        live = self._calls.find_room(name)
        if live is not None:
            return live.record
        record = await self._history.find(name.removeprefix("RM"))
        if record is None or record.room is None:
            raise not_found(f"/Rooms/{name}")
        return record

    def live(self, request: web.Request) -> ServerCall:
        """The room that a path names, in progress.

        Raises:
            ServiceError: 404/20404, there is none.
        """
        live = self._calls.find_room(request.match_info["room"])
        if live is None:
            raise not_found(f"/Rooms/{request.match_info['room']}")
        return live

    # ------------------------------------------------------------ answers

    def _recording_rules(self, call: ServerCall) -> web.Response:
        body = {
            "room_sid": f"RM{call.id}",
            "rules": rules_as_json(call.recording_rules),
            "date_created": iso_date(call.record.started_at),
            "date_updated": None,
        }
        return web.json_response(body)

    def _write(self, request: web.Request, record: CallRecord) -> dict[str, Any]:
        sid = f"RM{record.id}"
        url = address(request, f"/v1/Rooms/{sid}")
        ended = record.ended_at
        answer: dict[str, Any] = {
            "sid": sid,
            "account_sid": self._account_sid,
            "unique_name": _name(record),
            "status": _status(record),
            "date_created": iso_date(record.started_at),
            "date_updated": iso_date(ended or record.started_at),
            "end_time": iso_date(ended),
            "duration": None if ended is None else int(ended - record.started_at),
            "enable_turn": True,
            "url": url,
            "links": {
                "participants": f"{url}/Participants",
                "recordings": f"{url}/Recordings",
                "recording_rules": f"{url}/RecordingRules",
                "transcriptions": f"{url}/Transcriptions",
            },
        }
        return answer if record.room is None else answer | self._write_options(record.room)

    def _write_options(self, room: RoomRecord) -> dict[str, Any]:
        calls, options = self._calls, room.options
        times = calls.times_of(room)
        codecs = [codec.upper() for codec in options.video_codecs]
        return {
            "type": options.kind,
            "max_participants": options.participant_limit(
                usual=calls.limits.endpoints, large=calls.limits.large_endpoints
            ),
            "max_participant_duration": options.max_participant_duration,
            "max_concurrent_published_tracks": options.track_limit,
            "record_participants_on_connect": any(
                rule.is_include and rule.is_about_all for rule in options.recording_rules
            ),
            "video_codecs": codecs or list(VIDEO_CODECS),
            "media_region": None if options.kind.is_relayed else options.media_region,
            "audio_only": options.is_audio_only,
            "empty_room_timeout": int(times.empty // 60),
            "unused_room_timeout": int(times.unused // 60),
            "large_room": options.is_large,
            "status_callback": options.status_callback,
            "status_callback_method": options.status_callback_method,
        }


def _name(record: CallRecord) -> str:
    """An unnamed room is called by its SID."""
    return (record.room.unique_name if record.room else None) or f"RM{record.id}"


def _status(record: CallRecord) -> str:
    return "in-progress" if record.ended_at is None else "completed"
