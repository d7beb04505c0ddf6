"""A service whose database is PostgreSQL: the same questions, in another dialect."""

from __future__ import annotations

from pathlib import Path

from acs_core import wire
from acs_core.service.app import CallingService
from acs_core.service.endpoints import EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.settings import ServiceSettings, new_access_key
from acs_core.service.store.calls import VisitFilter, Window
from acs_core.service.store.rooms import RoomFilter


def visit(service: CallingService, room: str, number: int) -> None:
    """Somebody without a network comes and goes."""
    who = Principal("8:acs:r_ann", PrincipalKind.TWILIO, 2e9, display_name="ann")
    call = service.calls.resolve(wire.RoomLocator(room=room), who)
    call.join(f"{number:032x}", who, EndpointObserver()).leave()


async def test_rooms_survive_and_history_is_read_in_pages(
    postgres_url: str, tmp_path: Path
) -> None:
    settings = ServiceSettings(
        port=0,
        media_port=0,
        acs_access_key=new_access_key(),
        data_dir=tmp_path,
        database_url=postgres_url,
    )
    async with CallingService(settings) as service:
        calls = [service.calls.create(unique_name=f"{number}") for number in range(5)]
        for number in range(3):
            visit(service, "0", number)
        for call in calls[:4]:
            call.complete()
        board = service.rooms.create(unique_name="board")
        raw_id, _ = service.issue_user_token()
    async with CallingService(settings) as service:
        assert set(service.calls.live) == {calls[4].id}
        assert service.rooms.find("board") is not None
        assert service.rooms.find(board.id) is not None
        assert service.identities is not None
        assert service.identities.issue(raw_id, ["voip"], now=1.0).token
        history, ended = service.history, RoomFilter(is_over=True)
        first = await history.in_rooms(ended, Window(limit=3))
        last = (first[-1].started_at, first[-1].id)
        rest = await history.in_rooms(ended, Window(limit=3, after=last))
        expected = [call.id for call in reversed(calls[:4])]
        assert [record.id for record in (*first, *rest)] == expected
        (named,) = await history.in_rooms(RoomFilter(name="2"), Window(limit=3))
        assert named.id == calls[2].id
        assert await history.in_rooms(RoomFilter(name="a\0b"), Window(limit=3)) == []
        (one,) = await history.visits(
            calls[0].id, VisitFilter(is_over=True), Window(limit=1, offset=1)
        )
        assert one.id == f"{1:032x}"
        after = Window(limit=5, after=(one.arrived_at, one.id))
        (two,) = await history.visits(calls[0].id, VisitFilter(identity="ann"), after)
        assert two.id == f"{2:032x}"
