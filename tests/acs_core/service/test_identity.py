from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import AuthenticationError, InvalidArgumentError, ServiceError
from acs_core.service.identity import (
    SCOPES,
    AcsTokenVerifier,
    IdentityRegistry,
    PrincipalKind,
    issue_token,
    verify_token,
)
from acs_core.service.identity_store import MemoryIdentityStore
from acs_core.signed_token import sign

KEY = b"0123456789abcdef0123456789abcdef"
RESOURCE = "5f1d3f0e-3f4b-5c1e-8f43-6c0b1e2a7a10"
ALICE = f"8:acs:{RESOURCE}_alice"
NOW = 1_800_000_000.25

CLAIMS: dict[str, Any] = {
    "skypeid": f"acs:{RESOURCE}_alice",
    "acsScope": "voip",
    "resourceId": RESOURCE,
    "iat": NOW,
    "exp": NOW + 3600,
}


def verifier(registry: IdentityRegistry | None = None, **options: Any) -> AcsTokenVerifier:
    settings: dict[str, Any] = {"access_key": KEY, "resource_id": RESOURCE, **options}
    return AcsTokenVerifier(registry=registry, **settings)


def registry() -> IdentityRegistry:
    return IdentityRegistry(access_key=KEY, resource_id=RESOURCE)


def sub_code(token: str, acs: AcsTokenVerifier | None = None, *, now: float = NOW) -> int:
    with pytest.raises(AuthenticationError) as caught:
        (acs or verifier()).verify(token, now=now)
    assert caught.value.code == 401
    return caught.value.sub_code


@pytest.mark.feature("AUTH-001", "IDENT-001", "TOKEN-005")
@pytest.mark.parametrize("scopes", [["voip"], ["voip", "chat"], ["voip.join"]])
def test_an_issued_token_is_believed(scopes: list[str]) -> None:
    issued = issue_token(ALICE, scopes, access_key=KEY, resource_id=RESOURCE, now=NOW)
    principal = verifier(registry()).verify(issued.token, now=NOW)
    assert principal.raw_id == ALICE
    assert principal.kind is PrincipalKind.ACS
    assert principal.scopes == set(scopes)
    assert principal.rooms is None
    assert principal.display_name == ""
    assert principal.expires_at == issued.expires_at == int(NOW) + 24 * 3600


@pytest.mark.feature("TOKEN-005")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"acsScope": "chat"}, 44113),
        ({"acsScope": "voipx"}, 44113),
        ({"acsScope": ""}, 44113),
        ({"acsScope": None}, 44114),
        ({"acsScope": ["voip"]}, 44114),
        ({"resourceId": "other"}, 44115),
        ({"resourceId": None}, 44115),
        ({"skypeid": None}, 44116),
        ({"skypeid": "orgid:"}, 44116),
        ({"skypeid": "teamsvisitor:x"}, 44116),
        ({"skypeid": f"acs:{RESOURCE}_"}, 44116),
        ({"skypeid": f"acs:{RESOURCE}_a:b"}, 44116),
        ({"skypeid": f"acs:{RESOURCE}_a\n"}, 44116),
        ({"skypeid": "acs:other_alice"}, 44116),
        ({"exp": NOW - 61}, 40235),
        ({"exp": None}, 44117),
        ({"exp": NOW + 90_000}, 44117),
        ({"iat": NOW + 61}, 0),
        ({"nbf": NOW + 61}, 0),
    ],
)
def test_each_flaw_has_its_code(change: dict[str, Any], expected: int) -> None:
    claims = {**CLAIMS, **change}
    assert sub_code(sign({}, claims, KEY)) == expected


@pytest.mark.parametrize("name", ["acsScope", "resourceId", "skypeid", "exp"])
def test_each_claim_is_needed(name: str) -> None:
    claims = {key: value for key, value in CLAIMS.items() if key != name}
    expected = {"acsScope": 44113, "resourceId": 44115, "skypeid": 44116, "exp": 44117}
    assert sub_code(sign({}, claims, KEY)) == expected[name]


def test_another_key_is_refused() -> None:
    assert sub_code(sign({}, CLAIMS, KEY[::-1])) == 0


def test_garbage_and_other_algorithms_are_refused() -> None:
    assert sub_code("garbage") == 44117
    unsigned = sign({"alg": "none"}, CLAIMS, KEY)
    assert sub_code(unsigned) == 44117


def test_a_token_is_good_for_a_minute_after_its_end() -> None:
    token = sign({}, CLAIMS, KEY)
    assert verifier().verify(token, now=NOW + 3659).raw_id == ALICE
    assert sub_code(token, now=NOW + 3660) == 40235
    assert sub_code(token, verifier(skew=0.0), now=NOW + 3600) == 40235


def test_errors_do_not_quote_the_token() -> None:
    token = sign({}, {**CLAIMS, "acsScope": "canary", "skypeid": "canary"}, KEY)
    with pytest.raises(AuthenticationError) as caught:
        verifier().verify(token, now=NOW)
    assert "canary" not in repr(caught.value) + str(caught.value)


@given(st.sets(st.sampled_from(sorted(SCOPES)), min_size=1), st.floats(0, 2e9), st.floats(1, 86400))
def test_only_calling_scopes_open_the_door(scopes: set[str], now: float, lifetime: float) -> None:
    issued = issue_token(
        ALICE, scopes, access_key=KEY, resource_id=RESOURCE, now=now, lifetime=lifetime
    )
    try:
        is_accepted = verifier().verify(issued.token, now=now).raw_id == ALICE
    except AuthenticationError:
        is_accepted = False
    assert is_accepted == bool(scopes & {"voip", "voip.join"})


