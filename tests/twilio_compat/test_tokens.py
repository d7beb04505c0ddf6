from __future__ import annotations

import json
import math
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import AuthenticationError, InvalidArgumentError, Stage
from acs_core.identifiers import acs_raw_id
from acs_core.service.identity import (
    AcsTokenVerifier,
    Principal,
    PrincipalKind,
    TokenVerifier,
    issue_token,
    verify_token,
)
from acs_core.signed_token import TOKEN_LIMIT, sign
from twilio_compat.errors import AccessTokenExpiredError, from_core
from twilio_compat.tokens import AccessToken
from twilio_compat.verifier import ApiKey, TwilioTokenVerifier

ACCOUNT = "AC" + "a" * 32
KEY_SID = "SK" + "b" * 32
BOUND_SID = "SK" + "c" * 32
SECRET = "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr"
RESOURCE = "5f1d3f0e-3f4b-5c1e-8f43-6c0b1e2a7a10"
NOW = 1_800_000_000.0

CLAIMS: dict[str, Any] = {
    "jti": f"{KEY_SID}-{int(NOW)}",
    "grants": {"identity": "alice", "video": {"room": "daily"}},
    "iss": KEY_SID,
    "sub": ACCOUNT,
    "nbf": int(NOW),
    "exp": int(NOW) + 3600,
}
HEADER = {"cty": "twilio-fpa;v=1"}


def verifier(**options: Any) -> TwilioTokenVerifier:
    keys = {
        KEY_SID: ApiKey(SECRET),
        BOUND_SID: ApiKey(SECRET[::-1], frozenset({"daily", "weekly"})),
    }
    return TwilioTokenVerifier(keys, ACCOUNT, resource_id=RESOURCE, **options)


def token(change: dict[str, Any] | None = None, header: dict[str, Any] | None = None) -> str:
    merged = {**CLAIMS, **(change or {})}
    claims = {name: value for name, value in merged.items() if value is not ...}
    return sign(HEADER if header is None else header, claims, SECRET.encode())


def code(text: str, *, now: float = NOW, **options: Any) -> int:
    with pytest.raises(AuthenticationError) as caught:
        verifier(**options).verify(text, now=now)
    assert (caught.value.code, caught.value.stage) == (401, Stage.TOKEN)
    assert caught.value.next_step
    return caught.value.sub_code


def grants(**change: Any) -> dict[str, Any]:
    merged = {**CLAIMS["grants"], **change}
    return {"grants": {name: value for name, value in merged.items() if value is not ...}}


def test_a_good_token_names_its_participant() -> None:
    principal = verifier().verify(token(), now=NOW)
    assert principal == Principal(
        acs_raw_id(RESOURCE, "alice"),
        PrincipalKind.TWILIO,
        NOW + 3600,
        display_name="alice",
        rooms=frozenset({"daily"}),
    )


