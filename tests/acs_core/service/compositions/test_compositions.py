from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from acs_core.compositing.job import FileFormat
from acs_core.errors import MediaError, ServiceError
from acs_core.service.compositions import Composition, CompositionEvent, CompositionState
from acs_core.service.compositions.call_recordings import render_call_recording
from acs_core.service.compositions.model import CompositionQuery
from acs_core.service.compositions.process import render_apart
from tests.support.composing import ALL, CALL, GRID, SOUND, Studio, state_of
from tests.support.events import until
from tests.support.track_files import RED, lengths, levels


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
        made = [await part.create(CALL, SOUND) for _ in range(3)]
        await until(lambda: len(studio.desk.jobs) == 2)
        assert [await state_of(part, item) for item in made] == [
            CompositionState.PROCESSING,
            CompositionState.PROCESSING,
            CompositionState.ENQUEUED,
        ]


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


async def test_what_is_ordered_before_the_start_waits_for_it(studio: Studio) -> None:
    async with studio.open(is_started=False) as part:
        await part.create(CALL, SOUND)
        await part.start()
        await until(lambda: studio.desk.jobs)
        assert len(part._tasks) == 1
