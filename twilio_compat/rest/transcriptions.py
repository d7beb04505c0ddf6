"""The Transcriptions of a room: at most one, started and stopped as often as wanted.

Source: Twilio Video, Real-time Transcriptions: the Transcriptions subresource.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from acs_core.errors import InvalidArgumentError
from acs_core.service.calls import ServerCall
from acs_core.service.openapi import TEXT, Schema, nullable, one_of
from acs_core.service.room_transcription import (
    RoomTranscriptions,
    TranscriptionRecord,
    TranscriptionStatus,
)
from twilio_compat.rest.pages import address, iso_date, page
from twilio_compat.rest.parameters import Form, transcription_configuration
from twilio_compat.rest.refusals import not_found, wrong_parameter
from twilio_compat.rest.rooms import ROOM_PATH, RoomsResource
from twilio_compat.rest.routing import Operation, get, post
from twilio_compat.rest.schemas import (
    ACCOUNT,
    COUNT,
    DATE,
    JSON_TEXT,
    PAGING,
    URL,
    exactly,
    page_of,
    sid,
)

__all__ = ["TRANSCRIPTION_SCHEMAS", "TranscriptionsResource"]

TYPE: Final = "video_transcriptions_"
"""What ids of the resource begin with; the room's digits follow, as a room has only one."""
LIST_PATH: Final = f"{ROOM_PATH}/Transcriptions"
PATH: Final = f"{LIST_PATH}/{{transcription}}"
TRANSCRIPTION_SCHEMAS: Final[Mapping[str, Schema]] = {
    "transcription": exactly(
        ttid={"type": "string", "pattern": f"^{TYPE}[0-9a-f]{{32}}$"},
        account_sid=ACCOUNT,
        room_sid=sid("RM"),
        source_sid={"type": "null"},
        status=one_of(*TranscriptionStatus),
        date_created=DATE,
        date_updated=nullable(DATE),
        start_time=nullable(DATE),
        end_time=nullable(DATE),
        duration=nullable(COUNT),
        url=URL,
        configuration={"type": "object", "additionalProperties": TEXT},
    ),
    "transcriptions": page_of("transcriptions", "transcription"),
}


class TranscriptionsResource:
    """Transcriptions of rooms.

    Args:
        rooms: Finds the room of a path.
        transcriptions: Where they are.
        account: The account that they belong to.
    """

    def __init__(
        self, rooms: RoomsResource, transcriptions: RoomTranscriptions, account: str
    ) -> None:
        self._rooms = rooms
        self._transcriptions = transcriptions
        self._account = account

    def operations(self) -> tuple[Operation, ...]:
        """Its rows of the table."""
        kind, answer, here = "RoomTranscriptions", "transcription", LIST_PATH
        create, update = self.create, self.update
        change = {"Status": one_of("started", "stopped"), "Configuration": JSON_TEXT}
        configuration = {"Configuration": JSON_TEXT}
        return (
            get(f"List{kind}", here, self.list, "transcriptions", PAGING),
            post(f"Create{kind}", here, create, answer, configuration, status=202),
            get(f"Fetch{kind}", PATH, self.fetch, answer),
            post(f"Update{kind}", PATH, update, answer, change, status=202),
        )

    async def list(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../Transcriptions`: one, or none."""
        record = await self._rooms.record(request)
        found = await self._transcriptions.find(record.id)
        items = [] if found is None else [found]
        return page(request, "transcriptions", items, lambda item: self._write(request, item))

    async def fetch(self, request: web.Request, _: Form) -> web.Response:
        """`GET .../Transcriptions/{transcription}`."""
        record = await self._rooms.record(request)
        found = await self._transcriptions.find(record.id)
        if found is None or not _is_named(request, found):
            raise not_found(request.path.removeprefix("/v1"))
        return web.json_response(self._write(request, found))

    async def create(self, request: web.Request, form: Form) -> web.Response:
        """`POST .../Transcriptions`: starts it."""
        call = self._forwarded(request)
        configuration = transcription_configuration(form, "Configuration") or {}
        try:
            made = self._transcriptions.create(call, configuration)
        except InvalidArgumentError as error:
            raise wrong_parameter(error.message) from error
        return web.json_response(self._write(request, made), status=202)

    async def update(self, request: web.Request, form: Form) -> web.Response:
        """`POST .../Transcriptions/{transcription}`: stops, starts or configures it."""
        call = self._forwarded(request)
        found = await self._transcriptions.find(call.id)
        if found is None or not _is_named(request, found):
            raise not_found(request.path.removeprefix("/v1"))
        status = form.text("Status")
        if status not in (None, TranscriptionStatus.STARTED, TranscriptionStatus.STOPPED):
            raise wrong_parameter(f"The status of a transcription cannot become {status[:40]!r}.")
        configuration = transcription_configuration(form, "Configuration")
        wanted = None if status is None else TranscriptionStatus(status)
        try:
            self._transcriptions.update(call, status=wanted, configuration=configuration)
        except InvalidArgumentError as error:
            raise wrong_parameter(error.message) from error
        return web.json_response(self._write(request, found), status=202)

    def _forwarded(self, request: web.Request) -> ServerCall:
        """The room of a path, in progress and with media that the service sees."""
        call = self._rooms.live(request)
        if call.room is not None and call.room.options.kind.is_relayed:
            raise wrong_parameter("The service does not hear what is said in this room.", 53114)
        return call

    def _write(self, request: web.Request, record: TranscriptionRecord) -> dict[str, Any]:
        ttid, room = f"{TYPE}{record.call_id}", f"RM{record.call_id}"
        duration = record.duration(time.time())
        return {
            "ttid": ttid,
            "account_sid": self._account,
            "room_sid": room,
            "source_sid": None,
            "status": record.status,
            "date_created": iso_date(record.created_at),
            "date_updated": iso_date(record.updated_at),
            "start_time": iso_date(record.started_at),
            "end_time": iso_date(record.ended_at),
            "duration": None if duration is None else int(duration),
            "url": address(request, f"/v1/Rooms/{room}/Transcriptions/{ttid}"),
            "configuration": dict(record.configuration),
        }


def _is_named(request: web.Request, record: TranscriptionRecord) -> bool:
    return request.match_info["transcription"] == f"{TYPE}{record.call_id}"
