from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import AuthenticationError
from tests.twilio_compat.rest.conftest import basic
from twilio_compat.rest.credentials import RestCredentials
from twilio_compat.verifier import ApiKey

KEYS = {"SK1": ApiKey("secret"), "SK2": ApiKey("other", frozenset({"daily"}))}
CREDENTIALS = RestCredentials("AC1", "töken:with:colons", KEYS)


def test_an_account_and_an_api_key_are_believed() -> None:
    CREDENTIALS.check(basic("AC1", "töken:with:colons"))
    CREDENTIALS.check(basic("SK1", "secret").replace("Basic", "bAsIc"))
    for user, password in (("AC1", "secret"), ("SK1", "other"), ("SK3", "secret")):
        with pytest.raises(AuthenticationError):
            CREDENTIALS.check(basic(user, password))


def test_a_key_for_certain_rooms_does_not_manage_rooms() -> None:
    with pytest.raises(AuthenticationError) as caught:
        CREDENTIALS.check(basic("SK2", "other"))
    assert (caught.value.code, caught.value.sub_code) == (401, 20003)


def test_without_an_auth_token_the_account_itself_is_not_believed() -> None:
    for password in ("", "secret"):
        with pytest.raises(AuthenticationError):
            RestCredentials("AC1", None, KEYS).check(basic("AC1", password))


@given(st.none() | st.text() | st.text().map(lambda text: f"Basic {text}"))
def test_any_other_header_is_refused(header: str | None) -> None:
    with pytest.raises(AuthenticationError):
        CREDENTIALS.check(header)
