from __future__ import annotations

import pytest

from acs_core import MediaStreamType, SourceUnavailableError
from acs_core.client.device_flags import START_FLAGS, STOP_FLAGS, start_flag
from acs_core.client.features.diagnostic_values import MediaDiagnosticType
from acs_core.errors import MediaError

DEVICES = list(START_FLAGS)


@pytest.mark.parametrize(
    ("error", "flags"),
    [
        (
            MediaError("broken"),
            ["microphoneNotFunctioning", "cameraStartFailed", "capturerStartFailed"],
        ),
        (
            SourceUnavailableError("policy", code=403),
            [
                "microphonePermissionDenied",
                "cameraPermissionDenied",
                "screenshareRecordingDisabled",
            ],
        ),
        (
            SourceUnavailableError("slow", sub_code=43015),
            ["microphoneNotFunctioning", "cameraStartTimedOut", "capturerStartFailed"],
        ),
    ],
)
def test_a_failure_to_start_is_told_by_its_cause(error: MediaError, flags: list[str]) -> None:
    assert [start_flag(kind, error) for kind in DEVICES] == flags
    assert all(flag in START_FLAGS[kind] for kind, flag in zip(DEVICES, flags, strict=True))


def test_what_the_system_forbids_is_a_matter_of_permission() -> None:
    error = SourceUnavailableError("system")
    error.__cause__ = PermissionError()
    assert start_flag(MediaStreamType.VIDEO, error) == "cameraPermissionDenied"


def test_flags_are_diagnostics_of_acs() -> None:
    named = {flag for flags in START_FLAGS.values() for flag in flags} | set(STOP_FLAGS.values())
    assert named <= set(MediaDiagnosticType)
