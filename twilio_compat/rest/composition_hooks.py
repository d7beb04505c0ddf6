"""The Composition Hooks resource: each makes a composition of every recorded room that ends.

Source: Twilio Video REST API, Composition Hooks resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from acs_core.errors import ServiceError
from acs_core.service.admission import is_sid
from acs_core.service.compositions import CompositionHook, CompositionOrder, Compositions
from acs_core.service.compositions.model import HookQuery
from acs_core.service.openapi import FLAG, TEXT, Schema, nullable
from twilio_compat.rest.composition_orders import (
    ORDER_ANSWER,
    ORDER_FIELDS,
    order_as_json,
    read_order,
)
from twilio_compat.rest.pages import address, date_bounds, iso_date, stored_page, window
from twilio_compat.rest.parameters import CheckCallback, Form, check_status_callback
from twilio_compat.rest.refusals import not_found, wrong_parameter
from twilio_compat.rest.rooms import CREATED
from twilio_compat.rest.routing import Operation, delete, get, post
from twilio_compat.rest.schemas import ACCOUNT, DATE, PAGING, URL, exactly, page_of, sid

__all__ = ["HOOK_SCHEMAS", "CompositionHooksResource"]

HOOKS_PATH: Final = "/v1/CompositionHooks"
_HOOK: Final = f"{HOOKS_PATH}/{{hook}}"
LONGEST_NAME: Final = 100
CONFLICT: Final = 409
_FIELDS: Final[Mapping[str, Schema]] = {
    "FriendlyName": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    "Enabled": FLAG,
    **ORDER_FIELDS,
}
HOOK_SCHEMAS: Final[Mapping[str, Schema]] = {
    "composition_hook": exactly(
        account_sid=ACCOUNT,
        friendly_name=TEXT,
        enabled=FLAG,
        date_created=DATE,
        date_updated=nullable(DATE),
        sid=sid("HK"),
        **ORDER_ANSWER,
        url=URL,
    ),
    "composition_hooks": page_of("composition_hooks", "composition_hook"),
}
"""What the resource answers."""


class CompositionHooksResource:
    """Composition hooks of the account.

    Args:
        compositions: Keeps them.
        account: The account that they belong to.
        check_callback: Refuses URLs that must not be called.
    """

    def __init__(
        self,
        compositions: Compositions,
        account: str,
        check_callback: CheckCallback = lambda _: None,
    ) -> None:
        self._compositions = compositions
        self._account = account
        self._check_callback = check_callback

    def operations(self) -> tuple[Operation, ...]:
        """Its rows of the table."""
        needed, answer = ["FriendlyName"], "composition_hook"
        filters = {"Enabled": FLAG, "FriendlyName": TEXT, **CREATED, **PAGING}
        return (
            post(
                "CreateCompositionHook",
                HOOKS_PATH,
                self.create,
                answer,
                _FIELDS,
                status=201,
                required=needed,
            ),
            get("ListCompositionHook", HOOKS_PATH, self.list, "composition_hooks", filters),
            get("FetchCompositionHook", _HOOK, self.fetch, answer),
            post("UpdateCompositionHook", _HOOK, self.update, answer, _FIELDS, required=needed),
            delete("DeleteCompositionHook", _HOOK, self.delete),
        )

    async def create(self, request: web.Request, form: Form) -> web.Response:
        """`POST /v1/CompositionHooks`."""
        name, order, is_enabled = self._read(form)
        try:
            hook = await self._compositions.hooks.create(name, order, is_enabled=is_enabled)
        except ServiceError as error:
            raise _refused(error) from error
        return web.json_response(self._write(request, hook), status=201)

    async def update(self, request: web.Request, form: Form) -> web.Response:
        """`POST /v1/CompositionHooks/{hook}`: takes the place of what was there, as a whole."""
        found = await self._find(request)
        name, order, is_enabled = self._read(form)
        try:
            hook = await self._compositions.hooks.update(
                found.id, name, order, is_enabled=is_enabled
            )
        except ServiceError as error:
            raise _refused(error) from error
        return web.json_response(self._write(request, hook))

    async def list(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/CompositionHooks`, newest first."""
        enabled = (request.query.get("Enabled") or "").lower()
        if enabled not in ("", "true", "false"):
            raise wrong_parameter(f"Enabled is true or false, not {enabled[:40]!r}.")
        after, before = date_bounds(request)
        query = HookQuery(
            is_enabled=enabled == "true" if enabled else None,
            name=request.query.get("FriendlyName") or None,
            after=after,
            before=before,
        )
        return stored_page(
            request,
            "composition_hooks",
            await self._compositions.hooks.list(query, window(request)),
            lambda hook: self._write(request, hook),
            lambda hook: (hook.created_at, hook.id),
        )

    async def fetch(self, request: web.Request, _: Form) -> web.Response:
        """`GET /v1/CompositionHooks/{hook}`."""
        return web.json_response(self._write(request, await self._find(request)))

    async def delete(self, request: web.Request, _: Form) -> web.Response:
        """`DELETE /v1/CompositionHooks/{hook}`: its compositions stay."""
        await self._compositions.hooks.delete((await self._find(request)).id)
        return web.Response(status=204)

    # ------------------------------------------------------------ inside

    def _read(self, form: Form) -> tuple[str, CompositionOrder, bool]:
        name = form.text("FriendlyName")
        if name is None or len(name) > LONGEST_NAME or not name.isprintable():
            raise wrong_parameter(
                f"FriendlyName is needed, and has at most {LONGEST_NAME} characters."
            )
        order = read_order(form)
        check_status_callback(order.status_callback, self._check_callback)
        return name, order, form.text("Enabled") is None or form.flag("Enabled")

    async def _find(self, request: web.Request) -> CompositionHook:
        name = request.match_info["hook"]
        found = None
        if is_sid(name, "HK"):
            found = await self._compositions.hooks.find(name.removeprefix("HK"))
        if found is None:
            raise not_found(f"/CompositionHooks/{name}")
        return found

    def _write(self, request: web.Request, hook: CompositionHook) -> dict[str, Any]:
        return {
            "account_sid": self._account,
            "friendly_name": hook.name,
            "enabled": hook.is_enabled,
            "date_created": iso_date(hook.created_at),
            "date_updated": iso_date(hook.updated_at),
            "sid": f"HK{hook.id}",
            **order_as_json(hook.order),
            "url": address(request, f"{HOOKS_PATH}/HK{hook.id}"),
        }


def _refused(error: ServiceError) -> Exception:
    """A name that is taken is a wrong parameter; everything else is as it is."""
    return wrong_parameter(error.message) if error.code == CONFLICT else error
