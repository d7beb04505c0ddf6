"""The routes of the REST API: who may call them, and what every answer has in common.

Pages of any origin may call it (CORS): each request carries a password that the page must know
itself. Nothing is answered with `WWW-Authenticate`, against RFC 9110 section 11.6.1: a browser
would ask its user, remember the password, and lend it to every page that sends a form here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler

from acs_core.errors import CallingError, DeadlineError, ServiceError
from acs_core.service.calls import Calls
from acs_core.service.media_files import MediaFiles
from acs_core.service.recording.recordings import Recordings
from twilio_compat.rest.credentials import RestCredentials
from twilio_compat.rest.parameters import Form
from twilio_compat.rest.participants import ParticipantsResource
from twilio_compat.rest.recordings import RECORDINGS_PATH, RecordingsResource
from twilio_compat.rest.refusals import not_found, refusal, wrong_parameter
from twilio_compat.rest.rooms import RoomsResource

__all__ = ["REST_PATH", "REST_PATHS", "RestApi"]

_log = logging.getLogger(__name__)

REST_PATH: Final = "/v1/Rooms"
REST_PATHS: Final = (REST_PATH, RECORDINGS_PATH)
"""Everything is at or below one of these."""
BODY_DEADLINE: Final = 10.0
METHODS: Final = "GET, POST, DELETE, OPTIONS"
PREFLIGHT_LIFETIME: Final = "600"

_ROOM: Final = f"{REST_PATH}/{{room}}"
_PARTICIPANT: Final = f"{_ROOM}/Participants/{{participant}}"
_RECORDING: Final = f"{RECORDINGS_PATH}/{{recording}}"
_ROOM_RECORDING: Final = f"{_ROOM}/Recordings/{{recording}}"

_Resource: TypeAlias = Callable[[web.Request, Form], Awaitable[web.Response]]


class RestApi:
    """Twilio's Video REST API over the calls of the service.

    Args:
        calls: The live calls; asked for at each request, since the routes are made before them.
        recordings: All recordings of the service.
        files: Makes the links to media files.
        account_sid: The account that everything belongs to.
        credentials: Who may call.
    """

    def __init__(
        self,
        calls: Callable[[], Calls],
        recordings: Callable[[], Recordings],
        files: Callable[[], MediaFiles],
        *,
        account_sid: str,
        credentials: RestCredentials,
    ) -> None:
        self._credentials = credentials
        self._rooms = RoomsResource(calls, account_sid)
        self._participants = ParticipantsResource(self._rooms, calls, account_sid)
        self._recordings = RecordingsResource(self._rooms, calls, recordings, files, account_sid)

    def routes(self) -> list[web.AbstractRouteDef]:
        """What to add to the service's routes."""
        rooms, people = self._rooms, self._participants
        table: tuple[tuple[str, _Resource, _Resource | None], ...] = (
            (REST_PATH, rooms.list, rooms.create),
            (_ROOM, rooms.fetch, rooms.update),
            (f"{_ROOM}/RecordingRules", rooms.fetch_recording_rules, rooms.update_recording_rules),
            (f"{_ROOM}/Participants", people.list, None),
            (_PARTICIPANT, people.fetch, people.update),
            (f"{_PARTICIPANT}/PublishedTracks", people.list_published, None),
            (f"{_PARTICIPANT}/PublishedTracks/{{track}}", people.fetch_published, None),
            (f"{_PARTICIPANT}/SubscribedTracks", people.list_subscribed, people.update_subscribed),
            (f"{_PARTICIPANT}/SubscribedTracks/{{track}}", people.fetch_subscribed, None),
            (f"{_PARTICIPANT}/SubscribeRules", people.fetch_rules, people.update_rules),
        )
        routes: list[web.AbstractRouteDef] = []
        for path, get, post in table:
            routes.append(web.get(path, self._answering(get), allow_head=False))
            if post is not None:
                routes.append(web.post(path, self._answering(post)))
        routes += self._recording_routes()
        for root in REST_PATHS:
            below = f"{root}{{rest:(/.*)?}}"
            routes.append(web.options(below, self._preflight))
            routes.append(web.route("*", below, self._answering(_nothing_here)))
        return routes

    def _recording_routes(self) -> Iterator[web.AbstractRouteDef]:
        taken = self._recordings
        table: tuple[tuple[str, _Resource, _Resource | None], ...] = (
            (RECORDINGS_PATH, taken.list, None),
            (_RECORDING, taken.fetch, taken.delete),
            (f"{_RECORDING}/Media", taken.media, None),
            (f"{_ROOM}/Recordings", taken.list_of_room, None),
            (_ROOM_RECORDING, taken.fetch_of_room, taken.delete_of_room),
            (f"{_ROOM_RECORDING}/Media", taken.media_of_room, None),
        )
        for path, get, delete in table:
            yield web.get(path, self._answering(get), allow_head=False)
            if delete is not None:
                yield web.delete(path, self._answering(delete))

    async def _preflight(self, request: web.Request) -> web.Response:
        """What a browser asks before a page's request: whether it may be sent."""
        wanted = request.headers.get("Access-Control-Request-Headers", "Authorization")
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": wanted,
                "Access-Control-Max-Age": PREFLIGHT_LIFETIME,
            },
        )

    def _answering(self, resource: _Resource) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                self._credentials.check(request.headers.get("Authorization"))
                answer = await resource(request, await _form(request))
            except CallingError as error:
                answer = refusal(error)
            except Exception:
                _log.exception("a REST request failed")
                answer = refusal(ServiceError("The service failed to handle it.", code=503))
            answer.headers["Access-Control-Allow-Origin"] = "*"
            return answer

        return handle


async def _form(request: web.Request) -> Form:
    if request.method == "GET":
        return Form(b"")
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            return Form(await request.read())
    except TimeoutError as error:
        raise DeadlineError("The body did not arrive in time.") from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise wrong_parameter("The body did not arrive.") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise ServiceError("The body is too large.", code=413) from error


async def _nothing_here(request: web.Request, _: Form) -> web.Response:
    raise not_found(request.path.removeprefix("/v1"))
