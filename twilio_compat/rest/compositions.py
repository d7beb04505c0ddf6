"""The Compositions resource: files made of a room's recordings, and the media behind them.

Source: Twilio Video REST API, Compositions resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from acs_core.errors import ServiceError, Stage
from acs_core.service.admission import is_sid
from acs_core.service.compositions import (
    Composition,
    CompositionOrder,
    Compositions,
    CompositionState,
    Purpose,
)
from acs_core.service.compositions.compositions import FOLDER
from acs_core.service.compositions.model import CompositionQuery
from acs_core.service.history import CallRecord
from acs_core.service.media_files import MediaFiles
from acs_core.service.openapi import Schema, nullable, one_of
from twilio_compat.rest.composition_orders import (
    ORDER_ANSWER,
    ORDER_FIELDS,
    order_as_json,
    read_order,
)
from twilio_compat.rest.media_links import check_lifetime, media_operation, redirect
from twilio_compat.rest.pages import address, date_bounds, iso_date, stored_page, window
from twilio_compat.rest.parameters import CheckCallback, Form, check_status_callback
from twilio_compat.rest.refusals import not_found, wrong_parameter
from twilio_compat.rest.rooms import CREATED, FindRoom
from twilio_compat.rest.routing import Operation, delete, get, post
from twilio_compat.rest.schemas import ACCOUNT, COUNT, DATE, PAGING, URL, exactly, page_of, sid

__all__ = ["COMPOSITION_SCHEMAS", "CompositionsResource"]

COMPOSITIONS_PATH: Final = "/v1/Compositions"
_COMPOSITION: Final = f"{COMPOSITIONS_PATH}/{{composition}}"
ROOM_NOT_FOUND: Final = 53106

COMPOSITION_SCHEMAS: Final[Mapping[str, Schema]] = {
    "composition": exactly(
        account_sid=ACCOUNT,
        status=one_of(*CompositionState),
        date_created=DATE,
        date_completed=nullable(DATE),
        date_deleted=nullable(DATE),
        sid=sid("CJ"),
        room_sid=sid("RM"),
        **ORDER_ANSWER,
        bitrate=COUNT,
        size=COUNT,
        duration=COUNT,
        media_external_location={"type": "null"},
        url=URL,
        links=exactly(media=URL),
    ),
    "compositions": page_of("compositions", "composition"),
}
"""What the resource answers."""


class CompositionsResource:
    """Compositions of rooms that are over.

    Args:
        compositions: Makes them.
        files: Makes the links to their media.
        find_room: Finds their room.
        account: The account that they belong to.
        check_callback: Refuses URLs that must not be called.
    """

    def __init__(
        self,
        compositions: Compositions,
        files: MediaFiles,
        find_room: FindRoom,
        account: str,
        check_callback: CheckCallback = lambda _: None,
    ) -> None:
        self._compositions = compositions
        self._files = files
        self._find_room = find_room
        self._account = account
        self._check_callback = check_callback

    def operations(self) -> tuple[Operation, ...]:
        """Its rows of the table."""
        fields = {"RoomSid": sid("RM"), **ORDER_FIELDS}
        filters = {"Status": one_of(*CompositionState), "RoomSid": sid("RM")}
        return (
            post(
                "CreateComposition",
                COMPOSITIONS_PATH,
                self.create,
                "composition",
                fields,
                status=201,
                required=["RoomSid"],
            ),
            get(
                "ListComposition",
                COMPOSITIONS_PATH,
                self.list,
                "compositions",
                {**filters, **CREATED, **PAGING},
            ),
            get("FetchComposition", _COMPOSITION, self.fetch, "composition"),
            delete("DeleteComposition", _COMPOSITION, self.delete),
            media_operation("FetchCompositionMedia", _COMPOSITION, self.media),
        )

    async def create(self, request: web.Request, form: Form) -> web.Response:
        """`POST /v1/Compositions`."""
        order = read_order(form)
        check_status_callback(order.status_callback, self._check_callback)
        room = await self._room(form.text("RoomSid") or "")
        # An untrimmed file begins with its room.
        order = msgspec.structs.replace(order, begins_at=room.started_at)
        made = await self._compositions.create(room.id, order)
        return web.json_response(self._write(request, made), status=201)

    async def list(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Compositions`, newest first."""
        status = request.query.get("Status") or None
        if status not in (None, *CompositionState):
            raise wrong_parameter(f"There are no compositions that are {str(status)[:40]!r}.")
        room = request.query.get("RoomSid") or None
        after, before = date_bounds(request)
        query = CompositionQuery(
            call=None if room is None else room.removeprefix("RM"),
            state=None if status is None else CompositionState(status),
            after=after,
            before=before,
        )
        return stored_page(
            request,
            "compositions",
            await self._compositions.list(query, window(request)),
            lambda item: self._write(request, item),
            lambda item: (item.created_at, item.id),
        )

    async def fetch(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Compositions/{composition}`."""
        return web.json_response(self._write(request, await self._find(request)))

    async def delete(self, request: web.Request, _: Form) -> web.Response:
        """`DELETE /v1/Compositions/{composition}`: the media is gone, the resource stays."""
        found = await self._find(request)
        if found.state is CompositionState.DELETED:
            raise not_found(request.path.removeprefix("/v1"))
        await self._compositions.delete(found.id)
        return web.Response(status=204)

    async def media(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/Compositions/{composition}/Media`."""
        found = await self._find(request)
        lifetime = check_lifetime(request)
        if found.state is not CompositionState.COMPLETED:
            raise not_found(request.path.removeprefix("/v1"))
        return redirect(request, self._files, FOLDER, found.file_name, lifetime=lifetime)

    # ------------------------------------------------------------ inside

    async def _room(self, room_sid: str) -> CallRecord:
        """The room of a new composition; it must be over, or tracks would be missing."""
        if not is_sid(room_sid):
            raise wrong_parameter("RoomSid is RM and 32 hex digits in lower case.")
        room = await self._find_room(room_sid.removeprefix("RM"))
        if room is None or room.room is None:
            raise ServiceError(
                f"There is no room {room_sid}.",
                code=404,
                sub_code=ROOM_NOT_FOUND,
                stage=Stage.ARGUMENT,
            )
        if room.ended_at is None:
            raise wrong_parameter(f"The room {room_sid} is in progress.")
        return room

    async def _find(self, request: web.Request) -> Composition:
        name = request.match_info["composition"]
        found = None
        if is_sid(name, "CJ"):
            found = await self._compositions.find(name.removeprefix("CJ"))
        if found is None or found.purpose is not Purpose.COMPOSITION:
            raise not_found(f"/Compositions/{name}")
        return found

    def _write(self, request: web.Request, item: Composition) -> dict[str, Any]:
        url = address(request, f"{COMPOSITIONS_PATH}/CJ{item.id}")
        size, duration = item.size or 0, item.duration or 0.0
        order: CompositionOrder = item.order
        return {
            "account_sid": self._account,
            "status": item.state,
            "date_created": iso_date(item.created_at),
            "date_completed": iso_date(item.completed_at),
            "date_deleted": iso_date(item.deleted_at),
            "sid": f"CJ{item.id}",
            "room_sid": f"RM{item.call}",
            **order_as_json(order),
            # Kilobits per second.
            "bitrate": round(size * 8 / 1000 / duration) if duration else 0,
            "size": size,
            "duration": round(duration),
            "media_external_location": None,
            "url": url,
            "links": {"media": f"{url}/Media"},
        }
