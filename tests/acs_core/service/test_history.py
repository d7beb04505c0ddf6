from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from acs_core.service.history import VISITS, CallRecord, History
from acs_core.service.store.calls import VISITS as VISITS_TABLE
from acs_core.service.store.calls import VisitFilter, Window
from acs_core.service.store.database import Database


def test_a_visit_lasts_from_arrival_to_departure() -> None:
    record = CallRecord("a", None, 0.0)
    record.arrived("e", "anna", now=1.0)
    record.arrived("f", "ben", now=2.0)
    record.left("e", now=3.0)
    record.left("unknown", now=3.0)
    visit = record.visits["e"]
    assert (visit.identity, visit.arrived_at, visit.left_at) == ("anna", 1.0, 3.0)
    assert record.visits["f"].left_at is None
    record.arrived("e", "anna", now=4.0)
    assert list(record.visits) == ["f", "e"]
    assert record.visits["e"].left_at is None


def test_visits_are_bounded_but_nobody_present_is_forgotten() -> None:
    record = CallRecord("a", None, 0.0)
    record.arrived("stays", "anna", now=0.0)
    for number in range(VISITS + 10):
        record.arrived(str(number), "ben", now=1.0)
        record.left(str(number), now=2.0)
    assert len(record.visits) == VISITS
    assert next(iter(record.visits)) == "stays"
    crowd = CallRecord("b", None, 0.0)
    for number in range(VISITS + 1):
        crowd.arrived(str(number), "ben", now=1.0)
    assert len(crowd.visits) == VISITS + 1


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    opened = await Database.open()
    yield opened
    await opened.close()


def put_visit(database: Database, endpoint: str, identity: str, arrived: float) -> None:
    row = {"call_id": "c", "id": endpoint, "identity": identity, "arrived_at": arrived}
    database.put(VISITS_TABLE, row | {"left_at": None})


async def test_who_came_last_of_an_identity_is_found(database: Database) -> None:
    history = History(lambda: database)
    put_visit(database, "e", "ann", 1.0)
    put_visit(database, "f", "ann", 2.0)
    put_visit(database, "g", "ben", 3.0)
    newest = await history.newest_visit("c", "ann")
    assert newest is not None
    assert newest.id == "f"
    assert await history.newest_visit("c", "eve") is None
    assert await history.newest_visit("d", "ann") is None
    assert (await history.visit("c", "e")) is not None
    assert await history.visit("c", "h") is None


async def test_visits_are_filtered_by_time(database: Database) -> None:
    history = History(lambda: database)
    for number in range(4):
        put_visit(database, f"{number}", "ann", float(number))
    wanted = VisitFilter(after=1.0, before=2.0)
    found = await history.visits("c", wanted, Window(limit=10))
    assert [visit.id for visit in found] == ["1", "2"]


async def test_a_visit_can_be_given_another_identity(database: Database) -> None:
    history = History(lambda: database)
    put_visit(database, "e", "ann", 1.0)
    history.rename("c", "e", "somebody")
    assert await history.newest_visit("c", "ann") is None
    assert await history.newest_visit("c", "somebody") is not None


async def test_a_call_that_never_was_is_not_found(database: Database) -> None:
    history = History(lambda: database)
    assert await history.find("0" * 32) is None
    assert await history.find("a\0") is None
