"""Who somebody is: identifiers of users, phones, Teams users and apps, and their raw ids.

Every identifier has a *raw id*, one string that holds all of it. Raw ids travel and are compared;
identifiers are what applications read::

    8:acs: 8:spool: 8:dod-acs: 8:gcch-acs:   CommunicationUserIdentifier
    4:                                       PhoneNumberIdentifier (the + is kept)
    8:orgid: 8:dod: 8:gcch: 8:teamsvisitor:  MicrosoftTeamsUserIdentifier
    28:orgid: 28:dod: 28:gcch:               MicrosoftTeamsAppIdentifier
    8:acs:<resource>_<tenant>_<user>         TeamsExtensionUserIdentifier (also 8:dod-acs:, ...)
    anything else                            UnknownIdentifier

Source: `createIdentifierFromRawId` and `getIdentifierRawId` of @azure/communication-common 2.5;
error codes 422/440xx of the ACS Calling SDK 2.0 (section IDENTIFIER). Unlike there, tenant and user
of a Teams extension user must be GUIDs, as directories give them out: the resource of a service of
one's own may have underscores in its name, and its users are no Teams users.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from acs_core.errors import InvalidArgumentError, Stage

__all__ = [
    "RAW_ID_LIMIT",
    "Cloud",
    "CommunicationIdentifier",
    "CommunicationUserIdentifier",
    "IdentifierKind",
    "MicrosoftTeamsAppIdentifier",
    "MicrosoftTeamsUserIdentifier",
    "PhoneNumberIdentifier",
    "TeamsExtensionUserIdentifier",
    "UnknownIdentifier",
    "acs_raw_id",
    "identifier_from",
    "parse_raw_id",
    "raw_id",
]

# Real raw ids stay below 200 characters; they are keys of every roster, so they are bounded.
RAW_ID_LIMIT: Final = 512

_ACS_PREFIXES: Final = ("8:acs:", "8:spool:", "8:dod-acs:", "8:gcch-acs:")
_VISITOR_PREFIX: Final = "8:teamsvisitor:"
_GUID: Final = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_EXTENSION_USER: Final = re.compile(f"8:((?:dod-|gcch-)?acs):([^:]+)_({_GUID})_({_GUID})")
# ITU-T E.164 section 6: at most 15 digits, country codes do not begin with 0.
_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")
_ANONYMOUS: Final = "anonymous"
# Our own namespace (RFC 9562 section 5.5); changing it changes everybody's raw id.
_IDENTITY_NAMESPACE: Final = uuid.UUID("6f7a2f0e-8f1c-5c55-9a53-0f0f6f1f6a11")

_PARSE_PHONE_NUMBER: Final = 44000
_PARSE_IDENTIFIER: Final = 44003
_INVALID_USER: Final = 44004
_INVALID_TEAMS_USER_ID: Final = 44006
_INVALID_TEAMS_APP_ID: Final = 44008
_INVALID_UNKNOWN: Final = 44009
_INVALID_IDENTIFIER: Final = 44010


class Cloud(StrEnum):
    """The Microsoft cloud that a Teams user or app lives in."""

    PUBLIC = "public"
    DOD = "dod"
    GCCH = "gcch"

    @property
    def label(self) -> str:
        """How raw ids spell it."""
        return "orgid" if self is Cloud.PUBLIC else self.value

    @property
    def acs_label(self) -> str:
        """How raw ids of communication resources in it spell it."""
        return "acs" if self is Cloud.PUBLIC else f"{self.value}-acs"


class IdentifierKind(StrEnum):
    """The value of `kind` in the JavaScript SDK."""

    COMMUNICATION_USER = "communicationUser"
    PHONE_NUMBER = "phoneNumber"
    MICROSOFT_TEAMS_USER = "microsoftTeamsUser"
    MICROSOFT_TEAMS_APP = "microsoftTeamsApp"
    TEAMS_EXTENSION_USER = "teamsExtensionUser"
    UNKNOWN = "unknown"


def _refuse(what: str, sub_code: int, next_step: str = "") -> InvalidArgumentError:
    return InvalidArgumentError(
        what, code=422, sub_code=sub_code, stage=Stage.ARGUMENT, next_step=next_step
    )


def _check_part(value: object, what: str, sub_code: int) -> None:
    """Refuse what cannot be one segment of a raw id."""
    if not isinstance(value, str) or not value or ":" in value:
        raise _refuse(f"{what} must be text, not empty and without a colon.", sub_code)
    _check_text(value, what, sub_code)


def _check_text(value: object, what: str, sub_code: int) -> None:
    if not isinstance(value, str) or not value:
        raise _refuse(f"{what} must be text that is not empty.", sub_code)
    if len(value) > RAW_ID_LIMIT:
        raise _refuse(f"{what} is longer than {RAW_ID_LIMIT} characters.", sub_code)
    # Control characters would reach logs and headers; lone surrogates cannot be encoded.
    if not value.isprintable():
        raise _refuse(f"{what} contains characters that cannot be printed.", sub_code)


@dataclass(frozen=True, slots=True)
class CommunicationUserIdentifier:
    """A user of a communication resource.

    Attributes:
        communication_user_id: The raw id, usually `8:acs:<resource>_<user>`.

    Raises:
        InvalidArgumentError: 422/44004, empty or not printable.
    """

    kind: ClassVar[IdentifierKind] = IdentifierKind.COMMUNICATION_USER
    communication_user_id: str

    def __post_init__(self) -> None:
        _check_text(self.communication_user_id, "communication_user_id", _INVALID_USER)

    @property
    def raw_id(self) -> str:
        """The user id is the raw id."""
        return self.communication_user_id


@dataclass(frozen=True, slots=True)
class PhoneNumberIdentifier:
    """A telephone.

    Attributes:
        phone_number: E.164 with the plus sign, optionally followed by `_` and an asserted id, or
            `anonymous` for a withheld number.
        raw_id: `4:` and the number; given only where it is already known.

    Raises:
        InvalidArgumentError: 422/44000, not in E.164.

    Source: ITU-T E.164 section 6.
    """

    kind: ClassVar[IdentifierKind] = IdentifierKind.PHONE_NUMBER
    phone_number: str
    raw_id: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_text(self.phone_number, "phone_number", _PARSE_PHONE_NUMBER)
        number = self.phone_number.partition("_")[0]
        if self.phone_number != _ANONYMOUS and not _E164.fullmatch(number):
            raise _refuse(
                "This phone number is not in E.164.",
                _PARSE_PHONE_NUMBER,
                "Write it as +, country code and number, digits only.",
            )
        _settle_raw_id(self, self.raw_id, f"4:{self.phone_number}", _PARSE_PHONE_NUMBER)

    @property
    def is_anonymous(self) -> bool:
        """True when the number is withheld."""
        return self.phone_number == _ANONYMOUS

    @property
    def asserted_id(self) -> str | None:
        """What follows the number after `_` and tells callers of one number apart; else None."""
        return self.phone_number.partition("_")[2] or None


@dataclass(frozen=True, slots=True)
class MicrosoftTeamsUserIdentifier:
    """A user of Microsoft Teams.

    Attributes:
        microsoft_teams_user_id: Object id in the directory; for an anonymous one the visitor id.
        is_anonymous: True for a meeting guest without an account; the cloud is not told then.
        raw_id: Given only where it is already known.

    Raises:
        InvalidArgumentError: 422/44006, empty or with a colon.
    """

    kind: ClassVar[IdentifierKind] = IdentifierKind.MICROSOFT_TEAMS_USER
    microsoft_teams_user_id: str
    is_anonymous: bool = False
    cloud: Cloud = Cloud.PUBLIC
    raw_id: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        user = self.microsoft_teams_user_id
        _check_part(user, "microsoft_teams_user_id", _INVALID_TEAMS_USER_ID)
        prefix = _VISITOR_PREFIX if self.is_anonymous else f"8:{self.cloud.label}:"
        _settle_raw_id(self, self.raw_id, prefix + user, _INVALID_TEAMS_USER_ID)


@dataclass(frozen=True, slots=True)
class MicrosoftTeamsAppIdentifier:
    """An application in Microsoft Teams, for instance an auto attendant.

    Attributes:
        teams_app_id: Id of the application.
        raw_id: Given only where it is already known.

    Raises:
        InvalidArgumentError: 422/44008, empty or with a colon.
    """

    kind: ClassVar[IdentifierKind] = IdentifierKind.MICROSOFT_TEAMS_APP
    teams_app_id: str
    cloud: Cloud = Cloud.PUBLIC
    raw_id: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_part(self.teams_app_id, "teams_app_id", _INVALID_TEAMS_APP_ID)
        expected = f"28:{self.cloud.label}:{self.teams_app_id}"
        _settle_raw_id(self, self.raw_id, expected, _INVALID_TEAMS_APP_ID)


@dataclass(frozen=True, slots=True)
class TeamsExtensionUserIdentifier:
    """A Teams user who is reached through a communication resource.

    Attributes:
        user_id: Object id in the directory, a GUID.
        tenant_id: The directory, a GUID.
        resource_id: The communication resource.
        raw_id: Given only where it is already known.

    Raises:
        InvalidArgumentError: 422/44006, a user or tenant that is no GUID, a resource that is empty
            or has a colon.
    """

    kind: ClassVar[IdentifierKind] = IdentifierKind.TEAMS_EXTENSION_USER
    user_id: str
    tenant_id: str
    resource_id: str
    cloud: Cloud = Cloud.PUBLIC
    raw_id: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for part in (self.user_id, self.tenant_id, self.resource_id):
            _check_part(part, "Each part of a Teams extension user", _INVALID_TEAMS_USER_ID)
        expected = f"8:{self.cloud.acs_label}:{self.resource_id}_{self.tenant_id}_{self.user_id}"
        if _EXTENSION_USER.fullmatch(expected) is None:
            raise _refuse(
                "user_id and tenant_id of a Teams extension user are GUIDs.", _INVALID_TEAMS_USER_ID
            )
        _settle_raw_id(self, self.raw_id, expected, _INVALID_TEAMS_USER_ID)


@dataclass(frozen=True, slots=True)
class UnknownIdentifier:
    """Somebody whose raw id follows no rule that we know.

    Raises:
        InvalidArgumentError: 422/44009, empty or not printable.
    """

    kind: ClassVar[IdentifierKind] = IdentifierKind.UNKNOWN
    id: str

    def __post_init__(self) -> None:
        _check_text(self.id, "id", _INVALID_UNKNOWN)

    @property
    def raw_id(self) -> str:
        """The id is the raw id."""
        return self.id


CommunicationIdentifier: TypeAlias = (
    CommunicationUserIdentifier
    | PhoneNumberIdentifier
    | MicrosoftTeamsUserIdentifier
    | MicrosoftTeamsAppIdentifier
    | TeamsExtensionUserIdentifier
    | UnknownIdentifier
)


def _settle_raw_id(
    identifier: PhoneNumberIdentifier
    | MicrosoftTeamsUserIdentifier
    | MicrosoftTeamsAppIdentifier
    | TeamsExtensionUserIdentifier,
    given: str,
    expected: str,
    sub_code: int,
) -> None:
    """Fill `raw_id` in; two raw ids for one identifier would be two people in a roster."""
    if given not in ("", expected):
        raise _refuse("raw_id does not belong to this identifier.", sub_code)
    object.__setattr__(identifier, "raw_id", expected)


def raw_id(identifier: CommunicationIdentifier) -> str:
    """The one string that holds the whole identifier; `parse_raw_id` reads it."""
    return identifier.raw_id


def parse_raw_id(raw: str) -> CommunicationIdentifier:
    """Read a raw id.

    Raises:
        InvalidArgumentError: 422/44003, empty, too long or not printable; 422/44000, a phone
            number that is not in E.164; 422/44004, 44006 or 44008, a prefix and nothing else.

    Source: `createIdentifierFromRawId`; unlike it, an empty remainder is refused.
    """
    _check_text(raw, "A raw id", _PARSE_IDENTIFIER)
    if raw.startswith("4:"):
        return PhoneNumberIdentifier(raw.removeprefix("4:"))
    # "8:acs:a:b" has four segments, and is unknown to the vendor's parser too.
    if raw.count(":") != 2:
        return UnknownIdentifier(raw)
    family, label, name = raw.split(":")
    prefix = f"{family}:{label}:"
    extension = _EXTENSION_USER.fullmatch(raw)
    if extension is not None:
        label, resource, tenant, user = extension.groups()
        cloud = next(cloud for cloud in Cloud if cloud.acs_label == label)
        return TeamsExtensionUserIdentifier(user, tenant, resource, cloud)
    if prefix in _ACS_PREFIXES:
        _check_part(name, "The user in a raw id", _INVALID_USER)
        return CommunicationUserIdentifier(raw)
    if prefix == _VISITOR_PREFIX:
        return MicrosoftTeamsUserIdentifier(name, is_anonymous=True)
    home = next((cloud for cloud in Cloud if cloud.label == label), None)
    if home is not None and family == "8":
        return MicrosoftTeamsUserIdentifier(name, cloud=home)
    if home is not None and family == "28":
        return MicrosoftTeamsAppIdentifier(name, home)
    return UnknownIdentifier(raw)


def acs_raw_id(resource_id: str, identity: str) -> str:
    """The raw id of a Twilio identity: stable, so one name is one user for ever.

    An ACS raw id is its own identity and comes back as it is. Phone numbers and Teams ids are not:
    a token must not make somebody a telephone.

    Args:
        resource_id: The communication resource of this service.
        identity: What the Twilio token calls the participant.

    Raises:
        InvalidArgumentError: 422/44003, empty or not encodable in UTF-8.
    """
    if not identity:
        raise _refuse("An identity must not be empty.", _PARSE_IDENTIFIER)
    if identity.startswith(_ACS_PREFIXES):
        try:
            if isinstance(parse_raw_id(identity), CommunicationUserIdentifier):
                return identity
        except InvalidArgumentError:
            pass  # It only looks like a raw id; as a name it is as good as any other.
    try:
        user = uuid.uuid5(_IDENTITY_NAMESPACE, identity)
    except UnicodeEncodeError as error:
        raise _refuse("An identity must be valid Unicode.", _PARSE_IDENTIFIER) from error
    return f"8:acs:{resource_id}_{user}"


def identifier_from(value: object) -> CommunicationIdentifier:
    """Read an identifier in any of the ways that applications write one.

    Args:
        value: An identifier, a raw id, or a mapping as in the JavaScript SDK, for instance
            ``{"communicationUserId": "8:acs:..."}``; snake_case keys are taken too.

    Raises:
        InvalidArgumentError: 422/44010 for a shape that is none of these, else as `parse_raw_id`.
    """
    if isinstance(value, CommunicationIdentifier):
        return value
    if isinstance(value, str):
        return parse_raw_id(value)
    if isinstance(value, Mapping):
        return _from_mapping(value)
    raise _refuse(
        f"A {type(value).__name__} is not an identifier.",
        _INVALID_IDENTIFIER,
        'Give a raw id or a mapping like {"communicationUserId": "8:acs:..."}.',
    )


_BUILDERS: Final[Mapping[str, Callable[[Mapping[str, object]], CommunicationIdentifier]]] = {
    "communicationuserid": lambda fields: CommunicationUserIdentifier(
        _text(fields, "communicationuserid")
    ),
    "phonenumber": lambda fields: PhoneNumberIdentifier(
        _text(fields, "phonenumber"), _text(fields, "rawid")
    ),
    "microsoftteamsuserid": lambda fields: MicrosoftTeamsUserIdentifier(
        _text(fields, "microsoftteamsuserid"),
        _flag(fields, "isanonymous"),
        _cloud(fields),
        _text(fields, "rawid"),
    ),
    "teamsappid": lambda fields: MicrosoftTeamsAppIdentifier(
        _text(fields, "teamsappid"), _cloud(fields), _text(fields, "rawid")
    ),
    "userid": lambda fields: TeamsExtensionUserIdentifier(
        _text(fields, "userid"),
        _text(fields, "tenantid"),
        _text(fields, "resourceid"),
        _cloud(fields),
        _text(fields, "rawid"),
    ),
    "id": lambda fields: UnknownIdentifier(_text(fields, "id")),
}
_OPTIONAL_KEYS: Final = frozenset(
    {"kind", "rawid", "isanonymous", "cloud", "assertedid", "tenantid", "resourceid"}
)


def _from_mapping(value: Mapping[object, object]) -> CommunicationIdentifier:
    # An optional property that is null is one that was not given.
    given = [(str(key), item) for key, item in value.items() if item is not None]
    fields = {key.replace("_", "").lower(): item for key, item in given}
    unknown = fields.keys() - _BUILDERS.keys() - _OPTIONAL_KEYS
    named = fields.keys() & _BUILDERS.keys()
    if unknown or len(named) > 1 or len(fields) != len(given):
        raise _refuse("Exactly one kind of id must be given.", _INVALID_IDENTIFIER)
    build = _BUILDERS[named.pop()] if named else _from_raw_id
    identifier = build(fields)
    if fields.get("kind", identifier.kind) != identifier.kind:
        raise _refuse("kind does not fit the id that is given.", _INVALID_IDENTIFIER)
    return identifier


def _from_raw_id(fields: Mapping[str, object]) -> CommunicationIdentifier:
    return parse_raw_id(_text(fields, "rawid"))


def _text(fields: Mapping[str, object], key: str) -> str:
    value = fields.get(key, "")
    if not isinstance(value, str):
        raise _refuse(f"{key} must be text.", _INVALID_IDENTIFIER)
    return value


def _flag(fields: Mapping[str, object], key: str) -> bool:
    value = fields.get(key, False)
    if not isinstance(value, bool):
        raise _refuse(f"{key} must be true or false.", _INVALID_IDENTIFIER)
    return value


def _cloud(fields: Mapping[str, object]) -> Cloud:
    value = fields.get("cloud", Cloud.PUBLIC)
    try:
        return Cloud(str(value))
    except ValueError as error:
        raise _refuse("cloud must be public, dod or gcch.", _INVALID_IDENTIFIER) from error
