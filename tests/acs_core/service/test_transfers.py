from __future__ import annotations

import pytest

from acs_core import wire
from acs_core.core import endings
from acs_core.core.custom_context import CustomContext, Header
from acs_core.core.facts import CallType, CallTypeChanged
from acs_core.errors import CallingError
from acs_core.service.calls import Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms
from acs_core.service.switchboard import Switchboard
from acs_core.service.transfers import REMEMBERED, Transfers
from acs_core.wire import TransferState
from tests.support.virtual_clock import VirtualClock

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


def asking(
    endpoint: Endpoint,
    *,
    transfer: str = "t",
    participant: str = "",
    call: str = "",
    caller_id: str = "",
    context: CustomContext | None = None,
) -> wire.Transfer:
    return wire.Transfer(
        endpoint=endpoint.id,
        transfer=transfer,
        participant=participant,
        call=call,
        alternate_caller_id=caller_id,
        context=context or CustomContext(),
    )


def reporting(
    transferee: Endpoint, state: TransferState, transfer: str = "t"
) -> wire.ReportTransfer:
    return wire.ReportTransfer(endpoint=transferee.id, transfer=transfer, state=state)


def virtual() -> tuple[Calls, Transfers, VirtualClock]:
    """Calls and transfers whose timers a test advances; a minute to set out, 85 s to ring."""
    clock = VirtualClock()
    calls = Calls(
        rooms=Rooms(), later=clock.call_later, switchboard=Switchboard(later=clock.call_later)
    )
    return calls, Transfers(calls, later=clock.call_later), clock


def pair(calls: Calls) -> tuple[Endpoint, Reader, Endpoint, Reader]:
    """Anna and Ben in a call between two."""
    anna, heard = enter(calls, FIRST, "a")
    ben, told = enter(calls, FIRST, "b")
    dialed(anna)
    return anna, heard, ben, told


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
        lambda: transfers.begin(anna, asking(anna, transfer="u", participant="8:acs:r_d")),
        lambda: transfers.report(anna, report),
    ):
        with pytest.raises(CallingError) as caught:
            attempt()
        codes.append(caught.value.code)
    assert codes == [409, 404]
    transfers.report(ben, report)
    assert heard.states == [(TransferState.FAILED, 500, 46050)]
    # Clients repeat what may have been lost; another end is none that there was.
    transfers.report(ben, report)
    assert len(heard.states) == 1
    with pytest.raises(CallingError) as caught:
        transfers.report(ben, reporting(ben, TransferState.TRANSFERRED))
    assert caught.value.code == 404


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


async def test_who_has_set_out_may_be_answered_late() -> None:
    calls, transfers, clock = virtual()
    anna, heard, ben, _ = pair(calls)
    transfers.begin(anna, asking(anna, participant="8:acs:r_c"))
    clock.advance(59.0)
    transfers.report(ben, reporting(ben, TransferState.TRANSFERRING))
    clock.advance(85.0)
    transfers.report(ben, reporting(ben, TransferState.TRANSFERRED))
    assert [state for state, *_ in heard.states] == [
        TransferState.TRANSFERRING,
        TransferState.TRANSFERRED,
    ]
    assert not anna.is_in_call
    assert clock.pending == []


async def test_nobody_is_waited_for_without_end() -> None:
    calls, transfers, clock = virtual()
    anna, heard, ben, _ = pair(calls)
    transfers.begin(anna, asking(anna, participant="4:+15550100", caller_id="+15550199"))
    transfers.report(ben, reporting(ben, TransferState.TRANSFERRING))
    clock.advance(170.0)
    transfers.report(ben, reporting(ben, TransferState.TRANSFERRING))
    assert heard.states == [(TransferState.TRANSFERRING, 0, 0)]
    clock.advance(5.0)  # 115 s for a telephone, 60 s to connect.
    assert heard.states[1:] == [(TransferState.FAILED, 408, 46050)]
    transfers.begin(anna, asking(anna, transfer="u", participant="8:acs:r_c"))
    clock.advance(60.0)
    assert heard.states[2:] == [(TransferState.FAILED, 408, 46050)]
    assert anna.is_in_call