GARBAGE = {
    "empty": "",
    "text": "garbage",
    "two segments": "a.b",
    "not base64": "e+J.eyJ.eyJ",
    "too long": "a" * (TOKEN_LIMIT + 1),
    "unreadable claims": "eyJhbGciOiJIUzI1NiJ9.YWJj.YWJj",
    "a claim twice": sign(HEADER, CLAIMS, SECRET.encode()).split(".")[0]
    + ".eyJpc3MiOiJhIiwiaXNzIjoiYiJ9.YWJj",
}
HEADERS: dict[str, dict[str, Any]] = {
    "no content type": {},
    "another version": {"cty": "twilio-fpa;v=2"},
    "content type of another type": {"cty": ["twilio-fpa;v=1"]},
    "unsigned": {**HEADER, "alg": "none"},
    "public key algorithm": {**HEADER, "alg": "RS256"},
    "longer hash": {**HEADER, "alg": "HS512"},
    "another type": {**HEADER, "typ": "JWE"},
    "critical extension": {**HEADER, "crit": ["cty"]},
}
ISSUERS: dict[str, dict[str, Any]] = {
    "unknown key": {"iss": "SK" + "d" * 32},
    "no key": {"iss": ...},
    "key of another type": {"iss": [KEY_SID]},
    "unknown account": {"sub": "AC" + "d" * 32},
    "no account": {"sub": ...},
    "account of another type": {"sub": None},
}
DATES: dict[str, tuple[dict[str, Any], int]] = {
    "expired": ({"exp": NOW - 61, "nbf": NOW - 3600}, 20104),
    "no expiry": ({"exp": ...}, 20104),
    "expiry as text": ({"exp": str(NOW)}, 20104),
    "expiry as truth": ({"exp": True}, 20104),
    "endless expiry": ({"exp": 10**300}, 20104),
    "over a day": ({"exp": NOW + 86_401}, 20104),
    "over a day without start": ({"exp": NOW + 86_461, "nbf": ...}, 20104),
    "start as text": ({"nbf": "now"}, 20104),
    "not yet": ({"nbf": NOW + 61}, 20105),
    "issued in the future": ({"iat": NOW + 61}, 20105),
}
GRANTS: dict[str, dict[str, Any]] = {
    "no grants": {"grants": ...},
    "grants of another type": {"grants": "video"},
    "no identity": grants(identity=...),
    "empty identity": grants(identity=""),
    "identity of another type": grants(identity=7),
    "identity that is no Unicode": grants(identity="\ud800"),
    "no video grant": grants(video=...),
    "video grant of another type": grants(video=True),
    "room of another type": grants(video={"room": ["daily"]}),
}


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_20101(text: str) -> None:
    assert code(text) == 20101


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_bad_header_is_20102(header: dict[str, Any]) -> None:
    assert code(token(header=header)) == 20102


@pytest.mark.parametrize("change", ISSUERS.values(), ids=ISSUERS.keys())
def test_an_unknown_issuer_is_20103(change: dict[str, Any]) -> None:
    assert code(token(change)) == 20103


@pytest.mark.parametrize(("change", "expected"), DATES.values(), ids=DATES.keys())
def test_bad_dates_are_20104_and_20105(change: dict[str, Any], expected: int) -> None:
    assert code(token(change)) == expected


@pytest.mark.parametrize("change", GRANTS.values(), ids=GRANTS.keys())
def test_missing_grants_are_20106(change: dict[str, Any]) -> None:
    assert code(token(change)) == 20106


@pytest.mark.parametrize("key", [b"", b"wrong", SECRET[::-1].encode(), SECRET.upper().encode()])
def test_a_wrong_signature_is_20107(key: bytes) -> None:
    assert code(sign(HEADER, CLAIMS, key)) == 20107


def test_a_signature_of_another_key_of_the_account_is_20107() -> None:
    assert code(sign(HEADER, {**CLAIMS, "iss": BOUND_SID}, SECRET.encode())) == 20107


def test_a_key_id_in_the_header_chooses_nothing() -> None:
    injected = {**HEADER, "kid": BOUND_SID, "jku": "https://example.org", "jwk": {"k": ""}}
    assert verifier().verify(token(header=injected), now=NOW).display_name == "alice"
    assert code(sign({**HEADER, "kid": KEY_SID}, {**CLAIMS, "iss": "x"}, SECRET.encode())) == 20103


FLAWS: list[tuple[int, dict[str, Any]]] = [
    (20102, {"header": {}}),
    (20103, {"change": {"sub": "x"}}),
    (20107, {}),
    (20104, {"change": {"exp": NOW - 100}}),
    (20106, {"change": {"grants": {}}}),
]


