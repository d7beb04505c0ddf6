"""Every way in which a call ends, as clients of a real service see it.

One scenario per row of `core/endings.py`; each returns the reasons that clients saw, by
`Call.call_end_reason`, the argument of `callEnded`, or a participant's `call_end_reason`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from acs_core import (
    Call,
    CallState,
    CollectionUpdate,
    Features,
    GroupCallLocator,
    HangUpOptions,
    JoinCallOptions,
    RemoteParticipant,
    RoomCallLocator,
    StreamOptions,
    TeamsMeetingIdLocator,
    TransferToParticipantLocator,
    wire,
)
from acs_core.core import endings
from acs_core.core.facts import EndReason, ParticipantRole
from acs_core.media.sources import ToneSource
from acs_core.service.admission import CallLimits
from acs_core.service.ringing import RingTimes
from acs_core.service.rooms import RoomOptions
from acs_core.service.sessions import SessionTimes
from tests.support.callers import SILENT, Caller, Switch, end_of, switch
from tests.support.events import next_event, until
from tests.support.people import ROOM, meeting
from tests.support.proxies import udp_proxy

Scenario: TypeAlias = Callable[[Switch], Awaitable[list[EndReason | None]]]

SCENARIOS: Final[dict[str, tuple[Scenario, dict[str, Any]]]] = {}
ROWS: Final = {
    name: row for name in endings.__all__ if isinstance(row := getattr(endings, name), EndReason)
}

# (code, sub code) in ACS's table of call ends and its table for telephone calls, as of 2025.
DOCUMENTED: Final = frozenset(
    {
        *((0, sub_code) for sub_code in (0, 4097, 4521, 5000, 5003, 5300, 5317, 7000, 560000)),
        *((403, sub_code) for sub_code in (5828, 5829, 510403, 511532, 560403)),
        *((410, sub_code) for sub_code in (3100, 3101, 301004, 301005)),
        *((480, sub_code) for sub_code in (10037, 10076, 10077, 10078, 560480)),
        *((487, sub_code) for sub_code in (0, 10003, 10004, 10024, 540487)),
        *((408, 10057), (486, 560486), (496, 7), (503, 560503), (603, 0), (603, 560603)),
    }
)
# Rows that ACS's tables do not have, and whose code the sub code is.
ELSEWHERE: Final = {
    "BUSY": "RFC 3261",
    "CALL_FULL": "Twilio",
    "DUPLICATE_IDENTITY": "Twilio",
    "FORBIDDEN": "RFC 3261",
    "LINK_LOST": "Twilio",
    "LOBBY_REJECTED": "UI library",
    "LOBBY_TIMEOUT": "Graph",
    "REDIRECTED": "RFC 3261",
    "ROOM_COMPLETED": "Twilio",
    "SERVICE_STOPPED": "Twilio",
    "STAYED_TOO_LONG": "Twilio",
}

NO_STREAMS: Final = JoinCallOptions(streams=())
SHORT_WINDOW: Final = SessionTimes(acs_window=0.5)


def ends(name: str, **settings: Any) -> Callable[[Scenario], Scenario]:
    """This scenario ends with that row, in a service with these settings."""

    def register(scenario: Scenario) -> Scenario:
        assert name not in SCENARIOS
        SCENARIOS[name] = scenario, settings
        return scenario

    return register


@pytest.mark.feature("STATE-014", "STATE-024", "PARTICIPANT-010", "CALLTYPE-002", "INCOMING-009")
@pytest.mark.parametrize("name", ROWS)
async def test_who_is_in_a_call_sees_why_it_ends(name: str) -> None:
    assert name in SCENARIOS, f"nothing shows how a call ends with {name}"
    scenario, settings = SCENARIOS[name]
    async with switch(**settings) as stage:
        seen = await scenario(stage)
    assert seen
    assert seen == [ROWS[name]] * len(seen)


@pytest.mark.parametrize("name", ROWS)
def test_each_row_is_documented_or_says_where_it_is_from(name: str) -> None:
    row = ROWS[name]
    assert ((row.code, row.sub_code) in DOCUMENTED) is (name not in ELSEWHERE)
    if ELSEWHERE.get(name) == "Twilio":
        assert 53000 <= row.sub_code <= 53999
    assert row.message.endswith(".")


def test_where_rows_are_from_is_written_beside_them() -> None:
    text = Path(endings.__file__).read_text(encoding="utf-8")
    for source in set(ELSEWHERE.values()):
        assert source in text
    assert set(ELSEWHERE) <= set(ROWS)
    assert set(SCENARIOS) == set(ROWS)
    assert re.search(r"callEndReason", text)


# ------------------------------------------------------------------ in a call


async def gathering(stage: Switch, count: int, *, names: str = "abc") -> list[tuple[Caller, Call]]:
    """People in one group call who see each other."""
    place = GroupCallLocator(str(uuid.uuid4()))
    people = [await stage.caller(name) for name in names[:count]]
    calls = [await person.agent.join(place, NO_STREAMS).connected() for person in people]
    for call in calls:
        await until(lambda call=call: len(call.remote_participants) == count - 1)
    return list(zip(people, calls, strict=True))


def gone(call: Call) -> Awaitable[EndReason | None]:
    """Why the next participant that leaves a call is gone; listens from now on."""
    told = next_event(call, "remoteParticipantsUpdated", lambda update: bool(update.removed))

    async def take() -> EndReason | None:
        (update,) = await told
        assert isinstance(update, CollectionUpdate)
        (removed,) = update.removed
        assert isinstance(removed, RemoteParticipant)
        return removed.call_end_reason

    return take()


@ends("HUNG_UP")
async def who_hangs_up(stage: Switch) -> list[EndReason | None]:
    (_, ours), (_, theirs), _ = await gathering(stage, 3)
    other = gone(theirs)
    await ours.hang_up()
    return [await ours.ended(), await other]


@ends("OTHER_HUNG_UP")
async def the_other_hangs_up(stage: Switch) -> list[EndReason | None]:
    ours, theirs = await stage.pair(await stage.caller(), await stage.caller())
    await theirs.hang_up()
    return [await ours.ended()]


@ends("OTHER_LOST", times=SHORT_WINDOW)
async def the_other_is_lost(stage: Switch) -> list[EndReason | None]:
    ben, network = await stage.breakable()
    ours, _ = await stage.pair(await stage.caller(), ben)
    network.cut()
    return [await ours.ended()]


@ends("LINK_LOST", times=SHORT_WINDOW)
async def one_of_many_is_lost(stage: Switch) -> list[EndReason | None]:
    ben, network = await stage.breakable()
    place = GroupCallLocator(str(uuid.uuid4()))
    ours = await (await stage.caller()).agent.join(place, NO_STREAMS).connected()
    theirs = await ben.agent.join(place, NO_STREAMS).connected()
    await until(lambda: ours.remote_participants)
    other = gone(ours)
    network.cut()
    own = await theirs.ended()
    assert (own.code, own.sub_code) == (endings.LINK_LOST.code, endings.LINK_LOST.sub_code)
    return [await other]


@ends("MEDIA_LOST", times=SessionTimes(acs_window=1.0), public_address="127.0.0.2")
async def media_is_lost(stage: Switch) -> list[EndReason | None]:
    async with udp_proxy(stage.service.media_port) as network:
        place = GroupCallLocator(str(uuid.uuid4()))
        watcher = await (await stage.caller()).agent.join(place, NO_STREAMS).connected()
        tone = JoinCallOptions(streams=(StreamOptions(ToneSource(440.0), name="tone"),))
        speaker = (
            await (await stage.caller())
            .agent.join(place, JoinCallOptions(streams=tone.streams, receive_automatically=False))
            .connected()
        )
        await until(lambda: watcher.remote_participants)
        other = gone(watcher)
        network.is_cut = True
        seen = [await speaker.ended(), await other]
        network.is_cut = False
        return seen


@ends("REMOVED")
async def somebody_is_removed(stage: Switch) -> list[EndReason | None]:
    (_, ours), (ben, theirs), (_, third) = await gathering(stage, 3)
    other = gone(third)
    await ours.remove_participant(ben.who)
    return [await theirs.ended(), await other]


@ends("ENDED_FOR_EVERYONE")
async def somebody_ends_it_for_everyone(stage: Switch) -> list[EndReason | None]:
    (_, ours), (_, theirs) = await gathering(stage, 2)
    await ours.hang_up(HangUpOptions(for_everyone=True))
    return [await theirs.ended()]


@ends("TRANSFERRED")
async def a_call_is_transferred(stage: Switch) -> list[EndReason | None]:
    anna, ben, cleo = [await stage.caller(name) for name in "abc"]
    ours, theirs = await stage.pair(anna, ben)
    ringing = cleo.rings()
    ours.feature(Features.TRANSFER).transfer(TransferToParticipantLocator(cleo.who))
    await (await ringing).accept(SILENT)
    return [await ours.ended(), await theirs.ended()]


@ends("SERVICE_STOPPED")
async def the_service_stops(stage: Switch) -> list[EndReason | None]:
    people = await gathering(stage, 2)
    await stage.service.close()
    return [await call.ended() for _, call in people]


# ------------------------------------------------------------------ rooms and meetings


@ends("CALL_FULL", limits=CallLimits(endpoints=1))
async def one_too_many_comes(stage: Switch) -> list[EndReason | None]:
    place = GroupCallLocator(str(uuid.uuid4()))
    await (await stage.caller()).agent.join(place, NO_STREAMS).connected()
    late = (await stage.caller()).agent.join(place, NO_STREAMS)
    return [await late.ended()]


@ends("DUPLICATE_IDENTITY")
async def a_twilio_identity_connects_again(_: Switch) -> list[EndReason | None]:
    async with meeting() as place:
        call = await (await place.user()).join()
        await place.guest("gus")
        await until(lambda: len(call.remote_participants) == 1)
        other = gone(call)
        await place.guest("gus")
        return [await other]


@ends("ROOM_COMPLETED")
async def a_room_is_completed(stage: Switch) -> list[EndReason | None]:
    room = stage.service.calls.create(unique_name=ROOM)
    call = await (await stage.caller()).agent.join(RoomCallLocator(ROOM), NO_STREAMS).connected()
    room.complete()
    return [await call.ended()]


@ends("STAYED_TOO_LONG")
async def a_visit_is_as_long_as_the_room_allows(stage: Switch) -> list[EndReason | None]:
    stage.service.rooms.create(unique_name=ROOM, options=RoomOptions(max_participant_duration=0.5))
    call = (await stage.caller()).agent.join(RoomCallLocator(ROOM), NO_STREAMS)
    return [await call.ended()]


@ends("UNINVITED")
async def a_member_is_taken_off_the_list(stage: Switch) -> list[EndReason | None]:
    anna = await stage.caller()
    rooms = stage.service.rooms
    record = rooms.create(members={anna.raw_id: ParticipantRole.PRESENTER})
    call = await anna.agent.join(RoomCallLocator(record.id), NO_STREAMS).connected()
    rooms.remove_members(record, [anna.raw_id])
    return [await call.ended()]


async def waiting(stage: Switch, **options: Any) -> tuple[Call, Call]:
    """The organizer of a meeting inside, and somebody in its lobby."""
    olga, gus = await stage.caller("Olga"), await stage.caller("Gus")
    held = stage.service.meetings.create(olga.raw_id, **options)
    place = TeamsMeetingIdLocator(held.id, held.passcode)
    inside = await olga.agent.join(place, NO_STREAMS).connected()
    outside = gus.agent.join(place, NO_STREAMS)
    await until(lambda: outside.state in (CallState.IN_LOBBY, CallState.DISCONNECTED))
    return inside, outside


@ends("LOBBY_REJECTED")
async def a_guest_is_turned_away(stage: Switch) -> list[EndReason | None]:
    inside, outside = await waiting(stage)
    await until(lambda: inside.lobby.participants)
    await inside.lobby.reject(inside.lobby.participants[0].identifier)
    return [await outside.ended()]


@ends("LOBBY_TIMEOUT")
async def nobody_lets_a_guest_in(stage: Switch) -> list[EndReason | None]:
    _, outside = await waiting(stage, lobby_timeout=0.3)
    return [await outside.ended()]


# ------------------------------------------------------------------ calls that ring


@ends("CANCELLED")
async def the_caller_gives_up(stage: Switch) -> list[EndReason | None]:
    anna, ben = await stage.caller(), await stage.caller()
    ringing = ben.rings()
    call = anna.dial(ben)
    incoming = await ringing
    told = next_event(incoming, "callEnded")
    await call.hang_up()
    (args,) = await told
    return [args.call_end_reason, incoming.call_end_reason]


@ends("DECLINED")
async def the_callee_declines(stage: Switch) -> list[EndReason | None]:
    anna, ben = await stage.caller(), await stage.caller()
    ringing = ben.rings()
    call = anna.dial(ben)
    (callee,) = call.remote_participants
    incoming = await ringing
    await incoming.reject()
    return [await call.ended(), callee.call_end_reason, incoming.call_end_reason]


@ends("DECLINED_ELSEWHERE")
async def another_client_declines(stage: Switch) -> list[EndReason | None]:
    anna, ben = await stage.caller(), await stage.caller()
    twin = await stage.caller(token=ben.token)
    first, second = ben.rings(), twin.rings()
    anna.dial(ben)
    incoming = await first
    await (await second).reject()
    return [await end_of(incoming)]


@ends("ANSWERED_ELSEWHERE")
async def another_client_answers(stage: Switch) -> list[EndReason | None]:
    anna, ben = await stage.caller(), await stage.caller()
    twin = await stage.caller(token=ben.token)
    first, second = ben.rings(), twin.rings()
    anna.dial(ben)
    incoming = await first
    await (await second).accept(SILENT)
    return [await end_of(incoming)]


@ends("NO_ANSWER", ringing=RingTimes(one_to_one=0.5))
async def nobody_answers(stage: Switch) -> list[EndReason | None]:
    anna, ben = await stage.caller(), await stage.caller()
    ringing = ben.rings()
    call = anna.dial(ben)
    incoming = await ringing
    return [await call.ended(), await end_of(incoming)]


@ends("BUSY")
async def the_callee_is_busy(stage: Switch) -> list[EndReason | None]:
    raw_id, client = await stage.raw()
    call = (await stage.caller()).dial(raw_id)
    invited = await client.news(wire.Invited)
    busy = wire.InvitationAnswer.BUSY
    await client.ask(wire.ReplyToInvitation(invitation=invited.invitation, answer=busy))
    return [await call.ended()]


@ends("FORBIDDEN")
async def a_program_refuses_the_call(stage: Switch) -> list[EndReason | None]:
    anna, ben = await stage.caller(), await stage.caller()
    contexts: list[str] = []
    stage.service.automation.incoming.listen(lambda incoming: contexts.append(incoming.context))
    ringing = ben.rings()
    call = anna.dial(ben)
    incoming = await ringing
    stage.service.automation.incoming.reject(contexts[0], "forbidden")
    return [await call.ended(), await end_of(incoming)]


@ends("REDIRECTED")
async def a_program_redirects_the_call(stage: Switch) -> list[EndReason | None]:
    anna, ben, cora = [await stage.caller() for _ in range(3)]
    contexts: list[str] = []
    stage.service.automation.incoming.listen(lambda incoming: contexts.append(incoming.context))
    ringing = ben.rings()
    call = anna.dial(ben)
    (callee,) = call.remote_participants
    incoming = await ringing
    stage.service.automation.incoming.redirect(contexts[0], cora.raw_id)
    await until(lambda: callee.call_end_reason)
    return [callee.call_end_reason, await end_of(incoming)]


@ends("NOT_REGISTERED")
async def nobody_is_online(stage: Switch) -> list[EndReason | None]:
    raw_id, _ = stage.service.issue_user_token()
    return [await (await stage.caller()).dial(raw_id).ended()]


@ends("CALLEE_GONE")
async def the_callee_goes_away(stage: Switch) -> list[EndReason | None]:
    raw_id, client = await stage.raw()
    call = (await stage.caller()).dial(raw_id)
    await client.news(wire.Invited)
    await client.socket.close()
    return [await call.ended()]


# ------------------------------------------------------------------ telephones


@ends("NO_TELEPHONY", has_telephones=False)
async def there_are_no_telephones(stage: Switch) -> list[EndReason | None]:
    return [await stage.dial_phone(await stage.caller()).ended()]


async def telephone_ends(stage: Switch, reason: EndReason) -> list[EndReason | None]:
    """What a caller sees of a telephone that ends like this before it answers."""
    call, telephone = await stage.phone(await stage.caller())
    (callee,) = call.remote_participants
    telephone.leg.ringing()
    telephone.leg.ended(reason)
    return [await call.ended(), callee.call_end_reason]


@ends("TELEPHONE_HUNG_UP")
async def a_telephone_hangs_up(stage: Switch) -> list[EndReason | None]:
    call, telephone = await stage.phone(await stage.caller())
    telephone.leg.answered()
    await call.connected()
    telephone.leg.ended()
    return [await call.ended()]


@ends("TELEPHONE_NO_ANSWER")
async def a_telephone_is_not_answered(stage: Switch) -> list[EndReason | None]:
    return await telephone_ends(stage, endings.TELEPHONE_NO_ANSWER)


@ends("TELEPHONE_BUSY")
async def a_telephone_is_busy(stage: Switch) -> list[EndReason | None]:
    return await telephone_ends(stage, endings.TELEPHONE_BUSY)


@ends("TELEPHONE_DECLINED")
async def a_telephone_declines(stage: Switch) -> list[EndReason | None]:
    return await telephone_ends(stage, endings.TELEPHONE_DECLINED)


@ends("TELEPHONE_FAILED")
async def the_gateway_fails(stage: Switch) -> list[EndReason | None]:
    stage.telephones.error = RuntimeError("no trunk")
    return [await stage.dial_phone(await stage.caller()).ended()]
