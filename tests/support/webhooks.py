"""Webhooks with a database of their own, and what is posted to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from acs_core.service.store.database import IN_MEMORY, Database
from acs_core.service.webhooks import (
    Delivery,
    DeliveryState,
    DeliveryTimes,
    TargetGuard,
    WebhookRequest,
    Webhooks,
)
from acs_core.service.webhooks.guard import DEV_NETWORKS
from tests.support.events import until
from tests.support.webhook_sink import Got

__all__ = [
    "DELIVERED",
    "FAILED",
    "PENDING",
    "QUICK",
    "bodies",
    "receiver",
    "settled",
    "telling",
    "webhooks",
]

QUICK = DeliveryTimes(attempt=2.0, pauses=(0.01, 0.01, 0.01), breaker=0.05)
PENDING, DELIVERED, FAILED = DeliveryState


@asynccontextmanager
async def webhooks(
    url: str = IN_MEMORY,
    *,
    guard: TargetGuard | None = None,
    times: DeliveryTimes = QUICK,
    **options: Any,
) -> AsyncIterator[Webhooks]:
    database = await Database.open(url)
    part = Webhooks(lambda: database, guard or TargetGuard(DEV_NETWORKS), times=times, **options)
    try:
        await part.start()
        yield part
    finally:
        await part.close()
        await database.close()


def telling(url: str, event: str, group: str = "room", **options: Any) -> WebhookRequest:
    return WebhookRequest(url=url, event=event, group=group, body=event, **options)


def bodies(got: list[Got]) -> list[str]:
    return [item.body for item in got]


async def settled(part: Webhooks, delivery: Delivery) -> Delivery:
    await until(lambda: delivery.state is not PENDING)
    return delivery


def receiver(handle: Handler) -> web.Application:
    """Hands what is posted to a handler."""
    app = web.Application()
    app.router.add_post("/", handle)
    return app
