"""What programs do with identifiers: tell their kinds apart, and write them as JSON and back.

Source: the functions of @azure/communication-common 2.5 and the `CommunicationIdentifierModel` of
ACS's REST APIs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypedDict, TypeGuard

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.identifiers import (
    CommunicationIdentifier,
    CommunicationUserIdentifier,
    MicrosoftTeamsAppIdentifier,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    TeamsExtensionUserIdentifier,
    UnknownIdentifier,
    identifier_from,
    parse_raw_id,
    raw_id,
)

__all__ = [
    "SerializedCommunicationIdentifier",
    "SerializedCommunicationUserIdentifier",
    "SerializedMicrosoftTeamsAppIdentifier",
    "SerializedMicrosoftTeamsUserIdentifier",
    "SerializedPhoneNumberIdentifier",
    "SerializedTeamsExtensionUserIdentifier",
    "create_identifier_from_raw_id",
    "deserialize_communication_identifier",
    "get_identifier_kind",
    "get_identifier_raw_id",
    "is_communication_user_identifier",
    "is_microsoft_teams_app_identifier",
    "is_microsoft_teams_user_identifier",
    "is_phone_number_identifier",
    "is_teams_extension_user_identifier",
    "is_unknown_identifier",
    "serialize_communication_identifier",
]

_INVALID_IDENTIFIER: Final = 44010


class SerializedCommunicationUserIdentifier(TypedDict):
    """A user in JSON; `id` is the raw id."""

    id: str


class SerializedPhoneNumberIdentifier(TypedDict, total=False):
    """A telephone in JSON; `value` is the number, other keys may be missing."""

    value: str
    assertedId: str
    isAnonymous: bool


class SerializedMicrosoftTeamsUserIdentifier(TypedDict, total=False):
    """A Teams user in JSON; `userId` is always there."""

    userId: str
    isAnonymous: bool
    cloud: str


class SerializedMicrosoftTeamsAppIdentifier(TypedDict, total=False):
    """A Teams application in JSON; `appId` is always there."""

    appId: str
    cloud: str


class SerializedTeamsExtensionUserIdentifier(TypedDict, total=False):
    """A Teams extension user in JSON; only `cloud` may be missing."""

    userId: str
    tenantId: str
    resourceId: str
    cloud: str


class SerializedCommunicationIdentifier(TypedDict, total=False):
    """An identifier in JSON: `rawId`, and one of the others unless its kind is not known."""

    kind: str
    rawId: str
    communicationUser: SerializedCommunicationUserIdentifier
    phoneNumber: SerializedPhoneNumberIdentifier
    microsoftTeamsUser: SerializedMicrosoftTeamsUserIdentifier
    microsoftTeamsApp: SerializedMicrosoftTeamsAppIdentifier
    teamsExtensionUser: SerializedTeamsExtensionUserIdentifier


def create_identifier_from_raw_id(raw: str) -> CommunicationIdentifier:
    """Read a raw id; another name of `parse_raw_id`, with its errors."""
    return parse_raw_id(raw)


def get_identifier_raw_id(identifier: CommunicationIdentifier) -> str:
    """The one string that holds the whole identifier; another name of `raw_id`."""
    return raw_id(identifier)


def get_identifier_kind(
    identifier: CommunicationIdentifier | Mapping[str, object],
) -> CommunicationIdentifier:
    """The identifier as an object of its kind, which its `kind` names.

    Args:
        identifier: An identifier, or a mapping like ``{"phoneNumber": "+15550100"}``.

    Raises:
        InvalidArgumentError: 422/44010, no identifier; 422/440xx, one that holds nonsense.
    """
    return identifier_from(identifier)


def is_communication_user_identifier(
    identifier: object,
) -> TypeGuard[CommunicationUserIdentifier]:
    """Whether it is a user of a communication resource."""
    return isinstance(identifier, CommunicationUserIdentifier)


def is_phone_number_identifier(identifier: object) -> TypeGuard[PhoneNumberIdentifier]:
    """Whether it is a telephone."""
    return isinstance(identifier, PhoneNumberIdentifier)


def is_microsoft_teams_user_identifier(
    identifier: object,
) -> TypeGuard[MicrosoftTeamsUserIdentifier]:
    """Whether it is a Teams user."""
    return isinstance(identifier, MicrosoftTeamsUserIdentifier)


def is_microsoft_teams_app_identifier(
    identifier: object,
) -> TypeGuard[MicrosoftTeamsAppIdentifier]:
    """Whether it is an application in Teams."""
    return isinstance(identifier, MicrosoftTeamsAppIdentifier)


def is_teams_extension_user_identifier(
    identifier: object,
) -> TypeGuard[TeamsExtensionUserIdentifier]:
    """Whether it is a Teams user who is reached through a communication resource."""
    return isinstance(identifier, TeamsExtensionUserIdentifier)


def is_unknown_identifier(identifier: object) -> TypeGuard[UnknownIdentifier]:
    """Whether its raw id follows no rule that we know."""
    return isinstance(identifier, UnknownIdentifier)


def serialize_communication_identifier(
    identifier: CommunicationIdentifier,
) -> SerializedCommunicationIdentifier:
    """Write an identifier as ACS's REST APIs do; `deserialize_communication_identifier` reads it.

    What has no value, and a telephone's flags that are not set, are left out.
    """
    match identifier:
        case CommunicationUserIdentifier(communication_user_id=user):
            return {"rawId": user, "communicationUser": {"id": user}}
        case PhoneNumberIdentifier():
            return {"rawId": identifier.raw_id, "phoneNumber": _phone(identifier)}
        case MicrosoftTeamsUserIdentifier(raw_id=raw, cloud=cloud):
            return {
                "rawId": raw,
                "microsoftTeamsUser": {
                    "userId": identifier.microsoft_teams_user_id,
                    "isAnonymous": identifier.is_anonymous,
                    "cloud": cloud.value,
                },
            }
        case MicrosoftTeamsAppIdentifier(raw_id=raw, teams_app_id=app, cloud=cloud):
            return {"rawId": raw, "microsoftTeamsApp": {"appId": app, "cloud": cloud.value}}
        case TeamsExtensionUserIdentifier(raw_id=raw, cloud=cloud):
            return {
                "rawId": raw,
                "teamsExtensionUser": {
                    "userId": identifier.user_id,
                    "tenantId": identifier.tenant_id,
                    "resourceId": identifier.resource_id,
                    "cloud": cloud.value,
                },
            }
        case UnknownIdentifier(id=unknown):
            return {"rawId": unknown}


def _phone(identifier: PhoneNumberIdentifier) -> SerializedPhoneNumberIdentifier:
    phone: SerializedPhoneNumberIdentifier = {"value": identifier.phone_number}
    if identifier.asserted_id is not None:
        phone["assertedId"] = identifier.asserted_id
    if identifier.is_anonymous:
        phone["isAnonymous"] = True
    return phone


# The nested object of each kind, and what its keys are called in an identifier's own mapping,
# which knows some by the number itself. The first key must be there.
_NESTED: Final[Mapping[str, Mapping[str, str]]] = {
    "communicationUser": {"id": "communicationUserId"},
    "phoneNumber": {
        "value": "phoneNumber",
        "assertedId": "assertedId",
        "isAnonymous": "",
    },
    "microsoftTeamsUser": {
        "userId": "microsoftTeamsUserId",
        "isAnonymous": "isAnonymous",
        "cloud": "cloud",
    },
    "microsoftTeamsApp": {"appId": "teamsAppId", "cloud": "cloud"},
    "teamsExtensionUser": {
        "userId": "userId",
        "tenantId": "tenantId",
        "resourceId": "resourceId",
        "cloud": "cloud",
    },
}


def deserialize_communication_identifier(
    serialized: Mapping[str, object],
) -> CommunicationIdentifier:
    """Read an identifier as ACS's REST APIs write it.

    Args:
        serialized: As in `SerializedCommunicationIdentifier`; a raw id alone is enough.

    Raises:
        InvalidArgumentError: 422/44010, more than one kind, or a shape that is none; 422/440xx,
            an id that holds nonsense.
    """
    if not isinstance(serialized, Mapping):
        raise _refuse("An identifier in JSON is an object.")
    given = [key for key in _NESTED if serialized.get(key) is not None]
    if len(given) > 1:
        raise _refuse(f"An identifier is of one kind, not of {' and '.join(given)}.")
    raw = serialized.get("rawId")
    if not given:
        if not isinstance(raw, str):
            raise _refuse("An identifier in JSON has a rawId or one of the kinds.")
        return parse_raw_id(raw)
    kind = given[0]
    if serialized.get("kind") not in (None, kind):
        raise _refuse(f"kind says {serialized['kind']!r}, but the identifier is a {kind}.")
    nested = serialized[kind]
    known = _NESTED[kind]
    if not isinstance(nested, Mapping) or not {next(iter(known))} <= nested.keys() <= known.keys():
        raise _refuse(f"{kind} must be an object with {', '.join(known)}.")
    fields = {name: nested[key] for key, name in known.items() if name and key in nested}
    identifier = identifier_from(fields)
    if raw is not None and raw != identifier.raw_id:
        raise _refuse("rawId does not belong to this identifier.")
    return identifier


def _refuse(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        message,
        code=422,
        sub_code=_INVALID_IDENTIFIER,
        stage=Stage.ARGUMENT,
        next_step='Give what REST APIs give, like {"communicationUser": {"id": "8:acs:..."}}.',
    )
