"""Forged requests, and tokens that are not an operator's."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import pytest
from multidict import CIMultiDict

from acs_core.errors import AuthenticationError, InvalidArgumentError
from acs_core.service.identity import issue_token
from acs_core.service.rest.gate import OPERATOR_AUDIENCE, Gate, issue_operator_token
from acs_core.signed_token import sign

KEY = bytes(range(64))
NOW = 1_795_223_163.0
DATE = "Sat, 21 Nov 2026 01:06:03 GMT"
HOST = "127.0.0.1:7780"
BODY = b'{"createTokenWithScopes": ["voip"]}'
RAW = "/identities/8%3Aacs%3Ar_u/:issueAccessToken?api-version=2023-10-01"
DECODED = "/identities/8:acs:r_u/:issueAccessToken?api-version=2023-10-01"


def content_hash(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def signature(text: str, key: bytes = KEY) -> str:
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


def headers(
    target: str = RAW,
    *,
    method: str = "POST",
    date: str = DATE,
    host: str = HOST,
    body: bytes = BODY,
    key: bytes = KEY,
) -> dict[str, str]:
    """What a client signs, written down from the documentation."""
    text = f"{method}\n{target}\n{date};{host};{content_hash(body)}"
    scheme = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="
    return {
        "Host": host,
        "x-ms-date": date,
        "x-ms-content-sha256": content_hash(body),
        "Authorization": scheme + signature(text, key),
        "x-ms-client-request-id": "1",
    }


def admit(given: Mapping[str, str], *, gate: Gate | None = None, **asked: Any) -> None:
    """Let a request in, whole."""
    now = asked.get("now", NOW)
    admitted = (gate or Gate(KEY)).admit(
        asked.get("method", "POST"), asked.get("target", RAW), CIMultiDict(given), now=now
    )
    admitted.check_body(asked.get("body", BODY))
    admitted.use(is_harmless=False, now=now)


def is_admitted(given: Mapping[str, str], **asked: Any) -> bool:
    try:
        admit(given, **asked)
    except AuthenticationError:
        return False
    return True


def refused(given: Mapping[str, str], **asked: Any) -> str:
    with pytest.raises(AuthenticationError) as caught:
        admit(given, **asked)
    assert caught.value.code == 401
    return caught.value.message


def test_a_signature_that_another_program_worked_out_is_believed() -> None:
    """By `openssl dgst -sha256 -hmac` over the text of the documentation."""
    key, target = b"0123456789abcdef0123456789abcdef", "/rooms?api-version=2025-03-13"
    given = headers() | {
        "Host": "acs.example",
        "x-ms-content-sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
        "&Signature=NwmNdTTjX3qjfH1/CE+lDo5kdc8IanwbV8M6dOeIIjo=",
    }
    gate = Gate(key)
    asked: dict[str, Any] = {"gate": gate, "method": "GET", "target": target, "body": b""}
    assert is_admitted(given, **asked)
    assert "sent before" in refused(given, **asked)
    assert "does not fit" in refused(given, **asked | {"target": f"{target}1"})


@pytest.mark.parametrize("target", [RAW, DECODED])
@pytest.mark.parametrize("slash", ["", "/"])
def test_target_and_host_may_be_signed_in_both_spellings(target: str, slash: str) -> None:
    given, gate = headers(target, host=f"{HOST}{slash}") | {"Host": HOST}, Gate(KEY)
    assert is_admitted(given, gate=gate)
    assert "sent before" in refused(given, gate=gate)


def test_names_of_headers_may_be_in_any_case() -> None:
    given, gate = {name.upper(): value for name, value in headers().items()}, Gate(KEY)
    assert is_admitted(given, gate=gate)
    assert "sent before" in refused(headers(), gate=gate)


FORGED = {
    "no signature": ({"Authorization": ""}, {}),
    "an empty signature": (
        {"Authorization": headers()["Authorization"].partition("Signature=")[0] + "Signature="},
        {},
    ),
    "fewer signed headers": (
        {"Authorization": f"HMAC-SHA256 SignedHeaders=x-ms-date&Signature={signature('')}"},
        {},
    ),
    "signed headers in another order": (
        {"Authorization": headers()["Authorization"].replace("x-ms-date;host", "host;x-ms-date")},
        {},
    ),
    "another scheme": ({"Authorization": "Basic YTpi"}, {}),
    "bytes that are no text": ({"Authorization": headers()["Authorization"] + "\udcff"}, {}),
    "another key": (headers(key=b"other" * 8), {}),
    "another date": ({"x-ms-date": "Sat, 21 Nov 2026 01:06:04 GMT"}, {}),
    "no date": ({"x-ms-date": ""}, {}),
    "another host": ({"Host": "127.0.0.1:7781"}, {}),
    "a host with two slashes": ({"Host": f"{HOST}//"}, {}),
    "no host": ({"Host": ""}, {}),
    "another method": ({}, {"method": "DELETE"}),
    "another user": ({}, {"target": RAW.replace("r_u", "r_v")}),
    "a further parameter": ({}, {"target": f"{RAW}&x=1"}),
    "no parameters": ({}, {"target": RAW.partition("?")[0]}),
    "a target that was encoded twice": ({}, {"target": RAW.replace("%3A", "%253A")}),
    "another body": ({}, {"body": b"{}"}),
    "no body": ({}, {"body": b""}),
    "another body with its hash": (
        {"x-ms-content-sha256": content_hash(b"{}")},
        {"body": b"{}"},
    ),
    "no hash": ({"x-ms-content-sha256": ""}, {}),
}


REASONS = {
    **dict.fromkeys(FORGED, "signature does not fit"),
    "no signature": "not signed",
    "fewer signed headers": "not signed",
    "signed headers in another order": "not signed",
    "another scheme": "not signed",
    "another body": "body is not what was signed",
    "no body": "body is not what was signed",
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_request_is_refused(forgery: str) -> None:
    changed, asked = FORGED[forgery]
    assert REASONS[forgery] in refused(headers() | changed, **asked)


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_clocks_may_be_five_minutes_apart(seconds: int) -> None:
    gate = Gate(KEY)
    assert is_admitted(headers(), gate=gate, now=NOW + seconds)
    assert "sent before" in refused(headers(), gate=gate, now=NOW + seconds)


@pytest.mark.parametrize("seconds", [-86400, -301, 301, 86400])
def test_a_date_that_is_farther_off_is_refused(seconds: int) -> None:
    assert "clocks" in refused(headers(), now=NOW + seconds)


@pytest.mark.parametrize(
    "date", ["", "now", "2026-11-21T01:06:03Z", "Sat, 99 Nov 2026 01:06:03 GMT"]
)
def test_a_date_that_nobody_can_read_is_refused_although_it_is_signed(date: str) -> None:
    assert "date" in refused(headers(date=date))


def test_a_replayed_request_is_refused_in_every_spelling() -> None:
    gate = Gate(KEY)
    assert is_admitted(headers(DECODED), gate=gate)
    assert "sent before" in refused(headers(DECODED), gate=gate)
    assert "sent before" in refused(headers(DECODED), gate=gate, target=DECODED)
    other = headers(DECODED) | {"x-ms-client-request-id": "2"}
    assert "a while ago" in refused(other, gate=gate, now=NOW + 60)
    assert is_admitted(other, gate=gate)


def test_a_body_that_was_changed_does_not_use_the_signature_up() -> None:
    gate = Gate(KEY)
    assert "body" in refused(headers(), gate=gate, body=b"{}")
    assert is_admitted(headers(), gate=gate)


def test_a_request_that_was_given_back_may_come_again() -> None:
    gate = Gate(KEY)
    for _ in range(2):
        admitted = gate.admit("POST", RAW, CIMultiDict(headers()), now=NOW)
        admitted.use(is_harmless=False, now=NOW)
        assert "sent before" in refused(headers(), gate=gate)
        admitted.give_back()


# ---------------------------------------------------------------- operator tokens


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def claims(**changed: Any) -> dict[str, Any]:
    return {"aud": OPERATOR_AUDIENCE, "iat": int(NOW), "exp": int(NOW) + 60} | changed


def test_an_operator_token_opens_the_interfaces_again_and_again() -> None:
    gate, token = Gate(KEY), issue_operator_token(KEY, now=NOW)
    assert is_admitted(bearer(token), gate=gate)
    assert is_admitted(bearer(token), gate=gate)
    assert is_admitted({"Authorization": f"bearer  {token}"}, gate=gate)


def test_a_users_token_is_not_an_operators() -> None:
    user = issue_token(
        "8:acs:resource_user", ["voip"], access_key=KEY, resource_id="resource", now=NOW
    )
    assert "operator" in refused(bearer(user.token))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "x.y.z",
        "x" * 10_000,
        sign({}, claims(), b"other" * 8),
        sign({}, claims(aud="https://elsewhere.example"), KEY),
        sign({}, claims(aud=[OPERATOR_AUDIENCE]), KEY),
        sign({}, claims(exp=int(NOW) - 61), KEY),
        sign({}, claims(iat=int(NOW) + 61), KEY),
        sign({}, claims(exp=int(NOW) + 86_402), KEY),
        sign({}, claims(iat="now"), KEY),
        sign({}, {"aud": OPERATOR_AUDIENCE, "exp": int(NOW) + 60}, KEY),
        sign({}, {"aud": OPERATOR_AUDIENCE, "iat": int(NOW)}, KEY),
    ],
)
def test_other_tokens_are_refused(token: str) -> None:
    message = refused(bearer(token))
    assert not token or token not in message


@pytest.mark.parametrize("lifetime", [0.0, -1.0, 86_401.0])
def test_an_operator_token_lives_for_a_day_at_most(lifetime: float) -> None:
    with pytest.raises(InvalidArgumentError):
        issue_operator_token(KEY, now=NOW, lifetime=lifetime)
