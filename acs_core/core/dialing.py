"""How far a call is that somebody started by calling others.

Theory of operation. Such a call has a session, and media, before anybody answers: the caller's
state follows from who is expected and who is there. `client/call.py` asks after each change of the
roster, and feeds the input to `CallCore` if the table takes it.

Source: the states of an outgoing call in @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from acs_core.core.call import Admitted, EarlyMediaStarted, Input, RingingStarted
from acs_core.core.facts import PendingState
from acs_core.core.roster import Roster

__all__ = ["progress"]

_STEPS: Final[Mapping[PendingState, Input]] = MappingProxyType(
    {
        PendingState.EARLY_MEDIA: EarlyMediaStarted(),
        PendingState.RINGING: RingingStarted(),
    }
)
"""The furthest first: what one callee hears counts more than that others still ring."""


def progress(roster: Roster, endpoint_id: str) -> Input | None:
    """What the roster says to a caller who waits, or None when nothing has happened yet.

    Args:
        roster: Of the call.
        endpoint_id: The caller's own endpoint.
    """
    if any(other != endpoint_id for other in roster.endpoints):
        return Admitted()
    states = {participant.state for participant in roster.pending.values()}
    return next((step for state, step in _STEPS.items() if state in states), None)
