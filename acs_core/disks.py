"""Whether there is room on a disk, for whoever writes files that grow for hours."""

from __future__ import annotations

import shutil
from pathlib import Path

from acs_core.errors import MediaError, Stage

__all__ = ["check_free_space"]


def check_free_space(folder: Path, floor: int) -> None:
    """Refuse to write more where too little is free; takes some microseconds.

    Args:
        folder: On the disk.
        floor: Bytes that are to stay free.

    Raises:
        MediaError: Less is free, or the disk cannot be used.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise MediaError(
            f"The disk of {folder} cannot be used: {error.strerror}.", stage=Stage.MEDIA
        ) from error
    if free < floor:
        raise MediaError(f"Only {free} bytes are free on the disk of {folder}.", stage=Stage.MEDIA)
