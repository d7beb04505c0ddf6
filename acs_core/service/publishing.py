"""What somebody offers to a call: publications, enabled and forwarded as far as is allowed now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from acs_core import wire
from acs_core.core.capabilities import capability_for
from acs_core.core.facts import PublicationInfo
from acs_core.service.endpoints import Endpoint, Publication
from acs_core.service.roles import attributes_of

__all__ = ["new_publications"]


def new_publications(
    endpoint: Endpoint,
    wanted: Iterable[wire.NewPublication],
    *,
    numbers: Iterator[int],
    new_id: Callable[[], str],
    now: float,
) -> Iterator[Publication]:
    """Make publications of what an endpoint may publish, one after the other as they are taken.

    The call has checked that it may. What it may not send now is silenced from the start, also
    where it says that it sends nothing.

    Args:
        endpoint: In the call, or about to join it.
        wanted: What it offers.
        numbers: The stream ids that ACS shows, each used once in a call.
        new_id: Makes publication ids.
        now: Unix seconds.
    """
    call = endpoint.call
    attributes = attributes_of(call, endpoint)
    for item in wanted:
        publication_id = new_id()
        is_permitted = capability_for(item.kind, attributes, call.type).is_present
        # Asked anew each time: the publication before this one may have begun a recording.
        is_allowed = is_permitted and item.kind not in call.activity.waiting(attributes)
        info = PublicationInfo(
            id=publication_id,
            number=next(numbers),
            kind=item.kind,
            name=item.name or publication_id,
            enabled=item.enabled and is_allowed,
            priority=item.priority,
            reliability=item.reliability,
        )
        yield Publication(
            info,
            endpoint,
            audience=frozenset(item.audience),
            is_permitted=is_permitted,
            is_silenced=not is_allowed,
            offered_at=now,
        )
