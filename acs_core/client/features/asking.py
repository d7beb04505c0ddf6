"""What the features that ask the service for something about people have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from acs_core.client.features.base import CallContext
from acs_core.client.ports import Session
from acs_core.core.facts import EndpointAttributes
from acs_core.core.roster import Roster
from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.identifiers import CommunicationIdentifier, identifier_from, raw_id

__all__ = ["attributes_by_identity", "in_order", "raw_ids", "session_of"]


def raw_ids(identifiers: Iterable[CommunicationIdentifier]) -> tuple[str, ...]:
    """The raw ids of some people, each once; identifiers may be written in any way.

    Raises:
        InvalidArgumentError: 422: one of them is no identifier; 400: they are not listed.
    """
    if not isinstance(identifiers, Iterable):
        raise InvalidArgumentError(
            "Participants are a list of identifiers.",
            next_step="Pass for instance [CommunicationUserIdentifier(raw_id)].",
        )
    return tuple(dict.fromkeys(raw_id(identifier_from(item)) for item in identifiers))


def session_of(context: CallContext, *, code: int, sub_code: int) -> Session:
    """The session of a connected call.

    Raises:
        InvalidStateError: The call is not connected; with these codes.
    """
    if context.is_joined:
        return context.joined_session()
    raise InvalidStateError(
        "The call is not connected.",
        code=code,
        sub_code=sub_code,
        next_step="Wait until its state is Connected.",
    )


def attributes_by_identity(roster: Roster) -> Mapping[str, tuple[EndpointAttributes, ...]]:
    """What is known of the endpoints of each identity, in order of arrival."""
    found: dict[str, tuple[EndpointAttributes, ...]] = {}
    for info in roster.endpoints.values():
        found[info.identity] = (*found.get(info.identity, ()), info.attributes)
    return found


def in_order(places: Mapping[str, Iterable[int | None]]) -> tuple[str, ...]:
    """Identities that have a place, by their first one.

    Args:
        places: Of the endpoints of each identity; None for no place.
    """
    first = {
        identity: min(taken)
        for identity, given in places.items()
        if (taken := [place for place in given if place is not None])
    }
    return tuple(sorted(first, key=lambda identity: first[identity]))
