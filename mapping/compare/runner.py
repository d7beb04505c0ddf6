"""A scenario run with one implementation: its trace.

Theory of operation. Each actor hears its room and writes into one journal; the runner lets the
actors do what the steps say, writes down deed and outcome, and goes on when the step's expectations
are met. What an expectation waits for is marked, so that a comparison knows that it came before all
later steps. An expectation that is not met within the time ends the run: what would follow says
nothing more.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from acs_core import CallingError
from mapping.compare.actors.base import Actor, DeedError, Place
from mapping.compare.errors import CompareError, ScenarioError
from mapping.compare.journal import Journal
from mapping.compare.listening import Hear, error_code
from mapping.compare.perceiving import Judge
from mapping.compare.scenario import SERVICE, Deed, Expectation, Scenario, Seat, Step
from mapping.compare.stage import Service, Stage, open_stage
from mapping.compare.trace import Entry, EntryKind, Header, Trace
from mapping.compare.vocabulary import described_data, subject_of
from twilio_compat import TwilioError

__all__ = ["UNMET", "Implementation", "MakeActor", "RunOptions", "run_scenario"]

UNMET: Final = "unmet"
"""Name of the error entry of an expectation that was not met."""

_CLOSING: Final = 10.0
"""Seconds that an actor may take to let go of everything."""

_log: Final = logging.getLogger(__name__)


class Implementation(StrEnum):
    """What actors are made of."""

    TWILIO = "twilio"
    NATIVE = "native"
    PAGE = "page"
    VIDEOSDK = "videosdk"


MakeActor: TypeAlias = Callable[[Seat, Place, Hear], Actor]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run.

    Attributes:
        within: Seconds that an expectation waits.
        deed: Seconds that a deed may take.
        service: One that runs already; None for one in this process.
        makers: Instead of the implementations that come with the library, or beside them.
        chromium: Path of the browser; empty to look for it.
        sdk: Folder with `twilio-video.js`; empty to look for it.
    """

    within: float = 10.0
    deed: float = 30.0
    service: Service | None = None
    makers: Mapping[str, MakeActor] = field(default_factory=dict)
    chromium: str = ""
    sdk: str = ""


async def run_scenario(
    scenario: Scenario, implementation: str, options: RunOptions | None = None
) -> Trace:
    """Run a scenario with actors of one implementation; those with one of their own keep it.

    Args:
        scenario: The story.
        implementation: One of `Implementation`, or of `RunOptions.makers`.
        options: None for the usual ones.

    Raises:
        ActorLostError: A participant's program, as the browser, ended or never began.
        MissingPieceError: An implementation is not installed.
        ScenarioError: There is no such implementation.
        UnreachableError: The service does not answer, or no longer.
    """
    options = options or RunOptions()
    journal = Journal(time.monotonic)
    async with AsyncExitStack() as stack:
        makers = await stack.enter_async_context(_makers(scenario, implementation, options))
        stage = await stack.enter_async_context(open_stage(scenario, options.service))
        actors: dict[str, Actor] = {}
        for name, seat in scenario.seats.items():
            here = replace(seat, room=stage.room(seat.room))
            make = makers[seat.implementation or implementation]
            actors[name] = make(here, await stage.place(here), journal.hear(name))
            stack.push_async_callback(_close, actors[name])
        await _all(actor.open() for actor in actors.values())
        await _Run(scenario, stage, actors, journal, options).do()
        # What is heard of closing is no part of the story.
        entries = tuple(journal.entries)
        # Without its service no implementation does what it should.
        await stage.check()
    header = Header(implementation, scenario.name)
    return Trace(header, tuple(_with_own_names(entries, stage.rooms)))


