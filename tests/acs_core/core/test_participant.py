from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.facts import ConnectionState, PendingState
from acs_core.core.participant import (
    TRANSITIONS,
    ParticipantCore,
    ParticipantInput,
    RemoteParticipantState,
    observe,
)
from acs_core.errors import InvalidStateError


@pytest.mark.feature("STATE-016", "STATE-017", "STATE-018", "STATE-019", "STATE-020", "STATE-021")
@given(st.lists(st.sampled_from([*ParticipantInput])))
def test_every_script_follows_the_table_or_changes_nothing(
    script: list[ParticipantInput],
) -> None:
    core = ParticipantCore()
    assert core.state is RemoteParticipantState.IDLE
    for step in script:
        before = core.state
        assert core.accepts(step) is ((before, step) in TRANSITIONS)
        try:
            core.handle(step)
        except InvalidStateError:
            assert core.state is before
            assert (before, step) not in TRANSITIONS
        else:
            assert core.state is TRANSITIONS[before, step]


def test_every_state_can_be_reached() -> None:
    assert {*TRANSITIONS.values()} == {*RemoteParticipantState} - {RemoteParticipantState.IDLE}


SEEN = ParticipantInput


@pytest.mark.parametrize(
    ("states", "seen"),
    [
        ([], (SEEN.GONE,)),
        ([ConnectionState.DISCONNECTED], (SEEN.GONE,)),
        ([ConnectionState.CONNECTING], (SEEN.INVITED,)),
        ([ConnectionState.RECONNECTING], (SEEN.ENTERED, SEEN.RELEASED)),
        ([ConnectionState.CONNECTING, ConnectionState.CONNECTED], (SEEN.ENTERED, SEEN.RELEASED)),
        ([ConnectionState.DISCONNECTED, ConnectionState.CONNECTED], (SEEN.ENTERED, SEEN.RELEASED)),
    ],
)
def test_the_endpoints_of_an_identity_are_seen_together(
    states: list[ConnectionState], seen: tuple[ParticipantInput, ...]
) -> None:
    assert observe(states) == seen
    for pending in PendingState if SEEN.GONE not in seen else ():
        assert observe(states, pending) == seen


@pytest.mark.parametrize(
    ("pending", "state"),
    [
        (PendingState.CONNECTING, RemoteParticipantState.CONNECTING),
        (PendingState.RINGING, RemoteParticipantState.RINGING),
        (PendingState.EARLY_MEDIA, RemoteParticipantState.EARLY_MEDIA),
        (PendingState.IN_LOBBY, RemoteParticipantState.IN_LOBBY),
    ],
)
def test_who_is_expected_goes_all_the_way_to_where_they_are(
    pending: PendingState, state: RemoteParticipantState
) -> None:
    core = ParticipantCore()
    assert core.follow(observe([], pending))
    assert core.state is state
    assert not core.follow(observe([], pending))
    assert core.follow(observe([ConnectionState.CONNECTED]))
    assert core.state is RemoteParticipantState.CONNECTED


def test_a_hold_shows_and_ends() -> None:
    core = ParticipantCore()
    core.follow(observe([ConnectionState.CONNECTED], is_on_hold=True))
    assert core.state is RemoteParticipantState.HOLD
    core.follow(observe([ConnectionState.CONNECTED]))
    assert core.state is RemoteParticipantState.CONNECTED
    core.follow(observe([]))
    assert core.state is RemoteParticipantState.DISCONNECTED
    assert not core.follow(observe([ConnectionState.CONNECTED]))
