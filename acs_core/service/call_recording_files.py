"""Makes the files of recordings of whole calls, and tells where they are.

A program starts and stops such a recording (`automation`), the tracks are kept while it runs
(`recording`), and when it has stopped a file is made of them (`compositions`). What was stopped by
a crash, or not rendered because of one, is rendered after the next start. Event Grid's event of a
file is stored with the row that says that it is there: nobody sees one without the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import select

from acs_core.service.automation.recordings import CallRecording, CallRecordings
from acs_core.service.compositions import Composition, CompositionEvent, Compositions
from acs_core.service.compositions.call_recordings import call_recording_observer
from acs_core.service.compositions.compositions import FOLDER
from acs_core.service.compositions.model import UNDER_WAY
from acs_core.service.media_files import MediaFiles
from acs_core.service.parts import ServicePart
from acs_core.service.recording.info import RecordingInfo
from acs_core.service.recording.recordings import Recordings
from acs_core.service.store.compositions import COMPOSITIONS
from acs_core.service.webhooks.event_grid import EventGrid, RecordingFile

__all__ = ["CallRecordingFiles"]

LINK_LIFETIME: Final = 48 * 3600.0
"""Seconds; ACS keeps files for 48 hours."""


class CallRecordingFiles(ServicePart):
    """Connects those who start recordings, keep tracks, render files and tell of them.

    Args:
        calls: Recordings of whole calls.
        recordings: Tracks that are kept.
        compositions: Renders.
        files: Makes links.
        event_grid: Tells of files; None where nobody wants to know.
        url: Where clients find the service; asked for when a file is told of.
    """

    def __init__(
        self,
        calls: CallRecordings,
        recordings: Recordings,
        compositions: Compositions,
        files: MediaFiles,
        event_grid: EventGrid | None,
        url: Callable[[], str],
    ) -> None:
        self._calls = calls
        self._compositions = compositions
        self._files = files
        self._event_grid = event_grid
        self._url = url
        # Stopped, and its file is not there yet.
        self._unfinished: dict[str, CallRecording] = {}
        self._render = call_recording_observer(compositions)
        compositions.recordings = recordings
        recordings.observe(self._kept)
        calls.observers.append(self._changed)
        compositions.observe(self._composed)

    async def start(self) -> None:
        """Render what a crash left; before the compositions start, which go on with theirs."""
        columns = COMPOSITIONS.c
        done = select(columns.id).where(columns.state.not_in(UNDER_WAY))
        for recording in await self._calls.without(done):
            self._changed(recording)

    def _changed(self, recording: CallRecording) -> None:
        if recording.stopped_at is not None:
            self._unfinished[recording.id] = recording
            self._render(recording)

    def _kept(self, event: str, info: RecordingInfo) -> None:
        if event == "completed" and info.room is not None:
            self._compositions.recording_completed(info.call)

    def _composed(self, event: CompositionEvent, made: Composition) -> None:
        if event not in (CompositionEvent.AVAILABLE, CompositionEvent.FAILED):
            return
        recording = self._unfinished.pop(made.id, None)
        if recording is not None and event is CompositionEvent.AVAILABLE:
            self._tell(made, recording)

    def _tell(self, made: Composition, recording: CallRecording) -> None:
        if self._event_grid is None:
            return
        link = self._files.link(FOLDER, made.file_name, lifetime=LINK_LIFETIME)
        self._event_grid.recording_available(
            made.call,
            made.id,
            (
                # There is no description of it, and no address at which to delete it.
                RecordingFile(
                    document_id=made.id,
                    content_url=f"{self._url()}{link}",
                    metadata_url="",
                    delete_url="",
                ),
            ),
            started_at=recording.started_at,
            duration=made.duration or 0.0,
            content=recording.content,
            channels=recording.channels,
            format_=recording.format,
        )
