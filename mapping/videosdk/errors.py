"""What goes wrong in a meeting, in VideoSDK's numbers, made from the errors of `acs_core`.

Source: enums `Errors` and `leaveReason` of @videosdk.live/js-sdk 1.1.1. Only what this facade can
meet is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from acs_core import AuthenticationError, CallEndReason, CallingError, SourceUnavailableError, Stage

__all__ = ["Errors", "LeaveReason", "MeetingError", "Reason", "meeting_error", "reason_of"]


class Errors(IntEnum):
    """Codes of `MeetingError`, as in VideoSDK's enum."""

    INVALID_TOKEN = 4002
    INVALID_MEETING_ID = 4003
    MAX_PARTCIPANT_REACHED = 4009
    UNAUTHORIZED_MEETING_ID = 4022
    PAUSE_STREAM_FAILED = 4074
    RESUME_STREAM_FAILED = 4075
    PUBSUB_PUBLISH_FAILED = 4087
    SOMETHING_WENT_WRONG = 5000
    ERROR_CAMERA_NOT_FOUND = 3021
    ERROR_MICROPHONE_NOT_FOUND = 3022
    ERROR_GET_DISPLAY_MEDIA = 3013
    ERROR_ACTION_PERFORMED_BEFORE_MEETING_JOINED = 3035
    ERROR_UNABLE_TO_JOIN_MEETING = 3047
    ERROR_WEBCAM_PRODUCE_FAILED = 3049
    ERROR_OPERATION_ABORTED = 3056
    ERROR_END_MEETING_FAILED = 3057
    ERROR_MICROPHONE_PRODUCE_FAILED = 3058
    ERROR_SCREENSHARE_PRODUCE_FAILED = 3061
    ERROR_ACTION_NOT_SUPPORTED = 3068
    ERROR_SEND_FAILED = 3070
    ERROR_WEBCAM_CLOSE_PRODUCER_FAILED = 3076
    ERROR_MICROPHONE_CLOSE_PRODUCER_FAILED = 3077


class LeaveReason(IntEnum):
    """Codes of `Reason`, as in VideoSDK's enum `leaveReason`."""

    WEBSOCKET_DISCONNECTED = 1001
    REMOVE_PEER = 1002
    ROOM_CLOSE = 1006
    UNKNOWN = 1007
    REMOVE_ALL = 1008
    MEETING_END_API = 1009
    DUPLICATE_PARTICIPANT = 1011
    MANUAL_LEAVE_CALLED = 1101


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody is in the meeting no longer."""

    code: LeaveReason
    message: str


class MeetingError(CallingError):
    """A meeting cannot do what was asked; `code` is one of `Errors`."""

    default_code = Errors.ERROR_UNABLE_TO_JOIN_MEETING


# By sub code: of the ACS call end table, or Twilio's where ACS has none.
_REFUSALS: Final[Mapping[int, Errors]] = MappingProxyType(
    {
        53106: Errors.INVALID_MEETING_ID,
        53100: Errors.INVALID_MEETING_ID,
        53105: Errors.MAX_PARTCIPANT_REACHED,
        5828: Errors.UNAUTHORIZED_MEETING_ID,
        5829: Errors.UNAUTHORIZED_MEETING_ID,
        20106: Errors.UNAUTHORIZED_MEETING_ID,
    }
)

_MISSING: Final[Mapping[Errors, Errors]] = MappingProxyType(
    {
        Errors.ERROR_WEBCAM_PRODUCE_FAILED: Errors.ERROR_CAMERA_NOT_FOUND,
        Errors.ERROR_MICROPHONE_PRODUCE_FAILED: Errors.ERROR_MICROPHONE_NOT_FOUND,
        Errors.ERROR_SCREENSHARE_PRODUCE_FAILED: Errors.ERROR_GET_DISPLAY_MEDIA,
    }
)

_ENDINGS: Final[Mapping[int, LeaveReason]] = MappingProxyType(
    {
        0: LeaveReason.MANUAL_LEAVE_CALLED,
        5300: LeaveReason.REMOVE_PEER,
        5317: LeaveReason.REMOVE_PEER,
        4097: LeaveReason.REMOVE_ALL,
        53118: LeaveReason.MEETING_END_API,
        53205: LeaveReason.DUPLICATE_PARTICIPANT,
        53001: LeaveReason.WEBSOCKET_DISCONNECTED,
        301005: LeaveReason.WEBSOCKET_DISCONNECTED,
        53006: LeaveReason.ROOM_CLOSE,
    }
)


def meeting_error(error: CallingError, default: Errors) -> MeetingError:
    """An error of `acs_core` in VideoSDK's numbers; the cause is kept.

    Args:
        error: What happened; a `MeetingError` is given back as it is.
        default: The code of the operation that failed, when nothing finer is known.
    """
    if isinstance(error, MeetingError):
        return error
    code = default
    if error.sub_code in _REFUSALS:
        code = _REFUSALS[error.sub_code]
    elif isinstance(error, AuthenticationError):
        code = Errors.INVALID_TOKEN
    elif error.stage is Stage.STATE:
        code = Errors.ERROR_ACTION_PERFORMED_BEFORE_MEETING_JOINED
    elif isinstance(error, SourceUnavailableError):
        code = _MISSING.get(default, default)
    failure = MeetingError(error.message, code=code, stage=error.stage, next_step=error.next_step)
    failure.__cause__ = error
    return failure


def reason_of(end: CallEndReason) -> Reason:
    """Why a call is over, in VideoSDK's words."""
    return Reason(_ENDINGS.get(end.sub_code, LeaveReason.UNKNOWN), end.message)
