"""The Recordings resources: of the account, of one room, and the media behind them.

Source: Twilio Video REST API, Recordings and Room Recordings resources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from acs_core.errors import InvalidStateError
from acs_core.service.history import CallRecord
from acs_core.service.media_files import MediaFiles
from acs_core.service.openapi import NUMBER, TEXT, Schema, nullable, one_of
from acs_core.service.recording.info import RecordingInfo, RecordingQuery, RecordingStatus
from acs_core.service.recording.recordings import FOLDER, Recordings
from twilio_compat.rest.media_links import check_lifetime, media_operation, redirect
from twilio_compat.rest.pages import address, date_bounds, iso_date, stored_page, window
from twilio_compat.rest.parameters import Form
from twilio_compat.rest.refusals import not_found, wrong_parameter
from twilio_compat.rest.rooms import CREATED, ROOM_PATH, FindRoom, RoomsResource
from twilio_compat.rest.routing import Operation, delete, get
from twilio_compat.rest.schemas import ACCOUNT, COUNT, DATE, PAGING, URL, exactly, page_of, sid

__all__ = ["RECORDING_SCHEMAS", "RecordingsResource"]

RECORDINGS_PATH: Final = "/v1/Recordings"
_RECORDING: Final = f"{RECORDINGS_PATH}/{{recording}}"
_OF_ROOM: Final = f"{ROOM_PATH}/Recordings"
_RECORDING_OF_ROOM: Final = f"{_OF_ROOM}/{{recording}}"
_TYPES: Final = ("audio", "video", "data")
_ID: Final = re.compile(r"(?:[A-Z]{2})([0-9a-f]{32})")

_FIELDS: Final[Mapping[str, Schema]] = {
    "account_sid": ACCOUNT,
    "status": one_of(*RecordingStatus),
    "date_created": DATE,
    "sid": sid("RT"),
    "source_sid": sid("MT"),
    "size": nullable(COUNT),
    "url": URL,
    "type": one_of(*_TYPES),
    "duration": nullable(COUNT),
    "container_format": one_of("mka", "mkv"),
    "codec": TEXT,
    "grouping_sids": exactly(room_sid=sid("RM"), participant_sid=sid("PA")),
    "track_name": TEXT,
    "offset": NUMBER,
    "media_external_location": {"type": "null"},
    "links": exactly(media=URL),
}
RECORDING_SCHEMAS: Final[Mapping[str, Schema]] = {
    "recording": exactly(
        **_FIELDS, status_callback=nullable(URL), status_callback_method=nullable(TEXT)
    ),
    "recordings": page_of("recordings", "recording"),
    "room_recording": exactly(**_FIELDS, room_sid=sid("RM")),
    "room_recordings": page_of("recordings", "room_recording"),
}
"""What the resources answer."""


class RecordingsResource:
    """Recordings: each is a track of a room, for one period of being recorded.

    Args:
        rooms: Finds the room that a path names.
        recordings: All recordings of the service.
        files: Makes the links to their media.
        find_room: Finds the room of a recording.
        account_sid: The account that they belong to.
    """

    def __init__(
        self,
        rooms: RoomsResource,
        recordings: Recordings,
        files: MediaFiles,
        find_room: FindRoom,
        account_sid: str,
    ) -> None:
        self._rooms = rooms
        self._recordings = recordings
        self._files = files
        self._find_room = find_room
        self._account_sid = account_sid

    def operations(self) -> tuple[Operation, ...]:
        """Its rows of the table."""
        filters: dict[str, Schema] = {
            "Status": one_of(*RecordingStatus),
            "SourceSid": TEXT,
            **CREATED,
            **PAGING,
        }
        of_account = {
            "GroupingSid": {"type": "array", "items": TEXT},
            "MediaType": one_of(*_TYPES),
        }
        return (
            get("ListRecording", RECORDINGS_PATH, self.list, "recordings", filters | of_account),
            get("FetchRecording", _RECORDING, self.fetch, "recording"),
            delete("DeleteRecording", _RECORDING, self.delete),
            media_operation("FetchRecordingMedia", _RECORDING, self.media),
            get("ListRoomRecording", _OF_ROOM, self.list_of_room, "room_recordings", filters),
            get("FetchRoomRecording", _RECORDING_OF_ROOM, self.fetch_of_room, "room_recording"),
            delete("DeleteRoomRecording", _RECORDING_OF_ROOM, self.delete_of_room),
            media_operation("FetchRoomRecordingMedia", _RECORDING_OF_ROOM, self.media_of_room),
        )

    # ------------------------------------------------------------ handlers

    async def list(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Recordings`."""
        kind = request.query.get("MediaType") or None
        if kind not in (None, *_TYPES):
            raise wrong_parameter(f"MediaType is one of {', '.join(_TYPES)}.")
        groups = [_id(sid) for sid in request.query.getall("GroupingSid", [])]
        return await self._list(request, sources=groups, kind=kind)

    async def list_of_room(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Rooms/{room}/Recordings`."""
        return await self._list(request, room=(await self._rooms.record(request)).id)

    async def fetch(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Recordings/{recording}`."""
        info = await self._find(request)
        room = await self._find_room(info.call)
        return web.json_response(self._write(request, info, None, room))

    async def fetch_of_room(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Rooms/{room}/Recordings/{recording}`."""
        room = (await self._rooms.record(request)).id
        return web.json_response(self._write(request, await self._find(request, room), room))

    async def delete(self, request: web.Request, _: Form) -> web.Response:
        """`DELETE /v1/Recordings/{recording}`: the media is gone, the resource stays."""
        return await self._delete(request, await self._find(request))

    async def delete_of_room(self, request: web.Request, _: Form) -> web.Response:
        """`DELETE /v1/Rooms/{room}/Recordings/{recording}`."""
        room = (await self._rooms.record(request)).id
        return await self._delete(request, await self._find(request, room))

    async def media(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Recordings/{recording}/Media`."""
        return self._redirect(request, await self._find(request))

    async def media_of_room(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Rooms/{room}/Recordings/{recording}/Media`."""
        room = (await self._rooms.record(request)).id
        return self._redirect(request, await self._find(request, room))

    # ------------------------------------------------------------ inside

    async def _list(
        self,
        request: web.Request,
        *,
        room: str | None = None,
        sources: Sequence[str] = (),
        kind: str | None = None,
    ) -> web.Response:
        status = request.query.get("Status") or None
        if status not in (None, *RecordingStatus):
            raise wrong_parameter(f"There are no recordings that are {str(status)[:40]!r}.")
        source = request.query.get("SourceSid") or None
        after, before = date_bounds(request)
        query = RecordingQuery(
            calls=() if room is None else (room,),
            in_rooms=True,
            status=None if status is None else RecordingStatus(status),
            publication=None if source is None else _id(source),
            sources=sources,
            kind=kind,
            created_after=after,
            created_before=before,
            with_deleted=False,
        )
        found = await self._recordings.list(query, window(request))
        # The room's callbacks are shown in the account's list only.
        calls = {info.call for info in found} if room is None else set()
        rooms = {call: await self._find_room(call) for call in calls}
        return stored_page(
            request,
            "recordings",
            found,
            lambda info: self._write(request, info, room, rooms.get(info.call)),
            lambda info: (info.created_at, info.id),
        )

    async def _find(self, request: web.Request, room: str | None = None) -> RecordingInfo:
        sid = request.match_info["recording"]
        info = await self._recordings.find(_id(sid)) if sid.startswith("RT") else None
        if info is None or info.room is None or room not in (None, info.call):
            raise not_found(request.path.removeprefix("/v1"))
        return info

    async def _delete(self, request: web.Request, info: RecordingInfo) -> web.Response:
        try:
            await self._recordings.delete(info.id)
        except InvalidStateError as error:
            raise wrong_parameter(error.message) from error
        return web.Response(status=204)

    def _redirect(self, request: web.Request, info: RecordingInfo) -> web.Response:
        lifetime = check_lifetime(request)
        if info.status is not RecordingStatus.COMPLETED:
            raise not_found(request.path.removeprefix("/v1"))
        return redirect(request, self._files, FOLDER, info.file_name, lifetime=lifetime)

    def _write(
        self,
        request: web.Request,
        info: RecordingInfo,
        room: str | None,
        record: CallRecord | None = None,
    ) -> dict[str, Any]:
        """One recording.

        Args:
            request: Says under which name this server is known.
            info: The recording.
            room: Where it is shown as the room's.
            record: What is remembered of the room, where it is shown as the account's.
        """
        sid = f"RT{info.id}"
        base = RECORDINGS_PATH if room is None else f"/v1/Rooms/RM{info.call}/Recordings"
        url = address(request, f"{base}/{sid}")
        common: dict[str, Any] = {
            "account_sid": self._account_sid,
            "status": info.status.value,
            "date_created": iso_date(info.created_at),
            "sid": sid,
            "source_sid": f"MT{info.publication}",
            "size": info.size,
            "url": url,
            "type": info.kind,
            "duration": None if info.duration is None else round(info.duration),
            "container_format": info.container,
            "codec": info.codec,
            "grouping_sids": {
                "room_sid": f"RM{info.call}",
                "participant_sid": f"PA{info.endpoint}",
            },
            "track_name": info.name,
            "offset": info.offset_ms,
            "media_external_location": None,
            "links": {"media": f"{url}/Media"},
        }
        if room is not None:
            return common | {"room_sid": f"RM{room}"}
        options = None if record is None or record.room is None else record.room.options
        return common | {
            "status_callback": None if options is None else options.status_callback,
            "status_callback_method": None if options is None else options.status_callback_method,
        }


def _id(sid: str) -> str:
    """The id in an SID; what is none is nobody's."""
    found = _ID.fullmatch(sid)
    return "" if found is None else found[1]
