"""Which media diagnostic a device raises, by what it is for and how it failed. Pure.

Source: the names of `MediaDiagnosticType`, @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from typing import Final

from acs_core.errors import MediaError
from acs_core.models import MediaStreamType

__all__ = ["START_FLAGS", "START_TIMED_OUT", "STOP_FLAGS", "start_flag"]

START_TIMED_OUT: Final = {"video": 43015, "audio": 43613}
"""Sub-codes of a device that did not open in time, by kind of media."""

_FAILED: Final = {
    MediaStreamType.AUDIO: "microphoneNotFunctioning",
    MediaStreamType.VIDEO: "cameraStartFailed",
    MediaStreamType.SCREEN_SHARING: "capturerStartFailed",
}
_DENIED: Final = {
    MediaStreamType.AUDIO: "microphonePermissionDenied",
    MediaStreamType.VIDEO: "cameraPermissionDenied",
    MediaStreamType.SCREEN_SHARING: "screenshareRecordingDisabled",
}
_TIMED_OUT: Final = {**_FAILED, MediaStreamType.VIDEO: "cameraStartTimedOut"}

START_FLAGS: Final = {
    kind: tuple(dict.fromkeys((_FAILED[kind], _DENIED[kind], _TIMED_OUT[kind]))) for kind in _FAILED
}
"""What is no longer true of a device that has started."""

STOP_FLAGS: Final = {
    MediaStreamType.AUDIO: "microphoneMuteUnexpectedly",
    MediaStreamType.VIDEO: "cameraStoppedUnexpectedly",
    MediaStreamType.SCREEN_SHARING: "capturerStoppedUnexpectedly",
}
"""What a device raises that fails after it has started."""


def start_flag(kind: MediaStreamType, error: MediaError) -> str:
    """What a device raises that cannot be started."""
    if error.code == 403 or isinstance(error.__cause__, PermissionError):
        return _DENIED[kind]
    if error.sub_code in START_TIMED_OUT.values():
        return _TIMED_OUT[kind]
    return _FAILED[kind]
