from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import pytest

from acs_core import wire
from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.captions import Captions
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.room_transcription import (
    RoomTranscriptions,
    TranscriptionRecord,
    TranscriptionStatus,
)
from acs_core.service.rooms import RoomOptions, Rooms, RoomTimes
from acs_core.service.store.database import Database
from tests.support.fake_transcriber import ScriptedTranscriber

ANN = Principal("8:acs:r_ann", PrincipalKind.TWILIO, 2e9, display_name="ann")
BEN = Principal("8:acs:r_ben", PrincipalKind.TWILIO, 2e9, display_name="ben")


@dataclass
class World:
    """A service's calls and their transcriptions, with a clock that the test sets."""

    database: Database
    transcriber: ScriptedTranscriber | None
    now: float = 1000.0

    def __post_init__(self) -> None:
        captions = Captions(self.transcriber)
        self.part = RoomTranscriptions(
            self.transcriber, captions, lambda: self.database, clock=lambda: self.now
        )
        self.calls = Calls(
            rooms=Rooms(),
            times=RoomTimes(empty=0.0),
            on_started=self.part.call_started,
            on_ended=self.part.call_ended,
            on_fact=self.part.committed,
        )

    def room(self, **options: object) -> ServerCall:
        return self.calls.create(options=RoomOptions(**options))  # type: ignore[arg-type]


@pytest.fixture
async def make() -> AsyncIterator[Callable[[ScriptedTranscriber | None], World]]:
    database = await Database.open()
    yield lambda transcriber: World(database, transcriber)
    await database.close()


@pytest.fixture
async def world(make: Callable[[ScriptedTranscriber | None], World]) -> World:
    made = make(ScriptedTranscriber())
    await made.part.start()
    return made


def enter(call: ServerCall, who: Principal = ANN, number: int = 1) -> Endpoint:
    return call.join(f"{number:032x}", who, EndpointObserver())


async def found(world: World, call: ServerCall) -> TranscriptionRecord:
    record = await world.part.find(call.id)
    assert record is not None
    return record


async def test_a_transcription_counts_while_it_is_started_and_somebody_is_there(
    world: World,
) -> None:
    call = world.room()
    record = world.part.create(call, {})
    assert (record.status, record.started_at, record.duration(world.now)) == ("started", None, None)
    world.now = 1010.0
    ann, ben = enter(call), enter(call, BEN, 2)
    world.now = 1015.0
    ben.leave()
    assert (record.started_at, record.ended_at, record.duration(world.now)) == (1010.0, None, 5.0)
    world.part.update(call, status=TranscriptionStatus.STOPPED)
    assert not call.roster.activity.is_transcribing
    assert (record.status, record.ended_at, record.updated_at) == ("stopped", 1015.0, 1015.0)
    world.now = 1100.0
    world.part.update(call, status=TranscriptionStatus.STARTED)
    world.now = 1101.0
    assert call.roster.activity.is_transcribing
    assert (record.started_at, record.ended_at, record.duration(world.now)) == (1010.0, None, 6.0)
    ann.leave()
    assert call.id not in world.calls.live
    ended = await found(world, call)
    assert ended is not record
    assert (ended.status, ended.started_at, ended.ended_at) == ("started", 1010.0, 1101.0)
    assert ended.duration(2000.0) == 6.0


async def test_a_room_has_one_transcription(world: World) -> None:
    call = world.room()
    assert await world.part.find(call.id) is None
    assert world.part.update(call) is None
    world.part.create(call, {"languageCode": "DE-de", "hints": "a,b"})
    assert call.roster.activity.spoken_language == "de-DE"
    with pytest.raises(InvalidStateError):
        world.part.create(call, {})


async def test_what_is_configured_is_added_to_what_was_and_told_to_the_transcriber(
    world: World,
) -> None:
    call, told = world.room(), world.transcriber
    assert told is not None
    world.part.create(call, {"languageCode": "en-US", "hints": "a"})
    world.part.update(call, configuration={"hints": "b"})
    expected = {"languageCode": "en-US", "hints": "b"}
    assert told.configurations[call.id] == expected
    record = await found(world, call)
    assert (record.configuration, record.status) == (expected, "started")
    with pytest.raises(InvalidArgumentError):
        world.part.update(call, configuration={"languageCode": "tlh"})
    assert record.configuration == expected
    changed = record.updated_at
    world.now += 1
    world.part.update(call, status=TranscriptionStatus.STARTED, configuration={"hints": "b"})
    assert record.updated_at == changed


