"""What people in a call do to each other: mute, permit, raise hands, spotlight, react, let in.

Theory of operation. Each function carries out one request of an endpoint, or refuses it and changes
nothing. Whether the endpoint may is asked of the table in `core/capabilities.py`; what is done
becomes facts of the call, or notices to single endpoints.

Source: the codes are those of the ACS Calling SDK's error table, sections CALL, LOBBY,
REMOTE_PARTICIPANT, RAISE_HAND, REACTION, SPOTLIGHT and MEDIA_ACCESS; the limits those of the ACS
pages on these features.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from acs_core import wire
from acs_core.core.capabilities import (
    MODERATORS,
    CapabilityResolutionReason,
    ParticipantCapabilityName,
    decide,
)
from acs_core.core.facts import (
    CallType,
    EndpointAttributes,
    MediaAccessChanged,
    PublicationKind,
)
from acs_core.core.moderation import MOST_SPOTLIGHTED, Reaction
from acs_core.errors import InvalidArgumentError, ServiceError, Stage
from acs_core.service.admission import require
from acs_core.service.endpoints import Endpoint

__all__ = [
    "decide_lobby",
    "mute",
    "permit",
    "raise_hand",
    "react",
    "set_hold",
    "silence",
    "spotlight",
]

_Name = ParticipantCapabilityName


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Codes of a refusal: where the type of call has no such thing, and where the role has not."""

    type_code: int
    type_sub_code: int
    role_sub_code: int


_MUTE_ALL: Final = _Refusal(405, 41093, 41018)
_MUTE_SOME: Final = _Refusal(405, 42006, 42000)
# ACS refuses hands with 500; whoever lacks the role is told so.
_RAISE: Final = _Refusal(400, 45758, 45752)
_SPOTLIGHT: Final = _Refusal(400, 45906, 45903)
_REACT: Final = _Refusal(400, 45801, 45804)
_PERMIT: Final = _Refusal(403, 46503, 46504)
_LOBBY: Final = _Refusal(400, 41802, 41805)

_NOT_CONNECTED_TO_MUTE: Final = 42005
_LOWER_SOME_FAILED: Final = 45754
_LOWER_ALL_FAILED: Final = 45755
_ALREADY_SPOTLIGHTED: Final = 45900
_SPOTLIGHT_FULL: Final = 45902
_REACTION_FAILED: Final = 45808
_ALREADY_IN_MEETING: Final = 41803
_INVALID_PARTICIPANTS: Final = 46508
_OTHERS_ONLY_IN_MEETINGS: Final = 46509


def mute(endpoint: Endpoint, identities: Collection[str] | None) -> None:
    """Mute others.

    Args:
        endpoint: Who asks.
        identities: Raw ids; None for everybody else.

    Raises:
        ServiceError: 403/41018, 403/42000: the role does not allow it; 405/41093, 405/42006: not in
            a one-to-one call; 405/42005: one of them is not in the call.
    """
    _require(endpoint, _Name.MUTE_OTHERS, _MUTE_ALL if identities is None else _MUTE_SOME)
    if identities is None:
        targets = _others(endpoint)
    else:
        targets = _people(endpoint, identities, code=405, sub_code=_NOT_CONNECTED_TO_MUTE)
    for target in targets:
        silence(target, by=endpoint.principal.raw_id)


def permit(
    endpoint: Endpoint, identities: Collection[str] | None, media: str, *, is_permitted: bool
) -> None:
    """Permit or forbid attendees to send sound or pictures; what is forbidden stops at once.

    It stays forbidden to who comes again, or with another client.
    ACS has this in meetings only; here single people may be forbidden in any call with roles.

    Args:
        endpoint: Who asks.
        identities: Raw ids; None for all, those included who come later.
        media: "audio" or "video".
        is_permitted: Whether they may.

    Raises:
        InvalidArgumentError: 400/46508: one of them is not in the call, or no attendee.
        ServiceError: 403/46504: the role does not allow it; 403/46503: not in a one-to-one call;
            403/46509: all at once only in meetings.
    """
    if media not in ("audio", "video"):
        raise InvalidArgumentError(f"{media!r} is neither audio nor video.", stage=Stage.ARGUMENT)
    is_audio = media == "audio"
    _require(
        endpoint, _Name.FORBID_OTHERS_AUDIO if is_audio else _Name.FORBID_OTHERS_VIDEO, _PERMIT
    )
    call = endpoint.call
    if identities is None:
        if call.type is not CallType.MEETING:
            raise ServiceError(
                "Only in meetings all attendees are permitted or forbidden at once.",
                sub_code=_OTHERS_ONLY_IN_MEETINGS,
                stage=Stage.ADMISSION,
                next_step="Name the participants.",
            )
        targets = [item for item in _others(endpoint) if item.attributes.role not in MODERATORS]
        _set_access(endpoint, is_audio=is_audio, is_permitted=is_permitted)
    else:
        targets = _people(endpoint, identities, sub_code=_INVALID_PARTICIPANTS)
        if any(target.attributes.role in MODERATORS for target in targets):
            raise InvalidArgumentError(
                "Media can be forbidden to attendees only.", sub_code=_INVALID_PARTICIPANTS
            )
    _remember(call.forbidden[media], identities, is_permitted=is_permitted)
    for target in targets:
        if is_audio:
            call.set_attributes(target, is_audio_permitted=is_permitted)
        else:
            call.set_attributes(target, is_video_permitted=is_permitted)
        if not is_permitted:
            _stop(target, is_audio=is_audio, by=endpoint)


