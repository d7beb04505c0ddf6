"""Webhooks: what is told to others' HTTP servers.

`delivery.py` stores and delivers requests, `requests.py` has them as values, `guard.py` says where
they may go, `sender.py` sends one, `hosts.py` is fair to hosts and patient with broken ones,
`resolver.py` finds addresses without holding anybody up,
`inspector.py` shows them to operators. `event_grid.py` tells ACS's events; other personalities
bring their own formats.
"""

from acs_core.service.webhooks.delivery import DeliveryLimits, Webhooks
from acs_core.service.webhooks.guard import TargetGuard
from acs_core.service.webhooks.requests import (
    Delivery,
    DeliveryState,
    DeliveryTimes,
    WebhookRequest,
    json_request,
)

__all__ = [
    "Delivery",
    "DeliveryLimits",
    "DeliveryState",
    "DeliveryTimes",
    "TargetGuard",
    "WebhookRequest",
    "Webhooks",
    "json_request",
]
