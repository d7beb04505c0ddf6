"""Makes the files of recordings of whole calls, and tells where they are.

A program starts and stops such a recording (`automation`), the tracks are kept while it runs
(`recording`), and when it has stopped a file is made of them (`compositions`). What was stopped by
a crash, or not rendered because of one, is rendered after the next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from acs_core.compositing.job import FileFormat
from acs_core.errors import CallingError
from acs_core.service.automation.recordings import (
    CallRecording,
    CallRecordings,
    RecordingChannels,
    RecordingState,
)
from acs_core.service.compositions import Composition, CompositionEvent, Compositions, Purpose
from acs_core.service.compositions.call_recordings import kept_periods, render_call_recording
from acs_core.service.compositions.compositions import FOLDER
from acs_core.service.media_files import MediaFiles
from acs_core.service.parts import ServicePart
from acs_core.service.recording.recordings import Recordings
from acs_core.service.store.compositions import COMPOSITIONS
from acs_core.service.webhooks.event_grid import EventGrid, RecordingFile

__all__ = ["CallRecordingFiles"]

_log = logging.getLogger(__name__)

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
        self._rendering: set[asyncio.Task[None]] = set()
        compositions.recordings = recordings
        recordings.observe(
            lambda event, info: (
                compositions.recording_completed(info.call)
                if event == "completed" and info.room is not None
                else None
            )
        )
        calls.observers.append(self._changed)
        compositions.observe(self._composed)

    async def start(self) -> None:
        """Render what a crash left."""
        for recording in await self._calls.without(COMPOSITIONS):
            self._render_soon(recording)

    async def close(self) -> None:
        """Order no more files; what is not ordered yet is after the next start."""
        for task in self._rendering:
            task.cancel()
        if self._rendering:
            await asyncio.wait(self._rendering)

    def _changed(self, recording: CallRecording) -> None:
        if recording.state is RecordingState.STOPPED:
            self._render_soon(recording)

    def _render_soon(self, recording: CallRecording) -> None:
        task = asyncio.create_task(self._render(recording), name=f"file of {recording.id}")
        self._rendering.add(task)
        task.add_done_callback(self._rendering.discard)

    async def _render(self, recording: CallRecording) -> None:
        stopped_at = recording.stopped_at or recording.started_at
        try:
            await render_call_recording(
                self._compositions,
                recording.id,
                recording.call_id,
                format=FileFormat(recording.format.value),
                periods=kept_periods(recording.started_at, stopped_at, recording.pauses),
                is_unmixed=recording.channels is RecordingChannels.UNMIXED,
                channels=recording.participants,
            )
        except CallingError as error:
            _log.error("recording %s has no file: %s", recording.id, error)

    def _composed(self, event: CompositionEvent, made: Composition) -> None:
        is_file = event is CompositionEvent.AVAILABLE and made.purpose is Purpose.CALL_RECORDING
        if is_file and self._event_grid is not None:
            task = asyncio.create_task(self._tell(made), name=f"event of {made.id}")
            self._rendering.add(task)
            task.add_done_callback(self._rendering.discard)

    async def _tell(self, made: Composition) -> None:
        recording = await self._calls.known(made.id)
        if recording is None or self._event_grid is None:
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
