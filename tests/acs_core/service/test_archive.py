"""What the service remembers: after it was stopped, after it was killed, and for how long."""

from __future__ import annotations

import asyncio
import shutil
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table, func, select

from acs_core import wire
from acs_core.core.facts import ParticipantRole
from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL, TrackRule
from acs_core.errors import ServiceError
from acs_core.service.app import CallingService
from acs_core.service.archive import MARKS_KEPT, Archive
from acs_core.service.automation.bodies import StartRecording
from acs_core.service.automation.events import EventOutlet
from acs_core.service.automation.recordings import CallRecordings
from acs_core.service.calls import Calls
from acs_core.service.endpoints import EndpointObserver
from acs_core.service.history import History
from acs_core.service.identity import IdentityRegistry, Principal, PrincipalKind
from acs_core.service.identity_store import IdentityRecord, MemoryIdentityStore
from acs_core.service.rooms import RoomKind, RoomOptions, Rooms
from acs_core.service.server_call import ServerCall
from acs_core.service.settings import ServiceSettings, new_access_key
from acs_core.service.store.call_recordings import CALL_RECORDINGS
from acs_core.service.store.calls import CALLS, VISITS, VisitFilter, Window
from acs_core.service.store.database import Database
from acs_core.service.store.identities import IDENTITIES
from acs_core.service.store.rooms import ROOMS, RoomFilter
from tests.support.events import until

KEY = new_access_key()
ALL = Window(limit=1000)
GROUP = wire.GroupLocator(group_id=str(uuid.UUID(int=1)))
HOWS = pytest.mark.parametrize("how", ["stopped", "killed"])


def somebody(name: str = "ann") -> Principal:
    return Principal(f"8:acs:r_{name}", PrincipalKind.TWILIO, 2e9, display_name=name)


def enter(service: CallingService, place: wire.Locator, name: str = "ann") -> str:
    """The id of an endpoint without a network."""
    call = service.calls.resolve(place, somebody(name))
    return call.join(uuid.uuid4().hex, somebody(name), EndpointObserver()).id


