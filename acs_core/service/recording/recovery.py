"""What a service that was killed has left: files that were being written. Blocks.

A recording is a row as soon as its file has begun, but a service can be killed in between: each
file therefore tells itself what it is a recording of.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from acs_core.errors import MediaError
from acs_core.service.recording.container import measure_file, read_note
from acs_core.service.recording.info import RecordingInfo, RecordingStatus

__all__ = ["recovered", "strays"]

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


def strays(folder: Path, known: Container[str]) -> Iterator[RecordingInfo]:
    """Recordings that have a file that plays, and no row.

    What is something else, or plays nothing, is left where it is.

    Args:
        folder: Where the files are.
        known: Ids of the recordings that have rows.
    """
    for path in sorted(folder.iterdir()):
        name = _FILE.fullmatch(path.name)
        if name is None or name[1] in known:
            continue
        info = RecordingInfo.from_note(read_note(path))
        if info is not None and info.file_name == path.name:
            found = recovered(info, folder)
            if found.status is RecordingStatus.COMPLETED:
                yield found
