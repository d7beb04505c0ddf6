"""Whether somebody can enter a call, in whose place, and what they may offer there.

`admission.py` has the rules; here is what they are asked about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from acs_core import wire
from acs_core.errors import InvalidArgumentError
from acs_core.service import admission
from acs_core.service.admission import NameOf, check_name
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.roles import attributes_of

if TYPE_CHECKING:
    from acs_core.service.endpoints import Endpoint
    from acs_core.service.server_call import ServerCall

__all__ = ["check_newcomer", "check_offer", "replaced_by"]


def check_newcomer(call: ServerCall, endpoint_id: str, names: Iterable[str]) -> None:
    """Refuse who comes too late, under an id that is taken or with an unusable name.

    Raises:
        ServiceError: The call has just ended.
        InvalidArgumentError: A name is unusable, the id is taken.
    """
    if call.record.ended_at is not None:
        raise admission.call_over()
    if endpoint_id in call.endpoints:
        raise InvalidArgumentError(f"Endpoint id {endpoint_id} is taken.", code=409)
    for text in names:
        check_name(NameOf.PARTICIPANT, text, call.limits.name_length)


def replaced_by(call: ServerCall, principal: Principal) -> list[Endpoint]:
    """Who goes when somebody comes: the earlier endpoints of a Twilio participant."""
    if principal.kind is not PrincipalKind.TWILIO or call.is_probe:
        return []
    return [
        other
        for other in call.endpoints.values()
        if other.principal.raw_id == principal.raw_id
        and other.principal.kind is PrincipalKind.TWILIO
    ]


def check_offer(
    call: ServerCall, endpoint: Endpoint, wanted: tuple[wire.NewPublication, ...]
) -> None:
    """Refuse publications that the call cannot take; see `ServerCall.check_publications`."""
    is_here = call.endpoints.get(endpoint.id) is endpoint
    replaced = [] if is_here else replaced_by(call, endpoint.principal)
    admission.check_kinds(wanted, attributes_of(call, endpoint), call.type, is_joining=not is_here)
    admission.check_publications(
        wanted,
        own_names=[publication.info.name for publication in endpoint.publications.values()],
        in_call=len(call.publications) - sum(len(other.publications) for other in replaced),
        options=None if call.room is None else call.room.options,
        limits=call.limits,
    )
