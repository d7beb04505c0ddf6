"""Whom an application calls: read, checked and put into the service's words.

What can be known at once is refused at once, with ACS's codes; the rest is the service's to refuse.

Source: `startCall` of `CallAgent` and `TeamsCallAgent`, @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from acs_core import wire
from acs_core.client.people import needs_caller_id
from acs_core.core import custom_context as context
from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.identifiers import (
    CommunicationIdentifier,
    CommunicationUserIdentifier,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    identifier_from,
    raw_id,
)
from acs_core.models import CustomContext, CustomContextOptions, XHeader

__all__ = [
    "callees_of",
    "check_teams_callees",
    "check_thread",
    "dial_locator",
    "received_context",
    "sent_context",
]

_NOT_NULL = 40227
_NOT_OBJECTS = 40226
_CANT_CALL_YOURSELF = 40202
_UNSUPPORTED_TARGET = 40236
_GROUP_NEEDS_THREAD = 40212
_ONE_TO_ONE_HAS_THREAD = 40213
_NO_CONTEXT = 46400


def callees_of(
    participants: Sequence[CommunicationIdentifier], own: CommunicationIdentifier | None
) -> tuple[CommunicationIdentifier, ...]:
    """Whom to call, each once, in the order given.

    Args:
        participants: Identifiers, or mappings as in the JavaScript SDK.
        own: Who we are, as far as it is known.

    Raises:
        InvalidArgumentError: 400/40227: nobody is named; 400/40226: something that is no
            identifier; 400/40202: ourselves; 422: an identifier that cannot be read.
    """
    if participants is None or any(item is None for item in _listed(participants)):
        raise InvalidArgumentError("A participant must not be None.", sub_code=_NOT_NULL)
    if not participants:
        raise InvalidArgumentError("Nobody is named who could be called.", sub_code=_NOT_NULL)
    if not all(isinstance(item, CommunicationIdentifier | Mapping) for item in participants):
        raise _no_objects()
    found = {raw_id(item): item for item in map(identifier_from, participants)}
    if own is not None and raw_id(own) in found:
        raise InvalidArgumentError("Nobody can call themselves.", sub_code=_CANT_CALL_YOURSELF)
    return tuple(found.values())


def check_thread(callees: Sequence[CommunicationIdentifier], thread_id: str) -> None:
    """Refuse a chat where there is none, and a group call with Teams users without one.

    Raises:
        InvalidArgumentError: 400/40213: a call to one has no chat; 400/40212: a group call with
            Teams users needs one.
    """
    if len(callees) == 1 and thread_id:
        raise InvalidArgumentError(
            "A call to one participant has no thread id.", sub_code=_ONE_TO_ONE_HAS_THREAD
        )
    has_teams = any(isinstance(item, MicrosoftTeamsUserIdentifier) for item in callees)
    if len(callees) > 1 and has_teams and not thread_id:
        raise needs_thread()


def check_teams_callees(callees: Sequence[CommunicationIdentifier], thread_id: str) -> None:
    """As `check_thread`, for a call that a Teams user starts.

    Raises:
        InvalidArgumentError: 400/40236: Teams users cannot call ACS users; 400/40212 and 400/40213.
    """
    if any(isinstance(item, CommunicationUserIdentifier) for item in callees):
        raise InvalidArgumentError(
            "A Teams user cannot call an ACS user.", sub_code=_UNSUPPORTED_TARGET
        )
    check_thread(callees, thread_id)
    if len(callees) > 1 and not thread_id:
        raise needs_thread()


def dial_locator(
    callees: Sequence[CommunicationIdentifier],
    alternate_caller_id: str = "",
    *,
    needs_number: bool = True,
    thread_id: str = "",
    custom_context: CustomContextOptions | None = None,
) -> wire.DialLocator:
    """The new call in the service's words.

    Args:
        callees: Whom to call.
        alternate_caller_id: The number that telephones see.
        needs_number: Whether telephones are refused without one.
        thread_id: The chat of the call; empty for none.
        custom_context: What to send along with a call to one.

    Raises:
        InvalidArgumentError: A telephone without an alternate caller id; a custom context that
            breaks a limit.
        InvalidStateError: 412/46400: a custom context in a call to several.
    """
    has_telephone = any(isinstance(item, PhoneNumberIdentifier) for item in callees)
    if has_telephone and needs_number and not alternate_caller_id:
        raise needs_caller_id()
    sent = sent_context(custom_context)
    if len(callees) > 1 and not sent.is_empty:
        raise InvalidStateError(
            "Only a call to one carries a custom context.",
            sub_code=_NO_CONTEXT,
            next_step="Call one of them with it, and add the others.",
        )
    return wire.DialLocator(
        callees=tuple(map(raw_id, callees)),
        alternate_caller_id=alternate_caller_id,
        context=sent,
        thread_id=thread_id,
    )


def sent_context(options: CustomContextOptions | None) -> context.CustomContext:
    """What an application wants to send along, as it travels.

    Raises:
        InvalidArgumentError: 400: it is no custom context, or breaks a limit.
    """
    if options is None:
        return context.CustomContext()
    if not isinstance(options, CustomContextOptions):
        raise InvalidArgumentError("custom_context is a CustomContext.")
    if not isinstance(options.user_to_user, str):
        raise InvalidArgumentError("user_to_user is text.")
    full = options if isinstance(options, CustomContext) else CustomContext()
    sent = context.CustomContext(
        user_to_user=options.user_to_user,
        sip_headers=_headers((*full.sip_headers, *options.x_headers)),
        voip_headers=_headers(full.voip_headers),
    )
    context.check_context(sent)
    return sent


def received_context(received: context.CustomContext) -> CustomContext:
    """What a caller sent along, for the application."""
    return CustomContext(
        user_to_user=received.user_to_user,
        sip_headers=tuple(XHeader(item.key, item.value) for item in received.sip_headers),
        voip_headers=tuple(XHeader(item.key, item.value) for item in received.voip_headers),
    )


def _headers(headers: Sequence[XHeader]) -> tuple[context.Header, ...]:
    for item in headers:
        texts = (item.key, item.value) if isinstance(item, XHeader) else (None,)
        if not all(isinstance(text, str) for text in texts):
            raise InvalidArgumentError("The headers of a custom context are XHeader objects.")
    return tuple(context.Header(key=item.key, value=item.value) for item in headers)


def needs_thread() -> InvalidArgumentError:
    """A group call of Teams users has a chat."""
    return InvalidArgumentError(
        "A group call with Teams users needs a thread id.",
        sub_code=_GROUP_NEEDS_THREAD,
        next_step="Give thread_id: the chat that the participants share.",
    )


def _listed(participants: object) -> Sequence[object]:
    # Text is a sequence, of characters; a mapping is one identifier.
    if isinstance(participants, Sequence) and not isinstance(participants, str | bytes):
        return participants
    raise _no_objects()


def _no_objects() -> InvalidArgumentError:
    return InvalidArgumentError(
        "Participants are a list of identifiers.",
        sub_code=_NOT_OBJECTS,
        next_step="Pass for instance [CommunicationUserIdentifier(raw_id)].",
    )
