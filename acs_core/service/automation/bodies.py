"""The bodies of Call Automation's requests, and the identifiers in them.

Decoding is validation: what does not have the shape is refused as a whole. Members that nothing
here uses are passed over, as ACS does.

Source: the request models of azure-communication-callautomation 1.6.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from acs_core.core.custom_context import USER_TO_USER, CustomContext, Header
from acs_core.errors import InvalidArgumentError
from acs_core.identifiers import (
    CommunicationIdentifier,
    CommunicationUserIdentifier,
    MicrosoftTeamsAppIdentifier,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    parse_raw_id,
)
from acs_core.service.automation.refusals import invalid

__all__ = [
    "AddParticipant",
    "AnswerCall",
    "Body",
    "CallLocator",
    "CancelAddParticipant",
    "Connect",
    "CreateCall",
    "CustomCallingContext",
    "Identifier",
    "MuteParticipants",
    "PhoneNumber",
    "Play",
    "PlaySource",
    "RedirectCall",
    "RejectCall",
    "RemoveParticipant",
    "SendTones",
    "SetHold",
    "StartRecording",
    "Transcribe",
    "TranscriptionOptions",
    "Transfer",
    "UserId",
    "callback",
    "callbacks_of",
    "decode",
    "identifier_json",
]

TEXT_LENGTH: Final = 5000
URL_LENGTH: Final = 2048
CALLBACK_FIELDS: Final = ("callback_uri", "operation_callback_uri", "recording_state_callback_uri")

Text = Annotated[str, Meta(max_length=TEXT_LENGTH)]


class Body(Struct, frozen=True, kw_only=True, rename="camel"):
    """A body; null counts as not given."""


class UserId(Body, frozen=True, kw_only=True):
    """A user of the service."""

    id: Text


class PhoneNumber(Body, frozen=True, kw_only=True):
    """A telephone number in E.164."""

    value: Text


class Identifier(Body, frozen=True, kw_only=True):
    """Somebody; the raw id counts where it is given."""

    raw_id: Text | None = None
    communication_user: UserId | None = None
    phone_number: PhoneNumber | None = None

    def who(self) -> str:
        """The raw id.

        Raises:
            InvalidArgumentError: 400/8523: it names nobody, or is none.
        """
        raw = self.raw_id
        if not raw and self.communication_user is not None:
            raw = self.communication_user.id
        elif not raw and self.phone_number is not None:
            raw = f"4:{self.phone_number.value}"
        if not raw:
            raise invalid("An identifier needs a rawId.")
        try:
            return parse_raw_id(raw).raw_id
        except InvalidArgumentError as error:
            raise invalid(error.message) from error


class CustomCallingContext(Body, frozen=True, kw_only=True):
    """Headers that go along with a call, by name."""

    voip_headers: dict[str, str] | None = None
    sip_headers: dict[str, str] | None = None

    def context(self) -> CustomContext:
        """The same as the service has it."""
        sip = dict(self.sip_headers or {})
        user_to_user = sip.pop(USER_TO_USER, "")
        return CustomContext(
            user_to_user=user_to_user,
            sip_headers=_headers(sip),
            voip_headers=_headers(self.voip_headers or {}),
        )


class CallLocator(Body, frozen=True, kw_only=True):
    """Which call: by exactly one id, whatever `kind` says."""

    group_call_id: Text | None = None
    server_call_id: Text | None = None
    room_id: Text | None = None


class TranscriptionOptions(Body, frozen=True, kw_only=True):
    """How a call is transcribed, and whether from its beginning."""

    transport_url: Text | None = None
    locale: Text | None = None
    start_transcription: bool | None = None


class _Called(Body, frozen=True, kw_only=True):
    """What requests that begin a connection have in common."""

    callback_uri: Text
    operation_context: Text | None = None
    media_streaming_options: dict[str, object] | None = None
    transcription_options: TranscriptionOptions | None = None


class CreateCall(_Called, frozen=True, kw_only=True):
    """Call people."""

    targets: tuple[Identifier, ...]
    source: UserId | None = None
    source_display_name: Text | None = None
    source_caller_id_number: PhoneNumber | None = None


class AnswerCall(_Called, frozen=True, kw_only=True):
    """Answer a call that rings."""

    incoming_call_context: Text
    answered_by: UserId | None = None


class Connect(_Called, frozen=True, kw_only=True):
    """Take hold of a call that goes on."""

    call_locator: CallLocator


class RedirectCall(Body, frozen=True, kw_only=True):
    """Let a call that rings ring somewhere else."""

    incoming_call_context: Text
    target: Identifier


class RejectCall(Body, frozen=True, kw_only=True):
    """Refuse a call that rings."""

    incoming_call_context: Text
    call_reject_reason: Text | None = None


class _Operation(Body, frozen=True, kw_only=True):
    """What requests in a call have in common."""

    operation_context: Text | None = None
    operation_callback_uri: Text | None = None


class AddParticipant(_Operation, frozen=True, kw_only=True):
    """Call somebody into the call."""

    participant_to_add: Identifier
    source_caller_id_number: PhoneNumber | None = None
    source_display_name: Text | None = None
    invitation_timeout_in_seconds: Annotated[int, Meta(ge=0, le=180)] | None = None
    custom_calling_context: CustomCallingContext | None = None


class RemoveParticipant(_Operation, frozen=True, kw_only=True):
    """Take somebody out of the call."""

    participant_to_remove: Identifier


class CancelAddParticipant(_Operation, frozen=True, kw_only=True):
    """Call somebody off."""

    invitation_id: Text


class MuteParticipants(_Operation, frozen=True, kw_only=True):
    """Mute somebody."""

    target_participants: tuple[Identifier, ...]


class SetHold(_Operation, frozen=True, kw_only=True):
    """Put somebody on hold, or go on."""

    target_participant: Identifier


class Transfer(_Operation, frozen=True, kw_only=True):
    """Send the other side somewhere else."""

    target_participant: Identifier
    transferee: Identifier | None = None
    source_caller_id_number: PhoneNumber | None = None
    custom_calling_context: CustomCallingContext | None = None


class SendTones(_Operation, frozen=True, kw_only=True):
    """Let a telephone hear keys."""

    tones: tuple[Text, ...]
    target_participant: Identifier


class Transcribe(_Operation, frozen=True, kw_only=True):
    """Begin, change or end transcription."""

    locale: Text | None = None


class _File(Body, frozen=True, kw_only=True):
    uri: Text


class PlaySource(Body, frozen=True, kw_only=True):
    """What is to be heard."""

    kind: Text
    file: _File | None = None


class _PlayOptions(Body, frozen=True, kw_only=True):
    loop: bool | None = None


class Play(_Operation, frozen=True, kw_only=True):
    """Let people hear something."""

    play_sources: tuple[PlaySource, ...]
    play_to: tuple[Identifier, ...] | None = None
    play_options: _PlayOptions | None = None
    interrupt_call_media_operation: bool | None = None


class _Affinity(Body, frozen=True, kw_only=True):
    channel: Annotated[int, Meta(ge=0, le=4)]
    participant: Identifier


class StartRecording(Body, frozen=True, kw_only=True):
    """Record a call."""

    call_locator: CallLocator | None = None
    call_connection_id: Text | None = None
    recording_state_callback_uri: Text | None = None
    recording_content_type: Text | None = None
    recording_channel_type: Text | None = None
    recording_format_type: Text | None = None
    audio_channel_participant_ordering: tuple[Identifier, ...] | None = None
    channel_affinity: tuple[_Affinity, ...] | None = None
    pause_on_start: bool | None = None
    external_storage: dict[str, object] | None = None


_Decoded = TypeVar("_Decoded", bound=Body)


def decode(body: Mapping[str, object], type_: type[_Decoded]) -> _Decoded:
    """Read a body.

    Raises:
        InvalidArgumentError: 400/8523: it does not have the shape; the message says where.
    """
    given = {key: value for key, value in body.items() if value is not None}
    try:
        # What is no Unicode, such as half a surrogate pair, can be passed on to nobody.
        msgspec.json.encode(given)
        return msgspec.convert(given, type_)
    except (msgspec.ValidationError, UnicodeError, OverflowError, RecursionError) as error:
        raise invalid(f"The body is not as it must be: {error}.") from error


def callback(uri: str | None) -> str:
    """A URL to post to; empty where none is given.

    Raises:
        InvalidArgumentError: 400/8523: it is no absolute http or https URL.
    """
    if not uri:
        return ""
    try:
        parts = urlsplit(uri)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable or len(uri) > URL_LENGTH or not uri.isprintable():
        raise invalid("The field CallbackUri is invalid.", next_step="Give an absolute URL.")
    return uri


def callbacks_of(body: Body) -> list[str]:
    """The URLs in a body to which events are to be posted.

    Raises:
        InvalidArgumentError: 400/8523: one of them is no absolute http or https URL.
    """
    urls = (callback(getattr(body, name, None)) for name in CALLBACK_FIELDS)
    return [url for url in urls if url]


def identifier_json(raw_id: str) -> dict[str, object]:
    """Somebody, as ACS writes them."""
    who: CommunicationIdentifier = parse_raw_id(raw_id)
    match who:
        case CommunicationUserIdentifier():
            kind, field = "communicationUser", {"id": raw_id}
        case PhoneNumberIdentifier(phone_number=number):
            kind, field = "phoneNumber", {"value": number}
        case MicrosoftTeamsUserIdentifier():
            kind, field = "microsoftTeamsUser", {"userId": who.microsoft_teams_user_id}
        case MicrosoftTeamsAppIdentifier():
            kind, field = "microsoftTeamsApp", {"appId": who.teams_app_id}
        case _:
            return {"rawId": raw_id, "kind": "unknown"}
    return {"rawId": raw_id, "kind": kind, kind: field}


def _headers(named: Mapping[str, str]) -> tuple[Header, ...]:
    return tuple(Header(key=key, value=value) for key, value in named.items())
