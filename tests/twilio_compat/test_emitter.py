from __future__ import annotations

import asyncio
import logging
from typing import ClassVar

import pytest

from acs_core.client.emitter import TaskOwner
from acs_core.errors import InvalidArgumentError
from twilio_compat.emitter import EventEmitter, OnceListener, positional_limit


class Bell(EventEmitter):
    EVENTS: ClassVar[frozenset[str]] = frozenset({"rung"})


class Tower(Bell):
    EVENTS: ClassVar[frozenset[str]] = frozenset({"climbed"})


def test_listeners_run_in_order_and_on_is_chainable() -> None:
    heard: list[object] = []
    tower = Tower()
    result = tower.on("rung", lambda: heard.append(1)).on("rung", lambda: heard.append(2))
    tower.prepend_listener("rung", lambda: heard.append(0))
    assert result is tower
    assert tower.emit("rung") is True
    assert heard == [0, 1, 2]


def test_events_of_bases_are_known() -> None:
    assert Tower.known_events() == {"rung", "climbed"}


@pytest.mark.feature("MIGRATE-003")
def test_an_unknown_event_is_refused_with_a_suggestion() -> None:
    with pytest.raises(InvalidArgumentError, match="rnug") as caught:
        Bell().on("rnug", print)
    assert caught.value.code == 422
    assert "'rung'" in caught.value.next_step


def test_an_event_unlike_all_others_lists_them() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Bell().on("zzzzzzzz", print)
    assert "rung" in caught.value.next_step


def test_a_listener_with_fewer_parameters_gets_the_first_arguments() -> None:
    heard: list[object] = []
    bell = Bell()
    bell.on("rung", lambda first: heard.append(first))
    bell.on("rung", lambda *everything: heard.append(everything))
    bell.emit("rung", 1, 2)
    assert heard == [1, (1, 2)]


def test_a_callable_without_signature_gets_everything() -> None:
    assert positional_limit(max) is None
    assert positional_limit(lambda a, /, b, *, c=1: None) == 2


def test_once_is_called_once() -> None:
    heard: list[int] = []
    bell = Bell().once("rung", lambda: heard.append(1))
    bell.prepend_once_listener("rung", lambda: heard.append(0))
    bell.emit("rung")
    assert bell.emit("rung") is False
    assert heard == [0, 1]


def test_remove_listener_forgets_the_latest_registration() -> None:
    heard: list[int] = []

    def listener() -> None:
        heard.append(1)

    bell = Bell().on("rung", listener).on("rung", listener)
    bell.off("rung", listener).removeListener("rung", print)
    assert bell.listener_count("rung") == 1
    assert bell.listeners("rung") == [listener]
    assert bell.event_names() == ["rung"]


def test_remove_all_listeners() -> None:
    tower = Tower().on("rung", print).on("climbed", print)
    tower.remove_all_listeners("rung")
    assert tower.event_names() == ["climbed"]
    tower.remove_all_listeners()
    assert tower.event_names() == []


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="listener must be a function"):
        Bell().on("rung", 3)  # type: ignore[arg-type]


def test_a_failing_listener_is_logged_and_the_next_is_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[int] = []

    def fails() -> None:
        raise RuntimeError("broken")

    bell = Bell().on("rung", fails).on("rung", lambda: heard.append(1))
    with caplog.at_level(logging.ERROR):
        bell.emit("rung")
    assert heard == [1]
    assert "broken" in caplog.text


async def test_a_coroutine_listener_is_a_task_of_the_owner() -> None:
    owner = TaskOwner()
    done = asyncio.Event()

    async def listener() -> None:
        done.set()

    EventEmitter.__init__(bell := Bell.__new__(Bell), owner)
    bell.on("rung", listener)
    bell.emit("rung")
    assert owner.is_busy
    async with asyncio.timeout(1):
        await done.wait()
    await owner.aclose()
    assert not owner.is_busy


def test_a_once_listener_runs_once_when_the_event_is_emitted_within() -> None:
    emitter = Bell()
    heard: list[str] = []
    emitter.once("rung", lambda: emitter.emit("rung"))
    emitter.once("rung", lambda: heard.append("once"))
    emitter.emit("rung")
    assert heard == ["once"]


def test_parameters_with_defaults_keep_them() -> None:
    assert positional_limit(lambda track, label="x": None) == 1
    assert positional_limit(lambda track=None: None) == 1


class Gate(EventEmitter):
    EVENTS: ClassVar[frozenset[str]] = frozenset({"gateOpened"})


def test_events_may_be_named_in_either_spelling() -> None:
    heard: list[str] = []
    gate = Gate().on("gate_opened", lambda: heard.append("snake"))
    gate.once("gateOpened", lambda: heard.append("camel"))
    assert gate.emit("gateOpened")
    assert heard == ["snake", "camel"]
    assert gate.event_names() == ["gateOpened"]
    assert gate.listener_count("gate_opened") == 1
    gate.remove_all_listeners("gate_opened")
    assert not gate.emit("gate_opened")


def test_names_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        Gate().on(3, print)  # type: ignore[arg-type]


def test_raw_listeners_show_which_are_called_once_and_calling_one_uses_it_up() -> None:
    heard: list[int] = []
    bell = Bell().on("rung", print).once("rung", heard.append)
    always, once = bell.rawListeners("rung")
    assert always is print
    assert isinstance(once, OnceListener)
    assert once.listener == heard.append
    once(7)
    once(8)
    assert heard == [7]
    assert bell.listeners("rung") == [print]


def test_a_raw_listener_can_be_taken_back() -> None:
    bell = Bell().once("rung", print)
    bell.off("rung", bell.raw_listeners("rung")[0])
    assert bell.listeners("rung") == []


def test_many_listeners_of_one_event_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    bell = Bell()
    assert bell.getMaxListeners() == 10
    for _ in range(10):
        bell.on("rung", print)
    assert "leak" not in caplog.text
    for _ in range(3):
        bell.on("rung", print)
    assert caplog.text.count("Possible memory leak: Bell has 11 listeners of 'rung'") == 1


@pytest.mark.parametrize("limit", [0, float("inf"), 20])
def test_the_number_of_listeners_can_be_raised(
    limit: float, caplog: pytest.LogCaptureFixture
) -> None:
    bell = Bell().set_max_listeners(limit)
    for _ in range(20):
        bell.on("rung", print)
    assert bell.get_max_listeners() == limit
    assert not caplog.text


@pytest.mark.parametrize("limit", [-1, float("nan"), True, "many"])
def test_a_number_of_listeners_must_be_one(limit: object) -> None:
    with pytest.raises(ValueError, match="non-negative"):
        Bell().set_max_listeners(limit)  # type: ignore[arg-type]
