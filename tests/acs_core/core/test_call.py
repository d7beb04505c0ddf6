from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.call import (
    TRANSITIONS,
    Accepted,
    Admitted,
    CallCore,
    CallState,
    CloseCall,
    DialRequested,
    EarlyMediaStarted,
    Ended,
    HangUpRequested,
    HeldLocally,
    HeldRemotely,
    Input,
    JoinRequested,
    LeaveSession,
    LobbyEntered,
    ReleasedLocally,
    ReleasedRemotely,
    RingingStarted,
    StartSession,
    StateChanged,
)
from acs_core.core.endings import REMOVED
from acs_core.errors import InvalidStateError

INPUTS: list[Input] = [
    JoinRequested(),
    DialRequested(),
    Accepted(),
    RingingStarted(),
    EarlyMediaStarted(),
    LobbyEntered(),
    Admitted(),
    HeldLocally(),
    HeldRemotely(),
    ReleasedLocally(),
    ReleasedRemotely(),
    HangUpRequested(),
    Ended(REMOVED),
]


@given(st.lists(st.sampled_from(INPUTS)))
def test_every_script_follows_the_table_or_changes_nothing(script: list[Input]) -> None:
    call = CallCore()
    for step in script:
        before, reason = call.state, call.end_reason
        assert call.accepts(type(step)) is ((before, type(step)) in TRANSITIONS)
        try:
            effects = call.handle(step)
        except InvalidStateError:
            assert call.state is before
            assert call.end_reason is reason
            assert (before, type(step)) not in TRANSITIONS
        else:
            assert effects[0] == StateChanged(TRANSITIONS[before, type(step)])
            assert call.state is TRANSITIONS[before, type(step)]
            assert (call.end_reason is not None) is (call.state is CallState.DISCONNECTED)


@pytest.mark.feature("STATE-004", "STATE-006", "STATE-009", "STATE-011", "STATE-012", "STATE-023")
def test_a_joined_call_starts_leaves_and_closes() -> None:
    call = CallCore()
    assert call.state is CallState.NONE
    assert call.handle(JoinRequested())[1:] == [StartSession()]
    assert call.handle(Admitted())[1:] == []
    assert call.handle(HangUpRequested(for_everyone=True))[1:] == [LeaveSession(True)]
    assert call.handle(Ended(REMOVED))[1:] == [CloseCall(REMOVED)]


@pytest.mark.feature("STATE-012")
def test_disconnected_is_final() -> None:
    assert all(before is not CallState.DISCONNECTED for before, _ in TRANSITIONS)


@pytest.mark.feature("STATE-007", "STATE-008", "STATE-010")
def test_every_state_can_be_reached_and_left_but_the_last() -> None:
    assert {*TRANSITIONS.values()} == {*CallState} - {CallState.NONE}
    assert {before for before, _ in TRANSITIONS} == {*CallState} - {CallState.DISCONNECTED}
