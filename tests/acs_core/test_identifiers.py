from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError
from acs_core.identifiers import (
    RAW_ID_LIMIT,
    Cloud,
    CommunicationIdentifier,
    CommunicationUserIdentifier,
    IdentifierKind,
    MicrosoftTeamsAppIdentifier,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    TeamsExtensionUserIdentifier,
    UnknownIdentifier,
    acs_raw_id,
    identifier_from,
    parse_raw_id,
    raw_id,
)

RESOURCE = "5f1d3f0e-3f4b-5c1e-8f43-6c0b1e2a7a10"

segments = st.text(
    st.characters(categories=["L", "N", "P"], exclude_characters=":"), min_size=1, max_size=60
)
phones = st.from_regex(r"\A\+[1-9][0-9]{1,14}\Z")
identifiers: st.SearchStrategy[CommunicationIdentifier] = st.one_of(
    st.builds(
        lambda prefix, name: CommunicationUserIdentifier(prefix + name),
        st.sampled_from(["8:acs:", "8:spool:", "8:dod-acs:", "8:gcch-acs:"]),
        segments,
    ),
    st.builds(PhoneNumberIdentifier, phones),
    st.builds(
        lambda name, cloud: MicrosoftTeamsUserIdentifier(name, cloud=cloud),
        segments,
        st.sampled_from(Cloud),
    ),
    st.builds(lambda name: MicrosoftTeamsUserIdentifier(name, is_anonymous=True), segments),
    st.builds(MicrosoftTeamsAppIdentifier, segments, st.sampled_from(Cloud)),
    st.builds(
        TeamsExtensionUserIdentifier,
        st.uuids().map(str),
        st.uuids().map(str),
        segments,
        st.sampled_from(Cloud),
    ),
)


@pytest.mark.feature("IDENT-002", "IDENT-003", "IDENT-004")
@given(identifiers)
def test_raw_ids_round_trip(identifier: CommunicationIdentifier) -> None:
    again = parse_raw_id(raw_id(identifier))
    assert again == identifier
    assert again.kind is identifier.kind


def refusal(raw: str) -> InvalidArgumentError | None:
    try:
        assert raw_id(parse_raw_id(raw)) == raw
    except InvalidArgumentError as error:
        return error
    return None


@given(st.text(st.characters(exclude_categories=[])) | st.text(alphabet="84:+acsorgid12_"))
def test_any_text_is_read_or_refused_with_a_code(text: str) -> None:
    error = refusal(text)
    if error is not None:
        assert error.code == 422
        assert 44000 <= error.sub_code <= 44013


@pytest.mark.feature("IDENT-002", "IDENT-003", "IDENT-004")
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("8:acs:a_b", CommunicationUserIdentifier("8:acs:a_b")),
        ("8:gcch-acs:a", CommunicationUserIdentifier("8:gcch-acs:a")),
        ("4:+14255550123", PhoneNumberIdentifier("+14255550123")),
        ("4:+14255550123_123", PhoneNumberIdentifier("+14255550123_123")),
        ("4:anonymous", PhoneNumberIdentifier("anonymous")),
        ("8:orgid:u", MicrosoftTeamsUserIdentifier("u")),
        ("8:dod:u", MicrosoftTeamsUserIdentifier("u", cloud=Cloud.DOD)),
        ("8:gcch:u", MicrosoftTeamsUserIdentifier("u", cloud=Cloud.GCCH)),
        ("8:teamsvisitor:u", MicrosoftTeamsUserIdentifier("u", is_anonymous=True)),
        ("28:orgid:a", MicrosoftTeamsAppIdentifier("a")),
        ("28:dod:a", MicrosoftTeamsAppIdentifier("a", Cloud.DOD)),
        ("8:acs:a:b", UnknownIdentifier("8:acs:a:b")),
        ("28:a", UnknownIdentifier("28:a")),
        ("9:orgid:a", UnknownIdentifier("9:orgid:a")),
        ("8:echo123", UnknownIdentifier("8:echo123")),
    ],
)
def test_prefixes_decide_the_kind(raw: str, expected: CommunicationIdentifier) -> None:
    assert parse_raw_id(raw) == expected
    assert raw_id(expected) == raw


def test_kinds_have_the_vendors_spelling() -> None:
    assert [str(kind) for kind in IdentifierKind] == [
        "communicationUser",
        "phoneNumber",
        "microsoftTeamsUser",
        "microsoftTeamsApp",
        "teamsExtensionUser",
        "unknown",
    ]