@given(st.sets(st.integers(0, len(FLAWS) - 1), min_size=1))
def test_of_several_flaws_the_first_in_twilios_order_is_reported(flaws: set[int]) -> None:
    """Parse, issuer, signature, dates, grants."""
    header: dict[str, Any] = HEADER
    claims = dict(CLAIMS)
    for index in flaws:
        header = FLAWS[index][1].get("header", header)
        claims.update(FLAWS[index][1].get("change", {}))
    key = b"wrong" if 2 in flaws else SECRET.encode()
    assert code(sign(header, claims, key)) == FLAWS[min(flaws)][0]


@pytest.mark.parametrize(
    ("now", "is_good"),
    [(NOW - 61, False), (NOW - 60, True), (NOW + 3659, True), (NOW + 3660, False)],
)
def test_clocks_may_be_a_minute_off(now: float, is_good: bool) -> None:
    if is_good:
        verifier().verify(token(), now=now)
    else:
        assert code(token(), now=now) in (20104, 20105)


def test_the_skew_can_be_set() -> None:
    assert code(token(), now=NOW - 1, skew=0.0) == 20105
    assert code(token(), now=NOW + 3600, skew=0.0) == 20104


@pytest.mark.parametrize(
    ("room", "expected"),
    [(None, ["daily", "weekly"]), ("", ["daily", "weekly"]), ("daily", ["daily"])],
)
def test_a_key_that_is_bound_to_rooms_opens_those_only(
    room: str | None, expected: list[str]
) -> None:
    text = AccessToken(ACCOUNT, BOUND_SID, SECRET[::-1], "alice", room=room).to_jwt(now=NOW)
    assert verifier().verify(text, now=NOW).rooms == frozenset(expected)


def test_a_bound_key_cannot_grant_another_room() -> None:
    text = AccessToken(ACCOUNT, BOUND_SID, SECRET[::-1], "alice", room="secret").to_jwt(now=NOW)
    assert code(text) == 20106


def test_a_token_without_room_opens_all() -> None:
    text = AccessToken(ACCOUNT, KEY_SID, SECRET, "alice").to_jwt(now=NOW)
    assert verifier().verify(text, now=NOW).rooms is None


@given(
    identity=st.text(min_size=1, max_size=60),
    room=st.none() | st.text(min_size=1, max_size=60),
    ttl=st.integers(1, 86_400),
    now=st.floats(0, 2e9),
    later=st.floats(0, 90_000),
)
def test_our_tokens_are_believed_until_their_end(
    identity: str, room: str | None, ttl: int, now: float, later: float
) -> None:
    text = AccessToken(ACCOUNT, KEY_SID, SECRET, identity, room=room, ttl=ttl).to_jwt(now=now)
    if now + later >= math.floor(now) + ttl + 60:
        assert code(text, now=now + later) == 20104
    else:
        principal = verifier().verify(text, now=now + later)
        assert principal.display_name == identity
        assert principal.rooms == (None if room is None else {room})


@given(st.text() | st.text(alphabet="eyJ.-_ABab=", max_size=60))
def test_any_text_is_refused_with_one_of_twilios_codes(text: str) -> None:
    assert code(text) in range(20101, 20108)


@given(st.integers(0, 2000), st.integers(1, 127))
def test_a_changed_token_is_refused(position: int, change: int) -> None:
    text = token()
    index = position % len(text)
    changed = text[:index] + chr((ord(text[index]) + change) % 128) + text[index + 1 :]
    if changed != text:
        assert code(changed) in range(20101, 20108)


def test_a_token_made_now_is_good_now() -> None:
    text = AccessToken(ACCOUNT, KEY_SID, SECRET, "alice").to_jwt()
    assert verifier().verify(text, now=time.time()).display_name == "alice"


@pytest.mark.parametrize(
    "change",
    [
        {"account_sid": ""},
        {"api_key_sid": ""},
        {"api_key_secret": ""},
        {"identity": ""},
        {"ttl": 0},
        {"ttl": 86_401},
    ],
)
def test_a_token_that_nobody_would_believe_is_not_made(change: dict[str, Any]) -> None:
    good = {
        "account_sid": ACCOUNT,
        "api_key_sid": KEY_SID,
        "api_key_secret": SECRET,
        "identity": "alice",
    }
    with pytest.raises(InvalidArgumentError):
        AccessToken(**{**good, **change})