def raise_hand(endpoint: Endpoint, identities: Collection[str] | None, *, is_raised: bool) -> None:
    """Raise the own hand, or lower hands; a hand that is as wanted stays as it is.

    Args:
        endpoint: Who asks.
        identities: Raw ids of those whose hands are lowered; empty for the own, None for all.
        is_raised: Only the own hand can be raised.

    Raises:
        InvalidArgumentError: Somebody else's hand is to be raised, or a stranger's lowered.
        ServiceError: 403/45752 to 45755: the role does not allow it; 400/45758: not in a
            one-to-one call.
    """
    call = endpoint.call
    if is_raised:
        if identities is None or identities:
            raise InvalidArgumentError("Only one's own hand can be raised.", stage=Stage.ARGUMENT)
        _require(endpoint, _Name.RAISE_HAND, _RAISE)
        if endpoint.attributes.hand is None:
            call.set_attributes(endpoint, hand=_next(item.hand for item in _attributes(endpoint)))
        return
    if identities is None:
        _require_moderator(endpoint, "lower all hands", _LOWER_ALL_FAILED)
        targets = list(call.endpoints.values())
    else:
        if set(identities) - {endpoint.principal.raw_id}:
            _require_moderator(endpoint, "lower others' hands", _LOWER_SOME_FAILED)
        targets = _people(endpoint, identities, sub_code=_LOWER_SOME_FAILED) or [endpoint]
    for target in targets:
        call.set_attributes(target, hand=None)


def spotlight(endpoint: Endpoint, identities: Collection[str] | None, *, is_on: bool) -> None:
    """Put people in the spotlight or out of it.

    Args:
        endpoint: Who asks.
        identities: Raw ids; empty for the endpoint's own user, None for all (only to end it).
        is_on: Whether they come into the spotlight.

    Raises:
        InvalidArgumentError: 400/45900: somebody is there already; 400/45902: more than 7; or
            somebody is not in the call.
        ServiceError: 403/45903: the role does not allow it; 400/45906: not in a one-to-one call.
    """
    own = endpoint.principal.raw_id
    chosen = None if identities is None else tuple(dict.fromkeys(identities)) or (own,)
    if is_on:
        if chosen is None:
            raise InvalidArgumentError("Name who comes into the spotlight.", stage=Stage.ARGUMENT)
        _require(endpoint, _Name.SPOTLIGHT_PARTICIPANT, _SPOTLIGHT)
        _begin_spotlight(endpoint, chosen)
        return
    if chosen != (own,):
        _require(endpoint, _Name.REMOVE_PARTICIPANTS_SPOTLIGHT, _SPOTLIGHT)
    everybody = list(endpoint.call.endpoints.values())
    for target in everybody if chosen is None else _people(endpoint, chosen):
        endpoint.call.set_attributes(target, spotlight=None)


def react(endpoint: Endpoint, reaction: str) -> None:
    """Show a reaction to everybody, the endpoint itself included.

    Raises:
        InvalidArgumentError: 400/45808: there is no such reaction.
        ServiceError: 403/45804: the role does not allow it; 400/45801: not in a one-to-one call.
    """
    if reaction not in set(Reaction):
        raise InvalidArgumentError(
            f"There is no reaction {reaction!r}.",
            sub_code=_REACTION_FAILED,
            stage=Stage.ARGUMENT,
            next_step=f"Use one of {[str(item) for item in Reaction]}.",
        )
    _require(endpoint, _Name.USE_REACTIONS, _REACT)
    for listener in list(endpoint.call.endpoints.values()):
        notice = wire.Reaction(endpoint=listener.id, sender=endpoint.id, reaction=reaction)
        listener.notify(notice)


def set_hold(endpoint: Endpoint, *, is_on_hold: bool) -> None:
    """Say that an endpoint neither sends nor receives for now, or does again."""
    endpoint.call.set_attributes(endpoint, is_on_hold=is_on_hold)


def decide_lobby(
    endpoint: Endpoint, identities: Collection[str] | None, *, is_admitted: bool
) -> None:
    """Let people in from the lobby, or turn them away.

    Args:
        endpoint: Who asks.
        identities: Raw ids; None for everybody who waits.
        is_admitted: Whether they are let in.

    Raises:
        InvalidArgumentError: 400/41803: somebody is in the call already; 400/41804: somebody is not
            in the lobby.
        ServiceError: 400/41802: the call has no lobby; 403/41805: the role does not allow it.
    """
    _require(endpoint, _Name.MANAGE_LOBBY, _LOBBY)
    call = endpoint.call
    if call.lobby is None:
        raise ServiceError("The call has no lobby.", code=400, sub_code=_LOBBY.type_sub_code)
    present = {other.principal.raw_id for other in call.endpoints.values()}
    for identity in identities or ():
        if identity in present and identity not in call.roster.pending:
            raise InvalidArgumentError(
                f"{identity} is in the call already.", sub_code=_ALREADY_IN_MEETING
            )
    call.lobby.decide(identities, is_admitted=is_admitted)


