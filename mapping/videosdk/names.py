"""Which of VideoSDK's names this facade has, and which it refuses; read from the classes.

Written as in the rows of `mapping/data`: `Meeting.join`, `Meeting#participant-joined` for an event,
`VideoSDK.initMeeting.meetingId` for an option, `Errors.INVALID_TOKEN` for a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from mapping.videosdk.absent import instead_of
from mapping.videosdk.errors import Errors, LeaveReason
from mapping.videosdk.events import MeetingState, ReliabilityMode
from mapping.videosdk.meeting import Meeting
from mapping.videosdk.messages import PubSub, PubSubMessage
from mapping.videosdk.options import OPTIONS, REFUSED
from mapping.videosdk.participant import Participant
from mapping.videosdk.sdk import VideoSDK
from mapping.videosdk.stream import Stream
from twilio_compat import EventEmitter

__all__ = ["provided_names", "refused_names"]

CLASSES: Final[Mapping[str, type]] = MappingProxyType(
    {
        "VideoSDK": VideoSDK,
        "Meeting": Meeting,
        "Participant": Participant,
        "Stream": Stream,
        "pubSub": PubSub,
        "message": PubSubMessage,
        "Errors": Errors,
        "leaveReason": LeaveReason,
        "state": MeetingState,
        "reliabilityMode": ReliabilityMode,
    }
)
"""VideoSDK's name of each class of ours."""

_OURS: Final = frozenset({"Meeting.aclose", "Meeting.emit"})


def provided_names() -> frozenset[str]:
    """VideoSDK's names that can be used."""
    names = {f"VideoSDK.initMeeting.{option}" for option in OPTIONS}
    for name, kind in CLASSES.items():
        names.add(name)
        names |= {f"{name}.{key}" for key, value in _members(kind) if instead_of(value) is None}
        if issubclass(kind, EventEmitter):
            names |= {f"{name}.on", f"{name}.off"}
            names |= {f"{name}#{event}" for event in kind.known_events()}
    return frozenset(names - _OURS)


def refused_names() -> Mapping[str, str]:
    """VideoSDK's methods and options that are refused, and what to do in their place."""
    return {
        **{f"VideoSDK.initMeeting.{option}": instead for option, instead in REFUSED.items()},
        **{
            f"{name}.{key}": instead
            for name, kind in CLASSES.items()
            for key, value in _members(kind)
            if (instead := instead_of(value)) is not None
        },
    }


def _members(kind: type) -> Iterator[tuple[str, object]]:
    """What the body of a class declares for everybody."""
    if issubclass(kind, Enum):
        yield from kind.__members__.items()
        return
    for key, value in vars(kind).items():
        if not key.startswith("_") and key != "EVENTS":
            yield key, value