async def test_a_transferee_that_vanishes_fails_the_transfer_with_its_reason() -> None:
    calls, transfers, clock = virtual()
    anna, heard, ben, _ = pair(calls)
    other, _ = enter(calls, SECOND, "a", "e")
    enter(calls, SECOND, "c")
    dialed(other)
    transfers.begin(anna, asking(anna, call=other.id))
    assert ben.principal.raw_id in other.call.roster.pending
    ben.call.remove(ben, endings.LINK_LOST)
    assert heard.states == [(TransferState.FAILED, 408, 46050)]
    assert other.is_in_call
    assert other.call.roster.pending == {}
    assert clock.pending == []


async def test_a_transferee_that_hangs_up_after_it_came_was_transferred() -> None:
    calls, transfers, clock = virtual()
    anna, heard, ben, told = pair(calls)
    other, _ = enter(calls, SECOND, "a", "e")
    cleo, news = enter(calls, SECOND, "c")
    dialed(other)
    transfers.begin(anna, asking(anna, call=other.id))
    (request,) = told.notices
    assert isinstance(request, wire.TransferRequested)
    assert isinstance(request.locator, wire.InvitationLocator)
    calls.resolve(request.locator, ben.principal).join(
        request.locator.invitation, ben.principal, Reader()
    )
    ben.leave()
    assert [state for state, *_ in heard.states] == [TransferState.TRANSFERRED]
    assert (anna.is_in_call, other.is_in_call, cleo.is_in_call) == (False, False, True)
    (here,) = [item for item in news.notices if isinstance(item, wire.TransferredHere)]
    assert here.by == anna.principal.raw_id
    assert clock.pending == []


@pytest.mark.parametrize("is_for_everyone", [False, True])
async def test_a_transferor_that_hangs_up_before_the_report_is_replaced_at_once(
    is_for_everyone: bool,
) -> None:
    calls, transfers, clock = virtual()
    anna, _, ben, told = pair(calls)
    other, _ = enter(calls, SECOND, "a", "e")
    cleo, _ = enter(calls, SECOND, "c")
    dialed(other)
    transfers.begin(anna, asking(anna, call=other.id))
    (request,) = told.notices
    assert isinstance(request, wire.TransferRequested)
    assert isinstance(request.locator, wire.InvitationLocator)
    calls.resolve(request.locator, ben.principal).join(
        request.locator.invitation, ben.principal, Reader()
    )
    if is_for_everyone:
        anna.call.end(endings.ENDED_FOR_EVERYONE, by=anna)
    else:
        anna.leave()
    assert (ben.is_in_call, other.is_in_call, cleo.is_in_call) == (False, False, True)
    assert clock.pending == []


async def test_a_transferor_may_hang_up_and_is_still_replaced() -> None:
    calls, transfers, clock = virtual()
    anna, _, ben, told = pair(calls)
    other, _ = enter(calls, SECOND, "a", "e")
    cleo, _ = enter(calls, SECOND, "c")
    dialed(other)
    transfers.begin(anna, asking(anna, call=other.id))
    (request,) = told.notices
    assert isinstance(request, wire.TransferRequested)
    assert isinstance(request.locator, wire.InvitationLocator)
    anna.leave()
    assert not ben.is_in_call
    calls.resolve(request.locator, ben.principal).join(
        request.locator.invitation, ben.principal, Reader()
    )
    clock.advance(0.0)
    names = {endpoint.principal.raw_id for endpoint in cleo.call.endpoints.values()}
    assert names == {"8:acs:r_b", "8:acs:r_c"}
    assert clock.pending == []


async def test_a_service_that_stops_leaves_no_timers() -> None:
    calls, transfers, clock = virtual()
    anna, _, _, _ = pair(calls)
    transfers.begin(anna, asking(anna, participant="8:acs:r_c"))
    assert clock.pending != []
    calls.end_all(endings.SERVICE_STOPPED)
    transfers.close()
    assert clock.pending == []