def silence(target: Endpoint, *, by: str) -> None:
    """Forward no sound of an endpoint until it unmutes itself, and tell it if it was not muted.

    Args:
        target: Whose sound.
        by: Raw id of who wants that.
    """
    infos = [item.info for item in target.publications.values()]
    sounds = [info.id for info in infos if info.kind is PublicationKind.AUDIO]
    silenced = [target.silence(sound) for sound in sounds]
    if any(silenced):
        target.notify(wire.MutedByOthers(endpoint=target.id, by=by))


# ---------------------------------------------------------------- parts of these


def _begin_spotlight(endpoint: Endpoint, chosen: tuple[str, ...]) -> None:
    targets = _people(endpoint, chosen)
    lit = {
        other.principal.raw_id
        for other in endpoint.call.endpoints.values()
        if other.attributes.spotlight is not None
    }
    if lit & set(chosen):
        raise InvalidArgumentError(
            f"{min(lit & set(chosen))} is in the spotlight already.", sub_code=_ALREADY_SPOTLIGHTED
        )
    if len(lit) + len(chosen) > MOST_SPOTLIGHTED:
        raise InvalidArgumentError(
            f"The spotlight holds {MOST_SPOTLIGHTED} participants.",
            sub_code=_SPOTLIGHT_FULL,
            next_step="Stop the spotlight of somebody else first.",
        )
    first = _next(item.spotlight for item in _attributes(endpoint))
    for target in targets:
        order = first + chosen.index(target.principal.raw_id)
        endpoint.call.set_attributes(target, spotlight=order)


def _set_access(endpoint: Endpoint, *, is_audio: bool, is_permitted: bool) -> None:
    before = endpoint.call.roster.media_access
    after = MediaAccessChanged(
        is_audio_permitted=is_permitted if is_audio else before.is_audio_permitted,
        is_video_permitted=before.is_video_permitted if is_audio else is_permitted,
    )
    if after != before:
        endpoint.call.commit(after)


def _remember(
    forbidden: set[str], identities: Collection[str] | None, *, is_permitted: bool
) -> None:
    """Keep who is forbidden something; what is said of all replaces what was said of some."""
    if identities is None:
        forbidden.clear()
    elif is_permitted:
        forbidden.difference_update(identities)
    else:
        forbidden.update(identities)


def _stop(target: Endpoint, *, is_audio: bool, by: Endpoint) -> None:
    """End what somebody sends and may not send any more."""
    if is_audio:
        silence(target, by=by.principal.raw_id)
        return
    for publication in list(target.publications.values()):
        if publication.info.kind is PublicationKind.VIDEO:
            target.withdraw(publication.id)


def _others(endpoint: Endpoint) -> list[Endpoint]:
    """The endpoints of everybody but this user."""
    own = endpoint.principal.raw_id
    everybody = endpoint.call.endpoints.values()
    return [other for other in everybody if other.principal.raw_id != own]


def _people(
    endpoint: Endpoint, identities: Collection[str], *, code: int = 400, sub_code: int = 0
) -> list[Endpoint]:
    """All endpoints of some people; refuses people who are not in the call."""
    wanted = set(identities)
    found = [
        other for other in endpoint.call.endpoints.values() if other.principal.raw_id in wanted
    ]
    missing = wanted - {other.principal.raw_id for other in found}
    if missing:
        raise InvalidArgumentError(
            f"{min(missing)} is not in the call.",
            code=code,
            sub_code=sub_code,
            stage=Stage.SIGNALING,
        )
    return found


def _attributes(endpoint: Endpoint) -> list[EndpointAttributes]:
    return [info.attributes for info in endpoint.call.roster.endpoints.values()]


def _next(orders: Iterable[int | None]) -> int:
    return max((order for order in orders if order is not None), default=0) + 1


def _require(endpoint: Endpoint, name: ParticipantCapabilityName, refusal: _Refusal) -> None:
    call_type = endpoint.call.type
    reason = decide(name, endpoint.attributes, call_type).reason
    if reason is CapabilityResolutionReason.CAPABILITY_NOT_APPLICABLE_FOR_THE_CALL_TYPE:
        raise ServiceError(
            f"A call of type {call_type} has no {name}.",
            code=refusal.type_code,
            sub_code=refusal.type_sub_code,
            stage=Stage.ADMISSION,
        )
    require(name, endpoint.attributes, call_type, sub_code=refusal.role_sub_code)


def _require_moderator(endpoint: Endpoint, what: str, sub_code: int) -> None:
    if endpoint.attributes.role not in MODERATORS:
        raise ServiceError(
            f"The role {endpoint.attributes.role} does not allow to {what}.",
            sub_code=sub_code,
            stage=Stage.ADMISSION,
            next_step="Ask a presenter.",
        )
