from __future__ import annotations

import uuid
from typing import Any

import pytest

from acs_core import wire
from acs_core.compositing.job import AudioPart, FileFormat
from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.errors import ServiceError
from acs_core.service.calls import Calls
from acs_core.service.compositions import CompositionOrder
from acs_core.service.compositions.hooks import CompositionHooks
from acs_core.service.compositions.model import CompositionQuery, HookQuery
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.recording.info import RecordingInfo, RecordingStatus
from acs_core.service.rooms import Rooms
from acs_core.service.server_call import ServerCall
from acs_core.service.store.calls import CALLS
from acs_core.service.store.database import Database
from acs_core.service.store.recordings import RECORDINGS
from tests.support.composing import ALL, CALL, GRID, SOUND, Studio
from tests.support.events import until

STEREO = CompositionOrder(format=FileFormat.MP4, audio=AudioPart())
SOMEBODY = Principal("8:acs:r_ann", PrincipalKind.ACS, 2e9)


async def test_hooks_are_made_changed_found_and_deleted() -> None:
    seconds = iter(range(1, 100))
    database = await Database.open()
    hooks = CompositionHooks(
        lambda: database, lambda: float(next(seconds)), lambda: uuid.uuid4().hex
    )
    first = await hooks.create("a_b", SOUND)
    second = await hooks.create("axb*", STEREO, is_enabled=False)
    with pytest.raises(ServiceError) as caught:
        await hooks.create("a_b", SOUND)
    assert caught.value.code == 409
    with pytest.raises(ServiceError):
        await hooks.update(second.id, "a_b", SOUND, is_enabled=True)
    changed = await hooks.update(first.id, "a_b", STEREO, is_enabled=False)
    assert (changed.order, changed.is_enabled) == (STEREO, False)
    assert changed.updated_at is not None
    assert await hooks.find(first.id) == changed

    async def names(**filters: Any) -> list[str]:
        return [hook.name for hook in await hooks.list(HookQuery(**filters), ALL)]

    assert await names() == ["axb*", "a_b"]
    assert await names(name="A_b") == ["a_b"]
    assert await names(name="a*b") == ["a_b"]
    assert await names(name="a*") == ["axb*", "a_b"]
    assert await names(is_enabled=True) == []
    assert await names(before=first.created_at) == ["a_b"]
    assert await names(after=second.created_at) == ["axb*"]
    await hooks.delete(first.id)
    assert await names() == ["axb*"]
    for wrong in (
        hooks.delete(first.id),
        hooks.update("x", "y", SOUND, is_enabled=True),
    ):
        with pytest.raises(ServiceError) as caught:
            await wrong
        assert caught.value.code == 404
    await database.close()


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


class Timeless:
    """A timer that never fires."""

    def cancel(self) -> None:
        """Do nothing."""


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


def leave(
    studio: Studio,
    *,
    ended_at: float | None,
    status: RecordingStatus = RecordingStatus.COMPLETED,
    room: str | None = "daily",
) -> str:
    """A call as a service leaves it in the database that is killed when a room ends."""
    call, one = uuid.uuid4().hex, uuid.uuid4().hex
    row = {"id": call, "type": "room", "room_id": room, "recording_rules": []}
    studio.database.put(CALLS, row | {"started_at": 50.0, "ended_at": ended_at})
    recording = RecordingInfo(
        id=one,
        call=call,
        room=room,
        endpoint=one,
        identity="ann",
        publication=one,
        name="microphone",
        kind="audio",
        codec="OPUS",
        container="mka",
        status=status,
        created_at=60.0,
        offset_ms=60_000,
    )
    studio.database.put(RECORDINGS, recording.as_row())
    studio.recordings.tone(call, 440, 0.1)
    return call


async def test_a_start_makes_what_a_killed_service_did_not_come_to_order(studio: Studio) -> None:
    async with studio.open(clock=lambda: 100.0, at_once=9) as part:
        hook = await part.hooks.create("all", GRID)
        late = await part.hooks.create("late", GRID, is_enabled=False)
        done, killed, live = (leave(studio, ended_at=at) for at in (150.0, 150.0, None))
        part.recording_completed(done)
        await until(lambda: not part._ordering)
        # Before there was a hook; nothing to compose any more; not a room.
        leave(studio, ended_at=99.0)
        leave(studio, ended_at=150.0, status=RecordingStatus.DELETED)
        leave(studio, ended_at=150.0, room=None)
        studio.live.add(live)
    async with studio.open(clock=lambda: 200.0, at_once=9) as part:
        await part.hooks.update(late.id, "late", GRID, is_enabled=True)
        await until(lambda: not part._ordering)
        made = await part.list(CompositionQuery(), ALL)
        assert {(item.call, item.hook) for item in made} == {(done, hook.id), (killed, hook.id)}
        assert {item.order.begins_at for item in made if item.call == killed} == {50.0}
    async with studio.open(at_once=9) as part:
        await until(lambda: not part._ordering)
        assert len(await part.list(CompositionQuery(), ALL)) == 2
        studio.live.clear()
    async with studio.open(at_once=9) as part:
        await until(lambda: not part._ordering)
        made = await part.list(CompositionQuery(call=live), ALL)
        assert {item.hook for item in made} == {hook.id, late.id}
