"""The part of the service that makes compositions: states, files, and who hears of it.

Theory of operation. Each composition that is not done has a task: it waits until the call's tracks
are complete, then for its turn, then for the renderer. A row is completed only after its file got
its name, and loses that state before its file goes: a file that is shown as done plays. At the
start, rows that were under way are enqueued again and files of rows that are not completed are
deleted, so a service that was killed leaves nothing half-made behind. Observers hear of the end of
a composition just before its row is written: what they write then comes first, or with it.

A hook makes one composition of each room, whose id follows from both: whoever finds that a room
that is over needs one may say so any number of times. At the start, rooms are looked for that ended
with an enabled hook and have none: the service was killed in between.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Container, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import select

from acs_core.compositing.job import Rendered, RenderJob
from acs_core.errors import CallingError, ServiceError, Stage
from acs_core.service.compositions.hooks import CompositionHooks
from acs_core.service.compositions.model import (
    UNDER_WAY,
    Composition,
    CompositionEvent,
    CompositionHook,
    CompositionObserver,
    CompositionOrder,
    CompositionQuery,
    CompositionState,
    HookQuery,
    Purpose,
)
from acs_core.service.compositions.process import render_apart
from acs_core.service.compositions.tracks import NothingRecorded, RecordingSource, source_tracks
from acs_core.service.parts import ServicePart
from acs_core.service.recording.info import RecordingStatus
from acs_core.service.store.calls import Window
from acs_core.service.store.compositions import COMPOSITIONS, calls_without
from acs_core.service.store.database import Database

if TYPE_CHECKING:
    from acs_core.service.server_call import ServerCall

__all__ = ["FOLDER", "Compositions"]

_log = logging.getLogger(__name__)

FOLDER: Final = "compositions"
"""In the folder of media files."""
STEPS: Final = 10
"""How often progress is told, at most."""
MOST_HOOKS: Final = 1000
"""Hooks that make compositions of a room."""
ORDER_DEADLINE: Final = 0.5
"""Seconds that orders for calls which end with the service have at its close."""
CLOSE_DEADLINE: Final = 1.5

_FILE: Final = re.compile(r"(?P<id>[0-9a-f]{32})\.[0-9a-z]+(?P<part>\.[0-9]+\.part)?")

Render = Callable[[RenderJob, Callable[[float], None]], Coroutine[Any, Any, Rendered]]


async def _always(_: str) -> bool:
    return True


class Compositions(ServicePart):
    """Every composition of the service.

    Args:
        database: Where the rows are; asked for at the start.
        folder: Where the files are to be; likewise.
        at_once: Compositions that are rendered at a time.
        floor: Bytes that are to stay free on the disk.
        is_over: Whether a call, by id, does not go on.
        render: Runs the renderer.
        clock: Unix seconds.
        new_id: Makes ids.

    Attributes:
        recordings: What compositions are made of; set it before the start.
        hooks: What makes compositions of rooms that are over.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        folder: Callable[[], Path],
        *,
        at_once: int = 1,
        floor: int = 0,
        is_over: Callable[[str], Awaitable[bool]] = _always,
        render: Render = render_apart,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.recordings: RecordingSource = NothingRecorded()
        self.hooks = CompositionHooks(database, clock, new_id)
        self._database = database
        self._folder = folder
        self._turns = asyncio.Semaphore(at_once)
        # Other parts, which start before this one, may order something then.
        self._is_open = asyncio.Event()
        # Between the question whether there is one and its being there.
        self._making = asyncio.Lock()
        self._floor = floor
        self._is_over = is_over
        self._render = render
        self._clock = clock
        self._new_id = new_id
        self._observers: list[CompositionObserver] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ordering: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def observe(self, observer: CompositionObserver) -> None:
        """Tell somebody about compositions from now on."""
        self._observers.append(observer)

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Begin, clear up what a service that was killed has left, and go on with it.

        Raises:
            ServiceError: 503, the folder or the database cannot be used.
        """
        columns = COMPOSITIONS.c
        rows = await self._database().all(
            select(columns.id).where(columns.state != CompositionState.COMPLETED)
        )
        try:
            await asyncio.to_thread(_clear_up, self._folder(), {row.id for row in rows})
        except OSError as error:
            raise ServiceError(
                f"The folder {self._folder()} cannot be used: {error.strerror}.", code=503
            ) from error
        query = select(COMPOSITIONS).where(columns.state.in_(UNDER_WAY))
        for row in await self._database().all(query.order_by(columns.created_at, columns.id)):
            item = replace(Composition.from_row(row), state=CompositionState.ENQUEUED)
            self._enqueue(self._put(item))
        self._is_open.set()
        self.soon(self._make_what_is_missing(), name="hooks of calls that ended before the start")

    async def close(self) -> None:
        """End what is under way; it goes on at the next start."""
        self._is_closed = True
        if self._ordering:
            await asyncio.wait(self._ordering, timeout=ORDER_DEADLINE)
        tasks = [*self._tasks.values(), *self._ordering]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_DEADLINE)

    # ------------------------------------------------------------ compositions

    async def create(
        self,
        call: str,
        order: CompositionOrder,
        *,
        purpose: Purpose = Purpose.COMPOSITION,
        hook: CompositionHook | None = None,
        composition_id: str | None = None,
    ) -> Composition:
        """Order a composition; rendered when the call's recordings are complete and it is its turn.

        Args:
            call: Id of the call.
            order: What it is to be.
            purpose: Who it is for.
            hook: The hook that makes it.
            composition_id: Its id; where there is one of that id, this one is returned.

        Raises:
            ServiceError: 503, it cannot be stored.
        """
        async with self._making:
            found = None if composition_id is None else await self.find(composition_id)
            if found is not None:
                return found
            made = Composition(
                id=composition_id or self._new_id(),
                call=call,
                order=order,
                created_at=self._clock(),
                purpose=purpose,
                hook=None if hook is None else hook.id,
                hook_name=None if hook is None else hook.name,
            )
            self._put(made)
            self._tell(CompositionEvent.ENQUEUED, made)
            self._enqueue(made)
        await self._database().flush()
        return made

    async def find(self, composition_id: str) -> Composition | None:
        """A composition by id, or None.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        query = select(COMPOSITIONS).where(COMPOSITIONS.c.id == composition_id)
        row = await self._database().first(query)
        return None if row is None else Composition.from_row(row)

    async def list(self, query: CompositionQuery, window: Window) -> Sequence[Composition]:
        """Compositions that somebody ordered, newest first; also deleted ones.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        rows = await self._database().all(query.select(window))
        return [Composition.from_row(row) for row in rows]

    def path_of(self, composition: Composition) -> Path:
        """Where the file of a completed composition is."""
        return self._folder() / composition.file_name

    async def delete(self, composition_id: str) -> None:
        """Delete a composition's file, or do not make it; the row stays.

        Raises:
            ServiceError: 404, there is none; 503, the database or the disk cannot be used.
        """
        task = self._tasks.get(composition_id)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        found = await self.find(composition_id)
        if found is None or found.state is CompositionState.DELETED:
            raise ServiceError(
                f"There is no composition {composition_id}.", code=404, stage=Stage.ARGUMENT
            )
        now = self._clock()
        self._put(replace(found, state=CompositionState.DELETED, deleted_at=now))
        # First the row, then the file: what is shown as completed is there.
        await self._database().flush()
        try:
            await asyncio.to_thread(self.path_of(found).unlink, missing_ok=True)
        except OSError as error:
            raise ServiceError(
                f"Composition {composition_id} cannot be deleted: {error.strerror}.", code=503
            ) from error

    # ------------------------------------------------------------ hooks

    def call_ended(self, call: ServerCall) -> None:
        """Let the hooks make compositions of a room that is over."""
        if call.room is not None and not call.is_probe and not call.record.goes_on:
            self._start_hooks(call.id, call.record.started_at)

    def recording_completed(self, call: str) -> None:
        """A recording of a room is complete; for those that are completed after their room.

        Args:
            call: Id of the call.
        """
        self._start_hooks(call, None)

    def _start_hooks(self, call: str, began_at: float | None) -> None:
        hooks = self._make_by_hooks(call, began_at)
        self.soon(hooks, name=f"hooks of call {call}")

    def soon(self, work: Coroutine[Any, Any, object], *, name: str) -> None:
        """Let work of an observer, which must not wait, be done in a task of this part.

        Args:
            work: Orders a composition; its `CallingError` is logged. Not done after the close.
            name: Of the task.
        """
        if self._is_closed:
            work.close()
            return
        task = asyncio.create_task(self._contained(work, name), name=name)
        self._ordering.add(task)
        task.add_done_callback(self._ordering.discard)

    async def _contained(self, work: Coroutine[Any, Any, object], name: str) -> None:
        try:
            await work
        except CallingError as error:
            _log.error("%s: nothing was ordered: %s", name, error)

    async def _enabled_hooks(self) -> Sequence[CompositionHook]:
        """In order of creation."""
        hooks = await self.hooks.list(HookQuery(is_enabled=True), Window(limit=MOST_HOOKS))
        return hooks[::-1]

    async def _make_by_hooks(self, call: str, began_at: float | None) -> None:
        await self._make_by(await self._enabled_hooks(), call, began_at)

    async def _make_what_is_missing(self) -> None:
        for hook in await self._enabled_hooks():
            since = hook.created_at if hook.updated_at is None else hook.updated_at
            query = calls_without(hook.id, ended_since=since, recorded_as=RecordingStatus.COMPLETED)
            for row in await self._database().all(query):
                await self._make_by([hook], row.id, row.started_at)

    async def _make_by(
        self, hooks: Sequence[CompositionHook], call: str, began_at: float | None
    ) -> None:
        if not hooks or not await self._is_over(call):
            return
        await self.recordings.settled(call)
        if await self.recordings.of_call(call):
            for hook in hooks:
                own_id = uuid.uuid5(uuid.UUID(hook.id), call).hex
                order = msgspec.structs.replace(hook.order, begins_at=began_at)
                try:
                    await self.create(call, order, hook=hook, composition_id=own_id)
                except CallingError as error:
                    self._hook_failed(hook, call, error.message)

    def _hook_failed(self, hook: CompositionHook, call: str, reason: str) -> None:
        _log.error("hook %s made nothing of call %s: %s", hook.id, call, reason)
        news = Composition(
            id="",
            call=call,
            order=hook.order,
            created_at=self._clock(),
            hook=hook.id,
            hook_name=hook.name,
            state=CompositionState.FAILED,
            failure=reason,
        )
        self._tell(CompositionEvent.HOOK_FAILED, news)

    # ------------------------------------------------------------ rendering

    def _enqueue(self, composition: Composition) -> None:
        if composition.id in self._tasks:
            return
        task = asyncio.create_task(self._make(composition), name=f"composition {composition.id}")
        self._tasks[composition.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(composition.id, None))

    async def _make(self, composition: Composition) -> None:
        """Render one, when its time has come."""
        try:
            await self._is_open.wait()
            await self.recordings.settled(composition.call)
            async with self._turns:
                composition = self._put(replace(composition, state=CompositionState.PROCESSING))
                self._tell(CompositionEvent.STARTED, composition)
                found = await self.recordings.of_call(composition.call)
                tracks = source_tracks(found, self.recordings.path_of)
                path = str(self.path_of(composition))
                job = composition.order.job(path, tracks, floor=self._floor)
                steps = _Steps(self._clock(), partial(self._progressed, composition))
                result = await self._render(job, lambda done: steps.tell(done, self._clock()))
            self._completed(composition, result)
        except CallingError as error:
            self._failed(composition, error.message)
        except Exception:
            _log.exception("composition %s failed", composition.id)
            self._failed(composition, "The service failed to make it.")

    def _progressed(self, composition: Composition, done: float, seconds_left: float) -> None:
        now = replace(composition, progress=done, seconds_left=seconds_left)
        self._tell(CompositionEvent.PROGRESS, now)

    def _completed(self, composition: Composition, result: Rendered) -> None:
        done = replace(
            composition,
            state=CompositionState.COMPLETED,
            completed_at=self._clock(),
            duration=result.duration,
            size=result.size,
        )
        self._tell(CompositionEvent.AVAILABLE, done)
        self._put(done)

    def _failed(self, composition: Composition, reason: str) -> None:
        _log.error("composition %s failed: %s", composition.id, reason)
        failed = replace(
            composition,
            state=CompositionState.FAILED,
            completed_at=self._clock(),
            failure=reason,
        )
        self._tell(CompositionEvent.FAILED, failed)
        self._put(failed)

    def _put(self, composition: Composition) -> Composition:
        self._database().put(COMPOSITIONS, composition.as_row())
        return composition

    def _tell(self, event: CompositionEvent, composition: Composition) -> None:
        for observer in self._observers:
            try:
                observer(event, composition)
            except Exception:
                _log.exception("an observer of compositions failed")


class _Steps:
    """Tells progress a few times on the way, with what is left in seconds."""

    def __init__(self, began: float, tell: Callable[[float, float], None]) -> None:
        self._began = began
        self._tell = tell
        self._told = 0

    def tell(self, done: float, now: float) -> None:
        step = int(done * STEPS)
        if self._told < step < STEPS:
            self._told = step
            self._tell(done, max(0.0, now - self._began) * (1 - done) / done)


def _clear_up(folder: Path, unfinished: Container[str]) -> None:
    """Delete what was not completed; what else there is, is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.iterdir():
        name = _FILE.fullmatch(path.name)
        if name is not None and (name["part"] or name["id"] in unfinished):
            path.unlink()
