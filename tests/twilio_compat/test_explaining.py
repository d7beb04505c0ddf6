from __future__ import annotations

from typing import Any

import pytest

from acs_core.core.receiving import PauseReason
from twilio_compat.explaining import ReceiveReason, explain

WELL: dict[str, Any] = {
    "is_subscribed": True,
    "is_enabled": True,
    "is_reachable": True,
    "is_switched_by_program": False,
    "paused": None,
}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ReceiveReason.RECEIVED),
        ({"is_subscribed": False, "is_enabled": False}, ReceiveReason.NOT_SUBSCRIBED),
        ({"is_reachable": False, "is_enabled": False}, ReceiveReason.PUBLISHER_UNREACHABLE),
        ({"is_enabled": False, "paused": PauseReason.HIDDEN}, ReceiveReason.PUBLISHER_DISABLED),
        ({"paused": PauseReason.BUDGET}, ReceiveReason.BANDWIDTH),
        ({"paused": PauseReason.MAX_TRACKS}, ReceiveReason.MAX_TRACKS),
        ({"paused": PauseReason.HIDDEN}, ReceiveReason.NOT_VISIBLE),
        (
            {"paused": PauseReason.HIDDEN, "is_switched_by_program": True},
            ReceiveReason.SWITCHED_OFF_HERE,
        ),
    ],
)
def test_the_reason_to_know_first_is_given(changes: dict[str, Any], reason: ReceiveReason) -> None:
    found = explain(**WELL | changes)
    assert found.reason is reason
    assert found.isReceived is found.is_received is (reason is ReceiveReason.RECEIVED)
    assert found.message.endswith(".")
    assert found.nextStep == found.next_step
    assert bool(found.next_step) is not found.is_received
    assert str(found) == f"{found.message} {found.next_step}".strip()


def test_the_service_has_no_reason_without_words() -> None:
    for paused in PauseReason:
        assert not explain(**WELL | {"paused": paused}).is_received
