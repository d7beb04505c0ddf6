from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from acs_core import wire
from acs_core.compositing.job import AudioPart, FileFormat, Rendered, RenderJob
from acs_core.compositing.layout import Region
from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.errors import MediaError, ServiceError
from acs_core.service.automation.recordings import (
    CallRecording,
    RecordingChannels,
    RecordingContent,
    RecordingFormat,
    RecordingState,
)
from acs_core.service.calls import Calls
from acs_core.service.compositions import (
    Composition,
    CompositionEvent,
    CompositionOrder,
    Compositions,
    CompositionState,
    Purpose,
)
from acs_core.service.compositions.call_recordings import (
    call_recording_observer,
    kept_periods,
    render_call_recording,
)
from acs_core.service.compositions.model import CompositionQuery
from acs_core.service.compositions.process import render_apart
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms
from acs_core.service.server_call import ServerCall
from acs_core.service.store.calls import Window
from acs_core.service.store.database import Database
from tests.support.events import until
from tests.support.recorded_calls import EPOCH, RecordedCalls
from tests.support.track_files import RED, lengths, levels

CALL = "c" * 32
SOUND = CompositionOrder(format=FileFormat.WAV, audio=AudioPart())
ALL = Window(limit=100)
SOMEBODY = Principal("8:acs:r_ann", PrincipalKind.ACS, 2e9)
GRID = CompositionOrder(
    format=FileFormat.MP4,
    regions={"grid": Region(video_sources=("*",))},
    width=64,
    height=48,
    audio=AudioPart(),
)


class Timeless:
    """A timer that never fires."""

    def cancel(self) -> None:
        """Do nothing."""


class Desk:
    """A renderer that does what the test says: by path of the file."""

    def __init__(self) -> None:
        self.jobs: list[RenderJob] = []
        self._gates: dict[str, asyncio.Future[Rendered]] = {}

    async def render(self, job: RenderJob, on_progress: Callable[[float], None]) -> Rendered:
        self.jobs.append(job)
        gate = self._gates[job.output] = asyncio.get_running_loop().create_future()
        self.on_progress = on_progress
        return await gate

    def finish(self, error: Exception | None = None) -> None:
        path, gate = self._gates.popitem()
        if error is not None:
            gate.set_exception(error)
        else:
            Path(path).write_bytes(b"file")
            gate.set_result(Rendered(duration=3.0, size=4))


