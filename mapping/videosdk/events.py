"""Events of meetings and participants, as VideoSDK names them, and what comes with them.

Source: `MeetingEvent` and `ParticipantEvent` of @videosdk.live/js-sdk 1.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "DataMessage",
    "MeetingEvent",
    "MeetingState",
    "ParticipantEvent",
    "ReliabilityMode",
    "StateChange",
]


class MeetingEvent(StrEnum):
    """Events of `Meeting`; listeners with fewer parameters get the first ones."""

    MEETING_JOINED = "meeting-joined"
    MEETING_LEFT = "meeting-left"
    """(Reason)"""
    PARTICIPANT_JOINED = "participant-joined"
    """(Participant): also for each that was there before, after `meeting-joined`."""
    PARTICIPANT_LEFT = "participant-left"
    """(Participant, Reason)"""
    SPEAKER_CHANGED = "speaker-changed"
    """(activeSpeakerId, or None after a silence): an id, not a participant."""
    PRESENTER_CHANGED = "presenter-changed"
    """(activePresenterId, or None when nobody shares a screen)"""
    MEETING_STATE_CHANGED = "meeting-state-changed"
    """(StateChange)"""
    DATA = "data"
    """(DataMessage)"""
    ERROR = "error"
    """(MeetingError)"""


class ParticipantEvent(StrEnum):
    """Events of `Participant`."""

    STREAM_ENABLED = "stream-enabled"
    """(Stream)"""
    STREAM_DISABLED = "stream-disabled"
    """(Stream)"""


class MeetingState(StrEnum):
    """How far a meeting is (VideoSDK's enum `state`)."""

    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    RECONNECTING = "RECONNECTING"
    FAILED = "FAILED"
    DISCONNECTED = "DISCONNECTED"


class ReliabilityMode(StrEnum):
    """How hard `Meeting.send` tries (VideoSDK's enum `reliabilityMode`)."""

    RELIABLE = "RELIABLE"
    UNRELIABLE = "UNRELIABLE"


@dataclass(frozen=True, slots=True)
class StateChange:
    """What comes with `meeting-state-changed`."""

    state: MeetingState


@dataclass(frozen=True, slots=True)
class DataMessage:
    """What comes with `data`.

    Attributes:
        payload: As it was sent.
        sender: Id of the participant who sent it; VideoSDK's field `from` is a keyword in Python.
        timestamp: Milliseconds since 1970, of its arrival.
        reliability: "reliable" or "unreliable".
    """

    payload: str | bytes
    sender: str
    timestamp: int
    reliability: str
