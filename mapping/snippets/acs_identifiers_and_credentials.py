"""Identifiers are classes, and their raw ids are text."""

from acs_core import (
    CommunicationUserIdentifier,
    PhoneNumberIdentifier,
    create_identifier_from_raw_id,
    get_identifier_kind,
    get_identifier_raw_id,
)


async def main() -> None:
    telephone = create_identifier_from_raw_id("4:+15550100")
    assert isinstance(telephone, PhoneNumberIdentifier)
    print(get_identifier_kind(telephone).kind, telephone.phone_number)
    print(get_identifier_raw_id(CommunicationUserIdentifier("8:acs:anna")))