def test_a_key_needs_a_secret() -> None:
    with pytest.raises(InvalidArgumentError):
        ApiKey("")


def test_secrets_do_not_print() -> None:
    printed = repr(AccessToken(ACCOUNT, KEY_SID, SECRET, "alice")) + repr(ApiKey(SECRET))
    assert SECRET not in printed


def test_each_verifier_recognizes_its_own_tokens_only() -> None:
    twilio = verifier()
    acs = AcsTokenVerifier(access_key=SECRET.encode(), resource_id=RESOURCE)
    user = f"8:acs:{RESOURCE}_alice"
    issued = issue_token(
        user, ["voip"], access_key=SECRET.encode(), resource_id=RESOURCE, now=NOW
    ).token
    assert (twilio.recognizes(token()), acs.recognizes(token())) == (True, False)
    assert (twilio.recognizes(issued), acs.recognizes(issued)) == (False, True)
    assert not twilio.recognizes("garbage")
    orders: list[list[TokenVerifier]] = [[twilio, acs], [acs, twilio]]
    for verifiers in orders:
        assert verify_token(token(), verifiers, now=NOW).kind is PrincipalKind.TWILIO
        assert verify_token(issued, verifiers, now=NOW).kind is PrincipalKind.ACS


def test_the_facade_gets_twilios_error_class() -> None:
    with pytest.raises(AuthenticationError) as caught:
        verifier().verify(token(), now=NOW + 4000)
    assert isinstance(from_core(caught.value), AccessTokenExpiredError)


def test_another_library_reads_our_token() -> None:
    text = AccessToken(ACCOUNT, KEY_SID, SECRET, "alice", room="daily").to_jwt(now=NOW)
    options: Any = {"verify_exp": False, "verify_nbf": False}
    assert jwt.decode(text, SECRET, algorithms=["HS256"], options=options) == CLAIMS
    assert jwt.get_unverified_header(text) == {"alg": "HS256", "typ": "JWT", **HEADER}


@pytest.mark.interop
@pytest.mark.parametrize("room", [None, "daily"])
def test_twilios_helper_library_writes_what_we_read(room: str | None) -> None:
    access_token = pytest.importorskip(
        "twilio.jwt.access_token", reason="the twilio helper library is not installed"
    )
    grant = pytest.importorskip("twilio.jwt.access_token.grants").VideoGrant(room=room)
    theirs = access_token.AccessToken(ACCOUNT, KEY_SID, SECRET, grants=[grant], identity="alice")
    principal = verifier().verify(theirs.to_jwt(), now=time.time())
    assert principal.display_name == "alice"
    assert principal.rooms == (None if room is None else {room})


@pytest.mark.interop
@pytest.mark.parametrize("room", [None, "daily"])
def test_twilios_helper_library_reads_what_we_write(room: str | None) -> None:
    access_token = pytest.importorskip(
        "twilio.jwt.access_token", reason="the twilio helper library is not installed"
    )
    grant = pytest.importorskip("twilio.jwt.access_token.grants").VideoGrant(room=room)
    now = time.time()
    ours = AccessToken(ACCOUNT, KEY_SID, SECRET, "alice", room=room).to_jwt(now=now)
    read = access_token.AccessToken.from_jwt(ours, SECRET)
    issued = int(now)
    written = access_token.AccessToken(
        ACCOUNT,
        KEY_SID,
        SECRET,
        grants=[grant],
        identity="alice",
        nbf=issued,
        valid_until=issued + 3600,
    )
    # Its jti is made from the clock, once more.
    expected = {**written.payload, "jti": f"{KEY_SID}-{issued}"}
    assert json.loads(json.dumps(read.payload)) == expected
    assert read.headers == written.headers
