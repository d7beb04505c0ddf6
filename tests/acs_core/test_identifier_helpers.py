"""Kinds of identifiers, and identifiers in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core import (
    CommunicationIdentifier,
    CommunicationUserIdentifier,
    InvalidArgumentError,
    MicrosoftTeamsAppIdentifier,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    TeamsExtensionUserIdentifier,
    UnknownIdentifier,
    create_identifier_from_raw_id,
    deserialize_communication_identifier,
    get_identifier_kind,
    get_identifier_raw_id,
    is_communication_user_identifier,
    is_microsoft_teams_app_identifier,
    is_microsoft_teams_user_identifier,
    is_phone_number_identifier,
    is_teams_extension_user_identifier,
    is_unknown_identifier,
    serialize_communication_identifier,
)
from acs_core.identifiers import Cloud

USER, TENANT = "11111111-2222-4333-8444-555555555555", "66666666-7777-4888-9999-aaaaaaaaaaaa"
# An identifier, its raw id, what it is in JSON besides, and who recognizes it.
KINDS: list[tuple[CommunicationIdentifier, str, dict[str, Any], Any]] = [
    (
        CommunicationUserIdentifier("8:acs:r_u"),
        "8:acs:r_u",
        {"communicationUser": {"id": "8:acs:r_u"}},
        is_communication_user_identifier,
    ),
    (
        PhoneNumberIdentifier("+15550100_7"),
        "4:+15550100_7",
        {"phoneNumber": {"value": "+15550100_7", "assertedId": "7"}},
        is_phone_number_identifier,
    ),
    (
        PhoneNumberIdentifier("anonymous"),
        "4:anonymous",
        {"phoneNumber": {"value": "anonymous", "isAnonymous": True}},
        is_phone_number_identifier,
    ),
    (
        MicrosoftTeamsUserIdentifier("u", cloud=Cloud.DOD),
        "8:dod:u",
        {"microsoftTeamsUser": {"userId": "u", "isAnonymous": False, "cloud": "dod"}},
        is_microsoft_teams_user_identifier,
    ),
    (
        MicrosoftTeamsAppIdentifier("a"),
        "28:orgid:a",
        {"microsoftTeamsApp": {"appId": "a", "cloud": "public"}},
        is_microsoft_teams_app_identifier,
    ),
    (
        TeamsExtensionUserIdentifier(USER, TENANT, "r", Cloud.GCCH),
        f"8:gcch-acs:r_{TENANT}_{USER}",
        {
            "teamsExtensionUser": {
                "userId": USER,
                "tenantId": TENANT,
                "resourceId": "r",
                "cloud": "gcch",
            }
        },
        is_teams_extension_user_identifier,
    ),
    (UnknownIdentifier("48:echo"), "48:echo", {}, is_unknown_identifier),
]
GUARDS = {guard for *_, guard in KINDS}


@pytest.mark.feature("IDENT-002", "IDENT-003", "IDENT-004")
@pytest.mark.parametrize(("identifier", "raw", "nested", "guard"), KINDS)
def test_every_kind_is_recognized_and_written_and_read(
    identifier: CommunicationIdentifier, raw: str, nested: dict[str, Any], guard: Any
) -> None:
    assert get_identifier_raw_id(identifier) == raw
    assert create_identifier_from_raw_id(raw) == identifier
    assert get_identifier_kind(identifier) is identifier
    assert [item for item in GUARDS if item(identifier)] == [guard]
    serialized = serialize_communication_identifier(identifier)
    assert serialized == {"rawId": raw, **nested}
    assert deserialize_communication_identifier(json.loads(json.dumps(serialized))) == identifier
    assert deserialize_communication_identifier({"rawId": raw}) == identifier


def test_the_mapping_of_a_program_gets_its_kind() -> None:
    identifier = get_identifier_kind({"phoneNumber": "+15550100"})
    assert identifier == PhoneNumberIdentifier("+15550100")
    assert identifier.kind == "phoneNumber"


@pytest.mark.parametrize(
    "serialized",
    [
        {},
        {"rawId": 1},
        {"communicationUser": {"id": "8:acs:r_u"}, "phoneNumber": {"value": "+15550100"}},
        {"kind": "phoneNumber", "communicationUser": {"id": "8:acs:r_u"}},
        {"rawId": "8:acs:r_other", "communicationUser": {"id": "8:acs:r_u"}},
        {"communicationUser": "8:acs:r_u"},
        {"communicationUser": {"id": "8:acs:r_u", "name": "Ann"}},
        {"communicationUser": {}},
    ],
)
def test_what_is_no_identifier_in_json_is_refused(serialized: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        deserialize_communication_identifier(serialized)
    assert (error.value.code, error.value.sub_code) == (422, 44010)


nonsense = st.none() | st.booleans() | st.text(max_size=8)
objects = st.dictionaries(st.sampled_from(["id", "value", "userId"]), st.text(max_size=8))
keys = st.sampled_from(["rawId", "kind", "communicationUser", "phoneNumber", "teamsExtensionUser"])


@given(st.dictionaries(keys, nonsense | objects))
def test_nonsense_gives_identifiers_or_typed_errors(serialized: dict[str, Any]) -> None:
    try:
        identifier = deserialize_communication_identifier(serialized)
    except InvalidArgumentError:
        return
    again = deserialize_communication_identifier({**serialize_communication_identifier(identifier)})
    assert again == identifier
