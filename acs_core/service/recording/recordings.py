"""The part of the service that records: what, for how long, and what became of it.

Theory of operation. A call tells when what of it is recorded, or where that comes from, may have
changed; then the recorders of the call are brought in line with `ServerCall.is_recorded`. Each
recording is a row from its first sample on, so that one that a killed service has left is found at
the next start: its file is read to the end, and it is completed or failed. A file that plays and
has no row gets one.

Source: Twilio Video, Recordings and Recording Rules: one recording per track and period.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import select

from acs_core.errors import InvalidStateError, ServiceError, Stage
from acs_core.service.endpoints import Publication
from acs_core.service.parts import ServicePart
from acs_core.service.recording.clocks import SenderClock
from acs_core.service.recording.info import RecordingInfo, RecordingQuery, RecordingStatus
from acs_core.service.recording.recovery import adopted, recovered, strays
from acs_core.service.recording.thread import WriterThread
from acs_core.service.recording.tracks import RecorderEvents, Studio, TrackRecorder
from acs_core.service.server_call import ServerCall
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.store.calls import Window
from acs_core.service.store.database import Database
from acs_core.service.store.recordings import RECORDINGS, rename_recordings

__all__ = ["FOLDER", "RecordingObserver", "Recordings"]

_log = logging.getLogger(__name__)

FOLDER: Final = "recordings"
"""In the folder of media files."""

MOST_FILES: Final = 20
"""Of one publication that changes its codec on and on."""

RecordingObserver: TypeAlias = Callable[[str, RecordingInfo], None]
"""Hears what happened, "started", "completed", "failed" or "deleted", and to which recording; on
the event loop, must not block. Its failure is logged."""


class Recordings(ServicePart):
    """Every recording of the service.

    Args:
        engine: The media side; asked for at the start.
        database: Where the rows are; likewise.
        folder: Where the files are to be.
        floor: Bytes that are to stay free on the disk.
    """

    def __init__(
        self,
        engine: Callable[[], SfuEngine],
        database: Callable[[], Database],
        folder: Path,
        *,
        floor: int,
    ) -> None:
        self.folder = folder
        self._engine = engine
        self._database = database
        self._floor = floor
        self._studio: Studio | None = None
        self._reader: WriterThread | None = None
        self._observers: list[RecordingObserver] = []
        self._recorders: dict[str, dict[str, TrackRecorder]] = {}
        self._ending: set[TrackRecorder] = set()
        # Recordings that a killed service has left, by id.
        self._recovering: dict[str, RecordingInfo] = {}
        self._waiters: list[asyncio.Future[None]] = []
        # By endpoint; they live as long as a recorder uses them.
        self._clocks: weakref.WeakValueDictionary[str, SenderClock] = weakref.WeakValueDictionary()
        self._events = RecorderEvents(self._changed, self._ended, self._begin_anew)

    def observe(self, observer: RecordingObserver) -> None:
        """Tell somebody about recordings from now on."""
        self._observers.append(observer)

    # ------------------------------------------------------------ what there is

    async def find(self, recording_id: str) -> RecordingInfo | None:
        """A recording by id; None when there never was one.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        query = select(RECORDINGS).where(RECORDINGS.c.id == recording_id)
        row = await self._database().first(query)
        return None if row is None else RecordingInfo.from_row(row)

    async def list(
        self, query: RecordingQuery, window: Window | None = None
    ) -> Sequence[RecordingInfo]:
        """Recordings, newest first.

        Args:
            query: Which.
            window: Which of these; None for all.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        rows = await self._database().all(query.select(window))
        return [RecordingInfo.from_row(row) for row in rows]

    async def of_call(self, call_id: str) -> Sequence[RecordingInfo]:
        """The completed recordings of a call, in order of their beginning; for compositions.

        `path_of` tells where their files are, `RecordingInfo.offset_ms` how they lie in time.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        query = RecordingQuery(calls=(call_id,), status=RecordingStatus.COMPLETED)
        return sorted(await self.list(query), key=lambda info: info.offset_ms)

    def path_of(self, info: RecordingInfo) -> Path:
        """Where the file of a recording is, unless it was deleted."""
        return self.folder / info.file_name

    async def delete(self, recording_id: str) -> None:
        """Delete the file of a recording; the row stays.

        Raises:
            ServiceError: 404, there is none; 503, it cannot be deleted now.
            InvalidStateError: 409: it is still being made.
        """
        info = await self.find(recording_id)
        if info is None or info.status is RecordingStatus.DELETED:
            raise ServiceError(
                f"There is no recording {recording_id}.", code=404, stage=Stage.ARGUMENT
            )
        if info.status is RecordingStatus.PROCESSING:
            raise InvalidStateError(
                f"Recording {recording_id} is still being made.",
                code=409,
                next_step="Change the recording rules, or end the room, first.",
            )
        try:
            await asyncio.to_thread(self.path_of(info).unlink, missing_ok=True)
        except OSError as error:
            raise ServiceError(
                f"Recording {recording_id} cannot be deleted: {error.strerror}.", code=503
            ) from error
        self._changed(replace(info, status=RecordingStatus.DELETED))
        await self._database().flush()

    def rename(self, call_id: str, endpoint_id: str, identity: str) -> None:
        """Give somebody another identity in what is kept, and in what is still being completed.

        Of a call that goes on, `CallRecord.rename` comes first: recordings take it from there.
        """
        for recorder in self._ending:
            record = recorder.publication.owner.call.record
            if record.id == call_id:
                record.rename(endpoint_id, identity)
        for info in list(self._recovering.values()):
            if (info.call, info.endpoint) == (call_id, endpoint_id):
                self._recovering[info.id] = replace(info, identity=identity)
        self._database().write(rename_recordings(call_id, endpoint_id, identity))

    async def settled(self, call_id: str) -> None:
        """Return when nothing of a call is being recorded or completed any more.

        For who needs whole files, after the call; the caller sets the deadline.
        """
        while (
            call_id in self._recorders
            or any(info.call == call_id for info in self._recovering.values())
            or any(item.publication.owner.call.id == call_id for item in self._ending)
        ):
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Begin, and look at what a service that was killed has left.

        Raises:
            ServiceError: 503, the folder or the database cannot be used.
        """
        rows = await self._database().all(select(RECORDINGS.c.id))
        known = frozenset(row.id for row in rows)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unknown = await asyncio.to_thread(strays, self.folder, known)
        except OSError as error:
            raise ServiceError(
                f"The folder {self.folder} cannot be used: {error.strerror}.", code=503
            ) from error
        engine = self._engine()
        epoch = time.time() - engine.port.now()
        self._studio = Studio(engine, WriterThread(), self.folder, self._floor, epoch)
        reader = self._reader = WriterThread("recording recovery")
        for info in await self.list(RecordingQuery(status=RecordingStatus.PROCESSING)):
            self._recovering[info.id] = info
            reader.submit(partial(self._recover, info, reader))
        for path in unknown:
            reader.submit(partial(self._adopt, path, reader))

    async def close(self) -> None:
        """Complete every recording, within 2 s; what is not recovered by then is another time."""
        if self._reader is not None:
            self._reader.abandon()
            self._reader = None
        for call_id in list(self._recorders):
            self._end_all(call_id)
        if self._studio is not None:
            await self._studio.thread.close()
            self._studio = None
        self._ending.clear()
        self._wake()

    def _recover(self, info: RecordingInfo, reader: WriterThread) -> None:
        reader.tell(partial(self._recovered, recovered(info, self.folder)))

    def _adopt(self, path: Path, reader: WriterThread) -> None:
        found = adopted(path)
        if found is not None:
            reader.tell(partial(self._recovered, found))

    def _recovered(self, info: RecordingInfo) -> None:
        if self._reader is not None:
            left = self._recovering.pop(info.id, info)
            self._changed(replace(info, identity=left.identity))
            self._wake()

    # ------------------------------------------------------------ calls

    def call_started(self, call: ServerCall) -> None:
        """Follow what of a call is recorded."""
        if not call.is_probe:
            call.on_recording = self._align

    def call_ended(self, call: ServerCall) -> None:
        """Complete what there is of it."""
        call.on_recording = None
        self._end_all(call.id)

    def _align(self, call: ServerCall) -> None:
        try:
            self._align_all(call)
        except Exception:
            _log.exception("what is recorded of call %s cannot be told", call.id)

    def _align_all(self, call: ServerCall) -> None:
        recorders = self._recorders.pop(call.id, {})
        wanted = {item.id: item for item in call.publications if call.is_recorded(item)}
        for gone in recorders.keys() - wanted.keys():
            self._end(recorders.pop(gone))
        for key, publication in wanted.items():
            recorder = recorders.get(key) or self._begin(publication)
            if recorder is not None:
                recorders[key] = recorder
                recorder.follow(publication.source)
        if recorders:
            self._recorders[call.id] = recorders

    def _begin(self, publication: Publication, attempt: int = 1) -> TrackRecorder | None:
        if self._studio is None or publication.source is None:
            return None
        clock = self._clocks.get(publication.owner.id) or SenderClock()
        self._clocks[publication.owner.id] = clock
        return TrackRecorder(
            uuid.uuid4().hex, publication, clock, self._studio, self._events, attempt=attempt
        )

    def _begin_anew(self, recorder: TrackRecorder) -> None:
        """What a recorder gets needs another file: another one takes its place."""
        publication = recorder.publication
        recorders = self._recorders.get(publication.owner.call.id, {})
        is_current = recorders.get(publication.id) is recorder
        if not is_current or recorder.attempt >= MOST_FILES:
            return
        following = self._begin(publication, recorder.attempt + 1)
        if following is not None:
            self._end(recorder)
            recorders[publication.id] = following
            following.follow(publication.source)

    def _end_all(self, call_id: str) -> None:
        for recorder in self._recorders.pop(call_id, {}).values():
            self._end(recorder)

    def _end(self, recorder: TrackRecorder) -> None:
        self._ending.add(recorder)
        recorder.end()

    # ------------------------------------------------------------ news

    def _changed(self, info: RecordingInfo) -> None:
        """A recording has begun, ended, failed or was deleted: note it, then tell it."""
        self._database().put(RECORDINGS, info.as_row())
        news = "started" if info.status is RecordingStatus.PROCESSING else info.status.value
        if info.status is RecordingStatus.FAILED:
            _log.error("recording %s failed: %s", info.id, info.failure)
        for observer in self._observers:
            try:
                observer(news, info)
            except Exception:
                _log.exception("an observer of recordings failed")

    def _ended(self, recorder: TrackRecorder) -> None:
        self._ending.discard(recorder)
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
