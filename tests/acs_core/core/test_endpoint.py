from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.endpoint import TRANSITIONS, EndpointCore, EndpointInput
from acs_core.core.facts import ConnectionState
from acs_core.errors import InvalidStateError


@given(st.lists(st.sampled_from([*EndpointInput])))
def test_every_script_follows_the_table_or_changes_nothing(script: list[EndpointInput]) -> None:
    core = EndpointCore(window=30.0)
    for now, step in enumerate(script):
        before, deadline = core.state, core.next_deadline
        try:
            core.handle(step, now=float(now))
        except InvalidStateError:
            assert (core.state, core.next_deadline) == (before, deadline)
            assert (before, step) not in TRANSITIONS
        else:
            assert core.state is TRANSITIONS[before, step]
            is_lost = core.state is ConnectionState.RECONNECTING
            assert core.next_deadline == (now + 30.0 if is_lost else None)


@pytest.mark.feature("STATE-022")
def test_a_lost_endpoint_is_kept_for_the_window() -> None:
    core = EndpointCore(window=120.0, state=ConnectionState.CONNECTED)
    assert not core.tick(0.0)
    core.handle(EndpointInput.LOST, now=10.0)
    assert not core.tick(129.9)
    assert core.tick(130.0)
    assert core.state is ConnectionState.DISCONNECTED
    assert not core.tick(131.0)


def test_a_restored_endpoint_has_no_deadline() -> None:
    core = EndpointCore(window=120.0, state=ConnectionState.CONNECTED)
    core.handle(EndpointInput.LOST, now=10.0)
    core.handle(EndpointInput.RESTORED, now=20.0)
    assert not core.tick(500.0)
    assert core.state is ConnectionState.CONNECTED
