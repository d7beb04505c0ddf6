from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from acs_core.service.sfu.ice_lite import (
    ADDRESS_LIFETIME,
    MAX_ADDRESSES,
    MAX_TRANSACTIONS,
    REPLAY_MEMORY,
    Address,
    AddressAccepted,
    AddressDropped,
    AddressSelected,
    Answer,
    Credentials,
    CredentialsDropped,
    IceLite,
)

A, B, C = ("192.0.2.1", 1), ("192.0.2.2", 2), ("192.0.2.3", 3)
OLD, NEW, NEWER = (Credentials(name, name * 6) for name in ("old1", "new1", "new2"))


class Agent:
    """An `IceLite` that gets checks with fresh transaction ids."""

    def __init__(self, follow_after: float = 2.0) -> None:
        self.ice = IceLite(OLD, now=0.0, follow_after=follow_after)
        self.count = 0

    def check(
        self,
        address: Address,
        now: float = 0.0,
        *,
        nominated: bool = False,
        ufrag: str = "old1",
        transaction: bytes | None = None,
    ) -> Answer:
        self.count += 1
        return self.ice.handle_check(
            ufrag=ufrag,
            transaction_id=transaction or self.count.to_bytes(12),
            is_nominated=nominated,
            address=address,
            now=now,
        )


def test_the_first_check_selects_its_address_provisionally() -> None:
    agent = Agent()
    assert agent.ice.selected is None
    answer = agent.check(A)
    assert answer == Answer(True, (AddressAccepted(A), AddressSelected(A, None)))
    assert agent.ice.selected == A


def test_a_nominating_check_moves_and_any_other_does_not() -> None:
    agent = Agent()
    agent.check(A)
    assert agent.check(B).events == (AddressAccepted(B),)
    assert agent.ice.selected == A
    assert agent.check(B, nominated=True).events == (AddressSelected(B, A),)
    assert agent.check(B, nominated=True).events == ()
    assert set(agent.ice.accepted) == {A, B}


def test_any_check_moves_once_the_selected_address_is_silent() -> None:
    agent = Agent(follow_after=2.0)
    agent.check(A)
    agent.ice.heard(A, 1.0)
    assert agent.check(B, 3.0).events == (AddressAccepted(B),)
    assert agent.check(B, 3.1).events == (AddressSelected(B, A),)


def test_a_repeated_check_is_answered_and_a_replayed_one_is_not() -> None:
    agent = Agent()
    agent.check(A, transaction=b"t" * 12, nominated=True)
    agent.check(B, nominated=True)
    assert agent.check(A, transaction=b"t" * 12, nominated=True) == Answer(True)
    assert agent.check(C, transaction=b"t" * 12, nominated=True) == Answer(False)
    assert agent.ice.selected == B
    assert C not in agent.ice.accepted


def test_a_replay_is_refused_for_a_minute() -> None:
    agent = Agent()
    agent.check(A, transaction=b"t" * 12)
    agent.ice.expire(REPLAY_MEMORY)
    assert not agent.check(B, REPLAY_MEMORY, transaction=b"t" * 12).is_answered
    agent.ice.expire(REPLAY_MEMORY + 0.1)
    assert agent.check(B, REPLAY_MEMORY + 0.1, transaction=b"t" * 12).is_answered


def test_an_unknown_username_is_not_answered() -> None:
    agent = Agent()
    assert agent.check(A, ufrag="else") == Answer(False)
    assert agent.ice.password("else") is None
    assert agent.ice.password("old1") == OLD.password


def test_both_credentials_hold_until_the_new_ones_are_nominated() -> None:
    agent = Agent()
    agent.check(A, nominated=True)
    assert agent.ice.rotate(NEW) == ()
    assert agent.ice.credentials == NEW
    assert list(agent.ice.ufrags) == ["old1", "new1"]
    assert agent.check(B, nominated=True).events == (AddressAccepted(B),)
    assert agent.check(B, ufrag="new1").events == ()
    assert agent.check(B, ufrag="new1", nominated=True).events == (
        AddressSelected(B, A),
        CredentialsDropped("old1"),
    )
    assert list(agent.ice.ufrags) == ["new1"]
    assert not agent.check(A, nominated=True).is_answered


