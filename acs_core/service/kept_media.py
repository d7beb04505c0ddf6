"""What the service keeps of media: recordings of tracks, files made of them, links to both.

Recordings of rooms, and compositions, are there until somebody deletes them, as with Twilio.
Nobody can do so with what belongs to a recording of a whole call: its file, and the tracks of calls
without a room. That goes when the call is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Row, Select, Table, delete

from acs_core.service.automation.recordings import CallRecordings
from acs_core.service.call_recording_files import CallRecordingFiles
from acs_core.service.compositions import Composition, Compositions, Purpose
from acs_core.service.compositions.compositions import FOLDER as COMPOSITIONS_FOLDER
from acs_core.service.compositions.model import UNDER_WAY
from acs_core.service.media_files import MediaFiles
from acs_core.service.parts import ServicePart
from acs_core.service.recording.info import RecordingInfo, RecordingStatus
from acs_core.service.recording.recordings import FOLDER as RECORDINGS_FOLDER
from acs_core.service.recording.recordings import Recordings
from acs_core.service.settings import ServiceSettings
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.store.compositions import COMPOSITIONS, old_compositions
from acs_core.service.store.database import Database
from acs_core.service.store.directory import DataDirectory
from acs_core.service.store.recordings import RECORDINGS, old_recordings
from acs_core.service.webhooks.event_grid import EventGrid

__all__ = ["KeptMedia"]

_log = logging.getLogger(__name__)

BATCH: Final = 500
"""Files that are deleted at a time."""


class KeptMedia:
    """The parts that keep media, connected with each other.

    Args:
        settings: Of the service.
        whole_calls: Recordings of whole calls, which programs start.
        directory: Where files are.
        event_grid: Hears of files; None where nobody wants to know.
        engine: The media side; asked for at the start.
        database: Where rows are; likewise.
        url: Where clients find the service; asked for when a file is told of.
        is_over: Whether a call, by id, does not go on.

    Attributes:
        recordings: Of single tracks.
        compositions: Files made of several tracks.
        files: Serves both to who has a link.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        whole_calls: CallRecordings,
        directory: DataDirectory,
        event_grid: EventGrid | None,
        *,
        engine: Callable[[], SfuEngine],
        database: Callable[[], Database],
        url: Callable[[], str],
        is_over: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._database = database
        self.recordings = Recordings(
            engine, database, directory.media / RECORDINGS_FOLDER, floor=settings.free_disk_floor
        )
        self.compositions = Compositions(
            database,
            lambda: directory.media / COMPOSITIONS_FOLDER,
            at_once=settings.compositions_at_once,
            floor=settings.free_disk_floor,
            is_over=is_over,
        )
        self.files = MediaFiles(directory.media, directory.path)
        self._whole_calls = CallRecordingFiles(
            whole_calls, self.recordings, self.compositions, self.files, event_grid, url
        )

    @property
    def parts(self) -> tuple[ServicePart, ...]:
        """In the order in which they start.

        Compositions after what they are made of, recordings that a crash left being waited for, and
        after whoever is to hear of each.
        """
        return (self.recordings, self.files, self._whole_calls, self.compositions)

    async def forget(self, ended_before: float) -> None:
        """Delete what belongs to recordings of whole calls that ended earlier, or are forgotten.

        Args:
            ended_before: Unix seconds.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        await self._forget(
            COMPOSITIONS,
            old_compositions(
                Purpose.CALL_RECORDING, ended_before=ended_before, except_in=UNDER_WAY
            ),
            lambda row: self.compositions.path_of(Composition.from_row(row)),
        )
        await self._forget(
            RECORDINGS,
            old_recordings(ended_before=ended_before, except_as=RecordingStatus.PROCESSING),
            lambda row: self.recordings.path_of(RecordingInfo.from_row(row)),
        )

    async def _forget(
        self, table: Table, old: Select[Any], path_of: Callable[[Row[Any]], Path]
    ) -> None:
        """First the files, then their rows; what cannot be deleted is tried again another time."""
        while True:
            rows = await self._database().all(old.limit(BATCH))
            gone = await asyncio.to_thread(_delete, {row.id: path_of(row) for row in rows})
            self._database().write(delete(table).where(table.c.id.in_(gone)))
            if len(gone) < BATCH:
                return


def _delete(files: Mapping[str, Path]) -> list[str]:
    """Ids of the files that are not there any more."""
    gone = []
    for key, path in files.items():
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s cannot be deleted: %s", path, error.strerror)
        else:
            gone.append(key)
    return gone
