"""Sending the other side of a call to somebody else: three agents on a real service."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from acs_core import (
    AcceptCallOptions,
    Call,
    CallerInfo,
    CallState,
    CommunicationUserIdentifier,
    Features,
    IncomingCall,
    InvalidArgumentError,
    InvalidStateError,
    StartCallOptions,
    Transfer,
    TransferErrorCode,
    TransferState,
    TransferToCallLocator,
    TransferToParticipantLocator,
    TransferToParticipantOptions,
)
from acs_core.core import endings
from acs_core.service.sessions import SessionTimes
from tests.support.callers import switch
from tests.support.events import next_event, until
from tests.support.people import AcsUser, Meeting, meeting

QUIET = StartCallOptions(streams=())
SILENT = AcceptCallOptions(streams=())


def named(person: AcsUser) -> CommunicationUserIdentifier:
    return CommunicationUserIdentifier(person.raw_id)


def states_of(transfer: Transfer, event: str = "stateChanged") -> list[TransferState]:
    states: list[TransferState] = []
    transfer.on(event, lambda: states.append(transfer.state))
    return states


async def connect(caller: AcsUser, callee: AcsUser) -> tuple[Call, Call]:
    """A call between two, as both have it."""
    ringing = next_event(callee.agent, "incomingCall")
    call = caller.agent.start_call([named(callee)], QUIET)
    (args,) = await ringing
    other = await args.incoming_call.accept(SILENT)
    await call.connected()
    return call, await other.connected()


async def over(*transfers: Transfer) -> None:
    await until(lambda: all(transfer.is_over for transfer in transfers))


async def three(place: Meeting) -> tuple[AcsUser, AcsUser, AcsUser]:
    return await place.user("Anna"), await place.user("Ben"), await place.user("Cleo")


@pytest.mark.feature("TRANSFER-002", "TRANSFER-004", "TRANSFER-006", "TRANSFER-009")
async def test_the_other_side_goes_to_the_target_and_the_old_call_ends() -> None:
    async with meeting() as place:
        anna, ben, cleo = await three(place)
        ours, theirs = await connect(anna, ben)
        ringing = next_event(cleo.agent, "incomingCall")
        accepted = next_event(theirs.feature(Features.TRANSFER), "transferAccepted")
        transfer = ours.feature(Features.TRANSFER).transfer(
            TransferToParticipantLocator(named(cleo))
        )
        assert transfer.state in (TransferState.NONE, TransferState.TRANSFERRING)
        states, old_name = states_of(transfer), states_of(transfer, "transferStateChanged")
        (args,) = await ringing
        incoming = args.incoming_call
        assert isinstance(incoming, IncomingCall)
        assert incoming.caller_info.identifier == named(ben)
        assert incoming.transferor_info.identifier == named(anna)
        assert incoming.transferor_info.display_name == "Anna"
        (told,) = await accepted
        assert told.target_call.transferor_info.identifier == named(anna)
        assert ours.state is theirs.state is CallState.CONNECTED
        target = await incoming.accept(SILENT)
        await target.connected()
        await told.target_call.connected()
        assert await ours.ended() == await theirs.ended() == endings.TRANSFERRED
        assert states == old_name == [TransferState.TRANSFERRING, TransferState.TRANSFERRED]
        assert transfer.error is None
        assert ben.agent.calls == (told.target_call,)
        assert anna.agent.calls == ()
        (remote,) = target.remote_participants
        assert remote.identifier == named(ben)


@pytest.mark.feature("TRANSFER-005", "TRANSFER-007")
async def test_a_target_that_does_not_come_fails_the_transfer_and_the_call_goes_on() -> None:
    async with meeting(ringing={"one_to_one": 0.5}) as place:
        anna, ben, cleo = await three(place)
        ours, theirs = await connect(anna, ben)
        feature = ours.feature(Features.TRANSFER)
        for options, code in (
            (TransferToParticipantOptions(disable_forwarding_and_unanswered=True), (487, 10004)),
            (TransferToParticipantOptions(disable_forwarding_and_unanswered=False), (603, 0)),
        ):
            ringing = next_event(cleo.agent, "incomingCall")
            transfer = feature.transfer(TransferToParticipantLocator(named(cleo)), options)
            states = states_of(transfer)
            (args,) = await ringing
            assert transfer.error is None
            if code[0] == 603:
                await args.incoming_call.reject()
            await over(transfer)
            assert states == [TransferState.TRANSFERRING, TransferState.FAILED]
            assert transfer.error == TransferErrorCode(code[0], code[1] or 46050)
        assert ours.state is theirs.state is CallState.CONNECTED


@pytest.mark.feature("TRANSFER-003", "TRANSFER-008")
async def test_an_application_of_2020_decides_itself() -> None:
    async with meeting() as place:
        anna, ben, cleo = await three(place)
        ours, theirs = await connect(anna, ben)
        rings: list[object] = []
        cleo.agent.on("incomingCall", rings.append)
        feature = theirs.feature(Features.TRANSFER)
        requested = next_event(feature, "transferRequested")
        transfer = ours.feature(Features.TRANSFER).transfer(
            TransferToParticipantLocator(named(cleo))
        )
        (args,) = await requested
        assert args.target_participant == named(cleo)
        args.reject()
        args.accept()
        await over(transfer)
        assert transfer.state is TransferState.FAILED
        assert transfer.error == TransferErrorCode(603, 46050)
        assert rings == []
        requested = next_event(feature, "transferRequested")
        again = ours.feature(Features.TRANSFER).transfer(TransferToParticipantLocator(named(cleo)))
        (args,) = await requested
        assert rings == []
        args.accept()
        args.reject()
        await until(lambda: rings)
        assert again.state is TransferState.TRANSFERRING


async def test_a_call_may_be_transferred_to_another_call() -> None:
    async with meeting() as place:
        anna, ben, cleo = await three(place)
        first, theirs = await connect(anna, ben)
        second, target = await connect(anna, cleo)
        told = next_event(target, "transferorInfoChanged")
        transfer = first.feature(Features.TRANSFER).transfer(TransferToCallLocator(second.id))
        assert await first.ended() == await second.ended() == endings.TRANSFERRED
        assert transfer.state is TransferState.TRANSFERRED
        assert await theirs.ended() == endings.TRANSFERRED
        assert target.state is CallState.CONNECTED
        (remote,) = target.remote_participants
        assert remote.identifier == named(ben)
        await told
        assert target.transferor_info == CallerInfo(named(anna), "Anna")
        (moved,) = ben.agent.calls
        await moved.connected()
        assert (await moved.info.get_server_call_id()) == (await target.info.get_server_call_id())


async def test_a_transferee_that_does_nothing_is_waited_for_only_so_long() -> None:
    async with meeting(transfer_timeout=0.2) as place:
        anna, ben, cleo = await three(place)
        ours, theirs = await connect(anna, ben)
        theirs.feature(Features.TRANSFER).on("transferRequested", lambda _: None)
        transfer = ours.feature(Features.TRANSFER).transfer(
            TransferToParticipantLocator(named(cleo))
        )
        await over(transfer)
        assert transfer.error == TransferErrorCode(408, 46050)


async def test_what_cannot_be_transferred_is_refused() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        group = await anna.join({"groupId": str(uuid.uuid4())})
        target = TransferToParticipantLocator(named(ben))
        codes = []
        wrong: list[Any] = [target, None, TransferToParticipantLocator("ben")]  # type: ignore[arg-type]
        for item in wrong:
            with pytest.raises((InvalidArgumentError, InvalidStateError)) as caught:
                group.feature(Features.TRANSFER).transfer(item)
            codes.append((caught.value.code, caught.value.sub_code))
        assert codes == [(400, 46051), (400, 46052), (400, 46053)]
        ours, _ = await connect(anna, ben)
        feature = ours.feature(Features.TRANSFER)
        failed = [
            feature.transfer(TransferToParticipantLocator(named(anna))),
            feature.transfer(TransferToCallLocator(group.id)),
            feature.transfer(TransferToParticipantLocator(named(ben))),
        ]
        await over(*failed)
        assert [item.error and item.error.sub_code for item in failed] == [46052, 46052, 40202]


async def test_a_target_may_take_longer_to_answer_than_a_transferee_to_set_out() -> None:
    async with meeting(transfer_timeout=0.5, ringing={"one_to_one": 30.0}) as place:
        anna, ben, cleo = await three(place)
        ours, _ = await connect(anna, ben)
        ringing = next_event(cleo.agent, "incomingCall")
        transfer = ours.feature(Features.TRANSFER).transfer(
            TransferToParticipantLocator(named(cleo))
        )
        (args,) = await ringing
        timer = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.7, timer.set_result, None)
        await timer
        assert not transfer.is_over
        await args.incoming_call.accept(SILENT)
        await over(transfer)
        assert transfer.state is TransferState.TRANSFERRED


async def test_a_transferee_whose_network_is_lost_fails_the_transfer() -> None:
    async with switch(times=SessionTimes(acs_window=0.5)) as stage:
        anna, cleo = await stage.caller("Anna"), await stage.caller("Cleo")
        ben, network = await stage.breakable("Ben")
        ours, theirs = await stage.pair(anna, ben)
        # Ben has not decided yet.
        requested = next_event(theirs.feature(Features.TRANSFER), "transferRequested")
        transfer = ours.feature(Features.TRANSFER).transfer(TransferToParticipantLocator(cleo.who))
        await requested
        network.cut()
        assert await ours.ended() == endings.OTHER_LOST
        assert transfer.state is TransferState.FAILED
        assert transfer.error == TransferErrorCode(408, 46050)


async def test_who_is_on_the_way_comes_although_the_transferor_hangs_up() -> None:
    async with switch() as stage:
        anna, ben, cleo = [await stage.caller(name) for name in ("Anna", "Ben", "Cleo")]
        first, theirs = await stage.pair(anna, ben)
        second, target = await stage.pair(anna, cleo)
        going = next_event(theirs.feature(Features.TRANSFER), "transferAccepted")
        first.feature(Features.TRANSFER).transfer(TransferToCallLocator(second.id))
        (args,) = await going
        await first.hang_up()
        await args.target_call.connected()
        assert await second.ended() == endings.TRANSFERRED
        (remote,) = target.remote_participants
        assert remote.identifier == ben.who
        assert target.state is CallState.CONNECTED