def test_an_incomplete_restart_is_void_after_the_next() -> None:
    agent = Agent()
    agent.ice.rotate(NEW)
    assert agent.ice.rotate(NEWER) == (CredentialsDropped("old1"),)
    assert agent.ice.ufrags == ("new1", "new2")


def test_silence_is_measured_from_the_last_datagram_of_the_other_end() -> None:
    agent = Agent()
    assert agent.ice.silent_for(1.0) == 1.0
    agent.check(A, 5.0)
    agent.ice.heard(A, 6.0)
    agent.ice.heard(B, 7.0)
    assert agent.ice.silent_for(8.0) == 2.0
    assert agent.ice.silent_for(5.0) == 0.0


def test_silent_addresses_are_forgotten_except_the_selected_one() -> None:
    agent = Agent()
    agent.check(A)
    agent.check(B)
    agent.ice.heard(A, 50.0)
    agent.check(C, 50.0)
    assert agent.ice.expire(ADDRESS_LIFETIME + 1) == (AddressDropped(B),)
    assert set(agent.ice.accepted) == {A, C}


def test_an_address_can_be_given_up() -> None:
    agent = Agent()
    agent.check(A)
    agent.check(B)
    agent.ice.forget(B)
    assert agent.ice.selected == A
    agent.ice.forget(A)
    assert agent.ice.selected is None
    assert agent.check(C).events == (AddressAccepted(C), AddressSelected(C, None))


def test_accepted_addresses_are_bounded_and_the_selected_one_stays() -> None:
    agent = Agent()
    for port in range(MAX_ADDRESSES + 5):
        agent.check(("192.0.2.9", port), port / 10)
    assert len(agent.ice.accepted) == MAX_ADDRESSES
    assert agent.ice.selected == ("192.0.2.9", 0)
    assert agent.ice.selected in agent.ice.accepted
    assert ("192.0.2.9", 1) not in agent.ice.accepted


def test_remembered_transactions_are_bounded() -> None:
    agent = Agent()
    for _ in range(MAX_TRANSACTIONS + 10):
        agent.check(A)
    assert len(agent.ice._transactions) == MAX_TRANSACTIONS


def test_passwords_are_not_shown() -> None:
    assert OLD.password not in repr(OLD)


@dataclass(frozen=True)
class Step:
    address: Address
    delay: float
    is_nominated: bool
    ufrag: str
    transaction: int


STEPS = st.lists(
    st.builds(
        Step,
        address=st.sampled_from([A, B, C]),
        delay=st.floats(0, 5),
        is_nominated=st.booleans(),
        ufrag=st.sampled_from(["old1", "new1", "none"]),
        transaction=st.integers(0, 20),
    ),
    max_size=60,
)


@given(STEPS)
def test_the_selected_address_is_always_one_that_passed_a_check(steps: list[Step]) -> None:
    ice = IceLite(OLD, now=0.0)
    ice.rotate(NEW)
    now = 0.0
    first_seen: dict[int, Address] = {}
    for step in steps:
        now += step.delay
        before = ice.selected
        answer = ice.handle_check(
            ufrag=step.ufrag,
            transaction_id=step.transaction.to_bytes(12),
            is_nominated=step.is_nominated,
            address=step.address,
            now=now,
        )
        if not answer.is_answered:
            assert answer.events == ()
            assert ice.selected == before
        elif first_seen.setdefault(step.transaction, step.address) != step.address:
            # Only after the id was forgotten.
            assert now > REPLAY_MEMORY
            first_seen[step.transaction] = step.address
        assert ice.selected is None or ice.selected in ice.accepted
        moved = [event for event in answer.events if isinstance(event, AddressSelected)]
        assert [event.address for event in moved] == ([ice.selected] if moved else [])
        assert (ice.selected != before) == bool(moved)
