"""Makes the parts that tell others what happens, as the settings say."""

from __future__ import annotations

from collections.abc import Callable

from acs_core.service.settings import ServiceSettings
from acs_core.service.store.database import Database
from acs_core.service.webhooks.delivery import Webhooks
from acs_core.service.webhooks.event_grid import EventGrid
from acs_core.service.webhooks.guard import DEV_NETWORKS, TargetGuard
from acs_core.service.webhooks.requests import DeliveryTimes

__all__ = ["webhook_parts"]


def webhook_parts(
    settings: ServiceSettings,
    database: Callable[[], Database],
    *,
    times: DeliveryTimes | None = None,
) -> tuple[Webhooks, EventGrid | None]:
    """What delivers, and what tells an endpoint of Event Grid's events if there is one.

    Args:
        settings: Which networks may be reached, and the endpoint.
        database: The service's, once it is open.
        times: Instead of the usual deadlines and pauses.

    Raises:
        InvalidArgumentError: The endpoint cannot be used.
    """
    networks = (*settings.webhook_networks, *(DEV_NETWORKS if settings.dev else ()))
    webhooks = Webhooks(database, TargetGuard(networks), times=times)
    if settings.event_grid_url is None:
        return webhooks, None
    key = settings.event_grid_key
    return webhooks, EventGrid(
        webhooks,
        settings.event_grid_url.get_secret_value(),
        key="" if key is None else key.get_secret_value(),
        resource_id=settings.acs_resource_id,
    )
