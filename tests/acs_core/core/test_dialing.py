from __future__ import annotations

import pytest

from acs_core.core.call import Admitted, EarlyMediaStarted, Input, RingingStarted
from acs_core.core.dialing import progress
from acs_core.core.facts import EndpointInfo, PendingParticipant, PendingState
from acs_core.core.roster import Roster

OWN = EndpointInfo(id="0" * 32, identity="8:acs:r_me")
OTHER = EndpointInfo(id="a" * 32, identity="8:acs:r_a")


@pytest.mark.parametrize(
    ("states", "step"),
    [
        ([], None),
        ([PendingState.CONNECTING], None),
        ([PendingState.CONNECTING, PendingState.RINGING], RingingStarted()),
        ([PendingState.RINGING, PendingState.EARLY_MEDIA], EarlyMediaStarted()),
        ([PendingState.IN_LOBBY], None),
    ],
)
def test_the_callee_who_is_furthest_counts(states: list[PendingState], step: Input | None) -> None:
    pending = [PendingParticipant(identity=f"8:acs:r_{s}", state=s) for s in states]
    assert progress(Roster.restore(1, [OWN], pending=pending), OWN.id) == step


def test_somebody_who_is_there_connects_the_call() -> None:
    ringing = PendingParticipant(identity="8:acs:r_b", state=PendingState.RINGING)
    roster = Roster.restore(1, [OWN, OTHER], pending=[ringing])
    assert progress(roster, OWN.id) == Admitted()
