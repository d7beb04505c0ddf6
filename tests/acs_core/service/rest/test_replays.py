from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import AuthenticationError
from acs_core.service.rest.replays import SIGNATURE_LIFETIME, Replays
from acs_core.signed_request import CLOCK_SKEW, SignedRequest

NOW = 1_800_000_000.0


def signed(signature: str = "s", at: float = NOW) -> SignedRequest:
    return SignedRequest(signature, at, "hash")


def enter(
    replays: Replays, request: SignedRequest, id_: str = "1", *, now: float = NOW, **options: bool
) -> None:
    replays.enter(request, id_, is_harmless=options.get("is_harmless", False), now=now)


def is_refused(
    replays: Replays, request: SignedRequest, id_: str = "1", *, now: float = NOW, **options: bool
) -> bool:
    try:
        enter(replays, request, id_, now=now, **options)
    except AuthenticationError as error:
        return error.code == 401
    return False


@pytest.mark.parametrize("id_", ["1", ""])
def test_the_same_request_comes_once(id_: str) -> None:
    replays = Replays()
    enter(replays, signed(), id_)
    assert is_refused(replays, signed(), id_)


def test_two_calls_of_one_second_sign_alike_and_are_two() -> None:
    replays = Replays()
    for number in range(100):
        enter(replays, signed(), str(number))
    assert is_refused(replays, signed(), "50")


def test_what_only_reads_may_come_again() -> None:
    replays = Replays()
    assert not any(is_refused(replays, signed(), is_harmless=True) for _ in range(3))
    assert is_refused(replays, signed())


@pytest.mark.parametrize("is_harmless", [True, False])
def test_a_signature_is_not_good_for_long_whatever_the_request_calls_itself(
    is_harmless: bool,
) -> None:
    replays = Replays()
    enter(replays, signed(), "1")
    enter(replays, signed(), "2", now=NOW + SIGNATURE_LIFETIME)
    late = NOW + SIGNATURE_LIFETIME + 0.1
    assert is_refused(replays, signed(), "3", now=late, is_harmless=is_harmless)
    assert is_refused(replays, signed(), "3", now=NOW + CLOCK_SKEW, is_harmless=is_harmless)


def test_a_date_in_the_future_is_remembered_until_it_is_too_old() -> None:
    replays = Replays()
    ahead = signed(at=NOW + CLOCK_SKEW)
    enter(replays, ahead)
    assert is_refused(replays, ahead, "2", now=NOW + 2 * CLOCK_SKEW)


def test_a_request_that_was_not_carried_out_may_come_again() -> None:
    replays = Replays()
    enter(replays, signed())
    replays.forget(signed(), "1")
    enter(replays, signed())
    assert is_refused(replays, signed())
    replays.forget(signed("other"), "1")


def test_memory_is_bounded_and_what_was_forgotten_is_refused() -> None:
    replays = Replays(size=3)
    for second in range(4):
        enter(replays, signed(f"s{second}", NOW + second))
    assert is_refused(replays, signed("s0", NOW))
    assert is_refused(replays, signed("never seen", NOW), "2")
    assert is_refused(replays, signed("s3", NOW + 3))
    enter(replays, signed("never seen", NOW + 3))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.sampled_from("abc"), st.sampled_from("12"), st.integers(0, 900)
        )
    )
)
def test_nothing_is_carried_out_twice_whatever_comes(
    script: list[tuple[int, str, str, int]],
) -> None:
    """Whoever has not changed what was signed, nor the id, gets it done once while it is fresh."""
    replays, done = Replays(size=4), set()
    for second, signature, id_, later in sorted(script, key=lambda step: step[3]):
        date, now = NOW + second, NOW + later
        request = signed(f"{second}{signature}", date)
        if abs(now - date) > CLOCK_SKEW or is_refused(replays, request, id_, now=now):
            continue
        assert (request.signature, id_) not in done
        done.add((request.signature, id_))