async def _all(coming: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; when one says why there is nothing to compare, the others are ended."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for one in coming:
                tasks.create_task(one)
    except* CompareError as group:
        raise group.exceptions[0] from None


async def _close(actor: Actor) -> None:
    """Let an actor close; one that does not must not keep the others from it."""
    try:
        async with asyncio.timeout(_CLOSING):
            await actor.aclose()
    except TimeoutError:
        _log.warning("%s did not close within %g s.", actor.seat.actor, _CLOSING)


@asynccontextmanager
async def _makers(
    scenario: Scenario, implementation: str, options: RunOptions
) -> AsyncIterator[Mapping[str, MakeActor]]:
    """What makes actors of each implementation that the run needs."""
    async with AsyncExitStack() as stack:
        made: dict[str, MakeActor] = dict(options.makers)
        for seat in scenario.seats.values():
            name = seat.implementation or implementation
            if name in made:
                continue
            match name:
                case Implementation.TWILIO:
                    from mapping.compare.actors.twilio import TwilioActor

                    made[name] = TwilioActor
                case Implementation.NATIVE:
                    from mapping.compare.actors.native import NativeActor

                    made[name] = NativeActor
                case Implementation.PAGE:
                    from mapping.compare.actors.page import open_pages

                    pages = open_pages(chromium=options.chromium, sdk=options.sdk)
                    made[name] = await stack.enter_async_context(pages)
                case Implementation.VIDEOSDK:
                    from mapping.compare.actors.videosdk import VideoSdkActor, track_names

                    made[name] = partial(VideoSdkActor, track_names(scenario))
                case _:
                    raise ScenarioError(f"There is no implementation {name!r}.")
        yield made


class _Run:
    """One run, from the first step to the last one that can be done."""

    def __init__(
        self,
        scenario: Scenario,
        stage: Stage,
        actors: Mapping[str, Actor],
        journal: Journal,
        options: RunOptions,
    ) -> None:
        self._scenario = scenario
        self._stage = stage
        self._actors = actors
        self._journal = journal
        self._options = options
        self._muted: set[tuple[str, str]] = set()

    async def do(self) -> None:
        """Do the steps in order, until an expectation is not met."""
        for number, step in enumerate(self._scenario.steps, 1):
            self._journal.step = number
            since = len(self._journal.entries)
            await _all(self._do(deed) for deed in step.deeds)
            if not await self._meet(step, since):
                return

    # ------------------------------------------------------------ deeds

    async def _do(self, deed: Deed) -> None:
        journal = self._journal
        journal.write(deed.actor, EntryKind.CALL, deed.name, _described_arguments(deed))
        try:
            async with asyncio.timeout(self._options.deed):
                value = await self._outcome(deed)
        except DeedError as error:
            told = {"code": error.code, "message": error.message}
            journal.write(deed.actor, EntryKind.ERROR, deed.name, told)
        except (CallingError, TwilioError) as error:
            # Of what vendors' methods raise at once.
            code = error_code(error) if isinstance(error, CallingError) else error.code
            told = {"code": code, "message": error.message}
            journal.write(deed.actor, EntryKind.ERROR, deed.name, told)
        except TimeoutError:
            told = {"code": None, "message": f"not done within {self._options.deed:g} s"}
            journal.write(deed.actor, EntryKind.ERROR, deed.name, told)
        else:
            journal.write(deed.actor, EntryKind.RESULT, deed.name, {"value": value})
            self._remember(deed)

    def _remember(self, deed: Deed) -> None:
        """Which tracks are muted; one of the same name that comes later is not."""
        if deed.actor == SERVICE:
            return
        who, arguments = self._scenario.seats[deed.actor].identity, deed.arguments
        if deed.name == "mute":
            self._muted.add((who, arguments["track"]))
        elif deed.name == "unmute":
            self._muted.discard((who, arguments["track"]))
        elif deed.name == "publish":
            self._muted.discard((who, arguments["media"].name))
        elif deed.name == "join":
            self._muted -= {(who, media.name) for media in arguments["tracks"]}

    async def _outcome(self, deed: Deed) -> Any:
        if deed.actor == SERVICE:
            return await self._serve(deed)
        actor, arguments = self._actors[deed.actor], deed.arguments
        match deed.name:
            case "join":
                return await actor.join(arguments["tracks"])
            case "leave":
                return await actor.leave()
            case "publish":
                return await actor.publish(arguments["media"])
            case "unpublish":
                return await actor.unpublish(arguments["track"])
            case "mute" | "unmute":
                return await actor.enable(arguments["track"], is_enabled=deed.name == "unmute")
            case "prioritize":
                return await actor.prioritize(arguments["track"], arguments["priority"])
            case "send":
                return await actor.send(arguments["track"], arguments["data"])
            case "cut":
                self._stage.relays[deed.actor].cut()
                return actor.freeze(is_frozen=True)
            case _:  # "restore"; the scenario was checked.
                self._stage.relays[deed.actor].restore()
                return actor.freeze(is_frozen=False)

    async def _serve(self, deed: Deed) -> int:
        """What REST does; the status of the answer."""
        if deed.name == "remove":
            seat = self._scenario.seats.get(deed.arguments["participant"])
            identity = deed.arguments["participant"] if seat is None else seat.identity
            room = self._stage.room("room" if seat is None else seat.room)
            path = f"/v1/Rooms/{quote(room, safe='')}/Participants/{quote(identity, safe='')}"
            return await self._stage.rest(path, Status="disconnected")
        room = self._stage.room(deed.arguments.get("room", "room"))
        return await self._stage.rest(f"/v1/Rooms/{quote(room, safe='')}", Status="completed")

    # ------------------------------------------------------------ expectations

    async def _meet(self, step: Step, since: int) -> bool:
        """Wait for all expectations of a step, one after the other; whether all were met."""
        taken: set[int] = set()
        for expectation in step.expectations:
            if not await self._met(expectation, since, taken):
                told = {"expectation": str(expectation)}
                self._journal.write(expectation.actor, EntryKind.ERROR, UNMET, told)
                return False
        return True

    async def _met(self, expectation: Expectation, since: int, taken: set[int]) -> bool:
        if expectation.what in ("sees", "hears"):
            return await self._perceived(expectation)
        if expectation.what in ("roster", "state"):
            return await self._is_so(expectation)
        if not self._actors[expectation.actor].can_hear(expectation, self._muted):
            return True
        for _ in range(expectation.times):
            index = await self._journal.until(
                lambda: self._find(expectation, since, taken), self._options.within
            )
            if index is None:
                return False
            taken.add(index)
            self._journal.await_entry(index)
        return True

    def _find(self, expectation: Expectation, since: int, taken: set[int]) -> int | None:
        """The first event since then that is expected, and no earlier expectation took."""
        for index in range(since, len(self._journal.entries)):
            entry = self._journal.entries[index]
            if index not in taken and _is_expected(entry, expectation):
                return index
        return None

    async def _is_so(self, expectation: Expectation) -> bool:
        """Look until the roster or the state is as expected; events may tell when to look."""
        actor = self._actors[expectation.actor]
        value: Any = None
        is_so = False
        try:
            async with asyncio.timeout(self._options.within):
                while True:
                    value, seen = await _look(actor, expectation.what)
                    if is_so := seen == expectation.value:
                        break
                    await self._journal.until(lambda: None, 0.1)
        except TimeoutError:
            pass
        told = {"value": value}
        self._journal.write(expectation.actor, EntryKind.RESULT, expectation.what, told)
        return is_so

    async def _perceived(self, expectation: Expectation) -> bool:
        """Look and listen until something is as expected; write down what it was at last."""
        actor = self._actors[expectation.actor]
        kind = "video" if expectation.what == "sees" else "audio"
        judge = Judge(expectation)
        coming = actor.perceive(kind, expectation.of, expectation.track)
        try:
            async with asyncio.timeout(self._options.within), aclosing(coming):
                async for one in coming:
                    if judge.take(one):
                        break
        except TimeoutError:
            pass
        except DeedError as error:
            judge.told = {"error": error.message}
        about = {"of": expectation.of, "track": expectation.track}
        self._journal.write(
            expectation.actor, EntryKind.MEDIA, expectation.what, {**about, **judge.told}
        )
        return judge.is_satisfied


async def _look(actor: Actor, what: str) -> tuple[Any, Any]:
    """A state or roster, and what of it is expected; nothing of who has not joined."""
    try:
        if what == "state":
            state = await actor.state()
            return state, state
        roster = await actor.roster()
    except DeedError:
        return None, None
    return roster, [one["identity"] for one in roster]


def _is_expected(entry: Entry, expectation: Expectation) -> bool:
    if entry.kind is not EntryKind.EVENT or entry.actor != expectation.actor:
        return False
    if entry.name != expectation.what:
        return False
    who, _, track = subject_of(entry.args).partition("/")
    if expectation.of not in ("", who) or expectation.track not in ("", track):
        return False
    codes = [one.get("code") for one in entry.args if isinstance(one, dict)]
    return expectation.code is None or expectation.code in codes


def _described_arguments(deed: Deed) -> dict[str, Any]:
    described: dict[str, Any] = {}
    for name, value in deed.arguments.items():
        if name == "tracks":
            described[name] = [one.name for one in value]
        elif name == "media":
            described[name] = value.name
        else:
            described[name] = described_data(value)
    return described


def _with_own_names(entries: Sequence[Entry], rooms: Mapping[str, str]) -> list[Entry]:
    """The entries with the scenario's names of rooms, whatever the service calls them."""
    made = []
    for entry in entries:
        text = json.dumps(entry.args)
        for own, theirs in rooms.items():
            text = text.replace(f'"{theirs}"', f'"{own}"')
        made.append(replace(entry, args=json.loads(text)))
    return made
