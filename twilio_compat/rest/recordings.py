"""The Recordings resources: of the account, of one room, and the media behind them.

Source: Twilio Video REST API, Recordings and Room Recordings resources; their Media subresource
answers with a redirect to a link that expires, and with the same in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiohttp import web

from acs_core.errors import InvalidStateError
from acs_core.service.calls import Calls
from acs_core.service.media_files import LINK_LIFETIME, MediaFiles
from acs_core.service.recording.info import RecordingInfo, RecordingQuery, RecordingStatus
from acs_core.service.recording.recordings import FOLDER, Recordings
from twilio_compat.rest.pages import address, date_filter, iso_date, page
from twilio_compat.rest.parameters import Form
from twilio_compat.rest.refusals import not_found, wrong_parameter
from twilio_compat.rest.rooms import RoomsResource

__all__ = ["RECORDINGS_PATH", "RecordingsResource"]

RECORDINGS_PATH: Final = "/v1/Recordings"
LONGEST_LIFETIME: Final = 604_800
"""Seconds: a week."""
_TYPES: Final = ("audio", "video", "data")
_ID: Final = re.compile(r"(?:[A-Z]{2})([0-9a-f]{32})")


class RecordingsResource:
    """Recordings: each is a track of a room, for one period of being recorded.

    Args:
        rooms: Finds the room that a path names.
        calls: The live calls and the ended ones.
        recordings: All recordings of the service.
        files: Makes the links to their media.
        account_sid: The account that they belong to.
    """

    def __init__(
        self,
        rooms: RoomsResource,
        calls: Callable[[], Calls],
        recordings: Callable[[], Recordings],
        files: Callable[[], MediaFiles],
        account_sid: str,
    ) -> None:
        self._rooms = rooms
        self._calls = calls
        self._recordings = recordings
        self._files = files
        self._account_sid = account_sid

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
        return await self._list(request, room=self._rooms.record(request).id)

    async def fetch(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Recordings/{recording}`."""
        return web.json_response(self._write(request, await self._find(request), None))

    async def fetch_of_room(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Rooms/{room}/Recordings/{recording}`."""
        room = self._rooms.record(request).id
        return web.json_response(self._write(request, await self._find(request, room), room))

    async def delete(self, request: web.Request, _: Form) -> web.Response:
        """`DELETE /v1/Recordings/{recording}`: the media is gone, the resource stays."""
        return await self._delete(request, await self._find(request))

    async def delete_of_room(self, request: web.Request, _: Form) -> web.Response:
        """`DELETE /v1/Rooms/{room}/Recordings/{recording}`."""
        room = self._rooms.record(request).id
        return await self._delete(request, await self._find(request, room))

    async def media(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Recordings/{recording}/Media`."""
        return self._redirect(request, await self._find(request))

    async def media_of_room(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Rooms/{room}/Recordings/{recording}/Media`."""
        room = self._rooms.record(request).id
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
        is_in_time = date_filter(request)
        query = RecordingQuery(
            calls=() if room is None else (room,),
            in_rooms=True,
            status=None if status is None else RecordingStatus(status),
            publication=None if source is None else _id(source),
            sources=sources,
            kind=kind,
        )
        found = [
            info
            for info in await self._recordings().list(query)
            if is_in_time(info.created_at)
            and (status is not None or info.status is not RecordingStatus.DELETED)
        ]
        return page(request, "recordings", found, lambda info: self._write(request, info, room))

    async def _find(self, request: web.Request, room: str | None = None) -> RecordingInfo:
        sid = request.match_info["recording"]
        info = await self._recordings().find(_id(sid)) if sid.startswith("RT") else None
        if info is None or info.room is None or room not in (None, info.call):
            raise not_found(request.path.removeprefix("/v1"))
        return info

    async def _delete(self, request: web.Request, info: RecordingInfo) -> web.Response:
        try:
            await self._recordings().delete(info.id)
        except InvalidStateError as error:
            raise wrong_parameter(error.message) from error
        return web.Response(status=204)

    def _redirect(self, request: web.Request, info: RecordingInfo) -> web.Response:
        lifetime = request.query.get("Ttl") or str(int(LINK_LIFETIME))
        is_number = lifetime.isascii() and lifetime.isdigit() and len(lifetime) < 10
        if not is_number or not 1 <= int(lifetime) <= LONGEST_LIFETIME:
            raise wrong_parameter(f"Ttl is from 1 to {LONGEST_LIFETIME}, not {lifetime[:40]!r}.")
        if info.status is not RecordingStatus.COMPLETED:
            raise not_found(request.path.removeprefix("/v1"))
        link = self._files().link(FOLDER, info.file_name, lifetime=int(lifetime))
        location = f"{request.url.origin()}{link}"
        return web.json_response(
            {"redirect_to": location}, status=302, headers={"Location": location}
        )

    def _write(self, request: web.Request, info: RecordingInfo, room: str | None) -> dict[str, Any]:
        """One recording; of a room where `room` is given."""
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
        callback, method = self._callback(info)
        return common | {"status_callback": callback, "status_callback_method": method}

    def _callback(self, info: RecordingInfo) -> tuple[str | None, str | None]:
        """Who is told of the room's events, while the room is remembered."""
        calls = self._calls()
        live = calls.live.get(info.call)
        record = calls.history.find(info.call) if live is None else live.record
        if record is None or record.room is None:
            return None, None
        options = record.room.options
        return options.status_callback, options.status_callback_method


def _id(sid: str) -> str:
    """The id in an SID; what is none is nobody's."""
    found = _ID.fullmatch(sid)
    return "" if found is None else found[1]
