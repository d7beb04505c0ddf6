"""What operators see of webhooks, and how they repeat one: REST of our own.

``GET /operator/webhooks`` lists, newest first; ``GET /operator/webhooks/ID`` shows one with headers
and body; ``POST /operator/webhooks/ID/replay`` delivers it once more and tells how that went. Who
may do that is decided by whoever adds this part. Passwords in URLs and keys in headers are not
shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from acs_core.errors import CallingError, InvalidArgumentError, Stage
from acs_core.service.parts import ServicePart
from acs_core.service.webhooks.delivery import Webhooks
from acs_core.service.webhooks.requests import DeliveryState

__all__ = ["WEBHOOKS_PATH", "WebhookInspector"]

WEBHOOKS_PATH: Final = "/operator/webhooks"
USUAL_COUNT: Final = 50
LARGEST_COUNT: Final = 1000
_DETAILS: Final = frozenset({"headers", "body", "expected"})
_SECRETS: Final = frozenset({"aeg-sas-key", "authorization"})
"""Headers with which the service says who it is."""

_Resource: TypeAlias = Callable[[web.Request], Awaitable[object]]


class WebhookInspector(ServicePart):
    """Serves the resources.

    Args:
        webhooks: What to show.
        check_operator: Believes the `Authorization` header of an operator, or raises
            AuthenticationError.
    """

    def __init__(self, webhooks: Webhooks, check_operator: Callable[[str | None], None]) -> None:
        self._webhooks = webhooks
        self._check_operator = check_operator

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """What it serves."""
        one = f"{WEBHOOKS_PATH}/{{id}}"
        return (
            web.get(WEBHOOKS_PATH, self._answering(self._list)),
            web.get(one, self._answering(self._show)),
            web.post(f"{one}/replay", self._answering(self._replay)),
        )

    async def _list(self, request: web.Request) -> object:
        query = request.query
        state = query.get("state", "")
        if state and state not in list(DeliveryState):
            raise _wrong(f"The state is one of {', '.join(DeliveryState)}.")
        count = int(_number(query, "count") or USUAL_COUNT)
        rows = await self._webhooks.rows(
            state=state,
            group=query.get("group", ""),
            before=_number(query, "before"),
            most=min(max(1, count), LARGEST_COUNT),
        )
        return {"webhooks": [_shown(row) for row in rows]}

    async def _show(self, request: web.Request) -> object:
        return _shown(await self._webhooks.row(request.match_info["id"]), with_details=True)

    async def _replay(self, request: web.Request) -> object:
        delivery = await self._webhooks.replay(request.match_info["id"])
        return _shown(delivery.as_row())

    def _answering(self, resource: _Resource) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                self._check_operator(request.headers.get("Authorization"))
                return web.json_response(await resource(request))
            except CallingError as error:
                body = {"message": error.message, "next_step": error.next_step}
                is_http = 400 <= error.code < 600
                return web.json_response({"error": body}, status=error.code if is_http else 400)

        return handle


def _shown(row: Mapping[str, Any], *, with_details: bool = False) -> dict[str, Any]:
    shown = {name: row[name] for name in row if with_details or name not in _DETAILS}
    shown["group"] = shown.pop("group_id")
    if with_details:
        shown["headers"] = {
            name: "*" if name.lower() in _SECRETS else value
            for name, value in row["headers"].items()
        }
    try:
        url = URL(row["url"], encoded=True)
        shown["url"] = str(url.with_password("*") if url.raw_password else url)
    except ValueError:
        shown["url"] = "?"
    return shown


def _number(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    # Also refuses what is no number, and what is endless.
    if not 0 <= number < 1e12:
        raise _wrong(f"{name} is a number, and not negative.")
    return number


def _wrong(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, stage=Stage.ARGUMENT)
