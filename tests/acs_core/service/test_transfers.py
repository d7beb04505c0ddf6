from __future__ import annotations

import pytest

from acs_core import wire
from acs_core.core.facts import CallType, CallTypeChanged
from acs_core.errors import CallingError
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms
from acs_core.service.transfers import Transfers
from acs_core.wire import TransferState

FIRST = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
SECOND = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000002")


class Reader(EndpointObserver):
    def __init__(self) -> None:
        self.notices: list[wire.Notice] = []

    def on_notice(self, notice: wire.Notice) -> None:
        self.notices.append(notice)

    @property
    def states(self) -> list[tuple[TransferState, int, int]]:
        return [
            (item.state, item.code, item.sub_code)
            for item in self.notices
            if isinstance(item, wire.TransferChanged)
        ]


def enter(
    calls: Calls, place: wire.Locator, user: str, key: str = "", kind: str = "acs"
) -> tuple[Endpoint, Reader]:
    who = Principal(f"8:acs:r_{user}", PrincipalKind(kind), 2e9)
    reader = Reader()
    return calls.resolve(place, who).join((key or user) * 32, who, reader), reader


def dialed(endpoint: Endpoint) -> None:
    endpoint.call.commit(CallTypeChanged(call_type=CallType.ONE_TO_ONE))


def asking(endpoint: Endpoint, *, participant: str = "", call: str = "") -> wire.Transfer:
    return wire.Transfer(endpoint=endpoint.id, transfer="t", participant=participant, call=call)


async def test_only_calls_between_two_that_were_dialed_are_transferred() -> None:
    calls = Calls(rooms=Rooms())
    transfers = Transfers(calls)
    anna, _ = enter(calls, FIRST, "a")
    codes = []
    for change in (
        lambda: None,
        lambda: enter(calls, FIRST, "b"),
        lambda: (dialed(anna), enter(calls, FIRST, "c")),
    ):
        change()
        with pytest.raises(CallingError) as caught:
            transfers.begin(anna, asking(anna, participant="8:acs:r_d"))
        codes.append((caught.value.code, caught.value.sub_code))
    assert codes == [(400, 46051)] * 3


async def test_somebody_is_sent_once_at_a_time_and_only_they_report() -> None:
    calls = Calls(rooms=Rooms())
    transfers = Transfers(calls)
    anna, heard = enter(calls, FIRST, "a")
    ben, told = enter(calls, FIRST, "b")
    dialed(anna)
    transfers.begin(anna, asking(anna, participant="8:acs:r_c"))
    (request,) = told.notices
    assert isinstance(request, wire.TransferRequested)
    assert request.locator == wire.DialLocator(callees=("8:acs:r_c",), transfer="t")
    report = wire.ReportTransfer(endpoint=ben.id, transfer="t", state=TransferState.FAILED)
    codes = []
    for attempt in (
        lambda: transfers.begin(anna, asking(anna, participant="8:acs:r_d")),
        lambda: transfers.report(anna, report),
    ):
        with pytest.raises(CallingError) as caught:
            attempt()
        codes.append(caught.value.code)
    assert codes == [409, 404]
    transfers.report(ben, report)
    assert heard.states == [(TransferState.FAILED, 500, 46050)]
    with pytest.raises(CallingError):
        transfers.report(ben, report)


async def test_a_call_as_target_must_be_one_of_the_transferor() -> None:
    calls = Calls(rooms=Rooms())
    transfers = Transfers(calls)
    anna, _ = enter(calls, FIRST, "a")
    ben, told = enter(calls, FIRST, "b")
    other, _ = enter(calls, SECOND, "a", "e")
    cleo, _ = enter(calls, SECOND, "c")
    dialed(anna)
    codes = []
    for target in (other.id, cleo.id, anna.id, "f" * 32):
        if target != other.id and not codes[1:]:
            dialed(other)
        with pytest.raises(CallingError) as caught:
            transfers.begin(anna, asking(anna, call=target))
        codes.append((caught.value.code, caught.value.sub_code))
    assert codes == [(400, 46052)] * 4
    transfers.begin(anna, asking(anna, call=other.id))
    (request,) = told.notices
    assert isinstance(request, wire.TransferRequested)
    assert isinstance(request.locator, wire.InvitationLocator)
    assert ben.principal.raw_id in other.call.roster.pending
    stays = wire.ReportTransfer(
        endpoint=ben.id, transfer="t", state=TransferState.FAILED, code=603, sub_code=46050
    )
    transfers.report(ben, stays)
    assert other.call.roster.pending == {}
    with pytest.raises(CallingError):
        calls.resolve(request.locator, ben.principal)


async def test_nobody_is_replaced_by_somebody_who_did_not_come() -> None:
    calls = Calls(rooms=Rooms())
    transfers = Transfers(calls)
    anna, heard = enter(calls, FIRST, "a")
    ben, _ = enter(calls, FIRST, "b")
    other, _ = enter(calls, SECOND, "a", "e")
    cleo, _ = enter(calls, SECOND, "c")
    dialed(anna)
    dialed(other)
    transfers.begin(anna, asking(anna, call=other.id))
    lie = wire.ReportTransfer(endpoint=ben.id, transfer="t", state=TransferState.TRANSFERRED)
    with pytest.raises(CallingError) as caught:
        transfers.report(ben, lie)
    assert caught.value.code == 409
    assert all(endpoint.is_in_call for endpoint in (anna, ben, other, cleo))
    assert heard.states == []
