"""Keeps rooms, calls, visits and users in the database, and brings them back after a restart.

Theory of operation. Rooms, calls and users live in memory; this part hears of each change and
writes it behind. What is acknowledged to a client is flushed by whoever acknowledges it. At the
start users and rooms come back, then the calls of rooms that were made for one call, which is what
Twilio's rooms are: with the same id, and waiting for participants. All other calls ended when the
service did, and so did all visits. It makes no difference to that whether the service was stopped
or killed: see `CallRecord.goes_on`.

Calls that ended longer ago than the retention are forgotten, a batch at a time, with their visits
and their rooms, as are the marks of deleted users whose tokens have all expired. `forget_media` is
told then, and deletes what was kept of their sound and pictures.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy import delete, select

from acs_core.core.facts import CallTypeChanged, EndpointJoined, EndpointLeft, Fact
from acs_core.errors import CallingError
from acs_core.service.calls import Calls
from acs_core.service.history import CallRecord
from acs_core.service.identity import LONGEST_LIFETIME
from acs_core.service.identity_store import IdentityRecord, MemoryIdentityStore
from acs_core.service.parts import ServicePart
from acs_core.service.rooms import RoomRecord
from acs_core.service.rows import (
    identity_from_row,
    identity_row,
    room_from_row,
    room_row,
    rules_from_row,
    rules_row,
)
from acs_core.service.server_call import ServerCall
from acs_core.service.store.call_recordings import forget_call_recordings
from acs_core.service.store.calls import (
    CALLS,
    VISITS,
    end_open_visits,
    ended_calls,
    forget_calls,
    forget_visits,
)
from acs_core.service.store.database import Database
from acs_core.service.store.identities import IDENTITIES, forget_identities
from acs_core.service.store.rooms import (
    ROOM_COLUMN,
    ROOMS,
    calls_to_resume,
    end_other_calls,
    existing_rooms,
    forget_rooms,
    retire_rooms,
)
from acs_core.service.store.transcriptions import forget_transcriptions

__all__ = ["Archive"]

_log = logging.getLogger(__name__)

SWEEP_INTERVAL: Final = 3600.0
BATCH: Final = 500
"""Calls that are forgotten in one transaction: others want to write in between."""
MOST_BATCHES: Final = 200
"""Of one round; the next one goes on."""
MARKS_KEPT: Final = 2 * LONGEST_LIFETIME
"""Seconds for which a deleted user's mark stays; twice what its tokens live, for clocks that are
off."""


async def _keep_all(_: float) -> None:
    pass


class Archive(ServicePart):
    """The part of the service that remembers.

    Args:
        calls: The live calls, and their rooms.
        users: The users.
        database: Asked for at each change, since this is made before it is open.
        retention: Seconds for which ended calls are remembered; None for ever.
        sweep_interval: Seconds between two rounds of forgetting.
        batch: Calls that are forgotten in one transaction.
        clock: Unix seconds.

    Attributes:
        forget_media: Told, after calls were forgotten, before when they ended, in Unix seconds.
    """

    def __init__(
        self,
        calls: Calls,
        users: MemoryIdentityStore,
        database: Callable[[], Database],
        *,
        retention: float | None,
        sweep_interval: float = SWEEP_INTERVAL,
        batch: int = BATCH,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.forget_media: Callable[[float], Awaitable[None]] = _keep_all
        self._calls = calls
        self._users = users
        self._database = database
        self._retention = retention
        self._sweep_interval = sweep_interval
        self._batch = batch
        self._clock = clock
        self._sweeper: asyncio.Task[None] | None = None
        # Calls that ended because the service stops; what is completed of them is not all.
        self._going_on: set[str] = set()
        self._has_resumed = asyncio.Event()

    async def start(self) -> None:
        """Bring users and rooms back, and keep them from now on.

        Raises:
            ServiceError: 503, what is stored cannot be read.
        """
        await self._restore_users()
        await self._restore_rooms()
        self._sweeper = asyncio.create_task(self._sweep(), name="retention")

    async def resume(self) -> None:
        """Let Twilio rooms go on that were in progress; after all parts have started.

        Raises:
            ServiceError: 503, what is stored cannot be read.
        """
        database, now = self._database(), self._clock()
        database.write(end_open_visits(now=now))
        database.write(end_other_calls(now=now))
        database.write(retire_rooms(now=now))
        for row in await database.all(calls_to_resume()):
            columns = row._mapping
            room = room_from_row(columns, ROOM_COLUMN)
            self._calls.rooms.restore(room)
            record = CallRecord(row.id, room, row.started_at)
            rules = rules_from_row(row.recording_rules)
            self._calls.resume(record, rules, was_used=bool(row.had_visits))
        self._has_resumed.set()

    async def is_over(self, call_id: str) -> bool:
        """Whether a call does not go on; while the service starts, who asks waits for `resume`."""
        await self._has_resumed.wait()
        return call_id not in self._calls.live and call_id not in self._going_on

    async def close(self) -> None:
        """Keep nothing any more."""
        self._calls.rooms.on_changed = self._calls.rooms.on_deleted = None
        self._users.on_put = None
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper

    # ------------------------------------------------------------ calls

    def call_started(self, call: ServerCall) -> None:
        """Remember that it began, and what its recording rules become."""
        if call.is_probe:
            return
        call.on_rules_changed = lambda: self._put_call(call)
        if not call.is_resumed:
            self._put_call(call)

    def committed(self, call: ServerCall, fact: Fact) -> None:
        """Remember who came and went."""
        if call.is_probe:
            return
        match fact:
            case EndpointJoined(endpoint=endpoint):
                self._put_visit(call, endpoint.id)
            case EndpointLeft(endpoint=endpoint_id):
                self._put_visit(call, endpoint_id)
            case CallTypeChanged():
                self._put_call(call)
            case _:
                pass

    def call_ended(self, call: ServerCall) -> None:
        """Remember that it ended; with it goes the room that was made for it."""
        if call.is_probe:
            return
        has_own_room = call.room is not None and call.room.is_session
        if call.record.is_void:
            self._database().write(delete(VISITS).where(VISITS.c.call_id == call.id))
            self._database().write(delete(CALLS).where(CALLS.c.id == call.id))
        elif call.record.goes_on:
            self._going_on.add(call.id)
            return
        else:
            self._put_call(call)
        if call.room is not None and has_own_room:
            self._mark_deleted(call.room)

    def _put_call(self, call: ServerCall) -> None:
        record = call.record
        row: dict[str, Any] = {
            "id": record.id,
            "type": call.type.value,
            "room_id": None if record.room is None else record.room.id,
            "started_at": record.started_at,
            "ended_at": record.ended_at,
            "recording_rules": rules_row(call.recording_rules),
        }
        self._database().put(CALLS, row)

    def _put_visit(self, call: ServerCall, endpoint_id: str) -> None:
        visit = call.record.visits.get(endpoint_id)
        if visit is not None:
            row = {
                "call_id": call.id,
                "id": visit.id,
                "identity": visit.identity,
                "arrived_at": visit.arrived_at,
                "left_at": visit.left_at,
            }
            self._database().put(VISITS, row)

    # ------------------------------------------------------------ rooms

    async def _restore_rooms(self) -> None:
        rooms = self._calls.rooms
        fresh = list(rooms.records)
        for row in await self._database().all(existing_rooms()):
            rooms.restore(room_from_row(row._mapping))
        rooms.on_changed, rooms.on_deleted = self._put_room, self._room_deleted
        for record in fresh:
            self._put_room(record)

    def _put_room(self, room: RoomRecord) -> None:
        self._database().put(ROOMS, room_row(room))

    def _room_deleted(self, room: RoomRecord) -> None:
        # One that was made for a call is told of by that call's end, which knows the reason.
        if not room.is_session:
            self._mark_deleted(room)

    def _mark_deleted(self, room: RoomRecord) -> None:
        self._database().put(ROOMS, room_row(room, deleted_at=self._clock()))

    # ------------------------------------------------------------ users

    async def _restore_users(self) -> None:
        fresh = list(self._users.records)
        for row in await self._database().all(select(IDENTITIES)):
            self._users.restore(identity_from_row(row._mapping))
        self._users.on_put = self._put_user
        for record in fresh:
            self._users.put(record)

    def _put_user(self, record: IdentityRecord) -> None:
        self._database().put(IDENTITIES, identity_row(record))

    # ------------------------------------------------------------ forgetting

    async def _sweep(self) -> None:
        # Not before everything has started: what others look at then does not vanish meanwhile.
        await self._has_resumed.wait()
        while True:
            try:
                await self.forget_old()
            except CallingError as error:
                _log.warning("old calls were not forgotten: %s", error)
            await asyncio.sleep(self._sweep_interval)

    async def forget_old(self) -> None:
        """Forget what is older than the retention.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        now = self._clock()
        self._forget_users(now - MARKS_KEPT)
        if self._retention is None:
            return
        before, database = now - self._retention, self._database()
        for _ in range(MOST_BATCHES):
            rows = await database.all(ended_calls(before=before, most=self._batch))
            if not rows:
                break
            ids = [row.id for row in rows]
            database.write(forget_visits(ids))
            database.write(forget_transcriptions(ids))
            database.write(forget_call_recordings(ids))
            database.write(forget_calls(ids))
            database.write(forget_rooms(deleted_before=before, most=self._batch))
        # Those of which no call is remembered, too: nobody ever came, or there were no calls.
        database.write(forget_rooms(deleted_before=before, most=self._batch))
        await database.flush()
        await self.forget_media(before)

    def _forget_users(self, before: float) -> None:
        marks = [
            record.raw_id
            for record in self._users.records
            if record.is_deleted and (record.revoked_at or 0.0) < before
        ]
        if marks:
            for raw_id in marks:
                self._users.discard(raw_id)
            self._database().write(forget_identities(deleted_before=before))