@pytest.mark.feature("TOKEN-003", "TOKEN-004")
def test_a_user_is_created_and_gets_tokens() -> None:
    users = registry()
    raw_id = users.create(now=NOW)
    assert re.fullmatch(rf"8:acs:{RESOURCE}_[0-9a-f-]{{36}}", raw_id)
    issued = users.issue(raw_id, ["voip"], now=NOW, lifetime=3600.0)
    assert issued.expires_at == int(NOW) + 3600
    assert verifier(users).verify(issued.token, now=NOW).raw_id == raw_id


@pytest.mark.feature("TEAMS-002")
def test_a_teams_user_is_admitted_once_and_gets_tokens() -> None:
    users = registry()
    raw_id = users.admit_teams_user("tina", now=NOW)
    assert raw_id == "8:orgid:tina"
    users.revoke(raw_id, now=NOW + 1)
    # Admitting again must not make revoked tokens good.
    assert users.admit_teams_user("tina", now=NOW + 2) == raw_id
    assert not users.accepts(raw_id, issued_at=NOW)
    issued = users.issue(raw_id, ["voip"], now=NOW + 3)
    assert verifier(users).verify(issued.token, now=NOW + 3).raw_id == raw_id
    with pytest.raises(InvalidArgumentError):
        users.admit_teams_user("a:b", now=NOW)


def test_a_teams_user_that_was_deleted_comes_back_without_its_old_tokens() -> None:
    users = registry()
    raw_id = users.admit_teams_user("tina", now=NOW)
    users.delete(raw_id, now=NOW + 1)
    assert users.admit_teams_user("tina", now=NOW + 2) == raw_id
    users.issue(raw_id, ["voip"], now=NOW + 2)
    assert [users.accepts(raw_id, issued_at=NOW + at) for at in (0, 1, 2)] == [False, False, True]


def test_the_id_of_a_user_can_be_given() -> None:
    assert registry().create(now=NOW, user_id="alice") == ALICE


def test_a_token_does_not_print_itself() -> None:
    issued = issue_token(ALICE, ["voip"], access_key=KEY, resource_id=RESOURCE, now=NOW)
    assert issued.token not in repr(issued)


@pytest.mark.feature("TOKEN-004")
def test_an_unknown_user_gets_no_token() -> None:
    users = registry()
    for use in (
        lambda: users.issue(ALICE, ["voip"], now=NOW),
        lambda: users.revoke(ALICE, now=NOW),
        lambda: users.delete(ALICE, now=NOW),
    ):
        with pytest.raises(ServiceError) as caught:
            use()
        assert caught.value.code == 404


@pytest.mark.parametrize(
    ("scopes", "lifetime"),
    [([], 3600.0), (["admin"], 3600.0), (["voip"], 3599.0), (["voip"], 86401.0)],
)
def test_requests_out_of_range_are_refused(scopes: list[str], lifetime: float) -> None:
    users = registry()
    raw_id = users.create(now=NOW)
    with pytest.raises(InvalidArgumentError):
        users.issue(raw_id, scopes, now=NOW, lifetime=lifetime)


@pytest.mark.parametrize(
    ("raw_id", "lifetime"), [("8:acs:other_alice", 60.0), (ALICE, 0.0), (ALICE, 86401.0)]
)
def test_the_command_line_cannot_issue_nonsense(raw_id: str, lifetime: float) -> None:
    with pytest.raises(InvalidArgumentError):
        issue_token(
            raw_id, ["voip"], access_key=KEY, resource_id=RESOURCE, now=NOW, lifetime=lifetime
        )


def test_revocation_voids_what_was_issued_until_then_and_nothing_later() -> None:
    users = registry()
    raw_id = users.create(now=NOW)
    old = users.issue(raw_id, ["voip"], now=NOW).token
    users.revoke(raw_id, now=NOW + 0.001)
    new = users.issue(raw_id, ["voip"], now=NOW + 0.002).token
    assert sub_code(old, verifier(users), now=NOW + 1) == 0
    assert verifier(users).verify(new, now=NOW + 1).raw_id == raw_id


def test_a_deleted_user_stays_out() -> None:
    users = IdentityRegistry(access_key=KEY, resource_id=RESOURCE, store=MemoryIdentityStore())
    raw_id = users.create(now=NOW)
    users.delete(raw_id, now=NOW)
    later = issue_token(raw_id, ["voip"], access_key=KEY, resource_id=RESOURCE, now=NOW + 1)
    assert sub_code(later.token, verifier(users), now=NOW + 2) == 0
    with pytest.raises(ServiceError):
        users.issue(raw_id, ["voip"], now=NOW + 1)


def test_a_token_that_cannot_be_revoked_is_refused_where_revocation_counts() -> None:
    claims = {key: value for key, value in CLAIMS.items() if key != "iat"}
    assert sub_code(sign({}, claims, KEY), verifier(registry())) == 44117
    assert verifier().verify(sign({}, claims, KEY), now=NOW).raw_id == ALICE


def test_the_verifier_that_recognizes_a_token_decides() -> None:
    first, second = verifier(access_key=KEY[::-1]), verifier()
    token = sign({}, CLAIMS, KEY)
    assert verify_token(token, [second], now=NOW).raw_id == ALICE
    with pytest.raises(AuthenticationError):
        verify_token(token, [first, second], now=NOW)


@pytest.mark.parametrize("token", ["", "garbage", sign({"cty": "twilio-fpa;v=1"}, CLAIMS, KEY)])
def test_a_token_that_nobody_recognizes_is_refused(token: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        verify_token(token, [verifier()], now=NOW)
    assert caught.value.sub_code == 44117
