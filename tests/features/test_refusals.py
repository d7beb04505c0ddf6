"""What `connect` is refused for has Twilio's code, a cause that leads to it, and a next step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from acs_core.service.rooms import RoomOptions
from acs_core.signed_token import sign, split
from tests.support.people import Meeting, meeting
from twilio_compat import TwilioError, connect

HEADER = {"cty": "twilio-fpa;v=1"}


@pytest.fixture
async def place() -> AsyncIterator[Meeting]:
    async with meeting() as running:
        yield running


async def refusal(place: Meeting, token: str, **options: Any) -> TwilioError:
    """Why nobody gets in."""
    chosen = {"name": "meeting", "tracks": [], "service_url": place.url} | options
    with pytest.raises(TwilioError) as caught:
        await connect(token, chosen)
    error = caught.value
    assert error.next_step
    assert error.explanation
    assert error.causes
    assert error.__cause__ is not None
    assert error.explanation in str(error)
    return error


@pytest.mark.parametrize(
    ("code", "header", "change"),
    [
        (20102, {"cty": "twilio-fpa;v=2"}, {}),
        (20103, HEADER, {"iss": "SK" + "d" * 32}),
        (20103, HEADER, {"sub": "AC" + "d" * 32}),
        (20104, HEADER, {"exp": 1_000_000_000, "nbf": 999_999_999}),
        (20105, HEADER, {"nbf": 4_000_000_000, "exp": 4_000_003_600}),
        (20106, HEADER, {"grants": {"identity": "alice"}}),
        (20107, HEADER, {}),
    ],
)
async def test_a_token_with_a_fault_is_refused_with_the_code_of_the_fault(
    place: Meeting, code: int, header: dict[str, str], change: dict[str, Any]
) -> None:
    _, api_key = next(iter(place.server._keys.items()))
    claims = dict(split(place.server.access_token("alice")).claims()) | change
    secret = "another secret" if code == 20107 else api_key.secret
    error = await refusal(place, sign(header, claims, secret.encode()))
    assert error.code == code


async def test_a_room_that_the_token_does_not_open_is_refused(place: Meeting) -> None:
    token = place.server.access_token("alice", room="other")
    assert (await refusal(place, token)).code == 20106


@pytest.mark.parametrize(
    ("name", "code"), [("n" * 129, 53101), ("a\nb", 53102), ("RM" + "0" * 32, 53106)]
)
async def test_a_room_name_with_a_fault_is_refused(place: Meeting, name: str, code: int) -> None:
    assert (await refusal(place, place.server.access_token("alice"), name=name)).code == code


async def test_a_full_room_is_refused(place: Meeting) -> None:
    place.server.rooms.create(unique_name="small", options=RoomOptions(max_participants=1))
    await place.guest("ann", name="small")
    assert (await refusal(place, place.server.access_token("ben"), name="small")).code == 53105


async def test_a_service_that_is_not_there_is_told_with_its_address(place: Meeting) -> None:
    error = await refusal(place, place.server.access_token("ann"), service_url="http://127.0.0.1:9")
    assert error.code == 53000
    assert "127.0.0.1:9" in str(error)


async def test_an_identity_that_is_too_long_is_refused(place: Meeting) -> None:
    assert (await refusal(place, place.server.access_token("i" * 257))).code == 53201