class Studio:
    """Compositions with a database and files that outlive them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "compositions"
        self.recordings = RecordedCalls(folder)
        self.desk = Desk()
        self.news: list[tuple[CompositionEvent, Composition]] = []
        self.database: Database | None = None
        self.live: set[str] = set()
        self._url = f"sqlite:///{folder / 'rows.sqlite3'}"

    @contextlib.asynccontextmanager
    async def open(self, *, is_started: bool = True, **options: Any) -> AsyncIterator[Compositions]:
        database = await Database.open(self._url)
        options = {"render": self.desk.render} | options
        part = Compositions(lambda: database, lambda: self.folder, is_over=self.is_over, **options)
        part.recordings = self.recordings
        part.observe(lambda event, item: self.news.append((event, item)))
        try:
            if is_started:
                await part.start()
            yield part
        finally:
            await part.close()
            await database.close()

    async def is_over(self, call: str) -> bool:
        return call not in self.live

    @property
    def events(self) -> list[str]:
        return [event.removeprefix("composition-") for event, _ in self.news]

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


async def state_of(part: Compositions, made: Composition) -> CompositionState:
    found = await part.find(made.id)
    assert found is not None
    return found.state


async def test_a_composition_is_rendered_from_the_tracks_of_a_call(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.recordings.color(CALL, RED, 1.0)
    studio.recordings.tone(CALL, 440, 1.0)
    async with studio.open(render=render_apart) as part:
        made = await part.create(CALL, GRID)
        assert made.state is CompositionState.ENQUEUED
        await until(lambda: studio.events[-1] == "available", deadline=40)
        found = await part.find(made.id)
        assert found is not None
        assert (found.state, found.duration) == (CompositionState.COMPLETED, 1.0)
        path = part.path_of(found)
        assert found.size == path.stat().st_size
        for length in lengths(path).values():
            assert abs(length - 1.0) < 0.1
        assert min(levels(path, 440)[0][1:9]) > 6000
    assert studio.events[:2] == ["enqueued", "started"]


async def test_what_is_ordered_is_kept_in_the_table(studio: Studio) -> None:
    async with studio.open() as part:
        hook = await part.hooks.create("all", GRID)
        made = await part.create(CALL, GRID, hook=hook)
    async with studio.open() as part:
        found = await part.find(made.id)
        assert found is not None
        assert (found.order, found.call, found.hook) == (GRID, CALL, hook.id)
        assert await part.find("0" * 32) is None


async def test_one_is_rendered_after_the_other(studio: Studio) -> None:
    async with studio.open() as part:
        first = await part.create(CALL, SOUND)
        second = await part.create(CALL, SOUND)
        await until(lambda: len(studio.desk.jobs) == 1)
        assert await state_of(part, first) is CompositionState.PROCESSING
        assert await state_of(part, second) is CompositionState.ENQUEUED
        studio.desk.finish()
        await until(lambda: len(studio.desk.jobs) == 2)
        studio.desk.finish(MediaError("No disk."))
        await until(lambda: len(studio.news) == 6)
        assert await state_of(part, first) is CompositionState.COMPLETED
        failed = await part.find(second.id)
        assert failed is not None
        assert (failed.state, failed.failure) == (CompositionState.FAILED, "No disk.")
        assert studio.files == [first.file_name]
        own = [event for event, item in studio.news if item.id == second.id]
        assert [event.removeprefix("composition-") for event in own] == [
            "enqueued",
            "started",
            "failed",
        ]


async def test_several_are_rendered_at_once_where_that_is_wanted(studio: Studio) -> None:
    async with studio.open(at_once=2) as part:
        for _ in range(3):
            await part.create(CALL, SOUND)
        await until(lambda: len(studio.desk.jobs) == 2)


async def test_it_waits_until_the_recordings_are_complete(studio: Studio) -> None:
    studio.recordings.is_settled.clear()
    async with studio.open() as part:
        made = await part.create(CALL, SOUND)
        studio.recordings.tone(CALL, 440, 0.1)
        assert await state_of(part, made) is CompositionState.ENQUEUED
        studio.recordings.is_settled.set()
        await until(lambda: studio.desk.jobs)
        assert len(studio.desk.jobs[0].tracks) == 1


async def test_progress_is_told_a_few_times(studio: Studio) -> None:
    seconds = iter(range(100))
    async with studio.open(clock=lambda: float(next(seconds))) as part:
        await part.create(CALL, SOUND)
        await until(lambda: studio.desk.jobs)
        for done in range(101):
            studio.desk.on_progress(done / 100)
            if done == 50:
                break
        told = [item for event, item in studio.news if event is CompositionEvent.PROGRESS]
        assert [item.progress for item in told] == [0.1, 0.2, 0.3, 0.4, 0.5]
        last = told[-1].seconds_left
        assert last is not None
        assert last > 0


async def test_a_listener_that_fails_stops_nothing(studio: Studio) -> None:
    def fail(event: CompositionEvent, _: Composition) -> None:
        raise RuntimeError(event)

    async with studio.open() as part:
        part.observe(fail)
        await part.create(CALL, SOUND)
        await until(lambda: studio.desk.jobs)
        studio.desk.finish()
        await until(lambda: studio.events[-1] == "available")


# ------------------------------------------------------------------ the end of it


@pytest.mark.parametrize("moment", ["enqueued", "processing", "completed", "failed"])
async def test_it_can_be_deleted_at_any_time(studio: Studio, moment: str) -> None:
    async with studio.open() as part:
        first = await part.create(CALL, SOUND)
        await until(lambda: studio.desk.jobs)
        made = await part.create(CALL, SOUND) if moment == "enqueued" else first
        if moment in ("completed", "failed"):
            studio.desk.finish(MediaError("no") if moment == "failed" else None)
            await until(lambda: len(studio.news) == 3)
        assert await state_of(part, made) == moment
        await part.delete(made.id)
        found = await part.find(made.id)
        assert found is not None
        assert found.state is CompositionState.DELETED
        assert found.deleted_at is not None
        assert studio.files == []
        with pytest.raises(ServiceError) as caught:
            await part.delete(made.id)
        assert caught.value.code == 404
    with pytest.raises(ServiceError):
        async with studio.open() as part:
            await part.delete("0" * 32)


async def test_a_start_goes_on_with_what_was_under_way(studio: Studio) -> None:
    async with studio.open() as part:
        done = await part.create(CALL, SOUND)
        await until(lambda: studio.desk.jobs)
        studio.desk.finish()
        await until(lambda: len(studio.news) == 3)
        begun = await part.create(CALL, SOUND)
        waiting = await part.create(CALL, SOUND)
        await until(lambda: len(studio.desk.jobs) == 2)
        (studio.folder / f"{begun.id}.wav.77.part").touch()
        # Its process was quicker than its row.
        (studio.folder / f"{begun.id}.wav").touch()
    async with studio.open() as part:
        assert studio.files == [done.file_name]
        await until(lambda: len(studio.desk.jobs) == 3)
        assert begun.id in studio.desk.jobs[-1].output
        studio.desk.finish()
        await until(lambda: len(studio.desk.jobs) == 4)
        assert waiting.id in studio.desk.jobs[-1].output
        assert await state_of(part, done) is CompositionState.COMPLETED


async def test_a_start_deletes_nothing_that_it_did_not_make(studio: Studio) -> None:
    """As after the database was changed for another one, or somebody kept notes beside it."""
    unknown = f"{'b' * 32}.mp4"
    (studio.folder / "notes").mkdir(parents=True)
    for name in (unknown, f"{unknown}.77.part", "readme.part"):
        (studio.folder / name).touch()
    async with studio.open():
        assert studio.files == [unknown, "notes", "readme.part"]


async def test_a_full_disk_fails_the_composition(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.recordings.tone(CALL, 440, 0.2)
    async with studio.open(render=render_apart, floor=10**18) as part:
        made = await part.create(CALL, SOUND)
        await until(lambda: studio.events[-1] == "failed", deadline=40)
        found = await part.find(made.id)
        assert found is not None
        assert "are free on the disk" in found.failure
        assert studio.files == []


async def test_only_its_owner_may_read_a_file(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.recordings.tone(CALL, 440, 0.2)
    async with studio.open(render=render_apart) as part:
        made = await part.create(CALL, SOUND)
        await until(lambda: studio.events[-1] == "available", deadline=40)
        assert os.stat(part.path_of(made)).st_mode & 0o777 == 0o600


async def test_compositions_are_found_by_what_they_are(studio: Studio) -> None:
    seconds = iter(range(1, 100))
    async with studio.open(clock=lambda: float(next(seconds)), at_once=9) as part:
        first = await part.create(CALL, SOUND)
        await until(lambda: studio.desk.jobs)
        second = await part.create("d" * 32, SOUND)
        third = await part.create(CALL, SOUND)
        await render_call_recording(part, "e" * 32, CALL, format=FileFormat.WAV, periods=())
        await part.delete(third.id)

        async def ids(**filters: Any) -> list[str]:
            return [item.id for item in await part.list(CompositionQuery(**filters), ALL)]

        assert await ids() == [third.id, second.id, first.id]
        assert await ids(call=CALL) == [third.id, first.id]
        assert await ids(state=CompositionState.DELETED) == [third.id]
        assert await ids(after=first.created_at + 0.5) == [third.id, second.id]
        assert await ids(before=first.created_at) == [first.id]


# ------------------------------------------------------------------ hooks


async def test_an_enabled_hook_makes_one_composition_of_each_room(studio: Studio) -> None:
    call = uuid.uuid4().hex
    studio.recordings.tone(call, 440, 0.1)
    async with studio.open(at_once=9) as part:
        hook = await part.hooks.create("all", GRID)
        await part.hooks.create("none", GRID, is_enabled=False)
        studio.recordings.is_settled.clear()
        part.recording_completed(call)
        part.recording_completed(call)
        studio.recordings.is_settled.set()
        await until(lambda: studio.news)
        # A call without recordings, and one that goes on.
        part.recording_completed(uuid.uuid4().hex)
        live = uuid.uuid4().hex
        studio.recordings.tone(live, 440, 0.1)
        studio.live.add(live)
        part.recording_completed(live)
        await until(lambda: not part._ordering)
        (made,) = await part.list(CompositionQuery(), ALL)
        assert (made.call, made.hook, made.order) == (call, hook.id, GRID)
    async with studio.open() as part:
        part.recording_completed(call)
        await until(lambda: not part._ordering)
        assert len(await part.list(CompositionQuery(), ALL)) == 1


def ended(reason: EndReason, *, is_session: bool) -> ServerCall:
    """A call in a room, which nobody joined."""
    calls = Calls(rooms=Rooms(), later=lambda _, __: Timeless())
    if is_session:
        call = calls.create()
    else:
        room = calls.rooms.create()
        call = calls.resolve(wire.RoomLocator(room=room.id), SOMEBODY)
    call.end(reason)
    return call


async def test_a_room_that_goes_on_after_the_service_stops_is_not_over(studio: Studio) -> None:
    twilio = ended(endings.SERVICE_STOPPED, is_session=True)
    completed = ended(endings.ROOM_COMPLETED, is_session=True)
    azure = ended(endings.SERVICE_STOPPED, is_session=False)
    for call in (twilio, completed, azure):
        studio.recordings.tone(call.id, 440, 0.1)
    async with studio.open(at_once=9) as part:
        await part.hooks.create("all", GRID)
        for call in (twilio, completed, azure):
            part.call_ended(call)
        # What was ordered is ordered although the service closes at once.
    async with studio.open() as part:
        made = await part.list(CompositionQuery(), ALL)
        assert {item.call for item in made} == {completed.id, azure.id}


async def test_nothing_is_begun_after_the_close(studio: Studio) -> None:
    async with studio.open() as part:
        await part.hooks.create("all", GRID)
    part.recording_completed(CALL)
    assert not part._ordering


# ------------------------------------------------------------------ recordings of whole calls


async def test_the_file_of_a_call_recording_has_no_pauses(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.recordings.tone(CALL, 440, 2.0, offset_ms=0)
    studio.recordings.tone(CALL, 1000, 2.0, offset_ms=0, identity="ben")
    async with studio.open(render=render_apart) as part:
        periods = kept_periods(EPOCH, EPOCH + 2.0, [(EPOCH + 0.5, EPOCH + 1.0)])
        made = await render_call_recording(
            part,
            "e" * 32,
            CALL,
            format=FileFormat.WAV,
            periods=periods,
            is_unmixed=True,
            channels=["ben"],
        )
        again = await render_call_recording(part, "e" * 32, CALL, format=FileFormat.WAV, periods=())
        assert again.order == made.order
        await until(lambda: studio.events[-1] == "available", deadline=40)
        _, done = studio.news[-1]
        assert (done.id, done.purpose) == ("e" * 32, Purpose.CALL_RECORDING)
        path = part.path_of(done)
        assert abs(lengths(path)["audio"] - 1.5) < 0.1
        ben, ann = levels(path, 1000)
        assert min(ben[1:14]) > 6000
        assert max(ann[1:14]) < 400


async def test_a_recording_of_a_call_that_stops_becomes_a_file(studio: Studio) -> None:
    studio.recordings.tone(CALL, 440, 2.0, offset_ms=0)
    recording = CallRecording(
        id="e" * 32,
        call_id=CALL,
        content=RecordingContent.AUDIO,
        channels=RecordingChannels.UNMIXED,
        format=RecordingFormat.WAV,
        started_at=EPOCH,
        participants=("ann",),
        pauses=[(EPOCH + 0.5, EPOCH + 1.0)],
    )
    async with studio.open() as part:
        observe = call_recording_observer(part)
        observe(recording)
        recording.state, recording.stopped_at = RecordingState.STOPPED, EPOCH + 9.0
        observe(recording)
        observe(recording)
        await until(lambda: studio.desk.jobs)
        (job,) = studio.desk.jobs
        # Not longer than what was recorded.
        assert job.periods == ((EPOCH, EPOCH + 0.5), (EPOCH + 1.0, EPOCH + 2.0))
        assert job.audio == AudioPart(channels=1, rate=16_000, unmixed=("ann",))
        assert (job.format, job.video, job.is_trimmed) == (FileFormat.WAV, None, False)


async def test_what_is_ordered_before_the_start_waits_for_it(studio: Studio) -> None:
    async with studio.open(is_started=False) as part:
        await part.create(CALL, SOUND)
        await part.start()
        await until(lambda: studio.desk.jobs)
        assert len(part._tasks) == 1


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        ([], ((10.0, 20.0),)),
        ([(12.0, 13.0)], ((10.0, 12.0), (13.0, 20.0))),
        ([(10.0, 13.0), (15.0, None)], ((13.0, 15.0),)),
        ([(10.0, None)], ()),
    ],
)
def test_pauses_are_what_is_not_kept(
    pauses: list[tuple[float, float | None]], expected: tuple[tuple[float, float], ...]
) -> None:
    assert kept_periods(10.0, 20.0, pauses) == expected