@pytest.mark.feature("IDENT-003")
@pytest.mark.parametrize(
    "number", ["", "14255550123", "+0123", "+1", "+1 425 555", "+1234567890123456", "+12\n", "+١٢٣"]
)
def test_phone_number_must_be_e164(number: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        PhoneNumberIdentifier(number)
    assert (caught.value.code, caught.value.sub_code) == (422, 44000)


def test_withheld_number_is_anonymous() -> None:
    assert PhoneNumberIdentifier("anonymous").is_anonymous
    assert not PhoneNumberIdentifier("+14255550123").is_anonymous


@pytest.mark.parametrize(
    ("raw", "sub_code"),
    [
        ("", 44003),
        ("x" * (RAW_ID_LIMIT + 1), 44003),
        ("8:acs:a\n", 44003),
        ("8:acs:\ud800", 44003),
        ("8:acs:", 44004),
        ("8:orgid:", 44006),
        ("28:orgid:", 44008),
    ],
)
def test_unusable_raw_ids_are_refused(raw: str, sub_code: int) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        parse_raw_id(raw)
    assert caught.value.sub_code == sub_code


def test_a_raw_id_of_somebody_else_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        PhoneNumberIdentifier("+14255550123", "4:+14255550124")


def test_identifiers_are_equal_with_and_without_their_raw_id() -> None:
    told = PhoneNumberIdentifier("+14255550123", "4:+14255550123")
    assert told == PhoneNumberIdentifier("+14255550123")
    assert hash(told) == hash(PhoneNumberIdentifier("+14255550123"))


@pytest.mark.feature("IDENT-002", "IDENT-003", "IDENT-004")
@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ("8:acs:a_b", "8:acs:a_b"),
        (CommunicationUserIdentifier("8:acs:a_b"), "8:acs:a_b"),
        ({"communicationUserId": "8:acs:a_b"}, "8:acs:a_b"),
        ({"communication_user_id": "8:acs:a_b", "kind": "communicationUser"}, "8:acs:a_b"),
        ({"phoneNumber": "+14255550123", "rawId": None}, "4:+14255550123"),
        ({"phone_number": "+14255550123", "raw_id": "4:+14255550123"}, "4:+14255550123"),
        ({"microsoftTeamsUserId": "u", "cloud": "dod"}, "8:dod:u"),
        ({"microsoft_teams_user_id": "u", "is_anonymous": True}, "8:teamsvisitor:u"),
        ({"teamsAppId": "a", "cloud": Cloud.GCCH}, "28:gcch:a"),
        ({"id": "8:echo123"}, "8:echo123"),
        ({"rawId": "8:orgid:u"}, "8:orgid:u"),
    ],
)
def test_identifiers_are_read_from_every_shape(value: object, raw: str) -> None:
    assert raw_id(identifier_from(value)) == raw


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        {},
        {"communicationUserId": 7},
        {"communicationUserId": "8:acs:a", "phoneNumber": "+14255550123"},
        {"communicationUserId": "8:acs:a", "communication_user_id": "8:acs:b"},
        {"communicationUserId": "8:acs:a", "kind": "phoneNumber"},
        {"microsoftTeamsUserId": "u", "cloud": "mars"},
        {"microsoftTeamsUserId": "u", "isAnonymous": "yes"},
        {"name": "alice"},
        {1: "8:acs:a"},
    ],
)
def test_other_shapes_are_refused(value: object) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        identifier_from(value)
    assert caught.value.code == 422


def test_empty_unknown_identifier_is_refused() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        UnknownIdentifier("")
    assert caught.value.sub_code == 44009


@given(st.text(min_size=1))
def test_a_twilio_identity_is_one_user_for_ever(identity: str) -> None:
    raw = acs_raw_id(RESOURCE, identity)
    assert raw == acs_raw_id(RESOURCE, identity)
    assert isinstance(parse_raw_id(raw), CommunicationUserIdentifier)


def test_the_namespace_of_identities_does_not_change() -> None:
    raw = acs_raw_id(RESOURCE, "alice")
    prefix, _, user = raw.rpartition("_")
    assert prefix == f"8:acs:{RESOURCE}"
    assert uuid.UUID(user).version == 5
    assert user == "89c2c967-9cec-514b-b345-fa44c1596b6f"


@pytest.mark.parametrize("identity", ["8:acs:a_b", "8:spool:x"])
def test_an_acs_raw_id_is_its_own_identity(identity: str) -> None:
    assert acs_raw_id(RESOURCE, identity) == identity


@pytest.mark.parametrize("identity", ["4:+14255550123", "8:orgid:u", "8:acs:", "8:acs:a:b", "28:x"])
def test_other_raw_ids_are_plain_names(identity: str) -> None:
    assert acs_raw_id(RESOURCE, identity).startswith(f"8:acs:{RESOURCE}_")


def test_different_identities_are_different_users() -> None:
    names = ["alice", "Alice", "alice ", "bob", "álice"]
    assert len({acs_raw_id(RESOURCE, name) for name in names}) == len(names)


@pytest.mark.parametrize("identity", ["", "alice\ud800"])
def test_empty_and_broken_identities_are_refused(identity: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        acs_raw_id(RESOURCE, identity)
    assert caught.value.sub_code == 44003


def test_three_parts_that_are_no_guids_are_a_user_of_a_resource() -> None:
    raw = "8:acs:my_resource_user"
    assert parse_raw_id(raw) == CommunicationUserIdentifier(raw)
    with pytest.raises(InvalidArgumentError, match="GUIDs") as error:
        TeamsExtensionUserIdentifier("user", "tenant", RESOURCE)
    assert (error.value.code, error.value.sub_code) == (422, 44006)


def test_what_follows_a_number_tells_its_callers_apart() -> None:
    assert PhoneNumberIdentifier("+15550100_7").asserted_id == "7"
    assert PhoneNumberIdentifier("+15550100").asserted_id is None
