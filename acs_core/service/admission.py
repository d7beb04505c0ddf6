"""Who and what is let in: limits, names and grants, each refusal with its code.

Source: Twilio's error dictionary for the codes 53101 to 53302, and its guide to scaling
applications for 53119 (too many rooms at a time); the ACS Calling SDK's error table for 40209,
41106 and 41107.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from acs_core import wire
from acs_core.core import endings
from acs_core.core.capabilities import (
    CapabilityResolutionReason,
    ParticipantCapability,
    ParticipantCapabilityName,
    capability_for,
    decide,
)
from acs_core.core.facts import CallType, EndpointAttributes, PublicationKind
from acs_core.errors import InvalidArgumentError, ServiceError, Stage
from acs_core.service.rooms import RoomOptions

__all__ = [
    "CallLimits",
    "NameOf",
    "call_full",
    "call_over",
    "check_audience",
    "check_enabling",
    "check_kinds",
    "check_name",
    "check_policy",
    "check_publications",
    "is_sid",
    "name_is_sid",
    "not_granted",
    "parse_guid",
    "require",
    "room_not_found",
    "too_many_rooms",
]

AUDIENCE_LIMIT: Final = 64
RAW_ID_LIMIT: Final = 256

_UNPRINTABLE: Final = frozenset({"Cc", "Cs"})
"""Unicode categories that no name contains: control characters and lone surrogates."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What one call may hold, and how many rooms there may be.

    Attributes:
        endpoints: Endpoints in a call (Twilio allows 50 participants in a room).
        large_endpoints: Endpoints in a room that was created for more than 50.
        publications: Publications of one endpoint.
        name_length: Characters in a room, participant or track name (Twilio: 128).
        policy_length: Publications that a receive policy or a list of rules may name.
        rooms: Twilio rooms that are in progress at a time, those included that wait for
            participants: whoever has a token makes a room by connecting to a new name, and it
            lives on for minutes after the last one left.
        probes: Test calls of one user at a time; every token opens them.
    """

    endpoints: int = 50
    large_endpoints: int = 250
    publications: int = 32
    name_length: int = 128
    policy_length: int = 1000
    rooms: int = 5000
    probes: int = 8


class NameOf(Enum):
    """What a name is of, with Twilio's codes for one that is too long or has wrong characters."""

    ROOM = ("room", 53101, 53102)
    PARTICIPANT = ("participant", 53201, 53202)
    TRACK = ("track", 53302, 53303)


def check_name(what: NameOf, name: str, longest: int) -> None:
    """Refuse a name that is too long or contains control characters.

    Raises:
        InvalidArgumentError: With Twilio's code for it.
    """
    noun, too_long, wrong_characters = what.value
    if len(name) > longest:
        raise InvalidArgumentError(
            f"A {noun} name may have {longest} characters, this one has {len(name)}.",
            sub_code=too_long,
            stage=Stage.ARGUMENT,
        )
    if any(unicodedata.category(character) in _UNPRINTABLE for character in name):
        raise InvalidArgumentError(
            f"A {noun} name contains control characters.",
            sub_code=wrong_characters,
            stage=Stage.ARGUMENT,
        )


def check_policy(policy: wire.ReceivePolicy, limits: CallLimits) -> None:
    """Refuse a receive policy that names more publications than there can be sense in.

    Raises:
        InvalidArgumentError: It is too long.
    """
    named = (policy.only, policy.without, policy.hints, policy.priorities)
    if max(map(len, named)) > limits.policy_length:
        raise InvalidArgumentError(
            f"A receive policy may name {limits.policy_length} publications.",
            stage=Stage.ARGUMENT,
            next_step="Receive automatically and name the exceptions, or the other way round.",
        )


def check_publications(
    wanted: Sequence[wire.NewPublication],
    *,
    own_names: Collection[str],
    in_call: int,
    options: RoomOptions | None,
    limits: CallLimits,
) -> None:
    """Refuse publications that do not fit into the call.

    Args:
        wanted: What an endpoint wants to offer.
        own_names: Names of what it offers already.
        in_call: Publications in the whole call.
        options: Of the room, if it is one.
        limits: Of the service.

    Raises:
        ServiceError: Too many (53203), or of a kind that the room does not carry (53125).
        InvalidArgumentError: A name is too long, unprintable or taken.
    """
    most_in_call = options.track_limit if options is not None else None
    is_room_full = most_in_call is not None and in_call + len(wanted) > most_in_call
    if is_room_full or len(own_names) + len(wanted) > limits.publications:
        most = most_in_call if is_room_full else limits.publications
        raise ServiceError(
            f"A {'room' if is_room_full else 'participant'} may publish {most} streams.",
            sub_code=53203,
            stage=Stage.ADMISSION,
            next_step="Unpublish one first.",
        )
    names = set(own_names)
    for item in wanted:
        _check_kind(item.kind, options)
        check_name(NameOf.TRACK, item.name, limits.name_length)
        check_audience(item.audience)
        if item.name in names:
            raise InvalidArgumentError(
                f"A track named {item.name!r} is published already.",
                sub_code=53304,
                stage=Stage.ARGUMENT,
            )
        names |= {item.name} - {""}


def check_audience(audience: Collection[str]) -> None:
    """Refuse an audience of more than 64, or of names that are too long for raw ids.

    Raises:
        InvalidArgumentError: 400/45306, as for the participants of ACS's data channels.
    """
    if len(audience) > AUDIENCE_LIMIT or any(len(name) > RAW_ID_LIMIT for name in audience):
        raise InvalidArgumentError(
            f"A stream has at most {AUDIENCE_LIMIT} chosen receivers.",
            sub_code=45306,
            stage=Stage.ARGUMENT,
            next_step="Name nobody to send to everybody.",
        )