class Place:
    """A data directory, and the services that use it one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._generation = 0
        self._stack = AsyncExitStack()

    async def start(self) -> CallingService:
        settings = ServiceSettings(
            port=0,
            media_port=0,
            acs_access_key=KEY,
            data_dir=self._folder / str(self._generation),
        )
        return await self._stack.enter_async_context(CallingService(settings))

    async def restart(self, service: CallingService, how: str) -> CallingService:
        """Stop it and start it again, or start one from what is on its disk at this moment."""
        if how == "stopped":
            await self.close()
        else:
            await service.database.flush()
            before = self._folder / str(self._generation)
            self._generation += 1
            shutil.copytree(before, self._folder / str(self._generation))
        return await self.start()

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.close()


@HOWS
async def test_users_and_what_was_taken_from_them_survive(place: Place, how: str) -> None:
    service = await place.start()
    assert service.identities is not None
    now = time.time()
    names = [service.identities.create(now=now) for _ in range(3)]
    service.identities.revoke(names[1], now=now)
    service.identities.delete(names[2], now=now)
    again = (await place.restart(service, how)).identities
    assert again is not None
    assert again.issue(names[0], ["voip"], now=now).token
    assert again.accepts(names[0], issued_at=now)
    assert not again.accepts(names[1], issued_at=now)
    assert again.accepts(names[1], issued_at=now + 0.1)
    assert not again.accepts(names[2], issued_at=now + 0.1)
    with pytest.raises(ServiceError):
        again.issue(names[2], ["voip"], now=now)


@HOWS
async def test_rooms_with_members_survive_as_they_were_left(place: Place, how: str) -> None:
    service = await place.start()
    begin = datetime(2031, 1, 2, 3, 4, 5, 678901, UTC)
    board = service.rooms.create(
        unique_name="board",
        members={"8:acs:a": ParticipantRole.PRESENTER, "8:acs:b": ParticipantRole.ATTENDEE},
        valid_from=begin,
    )
    service.rooms.set_members(board, {"8:acs:c": ParticipantRole.CONSUMER})
    service.rooms.remove_members(board, ["8:acs:a"])
    service.rooms.set_validity(board, valid_until=begin + timedelta(hours=1))
    open_room = service.rooms.create(valid_from=datetime.max.replace(tzinfo=UTC) - timedelta(1))
    gone = service.rooms.create(unique_name="gone")
    service.rooms.delete(gone)
    again = (await place.restart(service, how)).rooms
    found = again.find("board")
    assert found is not None
    assert found is again.find(board.id)
    assert found.members == {
        "8:acs:b": ParticipantRole.ATTENDEE,
        "8:acs:c": ParticipantRole.CONSUMER,
    }
    assert (found.valid_from, found.valid_until) == (begin, begin + timedelta(hours=1))
    assert (found.created_at, found.is_session) == (board.created_at, False)
    kept = again.find(open_room.id)
    assert kept is not None
    assert (kept.members, kept.valid_until) == (None, open_room.valid_until)
    assert again.find("gone") is again.find(gone.id) is None
    assert again.sessions == 0


@HOWS
async def test_a_twilio_room_goes_on_with_its_sid_options_and_rules(place: Place, how: str) -> None:
    service = await place.start()
    options = RoomOptions(
        kind=RoomKind.GROUP_SMALL,
        max_participants=3,
        video_codecs=("h264",),
        empty_timeout=60.0,
        recording_rules=INCLUDE_ALL,
        transcription={"language": ["de", {"x": None}]},
        status_callback="https://example.com/",
    )
    first = service.calls.create(unique_name="daily", options=options)
    rules = (*EXCLUDE_ALL, TrackRule(is_include=True, kind="audio", publisher="ann"))
    first.set_recording_rules(rules)
    unnamed = service.calls.create()
    again = await place.restart(service, how)
    resumed = again.calls.find_room("daily")
    assert resumed is not None
    assert (resumed.id, resumed.is_resumed) == (first.id, True)
    assert resumed.room is not None
    assert (resumed.room.options, resumed.recording_rules) == (options, rules)
    assert resumed.record.started_at == first.record.started_at
    assert resumed.is_waiting
    assert set(again.calls.live) == {first.id, unnamed.id}
    assert again.rooms.sessions == 2
    with pytest.raises(ServiceError) as taken:
        again.calls.create(unique_name="daily")
    assert taken.value.sub_code == 53113
    assert resumed.join("e" * 32, somebody(), EndpointObserver()).call is resumed


async def test_a_room_that_goes_on_waits_as_long_as_a_new_one(place: Place) -> None:
    service = await place.start()
    short = RoomOptions(empty_timeout=0.2, unused_timeout=600.0)
    used = service.calls.create(unique_name="used", options=short)
    service.calls.create(unique_name="new", options=short)
    enter(service, wire.RoomLocator(room="used"))
    before = time.time()
    again = await place.restart(service, "killed")
    await until(lambda: used.id not in again.calls.live)
    assert again.calls.find_room("new") is not None
    record = await again.history.find(used.id)
    assert record is not None
    assert record.ended_at is not None
    assert record.ended_at >= before + 0.2
    # Completed for good.
    third = await place.restart(again, "killed")
    assert {room.unique_name for room in third.rooms.records} == {"new"}


@HOWS
async def test_visits_and_other_calls_end_with_the_service(place: Place, how: str) -> None:
    service = await place.start()
    board = service.rooms.create(unique_name="board")
    enter(service, wire.RoomLocator(room="daily"), "ann")
    enter(service, wire.RoomLocator(room="board"), "ben")
    enter(service, GROUP, "tom")
    ids = {call.room.unique_name if call.room else "": call.id for call in live(service)}
    again = await place.restart(service, how)
    assert set(again.calls.live) == {ids["daily"]}
    for name, call_id in ids.items():
        record = await again.history.find(call_id)
        assert record is not None
        assert (record.ended_at is None) is (name == "daily")
        (visit,) = await again.history.visits(call_id, VisitFilter(), ALL)
        assert visit.left_at is not None
        assert visit.left_at >= visit.arrived_at
    assert again.rooms.find(board.id) is not None


def live(service: CallingService) -> list[ServerCall]:
    return list(service.calls.live.values())


async def test_what_is_half_done_is_not_shown_as_done(place: Place) -> None:
    service = await place.start()
    room = service.rooms.create(unique_name="half", is_session=True)
    again = await place.restart(service, "killed")
    assert again.calls.find_room("half") is None
    assert again.rooms.find(room.id) is None
    assert again.calls.create(unique_name="half")


async def test_test_calls_are_not_remembered(place: Place) -> None:
    service = await place.start()
    probe = wire.ProbeLocator(probe_id=str(uuid.uuid4()))
    call = service.calls.resolve(probe, somebody())
    call.join("e" * 32, somebody(), EndpointObserver())
    assert await service.history.find(call.id) is None
    call.complete()
    assert await service.history.find(call.id) is None


async def test_what_was_made_before_the_start_is_kept_too(tmp_path: Path) -> None:
    folder = Place(tmp_path)
    service = await folder.start()
    await folder.close()
    early = CallingService(service.settings)
    room = early.rooms.create(unique_name="early")
    raw_id, _ = early.issue_user_token()
    async with early:
        pass
    again = await folder.start()
    assert again.rooms.find("early").id == room.id  # type: ignore[union-attr]
    assert again.identities is not None
    assert again.identities.issue(raw_id, ["voip"], now=1.0).token
    await folder.close()


# ---------------------------------------------------------------- forgetting


class Desk:
    """An archive with a clock that can be set, and calls that nobody serves."""

    def __init__(self, database: Database, *, retention: float | None) -> None:
        self.now = 1000.0
        self.database = database
        self.users = MemoryIdentityStore()
        self.calls = Calls(
            rooms=Rooms(clock=lambda: self.now),
            on_started=lambda call: self.archive.call_started(call),
            on_ended=lambda call: self.archive.call_ended(call),
            on_fact=lambda call, fact: self.archive.committed(call, fact),
            clock=lambda: self.now,
        )
        self.archive = Archive(
            self.calls,
            self.users,
            lambda: database,
            retention=retention,
            batch=50,
            clock=lambda: self.now,
        )
        self.history = History(lambda: database)

    async def rows(self, table: Table) -> int:
        row = await self.database.first(select(func.count()).select_from(table))
        assert row is not None
        return int(row[0])


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    opened = await Database.open()
    yield opened
    await opened.close()


async def test_rooms_come_back_in_order_of_creation(database: Database) -> None:
    desk = Desk(database, retention=None)
    await desk.archive.start()
    made = {}
    # The order of rows is the database's business, and clocks are set back.
    for second in (3.0, 1.0, 2.0):
        desk.now = second
        made[second] = desk.calls.rooms.create().id
    await desk.archive.close()
    again = Desk(database, retention=None)
    await again.archive.start()
    found = [room.id for room in again.calls.rooms.records]
    assert found == [made[1.0], made[2.0], made[3.0]]
    await again.archive.close()


async def test_what_goes_on_is_known_after_the_restart_only(database: Database) -> None:
    desk = Desk(database, retention=None)
    await desk.archive.start()
    room = desk.calls.create(unique_name="daily")
    await desk.archive.close()
    again = Desk(database, retention=None)
    await again.archive.start()
    asked = asyncio.create_task(again.archive.is_over(room.id))
    await again.database.flush()
    assert not asked.done()
    await again.archive.resume()
    assert not await asked
    assert await again.archive.is_over("0" * 32)
    await again.archive.close()


async def test_calls_are_forgotten_when_they_ended_long_enough_ago(database: Database) -> None:
    desk = Desk(database, retention=100.0)
    await desk.archive.start()
    for number in range(120):
        call = desk.calls.create(unique_name=f"{number}")
        endpoint = call.join(f"{number:032x}", somebody(), EndpointObserver())
        if number < 119:
            endpoint.leave()
            call.complete()
    board = desk.calls.rooms.create(unique_name="board")
    desk.calls.resolve(wire.RoomLocator(room="board"), somebody()).complete()
    desk.now += 50.0
    late = desk.calls.create(unique_name="late")
    late.complete()
    desk.now += 51.0
    await desk.archive.forget_old()
    left = {record.id for record in await desk.history.in_rooms(RoomFilter(), ALL)}
    assert left == {late.id, *desk.calls.live}
    assert (await desk.rows(CALLS), await desk.rows(VISITS), await desk.rows(ROOMS)) == (2, 1, 3)
    desk.calls.rooms.delete(board)
    desk.now += 101.0
    await desk.archive.forget_old()
    assert await desk.rows(ROOMS) == 1
    await desk.archive.close()


async def test_with_a_call_its_recordings_are_forgotten(database: Database) -> None:
    desk = Desk(database, retention=100.0)
    await desk.archive.start()
    recordings = CallRecordings(lambda: database, EventOutlet(), lambda: desk.now)
    for name in ("old", "new"):
        call = desk.calls.create(unique_name=name)
        recordings.start(call, StartRecording())
        call.complete()
        recordings.call_ended(call)
        desk.now += 60.0
    await desk.archive.forget_old()
    rows = await database.all(select(CALL_RECORDINGS))
    assert [row.call_id for row in rows] == [call.id]
    await desk.archive.close()


async def test_without_a_retention_nothing_is_forgotten(database: Database) -> None:
    desk = Desk(database, retention=None)
    await desk.archive.start()
    desk.calls.create(unique_name="daily").complete()
    desk.now += 1e9
    await desk.archive.forget_old()
    assert (await desk.rows(CALLS), await desk.rows(ROOMS)) == (1, 1)
    await desk.archive.close()


async def test_marks_of_deleted_users_go_when_their_tokens_have_expired(database: Database) -> None:
    desk = Desk(database, retention=None)
    await desk.archive.start()
    registry = IdentityRegistry(access_key=b"k" * 32, resource_id="r", store=desk.users)
    gone, stays = registry.create(now=desk.now), registry.create(now=desk.now)
    registry.delete(gone, now=desk.now)
    registry.revoke(stays, now=desk.now)
    desk.now += MARKS_KEPT - 1
    await desk.archive.forget_old()
    assert (await desk.rows(IDENTITIES), len(desk.users.records)) == (2, 2)
    desk.now += 2
    await desk.archive.forget_old()
    assert (await desk.rows(IDENTITIES), len(desk.users.records)) == (1, 1)
    await desk.archive.close()
    desk.users.put(IdentityRecord("8:acs:late", created_at=1.0))
    assert await desk.rows(IDENTITIES) == 1


async def test_a_call_that_nobody_managed_to_join_is_forgotten(database: Database) -> None:
    desk = Desk(database, retention=None)
    call = desk.calls.resolve(wire.RoomLocator(room="daily"), somebody())
    assert await desk.history.find(call.id) is not None
    desk.calls.discard_if_empty(call)
    assert await desk.history.find(call.id) is None


def test_the_retention_is_given_in_days() -> None:
    def seconds(days: float) -> float | None:
        return ServiceSettings(acs_access_key=KEY, retention_days=days).retention

    assert (seconds(0.5), seconds(0)) == (43200.0, None)
    assert ServiceSettings(acs_access_key=KEY).retention == 30 * 86400.0
