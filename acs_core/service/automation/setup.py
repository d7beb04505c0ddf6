"""Ties Call Automation to what delivers webhooks, and to the guard of where they may go."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver

from acs_core.service.automation.events import Event
from acs_core.service.automation.fetching import Downloads
from acs_core.service.automation.incoming import IncomingCall
from acs_core.service.automation.part import CallAutomation
from acs_core.service.webhooks.delivery import Webhooks
from acs_core.service.webhooks.event_grid import EventGrid
from acs_core.service.webhooks.guard import GuardedResolver
from acs_core.service.webhooks.requests import json_request
from acs_core.service.webhooks.resolver import DetachedResolver

__all__ = ["deliver_by"]


def deliver_by(
    automation: CallAutomation, webhooks: Webhooks, event_grid: EventGrid | None
) -> None:
    """Have a service's programs told by its webhooks.

    Calls ring for programs where there is an endpoint of Event Grid's events: that is how ACS tells
    of them.

    Args:
        automation: Whose events.
        webhooks: Delivers them; its guard also says what files may be fetched from where.
        event_grid: Tells of calls that ring; None where nobody listens.
    """

    def post(url: str, group: str, events: Sequence[Event]) -> None:
        webhooks.post(
            json_request(
                url,
                list(events),
                event=", ".join(str(event["type"]) for event in events),
                group=f"call automation {group} {_digest(url)}",
            )
        )

    # One for all files: it bounds the look-ups at a time.
    names = DetachedResolver()

    def resolver(is_plain: bool) -> AbstractResolver:
        return GuardedResolver(names, webhooks.guard, is_plain=is_plain)

    automation.outlet.post = post
    automation.outlet.check = webhooks.check
    automation.playing.fetch = Downloads(resolver, webhooks.check)
    if event_grid is not None:
        automation.incoming.listen(_Teller(event_grid).tell)


def _digest(url: str) -> str:
    """Tells callbacks apart: one that nobody answers must not hold up what others are told."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _Teller:
    """Tells an endpoint of Event Grid's events of calls that ring."""

    def __init__(self, event_grid: EventGrid) -> None:
        self._event_grid = event_grid

    def tell(self, incoming: IncomingCall) -> None:
        """A call rings."""
        self._event_grid.incoming_call(
            incoming.call,
            caller=incoming.caller,
            callee=incoming.to,
            context=incoming.context,
            caller_name=incoming.caller_name,
            custom=incoming.custom_context,
        )