async def test_a_language_that_nobody_knows_starts_nothing(world: World) -> None:
    call = world.room()
    with pytest.raises(InvalidArgumentError):
        world.part.create(call, {"languageCode": "tlh"})
    assert await world.part.find(call.id) is None
    assert not call.roster.activity.is_transcribing


async def test_rooms_may_be_transcribed_from_the_start(world: World) -> None:
    call = world.room(is_transcribed=True, transcription={"languageCode": "de-DE"})
    record = await found(world, call)
    assert (record.status, record.configuration) == ("started", {"languageCode": "de-DE"})
    assert call.roster.activity.is_transcribing
    assert await world.part.find(world.room().id) is None


@pytest.mark.parametrize("language", [None, "tlh"])
async def test_a_room_that_cannot_be_transcribed_says_so_and_stays_so(
    make: Callable[[ScriptedTranscriber | None], World], language: str | None
) -> None:
    world = make(None if language is None else ScriptedTranscriber())
    await world.part.start()
    configuration = {} if language is None else {"languageCode": language}
    call = world.room(is_transcribed=True, transcription=configuration)
    record = await found(world, call)
    assert record.status == "failed"
    assert not call.roster.activity.is_transcribing
    enter(call)
    with pytest.raises(InvalidStateError):
        world.part.update(call, status=TranscriptionStatus.STARTED)
    assert record.duration(world.now) is None


async def test_without_a_transcriber_nothing_is_started(
    make: Callable[[ScriptedTranscriber | None], World],
) -> None:
    world = make(None)
    await world.part.start()
    call = world.room()
    with pytest.raises(InvalidStateError, match="no transcriber"):
        world.part.create(call, {})
    call.activity.set_transcribing(True)
    assert await world.part.find(call.id) is None


async def test_the_record_follows_who_else_starts_and_stops_it(world: World) -> None:
    call = world.room()
    call.activity.set_transcribing(True)
    record = await found(world, call)
    assert (record.status, record.configuration) == ("started", {"partialResults": "true"})
    call.activity.set_transcribing(False)
    assert record.status == "stopped"
    call.activity.set_transcribing(True)
    assert record.status == "started"


async def test_calls_without_a_room_have_no_record(world: World) -> None:
    where = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
    call = world.calls.resolve(where, Principal("8:acs:r_ann", PrincipalKind.ACS, 2e9))
    call.activity.set_transcribing(True)
    assert await world.part.find(call.id) is None


class Broken(ScriptedTranscriber):
    def configured(self, call: str, configuration: Mapping[str, str]) -> None:
        raise RuntimeError("no model")


async def test_a_transcriber_that_fails_is_logged(
    make: Callable[[ScriptedTranscriber | None], World], caplog: pytest.LogCaptureFixture
) -> None:
    world = make(Broken())
    await world.part.start()
    world.part.create(world.room(), {})
    assert "configured" in caplog.text


@pytest.mark.parametrize("is_early", [True, False])
async def test_rooms_go_on_with_their_record_after_a_restart(
    make: Callable[[ScriptedTranscriber | None], World], is_early: bool
) -> None:
    before = make(ScriptedTranscriber())
    await before.part.start()
    going_on, lost = before.room(is_transcribed=True), before.room(is_transcribed=True)
    enter(going_on)
    before.now += 5
    before.part.update(going_on, configuration={"hints": "x"})
    before.part.update(going_on, status=TranscriptionStatus.STOPPED)

    after = make(ScriptedTranscriber())
    revived = ServerCall(
        going_on.id, limits=after.calls.limits, room=going_on.room, new_id=lambda: "0" * 32,
        on_ended=after.part.call_ended, on_fact=after.part.committed,
    )  # fmt: skip
    if is_early:
        after.part.call_started(revived)
        await after.part.start()
    else:
        await after.part.start()
        after.part.call_started(revived)
    record = await found(after, revived)
    assert (record.status, record.configuration, record.seconds) == ("stopped", {"hints": "x"}, 5.0)
    assert not revived.roster.activity.is_transcribing
    after.part.update(revived, status=TranscriptionStatus.STARTED)
    assert revived.roster.activity.is_transcribing
    assert (await found(after, lost)).status == "started"
    await after.part.close()
    third = make(ScriptedTranscriber())
    await third.part.start()
    third.part.call_started(
        ServerCall(
            lost.id, limits=after.calls.limits, room=lost.room, new_id=lambda: "0" * 32,
            on_ended=third.part.call_ended,
        )
    )  # fmt: skip
    assert await found(third, lost) is not await found(after, lost)
