"""The front of the Azure interfaces: what every request and every answer have in common.

The order is: the headers are believed (`gate.py`), the body is read and compared with what was
signed, a request that somebody repeats is refused (`replays.py`) or answered as before
(`repeats.py`), the version is checked, the resource answers, and what it changed becomes durable
before the client hears of it.

Source: the Microsoft Azure REST API guidelines; azure-core for Python, whose clients send
``x-ms-client-request-id`` and ask for it back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from acs_core.errors import CallingError, DeadlineError, ServiceError, Stage
from acs_core.service.rest.gate import Gate, Pass
from acs_core.service.rest.messages import (
    AzureAnswer,
    AzureRequest,
    AzureRoute,
    refusal,
    wrong_request,
)
from acs_core.service.rest.repeats import Repeats, repeatable, should_try_again
from acs_core.signed_request import SIGNATURE_SCHEME

__all__ = ["AzureFront"]

_log = logging.getLogger(__name__)

BODY_DEADLINE: Final = 10.0
LONGEST_ID: Final = 128
# Python's clients write the name of their enum's member when they follow a link to the next page
# (azure-communication-rooms 1.2.0 on Python 3.11 and later).
_ENUM_MEMBER: Final = "ApiVersion.V"
_SAFE: Final = frozenset({"GET", "HEAD"})


class AzureFront:
    """Lets requests in to resources, and writes their answers.

    Args:
        gate: Who may ask.
        durable: Around what changes something: makes it durable, or refuses it.
        clock: Unix seconds.
        body_deadline: Seconds that a body may take to arrive.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        durable: Callable[[], AbstractAsyncContextManager[None]],
        clock: Callable[[], float] = time.time,
        body_deadline: float = BODY_DEADLINE,
    ) -> None:
        self._gate = gate
        self._body_deadline = body_deadline
        self._durable = durable
        self._clock = clock
        self._repeats = Repeats()
        self._served: list[AzureRoute] = []

    @property
    def served(self) -> Sequence[AzureRoute]:
        """What it was asked to serve."""
        return self._served

    def serve(self, routes: Iterable[AzureRoute]) -> list[web.RouteDef]:
        """The routes of some resources, for the service's application."""
        chosen = list(routes)
        self._served += chosen
        return [web.route(route.method, route.path, self._answering(route)) for route in chosen]

    def _answering(self, route: AzureRoute) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                answer = await self._answer(route, request)
            except CallingError as error:
                answer = refusal(error)
            return _written(answer, request.headers)

        return handle

    async def _answer(self, route: AzureRoute, request: web.Request) -> AzureAnswer:
        now, target = self._clock(), request.raw_path
        admitted = self._gate.admit(route.method, target, request.headers, now=now)
        data = await _body(request, self._body_deadline)
        admitted.check_body(data)
        repetition = repeatable(route.method, target, request.headers, data)
        is_safe = route.method in _SAFE
        admitted.use(is_harmless=is_safe or self._repeats.knows(repetition), now=now)
        asked = AzureRequest(
            request.match_info,
            _query(request, route),
            _json(data),
            _base_url(request),
            self._clock(),
        )

        async def respond() -> AzureAnswer:
            return await self._carried_out(route, asked, admitted)

        if repetition is None or is_safe:
            return await respond()
        return await self._repeats.answer(repetition, respond, now=now)

    async def _carried_out(
        self, route: AzureRoute, asked: AzureRequest, admitted: Pass
    ) -> AzureAnswer:
        try:
            async with nullcontext() if route.method in _SAFE else self._durable():
                answer = await route.handler(asked)
        except CallingError as error:
            answer = refusal(error)
        except Exception:
            _log.exception("%s %s failed", route.method, route.path)
            answer = refusal(ServiceError("The service failed to handle it.", code=500))
        if should_try_again(answer.status):
            admitted.give_back()
        return answer


async def _body(request: web.Request, deadline: float) -> bytes:
    try:
        async with asyncio.timeout(deadline):
            return await request.read()
    except TimeoutError as error:
        raise DeadlineError("The body did not arrive in time.", stage=Stage.ARGUMENT) from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise wrong_request("The body did not arrive.") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise ServiceError("The body is too large.", code=413, stage=Stage.ARGUMENT) from error


def _query(request: web.Request, route: AzureRoute) -> Mapping[str, str]:
    query = {name: request.query[name] for name in request.query}
    version = query.get("api-version", "")
    if version.startswith(_ENUM_MEMBER):
        query["api-version"] = version.removeprefix(_ENUM_MEMBER).replace("_", "-")
    if query.get("api-version") not in route.versions:
        raise wrong_request(f"api-version must be one of {', '.join(route.versions)}.")
    return query


def _json(data: bytes) -> Mapping[str, object]:
    try:
        body = json.loads(data) if data else {}
    except (ValueError, RecursionError):
        raise wrong_request("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise wrong_request("The body must be an object.")
    return body


def _base_url(request: web.Request) -> str:
    try:
        return str(request.url.origin())
    except ValueError as error:
        raise wrong_request("The Host header is no address.") from error


def _written(answer: AzureAnswer, asked: Mapping[str, str]) -> web.Response:
    headers = dict(answer.headers or {})
    if answer.status == 401:
        headers["WWW-Authenticate"] = SIGNATURE_SCHEME
    request_id = asked.get("x-ms-client-request-id", "")
    if asked.get("x-ms-return-client-request-id", "").lower() == "true" and _is_id(request_id):
        headers["x-ms-client-request-id"] = request_id
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    return web.json_response(answer.body, status=answer.status, headers=headers)


def _is_id(text: str) -> bool:
    return 0 < len(text) <= LONGEST_ID and text.isascii() and text.isprintable()