async def test_what_the_target_gets_along_is_checked() -> None:
    calls, transfers, _ = virtual()
    anna, _, _, told = pair(calls)
    context = CustomContext(voip_headers=(Header(key="case", value="7"),))
    wrong = CustomContext(user_to_user="a b")
    with pytest.raises(CallingError) as caught:
        transfers.begin(anna, asking(anna, participant="8:acs:r_c", context=wrong))
    assert caught.value.code == 400
    transfers.begin(anna, asking(anna, participant="8:acs:r_c", context=context))
    (request,) = told.notices
    assert isinstance(request, wire.TransferRequested)
    assert isinstance(request.locator, wire.DialLocator)
    assert request.locator.context == context


async def test_what_is_asked_twice_is_done_once() -> None:
    calls, transfers, _ = virtual()
    anna, heard, ben, told = pair(calls)
    for _ in range(2):
        transfers.begin(anna, asking(anna, participant="8:acs:r_c"))
    assert len(told.notices) == 1
    transfers.report(ben, reporting(ben, TransferState.FAILED))
    transfers.begin(anna, asking(anna, participant="8:acs:r_c"))
    assert len(told.notices) == 1
    assert len(heard.states) == 1


async def test_what_is_remembered_of_transfers_does_not_grow_with_them() -> None:
    calls, transfers, clock = virtual()
    anna, heard, ben, _ = pair(calls)
    for number in range(REMEMBERED + 5):
        key = f"t{number}"
        transfers.begin(anna, asking(anna, transfer=key, participant="8:acs:r_c"))
        failed = reporting(ben, TransferState.FAILED, key)
        transfers.report(ben, failed)
    # The newest one may still be said again; the oldest is as unknown as one that never was.
    transfers.report(ben, failed)
    with pytest.raises(CallingError) as caught:
        transfers.report(ben, reporting(ben, TransferState.FAILED, "t0"))
    assert caught.value.code == 404
    assert len(heard.states) == REMEMBERED + 5
    with pytest.raises(CallingError) as long:
        transfers.begin(anna, asking(anna, transfer="t" * 65, participant="8:acs:r_c"))
    assert (long.value.code, long.value.stage) == (400, "argument")
    assert clock.pending == []


@pytest.mark.parametrize("is_reported_late", [False, True])
async def test_who_came_without_saying_so_was_transferred(is_reported_late: bool) -> None:
    calls, transfers, clock = virtual()
    anna, heard, ben, told = pair(calls)
    own, _ = enter(calls, SECOND, "a", "1")
    enter(calls, SECOND, "c")
    dialed(own)
    transfers.begin(anna, asking(anna, call=own.id))
    asked = told.notices[-1]
    assert isinstance(asked, wire.TransferRequested)
    assert isinstance(asked.locator, wire.InvitationLocator)
    key = asked.locator.invitation
    calls.resolve(asked.locator, ben.principal).join(key, ben.principal, Reader())
    if is_reported_late:
        transfers.report(ben, reporting(ben, TransferState.TRANSFERRING))
    clock.advance(60)
    assert heard.states == [(TransferState.TRANSFERRED, 0, 0)]
    assert not own.is_in_call
    assert anna.call.id not in calls.live
    assert clock.pending == []


async def test_two_who_send_each_other_away_are_both_replaced() -> None:
    calls, transfers, clock = virtual()
    anna, _, ben, _ = pair(calls)
    third = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000003")
    own, _ = enter(calls, SECOND, "a", "1")
    enter(calls, SECOND, "c")
    other, _ = enter(calls, third, "b", "2")
    enter(calls, third, "d")
    for member in (own, other):
        dialed(member)
    invitations = []
    for transferor, target, guest in ((anna, own, ben), (ben, other, anna)):
        transfers.begin(transferor, asking(transferor, call=target.id))
        assert isinstance(guest.observer, Reader)
        asked = guest.observer.notices[-1]
        assert isinstance(asked, wire.TransferRequested)
        assert isinstance(asked.locator, wire.InvitationLocator)
        invitations.append((asked.locator, guest.principal))
    for locator, principal in invitations:
        calls.resolve(locator, principal).join(locator.invitation, principal, Reader())
    ben.leave()
    assert not own.is_in_call
    assert not other.is_in_call
    assert anna.call.id not in calls.live
    assert clock.pending == []
