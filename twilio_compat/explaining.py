"""Why no frames of a track come: one answer to what users ask most (ours).

What the publisher did comes first, because nothing that is done here changes it; then what the
service does, with the reason that it gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from acs_core.core.receiving import PauseReason

__all__ = ["ReceiveExplanation", "ReceiveReason", "explain"]


class ReceiveReason(StrEnum):
    """What a track waits for."""

    RECEIVED = "received"
    NOT_SUBSCRIBED = "notSubscribed"
    PUBLISHER_UNREACHABLE = "publisherUnreachable"
    PUBLISHER_DISABLED = "publisherDisabled"
    BANDWIDTH = "bandwidth"
    MAX_TRACKS = "maxTracks"
    NOT_VISIBLE = "notVisible"
    SWITCHED_OFF_HERE = "switchedOffHere"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveExplanation:
    """Why a track is as it is.

    Attributes:
        reason: In one word.
        message: In one sentence.
        next_step: What to do about it; empty when there is nothing to do.
    """

    reason: ReceiveReason
    message: str
    next_step: str = ""

    @property
    def is_received(self) -> bool:
        """Whether frames come."""
        return self.reason is ReceiveReason.RECEIVED

    @property
    def isReceived(self) -> bool:
        """As `is_received`."""
        return self.is_received

    @property
    def nextStep(self) -> str:
        """As `next_step`."""
        return self.next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".rstrip()


_TEXTS: Final[Mapping[ReceiveReason, tuple[str, str]]] = MappingProxyType(
    {
        ReceiveReason.RECEIVED: ("The track is received.", ""),
        ReceiveReason.NOT_SUBSCRIBED: (
            "The track is not subscribed to.",
            "Connect with automaticSubscription, or let the subscribe rules include it.",
        ),
        ReceiveReason.PUBLISHER_UNREACHABLE: (
            "Its participant is reconnecting, or has left.",
            "Wait for participantReconnected.",
        ),
        ReceiveReason.PUBLISHER_DISABLED: (
            "Its participant disabled it.",
            "Wait for trackEnabled.",
        ),
        ReceiveReason.BANDWIDTH: (
            "The network does not carry all videos, and others matter more.",
            "Raise the track's priority, ask for smaller dimensions, or for more bitrate.",
        ),
        ReceiveReason.MAX_TRACKS: (
            "As many videos as maxTracks allows are sent, and others matter more.",
            "Raise the track's priority, or maxTracks.",
        ),
        ReceiveReason.NOT_VISIBLE: (
            "Nobody reads the track.",
            "Read its frames or attach it; or set clientTrackSwitchOffControl to manual.",
        ),
        ReceiveReason.SWITCHED_OFF_HERE: (
            "This program switched it off.",
            "Call switch_on().",
        ),
    }
)
_PAUSED: Final[Mapping[PauseReason, ReceiveReason]] = MappingProxyType(
    {
        PauseReason.BUDGET: ReceiveReason.BANDWIDTH,
        PauseReason.MAX_TRACKS: ReceiveReason.MAX_TRACKS,
        PauseReason.HIDDEN: ReceiveReason.NOT_VISIBLE,
    }
)


def explain(
    *,
    is_subscribed: bool,
    is_enabled: bool,
    is_reachable: bool,
    is_switched_by_program: bool,
    paused: PauseReason | None,
) -> ReceiveExplanation:
    """Choose the reason that is to be known first.

    Args:
        is_subscribed: Whether this program subscribed to it.
        is_enabled: Whether its publisher sends.
        is_reachable: Whether its publisher is connected.
        is_switched_by_program: Whether videos are hidden by `switch_off()` and nothing else.
        paused: Why the service holds it back; None when it does not.
    """
    if not is_subscribed:
        reason = ReceiveReason.NOT_SUBSCRIBED
    elif not is_reachable:
        reason = ReceiveReason.PUBLISHER_UNREACHABLE
    elif not is_enabled:
        reason = ReceiveReason.PUBLISHER_DISABLED
    elif paused is PauseReason.HIDDEN and is_switched_by_program:
        reason = ReceiveReason.SWITCHED_OFF_HERE
    else:
        reason = ReceiveReason.RECEIVED if paused is None else _PAUSED[paused]
    message, next_step = _TEXTS[reason]
    return ReceiveExplanation(reason=reason, message=message, next_step=next_step)
