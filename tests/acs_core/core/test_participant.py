from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.facts import ConnectionState
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


@pytest.mark.parametrize(
    ("states", "seen"),
    [
        ([], ParticipantInput.GONE),
        ([ConnectionState.DISCONNECTED], ParticipantInput.GONE),
        ([ConnectionState.CONNECTING], ParticipantInput.INVITED),
        ([ConnectionState.RECONNECTING], ParticipantInput.ENTERED),
        ([ConnectionState.CONNECTING, ConnectionState.CONNECTED], ParticipantInput.ENTERED),
        ([ConnectionState.DISCONNECTED, ConnectionState.CONNECTED], ParticipantInput.ENTERED),
    ],
)
def test_the_endpoints_of_an_identity_are_seen_together(
    states: list[ConnectionState], seen: ParticipantInput
) -> None:
    assert observe(states) is seen
