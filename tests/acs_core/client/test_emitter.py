from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar

import pytest

import acs_core
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.errors import InvalidArgumentError


class Event(StrEnum):
    STATE_CHANGED = "stateChanged"
    ID_CHANGED = "idChanged"


class Thing(Emitter):
    EVENTS: ClassVar[frozenset[str]] = frozenset(Event)
    EVENT_SUB_CODE: ClassVar[int] = 41042

    def fire(self, event: str, *args: object) -> None:
        self._emit(event, *args)


def test_members_and_bare_names_are_the_same_event() -> None:
    thing, seen = Thing(), []
    thing.on("stateChanged", seen.append)
    thing.on(Event.STATE_CHANGED, lambda value: seen.append(-value))
    thing.fire(Event.STATE_CHANGED, 1)
    assert seen == [1, -1]
    assert thing.listener_count("stateChanged") == 2


@pytest.mark.parametrize("method", ["on", "once", "off"])
def test_an_unknown_name_is_refused_with_a_suggestion(method: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Did you mean 'stateChanged'") as caught:
        getattr(Thing(), method)("stateChange", print)
    assert (caught.value.code, caught.value.sub_code) == (422, 41042)


def test_a_name_like_no_other_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidArgumentError, match="Known: \\['idChanged', 'stateChanged'\\]"):
        Thing().on("zzz", print)


def test_off_takes_back_and_ignores_strangers() -> None:
    thing, seen = Thing(), []
    thing.on("idChanged", seen.append)
    thing.off("idChanged", print)
    thing.off("idChanged", seen.append)
    thing.fire("idChanged", 1)
    assert seen == []


def test_once_listens_once() -> None:
    thing, seen = Thing(), []
    thing.once("idChanged", seen.append)
    thing.fire("idChanged", 1)
    thing.fire("idChanged", 2)
    assert seen == [1]


def test_a_listener_that_raises_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    thing, seen = Thing(TaskOwner(logging.getLogger("mine"))), []

    def fail(_: int) -> None:
        raise RuntimeError("oops")

    thing.on("idChanged", fail)
    thing.on("idChanged", seen.append)
    thing.fire("idChanged", 1)
    assert seen == [1]
    assert [record.name for record in caplog.records] == ["mine"]
    assert "oops" in caplog.text


async def test_a_coroutine_listener_runs_as_an_owned_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    thing, seen = Thing(), []
    cancelled = asyncio.Event()

    async def listen(value: int) -> None:
        seen.append(value)
        raise RuntimeError("oops")

    async def hang(_: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    thing.on("idChanged", listen)
    thing.on("idChanged", hang)
    thing.fire("idChanged", 1)
    await asyncio.sleep(0)
    assert thing.tasks.is_busy
    await thing.tasks.aclose(grace=0.0)
    assert seen == [1]
    assert cancelled.is_set()
    assert not thing.tasks.is_busy
    assert "oops" in caplog.text


async def test_the_owner_gives_tasks_time_to_finish() -> None:
    owner, done = TaskOwner(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.call_soon, done.set)
    task = owner.spawn(done.wait(), "waits")
    await owner.aclose(grace=1.0)
    assert task.result() is True


async def test_a_task_may_close_its_own_owner(caplog: pytest.LogCaptureFixture) -> None:
    owner = TaskOwner()
    task = owner.spawn(owner.aclose(), "closes itself")
    await task
    owner.cancel()
    assert not task.cancelled()
    assert not caplog.records


def test_an_owner_without_tasks_may_be_cancelled_outside_the_loop() -> None:
    owner = TaskOwner()
    owner.cancel()
    assert not owner.is_busy


@pytest.mark.parametrize("registered", ["stateChanged", "state_changed", Event.STATE_CHANGED])
@pytest.mark.parametrize("taken_back", ["stateChanged", "state_changed", Event.STATE_CHANGED])
def test_a_name_in_snake_case_is_the_same_event(registered: str, taken_back: str) -> None:
    thing, seen = Thing(), []
    thing.on(registered, seen.append)
    assert thing.listener_count(taken_back) == 1
    thing.fire(Event.STATE_CHANGED, 1)
    thing.off(taken_back, seen.append)
    thing.fire(Event.STATE_CHANGED, 2)
    thing.once(taken_back, seen.append)
    thing.fire(Event.STATE_CHANGED, 3)
    thing.fire(Event.STATE_CHANGED, 4)
    assert seen == [1, 3]


def emitters(parent: type[Emitter] = Emitter) -> Iterator[type[Emitter]]:
    for child in parent.__subclasses__():
        yield child
        yield from emitters(child)


def test_each_event_of_each_class_has_one_name_in_snake_case() -> None:
    kinds = [kind for kind in emitters() if kind.__module__.startswith("acs_core.")]
    assert acs_core.Call in kinds
    for kind in kinds:
        assert sorted(kind.__events__.values()) == sorted(kind.EVENTS), kind
        assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in kind.__events__), kind


def test_a_class_that_adds_an_event_keeps_those_of_its_base() -> None:
    class More(Thing):
        EVENTS: ClassVar[frozenset[str]] = Thing.EVENTS | {"CaptionsReceived"}

    assert More.__events__["captions_received"] == "CaptionsReceived"
    assert More.__events__["state_changed"] == "stateChanged"
    assert "captions_received" not in Thing.__events__
