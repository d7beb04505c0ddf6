"""The REST API as a part of the server: who may call it, and what every answer has in common.

Pages of any origin may call it (CORS): each request carries a password that the page must know
itself. Nothing is answered with `WWW-Authenticate`, against RFC 9110 section 11.6.1: a browser
would ask its user, remember the password, and lend it to every page that sends a form here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from acs_core.errors import CallingError, DeadlineError, ServiceError
from acs_core.service.calls import Calls
from acs_core.service.history import History
from acs_core.service.openapi import ApiFamily, Schema
from acs_core.service.parts import ServicePart
from acs_core.service.store.database import Database
from twilio_compat.rest.credentials import RestCredentials
from twilio_compat.rest.pages import address
from twilio_compat.rest.parameters import CheckCallback, Form
from twilio_compat.rest.participants import ParticipantsResource, Renamed
from twilio_compat.rest.rate_limits import RateLimits
from twilio_compat.rest.refusals import not_found, refusal, too_many_requests, wrong_parameter
from twilio_compat.rest.rooms import RoomsResource
from twilio_compat.rest.routing import REST_PATH, REST_PATHS, Handle, Operation
from twilio_compat.rest.schemas import SCHEMAS

__all__ = ["RestApi"]

_log = logging.getLogger(__name__)

BODY_DEADLINE: Final = 10.0
METHODS: Final = "GET, POST, DELETE, OPTIONS"
PREFLIGHT_LIFETIME: Final = "600"


class RestApi(ServicePart):
    """Twilio's Video REST API over the calls of the service.

    Args:
        calls: The live calls.
        history: The ended ones, too.
        database: Where they are kept; what is acknowledged is durable.
        account_sid: The account that everything belongs to.
        credentials: Who may call.
        limits: How often.
        check_callback: Refuses URLs that status callbacks must not go to.
        renamed: Is told of participants that were made anonymous; see `ParticipantsResource`.

    Attributes:
        rooms: Finds the room that a path names, for resources below it.
    """

    def __init__(
        self,
        calls: Calls,
        *,
        history: History,
        database: Callable[[], Database],
        account_sid: str,
        credentials: RestCredentials,
        renamed: Renamed,
        limits: RateLimits | None = None,
        check_callback: CheckCallback = lambda _: None,
    ) -> None:
        self._credentials = credentials
        self._database = database
        self._limits = limits or RateLimits()
        self._operations: dict[str, Operation] = {}
        self._schemas: dict[str, Schema] = dict(SCHEMAS)
        self.rooms = RoomsResource(calls, history, account_sid, check_callback)
        people = ParticipantsResource(self.rooms, calls, history, account_sid, renamed)
        self.add(self.rooms.operations())
        self.add(people.operations())

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The table: every operation by Twilio's name."""
        return self._operations

    def add(
        self, operations: Iterable[Operation], schemas: Mapping[str, Schema] | None = None
    ) -> None:
        """Serve more operations; before the server starts.

        Args:
            operations: Rows of the table.
            schemas: What they answer, by name, where `schemas.py` does not have it.
        """
        self._operations |= {operation.name: operation for operation in operations}
        self._schemas |= schemas or {}

    def described(self) -> Sequence[ApiFamily]:
        """The table as callers see it."""
        family = ApiFamily(
            name="twilio",
            operations=tuple(operation.described for operation in self._operations.values()),
            schemas=self._schemas,
            error="refusal",
            security={"type": "http", "scheme": "basic"},
        )
        return (family,)

    def routes(self) -> list[web.AbstractRouteDef]:
        """A route per operation; and what is said of everything else below `/v1`."""
        routes: list[web.AbstractRouteDef] = [
            web.route(item.method, item.path, self._answering(item.handle))
            for item in self._operations.values()
        ]
        routes += [web.options(f"{path}{{rest:(/.*)?}}", self._preflight) for path in REST_PATHS]
        everything = f"{REST_PATH}{{rest:(/.*)?}}"
        return [*routes, web.route("*", everything, self._answering(_nothing_here))]

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

    def _answering(self, handle: Handle) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            response: web.StreamResponse
            try:
                # First: who does not know the password uses up nobody's quota.
                self._credentials.check(request.headers.get("Authorization"))
                seconds = self._limits.take(request.method)
                if seconds:
                    response = too_many_requests(seconds)
                else:
                    response = await self._answer(handle, request, await _form(request))
            except CallingError as error:
                response = refusal(error)
            except Exception:
                _log.exception("a REST request failed")
                response = refusal(ServiceError("The service failed to handle it.", code=503))
            response.headers["Access-Control-Allow-Origin"] = "*"
            return response

        return answer

    async def _answer(self, handle: Handle, request: web.Request, form: Form) -> web.StreamResponse:
        """What the resource answers; of a change not before it is durable.

        Raises:
            InvalidArgumentError: The Host header is no address.
            ServiceError: 503, the database cannot be written; if it is known before, nothing
                changes.
        """
        # Answers contain addresses; whoever cannot be given one is refused before anything changes.
        address(request, REST_PATH)
        if request.method == "GET":
            return await handle(request, form)
        async with self._database().durable():
            return await handle(request, form)


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