def _check_kind(kind: PublicationKind, options: RoomOptions | None) -> None:
    if options is not None and options.is_audio_only and kind.media == "video":
        raise ServiceError(
            "The room is audio-only.",
            sub_code=53125,
            stage=Stage.ADMISSION,
            next_step="Publish audio or data, or use another room.",
        )


_FORBIDDEN_KINDS: Final[Mapping[PublicationKind, int]] = MappingProxyType(
    {PublicationKind.AUDIO: 41106, PublicationKind.VIDEO: 41107}
)
"""ACS's codes for a microphone and a camera that may not be used; it has none for the others."""


def check_kinds(
    wanted: Sequence[wire.NewPublication],
    attributes: EndpointAttributes,
    call_type: CallType,
    *,
    is_joining: bool,
) -> None:
    """Refuse publications that an endpoint's role or a moderator does not allow.

    Sound is let in where it is only forbidden for now, or comes with the join: programs join with a
    microphone before they can know their role. It is muted then, and stays so.

    Raises:
        ServiceError: 403, with 41106 for sound and 41107 for a camera.
    """
    for item in wanted:
        capability = capability_for(item.kind, attributes, call_type)
        is_for_now = capability.reason is CapabilityResolutionReason.MEETING_RESTRICTED
        is_excused = item.kind is PublicationKind.AUDIO and (is_joining or is_for_now)
        if not capability.is_present and not is_excused:
            code = _FORBIDDEN_KINDS.get(item.kind, 0)
            raise _forbidden(f"publish {item.kind}", attributes, capability, code)


def check_enabling(
    kind: PublicationKind, attributes: EndpointAttributes, call_type: CallType
) -> None:
    """Refuse to enable a publication that may not be sent now.

    Raises:
        ServiceError: As for `check_kinds`.
    """
    capability = capability_for(kind, attributes, call_type)
    if not capability.is_present:
        code = _FORBIDDEN_KINDS.get(kind, 0)
        raise _forbidden(f"enable {kind}", attributes, capability, code)


def require(
    name: ParticipantCapabilityName,
    attributes: EndpointAttributes,
    call_type: CallType,
    *,
    sub_code: int = 0,
) -> None:
    """Refuse who does not have a capability.

    Raises:
        ServiceError: 403 with this sub code.
    """
    capability = decide(name, attributes, call_type)
    if not capability.is_present:
        raise _forbidden(str(name), attributes, capability, sub_code)


def _forbidden(
    what: str, attributes: EndpointAttributes, capability: ParticipantCapability, sub_code: int
) -> ServiceError:
    return ServiceError(
        f"The role {attributes.role} does not allow {what} here: {capability.reason}.",
        sub_code=sub_code,
        stage=Stage.ADMISSION,
        next_step="Look at Features.CAPABILITIES before, or ask a presenter.",
    )


def call_full(present: int) -> ServiceError:
    """For who comes when everybody is there."""
    return ServiceError(
        endings.CALL_FULL.message,
        code=endings.CALL_FULL.code,
        sub_code=endings.CALL_FULL.sub_code,
        stage=Stage.ADMISSION,
        next_step=f"Wait until one of the {present} leaves, or raise the room's maximum.",
    )


def too_many_rooms(present: int) -> ServiceError:
    """For who makes a room when there are as many as the service has."""
    return ServiceError(
        f"The service has {present} rooms in progress, its maximum.",
        code=429,
        sub_code=53119,
        stage=Stage.ADMISSION,
        next_step="Complete rooms that are not needed, or raise the limit.",
    )


def too_many_probes(present: int) -> ServiceError:
    """For who begins another test call."""
    return ServiceError(
        f"The user has {present} test calls, the maximum.",
        code=429,
        stage=Stage.ADMISSION,
        next_step="Wait for the others to end.",
    )


def call_over() -> ServiceError:
    """For who comes when the call has just ended."""
    return ServiceError(
        "The call has ended.",
        sub_code=endings.ROOM_COMPLETED.sub_code,
        stage=Stage.ADMISSION,
        next_step="Join again; that begins another one.",
    )


def room_not_found(name: str) -> ServiceError:
    """For who looks for a room that is not there."""
    return ServiceError(
        f"There is no room {name!r}.",
        code=404,
        sub_code=53106,
        stage=Stage.ADMISSION,
        next_step="Create the room first, or join a group call.",
    )


def name_is_sid(name: str) -> InvalidArgumentError:
    """For a room that would be taken for another one."""
    return InvalidArgumentError(
        f"{name!r} has the form of a room's SID.", sub_code=53100, stage=Stage.ARGUMENT
    )


def not_granted(place: str) -> ServiceError:
    """For a token that is for another place."""
    return ServiceError(
        f"The token does not allow {place}.",
        sub_code=20106,
        stage=Stage.ADMISSION,
        next_step="Issue a token whose grant names this room, or none.",
    )


def parse_guid(text: str) -> str:
    """A group id in its usual spelling.

    Raises:
        InvalidArgumentError: 400/40209, it is no GUID.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidArgumentError(
            f"Group id {text!r} is not a GUID.",
            sub_code=40209,
            stage=Stage.ARGUMENT,
            next_step="Use uuid.uuid4() once and share it with the members of the group.",
        ) from None


def is_sid(name: str, prefix: str = "RM") -> bool:
    """Whether a name has the form of an id of Twilio's: a prefix and 32 lower-case hex digits."""
    digits = name.removeprefix(prefix)
    return name.startswith(prefix) and len(digits) == 32 and set(digits) <= set("0123456789abcdef")
