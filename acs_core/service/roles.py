"""Roles of the endpoints in a call, and what follows from them for what they publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from acs_core.core.capabilities import MODERATORS, attributes_in_role, capability_for
from acs_core.core.facts import EndpointAttributes, ParticipantRole
from acs_core.service.endpoints import Endpoint

if TYPE_CHECKING:
    from acs_core.service.server_call import ServerCall

__all__ = ["attributes_of", "refresh_permissions", "set_role"]


def attributes_of(call: ServerCall, endpoint: Endpoint) -> EndpointAttributes:
    """What is known of an endpoint that is in the call, or is about to join."""
    known = call.roster.endpoints.get(endpoint.id)
    if known is not None:
        return known.attributes
    place = call.meeting or call.room
    raw_id = endpoint.principal.raw_id
    role = ParticipantRole.PRESENTER if place is None else place.role_of(raw_id)
    return _attributes_in(call, raw_id, role)


def set_role(endpoint: Endpoint, role: ParticipantRole) -> None:
    """Give an endpoint another role; what it does not allow any longer is withdrawn."""
    call, before = endpoint.call, endpoint.attributes
    if role is before.role:
        return
    attributes = _attributes_in(call, endpoint.principal.raw_id, role, before)
    call.set_attributes(endpoint, **asdict(attributes))
    for publication in list(endpoint.publications.values()):
        if capability_for(publication.info.kind, attributes, call.type).is_lost_with_role:
            endpoint.withdraw(publication.id)


def refresh_permissions(endpoint: Endpoint) -> bool:
    """Work out again which of its publications an endpoint may send; True when that changed."""
    call, has_changed = endpoint.call, False
    for publication in endpoint.publications.values():
        kind, before = publication.info.kind, publication.is_permitted
        publication.is_permitted = capability_for(kind, endpoint.attributes, call.type).is_present
        has_changed |= publication.is_permitted is not before
    return has_changed


def _attributes_in(
    call: ServerCall,
    raw_id: str,
    role: ParticipantRole,
    before: EndpointAttributes | None = None,
) -> EndpointAttributes:
    """Attributes in a role, with what was forbidden to this user alone."""
    attributes = attributes_in_role(role, call.roster.media_access, before)
    if role in MODERATORS:
        return attributes
    return replace(
        attributes,
        is_audio_permitted=attributes.is_audio_permitted and raw_id not in call.forbidden["audio"],
        is_video_permitted=attributes.is_video_permitted and raw_id not in call.forbidden["video"],
    )
