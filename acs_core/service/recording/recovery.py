"""What a service that was killed has left: files that were being written. Blocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from acs_core.errors import MediaError
from acs_core.service.recording.container import measure_file
from acs_core.service.recording.info import RecordingInfo, RecordingStatus

__all__ = ["recovered"]


def recovered(info: RecordingInfo, folder: Path) -> RecordingInfo:
    """The recording as its file shows it, read to the end: completed, or failed.

    Args:
        info: A recording that was being made.
        folder: Where its file is.
    """
    try:
        measured = measure_file(folder / info.file_name)
    except MediaError as error:
        return replace(info, status=RecordingStatus.FAILED, failure=error.message)
    return replace(
        info,
        status=RecordingStatus.COMPLETED,
        duration=measured.duration,
        size=measured.size,
    )
