from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from acs_core.errors import InvalidArgumentError
from twilio_compat.rest.signatures import renamed, sign, signed_request

TOKEN = "12345"
FIELDS = {"StatusCallbackEvent": "room-created"}


def test_the_signature_is_that_of_the_helper_library() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234"}
    assert sign(TOKEN, url, fields) == RequestValidator(TOKEN).compute_signature(url, fields)


@given(
    st.dictionaries(st.text(), st.text(max_size=20), max_size=5), st.sampled_from(["POST", "GET"])
)
def test_whatever_people_choose_for_a_name_is_believed(names: dict[str, str], method: str) -> None:
    fields = {f"Field{index}": name for index, name in enumerate(names.values())} | FIELDS
    url = "https://example.com/hook?x=%20y"
    request = signed_request(TOKEN, url, method, fields, group="g")
    form = dict(parse_qsl(request.body, keep_blank_values=True))
    signature = request.headers["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate(request.url, form, signature)


def test_what_is_no_unicode_is_replaced() -> None:
    fields = {**FIELDS, "TrackName": "half \ud800 pair"}
    request = signed_request(TOKEN, "https://example.com/", "POST", fields, group="g")
    assert dict(parse_qsl(request.body))["TrackName"] == "half ? pair"


def test_without_an_auth_token_nothing_is_signed() -> None:
    request = signed_request("", "https://example.com/", "POST", FIELDS, group="g")
    assert "X-Twilio-Signature" not in request.headers


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_callback_about_somebody_else_now_is_believed(method: str) -> None:
    url = "https://user:word@example.com/hook?ParticipantIdentity=own%20one&x="
    fields = {**FIELDS, "ParticipantIdentity": "ann & co", "Track": "é="}
    request = signed_request(TOKEN, url, method, fields, group="g")
    changed = renamed(TOKEN, request, "PA1 +")
    expected = signed_request(
        TOKEN, url, method, {**fields, "ParticipantIdentity": "PA1 +"}, group="g"
    )
    assert (changed.url, changed.body) == (expected.url, expected.body)
    assert changed.headers == {
        **expected.headers,
        "I-Twilio-Idempotency-Token": request.id,
    }
    assert (changed.id, changed.group) == (request.id, "g")
    unsigned = renamed("", signed_request("", url, method, fields, group="g"), "PA1 +")
    assert "X-Twilio-Signature" not in unsigned.headers
    assert (unsigned.url, unsigned.body) == (expected.url, expected.body)


def test_a_callback_about_nobody_stays_as_it_is() -> None:
    request = signed_request(TOKEN, "https://example.com/", "POST", FIELDS, group="g")
    assert renamed(TOKEN, request, "PA1") is request


def test_an_unusable_url_or_method_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        signed_request(TOKEN, "ftp://example.com/", "POST", FIELDS, group="g")
    with pytest.raises(InvalidArgumentError):
        signed_request(TOKEN, "https://example.com/", "PUT", FIELDS, group="g")
