"""What a service that was killed has left: files that were being written. Blocks.

A recording is a row as soon as its file has begun, but a service can be killed in between: each
file therefore tells itself what it is a recording of.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace
from pathlib import Path
from typing import Final

from acs_core.errors import MediaError
from acs_core.service.recording.container import measure_file, read_note
from acs_core.service.recording.info import RecordingInfo, RecordingStatus

__all__ = ["adopted", "recovered", "strays"]

_FILE: Final = re.compile(r"([0-9a-f]{32})\.mk[av]")


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


def strays(folder: Path, known: Container[str]) -> list[Path]:
    """Files that are named as recordings are, and have no row.

    Args:
        folder: Where the files are; nothing may be recorded there yet.
        known: Ids of the recordings that have rows.
    """
    names = ((path, _FILE.fullmatch(path.name)) for path in folder.iterdir())
    return sorted(path for path, name in names if name is not None and name[1] not in known)


def adopted(path: Path) -> RecordingInfo | None:
    """The recording that a file without a row is; None for one that plays nothing.

    That is left where it is, as is what somebody else put there.
    """
    info = RecordingInfo.from_note(read_note(path))
    if info is None or info.file_name != path.name:
        return None
    found = recovered(info, path.parent)
    return found if found.status is RecordingStatus.COMPLETED else None
