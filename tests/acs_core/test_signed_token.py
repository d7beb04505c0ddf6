from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import AuthenticationError
from acs_core.signed_token import (
    TOKEN_LIMIT,
    Validity,
    date_claim,
    sign,
    split,
    text_claim,
    validity,
)

KEY = b"0123456789abcdef0123456789abcdef"
NOW = 1_800_000_000.0
DAY = 86_400.0

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
claim_sets = st.dictionaries(st.text(), values, max_size=6)


def segment(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token_of(header: str, claims: str, signature: bytes = b"x" * 32) -> str:
    return f"{segment(header)}.{segment(claims)}.{segment(signature)}"


@given(claim_sets)
def test_what_was_signed_is_read(claims: dict[str, Any]) -> None:
    signed = split(sign({"cty": "x"}, claims, KEY))
    assert signed.is_signed_with(KEY)
    assert signed.claims() == claims
    assert signed.header() == {"typ": "JWT", "alg": "HS256", "cty": "x"}


@given(claim_sets, st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_character_is_noticed(
    claims: dict[str, Any], position: int, change: int
) -> None:
    token = sign({}, claims, KEY)
    index = position % len(token)
    changed = chr((ord(token[index]) + change) % 128)
    try:
        is_accepted = split(token[:index] + changed + token[index + 1 :]).is_signed_with(KEY)
    except AuthenticationError:
        is_accepted = False
    assert is_accepted == (changed == token[index])


@given(st.text() | st.text(alphabet="eyJ.-_ABab=", max_size=60) | st.binary().map(segment))
def test_any_text_is_read_or_refused(text: str) -> None:
    for token in (text, f"{text}.{text}.{text}"):
        try:
            signed = split(token)
            signed.is_signed_with(KEY)
            signed.claims()
            signed.header()
        except AuthenticationError as error:
            assert not error.sub_code or error.sub_code == 44117  # noqa: PT017 - the property


def test_another_library_reads_and_writes_the_same() -> None:
    claims = {"iss": "SK1", "exp": int(NOW)}
    options: Any = {"verify_exp": False}
    assert jwt.decode(sign({}, claims, KEY), KEY, algorithms=["HS256"], options=options) == claims
    theirs = split(jwt.encode(claims, KEY, algorithm="HS256"))
    assert theirs.is_signed_with(KEY)
    assert theirs.claims() == claims


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "..",
        "eyJ.eyJ.",
        "e+J.eyJ.eyJ",
        "eyJ=.eyJ.eyJ",
        "eyJé.eyJ.eyJ",
        "eyJ\n.eyJ.eyJ",
        "eyJhb.eyJ.eyJ",  # a length that base64 does not have
        "YR.YQ.YQ",  # another spelling of YQ
        "a" * (TOKEN_LIMIT + 1),
    ],
)
def test_what_is_not_three_segments_is_refused(token: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        split(token)
    assert (caught.value.code, caught.value.sub_code) == (401, 44117)


@pytest.mark.parametrize(
    "claims",
    [
        "",
        "{",
        "[]",
        '"text"',
        "null",
        '{"exp":1,"exp":2}',
        '{"a":{"b":1,"b":1}}',
        '{"exp":NaN}',
        '{"exp":-Infinity}',
        '{"n":' + "9" * 5000 + "}",
        '{"a":' * 1000,
    ],
)
def test_claims_that_are_not_one_plain_object_are_refused(claims: str) -> None:
    signed = split(token_of('{"alg":"HS256"}', claims or " "))
    with pytest.raises(AuthenticationError):
        signed.claims()


def test_claims_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(AuthenticationError):
        split(f"{segment('{}')}.{segment(b'{%c}' % 0xFF)}.{segment('x')}").claims()


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"alg": "none"},
        {"alg": "None"},
        {"alg": ""},
        {"alg": "RS256"},
        {"alg": "HS512"},
        {"alg": "hs256"},
        {"alg": ["HS256"]},
        {"alg": "HS256", "typ": "at+jwt"},
        {"alg": "HS256", "typ": 7},
        {"alg": "HS256", "crit": ["exp"]},
    ],
)
def test_the_token_does_not_choose_the_algorithm(header: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationError):
        split(token_of(json.dumps(header), "{}")).header()


def test_the_token_does_not_choose_the_key() -> None:
    header = {"kid": "/dev/null", "jku": "https://example.org", "jwk": {"kty": "oct", "k": ""}}
    signed = split(sign(header, {}, b""))
    assert signed.header()["kid"] == "/dev/null"
    assert not signed.is_signed_with(KEY)


def test_a_cut_signature_is_refused() -> None:
    token = sign({}, {}, KEY)
    assert not split(token[:-3]).is_signed_with(KEY)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW + 10}, Validity.VALID),
        ({"exp": NOW - 59}, Validity.VALID),
        ({"exp": NOW - 60}, Validity.EXPIRED),
        ({"exp": NOW + 10, "nbf": NOW + 60}, Validity.VALID),
        ({"exp": NOW + 10, "nbf": NOW + 61}, Validity.NOT_YET_VALID),
        ({"exp": NOW + 10, "iat": NOW + 61}, Validity.NOT_YET_VALID),
        ({"exp": NOW + 10, "iat": NOW, "nbf": NOW + 61}, Validity.NOT_YET_VALID),
        ({"exp": NOW + DAY, "nbf": NOW}, Validity.VALID),
        ({"exp": NOW + DAY, "nbf": NOW - 1}, Validity.TOO_LONG),
        ({"exp": NOW + 10, "nbf": 0, "iat": NOW}, Validity.VALID),
        ({"exp": NOW + DAY + 60}, Validity.VALID),
        ({"exp": NOW + DAY + 61}, Validity.TOO_LONG),
        ({"exp": NOW + 61 + DAY, "iat": NOW + 61}, Validity.NOT_YET_VALID),
        ({}, Validity.INVALID),
        ({"exp": None}, Validity.INVALID),
        ({"exp": True}, Validity.INVALID),
        ({"exp": str(int(NOW))}, Validity.INVALID),
        ({"exp": -1}, Validity.INVALID),
        ({"exp": 10**400}, Validity.INVALID),
        ({"exp": float("inf")}, Validity.INVALID),
        ({"exp": float("nan")}, Validity.INVALID),
        ({"exp": NOW + 10, "nbf": "now"}, Validity.INVALID),
        ({"exp": NOW + 10, "iat": []}, Validity.INVALID),
    ],
)
def test_dates_are_judged_with_a_minute_of_skew(
    claims: dict[str, object], expected: Validity
) -> None:
    assert validity(claims, now=NOW, longest=DAY, skew=60.0) is expected


def test_a_longer_skew_forgives_more() -> None:
    claims = {"exp": NOW - 100}
    assert validity(claims, now=NOW, longest=DAY, skew=0.0) is Validity.EXPIRED
    assert validity(claims, now=NOW, longest=DAY, skew=101.0) is Validity.VALID


def test_claims_of_another_type_count_as_absent() -> None:
    assert text_claim({"iss": 7}, "iss") == ""
    assert text_claim({}, "iss") == ""
    assert text_claim({"iss": "SK1"}, "iss") == "SK1"
    assert date_claim({"exp": "1"}, "exp") is None
    assert date_claim({"exp": 1}, "exp") == 1.0
