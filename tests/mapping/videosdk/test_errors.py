from __future__ import annotations

import pytest

from acs_core import (
    AuthenticationError,
    CallEndReason,
    CallingError,
    InvalidStateError,
    ServiceError,
    SourceUnavailableError,
    TransportError,
)
from acs_core.core import endings
from mapping.videosdk import Errors, LeaveReason, MeetingError
from mapping.videosdk.errors import meeting_error, reason_of

JOIN = Errors.ERROR_UNABLE_TO_JOIN_MEETING
CAMERA = Errors.ERROR_WEBCAM_PRODUCE_FAILED


@pytest.mark.parametrize(
    ("error", "default", "code"),
    [
        (AuthenticationError("no"), JOIN, Errors.INVALID_TOKEN),
        (ServiceError("no", sub_code=20106), JOIN, Errors.UNAUTHORIZED_MEETING_ID),
        (ServiceError("no", sub_code=5828), JOIN, Errors.UNAUTHORIZED_MEETING_ID),
        (ServiceError("no", sub_code=53105), JOIN, Errors.MAX_PARTCIPANT_REACHED),
        (ServiceError("no", sub_code=53106), JOIN, Errors.INVALID_MEETING_ID),
        (TransportError("no"), JOIN, JOIN),
        (SourceUnavailableError("no"), CAMERA, Errors.ERROR_CAMERA_NOT_FOUND),
        (SourceUnavailableError("no"), JOIN, JOIN),
        (InvalidStateError("no"), CAMERA, Errors.ERROR_ACTION_PERFORMED_BEFORE_MEETING_JOINED),
        (ServiceError("no"), CAMERA, CAMERA),
    ],
)
def test_errors_have_videosdks_codes(error: CallingError, default: Errors, code: Errors) -> None:
    made = meeting_error(error, default)
    assert made.code == code
    assert (made.message, made.stage, made.__cause__) == (error.message, error.stage, error)


def test_a_meeting_error_stays_what_it_is() -> None:
    error = MeetingError("no", code=Errors.ERROR_OPERATION_ABORTED)
    assert meeting_error(error, JOIN) is error


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (endings.HUNG_UP, LeaveReason.MANUAL_LEAVE_CALLED),
        (endings.REMOVED, LeaveReason.REMOVE_PEER),
        (endings.UNINVITED, LeaveReason.REMOVE_PEER),
        (endings.ENDED_FOR_EVERYONE, LeaveReason.REMOVE_ALL),
        (endings.ROOM_COMPLETED, LeaveReason.MEETING_END_API),
        (endings.DUPLICATE_IDENTITY, LeaveReason.DUPLICATE_PARTICIPANT),
        (endings.LINK_LOST, LeaveReason.WEBSOCKET_DISCONNECTED),
        (endings.MEDIA_LOST, LeaveReason.WEBSOCKET_DISCONNECTED),
        (endings.SERVICE_STOPPED, LeaveReason.ROOM_CLOSE),
        (CallEndReason(code=500, sub_code=1), LeaveReason.UNKNOWN),
    ],
)
def test_why_a_meeting_is_over_has_videosdks_reason(end: CallEndReason, code: LeaveReason) -> None:
    assert reason_of(end).code is code
    assert reason_of(end).message == end.message
