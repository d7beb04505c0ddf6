"""What the service keeps of media: recordings of tracks, files made of them, links to both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from acs_core.service.automation.recordings import CallRecordings
from acs_core.service.call_recording_files import CallRecordingFiles
from acs_core.service.compositions import Compositions
from acs_core.service.compositions.compositions import FOLDER as COMPOSITIONS_FOLDER
from acs_core.service.media_files import MediaFiles
from acs_core.service.parts import ServicePart
from acs_core.service.recording.recordings import FOLDER as RECORDINGS_FOLDER
from acs_core.service.recording.recordings import Recordings
from acs_core.service.settings import ServiceSettings
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.store.database import Database
from acs_core.service.store.directory import DataDirectory
from acs_core.service.webhooks.event_grid import EventGrid

__all__ = ["KeptMedia"]


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
