"""States as they were called in 2020; `acs_core.legacy` has them under the same names.

Source: @azure/communication-calling 1.0.0-beta.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import acs_core as today

__all__ = [
    "CallState",
    "PermissionState",
    "PermissionType",
    "RemoteParticipantState",
    "call_state",
    "participant_state",
]


class CallState(StrEnum):
    """States of a call as they were called in 2020; see `call_state`."""

    NONE = "None"
    INCOMING = "Incoming"
    CONNECTING = "Connecting"
    RINGING = "Ringing"
    CONNECTED = "Connected"
    HOLD = "Hold"
    IN_LOBBY = "InLobby"
    DISCONNECTING = "Disconnecting"
    DISCONNECTED = "Disconnected"
    EARLY_MEDIA = "EarlyMedia"


class RemoteParticipantState(StrEnum):
    """States of a participant as they were called in 2020; see `participant_state`."""

    IDLE = "Idle"
    CONNECTING = "Connecting"
    CONNECTED = "Connected"
    ON_HOLD = "OnHold"
    IN_LOBBY = "InLobby"
    EARLY_MEDIA = "EarlyMedia"
    DISCONNECTED = "Disconnected"


class PermissionState(StrEnum):
    """Whether something may be captured; `Prompt` and `Unknown` occur in browsers only."""

    GRANTED = "Granted"
    DENIED = "Denied"
    PROMPT = "Prompt"
    UNKNOWN = "Unknown"


class PermissionType(StrEnum):
    """What may be captured or not."""

    MICROPHONE = "Microphone"
    CAMERA = "Camera"


_HOLDS: Final = (today.CallState.LOCAL_HOLD, today.CallState.REMOTE_HOLD)


def call_state(call: today.Call | today.IncomingCall) -> CallState:
    """The state of a call by its former name.

    Args:
        call: A call, or one that rings; when that is accepted, ask for the call that it gave.
    """
    if isinstance(call, today.IncomingCall):
        return CallState.INCOMING if call.call_end_reason is None else CallState.DISCONNECTED
    if call.state in _HOLDS:
        return CallState.HOLD
    return CallState(call.state.value)


_FORMER_STATES: Final[Mapping[today.RemoteParticipantState, RemoteParticipantState]] = {
    today.RemoteParticipantState.HOLD: RemoteParticipantState.ON_HOLD,
    # Whose telephone rang was on the way to the call.
    today.RemoteParticipantState.RINGING: RemoteParticipantState.CONNECTING,
}


def participant_state(participant: today.RemoteParticipant) -> RemoteParticipantState:
    """The state of a participant by its former name; who rings was `Connecting`."""
    former = _FORMER_STATES.get(participant.state)
    return RemoteParticipantState(participant.state.value) if former is None else former
